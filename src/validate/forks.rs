//! Some operator should wait for the branches of a fork.

use super::scope::Scope;
use super::texts::{inside_map, texts};
use crate::definition::{Operation, Parallel};
use crate::error::{Diagnostic, ErrorCode};
use crate::template::{Syntax, paths};
use crate::text::names::sorted_names;
use serde_json::Value;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    let forks: Vec<(usize, &Parallel)> = scope
        .operators()
        .filter_map(|(at, operator)| match &operator.operation {
            Operation::Parallel(fork) if members(fork).next().is_some() => Some((at, fork)),
            _ => None,
        })
        .collect();
    if forks.is_empty() {
        return;
    }
    let used = sorted_names(used_names(scope));
    let is_used = |name: &str| used.binary_search_by(|known| known.as_str().cmp(name)).is_ok();
    for (at, fork) in forks {
        let key = scope.items.get(at).and_then(|item| item.operator.result_key.as_deref());
        if is_used(scope.id(at)) || key.is_some_and(is_used) || members(fork).any(is_used) {
            continue;
        }
        let message = format!("nothing waits for the branches of `{}`", scope.id(at));
        let (first, name) = match key {
            Some(key) => ("", key.to_owned()),
            None => ("give it a `result_key` and ", format!("{}_fork_data", scope.id(at))),
        };
        let help = format!(
            "a fork goes on at once; {first}add a task with the function `tools.workflow.wait_for_parallel_branches` and the argument `{{{{{name}}}}}`"
        );
        let finding = Diagnostic::warning(ErrorCode::ForkNotAwaited, scope.path(at), message);
        findings.push(finding.with_help(help));
    }
}

/// Names that templates use, those in branches included, and the operators that joins wait for.
fn used_names(scope: &Scope<'_>) -> Vec<String> {
    let mut used = Vec::new();
    for (_, operator) in scope.operators() {
        if let Operation::Join(join) = &operator.operation {
            used.extend(join.join_tasks.iter().cloned());
        }
        let mut add = |text: &str, _: &str, _: Syntax| {
            used.extend(paths(text, Syntax::BracesAndDollar).into_iter().map(|path| path.root));
        };
        texts(operator, &mut add);
        for (_, branch) in operator.operation.branch_workflows().into_iter().flatten() {
            if let Value::Object(branch) = branch {
                inside_map(branch, "", &mut add);
            }
        }
    }
    used
}

/// The ids inside the branches.
fn members(fork: &Parallel) -> impl Iterator<Item = &str> {
    let tasks = fork.branch_workflows.0.values().filter_map(|branch| branch.get("tasks")?.as_object());
    tasks.flat_map(|tasks| tasks.keys().map(String::as_str))
}
