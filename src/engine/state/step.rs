//! Steps: operators in a scope, with their attempts and results.

use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, ScopeIx, StepIx};
use crate::engine::state::reports::Reports;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

/// The execution record of one operator in one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The scope it is in.
    pub scope: ScopeIx,
    /// Where it stands.
    pub state: StepState,
    /// Its attempts so far, the running one included.
    pub attempts: Vec<Attempt>,
    /// Its result, also of a failed last attempt.
    pub result: Option<Value>,
    /// When it started.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// When it has to be looked at again: end of a sleep or of an attempt's time.
    pub timer: Option<Millis>,
    /// What it waits for, or runs inside.
    pub inner: Option<Inner>,
    /// Scopes that its latest attempt has opened.
    pub scopes: Vec<ScopeIx>,
    /// What its tools have told while they worked, where they did.
    pub reports: Option<Box<Reports>>,
    /// The idempotency key that its running attempt holds.
    pub(in crate::engine) key: Option<String>,
    /// The failed step because of which it was skipped.
    pub cause: Option<StepIx>,
    /// Where it stands among the steps of its scope that succeeded, in the order in which they did.
    pub(in crate::engine) rank: usize,
    pub(in crate::engine) dependencies: Counts,
    /// Whether something that names it as a way has chosen it.
    pub(in crate::engine) is_chosen: bool,
    /// How many of those are over.
    pub(in crate::engine) ways_over: usize,
    pub(in crate::engine) is_in_line: bool,
}

/// How the dependencies of a step have ended so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Counts {
    pub(in crate::engine) total: usize,
    pub(in crate::engine) over: usize,
    /// Succeeded, be it only by choosing a way.
    pub(in crate::engine) succeeded: usize,
    /// Succeeded with work done.
    pub(in crate::engine) worked: usize,
    pub(in crate::engine) failed: usize,
    /// Skipped, since no way led there.
    pub(in crate::engine) passed_by: usize,
    /// Skipped, since something before them failed.
    pub(in crate::engine) upstream_failed: usize,
}

/// What a step waits for, or runs inside.
#[derive(Clone, Debug, PartialEq)]
pub enum Inner {
    /// Time alone.
    Sleep,
    /// An event of this name.
    Event(String),
    /// Steps that are to be over.
    Join,
    /// Branches of a fork, which is that step.
    Branches {
        /// The step of the fork.
        fork: StepIx,
        /// The branch, where it is one alone.
        only: Option<usize>,
    },
    /// The rounds of a loop.
    Loop {
        /// The items, for a loop over some; a record shares them.
        items: Option<Rc<Vec<Value>>>,
        /// Whether more items may come.
        is_open: bool,
        /// Rounds that are over.
        over: usize,
        /// Results of all rounds that were opened.
        results: Vec<Option<Value>>,
    },
    /// Runs of other workflows: name and position of each.
    Children(Vec<(String, RunIx)>),
    /// The turns of a reflexive step.
    Turns {
        /// What is to be verified; none while it is generated.
        candidate: Option<Value>,
        /// What the verifier said last.
        feedback: Option<Value>,
        /// Turns that have begun.
        turn: u32,
    },
    /// An update of this name.
    Update(String),
    /// The tool that answers the update of this position.
    Handling(usize),
    /// An answer of a person to `{approval_key, title, description, approval_data}`.
    Approval(Map<String, Value>),
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// Waits for its dependencies, or for a free place.
    Pending,
    /// A tool works on it, as this call.
    Running {
        /// Number of the tool call.
        call: CallId,
    },
    /// Waits for time, an event, a person.
    Sleeping,
    /// What is inside it runs.
    Open,
    /// Sleeps between two attempts.
    Retrying,
    /// Over, with a result.
    Succeeded,
    /// Over: the last attempt failed.
    Failed,
    /// Over: will not run.
    Skipped,
    /// Over: the run ended first.
    Cancelled,
}

/// One attempt of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What the tool gave where it failed all the same; what a successful attempt gave is the step's.
    pub result: Option<Value>,
}

impl Step {
    pub(in crate::engine) fn new(scope: ScopeIx, dependencies: usize) -> Self {
        Self {
            scope,
            state: StepState::Pending,
            attempts: Vec::new(),
            result: None,
            started_at: None,
            ended_at: None,
            timer: None,
            inner: None,
            scopes: Vec::new(),
            reports: None,
            key: None,
            cause: None,
            rank: 0,
            dependencies: Counts { total: dependencies, ..Counts::default() },
            is_chosen: false,
            ways_over: 0,
            is_in_line: false,
        }
    }

    /// When it started and ended as far as its attempts tell, which is mostly all there is to it.
    pub(in crate::engine) fn usual_times(&self) -> (Option<Millis>, Option<Millis>) {
        let ended_at = self.attempts.last().and_then(|attempt| attempt.ended_at);
        (self.attempts.first().map(|attempt| attempt.started_at), ended_at.filter(|_| self.state.is_final()))
    }

    /// Drops what decides whether a step starts, once it is over.
    pub(in crate::engine) fn forget_what_led_there(&mut self) {
        self.dependencies = Counts::default();
        self.is_chosen = false;
        self.ways_over = 0;
    }

    /// Why its latest attempt failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.attempts.last().and_then(|attempt| attempt.failure.as_ref())
    }
}

impl StepState {
    /// Whether nothing more will happen to the step.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The word the REST API uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running { .. } | Self::Open => "running",
            Self::Sleeping | Self::Retrying => "sleeping",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}
