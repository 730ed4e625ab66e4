//! Finds names that are nearly those of Highway's tools, and arguments that these tools do not take, or lack. The rules
//! know the tools of the embedded engine; a server may have more.

use super::scope::Scope;
use crate::arguments::{Fault, HANDLE_UPDATE, faults, meant, refused};
use crate::definition::Operation;
use crate::error::{Diagnostic, ErrorCode};
use serde_json::{Map, Value};

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, operator) in scope.operators() {
        let mut name = |tool: &str, field: &str| {
            findings.extend(meant(tool).map(|near| {
                let message = format!("`{tool}` is not a tool of Highway");
                let path = format!("{}/{field}", scope.path(at));
                let finding = Diagnostic::warning(ErrorCode::ToolNotRegistered, path, message);
                finding.with_help(format!("did you mean `{near}`?"))
            }));
        };
        match &operator.operation {
            Operation::Task(task) | Operation::Activity(task) => name(&task.function, "function"),
            Operation::Reflexive(reflexive) => {
                name(&reflexive.generator, "generator");
                name(&reflexive.verifier, "verifier");
            }
            _ => {}
        }
        let mut look = |tool: &str, args: &[Value], kwargs: &Map<String, Value>, named: &str| {
            findings.extend(
                faults(tool, args, kwargs, named).into_iter().chain(refused(tool, args, kwargs, named)).map(
                    |found| {
                        let Fault { path, message, help } = found;
                        let path = format!("{}{path}", scope.path(at));
                        Diagnostic::warning(ErrorCode::ToolArgumentsInvalid, path, message).with_help(help)
                    },
                ),
            );
        };
        match &operator.operation {
            Operation::Task(task) | Operation::Activity(task) => {
                look(&task.function, &task.args, &task.kwargs, "/kwargs");
                let response = task.kwargs.get("response_tool").and_then(Value::as_str);
                let kwargs = task.kwargs.get("response_kwargs").and_then(Value::as_object);
                if let (Some(tool), Some(kwargs), HANDLE_UPDATE) = (response, kwargs, &*task.function) {
                    look(tool, &[], kwargs, "/kwargs/response_kwargs");
                }
            }
            Operation::Reflexive(reflexive) => {
                look(&reflexive.generator, &[], &reflexive.generator_kwargs, "/generator_kwargs");
                look(&reflexive.verifier, &[], &reflexive.verifier_kwargs, "/verifier_kwargs");
            }
            _ => {}
        }
    }
}
