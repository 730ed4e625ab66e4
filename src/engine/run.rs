//! A run and its steps.

use super::Failure;
use super::plan::Planned;
use super::record::RunCreated;
use crate::names::NameIndex;
use crate::number::clamp;
use crate::time::Millis;
use serde_json::Value;

/// One execution of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What was submitted.
    pub created: RunCreated,
    /// How it ended, or that it is active.
    pub state: RunState,
    /// Why it did not complete.
    pub failure: Option<Failure>,
    /// When its first step started.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// When it is given up.
    pub deadline: Option<Millis>,
    /// One step for each operator, in the order of the definition.
    pub steps: Vec<Step>,
    /// Steps in the order in which they succeeded.
    pub order: Vec<usize>,
    /// Steps that are not over.
    pub open: usize,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// Not over.
    Active,
    /// Every step succeeded.
    Completed,
    /// A step failed, or the time limit passed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// The execution record of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
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
    /// Dependencies that have not succeeded yet.
    pub(super) missing: usize,
    /// Steps that depend on this one, once for each time they name it.
    pub(super) dependents: Vec<usize>,
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
        call: u64,
    },
    /// A wait sleeps.
    Sleeping,
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
    /// What the tool gave.
    pub result: Option<Value>,
}

impl Run {
    /// A run that has not started.
    pub(super) fn new(created: RunCreated) -> Self {
        let operators = &created.workflow.operators;
        let index = NameIndex::new(operators.iter().map(|operator| operator.id.as_str()));
        let mut steps: Vec<Step> =
            operators.iter().map(|operator| Step::new(operator.dependencies.len())).collect();
        for (at, operator) in operators.iter().enumerate() {
            for dependency in &operator.dependencies {
                if let Some(step) = index.get(dependency).and_then(|on| steps.get_mut(on)) {
                    step.dependents.push(at);
                }
            }
        }
        let deadline = created.workflow.timeout.map(|seconds| after(created.at, seconds));
        Self {
            state: RunState::Active,
            failure: None,
            started_at: None,
            ended_at: None,
            deadline,
            open: steps.len(),
            steps,
            order: Vec::new(),
            created,
        }
    }

    /// The operators that succeeded with their results, in the order in which they did.
    pub fn results(&self) -> impl DoubleEndedIterator<Item = (&Planned, &Value)> {
        self.order.iter().filter_map(|at| {
            let result = self.steps.get(*at)?.result.as_ref()?;
            Some((self.created.workflow.operators.get(*at)?, result))
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.created.run_id
    }
}

impl Step {
    fn new(missing: usize) -> Self {
        Self {
            state: StepState::Pending,
            attempts: Vec::new(),
            result: None,
            started_at: None,
            ended_at: None,
            timer: None,
            missing,
            dependents: Vec::new(),
        }
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
            Self::Running { .. } => "running",
            Self::Sleeping | Self::Retrying => "sleeping",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The moment `seconds` after `at`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a non-negative range"
)]
pub(super) fn after(at: Millis, seconds: f64) -> Millis {
    const LONGEST_MS: f64 = 1e13;
    at.saturating_add(clamp(seconds * 1_000.0, 0.0, LONGEST_MS).round() as Millis)
}
