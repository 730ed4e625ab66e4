//! What can be wrong with the tasks of a driver taken together. Where the Python driver silently does the wrong
//! thing, the document stays as Python writes it and the finding says so.

use super::driver::wait_id;
use super::task_options::{Delay, DriverTask, TaskKind};
use crate::definition::schedule::Schedule;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::{child_path, kind_of};
use crate::names::NameIndex;
use crate::number::digits;
use crate::validate::{Node, dependencies};

/// All findings, tasks in order.
pub(super) fn check(tasks: &[DriverTask]) -> Vec<Diagnostic> {
    let nodes: Vec<Node<'_>> =
        tasks.iter().map(|task| Node { name: &task.name, dependencies: &task.depends }).collect();
    let names = NameIndex::new(tasks.iter().map(|task| task.name.as_str()));
    let mut findings = dependencies(&nodes, "depends");
    let mut scheduled = None;
    for task in tasks {
        let path = child_path("/tasks", &task.name);
        findings.extend(unusual_name(task, &path));
        findings.extend(unusual_value(task, &path));
        if let Some(Delay(seconds)) = task.delay {
            findings.extend(delay(task, seconds, &path, &names));
        }
        if let Some(text) = task.schedule.as_deref().filter(|text| !text.is_empty()) {
            findings.extend(schedule(task, text, &path, scheduled));
            scheduled = scheduled.or(Some(task.name.as_str()));
        }
    }
    findings
}

/// Templates name results by names of letters, digits, `_` and `-` that start with a letter or `_`.
fn unusual_name(task: &DriverTask, path: &str) -> Option<Diagnostic> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || !c.is_ascii();
    let starts = task.name.chars().next().is_some_and(|c| !c.is_ascii_digit() && c != '-');
    if starts && task.name.chars().all(fits) {
        return None;
    }
    let message = format!("templates cannot read the result of `{}`", task.name);
    let help = "use letters, digits, `_` and `-`, with a letter first";
    Some(Diagnostic::warning(ErrorCode::TaskNameInvalid, path, message).with_help(help))
}

fn schedule(task: &DriverTask, text: &str, path: &str, earlier: Option<&str>) -> Option<Diagnostic> {
    let path = child_path(path, "schedule");
    if let Some(first) = earlier {
        return Some(
            Diagnostic::warning(
                ErrorCode::ScheduleIgnored,
                path,
                format!("the schedule of `{}` is ignored: the workflow runs by that of `{first}`", task.name),
            )
            .with_help("a workflow has one schedule; put it on one task"),
        );
    }
    let error = Schedule::parse(text).err()?;
    Some(Diagnostic::error(error.code(), path, error.message()).with_help(error.help().unwrap_or_default()))
}

fn delay(task: &DriverTask, seconds: f64, path: &str, names: &NameIndex<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if seconds.fract() != 0.0 {
        findings.push(Diagnostic::warning(
            ErrorCode::DelayTruncated,
            child_path(path, "delay"),
            format!(
                "the delay of `{}` is cut to {} s: the document carries whole seconds",
                task.name,
                digits(seconds.trunc())
            ),
        ));
    }
    let generated = wait_id(&task.name);
    if names.get(&generated).is_some() {
        findings.push(
            Diagnostic::error(
                ErrorCode::WaitIdCollision,
                child_path("/tasks", &generated),
                format!(
                    "task `{generated}` and the wait before the delayed task `{}` have one id",
                    task.name
                ),
            )
            .with_help(format!("rename `{generated}`")),
        );
    }
    findings
}

fn unusual_value(task: &DriverTask, path: &str) -> Option<Diagnostic> {
    let (key, message) = match &task.kind {
        TaskKind::Shell(command) if !command.is_string() => {
            ("shell", format!("the command of `{}` is {}, not text", task.name, kind_of(command)))
        }
        TaskKind::Http(request) if !request.is_object() => {
            ("http", format!("the request of `{}` is {}, not an object", task.name, kind_of(request)))
        }
        TaskKind::Tool { name, .. } if name.is_empty() => (
            "tool",
            format!("task `{}` names no tool and is written as a workflow without a name", task.name),
        ),
        TaskKind::Tool { kwargs, .. } if !kwargs.is_object() && !kwargs.is_null() => (
            "kwargs",
            format!(
                "the arguments of `{}` are {}, not an object, and are dropped",
                task.name,
                kind_of(kwargs)
            ),
        ),
        _ => return None,
    };
    Some(Diagnostic::warning(ErrorCode::TaskValueUnusual, child_path(path, key), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_that_no_template_can_read_are_noticed() {
        let finding = |name: &str| {
            let task = DriverTask::read(name, &json!({"shell": "x"}), false).unwrap();
            check(&[task]).first().map(|finding| finding.code)
        };
        for name in ["my task", "a.b", "1st", "-x"] {
            assert_eq!(finding(name), Some(ErrorCode::TaskNameInvalid), "{name}");
        }
        for name in ["backup_db", "step-1", "größe", "_x"] {
            assert_eq!(finding(name), None, "{name}");
        }
    }
}
