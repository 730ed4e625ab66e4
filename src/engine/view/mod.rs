//! Runs and steps in the form of the REST API.

pub(in crate::engine) mod logs;
pub(in crate::engine) mod shown;
pub(in crate::engine) mod timeline;

use crate::definition::delayed_task;
use crate::engine::plan::Planned;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{ScopeIx, StepIx};
use crate::engine::state::run::{Run, RunState};
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::{Step, StepState};
use crate::error::ErrorCode;
use crate::json::number::number;
use crate::json::{object, size};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};
use shown::{Shown, View};

/// A run with its progress. A finished run has its result and its definition, too.
pub fn run_view(run: &Run) -> Value {
    shown_run(run).into_value()
}

/// Works as [`run_view`], but borrows large values.
pub(in crate::engine) fn shown_run(run: &Run) -> View<'_> {
    let current = current_step(run);
    let current = current.as_deref().map(|name| delayed_task(&run.created.definition, name).unwrap_or(name));
    let (total, completed, tasks) = progress(run);
    let percent = (completed * 100).checked_div(total).unwrap_or(100);
    // A run that did not complete is never at 100 %.
    let most = if matches!(run.state, RunState::Active | RunState::Completed) { 100 } else { 99 };
    let counts = [("total", total.into()), ("completed", completed.into()), ("tasks", Value::Object(tasks))];
    let view = shown_summary(run)
        .with("current_step", current)
        .with("progress", object(counts))
        .with("progress_percentage", percent.min(most));
    if run.state == RunState::Active {
        return view.with("result", Value::Null);
    }
    view.lending("result", Shown::View(shown_results(run)))
        .lending("workflow_definition", Shown::Lent(&run.created.definition))
}

/// All steps of a run, or those with one status: `{workflow_run_id, workflow_name, steps, total_steps, succeeded,
/// failed, sleeping}`.
pub fn steps_view(run: &Run, status: Option<&str>) -> Value {
    let shown = steps_from(run, status, 0).filter_map(|(_, step)| Some(step?.into_value()));
    step_owner(run).with("steps", Value::Array(shown.collect())).and(step_counts(run)).into_value()
}

/// The run to which a list of steps belongs.
pub(in crate::engine) fn step_owner(run: &Run) -> View<'_> {
    View::default()
        .with("workflow_run_id", run.id())
        .with("workflow_name", run.created.workflow.name.as_str())
}

/// The number of a run's steps, in all and in each state.
pub(in crate::engine) fn step_counts(run: &Run) -> View<'static> {
    let (mut succeeded, mut failed, mut sleeping) = (0, 0, 0);
    for step in &run.steps {
        match step.state.word() {
            "succeeded" => succeeded += 1,
            "failed" => failed += 1,
            "sleeping" => sleeping += 1,
            _ => {}
        }
    }
    View::default()
        .with("total_steps", run.steps.len())
        .with("succeeded", succeeded)
        .with("failed", failed)
        .with("sleeping", sleeping)
}

/// The steps from a position on, each with its position; `None` for a step that is not shown.
pub(in crate::engine) fn steps_from<'a>(
    run: &'a Run,
    status: Option<&'a str>,
    from: usize,
) -> impl Iterator<Item = (usize, Option<View<'a>>)> {
    run.steps.placed_from(StepIx::new(from)).map(move |(at, step)| {
        let is_wanted = status.is_none_or(|status| status == step.state.word());
        let shown = || {
            let (name, operator) = (step_name(run, at)?, run.operator(at)?);
            let delayed =
                delayed_task(&run.created.definition, &name).filter(|_| step.scope == ScopeIx::WORKFLOW);
            let view = shown_step(&name, operator, step);
            Some(match delayed {
                Some(task) => view.with("delay_of", task),
                None => view,
            })
        };
        (at.get(), is_wanted.then(shown).flatten())
    })
}

/// One step, with its result and its failure.
pub(in crate::engine) fn shown_step<'a>(name: &str, operator: &'a Planned, step: &'a Step) -> View<'a> {
    let mut view = View::default()
        .with("step_name", name)
        .with("status", step.state.word())
        .with("started_at", moment(step.started_at))
        .with("completed_at", moment(step.ended_at))
        .with("duration_seconds", seconds_between(step.started_at, step.ended_at))
        .with("retry_count", step.attempts.len().saturating_sub(1))
        .with("has_checkpoint", step.state == StepState::Succeeded)
        .with("result_key", operator.result_key.as_deref())
        .lending("result", Shown::lent(step.result.as_ref()));
    if step.state == StepState::Skipped {
        view = view.with("skip_reason", if step.cause.is_some() { "upstream_failed" } else { "not_chosen" });
    }
    if let Some(failure) = step.failure() {
        view = view
            .lending("error", Shown::Text(&failure.message))
            .lending("error_details", Shown::View(shown_failure(failure)));
    }
    if let Some(heartbeat) = step.reports.as_ref().and_then(|reports| reports.heartbeat.as_ref()) {
        view = view
            .with("last_heartbeat_at", to_iso(heartbeat.at))
            .lending("heartbeat", Shown::Lent(&heartbeat.details));
    }
    view
}

/// A failure in the form of [`Failure::to_json`].
fn shown_failure(failure: &Failure) -> View<'_> {
    let view =
        View::default().with("code", failure.code.as_str()).lending("message", Shown::Text(&failure.message));
    let view = match &failure.help {
        Some(help) => view.lending("help", Shown::Text(help)),
        None => view,
    };
    match &failure.details {
        Some(details) => view.lending("details", Shown::Map(details)),
        None => view,
    }
}

/// The summary of a run for lists.
pub fn run_summary(run: &Run) -> Map<String, Value> {
    shown_summary(run).into_map()
}

/// Works as [`run_summary`], but borrows large values.
pub(in crate::engine) fn shown_summary(run: &Run) -> View<'_> {
    let created = &run.created;
    let mut view = View::default()
        .with("workflow_run_id", run.id())
        .with("run_id", run.id())
        .with("workflow_name", created.workflow.name.as_str())
        .with("status", run_status(run));
    if let Some(parent) = &created.parent {
        view = view.with("parent_run_id", parent.run_id.as_str());
    }
    view = view
        .with("created_at", to_iso(created.at))
        .with("started_at", moment(run.started_at))
        .with("completed_at", moment(run.ended_at));
    match &run.failure {
        Some(failure) => view
            .lending("error", Shown::Text(&failure.message))
            .lending("error_details", Shown::View(shown_failure(failure))),
        None => view,
    }
}

/// The status of a run in the API. A run that exceeded its time limit is `failed` with the code `RUN_TIMED_OUT`, since
/// public clients know no other final status.
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

/// Whether a run has a status. Clients name runs that exceeded their time limit `timed_out`.
pub(in crate::engine) fn is_in(run: &Run, status: &str) -> bool {
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

/// The number of steps, the number of ended ones, and their states by id. Steps in rounds of loops do not count.
fn progress(run: &Run) -> (usize, usize, Map<String, Value>) {
    let is_round =
        |at: ScopeIx| run.scopes.get(at).is_none_or(|scope| matches!(scope.kind, ScopeKind::Round(_)));
    let is_shown = |scope: &ScopeIx| !is_replaced(run, *scope) && !run.around(*scope).any(is_round);
    // A step that a failed or cancelled run has not done does not count as done.
    let is_cut_off = matches!(run.state, RunState::Failed | RunState::Cancelled);
    let (mut total, mut completed, mut tasks) = (0, 0, Map::new());
    let mut asleep = Vec::new();
    let scopes = run.scopes.placed().map(|(at, _)| at).filter(is_shown);
    for (scope, (operator, step)) in
        scopes.flat_map(|scope| run.steps_in(scope).map(move |step| (scope, step)))
    {
        // A delay counts as part of its task.
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

/// Whether a later attempt has replaced a scope, or one around it.
fn is_replaced(run: &Run, scope: ScopeIx) -> bool {
    run.around(scope).any(|at| run.scopes.get(at).is_none_or(|scope| scope.is_replaced))
}

/// `{output: <result of the last step>, <result_key>: <value>, …}`.
pub(in crate::engine) fn results(run: &Run) -> Value {
    shown_results(run).into_value()
}

/// Works as [`results`], but borrows the values.
fn shown_results(run: &Run) -> View<'_> {
    let last = run.results_in(ScopeIx::WORKFLOW).next_back().map(|(_, result)| result);
    let keyed = run
        .results_in(ScopeIx::WORKFLOW)
        .filter_map(|(operator, result)| Some((operator.result_key.as_deref()?, result)));
    let output = ("output", Shown::lent(run.result.as_ref().or(last)));
    View::of(std::iter::once(output).chain(keyed.map(|(key, result)| (key, Shown::Lent(result)))))
}

/// The approximate size of [`results`], in bytes.
pub(in crate::engine) fn size_of_results(run: &Run) -> usize {
    let last = run.results_in(ScopeIx::WORKFLOW).next_back().map(|(_, result)| result);
    let output = run.result.as_ref().or(last).map_or(0, size);
    let keyed = run.results_in(ScopeIx::WORKFLOW).filter(|(operator, _)| operator.result_key.is_some());
    output + keyed.map(|(_, result)| size(result)).sum::<usize>()
}

/// Whether a step has this name. Most steps have another id, which is quick to see.
pub(in crate::engine) fn is_named(run: &Run, step: StepIx, name: &str) -> bool {
    run.operator(step).is_some_and(|operator| name.starts_with(&operator.id))
        && step_name(run, step).as_deref() == Some(name)
}

/// The name of a step; `None` if a later attempt has replaced the scope in which it is.
pub fn step_name(run: &Run, step: StepIx) -> Option<String> {
    let scope = run.steps.get(step)?.scope;
    if is_replaced(run, scope) { None } else { full_name(run, step) }
}

/// The name of a step, also of a replaced one.
pub(in crate::engine) fn full_name(run: &Run, step: StepIx) -> Option<String> {
    let scope = run.steps.get(step)?.scope;
    let rounds = run.around(scope).filter_map(|at| match run.scopes.get(at)?.kind {
        ScopeKind::Round(round) => Some(round),
        _ => None,
    });
    let rounds: Vec<String> = rounds.map(|round| format!("[{round}]")).collect();
    Some(format!("{}{}", run.operator(step)?.id, rounds.into_iter().rev().collect::<String>()))
}

/// A run in the result of the step that started it: `{status, result, workflow_run_id}`.
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
