//! All runs of an engine, by their positions.

use crate::engine::state::positions::RunIx;
use crate::engine::state::run::{Run, RunState};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Runs in order of submission. Those that are forgotten leave their positions behind, by which the others are known.
#[derive(Debug, Default)]
pub(in crate::engine) struct Runs {
    kept: BTreeMap<RunIx, Box<Run>>,
    /// How many there ever were.
    count: usize,
    /// Runs that are kept and over, in the order in which they ended.
    pub(in crate::engine) over: BTreeSet<(Millis, RunIx)>,
    /// Those of them that schedules have started, and what these have started.
    scheduled: Over,
    /// The same for each schedule.
    of_schedule: BTreeMap<usize, Over>,
    /// Schedules that may keep too many runs that are over, and from when on they are to be looked at.
    to_look_at: BTreeSet<(Millis, usize)>,
}

/// Runs of schedules that are over, in the order in which they ended.
#[derive(Debug, Default)]
struct Over {
    /// Those that made up for a moment, and for whose ends nobody waited: they may be forgotten at once.
    late: BTreeSet<(Millis, RunIx)>,
    /// The others.
    timely: BTreeSet<(Millis, RunIx)>,
}

/// Milliseconds for which every run is kept, so that whoever waits for its end hears of it.
const AT_LEAST: Millis = 60_000;

/// Whether a run that ended then has been kept long enough.
pub(in crate::engine) const fn is_old(ended_at: Millis, now: Millis) -> bool {
    ended_at.saturating_add(AT_LEAST) <= now
}

/// When the next of these runs has been kept long enough, of those that have not at `now`.
fn next_old(over: &BTreeSet<(Millis, RunIx)>, now: Millis) -> Option<Millis> {
    let mut young = over.range((now.saturating_sub(AT_LEAST).saturating_add(1), RunIx::default())..);
    young.next().map(|(ended_at, _)| ended_at.saturating_add(AT_LEAST))
}

impl Over {
    fn len(&self) -> usize {
        self.late.len() + self.timely.len()
    }

    fn insert(&mut self, place: (Millis, RunIx), is_late: bool) {
        if is_late { &mut self.late } else { &mut self.timely }.insert(place);
    }

    fn remove(&mut self, place: (Millis, RunIx)) {
        if !self.late.remove(&place) {
            self.timely.remove(&place);
        }
    }

    /// The one that ended first of those that may be forgotten.
    fn first(&self, now: Millis, is_needed: impl Fn(RunIx) -> bool) -> Option<RunIx> {
        let is_free = |(_, at): &&(Millis, RunIx)| !is_needed(*at);
        let late = self.late.iter().find(is_free);
        let timely = self.timely.iter().take_while(|(ended_at, _)| is_old(*ended_at, now)).find(is_free);
        late.into_iter().chain(timely).min().map(|(_, at)| *at)
    }
}

impl Runs {
    pub(in crate::engine) fn get(&self, at: RunIx) -> Option<&Run> {
        self.kept.get(&at).map(|run| &**run)
    }

    pub(in crate::engine) fn get_mut(&mut self, at: RunIx) -> Option<&mut Run> {
        self.kept.get_mut(&at).map(|run| &mut **run)
    }

    /// The position of the next run.
    pub(in crate::engine) fn next(&self) -> RunIx {
        RunIx::new(self.count)
    }

    /// Whether some are not kept any more.
    pub(in crate::engine) fn has_gaps(&self) -> bool {
        self.kept.len() < self.count
    }

    pub(in crate::engine) fn push(&mut self, run: Run) {
        let (at, ended_at) = (self.next(), run.ended_at);
        self.count += 1;
        self.kept.insert(at, Box::new(run));
        if let Some(ended_at) = ended_at {
            self.ended(at, ended_at);
        }
    }

    pub(in crate::engine) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.kept.values().map(|run| &**run)
    }

    /// Runs with their positions.
    pub(in crate::engine) fn placed(&self) -> impl DoubleEndedIterator<Item = (RunIx, &Run)> {
        self.kept.iter().map(|(at, run)| (*at, &**run))
    }

    /// Every position in order: how many are empty, or the run that is there.
    pub(in crate::engine) fn places(&self) -> impl Iterator<Item = Result<RunIx, usize>> {
        let mut next = 0;
        let kept = self.kept.keys().map(|at| (at.get(), Some(*at)));
        kept.chain([(self.count, None)]).flat_map(move |(at, run)| {
            let gap = at - std::mem::replace(&mut next, at + 1);
            (gap > 0).then_some(Err(gap)).into_iter().chain(run.map(Ok))
        })
    }

    /// A run is over.
    pub(in crate::engine) fn ended(&mut self, run: RunIx, at: Millis) {
        self.over.insert((at, run));
        let Some(found) = self.get(run) else { return };
        let is_late = found.created.is_late && !found.is_followed.get();
        if let Some((schedule, _)) = found.created.schedule {
            self.scheduled.insert((at, run), is_late);
            self.of_schedule.entry(schedule).or_default().insert((at, run), is_late);
            self.to_look_at.insert((0, schedule));
        }
    }

    /// Whether a run was started by one that is active.
    pub(in crate::engine) fn is_needed(&self, at: RunIx) -> bool {
        let parent = self.get(at).and_then(|run| self.get(run.created.parent.as_ref()?.run));
        parent.is_some_and(|parent| parent.state == RunState::Active)
    }

    /// The run that ended first of a schedule of which more than `most` are over.
    pub(in crate::engine) fn surplus_of_schedules(&mut self, most: usize, now: Millis) -> Option<RunIx> {
        while let Some(first) = self.to_look_at.first().copied().filter(|(from, _)| *from <= now) {
            let over = self.of_schedule.get(&first.1).filter(|over| over.len() > most);
            let found = over.and_then(|over| over.first(now, |at| self.is_needed(at)));
            if found.is_some() {
                return found;
            }
            let next = over.and_then(|over| next_old(&over.timely, now));
            self.to_look_at.remove(&first);
            self.to_look_at.extend(next.map(|next| (next, first.1)));
        }
        None
    }

    /// The run that ended first of those that schedules have started.
    pub(in crate::engine) fn oldest_of_schedules(&self, now: Millis) -> Option<RunIx> {
        self.scheduled.first(now, |at| self.is_needed(at))
    }

    /// When the next run has been kept long enough, of those that have not at `now`.
    pub(in crate::engine) fn next_old(&self, now: Millis) -> Option<Millis> {
        next_old(&self.over, now)
    }

    pub(in crate::engine) fn take(&mut self, at: RunIx) -> Option<Run> {
        let run = self.kept.remove(&at)?;
        let place = (run.ended_at.unwrap_or_default(), at);
        self.over.remove(&place);
        if let Some((schedule, _)) = run.created.schedule {
            self.scheduled.remove(place);
            if let Some(over) = self.of_schedule.get_mut(&schedule) {
                over.remove(place);
                if over.len() == 0 {
                    self.of_schedule.remove(&schedule);
                }
            }
        }
        Some(*run)
    }

    /// Leaves positions empty.
    pub(in crate::engine) fn skip(&mut self, count: usize) {
        self.count += count;
    }
}
