//! What the engine gives to its host.

use crate::engine::journal::record::Record;
use crate::engine::journal::text::{FieldWriter, WriteJson, text_of};
use crate::engine::state::positions::{CallId, UpdateIx};
use crate::engine::state::reports::Heartbeat;
use crate::json::JsonWriter;
use crate::time::Millis;
use serde_json::Value;

/// The records to keep and the effects to carry out, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Changes of the state. The host appends them to the journal before it carries out any effect.
    pub records: Vec<Record>,
    /// What the host does next.
    pub effects: Vec<Effect>,
}

/// An action that only the host can carry out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Start a tool, and report its outcome.
    StartTool(Box<ToolCall>),
    /// Stop a running tool. Its outcome does not count any more.
    AbortTool {
        /// The call to stop.
        call: CallId,
        /// The reason, in words for the tool's log.
        reason: String,
    },
    /// An update was answered, or never will be.
    UpdateEnded {
        /// Id of the run.
        run_id: String,
        /// The update, by its position in the run.
        update: UpdateIx,
    },
    /// A run has ended: release everything that was kept for it.
    RunEnded {
        /// Id of the run.
        run_id: String,
    },
}

/// One call of a tool, for one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Number of the call, unique in the engine.
    pub call: CallId,
    /// Id of the run.
    pub run_id: String,
    /// Name of the workflow.
    pub workflow: String,
    /// Id of the task.
    pub task: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Name of the tool.
    pub tool: String,
    /// Positional arguments, templates resolved.
    pub args: Vec<Value>,
    /// Named arguments, templates resolved.
    pub kwargs: Value,
    /// A key that all attempts of the task in this run share. Each turn of a reflexive task and each answer to an
    /// update has its own.
    pub idempotency_key: String,
    /// The moment at which the attempt is aborted.
    pub deadline: Option<Millis>,
    /// The last heartbeat of the task in this run, even if an earlier attempt sent it.
    pub last_heartbeat: Option<Heartbeat>,
}

/// The text of effects for the host: a JSON list.
pub fn write_effects(effects: &[Effect]) -> String {
    text_of(effects)
}

impl WriteJson for Effect {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            match self {
                Self::StartTool(call) => out
                    .set("type", "start_tool")
                    .set("call", &call.call)
                    .set("runId", &call.run_id)
                    .set("workflow", &call.workflow)
                    .set("task", &call.task)
                    .set("attempt", &call.attempt)
                    .set("tool", &call.tool)
                    .set("args", &call.args)
                    .set("kwargs", &call.kwargs)
                    .set("idempotencyKey", &call.idempotency_key)
                    .set("deadline", &call.deadline)
                    .set("lastHeartbeat", &call.last_heartbeat.as_ref().map(Heartbeat::to_json)),
                Self::AbortTool { call, reason } => {
                    out.set("type", "abort_tool").set("call", call).set("reason", reason)
                }
                Self::UpdateEnded { run_id, update } => {
                    out.set("type", "update_ended").set("runId", run_id).set("update", update)
                }
                Self::RunEnded { run_id } => out.set("type", "run_ended").set("runId", run_id),
            };
        });
    }
}
