//! Some task should read the answer of an approval, since a rejection is an answer and not a failure.

use super::scope::Scope;
use super::texts::{inside_map, texts};
use crate::definition::{Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::text::has;
use serde_json::Value;
use std::cell::OnceCell;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    // A result of a branch may be read in the workflow around it.
    if scope.outer.is_some() {
        return;
    }
    let followers = followers(scope);
    // Collected once, and only if there is an approval.
    let texts = OnceCell::new();
    for (at, operator) in scope.operators() {
        let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { continue };
        if task.function != "tools.approval.request" {
            continue;
        }
        let id = scope.id(at);
        let Some(after) = followers.get(at).copied().flatten() else { continue };
        let key = operator.result_key.as_deref().unwrap_or(id);
        let texts: &Vec<(usize, String)> =
            texts.get_or_init(|| scope.operators().map(|(at, operator)| (at, texts_of(operator))).collect());
        let names = |text: &str| [id, key, "results"].iter().any(|name| has(text, name));
        if texts.iter().any(|(other, text)| *other != at && names(text)) {
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

/// For each operator, the first one that depends on it.
fn followers(scope: &Scope<'_>) -> Vec<Option<usize>> {
    let mut first = vec![None; scope.needs.len()];
    for (at, needs) in scope.needs.iter().enumerate() {
        for need in needs {
            if let Some(slot) = first.get_mut(*need) {
                slot.get_or_insert(at);
            }
        }
    }
    first
}

/// The texts of an operator and of its branches, separated by a character that no name contains.
fn texts_of(operator: &Operator) -> String {
    let mut all = String::new();
    let mut add = |text: &str| {
        all.push_str(text);
        all.push('\0');
    };
    texts(operator, &mut |text, _, _| add(text));
    for (_, branch) in operator.operation.branch_workflows().into_iter().flatten() {
        if let Value::Object(branch) = branch {
            inside_map(branch, "", &mut |text, _, _| add(text));
        }
    }
    all
}
