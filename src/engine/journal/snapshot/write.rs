//! Writes a run of a snapshot.

use crate::engine::journal::field::write_field;
use crate::engine::journal::snapshot::since;
use crate::engine::journal::text::{FieldWriter, WriteJson, item};
use crate::engine::state::run::Run;
use crate::engine::state::scope::Scope;
use crate::engine::state::step::{Attempt, Step, StepState};
use crate::json::JsonWriter;
use crate::time::Millis;
use serde_json::Map;
use std::collections::HashMap;

/// How much of a run is written. A long run is several records; each but the last has `"goes_on": true`.
#[derive(Debug, Default)]
pub(super) struct Written {
    has_begun: bool,
    scopes: usize,
    steps: usize,
    updates: usize,
    signals: usize,
}

impl Written {
    /// Writes the next record of the run, until the text has `most` bytes. Returns whether it is the last one.
    pub(super) fn go_on(&mut self, run: &Run, most: usize, writer: &mut JsonWriter) -> bool {
        let mut is_whole = true;
        FieldWriter::object(writer, |out| {
            out.set("type", "run_kept");
            is_whole = self.fields(run, most, out);
            write_field!(&!is_whole, out, goes_on = false);
        });
        is_whole
    }

    fn fields(&mut self, run: &Run, most: usize, out: &mut FieldWriter<'_>) -> bool {
        if !std::mem::replace(&mut self.has_begun, true) {
            run.created.write_fields(out);
            run.write_fields(out);
        }
        let beginning = run.created.at;
        let is_whole = out
            .go_on("scopes", &run.scopes, &mut self.scopes, most, |scope| ScopeKept { run, scope })
            && out.go_on("steps", &run.steps, &mut self.steps, most, |step| StepKept { step, beginning })
            && out.go_on("updates", &run.updates, &mut self.updates, most, |update| update)
            && out.go_on("signals", &run.signals, &mut self.signals, most, |signal| signal);
        if is_whole {
            write_field!(&run.received, out, received = HashMap::new());
            write_field!(&run.watching, out, watching = Vec::new());
        }
        is_whole
    }
}

/// Writes a run as one record.
pub(in crate::engine) fn run_kept(run: &Run, out: &mut FieldWriter<'_>) {
    Written::default().fields(run, usize::MAX, out);
}

struct ScopeKept<'a> {
    run: &'a Run,
    scope: &'a Scope,
}

impl WriteJson for ScopeKept<'_> {
    fn write(&self, writer: &mut JsonWriter) {
        let Self { run, scope } = self;
        FieldWriter::object(writer, |out| {
            // The arguments of `Run::open`.
            write_field!(&scope.kind, out, kind);
            write_field!(&scope.owner, out, owner);
            write_field!(&scope.locals, out, locals = Map::new());
            scope.write_fields(out, run.succeeded_in(scope));
        });
    }
}

/// `[state, attempts, more, result?]`. There are many steps, so `more` has only fields with an unusual value.
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
        let call = match step.state {
            StepState::Running { call } => Some(call),
            _ => None,
        };
        let unusual = |at: Option<Millis>, usual| at.filter(|_| at != usual).map(since);
        write_field!(&unusual(step.started_at, usual.0), out, started_at);
        write_field!(&unusual(step.ended_at, usual.1), out, ended_at);
        write_field!(&step.timer.map(since), out, timer);
        write_field!(&call, out, call);
        step.write_fields(out);
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
