//! Makes the plan of a definition.

use super::{Body, Branch, Breaker, Links, Operation, Plan, Planned, Reflexive, Timetable, ToolUse, Wait};
use crate::arguments::HANDLE_UPDATE;
use crate::definition::schedule::Schedule;
use crate::definition::{self, DeadlineAction, Moment, Operator, Until};
use crate::engine::plan::retry::Retry;
use crate::error::{Diagnostic, ErrorCode};
use crate::expr::{self, Expr};
use crate::json::child_path;
use crate::text::names::{NameIndex, sorted_names};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::rc::Rc;

/// The plan of a definition, and the findings that keep it from running on this engine.
pub fn plan(workflow: &definition::Workflow) -> (Plan, Vec<Diagnostic>) {
    let mut planner = Planner {
        defaults: workflow.default_retry_policy.as_ref(),
        findings: Vec::new(),
        tools: Vec::new(),
        results: Vec::new(),
    };
    if workflow.tasks.0.is_empty() {
        let message = "the workflow has no tasks";
        planner.findings.push(Diagnostic::error(ErrorCode::DocumentInvalid, "/tasks", message));
    }
    let body = planner.body(at_the_top(workflow, "/tasks"));
    let limit = workflow.timeout_seconds.map(definition::Duration::seconds);
    let deadline = workflow.deadline_seconds.map(whole);
    // The sooner of the two limits counts.
    let is_deadline = match (limit, deadline) {
        (Some(limit), Some(deadline)) => deadline <= limit,
        (_, deadline) => deadline.is_some(),
    };
    let plan = Plan {
        name: workflow.name.clone(),
        version: workflow.version.clone(),
        body: Rc::new(body),
        variables: workflow.variables.clone(),
        timeout: if is_deadline { deadline } else { limit },
        cancels: is_deadline && workflow.deadline_action == DeadlineAction::Cancel,
        timetable: timetable(workflow),
        tools: planner.tools,
        results: sorted_names(planner.results),
    };
    (plan, planner.findings)
}

/// The schedule of a definition; `None` if it cannot be read, which the checks report.
fn timetable(workflow: &definition::Workflow) -> Option<Timetable> {
    let text = workflow.schedule.as_deref().filter(|text| !text.is_empty())?;
    Some(Timetable {
        text: text.to_owned(),
        rule: Schedule::parse(text).ok()?,
        start: workflow.start_date.as_ref().and_then(Moment::millis),
        is_paused: workflow.is_paused,
        catches_up: workflow.catchup,
        most_active: usize::try_from(workflow.max_active_runs).unwrap_or(1).max(1),
    })
}

struct Planner<'a> {
    defaults: Option<&'a definition::RetryPolicy>,
    findings: Vec<Diagnostic>,
    tools: Vec<ToolUse>,
    results: Vec<String>,
}

impl Planner<'_> {
    /// The operators of one scope, from operators with their paths.
    fn body(&mut self, given: Vec<(String, &Operator)>) -> Body {
        let index = NameIndex::new(given.iter().map(|(_, operator)| operator.task_id.as_str()));
        let operators: Vec<Planned> =
            given.iter().map(|(path, operator)| self.operator(operator, path, &index)).collect();
        let mut links = vec![Links::default(); operators.len()];
        for (at, (_, operator)) in given.iter().enumerate() {
            let found: Vec<usize> = operator.dependencies.iter().filter_map(|name| index.get(name)).collect();
            for on in &found {
                if let Some(link) = links.get_mut(*on) {
                    link.dependents.push(at);
                }
            }
            if let Some(link) = links.get_mut(at) {
                link.dependencies = found;
            }
        }
        for (at, operator) in operators.iter().enumerate() {
            for target in targets(operator) {
                if let Some(link) = links.get_mut(target) {
                    link.activators.push(at);
                }
                if let Some(link) = links.get_mut(at) {
                    link.targets.push(target);
                }
            }
        }
        Body::new(operators, links)
    }

    fn operator(&mut self, operator: &Operator, path: &str, index: &NameIndex<'_>) -> Planned {
        let mut callback = |key: &str, name: &Option<String>| {
            let name = name.as_deref()?;
            let found = index.get(name);
            if found.is_none() {
                self.unsupported(
                    &child_path(path, key),
                    &format!("`{name}`, which is in another scope, as a callback"),
                );
            }
            found
        };
        let on_success = callback("on_success_task_id", &operator.on_success_task_id);
        let on_failure = callback("on_failure_task_id", &operator.on_failure_task_id);
        self.note_tools(operator, path);
        self.results
            .extend([Some(operator.task_id.clone()), operator.result_key.clone()].into_iter().flatten());
        let policy = operator.retry_policy.as_ref().or(self.defaults);
        Planned {
            id: operator.task_id.clone(),
            trigger_rule: operator.trigger_rule,
            result_key: operator.result_key.clone(),
            timeout: operator.timeout_policy.as_ref().map(|policy| policy.timeout.seconds()),
            retry: policy.map_or(Retry::NONE, Retry::of_policy),
            on_success,
            on_failure,
            breaker: operator.circuit_breaker_policy.as_ref().map(|policy| Breaker {
                failures: u32::try_from(policy.failure_threshold).unwrap_or(u32::MAX),
                successes: u32::try_from(policy.success_threshold).unwrap_or(u32::MAX),
                isolation: policy.isolation_duration.seconds(),
                catches: policy.catch_exceptions.clone(),
                ignores: policy.ignore_exceptions.clone().unwrap_or_default(),
            }),
            idempotency_key: operator.idempotency_key.clone(),
            preconditions: operator.preconditions.clone(),
            postconditions: operator.postconditions.clone(),
            operation: self.operation(&operator.operation, path, index),
        }
    }

    /// Notes the tools that an operator names.
    fn note_tools(&mut self, operator: &Operator, path: &str) {
        use definition::Operation as Given;
        let mut note = |at: &str, name: &str| {
            let (path, task) = (format!("{path}{at}"), operator.task_id.clone());
            self.tools.push(ToolUse { path, task, name: name.to_owned() });
        };
        match &operator.operation {
            Given::Task(task) | Given::Activity(task) => {
                note("/function", &task.function);
                let response = task.kwargs.get("response_tool").and_then(Value::as_str);
                if let Some(tool) = response.filter(|_| task.function == HANDLE_UPDATE) {
                    note("/kwargs/response_tool", tool);
                }
            }
            Given::Reflexive(reflexive) => {
                note("/generator", &reflexive.generator);
                note("/verifier", &reflexive.verifier);
            }
            _ => {}
        }
    }

    fn operation(
        &mut self,
        operation: &definition::Operation,
        path: &str,
        index: &NameIndex<'_>,
    ) -> Operation {
        use definition::Operation as Given;
        let at = |name: &Option<String>| name.as_deref().and_then(|name| index.get(name));
        match operation {
            Given::Task(task) => task_of(task, false),
            Given::Activity(task) => task_of(task, true),
            Given::Wait(wait) => Operation::Wait(match wait.wait_for.until() {
                Until::Duration(duration) => Wait::For(duration.seconds()),
                Until::Moment(moment) => Wait::Until(moment.millis().unwrap_or(0)),
                Until::Text => Wait::Text(wait.wait_for.as_str().to_owned()),
            }),
            Given::Condition(condition) => Operation::Condition {
                condition: parsed(&condition.condition),
                if_true: at(&condition.if_true),
                if_false: at(&condition.if_false),
            },
            Given::Switch(switch) => Operation::Switch {
                value: switch.switch_on.clone(),
                cases: switch
                    .cases
                    .iter()
                    .filter_map(|(value, name)| Some((value.to_owned(), index.get(name)?)))
                    .collect(),
                default: at(&switch.default),
            },
            Given::Parallel(fork) => Operation::Fork {
                branches: self.branches(&fork.branch_workflows.0, path, |_| None),
                minimum: 0,
                timeout: fork.timeout.map(whole),
            },
            Given::MultiChoice(choice) => Operation::Fork {
                branches: self.choices(choice, path),
                minimum: usize::try_from(choice.minimum_branches).unwrap_or(0),
                timeout: choice.timeout.map(whole),
            },
            Given::Join(join) => {
                let mut seen = HashSet::new();
                let names = join.join_tasks.iter().filter(|id| seen.insert(id.as_str()));
                Operation::Join { tasks: names.cloned().collect(), mode: join.join_mode }
            }
            Given::Foreach(each) => Operation::Foreach {
                items: each.items.clone(),
                body: self.loop_body(&each.loop_body, path),
                parallel: each.parallel,
                dynamic: each.dynamic,
            },
            Given::While(each) => Operation::While {
                condition: parsed(&each.condition),
                body: self.loop_body(&each.loop_body, path),
            },
            Given::EmitEvent(emit) => {
                Operation::Emit { event: emit.event_name.clone(), payload: emit.payload.clone() }
            }
            Given::WaitForEvent(wait) => Operation::Receive {
                event: wait.event_name.clone(),
                timeout: wait.timeout_seconds.map(whole),
            },
            Given::Terminate(end) => Operation::Terminate {
                status: end.status,
                result: end.result.clone(),
                reason: end.reason.clone(),
            },
            Given::ChildWorkflow(child) => Operation::Children {
                children: child
                    .children
                    .iter()
                    .map(|(name, child)| (name.to_owned(), child.clone()))
                    .collect(),
                timeout: child.timeout_seconds.map(whole),
            },
            Given::Reflexive(reflexive) => Operation::Reflexive(Box::new(Reflexive {
                generator: (reflexive.generator.clone(), reflexive.generator_kwargs.clone()),
                verifier: (reflexive.verifier.clone(), reflexive.verifier_kwargs.clone()),
                max_turns: u32::try_from(reflexive.max_turns).unwrap_or(1),
                correction: reflexive.correction_prompt_template.clone(),
            })),
        }
    }

    /// The body of a loop, without the bodies of inner loops. The document lists those in the outer body as well, but
    /// they run only in their own loop.
    fn loop_body(&mut self, given: &[Operator], path: &str) -> Rc<Body> {
        let inner = in_loops(given.iter());
        let path = child_path(path, "loop_body");
        let own =
            given.iter().enumerate().filter(|(_, operator)| !inner.contains(&operator.task_id.as_str()));
        Rc::new(self.body(own.map(|(at, operator)| (format!("{path}/{at}"), operator)).collect()))
    }

    fn branches(
        &mut self,
        given: &Map<String, Value>,
        path: &str,
        condition: impl Fn(&str) -> Option<Expr>,
    ) -> Vec<(String, Branch)> {
        let path = child_path(path, "branch_workflows");
        let mut branches = Vec::new();
        for (name, document) in given {
            let read = definition::read(document);
            let tasks = child_path(&child_path(&path, name), "tasks");
            let body = Rc::new(self.body(at_the_top(&read.workflow, &tasks)));
            branches.push((name.clone(), Branch { condition: condition(name), body, is_missing: false }));
        }
        branches
    }

    /// First the branches with a workflow, then those without one.
    fn choices(&mut self, choice: &definition::MultiChoice, path: &str) -> Vec<(String, Branch)> {
        let workflows = &choice.branch_workflows.0;
        let condition = |name: &str| choice.branches.get(name).map(|branch| parsed(&branch.condition));
        let mut branches = self.branches(workflows, path, condition);
        for (name, branch) in choice.branches.iter().filter(|(name, _)| !workflows.contains_key(*name)) {
            let body = Rc::new(self.body(Vec::new()));
            let is_missing = !branch.tasks.is_empty();
            branches.push((name.to_owned(), Branch { condition: condition(name), body, is_missing }));
        }
        branches
    }

    fn unsupported(&mut self, path: &str, feature: &str) {
        let message = format!("the embedded engine does not run {feature}");
        let finding = Diagnostic::error(ErrorCode::OperatorUnsupported, path, message);
        self.findings.push(
            finding.with_help("name a task of the same scope, or submit this workflow to a Highway server"),
        );
    }
}

/// The operators of a workflow with their paths. The document lists the bodies of loops beside them; those are left
/// out.
fn at_the_top<'a>(workflow: &'a definition::Workflow, path: &str) -> Vec<(String, &'a Operator)> {
    let inner = in_loops(workflow.tasks.values());
    let own = workflow.tasks.iter().filter(|(_, operator)| {
        !operator.is_internal_loop_task && !inner.contains(&operator.task_id.as_str())
    });
    own.map(|(key, operator)| (child_path(path, key), operator)).collect()
}

/// Ids of all operators in the bodies of loops, at any depth.
fn in_loops<'a>(operators: impl Iterator<Item = &'a Operator>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut bodies: Vec<&Operator> = operators.flat_map(loop_body_of).collect();
    while let Some(operator) = bodies.pop() {
        found.push(operator.task_id.as_str());
        bodies.extend(loop_body_of(operator));
    }
    found
}

fn loop_body_of(operator: &Operator) -> &[Operator] {
    match &operator.operation {
        definition::Operation::Foreach(each) => &each.loop_body,
        definition::Operation::While(each) => &each.loop_body,
        _ => &[],
    }
}

fn task_of(task: &definition::Task, is_activity: bool) -> Operation {
    Operation::Task {
        function: task.function.clone(),
        args: task.args.clone(),
        kwargs: task.kwargs.clone(),
        is_activity,
    }
}

/// The operators that an operator names as a target or a callback.
fn targets(operator: &Planned) -> Vec<usize> {
    let ways: Vec<usize> = match &operator.operation {
        Operation::Condition { if_true, if_false, .. } => {
            [if_true, if_false].into_iter().flatten().copied().collect()
        }
        Operation::Switch { cases, default, .. } => {
            cases.iter().map(|(_, target)| *target).chain(*default).collect()
        }
        _ => Vec::new(),
    };
    let mut all: Vec<usize> =
        ways.into_iter().chain(operator.on_success).chain(operator.on_failure).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The parsed condition. The rules for definitions report one that cannot be parsed.
fn parsed(condition: &str) -> Expr {
    expr::parse(condition).unwrap_or(Expr::Literal(Value::Null))
}

#[expect(clippy::cast_precision_loss, reason = "only limits longer than any run are rounded")]
fn whole(seconds: i64) -> f64 {
    seconds.max(0) as f64
}
