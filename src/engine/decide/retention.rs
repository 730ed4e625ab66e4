//! Decides which runs are kept.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::positions::RunIx;
use crate::engine::state::runs::is_old;
use crate::time::Millis;

impl Engine {
    /// Drops the finished runs that ended first, if there are more than the engine keeps. Runs that an active run has
    /// started stay. The result is whether all of them are dropped.
    pub(in crate::engine) fn forget_old_runs(&mut self, now: Millis) -> bool {
        self.state.missed.looked_at = now;
        if !self.forget_scheduled_runs(now) {
            return false;
        }
        let Some(most) = self.config.keep_runs else { return true };
        while self.runs.over.len() > most {
            if !self.is_within_slice() {
                return false;
            }
            self.begin_unit();
            let Some(run) = self
                .runs
                .over
                .iter()
                .take_while(|(ended_at, _)| is_old(*ended_at, now))
                .map(|(_, at)| *at)
                .find(|at| !self.runs.is_needed(*at))
            else {
                return true;
            };
            self.forget_run(run);
        }
        true
    }

    /// Drops a run, and its definition if nothing else refers to it.
    pub(in crate::engine) fn forget_run(&mut self, run: RunIx) {
        let hash = self.runs.get(run).map(|run| run.created.hash.clone());
        self.commit(Record::RunForgotten { run });
        if let Some(hash) = hash {
            self.forget_definition(&hash);
        }
    }

    /// Drops the finished runs of schedules that ended first, if a schedule has too many or if other runs need the
    /// memory. Runs for missed firings are dropped at once, the others after a minute. The result is whether all of
    /// them are dropped.
    pub(in crate::engine) fn forget_scheduled_runs(&mut self, now: Millis) -> bool {
        let limits = &self.config.limits;
        let (most, room) = (limits.get(Limit::ScheduleHistory), limits.get(Limit::EngineBytes) / 2);
        loop {
            let surplus = self.state.runs.surplus_of_schedules(most, now);
            let oldest = surplus.or_else(|| {
                let is_short = self.kept_bytes.get() > room;
                is_short.then(|| self.runs.oldest_of_schedules(now)).flatten()
            });
            let Some(run) = oldest else { return true };
            if !self.is_within_slice() {
                return false;
            }
            self.begin_unit();
            self.forget_run(run);
        }
    }
}
