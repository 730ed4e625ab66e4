//! The engine's state: changed by records alone, so that replaying them rebuilds it.

use super::plan::Operation;
use super::record::RunCreated;
use super::run::{Attempt, Run, RunState, Step, StepState};
use super::{Effect, Output, Record};
use crate::template::Mode;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// How an engine behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Tools that may run at once; further tasks wait for a place.
    pub concurrency: usize,
    /// What a template that names nothing does.
    pub templates: Mode,
    /// What `{{ENV.NAME}}` reads.
    pub env: Map<String, Value>,
}

impl Default for Config {
    fn default() -> Self {
        Self { concurrency: 64, templates: Mode::Strict, env: Map::new() }
    }
}

/// Runs workflows.
#[derive(Debug, Default)]
pub struct Engine {
    pub(super) config: Config,
    pub(super) runs: Vec<Run>,
    ids: HashMap<String, usize>,
    keys: HashMap<String, usize>,
    /// What is due when: a run's end of time, or a step's timer.
    timers: BTreeSet<(Millis, usize, Option<usize>)>,
    /// Tasks whose dependencies have succeeded, waiting for a place.
    pub(super) ready_tasks: VecDeque<(usize, usize)>,
    /// Waits whose dependencies have succeeded; a sleep needs no place.
    pub(super) ready_waits: VecDeque<(usize, usize)>,
    /// The step of each running tool call.
    pub(super) calls: HashMap<u64, (usize, usize)>,
    pub(super) last_call: u64,
    output: Output,
}

/// A workflow to run.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The definition as it was sent; must have been checked.
    pub definition: Value,
    /// The same, read.
    pub workflow: super::plan::Plan,
    /// Run inputs.
    pub inputs: Map<String, Value>,
    /// A repeated key with the same content gives the run it gave before.
    pub key: Option<String>,
    /// Id for a new run.
    pub run_id: String,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A run began.
    Created(usize),
    /// The key was known, with the same content: the run it began.
    Repeated(usize),
    /// The key was known, with other content: the run it began.
    Conflict(usize),
}

impl Engine {
    /// An engine without runs.
    pub fn new(config: Config) -> Self {
        let concurrency = config.concurrency.max(1);
        Self { config: Config { concurrency, ..config }, ..Self::default() }
    }

    /// An engine in the state that the records describe.
    pub fn replay(config: Config, records: impl IntoIterator<Item = Record>) -> Self {
        let mut engine = Self::new(config);
        for record in records {
            engine.apply(record);
        }
        engine
    }

    /// Everything decided since the last call.
    pub fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    /// When [`tick`](Self::tick) has to be called next.
    pub fn next_wake(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _, _)| *at)
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The position and the run of an id.
    pub fn find(&self, run_id: &str) -> Option<(usize, &Run)> {
        let at = *self.ids.get(run_id)?;
        self.runs.get(at).map(|run| (at, run))
    }

    pub(super) fn run_of_key(&self, key: &str) -> Option<(usize, &Run)> {
        let at = *self.keys.get(key)?;
        self.runs.get(at).map(|run| (at, run))
    }

    pub(super) fn step(&self, run: usize, step: usize) -> Option<&Step> {
        self.runs.get(run)?.steps.get(step)
    }

    /// The timers that are due at `now`, removed from the list.
    pub(super) fn take_due(&mut self, now: Millis) -> Vec<(usize, Option<usize>)> {
        let mut due = Vec::new();
        while let Some(timer) = self.timers.first().copied().filter(|(at, _, _)| *at <= now) {
            self.timers.remove(&timer);
            due.push((timer.1, timer.2));
        }
        due
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.output.effects.push(effect);
    }

    /// Writes a record down and applies it.
    pub(super) fn commit(&mut self, record: Record) {
        self.output.records.push(record.clone());
        self.apply(record);
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::RunCreated(created) => self.add_run(*created),
            Record::AttemptStarted { run, step, call, deadline, at } => {
                self.last_call = self.last_call.max(call);
                self.calls.insert(call, (run, step));
                self.start(run, step, StepState::Running { call }, deadline, at);
                if let Some(step) = self.step_mut(run, step) {
                    step.attempts.push(Attempt {
                        started_at: at,
                        ended_at: None,
                        failure: None,
                        result: None,
                    });
                }
            }
            Record::Slept { run, step, until, at } => {
                self.start(run, step, StepState::Sleeping, Some(until), at);
            }
            Record::AttemptFailed { run, step, failure, result, retry_at, at } => {
                self.end_call(run, step);
                if let Some(step) = self.step_mut(run, step) {
                    step.result.clone_from(&result);
                    if let Some(attempt) = step.attempts.last_mut() {
                        attempt.ended_at = Some(at);
                        attempt.failure = Some(failure);
                        attempt.result = result;
                    }
                }
                match retry_at {
                    Some(due) => self.set(run, step, StepState::Retrying, Some(due)),
                    None => self.finish(run, step, StepState::Failed, at),
                }
            }
            Record::RetryDue { run, step } => {
                self.set(run, step, StepState::Pending, None);
                self.enqueue(run, step);
            }
            Record::Succeeded { run, step, result, at } => self.succeed(run, step, result, at),
            Record::Skipped { run, step, at } => self.finish(run, step, StepState::Skipped, at),
            Record::RunEnded { run, state, failure, at } => self.end_run(run, state, failure, at),
        }
    }

    fn add_run(&mut self, created: RunCreated) {
        let at = self.runs.len();
        self.ids.insert(created.run_id.clone(), at);
        if let Some(key) = &created.key {
            self.keys.insert(key.clone(), at);
        }
        let run = Run::new(created);
        if let Some(deadline) = run.deadline {
            self.timers.insert((deadline, at, None));
        }
        let roots: Vec<usize> = positions(&run.steps, |step| step.missing == 0);
        self.runs.push(run);
        for step in roots {
            self.enqueue(at, step);
        }
    }

    /// Puts a step in line to start.
    fn enqueue(&mut self, run: usize, step: usize) {
        let operators = self.runs.get(run).map(|run| &run.created.workflow.operators);
        match operators.and_then(|operators| operators.get(step)).map(|operator| &operator.operation) {
            Some(Operation::Task { .. }) => self.ready_tasks.push_back((run, step)),
            Some(Operation::Wait(_)) => self.ready_waits.push_back((run, step)),
            None => {}
        }
    }

    /// Takes a step out of the line. The engine starts the first in line; a replay may find it further back.
    fn dequeue(&mut self, run: usize, step: usize) {
        for line in [&mut self.ready_tasks, &mut self.ready_waits] {
            if line.front() == Some(&(run, step)) {
                line.pop_front();
            } else if !line.is_empty() && line.contains(&(run, step)) {
                line.retain(|waiting| *waiting != (run, step));
            }
        }
    }

    fn start(&mut self, run: usize, step: usize, state: StepState, timer: Option<Millis>, at: Millis) {
        self.dequeue(run, step);
        self.set(run, step, state, timer);
        if let Some(run) = self.runs.get_mut(run) {
            run.started_at.get_or_insert(at);
            if let Some(step) = run.steps.get_mut(step) {
                step.started_at.get_or_insert(at);
            }
        }
    }

    fn succeed(&mut self, run: usize, step: usize, result: Value, at: Millis) {
        self.end_call(run, step);
        self.finish(run, step, StepState::Succeeded, at);
        let Some(owner) = self.runs.get_mut(run) else {
            return;
        };
        owner.order.push(step);
        let Some(done) = owner.steps.get_mut(step) else {
            return;
        };
        if let Some(attempt) = done.attempts.last_mut() {
            attempt.ended_at = Some(at);
            attempt.result = Some(result.clone());
        }
        done.result = Some(result);
        let mut released = Vec::new();
        for dependent in done.dependents.clone() {
            let Some(waiting) = owner.steps.get_mut(dependent) else {
                continue;
            };
            waiting.missing = waiting.missing.saturating_sub(1);
            if waiting.missing == 0 && waiting.state == StepState::Pending {
                released.push(dependent);
            }
        }
        for step in released {
            self.enqueue(run, step);
        }
    }

    fn end_run(&mut self, run: usize, state: RunState, failure: Option<super::Failure>, at: Millis) {
        let Some(owner) = self.runs.get_mut(run) else {
            return;
        };
        owner.state = state;
        owner.failure = failure;
        owner.ended_at = Some(at);
        if let Some(deadline) = owner.deadline {
            self.timers.remove(&(deadline, run, None));
        }
        let open = positions(&owner.steps, |step| !step.state.is_final());
        for step in open {
            self.end_call(run, step);
            self.finish(run, step, StepState::Cancelled, at);
        }
        for line in [&mut self.ready_tasks, &mut self.ready_waits] {
            line.retain(|(waiting, _)| *waiting != run);
        }
    }

    fn finish(&mut self, run: usize, step: usize, state: StepState, at: Millis) {
        self.set(run, step, state, None);
        if let Some(owner) = self.runs.get_mut(run) {
            owner.open = owner.open.saturating_sub(1);
        }
        if let Some(step) = self.step_mut(run, step) {
            step.ended_at = Some(at);
        }
    }

    fn set(&mut self, run: usize, step: usize, state: StepState, timer: Option<Millis>) {
        let Some(slot) = self.step_mut(run, step) else {
            return;
        };
        slot.state = state;
        let earlier = std::mem::replace(&mut slot.timer, timer);
        if let Some(earlier) = earlier {
            self.timers.remove(&(earlier, run, Some(step)));
        }
        if let Some(timer) = timer {
            self.timers.insert((timer, run, Some(step)));
        }
    }

    fn end_call(&mut self, run: usize, step: usize) {
        if let Some(StepState::Running { call }) = self.step(run, step).map(|step| step.state) {
            self.calls.remove(&call);
        }
    }

    fn step_mut(&mut self, run: usize, step: usize) -> Option<&mut Step> {
        self.runs.get_mut(run)?.steps.get_mut(step)
    }
}

/// Positions of the steps that fit.
fn positions(steps: &[Step], fits: impl Fn(&Step) -> bool) -> Vec<usize> {
    steps.iter().enumerate().filter(|(_, step)| fits(step)).map(|(at, _)| at).collect()
}
