//! What happened when, and what the end of a run depended on. Kept only where [`Config::timeline`](crate::engine::state::Config) asks for it:
//! simulations and tests do.
//!
//! Whatever an engine does follows from one thing that its host told it: an outcome, a timer, a signal. While it draws the
//! conclusions, `cause` is the entry which that thing ended. A step that is put in line keeps the cause, so that its
//! attempt has one however late it starts, and the chain of causes behind the end of a run is its critical path.

use crate::definition::delayed_task;
use crate::engine::journal::record::Record;
use crate::engine::output::Failure;
use crate::engine::plan::{Body, Operation};
use crate::engine::state::Engine;
use crate::engine::state::run::{Inner, Run};
use crate::engine::view::{full_name, results, run_summary, step_name};
use crate::error::ErrorCode;
use crate::json::object;
use crate::time::Millis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    pub run: usize,
    /// The step, by its position.
    pub step: usize,
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
enum Cause {
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
    cause: Cause,
    /// What made a place for a tool free last.
    freed: Cause,
    /// The entry of each step that is under way.
    open: BTreeMap<(usize, usize), usize>,
    /// Since when a step is in line, and why.
    lined: HashMap<(usize, usize), (Millis, Cause)>,
    /// Why each run is over.
    ends: HashMap<usize, Cause>,
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

    fn of(inner: &Inner) -> Self {
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
    pub(in crate::engine) fn because_of(&mut self, step: Option<(usize, usize)>, now: Millis) {
        let entry = step.and_then(|step| self.open.get(&step));
        self.now = now;
        self.cause = entry.map_or(Cause::Outside, |entry| Cause::Entry(*entry));
    }

    pub(in crate::engine) fn because_of_start(&mut self, now: Millis) {
        self.now = now;
        self.cause = Cause::Start;
    }

    /// What comes from outside is for this step, which has waited for it.
    pub(in crate::engine) fn is_for(&mut self, step: (usize, usize)) {
        if let (Cause::Outside, Some(entry)) = (self.cause, self.open.get(&step)) {
            self.cause = Cause::Entry(*entry);
        }
    }

    pub(in crate::engine) fn lined_up(&mut self, step: (usize, usize)) {
        self.lined.insert(step, (self.now, self.cause));
    }

    pub(in crate::engine) fn place_is_free(&mut self) {
        self.freed = self.cause;
    }

    /// A step leaves the line.
    fn starts(&mut self, (run, step): (usize, usize), attempt: usize) {
        let Some((since, cause)) = self.lined.remove(&(run, step)) else { return };
        self.cause = cause;
        if since < self.now {
            let queue = self.push((run, step), EntryKind::Queue, attempt, None, since);
            self.close_entry(queue, "succeeded", None);
            self.cause = if matches!(self.freed, Cause::Entry(_)) { self.freed } else { Cause::Entry(queue) };
        }
    }

    fn push(
        &mut self,
        (run, step): (usize, usize),
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

    fn open(&mut self, step: (usize, usize), kind: EntryKind, attempt: usize, about: Option<String>) {
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
    fn close(&mut self, step: (usize, usize), outcome: &'static str, failure: Option<&Failure>) -> bool {
        let Some(entry) = self.open.remove(&step) else { return false };
        self.close_entry(entry, outcome, failure);
        true
    }

    /// What the end of a run depended on, from its beginning on. Each link begins when the one before ends.
    fn path(&self, at: usize, run: &Run) -> Vec<Link> {
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

impl Engine {
    /// Everything that took time, in the order in which it began; nothing where no timeline is kept.
    pub fn entries(&self) -> &[Entry] {
        self.timeline.as_ref().map_or(&[], |timeline| &timeline.entries)
    }

    /// The critical path of a run that is over: the work and the waits that its end depended on. Each link begins when the
    /// one before ends, the first with the run, and the last ends with it.
    pub fn critical_path(&self, at: usize) -> Vec<Link> {
        let run = self.runs.get(at).zip(self.timeline.as_ref());
        run.map(|(run, timeline)| timeline.path(at, run)).unwrap_or_default()
    }

    pub(in crate::engine) fn because_of(&mut self, step: Option<(usize, usize)>, now: Millis) {
        if let Some(timeline) = &mut self.timeline {
            timeline.because_of(step, now);
        }
    }

    pub(in crate::engine) fn because_of_start(&mut self, now: Millis) {
        if let Some(timeline) = &mut self.timeline {
            timeline.because_of_start(now);
        }
    }

    pub(in crate::engine) fn leaves_line(&mut self, run: usize, step: usize) {
        let attempt = self.step(run, step).map_or(0, |step| step.attempts.len());
        if let Some(timeline) = &mut self.timeline {
            timeline.starts((run, step), attempt + 1);
        }
    }

    /// Takes note of a record that was applied.
    pub(in crate::engine) fn note(&mut self, record: &Record) {
        let Some(mut timeline) = self.timeline.take() else { return };
        let attempt =
            |run: usize, step: usize| self.step(run, step).map_or(1, |step| step.attempts.len().max(1));
        match record {
            Record::AttemptStarted { run, step, .. } => {
                let kind = match self.operator(*run, *step).map(|operator| operator.operation.takes_place()) {
                    Some(true) => EntryKind::Attempt,
                    _ => EntryKind::Decision,
                };
                timeline.open((*run, *step), kind, attempt(*run, *step), None);
            }
            Record::Entered { run, step, inner, .. } => {
                let about = match inner {
                    Inner::Event(name) | Inner::Update(name) => Some(name.clone()),
                    Inner::Approval(asked) => asked.get("approval_key").map(crate::json::to_text),
                    _ => None,
                };
                timeline.open((*run, *step), EntryKind::of(inner), attempt(*run, *step), about);
            }
            Record::AttemptFailed { run, step, failure, retry_at, .. } => {
                let is_late = failure.code == ErrorCode::TaskTimedOut.as_str();
                let outcome = if is_late { "timed_out" } else { "failed" };
                timeline.close((*run, *step), outcome, Some(failure));
                if retry_at.is_some() {
                    timeline.open((*run, *step), EntryKind::Retry, attempt(*run, *step), None);
                }
            }
            Record::RetryDue { run, step } => {
                timeline.close((*run, *step), "succeeded", None);
            }
            Record::Succeeded { run, step, .. } => {
                let is_known = timeline.close((*run, *step), "succeeded", None);
                if !is_known {
                    timeline.open((*run, *step), EntryKind::Decision, attempt(*run, *step), None);
                    timeline.close((*run, *step), "succeeded", None);
                }
            }
            Record::ScopeCancelled { run, .. } => self.note_cancelled(&mut timeline, *run),
            Record::RunEnded { run, .. } => {
                let cause = timeline.cause;
                self.note_cancelled(&mut timeline, *run);
                timeline.cause = cause;
                timeline.ends.insert(*run, cause);
            }
            _ => {}
        }
        self.timeline = Some(timeline);
    }

    /// Ends the entries of steps that are over, though nothing was said of them alone.
    fn note_cancelled(&self, timeline: &mut Timeline, run: usize) {
        let open: Vec<usize> =
            timeline.open.range((run, 0)..(run + 1, 0)).map(|((_, step), _)| *step).collect();
        for step in open {
            if self.step(run, step).is_some_and(|step| step.state.is_final()) {
                let cause = timeline.cause;
                timeline.close((run, step), "cancelled", None);
                timeline.cause = cause;
            }
        }
    }

    /// The timeline as plain data: `{entries, runs}`, with moments in milliseconds since the Unix epoch.
    ///
    /// An entry is a row: run, step, task, kind, tool, attempt, about, start, end, outcome, failure. A run has its result, its
    /// critical path as positions of entries, or as two moments, the ids of operators that nothing was done for, and its
    /// steps as rows: name, status, result, failure, retries, start, end.
    pub fn timeline_view(&self) -> Value {
        let entries = self.entries().iter().map(|entry| self.entry_view(entry)).collect();
        let mut began: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); self.runs.len()];
        for entry in self.entries() {
            if let (Some(began), Some(operator)) =
                (began.get_mut(entry.run), self.operator(entry.run, entry.step))
            {
                began.insert(&operator.id);
            }
        }
        let runs = self.runs.iter().zip(began).enumerate();
        let runs = runs.map(|(at, (run, began))| {
            let path = self.critical_path(at).into_iter().map(|link| match link {
                Link::Entry(position) => position.into(),
                Link::Run(start, end) => row([start.into(), end.into()]),
            });
            let mut all = BTreeSet::new();
            ids_of(&run.created.workflow.body, &mut all);
            let mut view = run_summary(run);
            view.insert("result".into(), results(run));
            view.insert("start".into(), run.created.at.into());
            view.insert("end".into(), run.ended_at.into());
            view.insert("path".into(), path.collect());
            view.insert("unreached".into(), all.difference(&began).map(|id| Value::from(*id)).collect());
            let steps = run.steps.iter().enumerate();
            let steps = steps.filter_map(|(at, step)| Some((step_name(run, at)?, step)));
            // The wait that a driver writes for a delay is a part of its task, as everywhere.
            let steps = steps.filter(|(name, step)| {
                step.scope != 0 || delayed_task(&run.created.definition, name).is_none()
            });
            let steps = steps.map(|(name, step)| {
                row([
                    name.into(),
                    step.state.word().into(),
                    step.result.clone().unwrap_or_default(),
                    step.failure().map_or(Value::Null, Failure::to_json),
                    step.attempts.len().saturating_sub(1).into(),
                    step.started_at.into(),
                    step.ended_at.into(),
                ])
            });
            view.insert("steps".into(), steps.collect());
            Value::Object(view)
        });
        object([("entries", entries), ("runs", runs.collect())])
    }

    fn entry_view(&self, entry: &Entry) -> Value {
        let Entry { run, step, kind, attempt, about, start, end, outcome, failure, .. } = entry;
        let found = self.runs.get(*run);
        let operator = self.operator(*run, *step);
        let tool = match operator.map(|operator| &operator.operation) {
            Some(Operation::Task { function, .. }) => Some(function.as_str()),
            _ => None,
        };
        row([
            (*run).into(),
            found.and_then(|run| full_name(run, *step)).into(),
            operator.map(|operator| operator.id.as_str()).into(),
            kind.word().into(),
            tool.into(),
            (*attempt).into(),
            about.as_deref().into(),
            (*start).into(),
            (*end).into(),
            (*outcome).into(),
            failure.as_ref().map_or(Value::Null, Failure::to_json),
        ])
    }
}

fn row<const COUNT: usize>(cells: [Value; COUNT]) -> Value {
    Value::Array(cells.into())
}

/// Ids of the operators of a body, and of those inside them.
fn ids_of<'a>(body: &'a Body, ids: &mut BTreeSet<&'a str>) {
    for operator in &body.operators {
        ids.insert(&operator.id);
        match &operator.operation {
            Operation::Foreach { body, .. } | Operation::While { body, .. } => ids_of(body, ids),
            Operation::Fork { branches, .. } => {
                for (_, branch) in branches {
                    ids_of(&branch.body, ids);
                }
            }
            _ => {}
        }
    }
}
