//! Routes of runs: signals to them, and views besides their state.

use super::pieces::{Items, Place, Start, place, placed};
use super::respond::{self, data, owner, refusal};
use super::routes::Query;
use super::{Answer, found, json_body, taken};
use crate::definition::as_written;
use crate::engine::view::shown::{Shown, View};
use crate::engine::{Engine, Run, RunState, ScopeIx, StepIx, StepState, run_summary, step_name};
use crate::error::Error;
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::number;
use crate::json::object;
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

const EVENTS: usize = 100;
const MOST_EVENTS: usize = 1_000;

pub(super) fn retry(engine: &mut Engine, id: &str, new_id: &str, now: Millis) -> HttpResponse {
    let Some((at, run)) = engine.find(id) else { return respond::no_run(engine, id) };
    if run.state == RunState::Failed {
        let unknown = engine.unknown_tools(&run.created.workflow);
        if let Some(error) = Error::from_diagnostics(as_written(unknown, &run.created.definition)) {
            return respond::failure(400, &error);
        }
    }
    let new = match engine.retry(at, new_id.to_owned(), now) {
        Ok(Some(new)) => new,
        Ok(None) => return refusal(400, "RUN_NOT_FAILED", "only a run that has failed can be retried"),
        Err(error) => return respond::failure(400, &error),
    };
    let new_id = engine.run(new).map_or("", |run| run.id());
    data(
        200,
        object([
            ("original_workflow_run_id", id.into()),
            ("new_workflow_run_id", new_id.into()),
            ("new_run_id", new_id.into()),
            ("workflow_run_id", new_id.into()),
            ("message", "the workflow was started again".into()),
        ]),
    )
}

pub(super) fn signal(engine: &mut Engine, id: &str, request: &HttpRequest, now: Millis) -> Answer {
    let mut body = json_body(request)?;
    let (at, _) = found(engine, id)?;
    let payload = taken(&mut body, "signal_payload");
    let Some(name) = body.get("signal_name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Err(refusal(400, "BODY_INVALID", "the request has no `signal_name`"));
    };
    if !engine.signal(at, name, payload, now).map_err(|error| respond::failure(400, &error))? {
        return Err(refusal(409, "RUN_FINISHED", "the run is over and takes no signals"));
    }
    Ok(data(
        200,
        object([("workflow_run_id", id.into()), ("signal_name", name.into()), ("status", "sent".into())]),
    ))
}

/// The signals that no task has taken yet, oldest first.
pub(super) fn pending_signals(run: &Run, from: Place) -> Items<'_> {
    let signals = placed(run.signals.iter().map(|signal| (signal.at, signal)));
    Box::new(signals.skip_while(move |(place, _)| *place < from).map(|(place, signal)| {
        let view = View::default()
            .lending("signal_name", Shown::Text(&signal.name))
            .lending("signal_payload", Shown::Lent(&signal.payload))
            .with("created_at", to_iso(signal.at));
        (place, Some(Shown::View(view)))
    }))
}

/// The events of a run, oldest first, as its steps show them.
pub(super) fn events<'a>(run: &'a Run, query: &Query, start: Start) -> Result<Items<'a>, HttpResponse> {
    let Some(limit) = query.count("limit", EVENTS, 1) else {
        return Err(refusal(400, "QUERY_INVALID", "`limit` is a whole number from 1"));
    };
    // Moment, event and step. A step gets its name only if the event is shown.
    let mut found: Vec<(Millis, &str, Option<StepIx>)> = vec![(run.created.at, "workflow_created", None)];
    for (at, step) in run.steps.placed() {
        found.extend(step.started_at.map(|started| (started, "started", Some(at))));
        found.extend(step.ended_at.map(|ended| (ended, step.state.word(), Some(at))));
    }
    if let Some(ended) = run.ended_at {
        let kind = match run.state {
            RunState::Failed => "workflow_failed",
            RunState::Cancelled => "workflow_cancelled",
            _ => "workflow_completed",
        };
        found.push((ended, kind, None));
    }
    found.sort_by_key(|(at, ..)| *at);
    let found = placed(found.into_iter().map(|event| (event.0, event)));
    let left = found.skip_while(move |(place, _)| *place < start.place);
    let shown = left.take(limit.min(MOST_EVENTS).saturating_sub(start.given));
    Ok(Box::new(
        shown.map(|(place, (at, kind, step))| (place, Some(Shown::Made(event(run, at, kind, step))))),
    ))
}

fn event(run: &Run, at: Millis, kind: &str, step: Option<StepIx>) -> Value {
    let kind = if step.is_some() { format!("step_{kind}") } else { kind.to_owned() };
    let step = step.and_then(|step| step_name(run, step));
    object([("event_type", kind.into()), ("step_name", step.into()), ("timestamp", to_iso(at).into())])
}

/// The names that the workflow's own templates can read: one of them, or all.
pub(super) fn variables(run: &Run, query: &Query) -> HttpResponse {
    let created = &run.created;
    let set = run.variables_of(ScopeIx::WORKFLOW).into_iter().flatten();
    let given = created.workflow.variables.iter().chain(created.inputs.iter()).chain(set);
    let results = run
        .results_in(ScopeIx::WORKFLOW)
        .map(|(operator, result)| (operator.result_key.as_ref().unwrap_or(&operator.id), result));
    // Of several values with one name, the last counts.
    let mut all = given.chain(results);
    let view = if let Some(name) = query.get("variable") {
        let Some((_, value)) = all.rfind(|(known, _)| *known == name) else {
            return respond::not_found("variable", name);
        };
        View::default().with("variable", name).lending("value", Shown::Lent(value))
    } else {
        let all = View::of(all.map(|(name, value)| (name.as_str(), Shown::Lent(value))));
        owner(run).lending("variables", Shown::View(all))
    };
    respond::shown(200, &Shown::View(view))
}

pub(super) fn metrics(run: &Run) -> HttpResponse {
    let count = |fits: fn(StepState) -> bool| run.steps.iter().filter(|step| fits(step.state)).count();
    let attempts: usize = run.steps.iter().map(|step| step.attempts.len().saturating_sub(1)).sum();
    let mut view = Map::new();
    let all = run_summary(run);
    for key in ["workflow_run_id", "workflow_name", "status", "created_at", "started_at", "completed_at"] {
        view.insert(key.to_owned(), all.get(key).cloned().unwrap_or_default());
    }
    view.insert("total_steps".into(), run.steps.len().into());
    view.insert("succeeded_steps".into(), count(|state| state == StepState::Succeeded).into());
    view.insert("failed_steps".into(), count(|state| state == StepState::Failed).into());
    view.insert("skipped_steps".into(), count(|state| state == StepState::Skipped).into());
    view.insert("retries".into(), attempts.into());
    view.insert("duration_seconds".into(), duration(run).map_or(Value::Null, number));
    data(200, Value::Object(view))
}

/// Statistics of all runs, or of the runs of one workflow.
pub(super) fn stats(engine: &Engine, query: &Query) -> HttpResponse {
    let name = query.get("workflow_name");
    let is_of = |run: &&Run| name.is_none_or(|name| name == run.created.workflow.name);
    let runs: Vec<&Run> = engine.runs().into_iter().filter(is_of).collect();
    let count = |state: RunState| runs.iter().filter(|run| run.state == state).count();
    if runs.is_empty() {
        let none = || refusal(404, "NOT_FOUND", "there are no runs");
        return name.map_or_else(none, |name| respond::not_found("run", name));
    }
    let durations: Vec<f64> = runs.iter().filter_map(|run| duration(run)).collect();
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are small")]
    let average = durations.iter().sum::<f64>() / durations.len().max(1) as f64;
    data(
        200,
        object([
            ("workflow_name", name.into()),
            ("total_runs", runs.len().into()),
            ("completed", count(RunState::Completed).into()),
            ("failed", count(RunState::Failed).into()),
            ("cancelled", count(RunState::Cancelled).into()),
            ("running", count(RunState::Active).into()),
            ("average_duration_seconds", number(average)),
        ]),
    )
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 milliseconds")]
pub(super) fn duration(run: &Run) -> Option<f64> {
    Some(run.ended_at?.saturating_sub(run.started_at?) as f64 / 1_000.0)
}

/// The pending approvals, by run and step.
pub(super) fn approvals<'a>(engine: &'a Engine, query: &'a Query, from: Place) -> Items<'a> {
    let (run_id, status) = (query.get("workflow_run_id"), query.get("status"));
    let all = engine.approvals().filter_map(move |(at, step, request)| {
        let run = engine.run(at)?;
        let is_wanted =
            run_id.is_none_or(|id| id == run.id()) && status.is_none_or(|status| status == "pending");
        let place = (place(at).0, step.into());
        (is_wanted && place >= from).then(|| (place, Some(Shown::View(approval_view(run, step, request)))))
    });
    Box::new(all)
}

pub(super) fn approval(engine: &Engine, key: &str) -> HttpResponse {
    let found = engine
        .approval(key)
        .and_then(|(run, step, request)| Some(approval_view(engine.run(run)?, step, request)));
    found.map_or_else(|| respond::not_found("approval", key), |view| respond::shown(200, &Shown::View(view)))
}

fn approval_view<'a>(run: &'a Run, step: StepIx, request: &'a Map<String, Value>) -> View<'a> {
    let since = run.steps.get(step).and_then(|step| step.started_at);
    let own = [
        ("status", "pending".into()),
        ("workflow_run_id", run.id().into()),
        ("workflow_name", run.created.workflow.name.as_str().into()),
        ("step_name", step_name(run, step).into()),
        ("created_at", since.map(to_iso).into()),
    ];
    let request = request.iter().map(|(name, value)| (name.as_str(), Shown::Lent(value)));
    View::of(request.chain(own.map(|(name, value)| (name, Shown::Made(value)))))
}

pub(super) fn decide(
    engine: &mut Engine,
    key: &str,
    approved: bool,
    request: &HttpRequest,
    now: Millis,
) -> Answer {
    let body = json_body(request)?;
    let (run, ..) = engine.approval(key).ok_or_else(|| respond::not_found("approval", key))?;
    let run_id = engine.run(run).map(|run| run.id().to_owned()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    engine.decide(key, approved, text("comment"), text("approver"), now);
    let status = if approved { "approved" } else { "rejected" };
    Ok(data(
        200,
        object([("approval_key", key.into()), ("status", status.into()), ("workflow_run_id", run_id.into())]),
    ))
}
