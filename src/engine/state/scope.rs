//! Scopes: bodies that a run has opened.

use crate::engine::plan::{Body, Operation, Planned};
use crate::engine::state::positions::{ScopeIx, StepIx};
use serde_json::{Map, Value};
use std::rc::Rc;

/// A body that is run once.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The step whose body it is; none for the workflow itself.
    pub owner: Option<StepIx>,
    /// Which body, and what for.
    pub kind: ScopeKind,
    /// What is run.
    pub body: Rc<Body>,
    /// Position of its first step.
    pub first: StepIx,
    /// Names of its own.
    pub locals: Map<String, Value>,
    /// Variables that steps have set: of the workflow, and of each branch, which begins with a copy.
    pub variables: Map<String, Value>,
    /// What was known in the scopes around a branch when it was forked: scope, and results there.
    pub(in crate::engine) known: Vec<(ScopeIx, usize)>,
    /// Its steps in the order in which they succeeded.
    pub order: Vec<StepIx>,
    /// Scopes whose results can be read here: rounds that are over, branches that were waited for.
    pub readable: Vec<ScopeIx>,
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

impl Scope {
    /// Positions of its steps, in the order of the definition.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = StepIx> + use<> {
        let first = self.first;
        (0..self.body.operators.len()).map(move |at| first + at)
    }

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

/// What a scope of a step runs.
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
