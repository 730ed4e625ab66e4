//! Runs and steps as the REST API shows them.

pub(in crate::engine) mod timeline;

use crate::definition::delayed_task;
use crate::engine::plan::Planned;
use crate::engine::state::State;
use crate::engine::state::positions::{ScopeIx, StepIx};
use crate::engine::state::run::{Run, RunState};
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::{Step, StepState};
use crate::error::ErrorCode;
use crate::json::{object, size};
use crate::number::number;
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value, json};

/// Which runs a list shows.
#[derive(Clone, Debug)]
pub struct RunFilter {
    /// Only runs with this status.
    pub status: Option<String>,
    /// Page, from 1.
    pub page: usize,
    /// Runs on a page.
    pub page_size: usize,
}

/// One page of runs, newest first: `{workflows, total, page, page_size}`.
pub fn run_page(runs: &[&Run], filter: &RunFilter) -> Value {
    let chosen: Vec<&Run> = runs
        .iter()
        .copied()
        .rev()
        .filter(|run| filter.status.as_deref().is_none_or(|status| is_in(run, status)))
        .collect();
    let page: Vec<Value> = chosen
        .iter()
        .skip(filter.page.saturating_sub(1).saturating_mul(filter.page_size))
        .take(filter.page_size)
        .map(|run| Value::Object(run_summary(run)))
        .collect();
    object([
        ("workflows", Value::Array(page)),
        ("total", chosen.len().into()),
        ("page", filter.page.into()),
        ("page_size", filter.page_size.into()),
    ])
}

/// A run with its progress and, once it is over, its result and its definition.
pub fn run_view(run: &Run) -> Value {
    let mut view = run_summary(run);
    let current = current_step(run);
    let current = current.as_deref().map(|name| delayed_task(&run.created.definition, name).unwrap_or(name));
    view.insert("current_step".into(), current.into());
    let (total, completed, tasks) = progress(run);
    let percent = (completed * 100).checked_div(total).unwrap_or(100);
    // A run that ended otherwise than completed is not done.
    let most = if matches!(run.state, RunState::Active | RunState::Completed) { 100 } else { 99 };
    let counts = [("total", total.into()), ("completed", completed.into()), ("tasks", Value::Object(tasks))];
    view.insert("progress".into(), object(counts));
    view.insert("progress_percentage".into(), percent.min(most).into());
    view.insert("result".into(), if run.state == RunState::Active { Value::Null } else { results(run) });
    if run.state != RunState::Active {
        view.insert("workflow_definition".into(), (*run.created.definition).clone());
    }
    Value::Object(view)
}

/// Steps that are shown at a time, and bytes of them.
const STEPS: usize = 500;

const BYTES: usize = 256 * 1_024;

/// All steps of a run: `{workflow_run_id, workflow_name, steps, total_steps, succeeded, failed, sleeping}`.
pub fn steps_view(run: &Run, status: Option<&str>) -> Value {
    let (mut steps, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let (some, after) = some_steps(run, status, from);
        steps.extend(some);
        next = after;
    }
    steps_as(run, steps)
}

/// Steps of a run as its whole list shows them: `{workflow_run_id, workflow_name, steps, total_steps, succeeded,
/// failed, sleeping}`.
pub fn steps_as(run: &Run, steps: Vec<Value>) -> Value {
    let (mut succeeded, mut failed, mut sleeping) = (0, 0, 0);
    for step in &run.steps {
        match step.state.word() {
            "succeeded" => succeeded += 1,
            "failed" => failed += 1,
            "sleeping" => sleeping += 1,
            _ => {}
        }
    }
    object([
        ("workflow_run_id", run.id().into()),
        ("workflow_name", run.created.workflow.name.as_str().into()),
        ("steps", Value::Array(steps)),
        ("total_steps", run.steps.len().into()),
        ("succeeded", succeeded.into()),
        ("failed", failed.into()),
        ("sleeping", sleeping.into()),
    ])
}

/// The steps from a position on, as many as are shown at a time, and the position after them where there are more.
pub fn some_steps(run: &Run, status: Option<&str>, from: usize) -> (Vec<Value>, Option<usize>) {
    let (mut steps, mut bytes, mut next) = (Vec::new(), 0, from);
    for (at, step) in run.steps.placed().skip(from) {
        if next - from == STEPS || bytes > BYTES {
            return (steps, Some(next));
        }
        let name = step_name(run, at).filter(|_| status.is_none_or(|status| status == step.state.word()));
        next += 1;
        let (Some(name), Some(operator)) = (name, run.operator(at)) else { continue };
        let mut view = step_view(&name, operator, step);
        if let (Value::Object(map), Some(task)) = (
            &mut view,
            delayed_task(&run.created.definition, &name).filter(|_| step.scope == ScopeIx::WORKFLOW),
        ) {
            map.insert("delay_of".into(), task.into());
        }
        bytes += step.result.as_ref().map_or(0, size);
        steps.push(view);
    }
    (steps, None)
}

/// One step, with its result and why it failed.
pub fn step_view(name: &str, operator: &Planned, step: &Step) -> Value {
    let mut view = object([
        ("step_name", name.into()),
        ("status", step.state.word().into()),
        ("started_at", moment(step.started_at)),
        ("completed_at", moment(step.ended_at)),
        ("duration_seconds", seconds_between(step.started_at, step.ended_at)),
        ("retry_count", step.attempts.len().saturating_sub(1).into()),
        ("has_checkpoint", (step.state == StepState::Succeeded).into()),
        ("result_key", operator.result_key.as_deref().into()),
        ("result", step.result.clone().unwrap_or(Value::Null)),
    ]);
    let Value::Object(map) = &mut view else {
        return view;
    };
    if step.state == StepState::Skipped {
        let reason = if step.cause.is_some() { "upstream_failed" } else { "not_chosen" };
        map.insert("skip_reason".into(), reason.into());
    }
    if let Some(failure) = step.failure() {
        map.insert("error".into(), failure.message.as_str().into());
        map.insert("error_details".into(), failure.to_json());
    }
    if let Some(heartbeat) = step.reports.as_ref().and_then(|reports| reports.heartbeat.as_ref()) {
        map.insert("last_heartbeat_at".into(), to_iso(heartbeat.at).into());
        map.insert("heartbeat".into(), heartbeat.details.clone());
    }
    view
}

/// What the tools of a run told and wrote, in order of time: `{logs: [{step_name, attempt, stream, level?, content,
/// timestamp}], dropped?}` with the streams `log`, `stdout`, `stderr` and `error`. `dropped` counts lines that are not
/// kept any more.
pub fn step_logs(run: &Run, only: Option<&str>) -> Value {
    logs_of(run, only, |_| None)
}

/// Lines that a step has written so far, by the names of the streams, and when it wrote last.
type Lines = ([(&'static str, String); 2], Millis);

fn logs_of(run: &Run, only: Option<&str>, so_far: impl Fn(&Step) -> Option<Lines>) -> Value {
    let mut entries: Vec<(Millis, Value)> = Vec::new();
    let mut dropped = 0;
    for (name, _, step) in named(run).filter(|(name, _, _)| only.is_none_or(|only| only == name)) {
        if let Some(reports) = &step.reports {
            dropped += reports.dropped;
            entries.extend(reports.lines.iter().map(|line| {
                let entry = json!({"step_name": name, "attempt": line.attempt, "stream": "log",
                    "level": line.level.word(), "content": line.message, "timestamp": to_iso(line.at)});
                (line.at, entry)
            }));
        }
        for (number, attempt) in (1_u64..).zip(&step.attempts) {
            // A step whose attempt runs has the result of the one before.
            let own = if step.state.is_final() { &step.result } else { &None };
            let result = if attempt.failure.is_some() { &attempt.result } else { own };
            let text = |key: &str| result.as_ref()?.get(key)?.as_str();
            let error = attempt.failure.as_ref().map(|failure| failure.message.as_str());
            let at = attempt.ended_at.unwrap_or(attempt.started_at);
            for (stream, content) in
                [("stdout", text("stdout")), ("stderr", text("stderr")), ("error", error)]
            {
                entries.extend(content.and_then(|content| log_entry(&name, number, stream, content, at)));
            }
        }
        if let Some((streams, at)) = so_far(step) {
            let number = u64::try_from(step.attempts.len()).unwrap_or_default();
            let lines =
                streams.iter().filter_map(|(stream, content)| log_entry(&name, number, stream, content, at));
            entries.extend(lines);
        }
    }
    entries.sort_by_key(|(at, _)| *at);
    let mut view = Map::new();
    view.insert("workflow_run_id".into(), run.id().into());
    view.insert("logs".into(), entries.into_iter().map(|(_, entry)| entry).collect());
    if dropped > 0 {
        view.insert("dropped".into(), dropped.into());
    }
    Value::Object(view)
}

/// An entry of the logs with its moment, where there is something in it.
fn log_entry(step: &str, attempt: u64, stream: &str, content: &str, at: Millis) -> Option<(Millis, Value)> {
    let entry = json!({"step_name": step, "attempt": attempt, "stream": stream, "content": content,
        "timestamp": to_iso(at)});
    (!content.is_empty()).then_some((at, entry))
}

/// A run in short, as lists show it.
pub fn run_summary(run: &Run) -> Map<String, Value> {
    let created = &run.created;
    let mut map = Map::new();
    map.insert("workflow_run_id".into(), run.id().into());
    map.insert("run_id".into(), run.id().into());
    map.insert("workflow_name".into(), created.workflow.name.as_str().into());
    map.insert("status".into(), run_status(run).into());
    if let Some(parent) = &run.created.parent {
        map.insert("parent_run_id".into(), parent.run_id.as_str().into());
    }
    map.insert("created_at".into(), to_iso(created.at).into());
    map.insert("started_at".into(), moment(run.started_at));
    map.insert("completed_at".into(), moment(run.ended_at));
    if let Some(failure) = &run.failure {
        map.insert("error".into(), failure.message.as_str().into());
        map.insert("error_details".into(), failure.to_json());
    }
    map
}

/// The status words of the API. A run past its time limit is `failed` with the code `RUN_TIMED_OUT`: public
/// clients know no other final word.
fn run_status(run: &Run) -> &'static str {
    let any = |fits: fn(StepState) -> bool| run.steps.iter().any(|step| fits(step.state));
    match run.state {
        RunState::Completed => "completed",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::Active if run.started_at.is_none() => "pending",
        RunState::Active if any(is_sleeping) && !any(|state| matches!(state, StepState::Running { .. })) => {
            "sleeping"
        }
        RunState::Active => "running",
    }
}

/// Whether a run has a status; clients call those past their time limit `timed_out`.
fn is_in(run: &Run, status: &str) -> bool {
    let timed_out =
        run.failure.as_ref().is_some_and(|failure| failure.code == ErrorCode::RunTimedOut.as_str());
    if timed_out { status == "timed_out" } else { status == run_status(run) }
}

const fn is_sleeping(state: StepState) -> bool {
    matches!(state, StepState::Sleeping | StepState::Retrying)
}

fn current_step(run: &Run) -> Option<String> {
    let first = |fits: fn(StepState) -> bool| {
        let mut steps = run.steps.placed().filter(|(_, step)| fits(step.state));
        steps.find_map(|(at, _)| step_name(run, at))
    };
    first(|state| matches!(state, StepState::Running { .. })).or_else(|| first(is_sleeping))
}

/// Steps in all, those that are over, and their states by id: of all steps but those in rounds of loops.
fn progress(run: &Run) -> (usize, usize, Map<String, Value>) {
    let is_round =
        |at: ScopeIx| run.scopes.get(at).is_none_or(|scope| matches!(scope.kind, ScopeKind::Round(_)));
    let is_told = |scope: &ScopeIx| !is_replaced(run, *scope) && !run.around(*scope).any(is_round);
    // What a run that failed or was cancelled has not done is not done.
    let is_cut_off = matches!(run.state, RunState::Failed | RunState::Cancelled);
    let (mut total, mut completed, mut tasks) = (0, 0, Map::new());
    let mut asleep = Vec::new();
    let scopes = run.scopes.placed().map(|(at, _)| at).filter(is_told);
    for (scope, (operator, step)) in
        scopes.flat_map(|scope| run.steps_in(scope).map(move |step| (scope, step)))
    {
        // A delay is part of the task that it delays.
        if let Some(task) =
            delayed_task(&run.created.definition, &operator.id).filter(|_| scope == ScopeIx::WORKFLOW)
        {
            asleep.extend((step.state == StepState::Sleeping).then_some(task));
            continue;
        }
        total += 1;
        completed +=
            usize::from(if is_cut_off { step.state == StepState::Succeeded } else { step.state.is_final() });
        tasks.insert(operator.id.clone(), step.state.word().into());
    }
    for task in asleep {
        tasks.insert(task.to_owned(), StepState::Sleeping.word().into());
    }
    (total, completed, tasks)
}

/// Whether a later attempt has taken the place of a scope, or of one around it.
fn is_replaced(run: &Run, scope: ScopeIx) -> bool {
    run.around(scope).any(|at| run.scopes.get(at).is_none_or(|scope| scope.is_replaced))
}

/// `{output: <result of the last step>, <result_key>: <value>, …}`.
pub(in crate::engine) fn results(run: &Run) -> Value {
    let mut map = Map::new();
    let last = run.results_in(ScopeIx::WORKFLOW).next_back().map(|(_, result)| result.clone());
    map.insert("output".into(), run.result.clone().or(last).unwrap_or(Value::Null));
    for (operator, result) in run.results_in(ScopeIx::WORKFLOW) {
        if let Some(key) = &operator.result_key {
            map.insert(key.clone(), result.clone());
        }
    }
    Value::Object(map)
}

/// About the bytes of [`results`].
pub(in crate::engine) fn size_of_results(run: &Run) -> usize {
    let last = run.results_in(ScopeIx::WORKFLOW).next_back().map(|(_, result)| result);
    let output = run.result.as_ref().or(last).map_or(0, size);
    let keyed = run.results_in(ScopeIx::WORKFLOW).filter(|(operator, _)| operator.result_key.is_some());
    output + keyed.map(|(_, result)| size(result)).sum::<usize>()
}

/// All steps by their names: the id of a task, with the number of the round for each loop that it is in.
fn named(run: &Run) -> impl Iterator<Item = (String, &Planned, &Step)> {
    let steps = run.steps.placed();
    steps.filter_map(|(at, step)| Some((step_name(run, at)?, run.operator(at)?, step)))
}

/// The name of a step; none where a later attempt of what it is in has taken its place.
pub fn step_name(run: &Run, step: StepIx) -> Option<String> {
    let scope = run.steps.get(step)?.scope;
    if is_replaced(run, scope) { None } else { full_name(run, step) }
}

/// The name of a step, whatever became of it.
pub(in crate::engine) fn full_name(run: &Run, step: StepIx) -> Option<String> {
    let scope = run.steps.get(step)?.scope;
    let rounds = run.around(scope).filter_map(|at| match run.scopes.get(at)?.kind {
        ScopeKind::Round(round) => Some(round),
        _ => None,
    });
    let rounds: Vec<String> = rounds.map(|round| format!("[{round}]")).collect();
    Some(format!("{}{}", run.operator(step)?.id, rounds.into_iter().rev().collect::<String>()))
}

/// A run as the step that started it gives it: `{status, result, workflow_run_id}`.
pub(in crate::engine) fn child_view(run: &Run) -> Value {
    object([
        ("status", run_status(run).into()),
        ("result", results(run)),
        ("workflow_run_id", run.id().into()),
    ])
}

fn moment(at: Option<Millis>) -> Value {
    at.map_or(Value::Null, |at| to_iso(at).into())
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 milliseconds")]
fn seconds_between(start: Option<Millis>, end: Option<Millis>) -> Value {
    match (start, end) {
        (Some(start), Some(end)) => number(end.saturating_sub(start) as f64 / 1_000.0),
        _ => Value::Null,
    }
}

impl State {
    /// The same as [`step_logs`], with what running tools have written so far.
    pub fn step_logs(&self, run: &Run, only: Option<&str>) -> Value {
        logs_of(run, only, |step| self.lines_so_far(step.state))
    }
}
