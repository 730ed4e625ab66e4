//! Due schedules that must wait for their turn: schedules with missed firings, of which there may be millions, and
//! schedules for whose run there is no memory.

use crate::engine::machine::Engine;
use crate::engine::state::positions::ScheduleIx;
use crate::engine::state::queues::Timer;
use crate::time::Millis;

impl Engine {
    /// Fires the schedules that are due. The end of a run, or the turn that a schedule had, may make one due in the
    /// middle of a slice.
    pub(in crate::engine) fn fire_due(&mut self, now: Millis) {
        while self.is_within_slice()
            && let Some((at, Timer::Schedule(schedule))) = self.timers.first().copied()
            && at <= now
        {
            self.begin_unit();
            self.state.timers.pop_first();
            self.state.set_cause_to_start(now);
            self.fire(schedule, now);
        }
    }

    /// Whether a waiting schedule has its turn. Only one run at a time starts for missed firings: no step of the run
    /// before may be queued, and other queued steps start in between.
    pub(in crate::engine) fn is_turn_of_missed(&self, is_line_empty: bool) -> bool {
        !self.missed.waiting.is_empty()
            && self.missed.in_line == 0
            && (is_line_empty || self.missed.others_had_turn)
            && self.missed.was_full_at.is_none_or(|bytes| self.kept_bytes.get() < bytes)
    }

    /// Starts a run for the schedule that has its turn.
    pub(in crate::engine) fn start_missed(&mut self, now: Millis) {
        let Some(schedule) = self.state.missed.take() else { return };
        self.state.set_cause_to_start(now);
        self.state.missed.was_full_at = None;
        self.start_scheduled(schedule, now);
    }

    /// Lets a schedule wait until there is memory for its run.
    pub(in crate::engine) fn await_memory(&mut self, schedule: ScheduleIx) {
        self.state.missed.was_full_at = Some(self.kept_bytes.get());
        self.state.missed.insert(schedule);
    }
}
