//! Where a template stands, and what is known there.

use super::known::Known;
use super::scope::Scope;
use super::texts::POSTCONDITIONS;
use crate::arguments::{HANDLE_UPDATE, is_builtin};
use crate::definition::{Operation, Operator};
use crate::template::names::{OF_HANDLER, OF_LOOP, OF_UPDATE, is_of_engine};

/// Where a template stands.
pub(super) struct Place<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) at: usize,
    pub(super) operator: &'a Operator,
    /// JSON pointer relative to the operator.
    pub(super) path: &'a str,
}

/// What the first name of a template is at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// A name of the engine that is known only at such places.
    Local,
    /// Any other known name.
    Known,
    /// Not known; with where it is, for a name of the engine.
    Unknown(Option<&'static str>),
}

impl Place<'_> {
    pub(super) fn reading(&self, root: &str, known: &Known<'_>) -> Reading {
        match self.limited(root) {
            Some((_, true)) => Reading::Local,
            Some((elsewhere, _)) if is_of_engine(root) || !known.is_given(root) => {
                Reading::Unknown(Some(elsewhere))
            }
            Some(_) => Reading::Known,
            None if self.own().contains(&root) => Reading::Local,
            None if known.has(root) => Reading::Known,
            None => Reading::Unknown(None),
        }
    }

    /// Names that are known only there.
    fn own(&self) -> &'static [&'static str] {
        match &self.operator.operation {
            _ if self.path.starts_with(POSTCONDITIONS) => &["result"],
            Operation::Reflexive(_) => &["output", "feedback"],
            _ => &[],
        }
    }

    /// For a name of the engine that is not known everywhere: where it is known, and whether that is here.
    fn limited(&self, root: &str) -> Option<(&'static str, bool)> {
        let is_response = self.path.starts_with("/kwargs/response_kwargs") && self.calls(HANDLE_UPDATE);
        Some(match root {
            "item" | "current_item" => ("inside a `foreach`", self.is_in_loop(true)),
            _ if OF_LOOP.contains(&root) => {
                // The condition of a loop is evaluated in every round.
                let is_round =
                    self.path == "/condition" && matches!(self.operator.operation, Operation::While(_));
                ("inside a loop", is_round || self.is_in_loop(false))
            }
            _ if OF_HANDLER.contains(&root) => {
                let is_here = self.scope.outwards(self.at).any(|item| item.is_handler);
                ("in a task that handles a failure", is_here)
            }
            _ if OF_UPDATE.contains(&root) => ("in `response_kwargs`", is_response),
            "secrets" => ("in arguments of tools", is_response || self.is_argument()),
            "ds" => {
                let outermost = self.scope.around().last().map_or(self.scope, |(scope, _)| scope);
                let schedule = outermost.workflow.schedule.as_deref().unwrap_or_default();
                ("in the runs that a schedule starts", !schedule.is_empty())
            }
            "idempotency_key" => ("outside of idempotency keys", self.path != "/idempotency_key"),
            _ => return None,
        })
    }

    /// Whether it is inside a loop, or, with `has_items`, inside one that has items. An operator of a loop that does
    /// not exist counts as inside both.
    fn is_in_loop(&self, has_items: bool) -> bool {
        self.scope.outwards(self.at).enumerate().any(|(distance, item)| {
            let is_loop = match item.operator.operation {
                Operation::Foreach(_) => true,
                Operation::While(_) => !has_items,
                _ => false,
            };
            (is_loop && distance > 0) || (item.in_body && item.owner.is_none())
        })
    }

    pub(super) fn calls(&self, tool: &str) -> bool {
        matches!(&self.operator.operation, Operation::Task(task) | Operation::Activity(task) if task.function == tool)
    }

    /// Whether it is an argument of a tool that is not part of the engine.
    fn is_argument(&self) -> bool {
        let is_in = |fields: &[&str]| fields.iter().any(|field| self.path.starts_with(field));
        match &self.operator.operation {
            Operation::Task(task) | Operation::Activity(task) => {
                is_in(&["/args", "/kwargs"]) && !is_builtin(&task.function)
            }
            Operation::Reflexive(_) => !is_in(&["/preconditions", POSTCONDITIONS, "/idempotency_key"]),
            _ => false,
        }
    }
}
