//! A run on a server, its status and its results.

use super::DefaultHost;
use super::following::Following;
use super::task::TaskName;
use crate::client::{self, Host, Operation, State, Transport as _};
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A handle to a submitted run. A clone is the same run.
#[derive(Clone, Debug)]
pub struct Run<H = DefaultHost> {
    pub(super) following: Following<H>,
    pub(super) id: String,
}

/// The present status of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunStatus {
    /// Id of the run.
    pub run_id: String,
    /// Name of its workflow, if the server sends it.
    pub workflow_name: Option<String>,
    /// Its state.
    #[serde(deserialize_with = "state")]
    pub state: State,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Its progress.
    pub progress: Progress,
    /// When it was created, in ISO 8601, if the server sends it.
    pub created_at: Option<String>,
    /// When it started, in ISO 8601, if the server sends it.
    pub started_at: Option<String>,
    /// When it ended, in ISO 8601, if the server sends it.
    pub completed_at: Option<String>,
}

/// The progress of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 100, if the server sends it.
    pub percent: Option<f64>,
    /// The states of tasks by name, if the server sends them: `running`, `completed`, `skipped`, ….
    pub tasks: BTreeMap<String, String>,
}

/// Why a run or a task failed.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What the user can do about it.
    pub help: Option<String>,
}

/// The end of a run and the results of its tasks.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct RunResult {
    /// The final status.
    pub status: RunStatus,
    /// The tasks by name.
    pub tasks: BTreeMap<String, TaskResult>,
}

/// The result of a task.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct TaskResult {
    /// Name of the task.
    pub name: String,
    /// Its state: `completed`, `failed`, `skipped`, ….
    pub state: String,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Standard output of a command.
    pub stdout: Option<String>,
    /// Standard error of a command.
    pub stderr: Option<String>,
    /// Exit code of a command.
    pub returncode: Option<i64>,
    result: Value,
}

/// One piece of the output of a task.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// Name of the task.
    pub task: Option<String>,
    /// The number of the attempt.
    pub attempt: Option<u32>,
    /// `stdout`, `stderr`, or a level.
    pub stream: String,
    /// The text.
    pub content: String,
    /// The time, in ISO 8601.
    pub timestamp: Option<String>,
}

fn state<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<State, D::Error> {
    Ok(State::read(&String::deserialize(deserializer)?))
}

/// The data of an answer as a Rust type.
pub(super) fn typed<T: DeserializeOwned>(value: Value, name: &str) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Error::new(ErrorCode::ApiResponseInvalid, format!("{name} does not have the expected type: {error}"))
    })
}

impl<H: Host> Run<H> {
    /// Id of the run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The present status of the run.
    ///
    /// # Errors
    ///
    /// `API_NOT_FOUND` for an unknown id, and other errors of the request.
    pub async fn status(&self) -> Result<RunStatus> {
        typed(self.call("status", Value::Null).await?, "the status of the run")
    }

    /// Waits until the run has ended, without a time limit. A failed run is a result too, not an error.
    ///
    /// # Errors
    ///
    /// `API_NOT_FOUND` for an unknown id; the error of the server if it stays unreachable for a minute.
    pub async fn result(&self) -> Result<RunResult> {
        self.end(None, |_| ()).await
    }

    /// Waits until the run has ended, and calls `on_change` with each change of the run.
    ///
    /// # Errors
    ///
    /// The errors of [`result`](Self::result).
    pub async fn watch(&self, on_change: impl FnMut(RunStatus) + 'static) -> Result<RunResult> {
        self.end(None, on_change).await
    }

    /// Waits until the run has ended, but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// `WAIT_TIMEOUT`, and the errors of [`result`](Self::result).
    pub async fn result_within(&self, limit: Duration) -> Result<RunResult> {
        self.end(Some(limit), |_| ()).await
    }

    async fn end(
        &self,
        limit: Option<Duration>,
        mut on_change: impl FnMut(RunStatus) + 'static,
    ) -> Result<RunResult> {
        let on_update = move |status: Value| {
            if let Ok(status) = typed(status, "the status of the run") {
                on_change(status);
            }
        };
        let end = self.following.end_of(&self.id, limit, Box::new(on_update)).await?;
        typed(end, "the result of the run")
    }

    /// Cancels the run; `false` if it had ended before.
    ///
    /// # Errors
    ///
    /// The errors of [`status`](Self::status).
    pub async fn cancel(&self, reason: Option<&str>) -> Result<bool> {
        Ok(self.call("cancel", reason.into()).await? == Value::Bool(true))
    }

    /// The output of the tasks, oldest first.
    ///
    /// # Errors
    ///
    /// The errors of [`status`](Self::status).
    pub async fn logs(&self) -> Result<Vec<LogEntry>> {
        typed(self.call("logs", Value::Null).await?, "the log")
    }

    /// Sends the run a signal with data.
    ///
    /// # Errors
    ///
    /// The errors of [`status`](Self::status); `VALUE_NOT_JSON` for data that cannot be JSON.
    pub async fn signal(&self, name: &str, payload: impl Serialize) -> Result<()> {
        let body =
            object([("signal_name", name.into()), ("signal_payload", super::plain(payload, "/payload")?)]);
        let request = object([
            ("method", "POST".into()),
            ("path", "workflows/{id}/signals".into()),
            ("params", object([("id", self.id.as_str().into())])),
            ("body", body),
        ]);
        self.following.session().perform(Operation::read(&request)?).await.map(drop)
    }

    async fn call(&self, op: &str, reason: Value) -> Result<Value> {
        let args = object([("runId", self.id.as_str().into()), ("reason", reason)]);
        client::call(&self.following.session(), op, &args).await
    }
}

impl RunResult {
    /// Whether the run completed.
    pub fn is_success(&self) -> bool {
        self.status.state == State::Completed
    }

    /// The result of a task.
    ///
    /// # Errors
    ///
    /// `API_NOT_FOUND` if the run has no such task.
    pub fn task(&self, task: impl TaskName) -> Result<&TaskResult> {
        let name = task.task_name();
        self.tasks.get(&name).ok_or_else(|| {
            Error::new(ErrorCode::ApiNotFound, format!("the run has no task `{name}`"))
                .with_help("a task has a result when it has started")
        })
    }
}

impl TaskResult {
    /// The result of the task as a Rust type.
    ///
    /// # Errors
    ///
    /// The failure of the task, with its own code if that is one of ours; `API_RESPONSE_INVALID` if the result has
    /// another shape.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T> {
        if let Some(Failure { code, message, help }) = &self.error {
            let code = ErrorCode::of_word(code).unwrap_or(ErrorCode::ToolFailed);
            let error = Error::new(code, message.as_str());
            return Err(error.with_any_help(help.clone()));
        }
        typed(self.result.clone(), &format!("the result of `{}`", self.name))
    }
}
