//! The API client's functions. Asynchronous ones own their data: nothing is borrowed across an `await`.

use super::convert::{JsResult, give, parse};
use super::host::Host;
use super::transport::{perform, sleep};
use crate::api::{
    Call, ClientConfig, Operation, RetryPolicy, Watch, WatchAction, is_run, log_entries, no_run, run_id_of,
    run_list, run_status, task_results,
};
use crate::codec::write_json;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::json::object;
use crate::number::to_f64;
use serde_json::Value;
use wasm_bindgen::prelude::*;

/// Checks the settings of a client: `{endpoint, credential, timeout?, attempts?}`, the timeout in seconds.
#[wasm_bindgen(js_name = clientCheck)]
pub fn client_check(config: &str) -> JsResult<()> {
    give(parse(config).and_then(|config| client_config(&config)).map(drop))
}

/// One operation of the client: `op` names it, `args` are its arguments. Resolves with what the facade hands on.
#[wasm_bindgen(js_name = clientCall)]
pub async fn client_call(host: Host, config: String, op: String, args: String) -> JsResult<String> {
    let outcome = match (parse(&config), parse(&args)) {
        (Ok(config), Ok(args)) => call(&host, &config, &op, &args).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    give(outcome.map(|value| write_json(&value)))
}

async fn call(host: &Host, config: &Value, op: &str, args: &Value) -> Result<Value> {
    let config = client_config(config)?;
    let text = |key: &str| args.get(key).and_then(Value::as_str);
    let field = |key: &str| args.get(key).cloned().unwrap_or(Value::Null);
    let run_id = text("runId").unwrap_or_default();
    let send = |operation: Operation| perform(host, Call::new(config.clone(), operation));
    match op {
        "submit" => {
            let key = text("key").unwrap_or_default();
            let submitted = send(Operation::submit(field("definition"), field("inputs"), key)).await;
            let run_id = submitted.and_then(|data| run_id_of(&data));
            run_id.map(Value::from).map_err(as_submission)
        }
        "status" => match send(Operation::get_run(run_id)).await? {
            data if is_run(&data) => Ok(run_status(&data, run_id)),
            data => Err(no_run(&data)),
        },
        "list" => {
            let count = |key: &str| args.get(key).and_then(Value::as_u64);
            let operation = Operation::list_runs(count("page"), count("pageSize"), text("status"));
            send(operation).await.map(|data| run_list(&data))
        }
        "cancel" => match send(Operation::cancel_run(run_id, text("reason"))).await {
            Ok(_) => Ok(Value::Bool(true)),
            // After a repetition the conflict may be our own first request, whose answer was lost.
            Err(error)
                if error.code() == ErrorCode::ApiConflict && error.details().contains_key("attempts") =>
            {
                let run = send(Operation::get_run(run_id)).await?;
                Ok(Value::Bool(run_status(&run, run_id).get("state") == Some(&"cancelled".into())))
            }
            Err(error) if error.code() == ErrorCode::ApiConflict => Ok(Value::Bool(false)),
            Err(error) => Err(error),
        },
        "logs" => send(Operation::get_logs(run_id)).await.map(|data| log_entries(&data)),
        "steps" => {
            send(Operation::get_steps(run_id)).await.map(|data| task_results(&Value::Null, Some(&data)))
        }
        "result" => {
            let timeout = args.get("timeoutMs").and_then(to_f64);
            let outcome = result(host, &config, run_id, timeout).await;
            outcome.map_err(|error| error.with_detail("runId", run_id))
        }
        _ => Err(Error::new(ErrorCode::NotSupported, format!("there is no operation `{op}`"))),
    }
}

/// The status of a run that is over, and its tasks.
async fn result(host: &Host, config: &ClientConfig, run_id: &str, timeout: Option<f64>) -> Result<Value> {
    let run = watch(host, config, run_id, timeout).await?;
    let steps = match perform(host, Call::new(config.clone(), Operation::get_steps(run_id))).await {
        Ok(steps) => Some(steps),
        Err(error) if error.code() == ErrorCode::Aborted => return Err(error),
        // A server that keeps no steps, or does not show them: the result map is what there is.
        Err(_) => None,
    };
    Ok(object([("status", run_status(&run, run_id)), ("tasks", task_results(&run, steps.as_ref()))]))
}

async fn watch(host: &Host, config: &ClientConfig, run_id: &str, timeout: Option<f64>) -> Result<Value> {
    let mut watch = Watch::new(run_id, timeout, host.now());
    loop {
        match watch.next_action(host.now()) {
            WatchAction::Done(outcome) => return outcome,
            WatchAction::Sleep(ms) => sleep(host, ms).await?,
            WatchAction::Poll => {
                let answer = perform(
                    host,
                    Call::new(config.clone(), Operation::get_run(run_id)).until(watch.deadline()),
                )
                .await;
                if let Some(status) = watch.polled(answer, host.now(), host.random()) {
                    host.progress(&write_json(&status));
                }
            }
        }
    }
}

/// A failed submission has a class of its own; an abort and a bad option keep theirs.
fn as_submission(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Api => error.with_kind(ErrorKind::Submission),
        _ => error,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive and finite"
)]
fn client_config(value: &Value) -> Result<ClientConfig> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| value.get(key).and_then(to_f64);
    let mut config = ClientConfig::new(text("endpoint"), text("credential"))?;
    let positive = |key: &str, number: f64| {
        if number > 0.0 && number < 1e9 {
            return Ok(number);
        }
        Err(Error::new(
            ErrorCode::OptionInvalid,
            format!("`{key}` must be positive, got `{}`", crate::number::digits(number)),
        )
        .with_path(format!("/{key}")))
    };
    if let Some(seconds) = number("timeout") {
        config.request_timeout_ms = positive("timeout", seconds)? * 1_000.0;
    }
    if let Some(attempts) = number("attempts") {
        config.retry = RetryPolicy { attempts: positive("attempts", attempts)? as u32, ..config.retry };
    }
    Ok(config)
}
