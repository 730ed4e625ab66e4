//! What is due, and what is to be looked at.

use crate::engine::state::positions::{RunIx, StepIx, StepRef};

/// A step that waits, and may have waited enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Look {
    pub(in crate::engine) run: RunIx,
    pub(in crate::engine) step: StepIx,
    /// The step that has ended; none where that is not known.
    pub(in crate::engine) ended: Option<StepIx>,
}

/// A step that a join was found to wait for.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Awaited {
    pub(in crate::engine) step: StepIx,
    /// Position of its name in the join.
    pub(in crate::engine) name: usize,
    /// Scopes in which that name was looked for: the step of a later one takes its place.
    pub(in crate::engine) scopes: usize,
}

/// What is due at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Timer {
    /// The end of a run's time.
    Run(RunIx),
    /// A step: the end of a sleep, of an attempt's time, of a delay.
    Step(StepRef),
    /// A schedule.
    Schedule(usize),
    /// The end of the time of a run's update.
    Update(RunIx, usize),
}
