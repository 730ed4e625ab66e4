//! Updates: requests to a run that wait for its answer.

use super::respond::{self, data, refusal};
use super::routes::Query;
use super::{Answer, json_body, with_run};
use crate::api::{HttpRequest, HttpResponse};
use crate::engine::{Engine, Run, Update, UpdateState};
use crate::json::object;
use crate::number::to_f64;
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

/// Seconds that a run has to answer, where nothing is said.
const LIMIT: f64 = 30.0;
const HISTORY: usize = 50;

/// Sends an update. Where there is no answer yet, the host holds back the 202 until [`Effect::UpdateEnded`], and asks
/// for the update then.
///
/// [`Effect::UpdateEnded`]: crate::engine::Effect::UpdateEnded
pub(super) fn send(engine: &mut Engine, id: &str, request: &HttpRequest, now: Millis) -> Answer {
    let body = json_body(request)?;
    let (at, _) = engine.find(id).ok_or_else(|| respond::no_run(engine, id))?;
    let Some(name) = body.get("update_name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Err(refusal(400, "BODY_INVALID", "the request has no `update_name`"));
    };
    let limit = match body.get("timeout_seconds").filter(|limit| !limit.is_null()) {
        None => LIMIT,
        Some(limit) => to_f64(limit)
            .filter(|limit| *limit > 0.0)
            .ok_or_else(|| refusal(400, "BODY_INVALID", "`timeout_seconds` is not a number above 0"))?,
    };
    let payload = body.get("update_payload").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    engine.may_update(at, name, &payload).map_err(|error| respond::failure(400, &error))?;
    let Some(update) = engine.update(at, name, payload, limit, now) else {
        return Err(refusal(409, "RUN_FINISHED", "the run is over and takes no updates"));
    };
    Ok(with_run(engine, id, |run| one(run, &update.to_string())))
}

/// The answer to an update, by its position in the run.
pub(super) fn one(run: &Run, update: &str) -> HttpResponse {
    let found = update.parse().ok().and_then(|at: usize| Some((at, run.updates.get(at)?)));
    let Some((at, update)) = found else { return respond::not_found("update", update) };
    let message = update.failure.as_ref().map_or("the update failed", |failure| &failure.message);
    match update.state {
        UpdateState::Completed => data(200, view(at, update)),
        UpdateState::TimedOut => refusal(408, "UPDATE_TIMED_OUT", message),
        UpdateState::Failed => refusal(500, "UPDATE_FAILED", message),
        UpdateState::Pending | UpdateState::Processing => data(202, view(at, update)),
    }
}

pub(super) fn pending(run: &Run, query: &Query) -> HttpResponse {
    let name = query.get("update_name");
    let is_it = |update: &Update| !update.state.is_final() && name.is_none_or(|name| name == update.name);
    listed(run, usize::MAX, &is_it)
}

/// All updates, latest first.
pub(super) fn history(run: &Run, query: &Query) -> HttpResponse {
    let limit = query.get("limit").map_or(Some(HISTORY), |text| text.parse().ok().filter(|limit| *limit > 0));
    let Some(limit) = limit else {
        return refusal(400, "QUERY_INVALID", "`limit` is a whole number from 1");
    };
    let status = query.get("status");
    listed(run, limit, &|update| status.is_none_or(|status| status.eq_ignore_ascii_case(update.state.word())))
}

fn listed(run: &Run, limit: usize, is_wanted: &dyn Fn(&Update) -> bool) -> HttpResponse {
    let updates = run.updates.iter().enumerate().rev().filter(|(_, update)| is_wanted(update));
    let updates: Vec<Value> = updates.take(limit).map(|(at, update)| view(at, update)).collect();
    data(
        200,
        object([
            ("workflow_run_id", run.id().into()),
            ("total", updates.len().into()),
            ("updates", Value::Array(updates)),
        ]),
    )
}

fn view(at: usize, update: &Update) -> Value {
    object([
        ("update_id", at.to_string().into()),
        ("update_name", update.name.as_str().into()),
        ("update_payload", update.payload.clone()),
        ("status", update.state.word().into()),
        ("result", update.result.clone().unwrap_or_default()),
        ("error", update.failure.as_ref().map(|failure| failure.message.as_str()).into()),
        ("created_at", to_iso(update.at).into()),
        ("completed_at", update.ended_at.map(to_iso).into()),
    ])
}
