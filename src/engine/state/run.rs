//! Runs: the execution of a workflow.

use crate::engine::plan::{Body, Plan, Planned};
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::Failure;
use crate::engine::state::meter::Meter;
use crate::engine::state::positions::{Placed, RunIx, ScheduleIx, ScopeIx, StepIx, UpdateIx};
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
    /// The submission.
    pub created: RunCreated,
    /// Whether it is active, or how it ended.
    pub state: RunState,
    /// Why it did not complete.
    pub failure: Option<Failure>,
    /// Its result, if that is not the result of its steps.
    pub result: Option<Value>,
    /// When its first step started.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The moment at which its time limit passes.
    pub deadline: Option<Millis>,
    /// Scopes in the order in which they were opened, the workflow itself first.
    pub scopes: Placed<ScopeIx, Scope>,
    /// The steps of all scopes, in the order in which the scopes were opened.
    pub steps: Placed<StepIx, Step>,
    /// Updates, in order of arrival.
    pub updates: Placed<UpdateIx, Update>,
    /// Signals that no task has taken yet.
    pub signals: Vec<Signal>,
    /// The number of the last event of each name that it has taken.
    pub(in crate::engine) received: HashMap<String, u64>,
    /// Steps that wait for other steps of this run.
    pub(in crate::engine) watching: Vec<StepIx>,
    /// Whether a caller asked for it while it was active, and so may wait for its end.
    pub(in crate::engine) is_followed: Cell<bool>,
    /// Idempotency keys with a result from its tasks.
    pub(in crate::engine) used: Vec<String>,
    /// The bytes that it keeps.
    pub(in crate::engine) meter: Meter,
    /// The number of runs that it and its descendants have started.
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
    /// It has not ended.
    Active,
    /// Every step that had to run succeeded.
    Completed,
    /// A step failed, or the time limit passed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl RunState {
    const WORDS: [(&'static str, Self); 4] = [
        ("active", Self::Active),
        ("completed", Self::Completed),
        ("failed", Self::Failed),
        ("cancelled", Self::Cancelled),
    ];

    /// The word for it in the journal.
    pub(in crate::engine) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    pub(in crate::engine) fn of_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(known, _)| *known == word).map_or(Self::Failed, |(_, state)| *state)
    }
}

impl Run {
    /// A new run with its scope opened, before any step has started.
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
            updates: Placed::default(),
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

    /// Opens a scope and returns its position. The caller counts its bytes.
    pub(in crate::engine) fn open(
        &mut self,
        owner: Option<StepIx>,
        kind: ScopeKind,
        body: Rc<Body>,
        locals: Map<String, Value>,
    ) -> ScopeIx {
        let (scope, first) = (self.scopes.next(), self.steps.next());
        self.steps.extend(body.links.iter().map(|_| Step::new(scope)));
        let open = body.operators.len();
        let (mut variables, mut known) = (Map::new(), Vec::new());
        if let (ScopeKind::Branch(_), Some(owner)) = (&kind, owner.and_then(|owner| self.steps.get(owner))) {
            let around: Vec<ScopeIx> = self.around(owner.scope).collect();
            known = around.iter().filter_map(|at| Some((*at, self.scopes.get(*at)?.order.len()))).collect();
            // The branch knows the result of its fork too, which comes next.
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

    /// A scope and the scopes around it, from the inside out.
    pub fn around(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        std::iter::successors(Some(scope), |scope| {
            let owner = self.scopes.get(*scope)?.owner?;
            Some(self.steps.get(owner)?.scope)
        })
    }

    /// The scope that holds the variables of a scope's steps: a branch or the workflow.
    pub(in crate::engine) fn holder(&self, scope: ScopeIx) -> ScopeIx {
        let is_holder = |at: &ScopeIx| {
            self.scopes.get(*at).is_some_and(|scope| !matches!(scope.kind, ScopeKind::Round(_)))
        };
        self.around(scope).find(is_holder).unwrap_or_default()
    }

    /// The variables that steps have set, as the steps of a scope read them.
    pub fn variables_of(&self, scope: ScopeIx) -> Option<&Map<String, Value>> {
        self.scopes.get(self.holder(scope)).map(|scope| &scope.variables)
    }

    /// The result of the last operator of a scope, in the order of the definition.
    pub fn last_in(&self, scope: ScopeIx) -> Option<&Value> {
        let found = self.scopes.get(scope)?;
        let mut steps = found.steps().rev().filter_map(|at| self.steps.get(at));
        steps.find(|step| step.state == StepState::Succeeded)?.result.as_ref()
    }

    /// The scope of a step.
    pub fn scope_of(&self, step: StepIx) -> Option<&Scope> {
        self.scopes.get(self.steps.get(step)?.scope)
    }

    /// The operator of a step.
    pub fn operator(&self, step: StepIx) -> Option<&Planned> {
        let scope = self.scope_of(step)?;
        scope.body.operators.get(step.checked_sub(scope.first)?)
    }

    /// The steps of a scope with their operators, in the order of the definition.
    pub fn steps_in(&self, scope: ScopeIx) -> impl Iterator<Item = (&Planned, &Step)> {
        let found = self.scopes.get(scope);
        let operators =
            found.map(|scope| scope.body.operators.iter().zip(scope.steps())).into_iter().flatten();
        operators.filter_map(|(operator, at)| Some((operator, self.steps.get(at)?)))
    }

    /// The succeeded operators of a scope with their results, in the order in which they succeeded.
    pub fn results_in(&self, scope: ScopeIx) -> impl DoubleEndedIterator<Item = (&Planned, &Value)> {
        let order = self.scopes.get(scope).map(|scope| scope.order.iter()).unwrap_or_default();
        order.filter_map(|step| Some((self.operator(*step)?, self.steps.get(*step)?.result.as_ref()?)))
    }

    /// The succeeded steps of a scope, in the order of the definition.
    pub(in crate::engine) fn succeeded_in(&self, scope: &Scope) -> Vec<StepIx> {
        let steps = scope.steps();
        let has_succeeded =
            |at: &StepIx| self.steps.get(*at).is_some_and(|step| step.state == StepState::Succeeded);
        steps.filter(has_succeeded).collect()
    }

    /// The scopes that the latest attempt of a step has opened, with their positions.
    pub fn scopes_of(&self, owner: StepIx) -> impl DoubleEndedIterator<Item = (ScopeIx, &Scope)> {
        let positions = self.steps.get(owner).map(|step| step.scopes.iter()).unwrap_or_default();
        positions.filter_map(|at| Some((*at, self.scopes.get(*at)?)))
    }

    /// The scopes with a step that has not ended.
    pub(in crate::engine) fn open_scopes(&self) -> impl Iterator<Item = ScopeIx> {
        self.scopes.placed().filter(|(_, scope)| scope.open > 0).map(|(at, _)| at)
    }

    /// The steps of a scope, and of the scopes inside it, that have not ended.
    pub(in crate::engine) fn open_within(&self, outer: ScopeIx) -> Vec<StepIx> {
        let scopes = self.scopes.placed_from(outer);
        let open = scopes.filter(|(at, scope)| scope.open > 0 && self.is_within(*at, outer));
        let steps = open.flat_map(|(_, scope)| scope.steps());
        steps.filter(|step| self.steps.get(*step).is_some_and(|step| !step.state.is_final())).collect()
    }

    /// Notes that a step has waited for branches: their outcome is then known, and the step's scope can read their
    /// results.
    pub(in crate::engine) fn end_wait(&mut self, step: StepIx, fork: StepIx, only: Option<usize>) {
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

    /// Whether a scope is another one, or is inside it.
    pub(in crate::engine) fn is_within(&self, scope: ScopeIx, outer: ScopeIx) -> bool {
        self.around(scope).any(|scope| scope == outer)
    }

    /// Whether another step has handled the failure of a step.
    pub fn is_handled(&self, step: StepIx) -> bool {
        let handler = self.operator(step).and_then(|operator| operator.on_failure);
        let first = self.scope_of(step).map(|scope| scope.first).unwrap_or_default();
        let handler = handler.and_then(|handler| self.steps.get(first + handler));
        handler.is_some_and(|handler| handler.state == StepState::Succeeded)
    }

    /// The first step of a scope with an unhandled failure.
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

/// The submission of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCreated {
    /// Its id.
    pub run_id: String,
    /// SHA-256 of the definition.
    pub hash: String,
    /// The definition.
    pub workflow: Rc<Plan>,
    /// The definition as it was submitted.
    pub definition: Rc<Value>,
    /// Run inputs, shared between a run and its record.
    pub inputs: Rc<Map<String, Value>>,
    /// The idempotency key of the submission.
    pub key: Option<String>,
    /// The step of another run that started it.
    pub parent: Option<Parent>,
    /// The firing of a schedule that started it or its parent.
    pub schedule: Option<Firing>,
    /// Whether it, or the run that started it, is for a missed firing.
    pub is_late: bool,
    /// When it was submitted.
    pub at: Millis,
}

/// One firing of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The schedule.
    pub schedule: ScheduleIx,
    /// The moment that it was for.
    pub slot: Millis,
}

/// The step that started a run.
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
    /// A run that a client submitted, without a key.
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
