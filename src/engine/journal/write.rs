//! The text of records.

use crate::codec::JsonWriter;
use crate::engine::journal::checkpoint::write::{run_kept, state_kept};
use crate::engine::journal::record::Record;
use crate::engine::journal::text::{FieldWriter, WriteJson, text_of};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, StepIx};
use crate::engine::state::run::{RunCreated, RunState};
use crate::engine::state::schedule::Schedule;
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::Inner;
use serde_json::Value;

/// Text of the records of one step.
pub fn write_records(records: &[Record]) -> String {
    text_of(records)
}

impl WriteJson for Record {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |fields| record(self, fields));
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each record")]
fn record(record: &Record, out: &mut FieldWriter<'_>) {
    match record {
        Record::Registered(kept) => out
            .set("type", "registered")
            .set("hash", &kept.hash)
            .set("definition", &*kept.definition)
            .set("at", &kept.at)
            .set_some("version", Some(&kept.version).filter(|version| **version > 0))
            .set_true("is_named", kept.is_named),
        Record::DefinitionForgotten { hash } => out.set("type", "definition_forgotten").set("hash", hash),
        Record::RunCreated(created) => run_created(created, out.set("type", "run_created")),
        Record::RunForgotten { run } => out.set("type", "run_forgotten").set("run", run),
        Record::RunsSkipped { count } => out.set("type", "runs_skipped").set("count", count),
        Record::RunKept(run) => run_kept(run, out),
        Record::StateKept(state) => state_kept(state, out),
        Record::SourceKept { hash, source } => {
            out.set("type", "source_kept").set("hash", hash).set("source", &**source)
        }
        Record::ArtifactKept(artifact) => out
            .set("type", "artifact_kept")
            .set("id", &artifact.id)
            .set("name", &artifact.name)
            .set("mime", &artifact.mime)
            .set("size", &artifact.size)
            .set("content", &*artifact.content)
            .set("at", &artifact.at),
        Record::ArtifactDeleted { id } => out.set("type", "artifact_deleted").set("id", id),
        Record::ScheduleSet { schedule, to } => {
            schedule_set(to, out.set("type", "schedule_set").set("schedule", schedule))
        }
        Record::ScheduleHeld { schedule } => out.set("type", "schedule_held").set("schedule", schedule),
        Record::ScheduleFired { schedule, slot, next } => out
            .set("type", "schedule_fired")
            .set("schedule", schedule)
            .set("slot", slot)
            .set_some("next", next.as_ref()),
        Record::ScopeOpened { run, owner, kind, locals, at } => {
            let out = out.set("type", "scope_opened").set("run", run).set("owner", owner);
            scope_kind(*kind, out).set("locals", locals).set("at", at)
        }
        Record::ScopeCancelled { run, scope, at } => {
            out.set("type", "scope_cancelled").set("run", run).set("scope", scope).set("at", at)
        }
        Record::AttemptStarted { run, step, call, key, deadline, at } => {
            of_step("attempt_started", *run, *step, out)
                .set("call", call)
                .set_some("key", key.as_ref())
                .set_some("deadline", deadline.as_ref())
                .set("at", at)
        }
        Record::Entered { run, step, inner, until, at } => of_step("entered", *run, *step, out)
            .set("inner", inner)
            .set_some("until", until.as_ref())
            .set("at", at),
        Record::AttemptFailed { run, step, failure, result, retry_at, at } => {
            of_step("attempt_failed", *run, *step, out)
                .set("failure", failure)
                .set_some("result", result.as_ref())
                .set_some("retry_at", retry_at.as_ref())
                .set("at", at)
        }
        Record::OutputKept { run, step, result } => {
            of_step("output_kept", *run, *step, out).set("result", result)
        }
        Record::RetryDue { run, step } => of_step("retry_due", *run, *step, out),
        Record::Parked { run, step, key } => of_step("parked", *run, *step, out).set("key", key),
        Record::KeyUsed { run, key, result } => {
            out.set("type", "key_used").set("run", run).set("key", key).set("result", result)
        }
        Record::TurnTaken { run, step, candidate, feedback, turn, call } => {
            of_step("turn_taken", *run, *step, out)
                .set_some("candidate", candidate.as_ref())
                .set_some("feedback", feedback.as_ref())
                .set("turn", turn)
                .set("call", call)
        }
        Record::ItemsAdded { run, step, items } => {
            of_step("items_added", *run, *step, out).set("items", items)
        }
        Record::Logged { run, step, level, message, at } => of_step("logged", *run, *step, out)
            .set("level", level.word())
            .set("message", message)
            .set("at", at),
        Record::Heartbeat { run, step, details, at } => {
            of_step("heartbeat", *run, *step, out).set("details", details).set("at", at)
        }
        Record::Succeeded { run, step, result, chosen, at } => of_step("succeeded", *run, *step, out)
            .set("result", result)
            .set_some("chosen", Some(chosen).filter(|chosen| !chosen.is_empty()))
            .set("at", at),
        Record::Skipped { run, step, at } => of_step("skipped", *run, *step, out).set("at", at),
        Record::VariableSet { run, step, name, value } => {
            of_step("variable_set", *run, *step, out).set("name", name).set("value", value)
        }
        Record::Emitted { name, payload, at } => {
            out.set("type", "emitted").set("name", name).set("payload", payload).set("at", at)
        }
        Record::Signalled { run, name, payload, at } => out
            .set("type", "signalled")
            .set("run", run)
            .set("name", name)
            .set("payload", payload)
            .set("at", at),
        Record::UpdateSent { run, name, payload, deadline, at } => out
            .set("type", "update_sent")
            .set("run", run)
            .set("name", name)
            .set("payload", payload)
            .set("deadline", deadline)
            .set("at", at),
        Record::UpdateTaken { run, step, update, call } => {
            of_step("update_taken", *run, *step, out).set("update", update).set_some("call", call.as_ref())
        }
        Record::UpdateEnded { run, update, state, result, failure, at } => out
            .set("type", "update_ended")
            .set("run", run)
            .set("update", update)
            .set("state", state.word())
            .set_some("result", result.as_ref())
            .set_some("failure", failure.as_ref())
            .set("at", at),
        Record::Received { run, name, event } => {
            out.set("type", "received").set("run", run).set("name", name).set_some("event", event.as_ref())
        }
        Record::RunEnded { run, state, failure, result, at } => out
            .set("type", "run_ended")
            .set("run", run)
            .set("state", run_state(*state))
            .set_some("failure", failure.as_ref())
            .set_some("result", result.as_ref())
            .set("at", at),
    };
}

fn of_step<'a, 'b>(
    kind: &'static str,
    run: RunIx,
    step: StepIx,
    out: &'a mut FieldWriter<'b>,
) -> &'a mut FieldWriter<'b> {
    out.set("type", kind).set("run", &run).set("step", &step)
}

pub(in crate::engine) fn run_created<'a, 'b>(
    created: &RunCreated,
    out: &'a mut FieldWriter<'b>,
) -> &'a mut FieldWriter<'b> {
    out.set("run_id", &created.run_id)
        .set("hash", &created.hash)
        .set("inputs", &created.inputs)
        .set_some("key", created.key.as_ref());
    if let Some(parent) = &created.parent {
        out.nest("parent", |out| {
            out.set("run", &parent.run)
                .set("run_id", &parent.run_id)
                .set("step", &parent.step)
                .set("attempt", &parent.attempt)
                .set("name", &parent.name);
        });
    }
    if let Some((schedule, slot)) = &created.schedule {
        out.set("schedule", schedule).set("slot", slot).set_true("is_late", created.is_late);
    }
    out.set("at", &created.at)
}

fn schedule_set<'a, 'b>(schedule: &Schedule, out: &'a mut FieldWriter<'b>) -> &'a mut FieldWriter<'b> {
    out.set("id", &schedule.id)
        .set("name", &schedule.name)
        .set("text", &schedule.text)
        .set("workflow", &schedule.workflow)
        .set_some("hash", schedule.hash.as_ref())
        .set("inputs", &schedule.inputs)
        .set_some("start", schedule.start.as_ref())
        .set("catches_up", &schedule.catches_up)
        .set_some("most_active", Some(&schedule.most_active).filter(|most| **most != usize::MAX))
        .set("is_own", &schedule.is_own)
        .set("state", schedule.state.word())
        .set("at", &schedule.at)
        .set_some("next", schedule.next.as_ref())
        .set_some("last", schedule.last.as_ref())
        .set("fired", &schedule.fired)
}

pub(in crate::engine) fn scope_kind<'a, 'b>(
    kind: ScopeKind,
    out: &'a mut FieldWriter<'b>,
) -> &'a mut FieldWriter<'b> {
    match kind {
        ScopeKind::Round(round) => out.set("round", &round),
        ScopeKind::Branch(branch) => out.set("branch", &branch),
        ScopeKind::Workflow => out,
    }
}

pub(in crate::engine) const fn run_state(state: RunState) -> &'static str {
    match state {
        RunState::Active => "active",
        RunState::Completed => "completed",
        RunState::Cancelled => "cancelled",
        RunState::Failed => "failed",
    }
}

impl WriteJson for Failure {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            out.set("code", &self.code)
                .set("message", &self.message)
                .set_some("help", self.help.as_ref())
                .set("retryable", &self.retryable);
            out.set_some("details", self.details.as_deref());
        });
    }
}

impl WriteJson for Inner {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            match self {
                Self::Sleep => out.set("type", "sleep"),
                Self::Event(name) => out.set("type", "event").set("name", name),
                Self::Join => out.set("type", "join"),
                Self::Branches { fork, only } => {
                    out.set("type", "branches").set("fork", fork).set_some("only", only.as_ref())
                }
                Self::Loop { items, is_open, over, results } => {
                    let results: Vec<&[Value]> = results.iter().map(Option::as_slice).collect();
                    out.set("type", "loop")
                        .set("items", items)
                        .set("is_open", is_open)
                        .set_some("over", Some(over).filter(|over| **over > 0))
                        .set_some("results", Some(&results).filter(|results| !results.is_empty()))
                }
                Self::Children(children) => {
                    let children =
                        children.iter().map(|(name, at)| (name.clone(), at.get().into())).collect();
                    out.set("type", "children").set::<serde_json::Map<_, _>>("children", &children)
                }
                Self::Turns { candidate, feedback, turn } => out
                    .set("type", "turns")
                    .set_some("candidate", candidate.as_ref())
                    .set_some("feedback", feedback.as_ref())
                    .set("turn", turn),
                Self::Update(name) => out.set("type", "update").set("name", name),
                Self::Handling(update) => out.set("type", "handling").set("update", update),
                Self::Approval(request) => out.set("type", "approval").set("asked", request),
            };
        });
    }
}
