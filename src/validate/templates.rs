//! Templates name something that can be known.

use super::hints::Hints;
use super::scope::Scope;
use super::workflow::Branch;
use crate::definition::{Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::expr::parse;
use crate::json::child_path;
use crate::names::sorted_names;
use crate::template::names::{OF_ENGINE, OF_HANDLER, OF_LOOP, OF_UPDATE};
use crate::template::{Part, Path, Syntax, paths};
use serde_json::{Map, Value};

/// The input that the driver adds for a task whose Python is uploaded.
const ARTIFACT: &str = "_artifact_id";
/// Fields that only results of tools have.
const RESULT_FIELDS: [&str; 5] = ["stdout", "stderr", "returncode", "exit_code", "status_code"];

/// Names that templates of a workflow know.
pub(super) struct Known<'a> {
    /// Sorted.
    names: Vec<String>,
    outer: Option<&'a Self>,
    hints: &'a Hints,
}

impl<'a> Known<'a> {
    /// Those of a scope, of its branches, whose results can be read once they were waited for, and of what is around it.
    pub(super) fn of_scope(scope: &'a Scope<'_>, branches: &[Branch], outer: Option<&'a Self>) -> Self {
        let mut names: Vec<String> = scope.workflow.variables.keys().cloned().collect();
        let mut add = |operator: &Operator| {
            names.push(operator.task_id.clone());
            names.extend(operator.result_key.clone());
        };
        scope.operators().for_each(|(_, operator)| add(operator));
        branches.iter().flat_map(|branch| branch.workflow.tasks.values()).for_each(add);
        names.extend(scope.items.iter().map(|item| item.id.to_owned()));
        Self { names: sorted_names(names), outer, hints: scope.hints }
    }

    fn has(&self, name: &str) -> bool {
        [&OF_ENGINE[..], &OF_HANDLER, &OF_UPDATE, &[ARTIFACT]].iter().any(|names| names.contains(&name))
            || self.chain().any(|known| known.names.binary_search_by(|it| it.as_str().cmp(name)).is_ok())
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |known| known.outer)
    }
}

pub(super) fn check(scope: &Scope<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, operator) in scope.operators() {
        let in_loop = scope.items.get(at).is_some_and(|item| item.in_loop);
        // The condition of a loop is looked at in every round.
        let in_loop = in_loop || matches!(operator.operation, Operation::While(_));
        let task = Place { id: scope.id(at), in_loop };
        texts(operator, &mut |text, path, syntax| {
            check_text(text, syntax, &task, known, &|| format!("{}{path}", scope.path(at)), findings);
        });
    }
}

/// The rule for a definition of the driver, which is looked at as it is written: the core artefact has no model of it.
pub(crate) fn check_document(document: &Value) -> Vec<Diagnostic> {
    let mut entries = Vec::new();
    collect(document, "", false, &mut entries);
    let mut names: Vec<String> = entries.iter().map(|(_, id, ..)| (*id).to_owned()).collect();
    let keys = entries.iter().filter_map(|(_, _, entry, _)| entry.get("result_key")?.as_str());
    names.extend(keys.map(str::to_owned));
    names.extend(
        document.get("variables").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned(),
    );
    let known = Known { names: sorted_names(names), outer: None, hints: &Hints::new() };
    let mut findings = Vec::new();
    for (path, id, entry, in_loop) in entries {
        for key in ["args", "kwargs", "items", "condition", "event_name", "payload"] {
            let Some(value) = entry.get(key) else { continue };
            let is_free = matches!(key, "args" | "kwargs" | "payload");
            let syntax = if is_free { Syntax::Braces } else { Syntax::BracesAndDollar };
            inside(value, &child_path(&path, key), &mut |text, path, _| {
                let task = Place { id, in_loop: in_loop || key == "condition" };
                check_text(text, syntax, &task, &known, &|| path.to_owned(), &mut findings);
            });
        }
    }
    findings
}

/// An entry of the driver: its pointer, its id, itself, and whether it runs in a loop.
type Entry<'a> = (String, &'a str, &'a Value, bool);

fn collect<'a>(document: &'a Value, base: &str, in_loop: bool, entries: &mut Vec<Entry<'a>>) {
    let objects =
        |value: &'a Value, key: &str| value.get(key).and_then(Value::as_object).into_iter().flatten();
    for (id, entry) in objects(document, "tasks") {
        let path = child_path(&format!("{base}/tasks"), id);
        let in_loop = in_loop || entry.get("is_internal_loop_task").is_some();
        for (name, branch) in objects(entry, "branch_workflows") {
            collect(branch, &child_path(&format!("{path}/branch_workflows"), name), in_loop, entries);
        }
        entries.push((path, id, entry, in_loop));
    }
}

/// Where a template stands.
struct Place<'a> {
    /// Id of the task.
    id: &'a str,
    in_loop: bool,
}

fn check_text(
    text: &str,
    syntax: Syntax,
    task: &Place<'_>,
    known: &Known<'_>,
    path: &dyn Fn() -> String,
    findings: &mut Vec<Diagnostic>,
) {
    for template in paths(text, syntax) {
        let root = template.root.as_str();
        let is_local = task.in_loop && OF_LOOP.contains(&root);
        if !is_local && !known.has(root) {
            findings.push(unknown(&template, task.id, known, path()));
        }
    }
}

/// A warning where it is a slip; where it may as well be an input of the run, that is told and no more.
fn unknown(template: &Path, task: &str, known: &Known<'_>, path: String) -> Diagnostic {
    let root = template.root.as_str();
    let message = format!("template `{{{{{template}}}}}` of task `{task}` names no result and no variable");
    let mut names =
        known.chain().flat_map(|known| &known.names).map(String::as_str).filter(|name| *name != task);
    let slip = if OF_LOOP.contains(&root) {
        Some(format!("`{root}` is known inside a loop only"))
    } else {
        known.hints.nearest(root, &mut names)
    };
    let is_result = root.ends_with("_result")
        || matches!(template.parts.first(), Some(Part::Key(key)) if RESULT_FIELDS.contains(&key.as_str()));
    let make = if slip.is_some() || is_result { Diagnostic::warning } else { Diagnostic::info };
    make(ErrorCode::TemplateNameUnknown, path, message).with_help(slip.unwrap_or_else(|| {
        format!("a run must give `{root}` as an input; results are named by their result key or task id")
    }))
}

/// Gets a text, its JSON pointer from the operator, and the templates that must name something: `${name}` in plain text may
/// be meant for a shell or a script.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &str, Syntax);

/// Every text of an operator in which templates are replaced, with its JSON pointer from the operator.
pub(super) fn texts(operator: &Operator, visit: Visit<'_>) {
    if let Some(key) = &operator.idempotency_key {
        visit(key, "/idempotency_key", Syntax::Braces);
    }
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
        Operation::WaitForEvent(event) => visit(&event.event_name, "/event_name", Syntax::BracesAndDollar),
        Operation::Switch(switch) => visit(&switch.switch_on, "/switch_on", Syntax::BracesAndDollar),
        Operation::Reflexive(reflexive) => {
            inside_map(&reflexive.generator_kwargs, "/generator_kwargs", visit);
            inside_map(&reflexive.verifier_kwargs, "/verifier_kwargs", visit);
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

/// A condition that cannot be read is told of elsewhere.
fn expression(condition: &str, path: &str, visit: Visit<'_>) {
    if parse(condition).is_ok() {
        visit(condition, path, Syntax::BracesAndDollar);
    }
}

pub(super) fn inside_map(map: &Map<String, Value>, path: &str, visit: Visit<'_>) {
    for (key, value) in map {
        inside(value, &child_path(path, key), visit);
    }
}

fn inside(value: &Value, path: &str, visit: Visit<'_>) {
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
