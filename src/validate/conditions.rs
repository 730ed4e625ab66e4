//! Conditions must be valid expressions, and must not always have the same value.

use super::scope::Scope;
use crate::definition::Operation;
use crate::error::{Diagnostic, ErrorCode};
use crate::expr::{Expr, parse};
use crate::json::child_path;
use serde_json::Value;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, operator) in scope.operators() {
        let path = || scope.path(at);
        match &operator.operation {
            Operation::Condition(condition) => {
                let text = &condition.condition;
                let always = read(text, &|| format!("{}/condition", path()), findings);
                let (target, key, word) = match always {
                    Some(true) => (&condition.if_false, "if_false", "true"),
                    Some(false) => (&condition.if_true, "if_true", "false"),
                    None => continue,
                };
                if let Some(target) = target {
                    let message = format!(
                        "task `{target}` never starts: the condition of `{}` is always {word}",
                        scope.id(at)
                    );
                    findings.push(unreachable(format!("{}/{key}", path()), message));
                }
            }
            Operation::While(while_loop) => {
                let path = || format!("{}/condition", path());
                if read(&while_loop.condition, &path, findings) == Some(false) {
                    let message =
                        format!("the body of `{}` never runs: its condition is always false", scope.id(at));
                    findings.push(unreachable(path(), message));
                }
            }
            Operation::MultiChoice(choice) => {
                for (name, branch) in choice.branches.iter() {
                    let path = || format!("{}{}/condition", path(), child_path("/branches", name));
                    read(&branch.condition, &path, findings);
                }
            }
            _ => {}
        }
    }
}

fn unreachable(path: String, message: String) -> Diagnostic {
    Diagnostic::warning(ErrorCode::TaskUnreachable, path, message)
}

/// Reports a condition that cannot be parsed. The result is the value of a condition that is only a word.
fn read(condition: &str, path: &dyn Fn() -> String, findings: &mut Vec<Diagnostic>) -> Option<bool> {
    match parse(condition) {
        Ok(Expr::Literal(Value::Bool(always))) => Some(always),
        Ok(_) => None,
        Err(error) => {
            let column = condition.get(..error.offset).unwrap_or(condition).chars().count() + 1;
            let message =
                format!("condition `{condition}` cannot be read: {} at character {column}", error.message);
            let finding = Diagnostic::error(ErrorCode::ConditionInvalid, path(), message);
            findings.push(finding.with_any_help(error.help));
            None
        }
    }
}
