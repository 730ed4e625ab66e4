//! All runs of an engine, by their positions.

use crate::engine::state::positions::{RunIx, ScheduleIx};
use crate::engine::state::run::{Firing, Run, RunState};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// The runs in order of submission. A dropped run leaves its position empty, so that the positions of the others stay.
#[derive(Debug, Default)]
pub(in crate::engine) struct Runs {
    kept: BTreeMap<RunIx, Box<Run>>,
    /// The number of runs there ever were.
    count: usize,
    /// Finished runs that are kept, in the order in which they ended.
    pub(in crate::engine) over: BTreeSet<(Millis, RunIx)>,
    /// Those of them that schedules or their runs have started.
    scheduled: Over,
    /// The finished runs of each schedule.
    of_schedule: BTreeMap<ScheduleIx, Over>,
    /// Schedules that may keep too many finished runs, and the moment from which they are checked.
    to_check: BTreeSet<(Millis, ScheduleIx)>,
}

/// Finished runs of schedules, in the order in which they ended.
#[derive(Debug, Default)]
struct Over {
    /// Runs for missed firings that no caller follows. They may be dropped at once.
    late: BTreeSet<(Millis, RunIx)>,
    /// All other runs.
    timely: BTreeSet<(Millis, RunIx)>,
}

/// How long every run is kept after its end, in milliseconds, so that a client that waits for it learns how it ended.
const AT_LEAST: Millis = 60_000;

/// Whether a run that ended at this moment has been kept long enough.
pub(in crate::engine) const fn is_old(ended_at: Millis, now: Millis) -> bool {
    ended_at.saturating_add(AT_LEAST) <= now
}

/// The moment at which the next of these runs will have been kept long enough.
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

    /// The run that ended first, among those that may be dropped.
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

    /// The position of the next run to be added.
    pub(in crate::engine) fn next(&self) -> RunIx {
        RunIx::new(self.count)
    }

    /// Whether any run was dropped.
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

    /// Every position in order: a run, or the number of empty positions in a row.
    pub(in crate::engine) fn places(&self) -> impl Iterator<Item = Result<RunIx, usize>> {
        let mut next = 0;
        let kept = self.kept.keys().map(|at| (at.get(), Some(*at)));
        kept.chain([(self.count, None)]).flat_map(move |(at, run)| {
            let gap = at - std::mem::replace(&mut next, at + 1);
            (gap > 0).then_some(Err(gap)).into_iter().chain(run.map(Ok))
        })
    }

    /// Notes that a run has ended.
    pub(in crate::engine) fn ended(&mut self, run: RunIx, at: Millis) {
        self.over.insert((at, run));
        let Some(found) = self.get(run) else { return };
        let is_late = found.created.is_late && !found.is_followed.get();
        if let Some(Firing { schedule, .. }) = found.created.schedule {
            self.scheduled.insert((at, run), is_late);
            self.of_schedule.entry(schedule).or_default().insert((at, run), is_late);
            self.to_check.insert((0, schedule));
        }
    }

    /// Whether the run that started it is active.
    pub(in crate::engine) fn is_needed(&self, at: RunIx) -> bool {
        let parent = self.get(at).and_then(|run| self.get(run.created.parent.as_ref()?.run));
        parent.is_some_and(|parent| parent.state == RunState::Active)
    }

    /// The run that ended first, of a schedule with more than `most` finished runs.
    pub(in crate::engine) fn surplus_of_schedules(&mut self, most: usize, now: Millis) -> Option<RunIx> {
        while let Some(first) = self.to_check.first().copied().filter(|(from, _)| *from <= now) {
            let over = self.of_schedule.get(&first.1).filter(|over| over.len() > most);
            let found = over.and_then(|over| over.first(now, |at| self.is_needed(at)));
            if found.is_some() {
                return found;
            }
            let next = over.and_then(|over| next_old(&over.timely, now));
            self.to_check.remove(&first);
            self.to_check.extend(next.map(|next| (next, first.1)));
        }
        None
    }

    /// The run that ended first, among those that schedules have started.
    pub(in crate::engine) fn oldest_of_schedules(&self, now: Millis) -> Option<RunIx> {
        self.scheduled.first(now, |at| self.is_needed(at))
    }

    /// The moment at which the next run will have been kept long enough.
    pub(in crate::engine) fn next_old(&self, now: Millis) -> Option<Millis> {
        next_old(&self.over, now)
    }

    pub(in crate::engine) fn take(&mut self, at: RunIx) -> Option<Run> {
        let run = self.kept.remove(&at)?;
        let place = (run.ended_at.unwrap_or_default(), at);
        self.over.remove(&place);
        if let Some(Firing { schedule, .. }) = run.created.schedule {
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

    /// Leaves this many positions empty.
    pub(in crate::engine) fn skip(&mut self, count: usize) {
        self.count += count;
    }
}
