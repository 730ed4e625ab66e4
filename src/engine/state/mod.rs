//! The engine's state: changed by records alone, so that replaying them rebuilds it.

pub(in crate::engine) mod circuit;
pub(in crate::engine) mod meter;
pub(in crate::engine) mod readiness;
pub(in crate::engine) mod run;
pub(in crate::engine) mod runs;

use crate::engine::config::limits::{Limit, Limits};
use crate::engine::config::secrets::Secrets;
use crate::engine::config::zones::Zones;
use crate::engine::decide::artifacts::Artifact;
use crate::engine::decide::definitions::Definitions;
use crate::engine::decide::joins::{Awaited, Look};
use crate::engine::decide::missed::Missed;
use crate::engine::decide::schedules::Schedule;
use crate::engine::journal::record::Record;
use crate::engine::journal::record::Registered;
use crate::engine::output::{Effect, Output};
use crate::engine::state::circuit::Circuit;
use crate::engine::state::readiness::{Verdict, verdict};
use crate::engine::state::run::{Inner, Run, RunState, Step, StepState};
use crate::engine::state::runs::Runs;
use crate::engine::tools::output::CallOutput;
use crate::engine::view::timeline::Timeline;
use crate::template::Mode;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// How an engine behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Tools that may run at once; further tasks wait for a place.
    pub concurrency: usize,
    /// What a template that names nothing does.
    pub templates: Mode,
    /// What `{{ENV.NAME}}` reads.
    pub env: Map<String, Value>,
    /// What `{{secrets.NAME}}` reads in the arguments of tools.
    pub secrets: Secrets,
    /// Time zones of schedules.
    pub zones: Zones,
    /// Whether records are given out; without a store nobody wants them.
    pub is_durable: bool,
    /// Names of the host's tools, against which definitions are checked before they run; none where they are not.
    pub tools: Option<BTreeSet<String>>,
    /// Those of them that are this package's own: arguments that they do not have are refused.
    pub own_tools: BTreeSet<String>,
    /// Whether a timeline is kept.
    pub timeline: bool,
    /// How many runs that are over are kept; all where there is no number.
    pub keep_runs: Option<usize>,
    /// How large things may become.
    pub limits: Limits,
    /// How much is done before the host gets its turn, in units of about one step that starts. With a timeline everything is.
    pub slice: usize,
}

/// Steps that start in about 10 ms.
const SLICE: usize = 1_000;
/// Bytes of values that take about as long as a step that starts.
const BYTES_PER_UNIT: usize = 4_096;
/// Bytes of values that take about as long as a look at a step.
pub(in crate::engine) const BYTES_PER_LOOK: usize = 128;

/// Bytes of values that take about as long as looking for secrets in one byte.
const BYTES_PER_SEARCHED: usize = 16;

/// Adds to the work of a slice.
pub(in crate::engine) fn add_work(work: &Cell<usize>, bytes: usize) {
    work.set(work.get().saturating_add(bytes));
}

/// What is due at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Timer {
    /// The end of a run's time.
    Run(usize),
    /// A step: the end of a sleep, of an attempt's time, of a delay.
    Step(usize, usize),
    /// A schedule.
    Schedule(usize),
    /// The end of the time of a run's update.
    Update(usize, usize),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 64,
            templates: Mode::Strict,
            env: Map::new(),
            secrets: Secrets::default(),
            zones: Zones::default(),
            is_durable: true,
            tools: None,
            own_tools: BTreeSet::new(),
            timeline: false,
            keep_runs: None,
            limits: Limits::default(),
            slice: SLICE,
        }
    }
}

/// Runs workflows.
#[derive(Debug, Default)]
pub struct Engine {
    pub(in crate::engine) config: Config,
    pub(in crate::engine) runs: Runs,
    pub(in crate::engine) ids: HashMap<String, usize>,
    pub(in crate::engine) keys: HashMap<String, usize>,
    pub(in crate::engine) definitions: Definitions,
    /// The Python that definitions were made of, by their hash.
    pub(in crate::engine) sources: HashMap<String, Rc<str>>,
    /// Artifacts, oldest first.
    pub(in crate::engine) artifacts: Vec<Artifact>,
    /// Schedules, oldest first; deleted ones keep their place.
    pub(in crate::engine) schedules: Vec<Schedule>,
    /// Schedules that wait for a run of a workflow to end, by its name.
    pub(in crate::engine) held_schedules: HashMap<String, BTreeSet<usize>>,
    /// Schedules that are due and wait for their turn.
    pub(in crate::engine) missed: Missed,
    /// Runs of each workflow that are not over.
    pub(in crate::engine) active: HashMap<String, usize>,
    /// What is due when.
    pub(in crate::engine) timers: BTreeSet<(Millis, Timer)>,
    /// Tools to start, waiting for a place.
    pub(in crate::engine) ready_tasks: VecDeque<(usize, usize)>,
    /// What needs no place.
    pub(in crate::engine) ready_now: VecDeque<(usize, usize)>,
    /// Steps in these lines that wait no more, and are passed over.
    stale: usize,
    /// Loops that may go on.
    pub(in crate::engine) to_go_round: VecDeque<(usize, usize)>,
    /// Tools to start again after a replay.
    pub(in crate::engine) to_call_again: VecDeque<(u64, usize, usize)>,
    /// Steps that will not run, to be written down.
    pub(in crate::engine) to_skip: VecDeque<(usize, usize)>,
    /// Scopes in which nothing is open any more.
    pub(in crate::engine) closed: VecDeque<(usize, usize)>,
    /// Steps that wait to know whether a failure is dealt with.
    pub(in crate::engine) undecided: BTreeSet<(usize, usize)>,
    /// Steps that wait for something that has ended.
    pub(in crate::engine) to_look_at: VecDeque<Look>,
    /// Of joins that were looked at, one of the steps that they wait for.
    pub(in crate::engine) awaited: HashMap<(usize, usize), Awaited>,
    /// Runs that are over and were started by others.
    pub(in crate::engine) ended_children: VecDeque<usize>,
    /// The step of each running tool call.
    pub(in crate::engine) calls: HashMap<u64, (usize, usize)>,
    /// What running tool calls have written.
    pub(in crate::engine) written: HashMap<u64, CallOutput>,
    /// Bytes of the arguments of calls that were given out.
    call_bytes: HashMap<u64, usize>,
    /// Bytes of them all.
    bytes_under_way: usize,
    /// Bytes of all that is kept.
    pub(in crate::engine) kept_bytes: Rc<Cell<usize>>,
    pub(in crate::engine) last_call: u64,
    /// Events by name, each with its number.
    pub(in crate::engine) events: HashMap<String, VecDeque<(u64, Value)>>,
    pub(in crate::engine) last_event: u64,
    /// Number and name of events, oldest first; of some that were dropped, too.
    pub(in crate::engine) event_order: VecDeque<(u64, String)>,
    /// Bytes of all events.
    pub(in crate::engine) event_bytes: usize,
    /// Steps that wait for an event of a name.
    pub(in crate::engine) listening: HashMap<String, Vec<(usize, usize)>>,
    /// Results by idempotency key of tasks, each with the run that has given it, and is forgotten with it; no run from earlier versions.
    pub(in crate::engine) once: HashMap<String, (Option<usize>, Value)>,
    /// Idempotency keys of tasks that run.
    pub(in crate::engine) held: HashMap<String, (usize, usize)>,
    /// Tasks that wait for another one with their key.
    pub(in crate::engine) parked: HashMap<String, Vec<(usize, usize)>>,
    /// Circuits by the name of the tool.
    pub(in crate::engine) circuits: HashMap<String, Circuit>,
    /// What happened when, where that is kept.
    pub(in crate::engine) timeline: Option<Box<Timeline>>,
    output: Output,
    /// Work since the output was taken, in bytes of values that take about as long.
    pub(in crate::engine) work: Cell<usize>,
    /// Whether any of that was more than looking.
    has_progressed: bool,
    /// Whether the last call left something to do.
    pub(in crate::engine) has_more: bool,
}

/// A workflow to run.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The definition; must have been checked.
    pub definition: Registered,
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
        let timeline = config.timeline.then(Box::default);
        // A timeline takes all that follows from one thing in one piece.
        let slice = if config.timeline { usize::MAX } else { config.slice };
        Self { config: Config { concurrency, slice, ..config }, timeline, ..Self::default() }
    }

    /// An engine in the state that the records describe.
    pub fn replay(config: Config, records: impl IntoIterator<Item = Record>) -> Self {
        let mut engine = Self::new(config);
        engine.restore(records);
        engine
    }

    /// Takes records that a store has kept; nothing follows from them before [`resume`](Self::resume).
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.apply(record);
        }
        // The work may have been cut off anywhere.
        self.has_more = true;
    }

    /// Everything decided since the last call. What is done before the output is taken again is one slice of work.
    pub fn take_output(&mut self) -> Output {
        self.work.set(0);
        self.has_progressed = false;
        std::mem::take(&mut self.output)
    }

    /// Whether there is more to do at once: [`tick`](Self::tick) does the next slice of it. The host may do other things before.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether the slice of work is not done yet.
    pub(in crate::engine) fn is_within_slice(&self) -> bool {
        !self.has_progressed || self.work.get() < self.config.slice.saturating_mul(BYTES_PER_UNIT)
    }

    /// One unit of the work of a slice is about to be done. Each slice has one at least.
    pub(in crate::engine) fn begins_unit(&mut self) {
        self.has_copied(BYTES_PER_UNIT);
        self.has_progressed = true;
    }

    /// Values of so many bytes were written, or something was done that takes as long.
    pub(in crate::engine) fn has_copied(&self, bytes: usize) {
        add_work(&self.work, bytes);
    }

    /// Secrets were looked for in so many bytes.
    pub(in crate::engine) fn has_searched(&self, bytes: usize) {
        if self.config.secrets.are_struck() {
            self.has_copied(bytes.saturating_mul(BYTES_PER_SEARCHED));
        }
    }

    /// So many steps, or names of tasks, were looked at.
    pub(in crate::engine) fn has_looked_at(&self, steps: usize) {
        self.has_copied(steps.saturating_mul(BYTES_PER_LOOK));
    }

    /// When [`tick`](Self::tick) has to be called next.
    pub fn next_wake(&self) -> Option<Millis> {
        let timer = self.timers.first().map(|(at, _)| *at);
        // What is forgotten then may make room for what waits.
        let room = self.missed.is_without_memory().then(|| self.runs.next_old(self.missed.looked_at));
        timer.into_iter().chain(room.flatten()).min()
    }

    /// How large things may become.
    pub const fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// All definitions, oldest first; each content once.
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

    /// Whether runs were forgotten that were over.
    pub fn has_forgotten_runs(&self) -> bool {
        self.runs.has_gaps()
    }

    /// The run at a position; none where it was forgotten.
    pub fn run(&self, at: usize) -> Option<&Run> {
        self.runs.get(at)
    }

    /// The position and the run of an id. Whoever asks for an active run may wait for its end: it is kept for a minute then.
    pub fn find(&self, run_id: &str) -> Option<(usize, &Run)> {
        let at = *self.ids.get(run_id)?;
        let run = self.runs.get(at)?;
        if run.state == RunState::Active {
            run.is_followed.set(true);
        }
        Some((at, run))
    }

    pub(in crate::engine) fn run_of_key(&self, key: &str) -> Option<(usize, &Run)> {
        let at = *self.keys.get(key)?;
        self.runs.get(at).map(|run| (at, run))
    }

    pub(in crate::engine) fn step(&self, run: usize, step: usize) -> Option<&Step> {
        self.runs.get(run)?.steps.get(step)
    }

    /// The first timer that is due at `now`, removed from the list.
    pub(in crate::engine) fn take_due(&mut self, now: Millis) -> Option<Timer> {
        let timer = self.timers.first().copied().filter(|(at, _)| *at <= now)?;
        self.timers.remove(&timer);
        Some(timer.1)
    }

    pub(in crate::engine) fn effect(&mut self, effect: Effect) {
        self.output.effects.push(effect);
    }

    /// Writes a record down and applies it.
    pub(in crate::engine) fn commit(&mut self, record: Record) {
        let noted = self.timeline.is_some().then(|| record.clone());
        if self.config.is_durable {
            self.output.records.push(record.clone());
        }
        self.apply(record);
        if let Some(record) = noted {
            self.note(&record);
        }
    }

    /// Starts what can start in a new scope.
    pub(in crate::engine) fn look_at_scope(&mut self, run: usize, scope: usize) {
        let Some(found) = self.runs.get(run).and_then(|run| run.scopes.get(scope)) else { return };
        let (first, count) = (found.first, found.body.operators.len());
        self.has_looked_at(count);
        if count == 0 {
            self.closed.push_back((run, scope));
            self.round_over(run, scope);
        }
        for step in first..first + count {
            self.look_at(run, step);
        }
    }

    /// Puts a step in line, where what leads to it has ended.
    pub(in crate::engine) fn look_at(&mut self, run: usize, step: usize) {
        let Some(found) = self.runs.get(run) else { return };
        let is_waiting =
            found.steps.get(step).is_some_and(|step| step.state == StepState::Pending && !step.is_in_line);
        if !is_waiting {
            return;
        }
        match verdict(found, step) {
            Verdict::Wait => {}
            Verdict::WaitForRepair => {
                self.undecided.insert((run, step));
            }
            Verdict::Start => self.enqueue(run, step),
            Verdict::Skip => {
                self.to_skip.push_back((run, step));
                self.mark_in_line(run, step, true);
            }
        }
    }

    /// Whether nothing happens in a run by itself any more.
    pub(in crate::engine) fn is_stuck(&self, run: usize) -> bool {
        let is_pending = |at| self.step(run, at).is_some_and(|step| step.state == StepState::Pending);
        if self.parked.values().flatten().any(|(waiting, at)| *waiting == run && is_pending(*at)) {
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

    fn mark_in_line(&mut self, run: usize, step: usize, is_in_line: bool) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        let is_late = owner.created.is_late;
        let Some(step) = owner.steps.get_mut(step).filter(|step| step.is_in_line != is_in_line) else {
            return;
        };
        step.is_in_line = is_in_line;
        if is_late {
            self.missed.counts(is_in_line);
        }
    }

    /// Puts a step in line to start.
    pub(in crate::engine) fn enqueue(&mut self, run: usize, step: usize) {
        // What waits for a key may be looked at more than once.
        if self.step(run, step).is_none_or(|step| step.is_in_line) {
            return;
        }
        let Some(operator) = self.runs.get(run).and_then(|run| run.operator(step)) else { return };
        let takes_place = operator.operation.takes_place();
        let line = if takes_place { &mut self.ready_tasks } else { &mut self.ready_now };
        line.push_back((run, step));
        self.mark_in_line(run, step, true);
        if let Some(timeline) = &mut self.timeline {
            timeline.lined_up((run, step));
        }
    }

    /// The first step in line that can start.
    pub(in crate::engine) fn next_in_line(&mut self) -> Option<(usize, usize)> {
        if let Some(first) = self.first_of(|engine| &mut engine.ready_now) {
            return Some(first);
        }
        // What ran before a restart comes before what did not.
        if !self.has_place() || !self.to_call_again.is_empty() || self.calls.len() >= self.config.concurrency
        {
            return None;
        }
        self.first_of(|engine| &mut engine.ready_tasks)
    }

    /// The first step of a line that still waits there; those before it are dropped.
    pub(in crate::engine) fn first_of(
        &mut self,
        line: impl Fn(&mut Self) -> &mut VecDeque<(usize, usize)>,
    ) -> Option<(usize, usize)> {
        while let Some((run, step)) = line(self).front().copied() {
            if self.step(run, step).is_some_and(|step| step.is_in_line) {
                return Some((run, step));
            }
            line(self).pop_front();
            self.stale = self.stale.saturating_sub(1);
        }
        None
    }

    /// Takes a step that is about to be over out of its line.
    pub(in crate::engine) fn leave_line(&mut self, run: usize, step: usize) {
        if !self.step(run, step).is_some_and(|step| step.is_in_line) {
            return;
        }
        self.mark_in_line(run, step, false);
        self.stale += 1;
        let waiting = self.ready_tasks.len() + self.ready_now.len() + self.to_skip.len();
        if self.stale * 2 > waiting {
            for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
                line.retain(|(run, step)| {
                    self.runs
                        .get(*run)
                        .and_then(|run| run.steps.get(*step))
                        .is_some_and(|step| step.is_in_line)
                });
            }
            self.stale = 0;
        }
    }

    /// Takes a step out of the line. The engine starts the first in line; a replay may find it further back.
    pub(in crate::engine) fn dequeue(&mut self, run: usize, step: usize) {
        if !self.step(run, step).is_some_and(|step| step.is_in_line) {
            return;
        }
        self.mark_in_line(run, step, false);
        for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
            if line.front() == Some(&(run, step)) {
                line.pop_front();
                return;
            }
        }
        for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
            line.retain(|waiting| *waiting != (run, step));
        }
    }

    pub(in crate::engine) fn set(
        &mut self,
        run: usize,
        step: usize,
        state: StepState,
        timer: Option<Millis>,
    ) {
        let Some(slot) = self.step_mut(run, step) else {
            return;
        };
        slot.state = state;
        if state.is_final() {
            slot.forget_what_led_there();
        }
        let earlier = std::mem::replace(&mut slot.timer, timer);
        if let Some(earlier) = earlier {
            self.timers.remove(&(earlier, Timer::Step(run, step)));
        }
        if let Some(timer) = timer {
            self.timers.insert((timer, Timer::Step(run, step)));
        }
    }

    /// Whether the arguments of one more call have a place.
    pub(in crate::engine) fn has_place(&self) -> bool {
        self.bytes_under_way < self.config.limits.get(Limit::CallBytes)
    }

    /// The arguments of a call are given out.
    pub(in crate::engine) fn call_takes(&mut self, call: u64, bytes: usize) {
        self.has_copied(bytes);
        self.bytes_under_way += bytes;
        self.call_bytes.insert(call, bytes);
    }

    /// A call is over.
    pub(in crate::engine) fn forget_call(&mut self, call: u64) {
        self.calls.remove(&call);
        self.written.remove(&call);
        self.bytes_under_way -= self.call_bytes.remove(&call).unwrap_or_default();
    }

    pub(in crate::engine) fn begin_call(&mut self, run: usize, step: usize, call: u64) {
        self.last_call = self.last_call.max(call);
        self.calls.insert(call, (run, step));
    }

    pub(in crate::engine) fn end_call(&mut self, run: usize, step: usize) {
        if let Some(StepState::Running { call }) = self.step(run, step).map(|step| step.state) {
            self.forget_call(call);
            if let Some(timeline) = &mut self.timeline {
                timeline.place_is_free();
            }
        }
        let Some(key) = self.step_mut(run, step).and_then(|step| step.key.take()) else { return };
        self.held.remove(&key);
        for (run, step) in self.parked.remove(&key).unwrap_or_default() {
            if self.step(run, step).is_some_and(|step| step.state == StepState::Pending) {
                self.enqueue(run, step);
            }
        }
    }

    pub(in crate::engine) fn step_mut(&mut self, run: usize, step: usize) -> Option<&mut Step> {
        self.runs.get_mut(run)?.steps.get_mut(step)
    }
}
