//! Text from outside must not be pasted into a command or into source code: whoever chooses the text would choose what
//! runs.

use super::known::Known;
use super::scope::Scope;
use crate::definition::{Operation, Task};
use crate::error::{Diagnostic, ErrorCode};
use crate::template::{Part, Path, Piece, Syntax, pieces};
use serde_json::Value;

/// A tool that runs text: its name, the argument with the text, how that text reads an environment variable, and a note
/// about values that are no text.
const TOOLS: [(&str, &str, &str, &str); 2] = [
    ("tools.shell.run", "command", "\"$VALUE\"", "; a list or an object is JSON text there"),
    (
        "tools.code.exec",
        "code",
        "os.environ[\"VALUE\"]",
        "; a list or an object is JSON text there: `json.loads(os.environ[\"VALUE\"])`",
    ),
];

/// Fields of results that hold text.
const OUTPUTS: [&str; 2] = ["stdout", "stderr"];

/// Names whose values come from the workflow, the engine or the host.
const SAFE: [&str; 10] = [
    "workflow",
    "run",
    "ENV",
    "secrets",
    "workflow_run_id",
    "run_id",
    "idempotency_key",
    "ds",
    "index",
    "iteration",
];

/// Names of the item of a loop.
const ITEM: [&str; 2] = ["item", "current_item"];

pub(super) fn check(scope: &Scope<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    let is_chosen = |path: &Path, task: &str, in_loop: bool| {
        let root = path.root.as_str();
        let is_written = known.are_items_written && ITEM.contains(&root);
        let is_number = matches!(path.parts.last(), Some(Part::Key(key)) if key == "length");
        // Another rule reports a misspelt name.
        !SAFE.contains(&root) && !is_written && !is_number && !known.is_slip(path, task, in_loop)
    };
    for (at, operator) in scope.operators() {
        let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { continue };
        let Some((_, key, read, as_json)) = TOOLS.iter().find(|(tool, ..)| *tool == task.function) else {
            continue;
        };
        let Some((text, path)) = text_of(task, key) else { continue };
        let (id, in_loop) = (scope.id(at), scope.items.get(at).is_some_and(|item| item.in_loop));
        let pasted = pieces(text, Syntax::Braces).find_map(|piece| match piece {
            // A text that is one template is run on purpose.
            Piece::Template { path, source } if is_chosen(&path, id, in_loop) && source != text.trim() => {
                Some(path)
            }
            _ => None,
        });
        let Some(template) = pasted else { continue };
        let message =
            format!("the {key} of `{id}` contains the text of `{{{{{template}}}}}`, which may be anything");
        let is_output = matches!(template.parts.last(), Some(Part::Key(key)) if OUTPUTS.contains(&&**key));
        let more = if is_output { "" } else { as_json };
        let help = format!(
            "pass it as `env: {{VALUE: \"{{{{{template}}}}}\"}}`, and write `{read}` in the {key}{more}"
        );
        let finding =
            Diagnostic::warning(ErrorCode::TextPasted, format!("{}{path}", scope.path(at)), message);
        findings.push(finding.with_help(help));
    }
}

/// The text that a tool runs, and its JSON pointer relative to the operator.
fn text_of<'a>(task: &'a Task, key: &str) -> Option<(&'a str, String)> {
    let first = task.args.first().and_then(Value::as_str).map(|text| (text, "/args/0".to_owned()));
    first.or_else(|| Some((task.kwargs.get(key)?.as_str()?, format!("/kwargs/{key}"))))
}
