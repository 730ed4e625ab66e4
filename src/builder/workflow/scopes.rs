//! Operators that contain others: the branches of a condition or a fork, and the bodies of loops.

use super::{DEPTH, Node, WorkflowBuilder};
use crate::definition::Workflow;
use crate::error::{Error, ErrorCode, Result};
use serde_json::{Map, Value};

/// The operators inside an operator. They are added after it.
pub(super) struct Parts {
    operators: Vec<(String, Node)>,
    /// Whether they are the body of a loop.
    are_body: bool,
}

impl WorkflowBuilder {
    /// Makes the calls of the callbacks among `params`, and replaces the callbacks by the results.
    pub(super) fn open_scopes(&mut self, method: &str, params: &mut Map<String, Value>) -> Result<Parts> {
        let id = params.get("task_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        match method {
            "condition" => self.condition(&id, params),
            "foreach" | "while_loop" => self.body(&id, params),
            "parallel" | "parallel_with_join" | "multi_choice" => {
                self.branches(&id, method == "multi_choice", params)?;
                Ok(Parts { operators: Vec::new(), are_body: false })
            }
            _ => Ok(Parts { operators: Vec::new(), are_body: false }),
        }
    }

    /// All operators of both branches depend on the condition.
    fn condition(&mut self, id: &str, params: &mut Map<String, Value>) -> Result<Parts> {
        let mut operators = Vec::new();
        for (key, suffix) in [("if_true", "true"), ("if_false", "false")] {
            let part = self.run(&format!("{id}_{suffix}"), params.get_mut(key))?;
            let first = part.tasks.first().map(|(key, _)| Value::from(key.as_str()));
            params.insert(key.into(), first.unwrap_or(Value::Null));
            operators.extend(part.tasks);
        }
        for (_, node) in &operators {
            self.depend_on(*node, id);
        }
        Ok(Parts { operators, are_body: false })
    }

    /// The first operator of a body depends on the loop.
    fn body(&mut self, id: &str, params: &mut Map<String, Value>) -> Result<Parts> {
        let operators = self.run(&format!("{id}_loop"), params.get_mut("loop_body"))?.tasks;
        for (_, node) in &operators {
            if let Some(operator) = self.operator_mut(*node) {
                operator.is_internal_loop_task = true;
            }
        }
        if let Some((_, first)) = operators.first() {
            self.depend_on(*first, id);
        }
        params.insert("loop_body".into(), Value::Array(Vec::new()));
        Ok(Parts { operators, are_body: true })
    }

    /// Branches stay workflows of their own, inside the operator.
    fn branches(&mut self, id: &str, has_conditions: bool, params: &mut Map<String, Value>) -> Result<()> {
        let Some(Value::Object(branches)) = params.get_mut("branches") else {
            return Ok(());
        };
        let mut workflows = Map::new();
        for (name, branch) in branches.iter_mut() {
            let others = self.nodes.len();
            let part = self.run(&format!("{id}_{}", name.to_ascii_lowercase()), Some(&mut *branch))?;
            let ids: Value = part.tasks.iter().map(|(key, _)| Value::from(key.as_str())).collect();
            *branch = if has_conditions {
                let mut entry = Map::new();
                if let Some(condition) = branch.get("condition") {
                    entry.insert("condition".into(), condition.clone());
                }
                entry.insert("tasks".into(), ids);
                Value::Object(entry)
            } else {
                ids
            };
            let branch = Workflow { tasks: self.written_all(part.tasks), ..part.workflow };
            workflows.insert(name.clone(), branch.to_value());
            // A branch that is written does not change any more, so its operators are not needed.
            self.nodes.truncate(others);
        }
        params.insert("branch_workflows".into(), Value::Object(workflows));
        Ok(())
    }

    /// A builder on which the calls of a callback were made. A callback without calls is allowed.
    fn run(&mut self, name: &str, callback: Option<&mut Value>) -> Result<Self> {
        let mut part = Self::part(name)?;
        part.depth = self.depth + 1;
        if part.depth > DEPTH {
            let message = format!("`{name}` lies in more than {DEPTH} loops, conditions and branches");
            return Err(Error::new(ErrorCode::FieldValueInvalid, message)
                .with_help("make the inner part a workflow of its own, and run it with `child_workflow`"));
        }
        if let Some(calls) = callback.and_then(|callback| callback.get_mut("$sub")) {
            part.nodes = std::mem::take(&mut self.nodes);
            let made = part.calls(calls.take());
            self.nodes = std::mem::take(&mut part.nodes);
            made?;
        }
        self.notes.append(&mut part.notes);
        Ok(part)
    }

    /// Adds the inner operators to the workflow after their owner, which stays the current operator.
    pub(super) fn close_scopes(&mut self, owner: Node, parts: Parts) {
        if let Some(owner) = self.nodes.get_mut(owner).filter(|_| parts.are_body) {
            owner.body = parts.operators.iter().map(|(_, node)| *node).collect();
        }
        for (key, node) in parts.operators {
            if self.positions.contains_key(&key) {
                self.note_overwritten(&key);
            }
            self.store(key, node);
        }
    }

    /// Adds a dependency at the end, unless it exists.
    fn depend_on(&mut self, node: Node, id: &str) {
        let Some(operator) = self.operator_mut(node) else { return };
        if !operator.dependencies.iter().any(|dependency| dependency == id) {
            operator.dependencies.push(id.to_owned());
        }
    }
}
