//! Ids are unique, and are what their keys say.

use super::scope::Scope;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    let tasks = format!("{}/tasks", scope.base);
    for (key, operator) in scope.workflow.tasks.iter() {
        if key != operator.task_id && !operator.task_id.is_empty() {
            let message = format!("the task is listed as `{key}`, but its id is `{}`", operator.task_id);
            let path = child_path(&child_path(&tasks, key), "task_id");
            let help = "other tasks find it by its id; make both the same";
            findings.push(Diagnostic::warning(ErrorCode::TaskIdMismatch, path, message).with_help(help));
        }
    }
    for (at, item) in scope.items.iter().enumerate() {
        let Some(first) = scope.index.get(item.id).filter(|first| *first != at) else { continue };
        let message = format!("two tasks have the id `{}`", item.id);
        let finding = Diagnostic::error(ErrorCode::TaskDuplicate, scope.path(at), message);
        findings.push(finding.with_help("give each task an id of its own").with_related(scope.path(first)));
    }
}
