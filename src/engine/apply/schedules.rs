//! What a record changes in a schedule.

use crate::engine::state::State;
use crate::engine::state::positions::ScheduleIx;
use crate::engine::state::queues::Timer;
use crate::engine::state::schedule::{Schedule, ScheduleState};
use crate::time::Millis;

impl State {
    pub(in crate::engine) fn apply_schedule(&mut self, at: ScheduleIx, schedule: Schedule) {
        self.forget_firing(at);
        self.count_bytes(schedule.size());
        match self.schedules.get_mut(at) {
            Some(known) => {
                let earlier = std::mem::replace(known, schedule);
                self.uncount_bytes(earlier.size());
            }
            None => drop(self.schedules.push(schedule)),
        }
        self.await_firing(at);
    }

    pub(in crate::engine) fn apply_fired(&mut self, at: ScheduleIx, slot: Millis, next: Option<Millis>) {
        self.forget_firing(at);
        if let Some(schedule) = self.schedules.get_mut(at) {
            schedule.last = Some(slot);
            schedule.next = next;
            schedule.fired += 1;
        }
        self.await_firing(at);
    }

    pub(in crate::engine) fn hold(&mut self, at: ScheduleIx) {
        self.forget_firing(at);
        if let Some(schedule) = self.schedules.get_mut(at) {
            schedule.state = ScheduleState::Held;
        }
        self.await_firing(at);
    }

    /// Makes a schedule due that waited for the end of a run of its workflow.
    pub(in crate::engine) fn release_held(&mut self, workflow: &str) {
        for at in self.held_schedules.remove(workflow).unwrap_or_default() {
            // The schedule may have been replaced, or may not wait any more.
            let is_held =
                |known: &&mut Schedule| known.state == ScheduleState::Held && known.workflow == workflow;
            if let Some(schedule) = self.schedules.get_mut(at).filter(is_held) {
                schedule.state = ScheduleState::Active;
                self.await_firing(at);
            }
        }
    }

    pub(super) fn forget_firing(&mut self, at: ScheduleIx) {
        if let Some(next) = self.schedules.get(at).and_then(|schedule| schedule.next) {
            self.timers.remove(&(next, Timer::Schedule(at)));
        }
    }

    /// Sets the next firing of a schedule: at its time, or when a run of its workflow has ended.
    pub(super) fn await_firing(&mut self, at: ScheduleIx) {
        let Some(schedule) = self.schedules.get(at) else { return };
        if schedule.state == ScheduleState::Held {
            self.held_schedules.entry(schedule.workflow.clone()).or_default().insert(at);
        }
        if let Some(next) = schedule.next.filter(|_| schedule.state == ScheduleState::Active) {
            self.timers.insert((next, Timer::Schedule(at)));
        }
    }
}
