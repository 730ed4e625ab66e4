//! The functions of the API client. Asynchronous functions own their data: nothing is borrowed across an `await`.

use super::convert::{JsResult, give, parse};
use super::host::Host;
use crate::client::{self, ClientConfig, Session};
use crate::error::Result;
use crate::json::number::to_f64;
use crate::json::write_json;
use serde_json::Value;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Checks the settings of a client; for their shape see [`ClientConfig::read`](crate::client::ClientConfig::read).
#[wasm_bindgen(js_name = clientCheck)]
pub fn client_check(config: &str) -> JsResult<()> {
    give(config_of(config).map(drop))
}

/// Carries out one operation of the client; [`client::call`] names them. `limitMs` of the arguments is the time limit
/// for all of it. The body of a request may come as JSON text beside the arguments, so that it is not parsed and
/// printed again.
#[wasm_bindgen(js_name = clientCall)]
pub async fn client_call(
    host: Host,
    config: String,
    op: String,
    args: String,
    body: Option<String>,
) -> JsResult<String> {
    give(call(&host, &config, &op, &args, body).await.map(|value| write_json(&value)))
}

/// Follows runs as the host's commands say, until no follower is left.
#[wasm_bindgen(js_name = clientWatch)]
pub async fn client_watch(host: Host, config: String) -> JsResult<()> {
    client::follow(host, give(config_of(&config))?).await;
    Ok(())
}

async fn call(host: &Host, config: &str, op: &str, args: &str, body: Option<String>) -> Result<Value> {
    let config = config_of(config)?;
    let mut args = parse(args)?;
    if let (Some(body), Value::Object(args)) = (body, &mut args) {
        args.insert("bodyText".into(), body.into());
    }
    let limit = args.get("limitMs").and_then(to_f64);
    let deadline = limit.map(|limit| client::Host::now(host) + limit);
    client::call(&Session { host, config, deadline }, op, &args).await
}

/// The settings of a client.
fn config_of(text: &str) -> Result<Rc<ClientConfig>> {
    Ok(Rc::new(ClientConfig::read(&parse(text)?)?))
}
