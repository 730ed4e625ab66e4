//! How much runs keep.

use super::plan::{Operation, Plan, Planned};
use super::run::{Inner, Run};
use super::{Engine, Limit};
use crate::error::Result;
use crate::json::{size, size_of_map};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::rc::Rc;

/// Bytes of a run, a scope, a step, an attempt, something with a name, beside what is in them.
const RUN: usize = 1_024;
const SCOPE: usize = 256;
const STEP: usize = 384;
const ATTEMPT: usize = 160;
const NAMED: usize = 128;

/// Bytes that a run keeps. They are only ever added: what is replaced counts until the run is forgotten or its state is read again.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    own: usize,
    /// Bytes of all runs of the engine; of none where the run is in no engine.
    all: Option<Rc<Cell<usize>>>,
}

/// What is counted follows from what is there.
impl PartialEq for Meter {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Meter {
    pub(super) fn add(&mut self, bytes: usize) {
        self.own += bytes;
        if let Some(all) = &self.all {
            all.set(all.get() + bytes);
        }
    }

    fn add_value(&mut self, value: Option<&Value>) {
        self.add(value.map_or(0, size));
    }

    /// Counts to the bytes of all from now on.
    pub(super) fn join(&mut self, all: &Rc<Cell<usize>>) {
        all.set(all.get() + self.own);
        self.all = Some(Rc::clone(all));
    }

    /// Does not count to them any more.
    pub(super) fn leave(&mut self) {
        if let Some(all) = self.all.take() {
            all.set(all.get().saturating_sub(self.own));
        }
    }
}

/// Bytes of a value that has a name.
pub(super) fn size_of_named(name: &str, value: &Value) -> usize {
    NAMED + name.len() + size(value)
}

/// Bytes of what a step waits for, or runs inside.
fn size_of_inner(inner: &Inner) -> usize {
    let of = |value: &Option<Value>| value.as_ref().map_or(0, size);
    match inner {
        Inner::Loop { items, results, .. } => {
            let items: usize = items.iter().flatten().map(size).sum();
            items + results.iter().map(of).sum::<usize>()
        }
        Inner::Turns { candidate, feedback, .. } => of(candidate) + of(feedback),
        Inner::Approval(asked) => size_of_map(asked),
        Inner::Event(name) | Inner::Update(name) => name.len(),
        _ => 0,
    }
}

impl Run {
    pub(super) fn keeps(&mut self, value: &Value) {
        self.meter.add(size(value));
    }

    /// Counts a variable, a signal, an update, an event that it has taken.
    pub(super) fn keeps_named(&mut self, name: &str, value: &Value) {
        self.meter.add(size_of_named(name, value));
    }

    pub(super) fn keeps_inner(&mut self, inner: &Inner) {
        self.meter.add(size_of_inner(inner));
    }

    pub(super) fn keeps_attempt(&mut self) {
        self.meter.add(ATTEMPT);
    }

    /// Bytes of a round of a loop.
    pub(super) fn size_of_scope(operator: &Planned, locals: &Map<String, Value>) -> usize {
        let steps = match &operator.operation {
            Operation::Foreach { body, .. } | Operation::While { body, .. } => body.operators.len(),
            _ => 0,
        };
        SCOPE + steps * (STEP + ATTEMPT) + size_of_map(locals)
    }

    /// Counts the last scope, with the steps that it brought.
    pub(super) fn keeps_scope(&mut self) {
        let Some(scope) = self.scopes.last() else { return };
        let steps = scope.body.operators.len() * STEP;
        self.meter.add(SCOPE + steps + size_of_map(&scope.locals) + size_of_map(&scope.variables));
    }

    /// Bytes of a run that begins.
    pub(super) fn size_of_new(plan: &Plan, inputs: &Map<String, Value>) -> usize {
        let steps = plan.body.operators.len() * STEP;
        RUN + SCOPE + steps + size_of_map(inputs)
    }

    /// Counts what a run has that was restored.
    pub(super) fn measure(&mut self) {
        let mut meter = Meter { own: RUN + size_of_map(&self.created.inputs), all: None };
        meter.add_value(self.result.as_ref());
        for scope in &self.scopes {
            let steps = scope.body.operators.len() * STEP;
            meter.add(SCOPE + steps + size_of_map(&scope.locals) + size_of_map(&scope.variables));
        }
        for step in &self.steps {
            meter.add_value(step.result.as_ref());
            meter.add(step.attempts.len() * ATTEMPT);
            meter.add(step.inner.as_ref().map_or(0, size_of_inner));
            for attempt in &step.attempts {
                meter.add_value(attempt.result.as_ref());
            }
            if let Some(told) = &step.told {
                meter.add(told.lines.iter().map(|line| line.message.len()).sum());
                meter.add_value(told.heartbeat.as_ref().map(|heartbeat| &heartbeat.details));
            }
        }
        for name in self.received.keys() {
            meter.add(size_of_named(name, &Value::Null));
        }
        for signal in &self.signals {
            meter.add(size_of_named(&signal.name, &signal.payload));
        }
        for update in &self.updates {
            meter.add(size_of_named(&update.name, &update.payload));
            meter.add_value(update.result.as_ref());
        }
        self.meter = meter;
    }
}

impl Engine {
    /// Whether a run may keep so many bytes more.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub(super) fn has_room(&self, run: usize, bytes: usize) -> Result<()> {
        let own = self.runs.get(run).map_or(0, |run| run.meter.own);
        self.config.limits.check(Limit::RunBytes, own.saturating_add(bytes))?;
        self.has_memory(bytes)
    }

    /// Bytes of all that the engine keeps. Attempts and rounds of what runs already may take a little more than is allowed.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes.get()
    }

    /// Whether the engine may keep so many bytes more.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn has_memory(&self, bytes: usize) -> Result<()> {
        let all = self.kept_bytes.get().saturating_add(bytes);
        self.config.limits.check(Limit::EngineBytes, all)
    }

    /// Whether a step may give a result.
    pub(super) fn may_give(&self, run: usize, result: &Value) -> Result<()> {
        let bytes = size(result);
        self.config.limits.check(Limit::ResultBytes, bytes)?;
        self.has_room(run, bytes)
    }

    /// Definitions, artifacts and the like, which belong to no run.
    pub(super) fn keeps(&self, bytes: usize) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_add(bytes));
    }

    /// The like of them is kept no more.
    pub(super) fn lets_go(&self, bytes: usize) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_sub(bytes));
    }
}
