//! Templates must stand where they are replaced, and guards must name one variable.

use super::known::Known;
use super::scope::Scope;
use super::texts::inside;
use crate::arguments::HANDLE_UPDATE;
use crate::definition::{DataGuard, Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;
use crate::template::{Path, Syntax, path_in, paths, reference};
use serde_json::{Map, Value};

pub(super) fn check(scope: &Scope<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    let variables = format!("{}/variables", scope.base);
    for (name, value) in &scope.workflow.variables {
        inside(value, &child_path(&variables, name), &mut |text, path, _| {
            findings.extend(named(text, known).map(|template| variable(name, &template, path.to_owned())));
        });
    }
    for (at, operator) in scope.operators() {
        let path = || scope.path(at);
        guards(&operator.preconditions, &|| format!("{}/preconditions", path()), findings);
        guards(&operator.postconditions, &|| format!("{}/postconditions", path()), findings);
        if let Operation::Switch(switch) = &operator.operation {
            for (value, _) in switch.cases.iter() {
                let place = || child_path(&format!("{}/cases", path()), value);
                findings.extend(named(value, known).map(|template| case(scope.id(at), &template, place())));
            }
        }
        for (key, tool) in tools(operator) {
            let template = paths(tool, Syntax::Braces).into_iter().next();
            findings.extend(template.map(|template| name_of_tool(&template, format!("{}/{key}", path()))));
        }
        for (key, map) in maps(operator) {
            let mut visit = |text: &str, path: String| {
                findings.extend(named(text, known).map(|template| key_of(&template, path)));
            };
            if !map.is_empty() {
                keys(map, &format!("{}/{key}", path()), &mut visit);
            }
        }
    }
}

/// The first template of a text, if it names something.
fn named(text: &str, known: &Known<'_>) -> Option<Path> {
    paths(text, Syntax::Braces).into_iter().find(|path| known.has(&path.root))
}

/// The objects of an operator in whose values templates are replaced, but not in their keys.
fn maps(operator: &Operator) -> Vec<(&'static str, &Map<String, Value>)> {
    match &operator.operation {
        Operation::Task(task) | Operation::Activity(task) => vec![("kwargs", &task.kwargs)],
        Operation::EmitEvent(event) => vec![("payload", &event.payload)],
        Operation::Terminate(end) => vec![("result", &end.result)],
        Operation::Reflexive(tools) => {
            vec![("generator_kwargs", &tools.generator_kwargs), ("verifier_kwargs", &tools.verifier_kwargs)]
        }
        _ => Vec::new(),
    }
}

/// The names of the tools that an operator calls.
fn tools(operator: &Operator) -> Vec<(&'static str, &str)> {
    match &operator.operation {
        Operation::Task(task) | Operation::Activity(task) => {
            let response = task.kwargs.get("response_tool").filter(|_| task.function == HANDLE_UPDATE);
            let response = response.and_then(Value::as_str).map(|tool| ("kwargs/response_tool", tool));
            std::iter::once(("function", task.function.as_str())).chain(response).collect()
        }
        Operation::Reflexive(tools) => {
            vec![("generator", tools.generator.as_str()), ("verifier", tools.verifier.as_str())]
        }
        _ => Vec::new(),
    }
}

/// Visits all keys of an object and of the objects in it.
fn keys(map: &Map<String, Value>, path: &str, visit: &mut dyn FnMut(&str, String)) {
    for (key, value) in map {
        let path = child_path(path, key);
        visit(key, path.clone());
        inner_keys(value, &path, visit);
    }
}

fn inner_keys(value: &Value, path: &str, visit: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Object(map) => keys(map, path, visit),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| inner_keys(item, &format!("{path}/{at}"), visit));
        }
        _ => {}
    }
}

fn literal(path: String, place: &str, template: &Path, help: &str) -> Diagnostic {
    let message = format!("`{{{{{template}}}}}` in {place} is not filled in");
    Diagnostic::warning(ErrorCode::TemplateLiteral, path, message).with_help(help)
}

fn variable(name: &str, template: &Path, path: String) -> Diagnostic {
    let help = "write the template where the variable is used, or give the value as an input of the run";
    literal(path, &format!("the variable `{name}`"), template, help)
}

fn case(id: &str, template: &Path, path: String) -> Diagnostic {
    literal(path, &format!("a case of `{id}`"), template, "compare the two in a `condition`")
}

fn name_of_tool(template: &Path, path: String) -> Diagnostic {
    literal(path, "the name of a tool", template, "write one task for each tool, and choose with a `switch`")
}

fn key_of(template: &Path, path: String) -> Diagnostic {
    literal(path, "a key", template, "make the object in a task, and give its result as one template")
}

/// The variable of a guard must be a name or one template: any other text never has a value.
fn guards(guards: &[DataGuard], path: &dyn Fn() -> String, findings: &mut Vec<Diagnostic>) {
    for (at, guard) in guards.iter().enumerate() {
        if reference(&guard.variable).is_none() {
            let message = format!("`{}` names no variable, so the guard never holds", guard.variable);
            let path = format!("{}/{at}/variable", path());
            let finding = Diagnostic::error(ErrorCode::TemplateInvalid, path, message);
            let first = path_in(&guard.variable).map(|path| path.to_string());
            let name = first.unwrap_or_else(|| "inputs.name".to_owned());
            findings.push(finding.with_help(format!("name one variable, such as `{{{{{name}}}}}`")));
        }
    }
}
