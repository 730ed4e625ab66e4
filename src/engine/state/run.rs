//! A run, its scopes and its steps.

use crate::engine::decide::updates::Update;
use crate::engine::journal::record::RunCreated;
use crate::engine::output::Failure;
use crate::engine::plan::{Body, Operation, Planned};
use crate::engine::state::meter::Meter;
use crate::engine::tools::reports::Told;
use crate::number::clamp;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// One execution of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What was submitted.
    pub created: RunCreated,
    /// How it ended, or that it is active.
    pub state: RunState,
    /// Why it did not complete.
    pub failure: Option<Failure>,
    /// Its result, where that is not what its steps gave.
    pub result: Option<Value>,
    /// When its first step started.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// When it is given up.
    pub deadline: Option<Millis>,
    /// Scopes in the order in which they were opened, the workflow itself first.
    pub scopes: Vec<Scope>,
    /// The steps of all scopes, in the order in which those were opened.
    pub steps: Vec<Step>,
    /// Updates in the order in which they came.
    pub updates: Vec<Update>,
    /// Signals that nobody has taken.
    pub signals: Vec<Signal>,
    /// The number of the last event of each name that it has taken.
    pub(in crate::engine) received: HashMap<String, u64>,
    /// Steps that wait for others of this run.
    pub(in crate::engine) watching: Vec<usize>,
    /// Whether somebody has asked for it while it was active, and may wait for its end.
    pub(in crate::engine) is_followed: Cell<bool>,
    /// Idempotency keys under which its tasks have done something.
    pub(in crate::engine) used: Vec<String>,
    /// How much it keeps.
    pub(in crate::engine) meter: Meter,
    /// Runs that it has started, and those that they have started.
    pub(in crate::engine) descendants: usize,
}

/// A body that is run once.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The step whose body it is; none for the workflow itself.
    pub owner: Option<usize>,
    /// Which body, and what for.
    pub kind: ScopeKind,
    /// What is run.
    pub body: Rc<Body>,
    /// Position of its first step.
    pub first: usize,
    /// Names of its own.
    pub locals: Map<String, Value>,
    /// Variables that steps have set: of the workflow, and of each branch, which begins with a copy.
    pub variables: Map<String, Value>,
    /// What was known in the scopes around a branch when it was forked: scope, and results there.
    pub(in crate::engine) known: Vec<(usize, usize)>,
    /// Its steps in the order in which they succeeded.
    pub order: Vec<usize>,
    /// Scopes whose results can be read here: rounds that are over, branches that were waited for.
    pub readable: Vec<usize>,
    /// Steps that are not over.
    pub open: usize,
    /// Whether somebody waited for it, and so knows how it ended.
    pub is_waited_for: bool,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Whether a later attempt of its owner has taken its place.
    pub is_replaced: bool,
}

/// Which body of its owner a scope runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The workflow itself.
    Workflow,
    /// The body of a loop, counted from 0.
    Round(usize),
    /// A branch of that position.
    Branch(usize),
}

/// A signal that was sent to a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// Its data.
    pub payload: Value,
    /// When it arrived.
    pub at: Millis,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// Not over.
    Active,
    /// Every step that had to run succeeded.
    Completed,
    /// A step failed, or the time limit passed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// The execution record of one operator in one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The scope it is in.
    pub scope: usize,
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
    pub scopes: Vec<usize>,
    /// What its tools have told while they worked, where they did.
    pub told: Option<Box<Told>>,
    /// The idempotency key that its running attempt holds.
    pub(in crate::engine) key: Option<String>,
    /// The failed step because of which it was skipped.
    pub cause: Option<usize>,
    /// Where it stands among the steps of its scope that succeeded, in the order in which they did.
    pub(in crate::engine) rank: usize,
    pub(in crate::engine) dependencies: Counts,
    /// Whether something that names it as a way has chosen it.
    pub(in crate::engine) is_chosen: bool,
    /// How many of those are over.
    pub(in crate::engine) asked: usize,
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
        fork: usize,
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
    Children(Vec<(String, usize)>),
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
        call: u64,
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

impl Run {
    /// A run that has not started, its scope opened.
    pub(in crate::engine) fn new(created: RunCreated) -> Self {
        let deadline = created.workflow.timeout.map(|seconds| after(created.at, seconds));
        let body = Rc::clone(&created.workflow.body);
        let mut run = Self {
            state: RunState::Active,
            failure: None,
            result: None,
            started_at: None,
            ended_at: None,
            deadline,
            scopes: Vec::new(),
            steps: Vec::new(),
            updates: Vec::new(),
            signals: Vec::new(),
            received: HashMap::new(),
            watching: Vec::new(),
            is_followed: Cell::new(false),
            used: Vec::new(),
            meter: Meter::default(),
            descendants: 0,
            created,
        };
        run.open(None, ScopeKind::Workflow, body, Map::new());
        run
    }

    /// Opens a scope; its position.
    pub(in crate::engine) fn open(
        &mut self,
        owner: Option<usize>,
        kind: ScopeKind,
        body: Rc<Body>,
        locals: Map<String, Value>,
    ) -> usize {
        let scope = self.scopes.len();
        self.steps.extend(body.links.iter().map(|links| Step::new(scope, links.dependencies.len())));
        let open = body.operators.len();
        let (mut variables, mut known) = (Map::new(), Vec::new());
        if let (ScopeKind::Branch(_), Some(owner)) = (&kind, owner.and_then(|owner| self.steps.get(owner))) {
            let around: Vec<usize> = self.around(owner.scope).collect();
            known = around.iter().filter_map(|at| Some((*at, self.scopes.get(*at)?.order.len()))).collect();
            // The result of the fork itself comes next, and is known, too.
            if let Some((_, results)) = known.first_mut() {
                *results += 1;
            }
            variables = self.variables_of(owner.scope).cloned().unwrap_or_default();
        }
        self.scopes.push(Scope {
            owner,
            kind,
            first: self.steps.len() - open,
            body,
            locals,
            variables,
            known,
            order: Vec::new(),
            readable: Vec::new(),
            open,
            is_waited_for: false,
            is_cancelled: false,
            is_replaced: false,
        });
        self.keeps_scope();
        scope
    }

    /// A scope and those around it, outwards.
    pub fn around(&self, scope: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(scope), |scope| {
            let owner = self.scopes.get(*scope)?.owner?;
            Some(self.steps.get(owner)?.scope)
        })
    }

    /// The scope that holds the variables which steps of a scope see and set: a branch, or the workflow.
    pub(in crate::engine) fn holder(&self, scope: usize) -> usize {
        let is_holder =
            |at: &usize| self.scopes.get(*at).is_some_and(|scope| !matches!(scope.kind, ScopeKind::Round(_)));
        self.around(scope).find(is_holder).unwrap_or_default()
    }

    /// Variables that steps have set, as steps of a scope see them.
    pub fn variables_of(&self, scope: usize) -> Option<&Map<String, Value>> {
        self.scopes.get(self.holder(scope)).map(|scope| &scope.variables)
    }

    /// What the last operator of a scope, in the order of the definition, has given.
    pub fn last_in(&self, scope: usize) -> Option<&Value> {
        let found = self.scopes.get(scope)?;
        let steps = self.steps.get(found.first..found.first + found.body.operators.len())?;
        steps.iter().rev().find(|step| step.state == StepState::Succeeded)?.result.as_ref()
    }

    /// The scope of a step.
    pub fn scope_of(&self, step: usize) -> Option<&Scope> {
        self.scopes.get(self.steps.get(step)?.scope)
    }

    /// What a step executes.
    pub fn operator(&self, step: usize) -> Option<&Planned> {
        let scope = self.scope_of(step)?;
        scope.body.operators.get(step.checked_sub(scope.first)?)
    }

    /// Steps of a scope with what they execute, in the order of the definition.
    pub fn steps_in(&self, scope: usize) -> impl Iterator<Item = (&Planned, &Step)> {
        let found = self.scopes.get(scope);
        let operators = found.map(|scope| scope.body.operators.iter()).unwrap_or_default();
        operators.zip(self.steps.iter().skip(found.map_or(0, |scope| scope.first)))
    }

    /// The operators of a scope that succeeded with their results, in the order in which they did.
    pub fn results_in(&self, scope: usize) -> impl DoubleEndedIterator<Item = (&Planned, &Value)> {
        let order = self.scopes.get(scope).map(|scope| scope.order.iter()).unwrap_or_default();
        order.filter_map(|step| Some((self.operator(*step)?, self.steps.get(*step)?.result.as_ref()?)))
    }

    /// Steps of a scope that succeeded, in the order of the definition.
    pub(in crate::engine) fn succeeded_in(&self, scope: &Scope) -> Vec<usize> {
        let steps = scope.first..scope.first + scope.body.operators.len();
        let is_it = |at: &usize| self.steps.get(*at).is_some_and(|step| step.state == StepState::Succeeded);
        steps.filter(is_it).collect()
    }

    /// Scopes that the latest attempt of a step has opened, with their positions.
    pub fn scopes_of(&self, owner: usize) -> impl DoubleEndedIterator<Item = (usize, &Scope)> {
        let positions = self.steps.get(owner).map(|step| step.scopes.iter()).unwrap_or_default();
        positions.filter_map(|at| Some((*at, self.scopes.get(*at)?)))
    }

    /// Scopes in which a step is not over.
    pub(in crate::engine) fn open_scopes(&self) -> impl Iterator<Item = usize> {
        self.scopes.iter().enumerate().filter(|(_, scope)| scope.open > 0).map(|(at, _)| at)
    }

    /// Steps of a scope, and of those inside it, that are not over.
    pub(in crate::engine) fn open_within(&self, outer: usize) -> Vec<usize> {
        let scopes = self.scopes.iter().enumerate().skip(outer);
        let open = scopes.filter(|(at, scope)| scope.open > 0 && self.is_within(*at, outer));
        let steps = open.flat_map(|(_, scope)| scope.first..scope.first + scope.body.operators.len());
        steps.filter(|step| self.steps.get(*step).is_some_and(|step| !step.state.is_final())).collect()
    }

    /// Somebody has waited for branches: how they ended is known, and what they gave can be read there.
    pub(in crate::engine) fn wait_is_over(&mut self, step: usize, fork: usize, only: Option<usize>) {
        let Some(scope) = self.steps.get(step).map(|step| step.scope) else { return };
        let branches: Vec<usize> = self
            .scopes_of(fork)
            .filter(|(_, branch)| branch.open == 0)
            .filter(|(_, branch)| only.is_none_or(|only| branch.kind == ScopeKind::Branch(only)))
            .map(|(at, _)| at)
            .collect();
        for branch in &branches {
            if let Some(branch) = self.scopes.get_mut(*branch) {
                branch.is_waited_for = true;
            }
        }
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.readable.extend(branches);
        }
    }

    /// Whether a scope is inside another one, or is that one.
    pub(in crate::engine) fn is_within(&self, scope: usize, outer: usize) -> bool {
        self.around(scope).any(|scope| scope == outer)
    }

    /// Whether the failure of a step was dealt with by another step.
    pub fn is_handled(&self, step: usize) -> bool {
        let handler = self.operator(step).and_then(|operator| operator.on_failure);
        let first = self.scope_of(step).map_or(0, |scope| scope.first);
        let handler = handler.and_then(|handler| self.steps.get(first + handler));
        handler.is_some_and(|handler| handler.state == StepState::Succeeded)
    }

    /// The first step of a scope whose failure nothing has dealt with.
    pub fn failed_in(&self, scope: usize) -> Option<usize> {
        let found = self.scopes.get(scope)?;
        let steps = found.first..found.first + found.body.operators.len();
        steps.into_iter().find(|step| {
            self.steps.get(*step).is_some_and(|step| step.state == StepState::Failed)
                && !self.is_handled(*step)
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.created.run_id
    }
}

impl Step {
    fn new(scope: usize, dependencies: usize) -> Self {
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
            told: None,
            key: None,
            cause: None,
            rank: 0,
            dependencies: Counts { total: dependencies, ..Counts::default() },
            is_chosen: false,
            asked: 0,
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
        self.asked = 0;
    }

    /// Why its latest attempt failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.attempts.last().and_then(|attempt| attempt.failure.as_ref())
    }
}

impl Scope {
    /// Name of the branch that it is.
    pub fn branch<'a>(&self, owner: &'a Planned) -> Option<&'a str> {
        match (&owner.operation, &self.kind) {
            (Operation::Fork { branches, .. }, ScopeKind::Branch(at)) => {
                branches.get(*at).map(|(name, _)| name.as_str())
            }
            _ => None,
        }
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

/// The moment `seconds` after `at`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a non-negative range"
)]
pub(in crate::engine) fn after(at: Millis, seconds: f64) -> Millis {
    const LONGEST_MS: f64 = 1e13;
    at.saturating_add(clamp(seconds * 1_000.0, 0.0, LONGEST_MS).round() as Millis)
}
