//! What the engine runs: a definition reduced to what decides how a run goes, with all policies in force.

use super::retry::Retry;
use crate::definition::{self, Until};
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;
use crate::time::Millis;
use serde_json::{Map, Value};

/// A definition, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the workflow.
    pub name: String,
    /// Version text of the definition.
    pub version: String,
    /// All steps, in order of definition.
    pub operators: Vec<Planned>,
    /// Default values of the run inputs.
    pub variables: Map<String, Value>,
    /// Time limit of a run, in seconds.
    pub timeout: Option<f64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its id, unique in the workflow.
    pub id: String,
    /// Ids that must be over before it starts.
    pub dependencies: Vec<String>,
    /// Name under which its result is stored for templates.
    pub result_key: Option<String>,
    /// Time limit of one attempt, in seconds.
    pub timeout: Option<f64>,
    /// What happens after a failed attempt.
    pub retry: Retry,
    /// What it does.
    pub operation: Operation,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Calls a tool.
    Task {
        /// Name of the tool, such as `tools.shell.run`.
        function: String,
        /// Positional arguments.
        args: Vec<Value>,
        /// Named arguments.
        kwargs: Map<String, Value>,
    },
    /// Sleeps durably.
    Wait(Wait),
}

/// How long a wait sleeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A number of seconds.
    For(f64),
    /// A moment.
    Until(Millis),
}

/// The plan of a definition, and what keeps it from being run here.
pub fn plan(workflow: &definition::Workflow) -> (Plan, Vec<Diagnostic>) {
    let mut planner = Planner { workflow, findings: Vec::new() };
    planner.workflow_parts();
    let operators = workflow.tasks.iter().filter_map(|(key, operator)| planner.step(key, operator)).collect();
    if workflow.tasks.0.is_empty() {
        let message = "the workflow has no tasks";
        planner.findings.push(Diagnostic::error(ErrorCode::DocumentInvalid, "/tasks", message));
    }
    let timeout = workflow.timeout_seconds.map(definition::Duration::seconds);
    let plan = Plan {
        name: workflow.name.clone(),
        version: workflow.version.clone(),
        operators,
        variables: workflow.variables.clone(),
        timeout,
    };
    (plan, planner.findings)
}

struct Planner<'a> {
    workflow: &'a definition::Workflow,
    findings: Vec<Diagnostic>,
}

impl Planner<'_> {
    /// Parts of the whole that change what a run does and that the engine does not do yet.
    fn workflow_parts(&mut self) {
        let workflow = self.workflow;
        for (key, is_given) in [
            ("schedule", workflow.schedule.as_deref().is_some_and(|text| !text.is_empty())),
            ("start_date", workflow.start_date.is_some()),
            ("is_paused", workflow.is_paused),
            ("deadline_seconds", workflow.deadline_seconds.is_some()),
        ] {
            if is_given {
                self.unsupported(&child_path("", key), &format!("`{key}`"));
            }
        }
    }

    fn step(&mut self, key: &str, operator: &definition::Operator) -> Option<Planned> {
        if operator.is_internal_loop_task {
            return None;
        }
        let path = child_path("/tasks", key);
        self.step_parts(operator, &path);
        let operation = match &operator.operation {
            definition::Operation::Task(task) => Operation::Task {
                function: task.function.clone(),
                args: task.args.clone(),
                kwargs: task.kwargs.clone(),
            },
            definition::Operation::Wait(wait) => Operation::Wait(self.wait(wait, &path)?),
            _ => {
                let what = format!("operator `{}`", operator.operator_type.as_str());
                self.unsupported(&child_path(&path, "operator_type"), &what);
                return None;
            }
        };
        let policy = operator.retry_policy.as_ref().or(self.workflow.default_retry_policy.as_ref());
        Some(Planned {
            id: operator.task_id.clone(),
            dependencies: operator.dependencies.clone(),
            result_key: operator.result_key.clone(),
            timeout: operator.timeout_policy.as_ref().map(|policy| policy.timeout.seconds()),
            retry: policy.map_or(Retry::NONE, Retry::of_policy),
            operation,
        })
    }

    fn step_parts(&mut self, operator: &definition::Operator, path: &str) {
        let rule = operator.trigger_rule;
        if rule != definition::TriggerRule::AllSuccess {
            self.unsupported(&child_path(path, "trigger_rule"), &format!("trigger rule `{}`", rule.as_str()));
        }
        for (key, is_given) in [
            ("on_success_task_id", operator.on_success_task_id.is_some()),
            ("on_failure_task_id", operator.on_failure_task_id.is_some()),
            ("circuit_breaker_policy", operator.circuit_breaker_policy.is_some()),
            ("idempotency_key", operator.idempotency_key.is_some()),
            ("preconditions", !operator.preconditions.is_empty()),
            ("postconditions", !operator.postconditions.is_empty()),
        ] {
            if is_given {
                self.unsupported(&child_path(path, key), &format!("`{key}`"));
            }
        }
    }

    fn wait(&mut self, wait: &definition::Wait, path: &str) -> Option<Wait> {
        match wait.wait_for.until() {
            Until::Duration(duration) => Some(Wait::For(duration.seconds())),
            Until::Moment(moment) => Some(Wait::Until(moment.millis().unwrap_or(0))),
            // Text that is no template is refused by the rules for durations.
            Until::Text => {
                if wait.wait_for.as_str().contains("{{") {
                    self.unsupported(&child_path(path, "wait_for"), "a template in `wait_for`");
                }
                None
            }
        }
    }

    fn unsupported(&mut self, path: &str, what: &str) {
        let message = format!("the embedded engine does not run {what} yet");
        self.findings.push(Diagnostic::error(ErrorCode::OperatorUnsupported, path, message).with_help(
            "it runs `task` and `wait` with trigger rule `all_success`; submit this workflow to a Highway server",
        ));
    }
}
