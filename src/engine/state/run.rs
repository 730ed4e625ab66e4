//! Runs.

use crate::engine::plan::{Body, Plan, Planned};
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::Failure;
use crate::engine::state::meter::Meter;
use crate::engine::state::positions::{Placed, RunIx, ScopeIx, StepIx};
use crate::engine::state::scope::{Scope, ScopeKind};
use crate::engine::state::step::{Step, StepState};
use crate::engine::state::update::Update;
use crate::time::{Millis, after};
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
    pub scopes: Placed<ScopeIx, Scope>,
    /// The steps of all scopes, in the order in which those were opened.
    pub steps: Placed<StepIx, Step>,
    /// Updates in the order in which they came.
    pub updates: Vec<Update>,
    /// Signals that nobody has taken.
    pub signals: Vec<Signal>,
    /// The number of the last event of each name that it has taken.
    pub(in crate::engine) received: HashMap<String, u64>,
    /// Steps that wait for others of this run.
    pub(in crate::engine) watching: Vec<StepIx>,
    /// Whether somebody has asked for it while it was active, and may wait for its end.
    pub(in crate::engine) is_followed: Cell<bool>,
    /// Idempotency keys under which its tasks have done something.
    pub(in crate::engine) used: Vec<String>,
    /// How much it keeps.
    pub(in crate::engine) meter: Meter,
    /// Runs that it has started, and those that they have started.
    pub(in crate::engine) descendants: usize,
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
            scopes: Placed::default(),
            steps: Placed::default(),
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

    /// Opens a scope, which is not counted yet; its position.
    pub(in crate::engine) fn open(
        &mut self,
        owner: Option<StepIx>,
        kind: ScopeKind,
        body: Rc<Body>,
        locals: Map<String, Value>,
    ) -> ScopeIx {
        let (scope, first) = (self.scopes.next(), self.steps.next());
        self.steps.extend(body.links.iter().map(|links| Step::new(scope, links.dependencies.len())));
        let open = body.operators.len();
        let (mut variables, mut known) = (Map::new(), Vec::new());
        if let (ScopeKind::Branch(_), Some(owner)) = (&kind, owner.and_then(|owner| self.steps.get(owner))) {
            let around: Vec<ScopeIx> = self.around(owner.scope).collect();
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
            first,
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
        scope
    }

    /// A scope and those around it, outwards.
    pub fn around(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        std::iter::successors(Some(scope), |scope| {
            let owner = self.scopes.get(*scope)?.owner?;
            Some(self.steps.get(owner)?.scope)
        })
    }

    /// The scope that holds the variables which steps of a scope see and set: a branch, or the workflow.
    pub(in crate::engine) fn holder(&self, scope: ScopeIx) -> ScopeIx {
        let is_holder = |at: &ScopeIx| {
            self.scopes.get(*at).is_some_and(|scope| !matches!(scope.kind, ScopeKind::Round(_)))
        };
        self.around(scope).find(is_holder).unwrap_or_default()
    }

    /// Variables that steps have set, as steps of a scope see them.
    pub fn variables_of(&self, scope: ScopeIx) -> Option<&Map<String, Value>> {
        self.scopes.get(self.holder(scope)).map(|scope| &scope.variables)
    }

    /// What the last operator of a scope, in the order of the definition, has given.
    pub fn last_in(&self, scope: ScopeIx) -> Option<&Value> {
        let found = self.scopes.get(scope)?;
        let mut steps = found.steps().rev().filter_map(|at| self.steps.get(at));
        steps.find(|step| step.state == StepState::Succeeded)?.result.as_ref()
    }

    /// The scope of a step.
    pub fn scope_of(&self, step: StepIx) -> Option<&Scope> {
        self.scopes.get(self.steps.get(step)?.scope)
    }

    /// What a step executes.
    pub fn operator(&self, step: StepIx) -> Option<&Planned> {
        let scope = self.scope_of(step)?;
        scope.body.operators.get(step.checked_sub(scope.first)?)
    }

    /// Steps of a scope with what they execute, in the order of the definition.
    pub fn steps_in(&self, scope: ScopeIx) -> impl Iterator<Item = (&Planned, &Step)> {
        let found = self.scopes.get(scope);
        let operators =
            found.map(|scope| scope.body.operators.iter().zip(scope.steps())).into_iter().flatten();
        operators.filter_map(|(operator, at)| Some((operator, self.steps.get(at)?)))
    }

    /// The operators of a scope that succeeded with their results, in the order in which they did.
    pub fn results_in(&self, scope: ScopeIx) -> impl DoubleEndedIterator<Item = (&Planned, &Value)> {
        let order = self.scopes.get(scope).map(|scope| scope.order.iter()).unwrap_or_default();
        order.filter_map(|step| Some((self.operator(*step)?, self.steps.get(*step)?.result.as_ref()?)))
    }

    /// Steps of a scope that succeeded, in the order of the definition.
    pub(in crate::engine) fn succeeded_in(&self, scope: &Scope) -> Vec<StepIx> {
        let steps = scope.steps();
        let is_it = |at: &StepIx| self.steps.get(*at).is_some_and(|step| step.state == StepState::Succeeded);
        steps.filter(is_it).collect()
    }

    /// Scopes that the latest attempt of a step has opened, with their positions.
    pub fn scopes_of(&self, owner: StepIx) -> impl DoubleEndedIterator<Item = (ScopeIx, &Scope)> {
        let positions = self.steps.get(owner).map(|step| step.scopes.iter()).unwrap_or_default();
        positions.filter_map(|at| Some((*at, self.scopes.get(*at)?)))
    }

    /// Scopes in which a step is not over.
    pub(in crate::engine) fn open_scopes(&self) -> impl Iterator<Item = ScopeIx> {
        self.scopes.placed().filter(|(_, scope)| scope.open > 0).map(|(at, _)| at)
    }

    /// Steps of a scope, and of those inside it, that are not over.
    pub(in crate::engine) fn open_within(&self, outer: ScopeIx) -> Vec<StepIx> {
        let scopes = self.scopes.placed_from(outer);
        let open = scopes.filter(|(at, scope)| scope.open > 0 && self.is_within(*at, outer));
        let steps = open.flat_map(|(_, scope)| scope.steps());
        steps.filter(|step| self.steps.get(*step).is_some_and(|step| !step.state.is_final())).collect()
    }

    /// Somebody has waited for branches: how they ended is known, and what they gave can be read there.
    pub(in crate::engine) fn wait_is_over(&mut self, step: StepIx, fork: StepIx, only: Option<usize>) {
        let Some(scope) = self.steps.get(step).map(|step| step.scope) else { return };
        let branches: Vec<ScopeIx> = self
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
    pub(in crate::engine) fn is_within(&self, scope: ScopeIx, outer: ScopeIx) -> bool {
        self.around(scope).any(|scope| scope == outer)
    }

    /// Whether the failure of a step was dealt with by another step.
    pub fn is_handled(&self, step: StepIx) -> bool {
        let handler = self.operator(step).and_then(|operator| operator.on_failure);
        let first = self.scope_of(step).map(|scope| scope.first).unwrap_or_default();
        let handler = handler.and_then(|handler| self.steps.get(first + handler));
        handler.is_some_and(|handler| handler.state == StepState::Succeeded)
    }

    /// The first step of a scope whose failure nothing has dealt with.
    pub fn failed_in(&self, scope: ScopeIx) -> Option<StepIx> {
        let found = self.scopes.get(scope)?;
        found.steps().find(|step| {
            self.steps.get(*step).is_some_and(|step| step.state == StepState::Failed)
                && !self.is_handled(*step)
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.created.run_id
    }
}

/// A run as it was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCreated {
    /// Its id.
    pub run_id: String,
    /// SHA-256 of the definition, under which it is kept.
    pub hash: String,
    /// The definition.
    pub workflow: Rc<Plan>,
    /// The definition as it was sent.
    pub definition: Rc<Value>,
    /// Run inputs; a run and its record share them.
    pub inputs: Rc<Map<String, Value>>,
    /// The idempotency key it was sent with.
    pub key: Option<String>,
    /// The step that started it, with its run and the name it has there.
    pub parent: Option<Parent>,
    /// The schedule that started it, or the run that did, with the moment that it was due.
    pub schedule: Option<(usize, Millis)>,
    /// Whether it makes up for a moment that was missed, itself or with the run that started it.
    pub is_late: bool,
    /// When.
    pub at: Millis,
}

/// What started a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The run.
    pub run: RunIx,
    /// Its id.
    pub run_id: String,
    /// The step.
    pub step: StepIx,
    /// The attempt of the step.
    pub attempt: usize,
    /// Name of the child.
    pub name: String,
}

impl RunCreated {
    /// A run of a definition that somebody asked for, without a key.
    pub(in crate::engine) fn new(
        run_id: String,
        definition: Registered,
        inputs: Map<String, Value>,
        at: Millis,
    ) -> Self {
        let Registered { hash, workflow, definition, .. } = definition;
        Self {
            run_id,
            hash,
            workflow,
            definition,
            inputs: Rc::new(inputs),
            key: None,
            parent: None,
            schedule: None,
            is_late: false,
            at,
        }
    }
}
