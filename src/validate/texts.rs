//! The texts of an operator in which templates are replaced.

use crate::definition::{DataGuard, Operation, Operator, Until};
use crate::expr::parse;
use crate::json::child_path;
use crate::template::{Syntax, reference};
use serde_json::{Map, Value};

/// JSON pointer from an operator to the conditions on its result.
pub(super) const POSTCONDITIONS: &str = "/postconditions";

/// The tool whose command a shell reads.
pub(super) const SHELL: &str = "tools.shell.run";

/// Is called with a text, its JSON pointer relative to the operator, and the spellings of templates that must name
/// something: `${name}` may be meant for a shell or a script.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &str, Syntax);

/// The spellings of templates that are replaced at a place in an operator.
pub(super) fn filled_in(operator: &Operator, path: &str) -> Syntax {
    let is_shell = matches!(&operator.operation, Operation::Task(task) | Operation::Activity(task) if task.function == SHELL);
    let is_guard = ["/preconditions", POSTCONDITIONS].iter().any(|guards| path.starts_with(guards));
    if is_shell || is_guard { Syntax::Braces } else { Syntax::BracesAndDollar }
}

/// Visits every text of an operator in which templates are replaced.
pub(super) fn texts(operator: &Operator, visit: Visit<'_>) {
    if let Some(key) = &operator.idempotency_key {
        visit(key, "/idempotency_key", Syntax::Braces);
    }
    guards(&operator.preconditions, "/preconditions", visit);
    guards(&operator.postconditions, POSTCONDITIONS, visit);
    match &operator.operation {
        Operation::Task(task) | Operation::Activity(task) => {
            for (index, value) in task.args.iter().enumerate() {
                inside(value, &format!("/args/{index}"), visit);
            }
            inside_map(&task.kwargs, "/kwargs", visit);
        }
        Operation::Condition(condition) => expression(&condition.condition, "/condition", visit),
        Operation::While(while_loop) => expression(&while_loop.condition, "/condition", visit),
        Operation::Foreach(foreach) => visit(&foreach.items, "/items", Syntax::BracesAndDollar),
        Operation::EmitEvent(event) => {
            visit(&event.event_name, "/event_name", Syntax::BracesAndDollar);
            inside_map(&event.payload, "/payload", visit);
        }
        Operation::Wait(wait) if wait.wait_for.until() == Until::Text => {
            visit(wait.wait_for.as_str(), "/wait_for", Syntax::BracesAndDollar);
        }
        Operation::WaitForEvent(event) => visit(&event.event_name, "/event_name", Syntax::BracesAndDollar),
        Operation::Switch(switch) => visit(&switch.switch_on, "/switch_on", Syntax::BracesAndDollar),
        Operation::Reflexive(reflexive) => {
            inside_map(&reflexive.generator_kwargs, "/generator_kwargs", visit);
            inside_map(&reflexive.verifier_kwargs, "/verifier_kwargs", visit);
            if let Some(prompt) = &reflexive.correction_prompt_template {
                visit(prompt, "/correction_prompt_template", Syntax::BracesAndDollar);
            }
        }
        Operation::MultiChoice(choice) => choice.branches.iter().for_each(|(name, branch)| {
            expression(&branch.condition, &format!("{}/condition", child_path("/branches", name)), visit);
        }),
        Operation::Terminate(terminate) => {
            inside_map(&terminate.result, "/result", visit);
            visit(&terminate.reason, "/reason", Syntax::Braces);
        }
        Operation::ChildWorkflow(child) => {
            for (name, entry) in child.children.iter() {
                inside_map(entry, &child_path("/children", name), visit);
            }
        }
        _ => {}
    }
}

/// Visits the variables of guards, with or without braces. Another rule reports a guard that names none.
fn guards(guards: &[DataGuard], path: &str, visit: Visit<'_>) {
    for (index, guard) in guards.iter().enumerate() {
        let path = format!("{path}/{index}");
        if let Some(name) = reference(&guard.variable) {
            visit(&format!("{{{{{name}}}}}"), &format!("{path}/variable"), Syntax::Braces);
        }
        inside(&guard.value, &format!("{path}/value"), visit);
        visit(&guard.message, &format!("{path}/message"), Syntax::Braces);
    }
}

/// Visits the templates of a condition. Another rule reports a condition that cannot be parsed.
fn expression(condition: &str, path: &str, visit: Visit<'_>) {
    let Ok(parsed) = parse(condition) else { return };
    visit(condition, path, Syntax::BracesAndDollar);
    for word in parsed.truths() {
        visit(&format!("{{{{{word}}}}}"), path, Syntax::Braces);
    }
}

pub(super) fn inside_map(map: &Map<String, Value>, path: &str, visit: Visit<'_>) {
    for (key, value) in map {
        inside(value, &child_path(path, key), visit);
    }
}

pub(super) fn inside(value: &Value, path: &str, visit: Visit<'_>) {
    match value {
        Value::String(text) => visit(text, path, Syntax::Braces),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                inside(item, &format!("{path}/{index}"), visit);
            }
        }
        Value::Object(map) => inside_map(map, path, visit),
        _ => {}
    }
}
