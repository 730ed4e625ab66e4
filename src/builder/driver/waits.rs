//! How long the tasks wait. A run needs at least that much time.

use super::DEFAULT_RUN_TIMEOUT;
use super::task::{Delay, DriverTask, TaskKind};
use crate::error::{Diagnostic, ErrorCode};
use crate::graph::heaviest;
use crate::json::child_path;
use crate::json::number::{digits, parse_f64};
use crate::text::names::NameIndex;
use crate::validate::retry_waits;
use serde_json::Number;

/// The longest path through the tasks: its seconds, and its tasks, the last one first. `seconds` gives those of a task.
fn longest(
    tasks: &[DriverTask],
    names: &NameIndex<'_>,
    seconds: impl Fn(&DriverTask) -> f64,
) -> (f64, Vec<usize>) {
    let known = |depends: &[String]| depends.iter().filter_map(|name| names.get(name)).collect();
    let mut edges: Vec<Vec<usize>> = tasks.iter().map(|task| known(&task.depends)).collect();
    for (at, task) in tasks.iter().enumerate() {
        let needs: Vec<usize> = known(&task.depends);
        for member in task.branched().filter_map(|name| names.get(name)) {
            for (from, to) in needs.iter().map(|need| (member, *need)).chain([(at, member)]) {
                if let Some(list) = edges.get_mut(from) {
                    list.push(to);
                }
            }
        }
    }
    let seconds: Vec<f64> = tasks.iter().map(seconds).collect();
    let ways = heaviest(&edges, &seconds);
    let total = |at: usize| ways.get(at).map_or(0.0, |way| way.0);
    let end = (0..ways.len()).fold(0, |end, at| if total(at) > total(end) { at } else { end });
    (total(end), std::iter::successors(Some(end), |at| ways.get(*at)?.1).collect())
}

/// Seconds of the longest path through the tasks. A task with a time limit beyond the default of a run adds the
/// difference.
pub(super) fn room(tasks: &[DriverTask]) -> f64 {
    let beyond = |task: &DriverTask| f64::max(attempt(task) - f64::from(DEFAULT_RUN_TIMEOUT), 0.0);
    let names = NameIndex::new(tasks.iter().map(|task| task.name.as_str()));
    longest(tasks, &names, |task| weight(task) + beyond(task) * (f64::from(task.retries) + 1.0)).0
}

/// Seconds that a task waits, retries included.
fn weight(task: &DriverTask) -> f64 {
    waits(task).0 + retries(task)
}

/// Seconds that a task sleeps or waits, and the option that says so.
fn waits(task: &DriverTask) -> (f64, &'static str) {
    match (&task.kind, task.delay) {
        (TaskKind::WaitFor { timeout, .. }, _) => (f64::max(float(timeout), 0.0), "timeout"),
        (_, Some(Delay(delay))) => (delay.seconds(), "delay"),
        _ => (0.0, "retries"),
    }
}

/// Time limit of an attempt, in seconds; 0 for a wait for an event, whose time limit is its wait.
fn attempt(task: &DriverTask) -> f64 {
    if matches!(task.kind, TaskKind::WaitFor { .. }) { 0.0 } else { float(&task.timeout) }
}

fn retries(task: &DriverTask) -> f64 {
    retry_waits(f64::from(task.retries), float(&task.retry_delay), float(&task.backoff))
}

fn float(number: &Number) -> f64 {
    parse_f64(number.as_str()).unwrap_or_default()
}

/// Help for a time limit of the run that is too short.
const HELP: &str = "give `build()` a longer `timeout`; without it `run()` and `start()` make room";

/// Findings about tasks that take longer than a run without `timeout`.
pub(super) fn check(tasks: &[DriverTask], names: &NameIndex<'_>) -> Vec<Diagnostic> {
    let limit = f64::from(DEFAULT_RUN_TIMEOUT);
    let mut findings: Vec<Diagnostic> =
        tasks.iter().filter(|task| attempt(task) > limit).map(too_long).collect();
    let (seconds, way) = longest(tasks, names, weight);
    let mut way = way.iter().filter_map(|at| tasks.get(*at));
    let Some(last) = way.next().filter(|_| seconds >= limit) else { return findings };
    let most = way.fold(last, |most, task| if weight(task) >= weight(most) { task } else { most });
    let (wait, key) = waits(most);
    let is_retry = wait < retries(most);
    let code = if is_retry { ErrorCode::RetryExceedsTimeout } else { ErrorCode::WaitExceedsTimeout };
    let path = child_path(&child_path("/tasks", &most.name), if is_retry { "retries" } else { key });
    let message = format!(
        "the delays, waits and retries before the end of `{}` take {} s, but a run without `timeout` may take only {} s",
        last.name,
        digits(seconds),
        digits(limit)
    );
    findings.push(Diagnostic::warning(code, path, message).with_help(HELP));
    findings
}

/// The finding about a task with a longer time limit than its run.
fn too_long(task: &DriverTask) -> Diagnostic {
    let path = child_path(&child_path("/tasks", &task.name), "timeout");
    let message = format!(
        "an attempt of `{}` may take {} s, but a run without `timeout` may take only {} s",
        task.name,
        task.timeout,
        digits(f64::from(DEFAULT_RUN_TIMEOUT))
    );
    Diagnostic::warning(ErrorCode::LimitExceedsTimeout, path, message).with_help(HELP)
}
