//! The API client's functions. Asynchronous ones own their data: nothing is borrowed across an `await`.

use super::convert::{JsResult, give, parse};
use super::host::Host;
use super::transport::{ClientTransport, config_of};
use crate::api;
use crate::codec::write_json;
use crate::error::Result;
use crate::number::to_f64;
use serde_json::Value;
use wasm_bindgen::prelude::*;

/// Checks the settings of a client, as [`ClientConfig::read`](crate::api::ClientConfig::read) takes them.
#[wasm_bindgen(js_name = clientCheck)]
pub fn client_check(config: &str) -> JsResult<()> {
    give(config_of(config).map(drop))
}

/// One operation of the client, as [`api::call`] names them; `limitMs` of the arguments is the time it may take in all.
#[wasm_bindgen(js_name = clientCall)]
pub async fn client_call(host: Host, config: String, op: String, args: String) -> JsResult<String> {
    give(call(&host, &config, &op, &args).await.map(|value| write_json(&value)))
}

async fn call(host: &Host, config: &str, op: &str, args: &str) -> Result<Value> {
    let config = config_of(config)?;
    let args = parse(args)?;
    let deadline = args.get("limitMs").and_then(to_f64).map(|limit| host.now() + limit);
    api::call(&ClientTransport { host, config, deadline }, op, &args).await
}
