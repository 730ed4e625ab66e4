//! All runs of an engine, by their positions.

use super::run::{Run, RunState};
use super::{Engine, Record};
use crate::time::Millis;
use std::collections::{BTreeSet, VecDeque};

/// Runs in order of submission. Those that are forgotten leave their positions behind, by which the others are known.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Positions before the first run that is kept.
    gone: usize,
    kept: VecDeque<Option<Box<Run>>>,
    /// Runs that are kept and over, in the order in which they ended.
    over: BTreeSet<(Millis, usize)>,
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
        if let Some(ended_at) = run.ended_at {
            self.over.insert((ended_at, self.len()));
        }
        self.kept.push_back(Some(Box::new(run)));
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
    }

    fn take(&mut self, at: usize) -> Option<Run> {
        let run = self.kept.get_mut(at.checked_sub(self.gone)?)?.take()?;
        self.over.remove(&(run.ended_at.unwrap_or_default(), at));
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
        let Some(most) = self.config.keep_runs else { return true };
        while self.runs.over.len() > most {
            if !self.is_within_slice() {
                return false;
            }
            self.begins_unit();
            let is_old = |(ended_at, _): &(Millis, usize)| ended_at.saturating_add(AT_LEAST) <= now;
            let is_needed = |at: &usize| {
                let parent = self.runs.get(*at).and_then(|run| run.created.parent.as_ref());
                parent
                    .and_then(|parent| self.runs.get(parent.run))
                    .is_some_and(|run| run.state == RunState::Active)
            };
            let Some(run) = self
                .runs
                .over
                .iter()
                .take_while(|run| is_old(run))
                .map(|(_, at)| *at)
                .find(|at| !is_needed(at))
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
        self.ids.remove(&run.created.run_id);
        if let Some(key) = run.created.key.filter(|key| self.keys.get(key) == Some(&at)) {
            self.keys.remove(&key);
        }
    }
}
