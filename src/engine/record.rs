//! The journal: every change of state of the engine.

use super::plan::Plan;
use super::{Failure, RunState};
use crate::time::Millis;
use serde_json::{Map, Value};

/// One change of state. Runs and steps are named by their position: runs in order of submission, steps in the
/// order of the definition.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Record {
    /// A run was accepted.
    RunCreated(Box<RunCreated>),
    /// An attempt of a task began.
    AttemptStarted {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
        /// Number of the tool call.
        call: u64,
        /// When the attempt is given up.
        deadline: Option<Millis>,
        /// When.
        at: Millis,
    },
    /// A wait began to sleep.
    Slept {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
        /// When it wakes.
        until: Millis,
        /// When.
        at: Millis,
    },
    /// An attempt failed.
    AttemptFailed {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
        /// Why.
        failure: Failure,
        /// What the tool gave all the same, such as its output.
        result: Option<Value>,
        /// When the next attempt is due; none when this was the last.
        retry_at: Option<Millis>,
        /// When.
        at: Millis,
    },
    /// The time between two attempts is over.
    RetryDue {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
    },
    /// A step succeeded.
    Succeeded {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
        /// Its result.
        result: Value,
        /// When.
        at: Millis,
    },
    /// A step will not run, because something it depends on failed or was skipped.
    Skipped {
        /// The run.
        run: usize,
        /// The step.
        step: usize,
        /// When.
        at: Millis,
    },
    /// A run is over. Steps that were not over are cancelled with it.
    RunEnded {
        /// The run.
        run: usize,
        /// How it ended.
        state: RunState,
        /// Why, where it did not complete.
        failure: Option<Failure>,
        /// When.
        at: Millis,
    },
}

/// A run as it was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCreated {
    /// Its id.
    pub run_id: String,
    /// The definition.
    pub workflow: Plan,
    /// The definition as it was sent.
    pub definition: Value,
    /// Run inputs.
    pub inputs: Map<String, Value>,
    /// The idempotency key it was sent with.
    pub key: Option<String>,
    /// When.
    pub at: Millis,
}
