//! Routes of updates: requests to a run that wait for its answer.

use super::pieces::{Listing, Start, place};
use super::respond::{self, owner, refusal};
use super::routes::Query;
use super::{Instruction, Replied, Reply, found, json_body, taken, with_run};
use crate::engine::view::shown::{Shown, View};
use crate::engine::{Engine, Run, Update, UpdateIx, UpdateState};
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::to_f64;
use crate::time::{Millis, to_iso};
use serde_json::Value;

/// The default time limit for the answer, in seconds.
const LIMIT: f64 = 30.0;
const HISTORY: usize = 50;

/// Sends an update. While there is no answer, the host delays the response 202.
pub(super) fn send(engine: &mut Engine, id: &str, request: &HttpRequest, path: &str, now: Millis) -> Replied {
    let mut body = json_body(request)?;
    let (at, _) = found(engine, id)?;
    let payload = taken(&mut body, "update_payload");
    let Some(name) = body.get("update_name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Err(refusal(400, "BODY_INVALID", "the request has no `update_name`"));
    };
    let limit = match body.get("timeout_seconds").filter(|limit| !limit.is_null()) {
        None => LIMIT,
        Some(limit) => to_f64(limit)
            .filter(|limit| *limit > 0.0)
            .ok_or_else(|| refusal(400, "BODY_INVALID", "`timeout_seconds` is not a number above 0"))?,
    };
    engine.may_update(at, name, &payload).map_err(|error| respond::failure(400, &error))?;
    let Some(update) = engine.update(at, name, payload, limit, now) else {
        return Err(refusal(409, "RUN_FINISHED", "the run is over and takes no updates"));
    };
    let response = with_run(engine, id, |run| one(run, &update.to_string()));
    let url = format!("{}/{update}", path.trim_end_matches('/'));
    let wait = Instruction::Wait { run_id: id.to_owned(), update, url };
    let is_open = response.status == 202;
    Ok(Reply::with(response, is_open.then_some(wait)))
}

/// The answer to an update, by its position in the run.
pub(super) fn one(run: &Run, update: &str) -> HttpResponse {
    let found = update.parse().ok().map(UpdateIx::new).and_then(|at| Some((at, run.updates.get(at)?)));
    let Some((at, update)) = found else { return respond::not_found("update", update) };
    let message = update.failure.as_ref().map_or("the update failed", |failure| &failure.message);
    match update.state {
        UpdateState::Completed => respond::shown(200, &Shown::View(view(at, update))),
        UpdateState::TimedOut => refusal(408, "UPDATE_TIMED_OUT", message),
        UpdateState::Failed => refusal(500, "UPDATE_FAILED", message),
        UpdateState::Pending | UpdateState::Processing => respond::shown(202, &Shown::View(view(at, update))),
    }
}

/// The updates that wait for an answer, latest first.
pub(super) fn pending<'a>(run: &'a Run, query: &'a Query, start: Start) -> Listing<'a> {
    let name = query.get("update_name");
    let is_wanted =
        move |update: &Update| !update.state.is_final() && name.is_none_or(|name| name == update.name);
    listed(run, usize::MAX, is_wanted, start)
}

/// All updates, latest first.
pub(super) fn history<'a>(run: &'a Run, query: &'a Query, start: Start) -> Result<Listing<'a>, HttpResponse> {
    let Some(limit) = query.count("limit", HISTORY, 1) else {
        return Err(refusal(400, "QUERY_INVALID", "`limit` is a whole number from 1"));
    };
    let status = query.get("status");
    let is_wanted =
        move |update: &Update| status.is_none_or(|status| status.eq_ignore_ascii_case(update.state.word()));
    Ok(listed(run, limit, is_wanted, start))
}

fn listed<'a>(
    run: &'a Run,
    limit: usize,
    is_wanted: impl Fn(&Update) -> bool + Copy + 'a,
    start: Start,
) -> Listing<'a> {
    let total = run.updates.iter().filter(|update| is_wanted(update)).count().min(limit);
    // The latest update comes first, and new ones come before it, so places count down from the largest number.
    let place_of = |at: UpdateIx| (u64::MAX - place(at).0, 0);
    let updates = run.updates.placed().rev().map(move |(at, update)| (place_of(at), at, update));
    let left = updates.filter(move |(place, _, update)| *place >= start.place && is_wanted(update));
    let left = left.take(limit.saturating_sub(start.given));
    let items = left.map(|(place, at, update)| (place, Some(Shown::View(view(at, update)))));
    Listing::new(&owner(run).with("total", total), "updates", Box::new(items), View::default)
}

fn view(at: UpdateIx, update: &Update) -> View<'_> {
    let error = update.failure.as_ref().map(|failure| Shown::Text(&failure.message));
    View::default()
        .with("update_id", at.to_string())
        .lending("update_name", Shown::Text(&update.name))
        .lending("update_payload", Shown::Lent(&update.payload))
        .with("status", update.state.word())
        .lending("result", Shown::lent(update.result.as_ref()))
        .lending("error", error.unwrap_or(Shown::Made(Value::Null)))
        .with("created_at", to_iso(update.at))
        .with("completed_at", update.ended_at.map(to_iso))
}
