//! The state of an engine. Only records change it, so replaying them rebuilds it.

pub(in crate::engine) mod artifact;
pub(in crate::engine) mod circuit;
pub(in crate::engine) mod definitions;
pub(in crate::engine) mod failure;
pub(in crate::engine) mod meter;
pub(in crate::engine) mod missed;
pub(in crate::engine) mod output;
pub(in crate::engine) mod positions;
pub(in crate::engine) mod queues;
pub(in crate::engine) mod readiness;
pub(in crate::engine) mod reports;
pub(in crate::engine) mod run;
pub(in crate::engine) mod runs;
pub(in crate::engine) mod schedule;
pub(in crate::engine) mod scope;
pub(in crate::engine) mod sizes;
pub(in crate::engine) mod step;
pub(in crate::engine) mod timeline;
pub(in crate::engine) mod update;

use crate::engine::config::Config;
use crate::engine::config::limits::{Limit, Limits};
use crate::engine::plan::{Body, Planned};
use crate::engine::state::artifact::Artifact;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::definitions::{Definitions, Registered};
use crate::engine::state::missed::Missed;
use crate::engine::state::output::CallOutput;
use crate::engine::state::positions::{CallId, Placed, RunIx, ScheduleIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::queues::{Awaited, Check, Timer};
use crate::engine::state::run::{Run, RunState};
use crate::engine::state::runs::Runs;
use crate::engine::state::schedule::Schedule;
use crate::engine::state::step::{Inner, Step, StepState};
use crate::engine::state::timeline::Timeline;
use crate::time::Millis;
use serde_json::Value;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// The state of an engine. Only records change it, so replaying them rebuilds it.
#[derive(Debug, Default)]
pub struct State {
    pub(in crate::engine) config: Config,
    pub(in crate::engine) runs: Runs,
    pub(in crate::engine) ids: HashMap<String, RunIx>,
    pub(in crate::engine) keys: HashMap<String, RunIx>,
    pub(in crate::engine) definitions: Definitions,
    /// The Python sources from which definitions were made, by the hash of the definition.
    pub(in crate::engine) sources: HashMap<String, Rc<str>>,
    /// Artifacts, oldest first.
    pub(in crate::engine) artifacts: Vec<Artifact>,
    /// Schedules, oldest first. A deleted schedule keeps its position.
    pub(in crate::engine) schedules: Placed<ScheduleIx, Schedule>,
    /// Schedules that wait for a run of a workflow to end, by its name.
    pub(in crate::engine) held_schedules: HashMap<String, BTreeSet<ScheduleIx>>,
    /// Due schedules that wait for their turn.
    pub(in crate::engine) missed: Missed,
    /// The number of active runs of each workflow.
    pub(in crate::engine) active: HashMap<String, usize>,
    /// Timers by the moment at which they are due.
    pub(in crate::engine) timers: BTreeSet<(Millis, Timer)>,
    /// Steps with a call that wait for a place.
    pub(in crate::engine) ready_tasks: VecDeque<StepRef>,
    /// Steps that are ready and need no place.
    pub(in crate::engine) ready_now: VecDeque<StepRef>,
    /// The number of stale entries in these two queues: steps that do not wait any more.
    pub(in crate::engine) stale: usize,
    /// Loops that may start their next round.
    pub(in crate::engine) to_go_round: VecDeque<StepRef>,
    /// Calls to start again after a replay.
    pub(in crate::engine) to_call_again: VecDeque<(CallId, StepRef)>,
    /// Steps that will not run and need a record of that.
    pub(in crate::engine) to_skip: VecDeque<StepRef>,
    /// Scopes in which every step has ended.
    pub(in crate::engine) closed: VecDeque<(RunIx, ScopeIx)>,
    /// Steps that wait until it is known whether a failure is handled.
    pub(in crate::engine) undecided: BTreeSet<StepRef>,
    /// Waiting steps to check, since something that they wait for has ended.
    pub(in crate::engine) to_check: VecDeque<Check>,
    /// For joins that were checked, one of the steps for which they still wait.
    pub(in crate::engine) awaited: HashMap<StepRef, Awaited>,
    /// Runs that have ended and were started by other runs.
    pub(in crate::engine) ended_children: VecDeque<RunIx>,
    /// The step of each active call.
    pub(in crate::engine) calls: HashMap<CallId, StepRef>,
    /// The output so far of active calls.
    pub(in crate::engine) call_outputs: HashMap<CallId, CallOutput>,
    /// The bytes of the arguments of active calls.
    pub(in crate::engine) call_bytes: HashMap<CallId, usize>,
    /// The sum of these bytes.
    pub(in crate::engine) bytes_under_way: usize,
    /// The bytes of everything that is kept.
    pub(in crate::engine) kept_bytes: Rc<Cell<usize>>,
    pub(in crate::engine) last_call: CallId,
    /// Events by name, each with its number.
    pub(in crate::engine) events: HashMap<String, VecDeque<(u64, Value)>>,
    pub(in crate::engine) last_event: u64,
    /// Number and name of events, oldest first. Some of them may be dropped already.
    pub(in crate::engine) event_order: VecDeque<(u64, String)>,
    /// Bytes of all events.
    pub(in crate::engine) event_bytes: usize,
    /// Steps that wait for an event, by its name.
    pub(in crate::engine) listening: HashMap<String, Vec<StepRef>>,
    /// Results by idempotency key of a task, each with the run that gave it. The result is dropped with that run.
    /// Journals of earlier versions have no run here.
    pub(in crate::engine) once: HashMap<String, (Option<RunIx>, Value)>,
    /// Idempotency keys of running tasks.
    pub(in crate::engine) held: HashMap<String, StepRef>,
    /// Tasks that wait for another task with the same key.
    pub(in crate::engine) parked: HashMap<String, Vec<StepRef>>,
    /// Circuit breakers by the name of the tool.
    pub(in crate::engine) circuits: HashMap<String, Circuit>,
    /// The timeline, if one is kept.
    pub(in crate::engine) timeline: Option<Box<Timeline>>,
    /// The work since the output was taken, in bytes of values that take about as long to copy.
    pub(in crate::engine) work: Cell<usize>,
}

/// The work of starting a step, in bytes.
pub(in crate::engine) const BYTES_PER_UNIT: usize = 4_096;

/// The work of looking at a step, in bytes.
pub(in crate::engine) const BYTES_PER_LOOK: usize = 128;

/// The work of searching one byte for secrets, in bytes.
const BYTES_PER_SEARCHED: usize = 50;

/// Adds to the work of a slice.
pub(in crate::engine) fn add_work(work: &Cell<usize>, bytes: usize) {
    work.set(work.get().saturating_add(bytes));
}

impl State {
    /// Adds the work of copying this many bytes.
    pub(in crate::engine) fn add_copied(&self, bytes: usize) {
        add_work(&self.work, bytes);
    }

    /// Adds the work of searching this many bytes for secrets.
    pub(in crate::engine) fn add_searched(&self, bytes: usize) {
        if self.config.secrets.are_struck() {
            self.add_copied(bytes.saturating_mul(BYTES_PER_SEARCHED));
        }
    }

    /// Adds the work of looking at this many steps or names of tasks.
    pub(in crate::engine) fn add_looks(&self, steps: usize) {
        self.add_copied(steps.saturating_mul(BYTES_PER_LOOK));
    }

    /// The time of the next [`tick`](Self::tick); `None` if nothing will be due.
    pub fn next_wake(&self) -> Option<Millis> {
        let timer = self.timers.first().map(|(at, _)| *at);
        // Dropping runs at that time may make room for a schedule that waits.
        let room = self.missed.is_without_memory().then(|| self.runs.next_old(self.missed.looked_at));
        timer.into_iter().chain(room.flatten()).min()
    }

    /// The limits of the engine.
    pub const fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// All definitions, oldest first, without duplicates.
    pub fn definitions(&self) -> impl Iterator<Item = &Registered> {
        self.definitions.iter()
    }

    /// The latest definition of a name.
    pub fn latest(&self, name: &str) -> Option<&Registered> {
        self.definitions.latest(name)
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Vec<&Run> {
        self.runs.iter().collect()
    }

    /// Whether any finished run was dropped.
    pub fn has_forgotten_runs(&self) -> bool {
        self.runs.has_gaps()
    }

    /// The run at a position; `None` if it was dropped.
    pub fn run(&self, at: RunIx) -> Option<&Run> {
        self.runs.get(at)
    }

    /// The position and the run with an id. A caller that asks for an active run may wait for its end, so the run is
    /// then kept for a minute after its end.
    pub fn find(&self, run_id: &str) -> Option<(RunIx, &Run)> {
        let at = *self.ids.get(run_id)?;
        let run = self.runs.get(at)?;
        if run.state == RunState::Active {
            run.is_followed.set(true);
        }
        Some((at, run))
    }

    pub(in crate::engine) fn run_of_key(&self, key: &str) -> Option<(RunIx, &Run)> {
        let at = *self.keys.get(key)?;
        self.runs.get(at).map(|run| (at, run))
    }

    pub(in crate::engine) fn step(&self, run: RunIx, step: StepIx) -> Option<&Step> {
        self.runs.get(run)?.steps.get(step)
    }

    pub(in crate::engine) fn step_mut(&mut self, run: RunIx, step: StepIx) -> Option<&mut Step> {
        self.runs.get_mut(run)?.steps.get_mut(step)
    }

    /// Whether a run only waits for something from outside.
    pub(in crate::engine) fn is_stuck(&self, run: RunIx) -> bool {
        let is_pending = |at| self.step(run, at).is_some_and(|step| step.state == StepState::Pending);
        if self.parked.values().flatten().any(|waiting| waiting.run == run && is_pending(waiting.step)) {
            return false;
        }
        self.runs.get(run).is_some_and(|run| {
            run.steps.iter().all(|step| match (step.state, &step.inner) {
                (StepState::Running { .. } | StepState::Sleeping | StepState::Retrying, _)
                | (StepState::Open, Some(Inner::Children(_))) => false,
                _ => !step.is_in_line,
            })
        })
    }

    /// Whether there is room for the arguments of one more call.
    pub(in crate::engine) fn has_place(&self) -> bool {
        self.bytes_under_way < self.config.limits.get(Limit::CallBytes)
    }

    /// The body and the position in it of a step. The body is shared, so it can be read while the engine changes.
    pub(in crate::engine) fn place(&self, run: RunIx, step: StepIx) -> Option<(Rc<Body>, usize)> {
        let scope = self.runs.get(run)?.scope_of(step)?;
        Some((Rc::clone(&scope.body), step.checked_sub(scope.first)?))
    }

    pub(in crate::engine) fn operator(&self, run: RunIx, step: StepIx) -> Option<&Planned> {
        self.runs.get(run)?.operator(step)
    }

    /// The step of an active call.
    pub(in crate::engine) fn working_on(&self, call: CallId) -> Option<StepRef> {
        let StepRef { run, step } = self.calls.get(&call).copied()?;
        let is_active = self.step(run, step)?.state == StepState::Running { call };
        is_active.then_some(StepRef { run, step })
    }
}
