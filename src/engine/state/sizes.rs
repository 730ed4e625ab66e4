//! The sizes of everything that a run keeps, in bytes, and whether there is room for more.

use crate::engine::config::limits::Limit;
use crate::engine::plan::{Body, Plan};
use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::meter::Meter;
use crate::engine::state::positions::{RunIx, StepIx};
use crate::engine::state::run::Run;
use crate::engine::state::scope::{Scope, ScopeKind};
use crate::engine::state::step::{Inner, Step, StepState};
use crate::error::Result;
use crate::json::{size, size_of_map};
use serde_json::{Map, Value};

/// Bytes that are reserved for each failure, so that a full run can still say why something failed.
pub(in crate::engine) const FAILURE: usize = 128;

/// Bytes of an attempt with its failure.
pub(in crate::engine) const ATTEMPT: usize = 160 + FAILURE;

/// Fixed bytes of a run, a scope, a step with its first attempt, a named value and an update; their contents are
/// counted apart.
const RUN: usize = 1_024 + FAILURE;

const SCOPE: usize = 256;

const STEP: usize = 384 + ATTEMPT;

const NAMED: usize = 128;

/// Fixed bytes of an event: its entries in the lists.
pub(in crate::engine) const EVENT: usize = 256;

/// Bytes of an event. Its name is kept in two lists.
pub(in crate::engine) fn size_of_event(name: &str, payload: &Value) -> usize {
    EVENT + 2 * name.len() + size(payload)
}

/// Bytes of a failure beyond the reserved ones.
pub(in crate::engine) fn size_of_failure(failure: &Failure) -> usize {
    failure.size().saturating_sub(FAILURE)
}

/// Bytes of an update, with the reserve for its failure.
pub(in crate::engine) fn size_of_update(name: &str, payload: &Value) -> usize {
    FAILURE + size_of_named(name, payload)
}

/// Bytes of a result that is kept under an idempotency key. `result` is its size; the run keeps the key too.
pub(in crate::engine) fn size_of_used(key: &str, result: usize) -> usize {
    2 * (NAMED + key.len()) + result
}

/// Bytes of a named value.
pub(in crate::engine) fn size_of_named(name: &str, value: &Value) -> usize {
    NAMED + name.len() + size(value)
}

/// Bytes of the thing that a step waits for or runs.
fn size_of_inner(inner: &Inner) -> usize {
    let of = |value: &Option<Value>| value.as_ref().map_or(0, size);
    match inner {
        Inner::Loop { items, results, .. } => {
            let items: usize = items.iter().flat_map(|items| items.iter()).map(size).sum();
            items + results.iter().map(of).sum::<usize>()
        }
        Inner::Turns { candidate, feedback, .. } => of(candidate) + of(feedback),
        Inner::Approval(request) => size_of_map(request),
        Inner::Event(name) | Inner::Update(name) => name.len(),
        _ => 0,
    }
}

/// Bytes of a scope with its steps.
fn bytes_of(scope: &Scope) -> usize {
    Run::size_of_scope(&scope.body, size_of_map(&scope.locals) + size_of_map(&scope.variables))
}

impl Run {
    /// The bytes that the run keeps, at most [`Limit::RunBytes`].
    pub fn kept_bytes(&self) -> usize {
        self.meter.bytes()
    }

    pub(in crate::engine) fn count_value(&mut self, value: &Value) {
        self.meter.add(size(value));
    }

    /// Counts a named value: a variable, a signal, an update or a received event.
    pub(in crate::engine) fn count_named(&mut self, name: &str, value: &Value) {
        self.meter.add(size_of_named(name, value));
    }

    pub(in crate::engine) fn count_inner(&mut self, inner: &Inner) {
        self.meter.add(size_of_inner(inner));
    }

    /// Counts a failure beyond its reserve.
    pub(in crate::engine) fn count_failure(&mut self, failure: &Failure) {
        self.meter.add(size_of_failure(failure));
    }

    /// Bytes of a scope. `own` are those of a round's names or a branch's variables.
    pub(in crate::engine) fn size_of_scope(body: &Body, own: usize) -> usize {
        SCOPE + body.operators.len() * STEP + own
    }

    /// How many copies of a step's result are kept. The result of a task in a loop may also be the result of its round.
    pub(in crate::engine) fn copies_of_result(&self, step: StepIx) -> usize {
        1 + usize::from(self.scope_of(step).is_some_and(|scope| matches!(scope.kind, ScopeKind::Round(_))))
    }

    /// Counts the last scope with its steps.
    pub(in crate::engine) fn count_scope(&mut self) {
        self.meter.add(self.scopes.last().map_or(0, bytes_of));
    }

    /// Bytes of a new run.
    pub(in crate::engine) fn size_of_new(plan: &Plan, inputs: &Map<String, Value>) -> usize {
        RUN + Self::size_of_scope(&plan.body, size_of_map(inputs))
    }

    /// Counts everything that a restored run keeps.
    pub(in crate::engine) fn measure(&mut self) {
        let mut meter = Meter::default();
        meter.add(RUN + size_of_map(&self.created.inputs));
        meter.add_value(self.result.as_ref());
        meter.add(self.failure.as_ref().map_or(0, size_of_failure));
        for scope in &self.scopes {
            meter.add(bytes_of(scope));
        }
        for (at, step) in self.steps.placed() {
            // The loop keeps the result of a finished round.
            let is_in_open =
                step.state == StepState::Succeeded && self.scope_of(at).is_some_and(|scope| scope.open > 0);
            let copies = if is_in_open { self.copies_of_result(at) } else { 1 };
            meter.add(copies * step.result.as_ref().map_or(0, size));
            meter.add(step.attempts_set_aside() * ATTEMPT);
            meter.add(step.inner.as_ref().map_or(0, size_of_inner));
            for attempt in &step.attempts {
                meter.add_value(attempt.result.as_ref());
                meter.add(attempt.failure.as_ref().map_or(0, size_of_failure));
            }
            if let Some(reports) = &step.reports {
                meter.add(reports.lines.iter().map(|line| line.message.len()).sum());
                meter.add_value(reports.heartbeat.as_ref().map(|heartbeat| &heartbeat.details));
            }
        }
        for name in self.received.keys() {
            meter.add(size_of_named(name, &Value::Null));
        }
        for signal in &self.signals {
            meter.add(size_of_named(&signal.name, &signal.payload));
        }
        for update in &self.updates {
            meter.add(size_of_update(&update.name, &update.payload));
            meter.add_value(update.result.as_ref());
            meter.add(update.failure.as_ref().map_or(0, size_of_failure));
        }
        self.meter = meter;
    }
}

impl Step {
    /// The attempts after the first one, including one that is about to start.
    fn attempts_set_aside(&self) -> usize {
        let is_over = self.attempts.last().is_some_and(|attempt| attempt.ended_at.is_some());
        let comes_next = is_over && matches!(self.state, StepState::Retrying | StepState::Pending);
        self.attempts.len().saturating_sub(1) + usize::from(comes_next)
    }
}

impl State {
    /// Whether a run may keep this many further bytes.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub(in crate::engine) fn has_room(&self, run: RunIx, bytes: usize) -> Result<()> {
        let own = self.runs.get(run).map_or(0, |run| run.meter.bytes());
        self.config.limits.check(Limit::RunBytes, own.saturating_add(bytes))?;
        self.has_memory(bytes)
    }

    /// The bytes that the engine keeps, at most [`Limit::EngineBytes`].
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes.get()
    }

    /// Whether the engine may keep this many further bytes.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn has_memory(&self, bytes: usize) -> Result<()> {
        let all = self.kept_bytes.get().saturating_add(bytes);
        self.config.limits.check(Limit::EngineBytes, all)
    }

    /// The bytes of a tool's result, if a run may keep this many copies of it.
    pub(in crate::engine) fn may_give(&self, run: RunIx, result: &Value, copies: usize) -> Result<usize> {
        let bytes = size(result);
        self.config.limits.check(Limit::ResultBytes, bytes)?;
        self.has_room(run, bytes.saturating_mul(copies))?;
        Ok(bytes)
    }

    /// The bytes of a result, if a step may end with it.
    pub(in crate::engine) fn may_succeed(&self, run: RunIx, step: StepIx, result: &Value) -> Result<usize> {
        self.may_give(run, result, self.runs.get(run).map_or(1, |run| run.copies_of_result(step)))
    }

    /// The failure as far as the run has room for it: at least its code and the start of its message.
    pub(in crate::engine) fn fitting(&self, run: RunIx, mut failure: Failure, beside: usize) -> Failure {
        if self.has_room(run, beside + size_of_failure(&failure)).is_err() {
            failure.cut_to(FAILURE);
        }
        failure
    }

    /// Counts bytes that belong to no run: definitions, artifacts and the like.
    pub(in crate::engine) fn count_bytes(&self, bytes: usize) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_add(bytes));
    }

    /// Uncounts such bytes.
    pub(in crate::engine) fn uncount_bytes(&self, bytes: usize) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_sub(bytes));
    }
}
