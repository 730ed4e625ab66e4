//! Entries of the queues: timers, and steps to check.

use crate::engine::state::positions::{RunIx, ScheduleIx, StepIx, StepRef, UpdateIx};

/// A waiting step that may be able to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Check {
    pub(in crate::engine) run: RunIx,
    pub(in crate::engine) step: StepIx,
    /// The step that has ended; `None` if that is not known.
    pub(in crate::engine) ended: Option<StepIx>,
}

/// A step for which a join still waits.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Awaited {
    pub(in crate::engine) step: StepIx,
    /// Position of its name in the join.
    pub(in crate::engine) name: usize,
    /// The number of scopes in which that name was searched. A step in a later scope replaces this one.
    pub(in crate::engine) scopes: usize,
}

/// An event of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Timer {
    /// The time limit of a run.
    Run(RunIx),
    /// The end of a step's sleep, of its attempt's time limit, or of its delay.
    Step(StepRef),
    /// The next firing of a schedule.
    Schedule(ScheduleIx),
    /// The time limit of a run's update.
    Update(RunIx, UpdateIx),
}
