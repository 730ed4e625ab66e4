//! Routes of schedules.

use super::definitions::{self, find_version};
use super::pieces::{Listing, Place, place, position};
use super::respond::{self, data, refusal};
use super::routes::Query;
use super::runs::duration;
use super::{Answer, checked, inputs_of, json_body};
use crate::definition::schedule::Schedule as Rule;
use crate::engine::view::shown::{Shown, View};
use crate::engine::{Engine, Registered, Schedule, ScheduleIx, ScheduleRequest, run_summary};
use crate::error::{Diagnostic, Error};
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::number;
use crate::json::{object, to_text};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

const EXECUTIONS: usize = 50;
const MOST_EXECUTIONS: usize = 100;

pub(super) fn list(engine: &Engine, from: Place) -> Listing<'_> {
    let total = View::default().with("total", engine.schedules().count());
    let left = engine.schedules().skip_while(move |(at, _)| *at < position(from));
    let items = left.map(|(at, schedule)| (place(at), Some(Shown::View(view(schedule)))));
    Listing::new(&total, "schedules", Box::new(items), View::default)
}

pub(super) fn create(engine: &mut Engine, request: &HttpRequest, new_id: &str, now: Millis) -> Answer {
    let body = json_body(request)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let cron = text("schedule_cron").or_else(|| text("cron_expression"));
    let cron = cron.ok_or_else(|| refusal(400, "BODY_INVALID", "the request has no `schedule_cron`"))?;
    let inputs = inputs_of(body.get("inputs").cloned())?;
    let pin = body.get("version_pin").filter(|pin| !pin.is_null());
    let (definition, is_sent) = target(engine, &body, pin, now)?;
    let rule = match text("timezone").filter(|zone| *zone != "UTC") {
        Some(zone) => format!("CRON_TZ={zone} {cron}"),
        None => cron.to_owned(),
    };
    let name = text("job_name").unwrap_or(new_id);
    engine.may_keep_run(&definition.workflow, &inputs, 0).map_err(|error| respond::failure(400, &error))?;
    // A refused request changes nothing, and keeps no definition.
    let checked = Rule::parse(&rule).and_then(|rule| {
        engine.check_zone(&rule, now)?;
        let own = definition.workflow.timetable.as_ref().filter(|_| is_sent);
        engine.may_schedule(&[name, own.map_or(name, |_| &definition.workflow.name)])
    });
    checked.map_err(|error| respond::failure(400, &error))?;
    let definition = if is_sent {
        engine.register(definition, now).map_err(|error| respond::failure(400, &error))?
    } else {
        definition
    };
    let request = ScheduleRequest {
        name: name.to_owned(),
        text: rule,
        definition,
        is_pinned: pin.is_some()
            || body.contains_key("definition_hash")
            || body.contains_key("definition_id"),
        inputs,
    };
    let at = engine.schedule(request, now).map_err(|error| respond::failure(400, &error))?;
    with(engine, at, 201)
}

/// Checks whether the schedule of a definition can be applied.
pub(super) fn may_follow(engine: &Engine, definition: &Registered, now: Millis) -> Result<(), HttpResponse> {
    let Some(timetable) = &definition.workflow.timetable else { return Ok(()) };
    engine.check_zone(&timetable.rule, now).map_err(|error| {
        let finding = Diagnostic::error(error.code(), "/schedule", error.message());
        let finding = finding.with_any_help(error.help().map(str::to_owned));
        respond::failure(400, &Error::from_diagnostics(vec![finding]).unwrap_or(error))
    })?;
    engine.may_schedule(&[&definition.workflow.name]).map_err(|error| respond::failure(400, &error))
}

/// The definition that a request names, in one of four ways, and whether the request contains it. The definition will
/// run, so its tools must exist.
fn target(
    engine: &Engine,
    body: &Map<String, Value>,
    pin: Option<&Value>,
    now: Millis,
) -> Result<(Registered, bool), HttpResponse> {
    if let Some(document) = body.get("workflow_definition").filter(|value| !value.is_null()) {
        let definition = checked(engine, document.clone(), true, now)
            .map_err(|findings| respond::failure(400, &findings))?;
        may_follow(engine, &definition, now)?;
        return Ok((definition, true));
    }
    let named = |name: &str| body.get(name).filter(|value| !value.is_null()).map(to_text);
    let (found, name) = if let Some(id) = named("definition_id") {
        (engine.definition_with_id(&id), id)
    } else if let Some(hash) = named("definition_hash") {
        (definitions::find_hash(engine, &hash), hash)
    } else if let Some(name) = named("workflow_name") {
        let found = match pin {
            Some(version) => find_version(engine, &name, &to_text(version)),
            None => engine.latest(&name),
        };
        (found, name)
    } else {
        let message = "the request names no workflow: give `workflow_name`, `definition_id`, `definition_hash` or `workflow_definition`";
        return Err(refusal(400, "BODY_INVALID", message));
    };
    let found = found.cloned().ok_or_else(|| respond::not_found("definition", &name))?;
    match Error::from_diagnostics(engine.unknown_tools(&found.workflow)) {
        Some(error) => Err(respond::failure(400, &error)),
        None => Ok((found, false)),
    }
}

pub(super) fn one(engine: &Engine, id: &str) -> Answer {
    let (_, schedule) = find(engine, id)?;
    Ok(respond::shown(200, &Shown::View(view(schedule))))
}

pub(super) fn change(engine: &mut Engine, id: &str, request: &HttpRequest, now: Millis) -> Answer {
    let body = json_body(request)?;
    let (at, _) = find(engine, id)?;
    let Some(is_active) = body.get("is_active").and_then(Value::as_bool) else {
        return Err(refusal(400, "BODY_INVALID", "`is_active` is neither true nor false"));
    };
    engine.activate_schedule(at, is_active, now);
    with(engine, at, 200)
}

/// Deletes a schedule by its id or by the name of its job.
pub(super) fn delete(engine: &mut Engine, id: &str) -> Answer {
    let (at, schedule) = find(engine, id)?;
    let mut view = view(schedule).into_map();
    engine.delete_schedule(at);
    view.insert("is_active".into(), false.into());
    view.insert("next_run_at".into(), Value::Null);
    view.insert("status".into(), "cancelled".into());
    Ok(data(200, Value::Object(view)))
}

/// The runs that a schedule has started, latest first.
pub(super) fn history(engine: &Engine, id: &str, query: &Query) -> Answer {
    let (at, _) = find(engine, id)?;
    let (Some(limit), Some(offset)) = (query.count("limit", EXECUTIONS, 0), query.count("offset", 0, 0))
    else {
        return Err(refusal(400, "QUERY_INVALID", "`limit` and `offset` are whole numbers"));
    };
    let limit = limit.clamp(1, MOST_EXECUTIONS);
    let mine = |run: &&crate::engine::Run| {
        let created = &run.created;
        created.parent.is_none() && created.schedule.is_some_and(|firing| firing.schedule == at)
    };
    let runs: Vec<_> = engine.runs().into_iter().rev().filter(mine).collect();
    Ok(data(
        200,
        object([
            ("schedule_id", id.into()),
            ("executions", runs.iter().skip(offset).take(limit).map(|run| execution(run)).collect()),
            ("total", runs.len().into()),
            ("limit", limit.into()),
            ("offset", offset.into()),
        ]),
    ))
}

fn execution(run: &crate::engine::Run) -> Value {
    let all = run_summary(run);
    let field = |name: &'static str| (name, all.get(name).cloned().unwrap_or_default());
    object([
        field("workflow_run_id"),
        field("run_id"),
        field("status"),
        ("error_code", run.failure.as_ref().map(|failure| failure.code.as_str()).into()),
        field("started_at"),
        field("completed_at"),
        ("duration_seconds", duration(run).map_or(Value::Null, number)),
        ("scheduled_for", run.created.schedule.map(|firing| to_iso(firing.slot)).into()),
    ])
}

fn find<'a>(engine: &'a Engine, id: &str) -> Result<(ScheduleIx, &'a Schedule), HttpResponse> {
    let found = engine.schedules().find(|(_, schedule)| schedule.id == id || schedule.name == id);
    found.ok_or_else(|| respond::not_found("schedule", id))
}

fn with(engine: &Engine, at: ScheduleIx, status: u16) -> Answer {
    let found = engine.schedules().find(|(known, _)| *known == at);
    let (_, schedule) = found.ok_or_else(|| respond::not_found("schedule", ""))?;
    Ok(respond::shown(status, &Shown::View(view(schedule))))
}

fn view(schedule: &Schedule) -> View<'_> {
    let moment = |at: Option<Millis>| Value::from(at.map(to_iso));
    let cron = schedule.rule.zone().map_or(schedule.text.as_str(), |_| {
        schedule.text.trim().split_once(' ').map_or("", |(_, cron)| cron.trim())
    });
    View::default()
        .with("schedule_id", schedule.id.as_str())
        .with("job_name", schedule.name.as_str())
        .with("workflow_name", schedule.workflow.as_str())
        .with("definition_hash", schedule.hash.as_deref())
        .lending("schedule_cron", Shown::Text(cron))
        .lending("cron_expression", Shown::Text(cron))
        .with("timezone", schedule.rule.zone().unwrap_or("UTC"))
        .lending("inputs", Shown::Map(&schedule.inputs))
        .with("is_active", schedule.is_active())
        .with("status", if schedule.is_active() { "active" } else { "paused" })
        .with("last_run_at", moment(schedule.last))
        .with("next_run_at", moment(schedule.next.filter(|_| schedule.is_active())))
        .with("created_at", to_iso(schedule.at))
        .with("execution_count", schedule.fired)
        .with("last_error", Value::Null)
}
