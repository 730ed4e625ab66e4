//! Templates name something that can be known.

use super::hints::Hints;
use super::scope::Scope;
use super::workflow::Branch;
use crate::arguments::{HANDLE_UPDATE, is_builtin};
use crate::definition::{DataGuard, Operation, Operator, Until};
use crate::error::{Diagnostic, ErrorCode};
use crate::expr::parse;
use crate::json::child_path;
use crate::names::sorted_names;
use crate::suggest::nearest;
use crate::template::names::{OF_ENGINE, OF_HANDLER, OF_LOOP, OF_UPDATE, is_of_engine};
use crate::template::{Part, Path, Piece, Syntax, not_a_template, pieces, reference};
use crate::text::{cut, has};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The input that the driver adds for a task whose Python is uploaded.
const ARTIFACT: &str = "_artifact_id";
/// Fields that only results of tools have.
const RESULT_FIELDS: [&str; 5] = ["stdout", "stderr", "returncode", "exit_code", "status_code"];

/// JSON pointer from an operator to what must hold of its result.
pub(super) const POSTCONDITIONS: &str = "/postconditions";

/// The tool whose text a shell reads.
const SHELL: &str = "tools.shell.run";

/// Names that templates of a workflow know.
pub(super) struct Known<'a> {
    /// Sorted.
    names: Vec<String>,
    /// Names of results of Highway's own tools, sorted, with the fields that they have.
    fields: Vec<(String, Fields)>,
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
        let inside = branches.iter().flat_map(|branch| branch.workflow.tasks.values());
        let operators = scope.operators().map(|(_, operator)| operator).chain(inside);
        let variables = scope.workflow.variables.keys();
        let mut fields: BTreeMap<String, Option<Fields>> =
            variables.map(|name| (name.clone(), None)).collect();
        for operator in operators {
            let own = fields_of(operator);
            let key = operator.result_key.as_ref().filter(|key| **key != operator.task_id);
            for name in key.into_iter().chain([&operator.task_id]) {
                let known = fields.entry(name.clone()).or_insert(own);
                *known = known.filter(|_| *known == own);
            }
        }
        let fields = fields.into_iter().filter_map(|(name, fields)| Some((name, fields?))).collect();
        Self { names: sorted_names(names), fields, outer, hints: scope.hints }
    }

    /// What is wrong with the field of a result that a template names, and what to write.
    fn field_slip(&self, template: &Path) -> Option<(String, String)> {
        let (name, rest) = match (template.root.as_str(), template.parts.split_first()?) {
            ("results", (Part::Key(name), rest)) => (name.as_str(), rest),
            (root, _) => (root, template.parts.as_slice()),
        };
        let Some((Part::Key(field), rest)) = rest.split_first() else { return None };
        let around = self.chain().find(|known| known.has_own(name))?;
        let at = around.fields.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        let (_, fields) = around.fields.get(at)?;
        if fields.contains(&field.as_str()) {
            return None;
        }
        let near = match rest.first() {
            Some(Part::Key(inner)) if field == "result" && fields.contains(&inner.as_str()) => inner,
            _ => nearest(field, fields.iter().copied())?,
        };
        let start = if template.root == "results" { format!("results.{name}") } else { name.to_owned() };
        let message =
            format!("the result of `{name}` has no field `{field}`, so `{{{{{template}}}}}` is null");
        Some((message, format!("write `{{{{{start}.{near}}}}}`")))
    }

    fn has_own(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    /// Whether a template of a task names nothing, and is told as a slip.
    pub(super) fn is_slip(&self, template: &Path, task: &str) -> bool {
        let root = template.root.as_str();
        let is_local = OF_LOOP.contains(&root) || self.has(root);
        self.field_slip(template).is_some()
            || (!is_local && (is_of_result(template) || self.nearest(root, task).is_some()))
    }

    /// Advice on a name that is not known.
    fn nearest(&self, root: &str, task: &str) -> Option<String> {
        let names = self.chain().flat_map(|known| &known.names).map(String::as_str);
        self.hints.nearest(root, &mut names.filter(|name| *name != task))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        [&OF_ENGINE[..], &OF_HANDLER, &OF_UPDATE, &[ARTIFACT]].iter().any(|names| names.contains(&name))
            || self.is_given(name)
    }

    /// Whether it is the name of a variable or of a result.
    fn is_given(&self, name: &str) -> bool {
        self.chain().any(|known| known.has_own(name))
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |known| known.outer)
    }
}

pub(super) fn check(scope: &Scope<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, operator) in scope.operators() {
        texts(operator, &mut |text, path, syntax| {
            check_text(text, syntax, &Place { scope, at, operator, path }, known, findings);
        });
    }
}

/// Fields of the result of a tool.
type Fields = &'static [&'static str];

/// What the result of an operator has at its top, where a tool of Highway gives it and adds nothing of its own.
fn fields_of(operator: &Operator) -> Option<Fields> {
    let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { return None };
    // A script that gives a value adds the fields of that.
    let gives_a_value = || {
        let code = task.args.first().or_else(|| task.kwargs.get("code")).and_then(Value::as_str);
        code.is_none_or(|code| {
            ["return", "result", "{{"].iter().any(|word| has(&code.to_ascii_lowercase(), word))
        })
    };
    Some(match task.function.as_str() {
        SHELL => &["stdout", "stderr", "returncode", "exit_code"],
        "tools.code.exec" if !gives_a_value() => {
            &["stdout", "stderr", "returncode", "exit_code", "result", "success"]
        }
        "tools.http.request" => &["status_code", "headers", "response", "body", "url"],
        "tools.llm.call" => &["response", "provider", "model", "usage", "finish_reason"],
        "tools.email.send" => &["success", "to", "subject", "task_id", "message_id", "message"],
        "tools.approval.request" => {
            &["status", "approved", "approval_key", "comment", "approver", "timestamp"]
        }
        _ => return None,
    })
}

/// Where a template stands.
struct Place<'a> {
    scope: &'a Scope<'a>,
    at: usize,
    operator: &'a Operator,
    /// JSON pointer from the operator.
    path: &'a str,
}

impl Place<'_> {
    /// Whether a template names something there.
    fn knows(&self, root: &str, known: &Known<'_>) -> bool {
        match self.limited(root) {
            Some((_, is_here)) => is_here || (!is_of_engine(root) && known.is_given(root)),
            None => self.own().contains(&root) || known.has(root),
        }
    }

    /// Names that are known there alone.
    fn own(&self) -> &'static [&'static str] {
        match &self.operator.operation {
            _ if self.path.starts_with(POSTCONDITIONS) => &["result"],
            Operation::Reflexive(_) => &["output", "feedback"],
            _ => &[],
        }
    }

    /// Where a name of the engine is known that is not known everywhere, and whether that is here.
    fn limited(&self, root: &str) -> Option<(&'static str, bool)> {
        let is_response = self.path.starts_with("/kwargs/response_kwargs") && self.calls(HANDLE_UPDATE);
        Some(match root {
            "item" | "current_item" => ("inside a `foreach`", self.is_in_loop(true)),
            _ if OF_LOOP.contains(&root) => {
                // The condition of a loop is looked at in every round.
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

    /// Whether it is inside a loop, one with items where `has_items` says so. What should be in a loop and is in none may be in
    /// any.
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

    fn calls(&self, tool: &str) -> bool {
        matches!(&self.operator.operation, Operation::Task(task) | Operation::Activity(task) if task.function == tool)
    }

    /// Whether it is given to a tool that is no part of the engine.
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

fn check_text(
    text: &str,
    syntax: Syntax,
    place: &Place<'_>,
    known: &Known<'_>,
    findings: &mut Vec<Diagnostic>,
) {
    let path = || format!("{}{}", place.scope.path(place.at), place.path);
    let is_known = |template: &Path| place.knows(&template.root, known);
    for piece in pieces(text, syntax) {
        match piece {
            Piece::Template { path: template, .. } if !is_known(&template) => {
                findings.push(unknown(&template, place, known, path()));
            }
            Piece::Template { path: template, .. } => {
                let root = template.root.as_str();
                let is_local =
                    place.own().contains(&root) || place.limited(root).is_some_and(|(_, is_here)| is_here);
                let slip = if is_local { None } else { known.field_slip(&template) };
                findings.extend(slip.map(|(message, help)| {
                    Diagnostic::warning(ErrorCode::TemplateNameUnknown, path(), message).with_help(help)
                }));
            }
            // Braces that are kept on purpose are no slip.
            Piece::Raw(_) => {}
            Piece::Invalid(source) => findings.push((&not_a_template(source).with_path(path())).into()),
            Piece::Text(text) => {
                findings.extend(slip(text, place.calls(SHELL), &is_known).map(|(message, help)| {
                    Diagnostic::warning(ErrorCode::TemplateInvalid, path(), message).with_help(help)
                }));
            }
        }
    }
}

/// What is meant as a template and is none, though nothing fails: what is wrong and what to do.
fn slip(text: &str, is_shell: bool, is_known: &dyn Fn(&Path) -> bool) -> Option<(String, String)> {
    let write = |template: &Path| format!("write `{{{{{template}}}}}`");
    if let Some((_, after)) = cut(text, "{{") {
        let (inside, is_trimmed) = after.strip_prefix('-').map_or((after, false), |inside| (inside, true));
        if let Some((template, rest)) = Path::parse_prefix(inside.trim_start()) {
            let rest = rest.trim_start();
            if is_trimmed && is_known(&template) {
                let message = format!("`{{{{- {template}` is no template, so it stays as it is");
                return Some((message, write(&template)));
            }
            let is_open = rest.is_empty() || rest.starts_with('}') || is_known(&template);
            if !is_trimmed && is_open && !has(after, "}}") {
                let message = format!("`{{{{{template}` is not closed, so it stays as it is");
                return Some((message, write(&template)));
            }
        }
    }
    if let Some(word) = statement(text) {
        let message = format!("`{{% {word}` is no template, so it stays as it is");
        return Some((message, "use a `condition` or a `foreach` instead; put what is meant for others between `{% raw %}` and `{% endraw %}`".to_owned()));
    }
    if let Some(template) = half_opened(text).filter(|template| is_known(template)) {
        let message = format!("`{{{template}}}}}` is not opened, so it stays as it is");
        return Some((message, write(&template)));
    }
    let (_, after) = cut(text, "${").filter(|_| is_shell)?;
    let (template, rest) = Path::parse_prefix(after)?;
    if template.parts.is_empty() || !rest.starts_with('}') || !is_known(&template) {
        return None;
    }
    let message = format!("the shell reads `${{{template}}}` as a variable of its own, and cannot");
    Some((message, write(&template)))
}

/// The first word of a statement of Jinja.
fn statement(text: &str) -> Option<&str> {
    let (_, after) = cut(text, "{%")?;
    let inside = after.strip_prefix('-').unwrap_or(after).trim_start();
    let word = inside.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    ["if", "for", "set", "elif", "else", "endif", "endfor", "endraw"].contains(&word).then_some(word)
}

/// The path in `{path}}`.
fn half_opened(text: &str) -> Option<Path> {
    let (before, _) = cut(text, "}}")?;
    let (around, inside) = before.rsplit_once('{')?;
    Path::parse(inside).filter(|_| !around.ends_with(['{', '$']))
}

/// A warning where it is a slip; where it may as well be an input of the run, that is told and no more.
fn unknown(template: &Path, place: &Place<'_>, known: &Known<'_>, path: String) -> Diagnostic {
    let (root, task) = (template.root.as_str(), place.scope.id(place.at));
    let message = format!("template `{{{{{template}}}}}` of task `{task}` names no result and no variable");
    let limited = place.limited(root).map(|(where_, _)| format!("`{root}` is known {where_} only"));
    let nearest = limited.or_else(|| known.nearest(root, task));
    // A schedule may be made elsewhere.
    let is_slip = root != "ds" && (nearest.is_some() || is_of_result(template));
    let make = if is_slip { Diagnostic::warning } else { Diagnostic::info };
    make(ErrorCode::TemplateNameUnknown, path, message).with_help(nearest.unwrap_or_else(|| {
        format!("a run must give `{root}` as an input; results are named by their result key or task id")
    }))
}

/// Whether it looks like a part of a result.
fn is_of_result(template: &Path) -> bool {
    template.root.ends_with("_result")
        || matches!(template.parts.first(), Some(Part::Key(key)) if RESULT_FIELDS.contains(&key.as_str()))
}

/// Gets a text, its JSON pointer from the operator, and the templates that must name something: `${name}` in plain text may
/// be meant for a shell or a script.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &str, Syntax);

/// Which spellings of a template are filled in at a place in an operator.
pub(super) fn filled_in(operator: &Operator, path: &str) -> Syntax {
    let is_shell = matches!(&operator.operation, Operation::Task(task) | Operation::Activity(task) if task.function == SHELL);
    let is_guard = ["/preconditions", POSTCONDITIONS].iter().any(|guards| path.starts_with(guards));
    if is_shell || is_guard { Syntax::Braces } else { Syntax::BracesAndDollar }
}

/// Every text of an operator in which templates are replaced, with its JSON pointer from the operator.
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

/// A guard names a variable with or without braces. One that names none is told elsewhere.
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
