//! The text of a run as it stands, and of what else there is.

use crate::engine::journal::field::Whole;
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::snapshot::since;
use crate::engine::journal::text::{FieldWriter, WriteJson, item};
use crate::engine::journal::values::{run_state, scope_kind};
use crate::engine::state::reports::{Heartbeat, LogLine, Reports};
use crate::engine::state::run::{Run, Signal};
use crate::engine::state::scope::Scope;
use crate::engine::state::step::{Attempt, Counts, Step, StepState};
use crate::engine::state::update::Update;
use crate::json::JsonWriter;
use crate::time::Millis;
use std::collections::HashMap;

/// How much of a run has been written: it may be long, so it is several records then, of which all but the last say that
/// it goes on.
#[derive(Debug, Default)]
pub(super) struct Written {
    has_begun: bool,
    scopes: usize,
    steps: usize,
    updates: usize,
    signals: usize,
}

impl Written {
    /// Writes a record with what comes next, until there are so many bytes; whether that was all.
    pub(super) fn go_on(&mut self, run: &Run, most: usize, writer: &mut JsonWriter) -> bool {
        let mut is_whole = true;
        FieldWriter::object(writer, |out| {
            out.set("type", "run_kept");
            is_whole = self.fields(run, most, out);
            out.set_true("goes_on", !is_whole);
        });
        is_whole
    }

    fn fields(&mut self, run: &Run, most: usize, out: &mut FieldWriter<'_>) -> bool {
        if !std::mem::replace(&mut self.has_begun, true) {
            run.created.write(out);
            out.set("state", run_state(run.state))
                .set_some("failure", run.failure.as_ref())
                .set_some("result", run.result.as_ref())
                .set_some("started_at", run.started_at.as_ref())
                .set_some("ended_at", run.ended_at.as_ref());
        }
        let beginning = run.created.at;
        let is_whole = out
            .go_on("scopes", &run.scopes, &mut self.scopes, most, |scope| ScopeKept { run, scope })
            && out.go_on("steps", &run.steps, &mut self.steps, most, |step| StepKept { step, beginning })
            && out.go_on("updates", &run.updates, &mut self.updates, most, |update| update)
            && out.go_on("signals", &run.signals, &mut self.signals, most, |signal| signal);
        if is_whole {
            let mut received: Vec<_> = run.received.iter().collect();
            received.sort();
            out.set_list("received", &received).set_list("watching", &run.watching);
        }
        is_whole
    }
}

/// A run in one record.
pub(in crate::engine) fn run_kept(run: &Run, out: &mut FieldWriter<'_>) {
    Written::default().fields(run, usize::MAX, out);
}

struct ScopeKept<'a> {
    run: &'a Run,
    scope: &'a Scope,
}

impl WriteJson for ScopeKept<'_> {
    fn write(&self, writer: &mut JsonWriter) {
        let Scope { owner, kind, locals, variables, known, order, readable, .. } = self.scope;
        FieldWriter::object(writer, |out| {
            scope_kind(*kind, out)
                .set_some("owner", owner.as_ref())
                .set_some("locals", Some(locals).filter(|locals| !locals.is_empty()))
                .set_some("variables", Some(variables).filter(|variables| !variables.is_empty()))
                .set_list("known", known)
                // Mostly in the order of the definition.
                .set_some("order", Some(order).filter(|order| **order != self.run.succeeded_in(self.scope)))
                .set_list("readable", readable)
                .set_true("is_waited_for", self.scope.is_waited_for)
                .set_true("is_cancelled", self.scope.is_cancelled)
                .set_true("is_replaced", self.scope.is_replaced);
        });
    }
}

/// `[state, attempts, more, result?]`: there are many of them, so only what is not as usual has a name.
struct StepKept<'a> {
    step: &'a Step,
    beginning: Millis,
}

impl WriteJson for StepKept<'_> {
    fn write(&self, writer: &mut JsonWriter) {
        let attempts: Vec<_> = self
            .step
            .attempts
            .iter()
            .map(|attempt| AttemptKept { attempt, beginning: self.beginning })
            .collect();
        writer.open('[');
        item(writer, word(self.step.state));
        item(writer, &attempts);
        writer.item();
        FieldWriter::object(writer, |out| self.more(out));
        if let Some(result) = &self.step.result {
            item(writer, result);
        }
        writer.close(']');
    }
}

impl StepKept<'_> {
    fn more(&self, out: &mut FieldWriter<'_>) {
        let step = self.step;
        let since = |at: Millis| since(self.beginning, at);
        let usual = step.usual_times();
        let counts = step.dependencies;
        let Counts { over, succeeded, worked, failed, passed_by, upstream_failed, .. } = counts;
        let counts = [over, succeeded, worked, failed, passed_by, upstream_failed];
        let call = match step.state {
            StepState::Running { call } => Some(call),
            _ => None,
        };
        out.set_some("started_at", step.started_at.filter(|at| Some(*at) != usual.0).map(since).as_ref())
            .set_some("ended_at", step.ended_at.filter(|at| Some(*at) != usual.1).map(since).as_ref())
            .set_some("timer", step.timer.map(since).as_ref())
            .set_some("call", call.as_ref())
            .set_some("inner", step.inner.as_ref())
            .set_list("scopes", &step.scopes)
            .set_some("told", step.reports.as_deref())
            .set_some("key", step.key.as_ref())
            .set_some("cause", step.cause.as_ref())
            .set_some(
                "counts",
                Some(&counts[..]).filter(|counts| counts.iter().any(|count| *count > 0)).as_ref(),
            )
            .set_true("is_chosen", step.is_chosen)
            .set_some("asked", Some(&step.ways_over).filter(|request| **request > 0))
            .set_true("is_in_line", step.is_in_line);
    }
}

/// `[start, end?, failure?, result?]`.
struct AttemptKept<'a> {
    attempt: &'a Attempt,
    beginning: Millis,
}

impl WriteJson for AttemptKept<'_> {
    fn write(&self, writer: &mut JsonWriter) {
        let Attempt { started_at, ended_at, failure, result } = self.attempt;
        writer.open('[');
        item(writer, &since(self.beginning, *started_at));
        if ended_at.is_some() || failure.is_some() || result.is_some() {
            item(writer, &ended_at.map(|at| since(self.beginning, at)));
        }
        if failure.is_some() || result.is_some() {
            item(writer, failure);
        }
        if let Some(result) = result {
            item(writer, result);
        }
        writer.close(']');
    }
}

impl WriteJson for Reports {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            let lines: Vec<_> = self.lines.iter().collect();
            out.set_list("lines", &lines)
                .set_some("dropped", Some(&self.dropped).filter(|dropped| **dropped > 0));
            if let Some(beat) = &self.heartbeat {
                out.nest("heartbeat", |out| {
                    out.set("attempt", &beat.attempt).set("details", &beat.details).set("at", &beat.at);
                });
            }
        });
    }
}

impl WriteJson for &LogLine {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            out.set("attempt", &self.attempt)
                .set("level", self.level.word())
                .set("message", &self.message)
                .set("at", &self.at);
        });
    }
}

impl WriteJson for Update {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            out.set("name", &self.name)
                .set("payload", &self.payload)
                .set("state", self.state.word())
                .set_some("result", self.result.as_ref())
                .set_some("failure", self.failure.as_ref())
                .set("at", &self.at)
                .set("deadline", &self.deadline)
                .set_some("ended_at", self.ended_at.as_ref());
        });
    }
}

impl WriteJson for Signal {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            out.set("name", &self.name).set("payload", &self.payload).set("at", &self.at);
        });
    }
}

pub(in crate::engine) fn state_kept(state: &Standing, out: &mut FieldWriter<'_>) {
    let events =
        sorted(&state.events).into_iter().map(|(name, events)| (name, events.iter().collect::<Vec<_>>()));
    let circuits = sorted(&state.circuits).into_iter().map(|(name, circuit)| {
        (name, (circuit.failures, circuit.successes, (circuit.open_until, circuit.probe)))
    });
    out.set("last_call", &state.last_call)
        .set("last_event", &state.last_event)
        .set_list("events", &events.collect::<Vec<_>>())
        .set_list("used", &sorted(&state.once))
        .set_list("circuits", &circuits.collect::<Vec<_>>())
        .set_list("listening", &sorted(&state.listening))
        .set_list("parked", &sorted(&state.parked))
        .set_list("ready_tasks", &state.ready_tasks)
        .set_list("undecided", &state.undecided);
}

/// The same state is the same text.
fn sorted<T>(map: &HashMap<String, T>) -> Vec<(&String, &T)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

const fn word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Running { .. } => "running",
        StepState::Sleeping => "sleeping",
        StepState::Open => "open",
        StepState::Retrying => "retrying",
        StepState::Succeeded => "succeeded",
        StepState::Failed => "failed",
        StepState::Skipped => "skipped",
        StepState::Cancelled => "cancelled",
    }
}

impl WriteJson for Heartbeat {
    fn write(&self, writer: &mut JsonWriter) {
        writer.value(&self.to_json());
    }
}
