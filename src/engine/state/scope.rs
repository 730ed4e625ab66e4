//! Scopes: the executions of bodies in a run.

use crate::engine::plan::{Body, Operation, Planned};
use crate::engine::state::positions::{ScopeIx, StepIx};
use serde_json::{Map, Value};
use std::rc::Rc;

/// One execution of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The step to which the body belongs; `None` for the workflow itself.
    pub owner: Option<StepIx>,
    /// Which body of the owner it executes.
    pub kind: ScopeKind,
    /// The operators.
    pub body: Rc<Body>,
    /// Position of its first step.
    pub first: StepIx,
    /// Names that are known only in this scope.
    pub locals: Map<String, Value>,
    /// Variables that steps have set. The workflow has them, and each branch, which starts with a copy.
    pub variables: Map<String, Value>,
    /// For a branch, the results that were known when it was forked: each scope around it, and the number of results
    /// there.
    pub(in crate::engine) known: Vec<(ScopeIx, usize)>,
    /// Its succeeded steps, in the order in which they succeeded.
    pub order: Vec<StepIx>,
    /// Scopes whose results can be read here: finished rounds, and branches after a join.
    pub readable: Vec<ScopeIx>,
    /// The number of steps that have not ended.
    pub open: usize,
    /// Whether a step waited for it, so that its outcome is known.
    pub is_waited_for: bool,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Whether a later attempt of its owner has replaced it.
    pub is_replaced: bool,
}

/// The body of its owner that a scope executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The workflow itself.
    Workflow,
    /// A round of a loop, from 0.
    Round(usize),
    /// A branch, by its position.
    Branch(usize),
}

impl Scope {
    /// Positions of its steps, in the order of the definition.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = StepIx> + use<> {
        let first = self.first;
        (0..self.body.operators.len()).map(move |at| first + at)
    }

    /// The name of the branch, if the scope is one.
    pub fn branch<'a>(&self, owner: &'a Planned) -> Option<&'a str> {
        match (&owner.operation, &self.kind) {
            (Operation::Fork { branches, .. }, ScopeKind::Branch(at)) => {
                branches.get(*at).map(|(name, _)| name.as_str())
            }
            _ => None,
        }
    }
}

/// The body that a scope of a step executes.
pub(in crate::engine) fn body_of(operation: &Operation, kind: &ScopeKind) -> Option<Rc<Body>> {
    match (operation, kind) {
        (Operation::Foreach { body, .. } | Operation::While { body, .. }, ScopeKind::Round(_)) => {
            Some(Rc::clone(body))
        }
        (Operation::Fork { branches, .. }, ScopeKind::Branch(at)) => {
            branches.get(*at).map(|(_, branch)| Rc::clone(&branch.body))
        }
        _ => None,
    }
}
