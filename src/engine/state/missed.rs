//! Schedules that wait for their turn.

use crate::time::Millis;
use std::collections::BTreeSet;

/// The schedules that wait for their turn.
#[derive(Debug, Default)]
pub(in crate::engine) struct Missed {
    /// By their positions.
    pub(in crate::engine) waiting: BTreeSet<usize>,
    /// The one that had the latest turn.
    pub(in crate::engine) last: usize,
    /// Steps in line of runs that make up for a moment.
    pub(in crate::engine) in_line: usize,
    /// How much memory was in use when there was none for a run.
    pub(in crate::engine) was_full_at: Option<usize>,
    /// When runs were forgotten last, where there were any to forget.
    pub(in crate::engine) looked_at: Millis,
    /// Whether something else has started since the latest turn.
    pub(in crate::engine) others_had_turn: bool,
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
    pub(in crate::engine) fn take(&mut self) -> Option<usize> {
        let mut after = self.waiting.range(self.last.saturating_add(1)..);
        let next = after.next().or_else(|| self.waiting.first()).copied()?;
        self.waiting.remove(&next);
        (self.last, self.others_had_turn) = (next, false);
        Some(next)
    }
}
