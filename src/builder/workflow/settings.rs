//! The methods that modify the current operator, and the methods that set a field of the workflow.

use super::WorkflowBuilder;
use crate::definition::{DataGuard, OperatorType, Reader, Reading, RetryPolicy, TimeoutPolicy, Workflow};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::json::{child_path, kind_of};
use crate::text::suggest::did_you_mean;
use serde_json::{Map, Value};

/// Methods that set a field of the workflow: name, parameter, field.
const SETTERS: [(&str, &str, &str); 9] = [
    ("set_description", "description", "description"),
    ("set_version", "version", "version"),
    ("set_schedule", "cron", "schedule"),
    ("set_start_date", "start_date", "start_date"),
    ("set_catchup", "enabled", "catchup"),
    ("set_paused", "paused", "is_paused"),
    ("set_max_active_runs", "count", "max_active_runs"),
    ("set_default_retry_policy", "policy", "default_retry_policy"),
    ("set_start_task", "task_id", "start_task"),
];

const MODIFIERS: [&str; 8] = [
    "retry",
    "timeout",
    "on_success",
    "on_failure",
    "precondition",
    "postcondition",
    "add_tags",
    "set_variables",
];

impl WorkflowBuilder {
    pub(super) fn setting(&mut self, name: &str, params: &Map<String, Value>) -> Result<()> {
        match name {
            "retry" => {
                let policy = read_record(params, RetryPolicy::read_params)?;
                self.modify_task(name, |operator| operator.retry_policy = Some(policy));
            }
            "timeout" => {
                let policy = read_record(params, TimeoutPolicy::read_params)?;
                self.modify_task(name, |operator| operator.timeout_policy = Some(policy));
            }
            "on_success" => self.callback(params, "success_task_id", true)?,
            "on_failure" => self.callback(params, "failure_task_id", false)?,
            "precondition" | "postcondition" => self.guard(name, params)?,
            "add_tags" => {
                let tags = params.get("tags").cloned().unwrap_or_default();
                let more = self.field("tags", tags)?;
                self.workflow.tags.extend(more.tags);
            }
            "set_variables" => {
                let variables = params.get("variables").cloned().unwrap_or_default();
                let more = self.field("variables", variables)?;
                self.workflow.variables.extend(more.variables);
            }
            _ => return self.setter(name, params),
        }
        Ok(())
    }

    fn setter(&mut self, name: &str, params: &Map<String, Value>) -> Result<()> {
        let Some((_, param, field)) = SETTERS.iter().find(|(setter, ..)| *setter == name) else {
            let known = SETTERS.iter().map(|(setter, ..)| *setter).chain(MODIFIERS);
            let error =
                Error::new(ErrorCode::MethodUnknown, format!("a workflow builder has no method `{name}`"));
            return Err(error.with_any_help(did_you_mean(name, known)));
        };
        let value = params.get(*param).cloned().unwrap_or_default();
        let read = self.field(field, value)?;
        let workflow = &mut self.workflow;
        match *field {
            "description" => workflow.description = read.description,
            "version" => workflow.version = read.version,
            "schedule" => workflow.schedule = read.schedule,
            "start_date" => workflow.start_date = read.start_date,
            "catchup" => workflow.catchup = read.catchup,
            "is_paused" => workflow.is_paused = read.is_paused,
            "max_active_runs" => workflow.max_active_runs = read.max_active_runs,
            "default_retry_policy" => workflow.default_retry_policy = read.default_retry_policy,
            _ => workflow.start_task = read.start_task,
        }
        Ok(())
    }

    /// A workflow with only this field. Setters check types, but neither names nor ranges.
    fn field(&mut self, field: &str, value: Value) -> Result<Workflow> {
        let mut map = Map::new();
        map.insert("name".into(), "".into());
        map.insert(field.into(), value);
        let document = Value::Object(map);
        let mut reader = Reader::new("", Reading { dsl_only: true, ..Reading::default() });
        let workflow = Workflow::read_unchecked(&document, &mut reader);
        self.keep(reader.findings)?;
        Ok(workflow)
    }

    /// Changes the current operator if it is a plain task; otherwise Highway ignores the call.
    fn modify_task(&mut self, method: &str, change: impl FnOnce(&mut crate::definition::Operator)) {
        match self.current_operator() {
            Some(operator) if operator.operator_type == OperatorType::Task => change(operator),
            Some(operator) => {
                let message = format!(
                    "{method}() has no effect on `{}`, which is of type `{}`",
                    operator.task_id,
                    operator.operator_type.as_str()
                );
                let path = child_path("/tasks", &operator.task_id);
                let help =
                    format!("only tasks take {method}(); use `{method}_policy` where an operator is added");
                self.note(ErrorCode::ModifierIgnored, path, message, Some(help));
            }
            None => {
                let message = format!("{method}() has no effect before there is a task");
                self.note(ErrorCode::ModifierIgnored, String::new(), message, None);
            }
        }
    }

    fn callback(&mut self, params: &Map<String, Value>, key: &str, is_success: bool) -> Result<()> {
        let target = match params.get(key) {
            Some(Value::String(target)) => target.clone(),
            other => {
                let found = kind_of(other.unwrap_or(&Value::Null));
                let message = format!("expected the id of a task, found {found}");
                return Err(Error::new(ErrorCode::FieldTypeInvalid, message).with_path(child_path("", key)));
            }
        };
        let Some(operator) = self.current_operator() else {
            let message = format!("`{target}` cannot be a callback: there is no task yet");
            self.note(ErrorCode::ModifierIgnored, String::new(), message, None);
            return Ok(());
        };
        let slot =
            if is_success { &mut operator.on_success_task_id } else { &mut operator.on_failure_task_id };
        let earlier = slot.replace(target.clone());
        self.count_callback(&target, true);
        if let Some(earlier) = earlier {
            self.count_callback(&earlier, false);
        }
        Ok(())
    }

    fn guard(&mut self, method: &str, params: &Map<String, Value>) -> Result<()> {
        if self.current.is_none() {
            let message = format!("{method}() must be called after a task");
            return Err(Error::new(ErrorCode::NoCurrentTask, message));
        }
        let guard = read_record(params, DataGuard::read_params)?;
        if let Some(operator) = self.current_operator() {
            let guards = if method == "precondition" {
                &mut operator.preconditions
            } else {
                &mut operator.postconditions
            };
            guards.push(guard);
        }
        Ok(())
    }
}

/// Reads a policy or a guard from the parameters of a call.
fn read_record<T>(
    params: &Map<String, Value>,
    read: impl for<'a> FnOnce(&'a Map<String, Value>, &mut Reader<'a>) -> T,
) -> Result<T> {
    let mut reader = Reader::new("", Reading { dsl_only: true, ..Reading::default() });
    let record = read(params, &mut reader);
    reader.findings.retain(Diagnostic::is_error);
    Error::from_diagnostics(reader.findings).map_or(Ok(record), Err)
}
