//! What happened when, and what the end of a run depended on. Kept only where
//! [`Config::timeline`](crate::engine::config::Config) asks for it: simulations and tests do.
//!
//! Whatever an engine does follows from one thing that its host told it: an outcome, a timer, a signal. While it draws
//! the conclusions, `cause` is the entry which that thing ended. A step that is put in line keeps the cause, so that
//! its attempt has one however late it starts, and the chain of causes behind the end of a run is its critical path.

use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::run::Run;
use crate::engine::state::step::Inner;
use crate::time::Millis;
use std::collections::{BTreeMap, HashMap};

/// What an entry of a timeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// A tool worked.
    Attempt,
    /// The engine decided something at once: a condition, an event that is emitted.
    Decision,
    /// Rounds of a loop ran.
    Loop,
    /// Branches, or other steps, were waited for.
    Join,
    /// Other workflows ran.
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
    /// A wait for a place among the tools that may run at once.
    Queue,
    /// A run as a whole, where its steps do not tell how it got there: its time limit passed, somebody cancelled it, or
    /// what came before is another run's.
    Run,
}

/// Something that took time, or could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The run, by its position.
    pub run: RunIx,
    /// The step, by its position.
    pub step: StepIx,
    /// What it is.
    pub kind: EntryKind,
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// The event, the update or the approval that is waited for.
    pub about: Option<String>,
    /// When it began.
    pub start: Millis,
    /// When it ended, if it has.
    pub end: Option<Millis>,
    /// How: `succeeded`, `failed`, `timed_out`, `cancelled`.
    pub outcome: Option<&'static str>,
    /// Why it failed.
    pub failure: Option<Failure>,
    cause: Cause,
}

/// A part of a critical path: an entry by its position, or a time that no entry accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// An entry.
    Entry(usize),
    /// From when to when.
    Run(Millis, Millis),
}

/// Why something happens now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) enum Cause {
    /// A run was started.
    Start,
    /// Something from outside, which no step accounts for.
    #[default]
    Outside,
    /// That entry has ended.
    Entry(usize),
}

/// Entries in the order in which they began.
#[derive(Debug, Default)]
pub(in crate::engine) struct Timeline {
    entries: Vec<Entry>,
    now: Millis,
    pub(in crate::engine) cause: Cause,
    /// What made a place for a tool free last.
    freed: Cause,
    /// The entry of each step that is under way.
    pub(in crate::engine) open: BTreeMap<StepRef, usize>,
    /// Since when a step is in line, and why.
    lined: HashMap<StepRef, (Millis, Cause)>,
    /// Why each run is over.
    pub(in crate::engine) ends: HashMap<RunIx, Cause>,
}

impl EntryKind {
    /// The word for it.
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
    /// What follows is because of the entry of a step that is under way, or was begun from outside.
    pub(in crate::engine) fn because_of(&mut self, step: Option<StepRef>, now: Millis) {
        let entry = step.and_then(|step| self.open.get(&step));
        self.now = now;
        self.cause = entry.map_or(Cause::Outside, |entry| Cause::Entry(*entry));
    }

    pub(in crate::engine) fn because_of_start(&mut self, now: Millis) {
        self.now = now;
        self.cause = Cause::Start;
    }

    /// What comes from outside is for this step, which has waited for it.
    pub(in crate::engine) fn is_for(&mut self, step: StepRef) {
        if let (Cause::Outside, Some(entry)) = (self.cause, self.open.get(&step)) {
            self.cause = Cause::Entry(*entry);
        }
    }

    pub(in crate::engine) fn lined_up(&mut self, step: StepRef) {
        self.lined.insert(step, (self.now, self.cause));
    }

    pub(in crate::engine) fn place_is_free(&mut self) {
        self.freed = self.cause;
    }

    /// A step leaves the line.
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
        // What took no time is a link of the chain; what took some is one only where it is the cause itself.
        if entry.start == self.now {
            self.cause = Cause::Entry(at);
        }
    }

    /// Ends the entry of a step; `false` where there is none.
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

    /// What the end of a run depended on, from its beginning on. Each link begins when the one before ends.
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
                // What began before the run is another one's, and so is what started it.
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
    /// Everything that took time, in the order in which it began; nothing where no timeline is kept.
    pub fn entries(&self) -> &[Entry] {
        self.timeline.as_ref().map_or(&[], |timeline| &timeline.entries)
    }

    /// The critical path of a run that is over: the work and the waits that its end depended on. Each link begins when
    /// the one before ends, the first with the run, and the last ends with it.
    pub fn critical_path(&self, at: RunIx) -> Vec<Link> {
        let run = self.runs.get(at).zip(self.timeline.as_ref());
        run.map(|(run, timeline)| timeline.path(at, run)).unwrap_or_default()
    }
}
