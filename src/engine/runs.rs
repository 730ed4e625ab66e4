//! All runs of an engine, by their positions.

use super::run::{Run, RunState};
use super::{Engine, Record};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Runs in order of submission. Those that are forgotten leave their positions behind, by which the others are known.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Positions before the first run that is kept.
    gone: usize,
    kept: VecDeque<Option<Box<Run>>>,
    /// Runs that are kept and over, in the order in which they ended.
    over: BTreeSet<(Millis, usize)>,
    /// Those of them that schedules have started, and what these have started.
    scheduled: BTreeSet<(Millis, usize)>,
    /// The same for each schedule.
    of_schedule: BTreeMap<usize, BTreeSet<(Millis, usize)>>,
    /// Schedules of which a run has ended since they were looked at.
    to_look_at: BTreeSet<usize>,
}

/// Milliseconds for which every run is kept, so that whoever waits for its end hears of it.
const AT_LEAST: Millis = 60_000;

impl Runs {
    pub(super) fn get(&self, at: usize) -> Option<&Run> {
        self.kept.get(at.checked_sub(self.gone)?)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Run> {
        self.kept.get_mut(at.checked_sub(self.gone)?)?.as_deref_mut()
    }

    /// How many runs there ever were.
    pub(super) fn len(&self) -> usize {
        self.gone + self.kept.len()
    }

    pub(super) fn push(&mut self, run: Run) {
        let (at, ended_at) = (self.len(), run.ended_at);
        self.kept.push_back(Some(Box::new(run)));
        if let Some(ended_at) = ended_at {
            self.ended(at, ended_at);
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.kept.iter().filter_map(Option::as_deref)
    }

    /// Runs with their positions.
    pub(super) fn placed(&self) -> impl DoubleEndedIterator<Item = (usize, &Run)> {
        let places = self.kept.iter().enumerate();
        places.filter_map(|(at, run)| Some((self.gone + at, run.as_deref()?)))
    }

    /// Every position in order: how many are empty, or the run that is there.
    pub(super) fn places(&self) -> impl Iterator<Item = Result<&Run, usize>> {
        let kept = self.kept.iter().map(|run| run.as_deref().ok_or(1));
        std::iter::once(Err(self.gone)).filter(|place| *place != Err(0)).chain(kept)
    }

    /// A run is over.
    pub(super) fn ended(&mut self, run: usize, at: Millis) {
        self.over.insert((at, run));
        if let Some((schedule, _)) = self.get(run).and_then(|run| run.created.schedule) {
            self.scheduled.insert((at, run));
            self.of_schedule.entry(schedule).or_default().insert((at, run));
            self.to_look_at.insert(schedule);
        }
    }

    /// Whether a run was started by one that is active.
    fn is_needed(&self, at: usize) -> bool {
        let parent = self.get(at).and_then(|run| self.get(run.created.parent.as_ref()?.run));
        parent.is_some_and(|parent| parent.state == RunState::Active)
    }

    /// The run that ended first of a schedule of which more than `most` are over.
    pub(super) fn surplus_of_schedules(&mut self, most: usize) -> Option<usize> {
        while let Some(schedule) = self.to_look_at.first().copied() {
            let over = self.of_schedule.get(&schedule).filter(|over| over.len() > most);
            let found = over.and_then(|over| over.iter().find(|(_, at)| !self.is_needed(*at)));
            if let Some((_, at)) = found {
                return Some(*at);
            }
            self.to_look_at.remove(&schedule);
        }
        None
    }

    /// The run that ended first of those that schedules have started.
    pub(super) fn oldest_of_schedules(&self) -> Option<usize> {
        self.scheduled.iter().map(|(_, at)| *at).find(|at| !self.is_needed(*at))
    }

    fn take(&mut self, at: usize) -> Option<Run> {
        let run = self.kept.get_mut(at.checked_sub(self.gone)?)?.take()?;
        let place = (run.ended_at.unwrap_or_default(), at);
        self.over.remove(&place);
        if let Some((schedule, _)) = run.created.schedule {
            self.scheduled.remove(&place);
            if let Some(over) = self.of_schedule.get_mut(&schedule) {
                over.remove(&place);
            }
        }
        self.close_up();
        Some(*run)
    }

    /// Leaves positions empty.
    pub(super) fn skip(&mut self, count: usize) {
        self.kept.extend((0..count).map(|_| None));
        self.close_up();
    }

    fn close_up(&mut self) {
        while self.kept.front().is_some_and(Option::is_none) {
            self.kept.pop_front();
            self.gone += 1;
        }
    }
}

impl Engine {
    /// Forgets those that ended first of the runs that are over, where there are more of them than are to be kept. What an
    /// active run has started stays as long as that. Whether that were all.
    pub(super) fn forget_old_runs(&mut self, now: Millis) -> bool {
        if !self.forget_scheduled_runs() {
            return false;
        }
        let Some(most) = self.config.keep_runs else { return true };
        while self.runs.over.len() > most {
            if !self.is_within_slice() {
                return false;
            }
            self.begins_unit();
            let is_old = |(ended_at, _): &(Millis, usize)| ended_at.saturating_add(AT_LEAST) <= now;
            let Some(run) = self
                .runs
                .over
                .iter()
                .take_while(|run| is_old(run))
                .map(|(_, at)| *at)
                .find(|at| !self.runs.is_needed(*at))
            else {
                return true;
            };
            self.commit(Record::RunForgotten { run });
        }
        true
    }

    pub(super) fn apply_forgotten(&mut self, at: usize) {
        let Some(mut run) = self.runs.take(at) else { return };
        run.meter.leave();
        for key in &run.used {
            self.once.remove(key);
        }
        self.ids.remove(&run.created.run_id);
        if let Some(key) = run.created.key.filter(|key| self.keys.get(key) == Some(&at)) {
            self.keys.remove(&key);
        }
    }
}
