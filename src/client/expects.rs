//! The expected kind of a successful answer.

use super::run::{has_runs, is_run, run_id_of};
use super::tasks::{has_logs, has_steps};
use serde_json::Value;

/// The expected kind of a successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// JSON, without its envelope.
    Json,
    /// Text, or JSON without its envelope.
    Text,
    /// Bytes. The host keeps them, so there is no data.
    Bytes,
    /// Server-sent events. The host keeps the stream, so there is no data.
    Events,
    /// A run.
    Run,
    /// The id of a new run.
    NewRun,
    /// Runs.
    Runs,
    /// Steps of a run.
    Steps,
    /// The output of steps.
    Logs,
}

impl Expects {
    /// How the host reads the answer: as `text`, `bytes` or `events`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Events => "events",
            _ => "text",
        }
    }

    pub(super) const fn media_types(self) -> &'static str {
        match self {
            Self::Text => "text/plain, application/json",
            Self::Bytes => "*/*",
            Self::Events => "text/event-stream",
            _ => "application/json",
        }
    }

    /// The missing kind in words, if the data of an answer is something else.
    pub(super) fn lacks(self, data: &Value) -> Option<&'static str> {
        let (is_expected, name) = match self {
            Self::Run => (is_run(data), "a run"),
            Self::NewRun => (run_id_of(data).is_some(), "the id of a run"),
            Self::Runs => (has_runs(data), "a list of runs"),
            Self::Steps => (has_steps(data), "the steps of a run"),
            Self::Logs => (has_logs(data), "the logs of a run"),
            Self::Json | Self::Text | Self::Bytes | Self::Events => (true, ""),
        };
        (!is_expected).then_some(name)
    }
}
