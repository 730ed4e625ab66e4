//! Due schedules that wait for their turn.

use crate::engine::state::positions::ScheduleIx;
use crate::time::Millis;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Due schedules that wait for their turn.
#[derive(Debug, Default)]
pub(in crate::engine) struct Missed {
    /// The positions of the schedules.
    pub(in crate::engine) waiting: BTreeSet<ScheduleIx>,
    /// The schedule that had its turn last.
    pub(in crate::engine) last: ScheduleIx,
    /// The number of queued steps in runs for missed firings.
    pub(in crate::engine) in_line: usize,
    /// The memory that was in use when there was not enough for a run, in bytes.
    pub(in crate::engine) was_full_at: Option<usize>,
    /// The moment at which finished runs were last dropped to make room.
    pub(in crate::engine) looked_at: Millis,
    /// Whether any other step has started since the last turn.
    pub(in crate::engine) others_had_turn: bool,
}

impl Missed {
    pub(in crate::engine) fn insert(&mut self, schedule: ScheduleIx) {
        self.waiting.insert(schedule);
    }

    /// Counts a step of a run for a missed firing that is queued or leaves its queue.
    pub(in crate::engine) fn count_step(&mut self, is_in_line: bool) {
        self.in_line = if is_in_line { self.in_line + 1 } else { self.in_line.saturating_sub(1) };
    }

    /// Notes that a step has started. `is_late` says whether its run is for a missed firing.
    pub(in crate::engine) fn note_start(&mut self, is_late: bool) {
        self.others_had_turn |= !is_late;
    }

    /// Whether a schedule waits for memory.
    pub(in crate::engine) const fn is_without_memory(&self) -> bool {
        self.was_full_at.is_some()
    }

    /// Removes and returns the next schedule in turn.
    pub(in crate::engine) fn take(&mut self) -> Option<ScheduleIx> {
        let mut after = self.waiting.range((Bound::Excluded(self.last), Bound::Unbounded));
        let next = after.next().or_else(|| self.waiting.first()).copied()?;
        self.waiting.remove(&next);
        (self.last, self.others_had_turn) = (next, false);
        Some(next)
    }
}
