//! Operators with parts of their own: branches of a condition or a fork, bodies of loops.

use super::{DEPTH, WorkflowBuilder};
use crate::definition::Operator;
use crate::error::{Error, ErrorCode, Result};
use serde_json::{Map, Value};

/// What becomes of the parts once the operator itself is added.
pub(super) enum Scopes {
    /// It has none, or they live in the operator.
    None,
    /// The branches of a condition, in the order true, false: all of them depend on it.
    Branches(Vec<(String, Operator)>),
    /// The body of a loop, whose first operator depends on it.
    Body(Vec<(String, Operator)>),
}

impl WorkflowBuilder {
    /// Makes the calls of the callbacks among `params` and puts their results in the place of the callbacks.
    pub(super) fn open_scopes(&mut self, method: &str, params: &mut Map<String, Value>) -> Result<Scopes> {
        let id = params.get("task_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        match method {
            "condition" => self.condition(&id, params),
            "foreach" | "while_loop" => self.body(&id, params),
            "parallel" | "parallel_with_join" | "multi_choice" => {
                self.branches(&id, method == "multi_choice", params)?;
                Ok(Scopes::None)
            }
            _ => Ok(Scopes::None),
        }
    }

    fn condition(&mut self, id: &str, params: &mut Map<String, Value>) -> Result<Scopes> {
        let mut operators = Vec::new();
        for (key, suffix) in [("if_true", "true"), ("if_false", "false")] {
            let part = self.run(&format!("{id}_{suffix}"), params.get_mut(key))?;
            let first = part.workflow.tasks.0.first().map(|(key, _)| Value::from(key.as_str()));
            params.insert(key.into(), first.unwrap_or(Value::Null));
            operators.extend(part.workflow.tasks.0);
        }
        for (_, operator) in &mut operators {
            depend_on_throughout(operator, id);
        }
        Ok(Scopes::Branches(operators))
    }

    fn body(&mut self, id: &str, params: &mut Map<String, Value>) -> Result<Scopes> {
        let part = self.run(&format!("{id}_loop"), params.get_mut("loop_body"))?;
        let mut operators = part.workflow.tasks.0;
        for (_, operator) in &mut operators {
            operator.is_internal_loop_task = true;
        }
        if let Some((_, first)) = operators.first_mut() {
            depend_on(first, id);
        }
        params.insert("loop_body".into(), Value::Array(Vec::new()));
        Ok(Scopes::Body(operators))
    }

    /// Branches stay workflows of their own, inside the operator.
    fn branches(&mut self, id: &str, has_conditions: bool, params: &mut Map<String, Value>) -> Result<()> {
        let Some(Value::Object(branches)) = params.get_mut("branches") else {
            return Ok(());
        };
        let mut workflows = Map::new();
        for (name, branch) in branches.iter_mut() {
            let part = self.run(&format!("{id}_{}", name.to_ascii_lowercase()), Some(&mut *branch))?;
            let ids: Value = part.workflow.tasks.iter().map(|(key, _)| Value::from(key)).collect();
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
            workflows.insert(name.clone(), part.workflow.to_value());
        }
        params.insert("branch_workflows".into(), Value::Object(workflows));
        Ok(())
    }

    /// A builder on which the calls of a callback were made; a callback that makes none is fine.
    fn run(&mut self, name: &str, callback: Option<&mut Value>) -> Result<Self> {
        let mut part = Self::part(name)?;
        part.depth = self.depth + 1;
        if part.depth > DEPTH {
            let message = format!("`{name}` lies in more than {DEPTH} loops, conditions and branches");
            return Err(Error::new(ErrorCode::FieldValueInvalid, message)
                .with_help("let a workflow of its own do the inner part, and run it with `child_workflow`"));
        }
        if let Some(calls) = callback.and_then(|callback| callback.get_mut("$sub")) {
            part.calls(calls.take())?;
        }
        self.notes.append(&mut part.notes);
        Ok(part)
    }

    /// Adds the parts to the workflow, behind their operator, which stays the current one.
    pub(super) fn close_scopes(&mut self, scopes: Scopes) {
        let operators = match scopes {
            Scopes::None => return,
            Scopes::Branches(operators) => operators,
            Scopes::Body(operators) => {
                self.set_body(&operators);
                operators
            }
        };
        for (key, operator) in operators {
            if self.positions.contains_key(&key) {
                self.note_overwritten(&key);
            }
            self.store(key, operator);
        }
    }

    fn set_body(&mut self, operators: &[(String, Operator)]) {
        if let Some(body) = self.current_operator().and_then(|operator| operator.operation.loop_body_mut()) {
            *body = operators.iter().map(|(_, operator)| operator.clone()).collect();
        }
    }
}

/// The same for the operator and what is in its body: in Highway those are the listed operators themselves.
fn depend_on_throughout(operator: &mut Operator, id: &str) {
    depend_on(operator, id);
    for inner in operator.operation.loop_body_mut().into_iter().flatten() {
        depend_on_throughout(inner, id);
    }
}

/// Adds a dependency behind the others, unless it is there.
fn depend_on(operator: &mut Operator, id: &str) {
    if !operator.dependencies.iter().any(|dependency| dependency == id) {
        operator.dependencies.push(id.to_owned());
    }
}
