//! The timeline of an engine: what happened at which moment, and what the end of a run depended on. It is kept only if
//! [`Config::timeline`](crate::engine::config::Config) says so, for simulations and tests.
//!
//! Everything that an engine does follows from one report of its host: an outcome, a timer, a signal. While the engine
//! decides what follows, `cause` is the entry which that report ended. A queued step keeps the cause, so that its
//! attempt has one even if it starts much later. The chain of causes before the end of a run is its critical path.

use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::run::Run;
use crate::engine::state::step::Inner;
use crate::time::Millis;
use std::collections::{BTreeMap, HashMap};

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// An attempt: a tool worked.
    Attempt,
    /// A decision of the engine without a duration: a condition, an emitted event.
    Decision,
    /// The rounds of a loop.
    Loop,
    /// A wait for branches or other steps.
    Join,
    /// The runs of other workflows.
    Children,
    /// A wait for time.
    Sleep,
    /// The time between two attempts.
    Retry,
    /// A wait for an event or a signal.
    Event,
    /// A wait for an update, with what answers it.
    Update,
    /// A wait for a person.
    Approval,
    /// A wait for a place among the calls that may be active at once.
    Queue,
    /// A run as a whole, if its steps do not account for its time: its time limit passed, it was cancelled, or another
    /// run came before.
    Run,
}

/// Something that took time, or could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The run, by its position.
    pub run: RunIx,
    /// The step, by its position.
    pub step: StepIx,
    /// The kind of the entry.
    pub kind: EntryKind,
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// The name of the event, update or approval that a step waits for.
    pub about: Option<String>,
    /// When it began.
    pub start: Millis,
    /// When it ended, if it has.
    pub end: Option<Millis>,
    /// How it ended: `succeeded`, `failed`, `timed_out`, `cancelled`.
    pub outcome: Option<&'static str>,
    /// Why it failed.
    pub failure: Option<Failure>,
    cause: Cause,
}

/// A part of a critical path: an entry, or a time without an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// An entry, by its position.
    Entry(usize),
    /// A time, from its start to its end.
    Run(Millis, Millis),
}

/// The reason for a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) enum Cause {
    /// A run was started.
    Start,
    /// A report from outside that ended no entry.
    #[default]
    Outside,
    /// The end of this entry.
    Entry(usize),
}

/// The entries, in the order in which they began.
#[derive(Debug, Default)]
pub(in crate::engine) struct Timeline {
    entries: Vec<Entry>,
    now: Millis,
    pub(in crate::engine) cause: Cause,
    /// The reason why a place for a call became free last.
    freed: Cause,
    /// The open entry of each step.
    pub(in crate::engine) open: BTreeMap<StepRef, usize>,
    /// For each queued step, since when and why.
    lined: HashMap<StepRef, (Millis, Cause)>,
    /// The reason for the end of each run.
    pub(in crate::engine) ends: HashMap<RunIx, Cause>,
}

impl EntryKind {
    /// The kind as one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Decision => "decision",
            Self::Loop => "loop",
            Self::Join => "join",
            Self::Children => "children",
            Self::Sleep => "sleep",
            Self::Retry => "retry",
            Self::Event => "event",
            Self::Update => "update",
            Self::Approval => "approval",
            Self::Queue => "queue",
            Self::Run => "run",
        }
    }

    pub(in crate::engine) fn of(inner: &Inner) -> Self {
        match inner {
            Inner::Sleep => Self::Sleep,
            Inner::Event(_) => Self::Event,
            Inner::Join | Inner::Branches { .. } => Self::Join,
            Inner::Loop { .. } => Self::Loop,
            Inner::Children(_) => Self::Children,
            Inner::Turns { .. } => Self::Attempt,
            Inner::Update(_) | Inner::Handling(_) => Self::Update,
            Inner::Approval(_) => Self::Approval,
        }
    }
}

impl Timeline {
    /// Sets the cause of what follows: the entry of a step, or a report from outside.
    pub(in crate::engine) fn set_cause(&mut self, step: Option<StepRef>, now: Millis) {
        let entry = step.and_then(|step| self.open.get(&step));
        self.now = now;
        self.cause = entry.map_or(Cause::Outside, |entry| Cause::Entry(*entry));
    }

    pub(in crate::engine) fn set_cause_to_start(&mut self, now: Millis) {
        self.now = now;
        self.cause = Cause::Start;
    }

    /// Notes that the report from outside is for this step, which has waited for it.
    pub(in crate::engine) fn set_receiver(&mut self, step: StepRef) {
        if let (Cause::Outside, Some(entry)) = (self.cause, self.open.get(&step)) {
            self.cause = Cause::Entry(*entry);
        }
    }

    pub(in crate::engine) fn enqueued(&mut self, step: StepRef) {
        self.lined.insert(step, (self.now, self.cause));
    }

    pub(in crate::engine) fn note_free_place(&mut self) {
        self.freed = self.cause;
    }

    /// Notes that a step leaves its queue.
    pub(in crate::engine) fn starts(&mut self, StepRef { run, step }: StepRef, attempt: usize) {
        let Some((since, cause)) = self.lined.remove(&StepRef { run, step }) else { return };
        self.cause = cause;
        if since < self.now {
            let queue = self.push(StepRef { run, step }, EntryKind::Queue, attempt, None, since);
            self.close_entry(queue, "succeeded", None);
            self.cause = if matches!(self.freed, Cause::Entry(_)) { self.freed } else { Cause::Entry(queue) };
        }
    }

    fn push(
        &mut self,
        StepRef { run, step }: StepRef,
        kind: EntryKind,
        attempt: usize,
        about: Option<String>,
        start: Millis,
    ) -> usize {
        let cause = self.cause;
        self.entries.push(Entry {
            run,
            step,
            kind,
            attempt,
            about,
            start,
            end: None,
            outcome: None,
            failure: None,
            cause,
        });
        self.entries.len() - 1
    }

    pub(in crate::engine) fn open(
        &mut self,
        step: StepRef,
        kind: EntryKind,
        attempt: usize,
        about: Option<String>,
    ) {
        let entry = self.push(step, kind, attempt, about, self.now);
        self.open.insert(step, entry);
    }

    fn close_entry(&mut self, at: usize, outcome: &'static str, failure: Option<&Failure>) {
        let Some(entry) = self.entries.get_mut(at) else { return };
        entry.end = Some(self.now);
        entry.outcome = Some(outcome);
        entry.failure = failure.cloned();
        // An entry without a duration always becomes the cause; one with a duration only if its own end is reported.
        if entry.start == self.now {
            self.cause = Cause::Entry(at);
        }
    }

    /// Ends the entry of a step; `false` if it has none.
    pub(in crate::engine) fn close(
        &mut self,
        step: StepRef,
        outcome: &'static str,
        failure: Option<&Failure>,
    ) -> bool {
        let Some(entry) = self.open.remove(&step) else { return false };
        self.close_entry(entry, outcome, failure);
        true
    }

    /// The critical path of a run. Each link begins when the one before it ends.
    fn path(&self, at: RunIx, run: &Run) -> Vec<Link> {
        let (start, Some(mut end)) = (run.created.at, run.ended_at) else { return Vec::new() };
        let mut cause = self.ends.get(&at).copied().unwrap_or_default();
        let mut path = Vec::new();
        loop {
            let found = match cause {
                Cause::Entry(entry) => self.entries.get(entry).map(|found| (entry, found)),
                Cause::Start | Cause::Outside => None,
            };
            let Some((position, entry)) = found
                // An entry from before the run belongs to another run, and so does its cause.
                .filter(|(_, entry)| entry.start >= start && entry.end == Some(end))
                .filter(|(_, entry)| entry.run >= at || end > start)
            else {
                break;
            };
            path.push(Link::Entry(position));
            (end, cause) = (entry.start, entry.cause);
        }
        if end > start {
            path.push(Link::Run(start, end));
        }
        path.reverse();
        path
    }
}

impl State {
    /// All entries, in the order in which they began; empty without a timeline.
    pub fn entries(&self) -> &[Entry] {
        self.timeline.as_ref().map_or(&[], |timeline| &timeline.entries)
    }

    /// The critical path of a finished run: the work and the waits on which its end depended. The first link begins
    /// with the run, each link begins when the one before it ends, and the last ends with the run.
    pub fn critical_path(&self, at: RunIx) -> Vec<Link> {
        let run = self.runs.get(at).zip(self.timeline.as_ref());
        run.map(|(run, timeline)| timeline.path(at, run)).unwrap_or_default()
    }
}
