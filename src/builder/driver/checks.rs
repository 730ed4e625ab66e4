//! Checks of the tasks of a driver as a whole. If the Python driver silently does the wrong thing, the definition stays
//! as Python writes it, and a finding says so.

use super::document::{body_id, fork_id, wait_id};
use super::task::{Delay, DriverTask, TaskKind};
use super::{Driver, waits};
use crate::definition::duration::Duration;
use crate::definition::schedule::Schedule;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::{child_path, kind_of};
use crate::template::Path;
use crate::text::names::NameIndex;
use crate::validate::{Clocks, Node, dependencies};

/// The errors: the tasks cannot run.
pub(super) fn errors(driver: &Driver) -> Vec<Diagnostic> {
    let tasks = &driver.tasks;
    let nodes: Vec<Node<'_>> =
        tasks.iter().map(|task| Node { name: &task.name, dependencies: &task.depends }).collect();
    let names = names(tasks);
    let mut findings = dependencies(&nodes, "depends");
    findings.extend(branches(tasks, &names));
    for task in tasks {
        findings.extend(collisions(task, &child_path("/tasks", &task.name), &names));
    }
    if let Some((task, text)) = scheduled(tasks).next()
        && let Err(error) = Schedule::parse(text)
    {
        findings.push(Diagnostic::from(&error.with_path(schedule_path(task))));
    }
    findings
}

/// The warnings and hints: the tasks can run.
pub(super) fn advice(driver: &Driver, clocks: Clocks<'_>) -> Vec<Diagnostic> {
    let tasks = &driver.tasks;
    let mut findings = Vec::new();
    for task in tasks {
        let path = child_path("/tasks", &task.name);
        findings.extend(unusual_name(task, &path));
        findings.extend(unusual_value(task, &path));
        if let Some(Delay(delay)) = task.delay.filter(|Delay(delay)| delay.micros() % 1_000_000 != 0) {
            findings.push(truncated(task, delay, &path));
        }
    }
    findings.extend(waits::check(tasks, &names(tasks)));
    let mut scheduled = scheduled(tasks);
    if let Some((first, text)) = scheduled.next() {
        let finding = crate::validate::schedule(text, &schedule_path(first), None, clocks);
        // A schedule that cannot be read is one of the errors.
        findings.extend(finding.filter(|_| Schedule::parse(text).is_ok()));
        findings.extend(scheduled.map(|(task, _)| ignored(task, first)));
    }
    findings
}

fn names(tasks: &[DriverTask]) -> NameIndex<'_> {
    NameIndex::new(tasks.iter().map(|task| task.name.as_str()))
}

fn scheduled(tasks: &[DriverTask]) -> impl Iterator<Item = (&DriverTask, &str)> {
    tasks.iter().filter_map(|task| Some((task, task.schedule.as_deref().filter(|text| !text.is_empty())?)))
}

fn schedule_path(task: &DriverTask) -> String {
    child_path(&child_path("/tasks", &task.name), "schedule")
}

/// Tasks inside and outside of a branch cannot depend on each other.
fn branches(tasks: &[DriverTask], names: &NameIndex<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    // For each task, the parallel task and the branch that it runs in.
    let mut homes: Vec<Option<(usize, usize)>> = vec![None; tasks.len()];
    for (at, task) in tasks.iter().enumerate() {
        let TaskKind::Parallel { branches } = &task.kind else { continue };
        for (number, (branch, members)) in branches.iter().enumerate() {
            let path = child_path(&child_path(&child_path("/tasks", &task.name), "branches"), branch);
            for member in members {
                let slot = names.get(member).and_then(|member| homes.get_mut(member));
                let Some(slot) = slot else {
                    let message = format!("branch `{branch}` names `{member}` which is not registered");
                    let help = crate::text::suggest::did_you_mean(member, names.names());
                    let finding = Diagnostic::error(ErrorCode::DependencyUnknown, path.as_str(), message);
                    findings.push(finding.with_any_help(help));
                    continue;
                };
                if names.get(member).and_then(|member| tasks.get(member)).is_some_and(is_parallel) {
                    let message = format!(
                        "branch `{branch}` runs the parallel task `{member}`, which cannot be in a branch"
                    );
                    findings.push(Diagnostic::error(ErrorCode::BranchCrossed, path.as_str(), message));
                }
                if slot.replace((at, number)).is_some() {
                    let message = format!("task `{member}` runs in more than one branch");
                    findings.push(Diagnostic::error(ErrorCode::BranchCrossed, path.as_str(), message));
                }
            }
        }
    }
    for (task, home) in tasks.iter().zip(&homes) {
        for (position, dependency) in task.depends.iter().enumerate() {
            let other = names.get(dependency).and_then(|at| homes.get(at));
            if other.is_none_or(|other| other == home) {
                continue;
            }
            let message =
                format!("task `{}` depends on `{dependency}` across the border of a branch", task.name);
            let path = format!("{}/depends/{position}", child_path("/tasks", &task.name));
            let fork = other.copied().flatten().or(*home).and_then(|(at, _)| tasks.get(at));
            let help = fork.map(|fork| match home {
                None => format!("depend on `{}`, which is over when its branches are", fork.name),
                Some(_) => format!("let `{}` depend on `{dependency}`", fork.name),
            });
            findings.push(Diagnostic::error(ErrorCode::BranchCrossed, path, message).with_any_help(help));
        }
    }
    findings
}

/// In templates, names of results have letters, digits, `_` and `-`, and start with a letter or `_`.
fn unusual_name(task: &DriverTask, path: &str) -> Option<Diagnostic> {
    if Path::is_name(&task.name) {
        return None;
    }
    let message = format!("templates cannot read the result of `{}`", task.name);
    let help = "use letters, digits, `_` and `-`, with a letter first";
    Some(Diagnostic::warning(ErrorCode::TaskNameInvalid, path, message).with_help(help))
}

const fn is_parallel(task: &DriverTask) -> bool {
    matches!(task.kind, TaskKind::Parallel { .. })
}

fn ignored(task: &DriverTask, first: &DriverTask) -> Diagnostic {
    let message = format!(
        "the schedule of `{}` is ignored: the workflow has the schedule of `{}`",
        task.name, first.name
    );
    Diagnostic::warning(ErrorCode::ScheduleIgnored, schedule_path(task), message)
        .with_help("a workflow has one schedule; put it on one task")
}

fn truncated(task: &DriverTask, delay: Duration, path: &str) -> Diagnostic {
    let message = format!(
        "the delay of `{}` is cut to {} s: the document carries whole seconds",
        task.name,
        delay.micros() / 1_000_000
    );
    Diagnostic::warning(ErrorCode::DelayTruncated, child_path(path, "delay"), message)
}

/// Generated entries of a task must not have the id of another task.
fn collisions(task: &DriverTask, path: &str, names: &NameIndex<'_>) -> Vec<Diagnostic> {
    let wait = task
        .delay
        .map(|_| (wait_id(&task.name), "the wait before the delayed task", ErrorCode::WaitIdCollision));
    let code = ErrorCode::GeneratedIdCollision;
    let other = match task.kind {
        TaskKind::Foreach { .. } | TaskKind::While { .. } => {
            Some((body_id(&task.name), "the body of the loop", code))
        }
        TaskKind::Parallel { .. } => Some((fork_id(&task.name), "the fork of the parallel task", code)),
        _ => None,
    };
    let taken = wait.into_iter().chain(other).filter(|(id, ..)| names.get(id).is_some());
    taken
        .map(|(id, what, code)| {
            let message = format!("task `{id}` and {what} `{}` have one id", task.name);
            Diagnostic::error(code, child_path("/tasks", &id), message)
                .with_help(format!("rename `{id}`"))
                .with_related(path)
        })
        .collect()
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
        TaskKind::Workflow { name, id, .. } if [name, id].into_iter().flatten().all(String::is_empty) => {
            let key = if id.is_some() { "workflowId" } else { "workflow" };
            (key, format!("task `{}` names no workflow to run", task.name))
        }
        TaskKind::Tool { kwargs, .. } if !kwargs.is_object() && !kwargs.is_null() => (
            "kwargs",
            format!(
                "the arguments of `{}` are {}, not an object, and are dropped",
                task.name,
                kind_of(kwargs)
            ),
        ),
        TaskKind::Emit { payload, .. } if !payload.is_object() => {
            ("payload", format!("the payload of `{}` is {}, not an object", task.name, kind_of(payload)))
        }
        TaskKind::WaitFor { timeout, .. } if timeout.as_str().starts_with('-') => {
            ("timeout", format!("`{}` waits for `{}` s, which is over at once", task.name, timeout.as_str()))
        }
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
            let mut driver = Driver::new(None);
            driver.task(name, &json!({"shell": "x"})).unwrap();
            driver.validate(None).first().map(|finding| finding.code)
        };
        for name in ["my task", "a.b", "1st", "-x"] {
            assert_eq!(finding(name), Some(ErrorCode::TaskNameInvalid), "{name}");
        }
        for name in ["backup_db", "step-1", "größe", "_x"] {
            assert_eq!(finding(name), None, "{name}");
        }
    }
}
