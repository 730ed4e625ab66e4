//! Templates must name something that can be known.

use super::branches::Branch;
use super::fields::{self, Fields, fields_of};
use super::hints::Hints;
use super::meant::Meant;
use super::pasting::are_items_written;
use super::scope::Scope;
use super::slips::Slips;
use crate::arguments::{HANDLE_UPDATE, is_builtin};
use crate::definition::{DataGuard, Operation, Operator, Until};
use crate::error::{Diagnostic, ErrorCode};
use crate::expr::parse;
use crate::json::child_path;
use crate::template::names::{OF_ENGINE, OF_HANDLER, OF_LOOP, OF_RUN, OF_UPDATE, is_of_engine};
use crate::template::{Part, Path, Piece, Syntax, not_a_template, pieces, reference};
use crate::text::names::NameIndex;
use serde_json::{Map, Value};

/// The input that the driver adds for a task with uploaded Python.
const ARTIFACT: &str = "_artifact_id";
/// Fields that only results of tools have.
const RESULT_FIELDS: [&str; 5] = ["stdout", "stderr", "returncode", "exit_code", "status_code"];

/// JSON pointer from an operator to the conditions on its result.
pub(super) const POSTCONDITIONS: &str = "/postconditions";

/// The tool whose command a shell reads.
pub(super) const SHELL: &str = "tools.shell.run";

/// The names that templates of a workflow can use.
pub(super) struct Known<'a> {
    variables: NameIndex<'a>,
    /// Names of results, with the positions of the operators that give them.
    results: NameIndex<'a>,
    /// The known fields of each of these results; none if several operators give it.
    fields: Vec<Option<Fields>>,
    /// Whether the definition lists the items of all loops, here and around.
    pub(super) are_items_written: bool,
    outer: Option<&'a Self>,
    pub(super) hints: &'a Hints,
}

impl<'a> Known<'a> {
    /// The names of a scope, of its branches (whose results can be read after a join), and of everything around it.
    pub(super) fn of_scope(scope: &'a Scope<'_>, branches: &'a [Branch], outer: Option<&'a Self>) -> Self {
        let inside = branches.iter().flat_map(|branch| branch.workflow.tasks.values());
        let operators = scope.items.iter().map(|item| (item.id, item.operator));
        let operators = operators.chain(inside.map(|operator| (operator.task_id.as_str(), operator)));
        let (mut names, mut fields): (Vec<&str>, Vec<Option<Fields>>) = (Vec::new(), Vec::new());
        for (id, operator) in operators {
            let own = fields_of(operator);
            let key = operator.result_key.as_deref().filter(|key| *key != id);
            for name in key.into_iter().chain([id]) {
                names.push(name);
                fields.push(own);
            }
        }
        let are_items_written = outer.is_none_or(|outer| outer.are_items_written) && are_items_written(scope);
        Self {
            variables: NameIndex::new(scope.workflow.variables.keys().map(String::as_str)),
            results: NameIndex::new(names.into_iter()),
            fields,
            are_items_written,
            outer,
            hints: scope.hints,
        }
    }

    /// The slip in the field of a result that a template names: the message and the advice.
    fn field_slip(&self, template: &Path) -> Option<(String, String)> {
        let (name, way) = match (template.root.as_str(), template.parts.split_first()?) {
            ("results", (Part::Key(name), rest)) => (name.as_str(), rest),
            (root, _) => (root, template.parts.as_slice()),
        };
        let mut parts = self.fields_meant(name, way)?;
        if template.root == "results" {
            parts.insert(0, Part::Key(name.to_owned()));
        }
        let meant = Path { root: template.root.clone(), parts };
        let field = Path { root: String::new(), parts: way.get(..1)?.to_vec() }.to_string();
        let field = field.trim_start_matches('.');
        let message =
            format!("the result of `{name}` has no field `{field}`, so `{{{{{template}}}}}` is null");
        Some((message, Meant::Surely(meant).help()))
    }

    /// The path that was meant, if the result lacks the one that a template names.
    pub(super) fn fields_meant(&self, name: &str, way: &[Part]) -> Option<Vec<Part>> {
        fields::meant(self.fields_of(name)?, way)
    }

    /// The fields of the result with this name, if all operators that may give it have the same.
    fn fields_of(&self, name: &str) -> Option<Fields> {
        let around = self.chain().find(|known| known.has_own(name))?;
        let mut all = around.results.all(name).map(|at| around.fields.get(at).copied().flatten());
        let first = all.next().flatten().filter(|_| around.variables.get(name).is_none())?;
        all.all(|fields| fields == Some(first)).then_some(first)
    }

    /// The most telling field of a result, as a template without braces; the name of the result if its fields are
    /// unknown.
    pub(super) fn first_field(&self, name: &str) -> Option<String> {
        let field = |fields: Fields| fields.iter().find(|field| **field != "status_code");
        self.is_result(name).then(|| match self.fields_of(name).and_then(field) {
            Some(field) => format!("{name}.{field}"),
            None => name.to_owned(),
        })
    }

    fn has_own(&self, name: &str) -> bool {
        self.variables.get(name).is_some() || self.results.get(name).is_some()
    }

    /// Whether a template of a task names nothing and is reported as a slip.
    pub(super) fn is_slip(&self, template: &Path, task: &str, in_loop: bool) -> bool {
        let root = template.root.as_str();
        if OF_LOOP.contains(&root) {
            return false;
        }
        if self.has(root) {
            return self.field_slip(template).is_some() || self.meant_within(template).is_some();
        }
        is_of_result(template) || self.meant(template, task, in_loop).is_some()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        [&OF_ENGINE[..], &OF_HANDLER, &OF_UPDATE, &[ARTIFACT]].iter().any(|names| names.contains(&name))
            || self.is_given(name)
    }

    /// Whether a variable or a result has this name.
    fn is_given(&self, name: &str) -> bool {
        self.chain().any(|known| known.has_own(name))
    }

    pub(super) fn is_result(&self, name: &str) -> bool {
        self.chain().any(|known| known.results.get(name).is_some())
    }

    pub(super) fn is_variable(&self, name: &str) -> bool {
        self.chain().any(|known| known.variables.get(name).is_some())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.chain().flat_map(|known| known.variables.names())
    }

    pub(super) fn results(&self) -> impl Iterator<Item = &str> {
        self.chain().flat_map(|known| known.results.names())
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
        findings.extend(bare_items(scope, at, operator, known));
    }
}

/// The finding about `items` that is the name of a list without the braces of a template.
fn bare_items(scope: &Scope<'_>, at: usize, operator: &Operator, known: &Known<'_>) -> Option<Diagnostic> {
    let Operation::Foreach(each) = &operator.operation else { return None };
    let path = Path::parse(&each.items)?;
    let is_meant = known.is_given(&path.root) || (!path.parts.is_empty() && known.has(&path.root));
    let message = format!("the items of `{}` are the text `{path}`, one item", scope.id(at));
    let finding =
        Diagnostic::warning(ErrorCode::TemplateInvalid, format!("{}/items", scope.path(at)), message);
    is_meant.then(|| finding.with_help(format!("write `{{{{{path}}}}}`")))
}

/// Where a template stands.
pub(super) struct Place<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) at: usize,
    pub(super) operator: &'a Operator,
    /// JSON pointer relative to the operator.
    path: &'a str,
}

impl Place<'_> {
    /// Whether the first name of a template is known there.
    fn knows(&self, root: &str, known: &Known<'_>) -> bool {
        match self.limited(root) {
            Some((_, is_here)) => is_here || (!is_of_engine(root) && known.is_given(root)),
            None => self.own().contains(&root) || known.has(root),
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

fn check_text(
    text: &str,
    syntax: Syntax,
    place: &Place<'_>,
    known: &Known<'_>,
    findings: &mut Vec<Diagnostic>,
) {
    let path = || format!("{}{}", place.scope.path(place.at), place.path);
    let is_known = |template: &Path| place.knows(&template.root, known);
    let slips = Slips { place, known, is_known: &is_known };
    let warn =
        |code, (message, help): (String, String)| Diagnostic::warning(code, path(), message).with_help(help);
    if let Some(((message, help), may_be_meant)) = slips.of_javascript(text) {
        let make = if may_be_meant { Diagnostic::info } else { Diagnostic::warning };
        findings.push(make(ErrorCode::TemplateInvalid, path(), message).with_help(help));
    }
    // The text before the template, and how many single quotes it has.
    let (mut before, mut quotes) = ("", 0);
    for piece in pieces(text, syntax) {
        match piece {
            Piece::Template { path: template, .. } if !is_known(&template) => {
                findings.push(unknown(&template, place, known, path()));
            }
            Piece::Template { path: template, .. } => {
                let root = template.root.as_str();
                let dollar = slips.dollar(&template, before, quotes % 2 == 1);
                findings.extend(dollar.map(|slip| warn(ErrorCode::TemplateInvalid, slip)));
                if place.own().contains(&root) || place.limited(root).is_some_and(|(_, is_here)| is_here) {
                    continue;
                }
                let slip = known.field_slip(&template);
                findings.extend(slip.map(|slip| warn(ErrorCode::TemplateNameUnknown, slip)));
                findings.extend(within(&template, place, known, &path));
            }
            // Braces in a raw block are on purpose.
            Piece::Raw(text) => quotes += text.matches('\'').count(),
            Piece::Invalid(source) => {
                let error = not_a_template(source).with_path(path());
                let finding = Diagnostic::from(&error);
                findings.push(match slips.quoted(source) {
                    Some(result) => finding.with_help(format!("write `{{{{{result}}}}}`")),
                    None => finding,
                });
            }
            Piece::Text(text) => {
                findings.extend(slips.of_text(text).map(|slip| warn(ErrorCode::TemplateInvalid, slip)));
                (before, quotes) = (text, quotes + text.matches('\'').count());
                continue;
            }
        }
        before = "";
    }
}

/// The finding about an unknown name: a warning if it is a slip, a note if it may be an input of the run.
fn unknown(template: &Path, place: &Place<'_>, known: &Known<'_>, path: String) -> Diagnostic {
    let (root, task) = (template.root.as_str(), place.scope.id(place.at));
    let message = format!("template `{{{{{template}}}}}` of task `{task}` names no result and no variable");
    let limited = place.limited(root).map(|(where_, _)| format!("`{root}` is known {where_} only"));
    let in_loop = place.scope.items.get(place.at).is_some_and(|item| item.in_loop);
    let nearest = limited.or_else(|| known.meant(template, task, in_loop).map(Meant::help));
    // The schedule may be set elsewhere.
    let is_slip = root != "ds" && (nearest.is_some() || is_of_result(template));
    let make = if is_slip { Diagnostic::warning } else { Diagnostic::info };
    make(ErrorCode::TemplateNameUnknown, path, message).with_help(nearest.unwrap_or_else(|| {
        format!("a run must give `{root}` as an input; results are named by their result key or task id")
    }))
}

/// The finding about a name that a namespace of the engine lacks. A run may bring further inputs and variables, so only
/// names that are near to one of the definition, or that another engine uses, are reported.
fn within(
    template: &Path,
    place: &Place<'_>,
    known: &Known<'_>,
    path: &dyn Fn() -> String,
) -> Option<Diagnostic> {
    let (root, meant) = (template.root.as_str(), known.meant_within(template));
    let lacks = |name: &str| match root {
        "run" => !OF_RUN.contains(&name),
        "results" => !known.is_result(name),
        _ => false,
    };
    let is_lacking = matches!(template.parts.first(), Some(Part::Key(name)) if lacks(name));
    if !is_lacking && meant.is_none() {
        return None;
    }
    let what = if is_lacking { format!("no field of `{root}`") } else { "no variable".to_owned() };
    let message =
        format!("template `{{{{{template}}}}}` of task `{}` names {what}", place.scope.id(place.at));
    // `{{inputs.parameters.x}}` may really read an input.
    let is_input = root == "inputs" && matches!(meant, Some(Meant::Surely(_)));
    let make = if is_input { Diagnostic::info } else { Diagnostic::warning };
    let all = (root == "run").then(|| "it has `{{run.id}}` and `{{run.started_at}}`".to_owned());
    let finding = make(ErrorCode::TemplateNameUnknown, path(), message);
    Some(finding.with_any_help(meant.map(Meant::help).or(all)))
}

/// Whether it looks like a field of a result.
fn is_of_result(template: &Path) -> bool {
    template.root.ends_with("_result")
        || matches!(template.parts.first(), Some(Part::Key(key)) if RESULT_FIELDS.contains(&key.as_str()))
}

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
