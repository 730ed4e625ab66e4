//! Ids must be unique, must equal their keys, and must not be names of the engine.

use super::scope::Scope;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;
use crate::template::names::is_of_engine;

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
    reserved(scope, findings);
}

/// Reports names of the engine: no template can read anything else by them.
pub(super) fn reserved(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    let mut found = |name: &str, kind: &str, space: &str, path: &dyn Fn() -> String| {
        if is_of_engine(name) {
            let message =
                format!("`{name}` is a name of the engine, so `{{{{{name}}}}}` is never this {kind}");
            let help = format!("rename it, or read it as `{{{{{space}.{name}}}}}`");
            findings.push(Diagnostic::warning(ErrorCode::NameReserved, path(), message).with_help(help));
        }
    };
    for name in scope.workflow.variables.keys() {
        let path = || child_path(&format!("{}/variables", scope.base), name);
        found(name, "variable", "inputs", &path);
    }
    for (at, item) in scope.items.iter().enumerate() {
        found(item.id, "task", "results", &|| scope.path(at));
        if let Some(key) = item.operator.result_key.as_deref().filter(|key| *key != item.id) {
            found(key, "result", "results", &|| format!("{}/result_key", scope.path(at)));
        }
    }
}
