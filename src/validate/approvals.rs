//! Somebody reads the answer of an approval: a rejection is an answer, not a failure.

use super::scope::Scope;
use super::templates::{inside_map, texts};
use crate::definition::{Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::text::has;
use serde_json::Value;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    // What is in a branch may be read around it.
    if scope.outer.is_some() {
        return;
    }
    for (at, operator) in scope.operators() {
        let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { continue };
        if task.function != "tools.approval.request" {
            continue;
        }
        let id = scope.id(at);
        let Some(after) = scope.needs.iter().position(|needs| needs.contains(&at)) else { continue };
        let key = operator.result_key.as_deref().unwrap_or(id);
        let mut others = scope.operators().filter(|(other, _)| *other != at);
        if others.any(|(_, other)| names(other, id) || names(other, key)) {
            continue;
        }
        let message = format!(
            "nothing reads the answer of `{id}`, so `{}` runs after a rejection, too",
            scope.id(after)
        );
        let help = format!(
            "put a `condition` between the two that reads `{{{{{key}.approved}}}}`; a rejection is an answer, not a failure"
        );
        let finding = Diagnostic::warning(ErrorCode::ApprovalUnread, scope.path(at), message);
        findings.push(finding.with_help(help).with_related(scope.path(after)));
    }
}

/// Whether a text of an operator, or of its branches, has a name in it, or all results.
fn names(operator: &Operator, name: &str) -> bool {
    let mut found = false;
    let mut look = |text: &str| found |= has(text, name) || has(text, "results");
    texts(operator, &mut |text, _, _| look(text));
    for (_, branch) in operator.operation.branch_workflows().into_iter().flatten() {
        if let Value::Object(branch) = branch {
            inside_map(branch, "", &mut |text, _, _| look(text));
        }
    }
    found
}
