//! Steps: operators in a scope, with their attempts and results.

use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, ScopeIx, StepIx, UpdateIx};
use crate::engine::state::reports::Reports;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

/// One operator in one scope, while and after it is executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The scope it is in.
    pub scope: ScopeIx,
    /// Its state.
    pub state: StepState,
    /// Its attempts so far, the running one included.
    pub attempts: Vec<Attempt>,
    /// Its result. A failed last attempt may have one too.
    pub result: Option<Value>,
    /// When it started.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The next moment at which it must be checked: the end of a sleep or of an attempt's time limit.
    pub timer: Option<Millis>,
    /// What it waits for, or what runs inside it.
    pub inner: Option<Inner>,
    /// Scopes that its latest attempt has opened.
    pub scopes: Vec<ScopeIx>,
    /// Reports of its tools, if there are any.
    pub reports: Option<Box<Reports>>,
    /// The idempotency key that its running attempt holds.
    pub(in crate::engine) key: Option<String>,
    /// The failed step because of which it was skipped.
    pub cause: Option<StepIx>,
    /// Its rank among the succeeded steps of its scope, in the order in which they succeeded.
    pub(in crate::engine) rank: usize,
    pub(in crate::engine) dependencies: Counts,
    /// Whether an operator that names it as a target has chosen it.
    pub(in crate::engine) is_chosen: bool,
    /// How many of the operators that name it as a target have ended.
    pub(in crate::engine) ways_over: usize,
    pub(in crate::engine) is_in_line: bool,
}

/// The ends of a step's dependencies so far, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Counts {
    pub(in crate::engine) over: usize,
    /// Succeeded, including those that only chose a target.
    pub(in crate::engine) succeeded: usize,
    /// Succeeded and did work.
    pub(in crate::engine) worked: usize,
    pub(in crate::engine) failed: usize,
    /// Skipped because they were not chosen.
    pub(in crate::engine) passed_by: usize,
    /// Skipped because a step before them failed.
    pub(in crate::engine) upstream_failed: usize,
}

/// What a step waits for, or what runs inside it.
#[derive(Clone, Debug, PartialEq)]
pub enum Inner {
    /// A time.
    Sleep,
    /// An event of this name.
    Event(String),
    /// The ends of other steps.
    Join,
    /// The branches of a fork.
    Branches {
        /// The step of the fork.
        fork: StepIx,
        /// The position of the branch, if it is only one.
        only: Option<usize>,
    },
    /// The rounds of a loop.
    Loop {
        /// The items of a loop over a list, shared with the record.
        items: Option<Rc<Vec<Value>>>,
        /// Whether further items may be added.
        is_open: bool,
        /// The number of finished rounds.
        over: usize,
        /// The results of all rounds that were opened.
        results: Vec<Option<Value>>,
    },
    /// Runs of other workflows: name and position of each.
    Children(Vec<(String, RunIx)>),
    /// The turns of a reflexive step.
    Turns {
        /// The result to be verified; `None` while it is generated.
        candidate: Option<Value>,
        /// The latest answer of the verifier.
        feedback: Option<Value>,
        /// The number of turns that have begun.
        turn: u32,
    },
    /// An update of this name.
    Update(String),
    /// The tool that answers the update at this position.
    Handling(UpdateIx),
    /// The answer of a person to `{approval_key, title, description, approval_data}`.
    Approval(Map<String, Value>),
}

/// The state of a step.
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
    /// Waits for a time, an event or a person.
    Sleeping,
    /// Has scopes or runs inside it that have not ended.
    Open,
    /// Waits between two attempts.
    Retrying,
    /// Ended with a result.
    Succeeded,
    /// Ended: the last attempt failed.
    Failed,
    /// Ended: will not run.
    Skipped,
    /// Ended because its run ended first.
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
    /// The tool's result in spite of a failure. The result of a successful attempt is the step's.
    pub result: Option<Value>,
}

impl Step {
    pub(in crate::engine) fn new(scope: ScopeIx) -> Self {
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
            dependencies: Counts::default(),
            is_chosen: false,
            ways_over: 0,
            is_in_line: false,
        }
    }

    /// The start and the end according to its attempts, which for most steps are the real ones.
    pub(in crate::engine) fn usual_times(&self) -> (Option<Millis>, Option<Millis>) {
        let ended_at = self.attempts.last().and_then(|attempt| attempt.ended_at);
        (self.attempts.first().map(|attempt| attempt.started_at), ended_at.filter(|_| self.state.is_final()))
    }

    /// Drops the data that decides whether a step starts, after its end.
    pub(in crate::engine) fn forget_what_led_there(&mut self) {
        self.dependencies = Counts::default();
        self.is_chosen = false;
        self.ways_over = 0;
    }

    /// Whether it is pending and in no queue.
    pub(in crate::engine) fn is_waiting(&self) -> bool {
        self.state == StepState::Pending && !self.is_in_line
    }

    /// The failure of its latest attempt.
    pub fn failure(&self) -> Option<&Failure> {
        self.attempts.last().and_then(|attempt| attempt.failure.as_ref())
    }
}

impl StepState {
    /// Whether the state never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The state's name in the REST API.
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
