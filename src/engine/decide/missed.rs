//! Schedules that are due and have to wait for their turn: those that make up for moments that were missed, of which there may be
//! millions, and those for whose runs there is no memory.

use crate::engine::config::limits::Limit;
use crate::engine::state::Engine;
use crate::engine::state::Timer;
use crate::time::Millis;
use std::collections::BTreeSet;

/// The schedules that wait for their turn.
#[derive(Debug, Default)]
pub(in crate::engine) struct Missed {
    /// By their positions.
    waiting: BTreeSet<usize>,
    /// The one that had the latest turn.
    last: usize,
    /// Steps in line of runs that make up for a moment.
    pub(in crate::engine) in_line: usize,
    /// How much memory was in use when there was none for a run.
    was_full_at: Option<usize>,
    /// When runs were forgotten last, where there were any to forget.
    pub(in crate::engine) looked_at: Millis,
    /// Whether something else has started since the latest turn.
    others_had_turn: bool,
}

impl Missed {
    pub(in crate::engine) fn insert(&mut self, schedule: usize) {
        self.waiting.insert(schedule);
    }

    /// A step of a run that makes up for a moment gets in line, or leaves it.
    pub(in crate::engine) fn counts(&mut self, is_in_line: bool) {
        self.in_line = if is_in_line { self.in_line + 1 } else { self.in_line.saturating_sub(1) };
    }

    /// A step has started, of a run that makes up for a moment or of another one.
    pub(in crate::engine) fn has_started(&mut self, is_late: bool) {
        self.others_had_turn |= !is_late;
    }

    /// Whether one waits for memory.
    pub(in crate::engine) const fn is_without_memory(&self) -> bool {
        self.was_full_at.is_some()
    }

    /// The next one in turn, which waits no more.
    fn take(&mut self) -> Option<usize> {
        let mut after = self.waiting.range(self.last.saturating_add(1)..);
        let next = after.next().or_else(|| self.waiting.first()).copied()?;
        self.waiting.remove(&next);
        (self.last, self.others_had_turn) = (next, false);
        Some(next)
    }
}

impl Engine {
    /// Fires the schedules that are due: by the end of a run, or by the turn that they had, there may be some in the middle of a slice.
    pub(in crate::engine) fn fire_due(&mut self, now: Millis) {
        while self.is_within_slice()
            && let Some((at, Timer::Schedule(schedule))) = self.timers.first().copied()
            && at <= now
        {
            self.begins_unit();
            self.timers.pop_first();
            self.because_of_start(now);
            self.fire(schedule, now);
        }
    }

    /// Whether a schedule that waits has its turn. One run at a time is started for missed moments, once no step of the one before
    /// waits in line, and in turns with what else is in line.
    pub(in crate::engine) fn is_turn_of_missed(&self, is_line_empty: bool) -> bool {
        !self.missed.waiting.is_empty()
            && self.missed.in_line == 0
            && (is_line_empty || self.missed.others_had_turn)
            && self.missed.was_full_at.is_none_or(|bytes| self.kept_bytes.get() < bytes)
    }

    /// Starts a run for the schedule that has its turn.
    pub(in crate::engine) fn make_up(&mut self, now: Millis) {
        let Some(schedule) = self.missed.take() else { return };
        self.because_of_start(now);
        self.missed.was_full_at = None;
        self.start_scheduled(schedule, now);
    }

    /// There is no memory for the run of a schedule, which waits until there is more.
    pub(in crate::engine) fn await_memory(&mut self, schedule: usize) {
        self.missed.was_full_at = Some(self.kept_bytes.get());
        self.missed.insert(schedule);
    }

    /// Forgets the runs of schedules that ended first, where there are more than are to be kept of one schedule, or where they all
    /// take memory that others need; those that made up for a moment at once, the others after a minute. Whether that were all.
    pub(in crate::engine) fn forget_scheduled_runs(&mut self, now: Millis) -> bool {
        let limits = &self.config.limits;
        let (most, room) = (limits.get(Limit::ScheduleHistory), limits.get(Limit::EngineBytes) / 2);
        loop {
            let surplus = self.runs.surplus_of_schedules(most, now);
            let oldest = surplus.or_else(|| {
                let is_short = self.kept_bytes.get() > room;
                is_short.then(|| self.runs.oldest_of_schedules(now)).flatten()
            });
            let Some(run) = oldest else { return true };
            if !self.is_within_slice() {
                return false;
            }
            self.begins_unit();
            self.forget_run(run);
        }
    }
}
