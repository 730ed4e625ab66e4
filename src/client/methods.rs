//! The operations that the facade names, each of one request or several.

use super::run::{run_list, run_status};
use super::tasks::{has_results, log_entries, run_result, task_results};
use super::{Operation, run_id_of};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::json::object;
use serde_json::Value;

/// Sends operations to a server.
pub trait Transport {
    /// Sends the operation until it succeeds, is refused, or has no attempts left.
    fn perform(&self, operation: Operation) -> impl Future<Output = Result<Value>>;

    /// Receives some of the tasks of a run in the form of [`task_results`]. They come before the tasks in the result of
    /// the operation.
    fn part(&self, run_id: &str, is_first: bool, tasks: &Value);
}

/// Carries out the operation with the name `op`:
///
/// | `op` | arguments | result |
/// | --- | --- | --- |
/// | `request` | as [`Operation::read`] | the data of the answer |
/// | `submit` | `{bodyText, key}` | `{runId, data}` |
/// | `status` | `{runId}` | as [`run_status`] |
/// | `list` | `{page?, pageSize?, status?, days?}` | as [`run_list`], and the page itself as `raw` |
/// | `cancel` | `{runId, reason?}` | whether this request ended the run |
/// | `logs` | `{runId}` | as [`log_entries`] |
/// | `steps` | `{runId}` | as [`task_results`], after the parts |
///
/// # Errors
///
/// The errors of the requests; `NOT_SUPPORTED` for another name.
pub async fn call(transport: &impl Transport, op: &str, args: &Value) -> Result<Value> {
    let run_id = args.get("runId").and_then(Value::as_str).unwrap_or_default();
    match op {
        "request" => transport.perform(Operation::read(args)?).await,
        "submit" => submit(transport, args).await.map_err(as_submission),
        "status" => {
            let data = transport.perform(Operation::get_run(run_id)?).await?;
            Ok(run_status(&data, run_id))
        }
        "list" => {
            let raw = transport.perform(Operation::list_runs(args)).await?;
            let Value::Object(mut page) = run_list(&raw) else { return Ok(raw) };
            page.insert("raw".into(), raw);
            Ok(Value::Object(page))
        }
        "cancel" => cancel(transport, run_id, args.get("reason").and_then(Value::as_str)).await,
        "logs" => transport.perform(Operation::get_logs(run_id)?).await.map(|data| log_entries(&data)),
        "steps" => {
            let steps = steps(transport, run_id).await?;
            Ok(task_results(&Value::Null, Some(&steps), None))
        }
        _ => Err(Error::new(ErrorCode::NotSupported, format!("there is no operation `{op}`"))),
    }
}

/// The steps of a run. If there are many, only the last page; the earlier pages are passed to [`Transport::part`].
async fn steps(transport: &impl Transport, run_id: &str) -> Result<Value> {
    let mut cursor = 0;
    loop {
        let steps = transport.perform(Operation::get_steps(run_id, Some(cursor))?).await?;
        let next = steps
            .get("next_cursor")
            .and_then(Value::as_u64)
            .and_then(|next| u32::try_from(next).ok())
            .unwrap_or_default();
        if next <= cursor {
            return Ok(steps);
        }
        transport.part(run_id, cursor == 0, &task_results(&Value::Null, Some(&steps), None));
        cursor = next;
    }
}

async fn submit(transport: &impl Transport, args: &Value) -> Result<Value> {
    let text = |key: &str| args.get(key).and_then(Value::as_str).unwrap_or_default();
    let data = transport.perform(Operation::submit(text("bodyText").to_owned(), text("key"))).await?;
    Ok(object([("runId", run_id_of(&data).into()), ("data", data)]))
}

async fn cancel(transport: &impl Transport, run_id: &str, reason: Option<&str>) -> Result<Value> {
    match transport.perform(Operation::cancel_run(run_id, reason)?).await {
        Ok(_) => Ok(Value::Bool(true)),
        Err(error) if error.code() != ErrorCode::ApiConflict => Err(error),
        // After a repetition, the conflict may come from our own first request, whose answer was lost.
        Err(error) if error.details().contains_key("attempts") => {
            let run = transport.perform(Operation::get_run(run_id)?).await?;
            Ok(Value::Bool(run_status(&run, run_id).get("state") == Some(&"cancelled".into())))
        }
        Err(_) => Ok(Value::Bool(false)),
    }
}

/// `{status, tasks}` of a run that has ended: its status as [`run_status`], and its tasks as
/// [`task_results`](super::task_results), after the parts. If the server has no steps or no logs, or refuses them, only
/// those are missing.
///
/// # Errors
///
/// `ABORTED`.
pub async fn result(transport: &impl Transport, run_id: &str, run: &Value) -> Result<Value> {
    let steps = optional(steps(transport, run_id).await)?;
    let logs = match &steps {
        Some(steps) if !has_results(steps) => {
            optional(transport.perform(Operation::get_logs(run_id)?).await)?
        }
        _ => None,
    };
    Ok(run_result(run, run_id, steps.as_ref(), logs.as_ref()))
}

fn optional(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Err(error) if error.code() == ErrorCode::Aborted => Err(error),
        answer => Ok(answer.ok()),
    }
}

/// Gives a failed submission the class of its own. Aborts, time limits and invalid options keep theirs.
fn as_submission(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Api => error.with_kind(ErrorKind::Submission),
        _ => error,
    }
}
