//! The REST API of the embedded engine: it answers requests. It writes exactly what the public clients of Highway read.

mod artifacts;
mod definitions;
mod lists;
mod pieces;
mod reply;
mod respond;
mod routes;
mod runs;
mod schedules;
mod updates;

use crate::engine::view::is_named;
use crate::engine::view::shown::Shown;
use crate::engine::view::{shown_run, shown_step};
use crate::engine::{
    Engine, Plan, Registered, Run, RunIx, RunState, Submission, Submitted, definition_hash, plan, run_summary,
};
use crate::error::{Error, ErrorCode};
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::too_large;
use crate::json::{JsonFault, parse_json_input};
use crate::json::{child_path, object};
use crate::time::Millis;
use crate::{definition, validate};
pub use lists::rest;
pub use pieces::{BYTES, ITEMS};
pub use reply::{Instruction, Reply};
use respond::{data, failure, refusal};
pub use routes::{HEALTH, Kind, kind};
use routes::{Query, Route};
use serde_json::{Map, Value};

/// An answer, or the response that refuses the request.
type Answer = Result<HttpResponse, HttpResponse>;

/// An answer that may come with an instruction, or a refusal.
type Replied = Result<Reply, HttpResponse>;

/// Answers one request. `new_id` becomes the id of a run that the request may create.
pub fn handle(engine: &mut Engine, request: &HttpRequest, new_id: &str, now: Millis) -> Reply {
    if request.method == "HEAD" {
        // The answer to a `GET`, without the body.
        let get = HttpRequest { method: "GET".into(), ..request.clone() };
        let Reply { response, instruction } = handle(engine, &get, new_id, now);
        let instruction = instruction.filter(|instruction| matches!(instruction, Instruction::Stream(_)));
        return Reply::with(HttpResponse { body: String::new(), ..response }, instruction);
    }
    answer(engine, request, None, new_id, now).unwrap_or_else(Reply::from)
}

/// Answers a request after [`handle`] has replied with [`Instruction::Compile`]. `definition` is the JSON text of the
/// definition that the Python source gives.
pub fn handle_compiled(
    engine: &mut Engine,
    request: &HttpRequest,
    definition: &str,
    new_id: &str,
    now: Millis,
) -> Reply {
    json_value(definition)
        .and_then(|definition| answer(engine, request, Some(definition), new_id, now))
        .unwrap_or_else(Reply::from)
}

/// Answers a request that the host makes itself: an operation on a run, an approval or a schedule, which
/// `routes::address` knows. The answer is never in pieces.
pub fn operate(
    engine: &mut Engine,
    (operation, subject): (&str, &str),
    body: Option<String>,
    new_id: &str,
    now: Millis,
) -> HttpResponse {
    let Some((method, url)) = routes::address(operation, subject) else {
        return respond::not_found("operation", operation);
    };
    let request = HttpRequest { method: method.into(), url, headers: Vec::new(), body };
    let Reply { mut response, instruction } = handle(engine, &request, new_id, now);
    let mut next = instruction;
    while let Some(Instruction::Rest(token)) = next {
        let (piece, token) = rest(engine, &token).unwrap_or_default();
        response.body.push_str(&piece);
        next = token.map(Instruction::Rest);
    }
    response
}

/// A run as its event stream shows it, as JSON text, and whether it has ended.
pub fn run(engine: &Engine, id: &str) -> Option<(String, bool)> {
    let (_, run) = engine.find(id)?;
    Some((Shown::View(shown_run(run)).text(), run.state != RunState::Active))
}

fn answer(
    engine: &mut Engine,
    request: &HttpRequest,
    definition: Option<Value>,
    new_id: &str,
    now: Millis,
) -> Replied {
    if request.header("content-encoding").is_some_and(|encoding| !["", "identity"].contains(&encoding)) {
        let message = "the body has a `content-encoding`, which this server does not unpack";
        return Err(refusal(415, "UNSUPPORTED_ENCODING", message));
    }
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let query = Query::parse(query);
    let response = match routes::find(&request.method, path)? {
        Route::Health => {
            data(200, object([("status", "healthy".into()), ("checks", object([("engine", "ok".into())]))]))
        }
        Route::Version => data(
            200,
            object([("version", env!("CARGO_PKG_VERSION").into()), ("engine", "highway-wasm".into())]),
        ),
        Route::Submit => return submit(engine, request, definition, new_id, now),
        Route::Compile => return definitions::compile(request, definition),
        Route::List(list) => return lists::answer(engine, &list, &request.url, &query),
        Route::Stream(id) => return stream(engine, id, path),
        Route::Run(id) => with_run(engine, &id, whole_run),
        Route::Cancel(id) => cancel(engine, &id, request, now)?,
        Route::Step(id, step) => with_run(engine, &id, |run| one_step(run, &step)),
        Route::Retry(id) => runs::retry(engine, &id, new_id, now),
        Route::Signal(id) => runs::signal(engine, &id, request, now)?,
        Route::SendUpdate(id) => return updates::send(engine, &id, request, path, now),
        Route::Update(id, update) => with_run(engine, &id, |run| updates::one(run, &update)),
        Route::Graph(id) => with_run(engine, &id, |run| definitions::drawing(run, "mermaid")),
        Route::Dot(id) => with_run(engine, &id, |run| definitions::drawing(run, "dot")),
        Route::Query(id) => with_run(engine, &id, |run| runs::variables(run, &query)),
        Route::Metrics(id) => with_run(engine, &id, runs::metrics),
        Route::Stats => runs::stats(engine, &query),
        Route::Approval(key) => runs::approval(engine, &key),
        Route::Decide(key, approved) => runs::decide(engine, &key, approved, request, now)?,
        Route::Definition(id) => definitions::by_id(engine, &id),
        Route::DefinitionByHash(hash) => definitions::by_hash(engine, &hash),
        Route::DefinitionVersion(name, version) => definitions::version(engine, &name, &version),
        Route::DefinitionSource(id) => definitions::source(engine, &id),
        Route::KeepArtifact => artifacts::keep(engine, request, now)?,
        Route::Artifact(id) => artifacts::download(engine, &id),
        Route::ArtifactExists(id) => artifacts::exists(engine, &id),
        Route::DeleteArtifact(id) => artifacts::delete(engine, &id),
        Route::CreateSchedule => schedules::create(engine, request, new_id, now)?,
        Route::Schedule(id) => schedules::one(engine, &id)?,
        Route::ChangeSchedule(id) => schedules::change(engine, &id, request, now)?,
        Route::DeleteSchedule(id) => schedules::delete(engine, &id)?,
        Route::ScheduleHistory(id) => schedules::history(engine, &id, &query)?,
        Route::ScanSchedules => {
            data(200, object([("message", "schedules fire by themselves: there is nothing to scan".into())]))
        }
    };
    Ok(response.into())
}

/// The reply with the states of a run, for hosts that can send a stream.
fn stream(engine: &Engine, id: String, path: &str) -> Replied {
    found(engine, &id)?;
    Ok(Reply::with(routes::not_served(path), Instruction::Stream(id)))
}

fn submit(
    engine: &mut Engine,
    request: &HttpRequest,
    compiled: Option<Value>,
    new_id: &str,
    now: Millis,
) -> Replied {
    let mut body = json_body(request)?;
    let mut take = |name: &str| body.get_mut(name).map(Value::take).filter(|value| !value.is_null());
    let (definition, inputs, source) = (take("workflow_definition"), take("inputs"), take("python_dsl"));
    let source = source.as_ref().and_then(Value::as_str);
    let Some(definition) = definition.or(compiled) else {
        if source.is_some() {
            return Ok(definitions::uncompiled("python_dsl", source));
        }
        return Err(refusal(400, "BODY_INVALID", "the request has no `workflow_definition`"));
    };
    let inputs = inputs_of(inputs)?;
    let is_executed = body.get("execute") != Some(&Value::Bool(false));
    let definition = checked(engine, definition, is_executed, now).map_err(|error| failure(400, &error))?;
    schedules::may_follow(engine, &definition, now)?;
    let key = request.header("x-idempotency-key").filter(|key| !key.is_empty()).map(str::to_owned);
    engine.has_memory(source.map_or(0, str::len)).map_err(|error| failure(400, &error))?;
    let hash = definition.hash.clone();
    let keep_source =
        |engine: &mut Engine| source.into_iter().for_each(|source| engine.keep_source(&hash, source));
    if !is_executed {
        let kept = engine.register(definition, now).map_err(|error| failure(400, &error))?;
        keep_source(engine);
        return Ok(definitions::kept(engine, &kept).into());
    }
    let submission = Submission { definition, inputs, key, run_id: new_id.to_owned() };
    let submitted = engine.submit(submission, now).map_err(|error| failure(400, &error))?;
    keep_source(engine);
    Ok(match submitted {
        Submitted::Created(at) => accepted(engine, at, 201),
        Submitted::Repeated(at) => accepted(engine, at, 200),
        Submitted::Conflict(at) => {
            let existing = engine.run(at).map(|run| run.id().to_owned()).unwrap_or_default();
            respond::conflict(&existing)
        }
    }
    .into())
}

/// The inputs of a request; empty without any.
fn inputs_of(inputs: Option<Value>) -> Result<Map<String, Value>, HttpResponse> {
    match inputs {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(inputs)) => Ok(inputs),
        Some(_) => Err(refusal(400, "BODY_INVALID", "`inputs` is not an object")),
    }
}

/// The definition, if it can run here; otherwise an error with all findings. If it is to run at once, its tools must
/// exist.
fn checked(engine: &Engine, document: Value, is_executed: bool, now: Millis) -> Result<Registered, Error> {
    let unknown_tools = |plan: &Plan| if is_executed { engine.unknown_tools(plan) } else { Vec::new() };
    let can_run = |known: &&Registered| unknown_tools(&known.workflow).is_empty();
    if let Some(known) = engine.latest_if(&document).filter(can_run) {
        return Ok(known.clone());
    }
    engine.may_define(&document)?;
    let hash = definition_hash(&document);
    if let Some(known) = engine.definition_of(&hash).filter(can_run) {
        return Ok(known.clone());
    }
    let definition::Document { workflow, mut diagnostics } = definition::read(&document);
    let (plan, unsupported) = plan(&workflow);
    diagnostics.extend(unsupported);
    diagnostics.extend(validate::errors(&workflow));
    diagnostics.extend(unknown_tools(&plan));
    let mut diagnostics = definition::as_written(diagnostics, &document);
    // Names: the driver passes on any name, and it decides nothing here. Templates: an unknown name fails only the task
    // that has it, and nothing in a lenient engine.
    let is_passed = |code| {
        use ErrorCode::{TemplateInvalid, WorkflowNameInvalid, WorkflowVersionInvalid};
        matches!(code, WorkflowNameInvalid | WorkflowVersionInvalid | TemplateInvalid)
    };
    diagnostics.retain(|finding| finding.is_error() && !is_passed(finding.code));
    match Error::from_diagnostics(diagnostics) {
        Some(error) => Err(error),
        None => Ok(Registered::new(hash, plan, document, now)),
    }
}

fn accepted(engine: &Engine, at: RunIx, status: u16) -> HttpResponse {
    let Some(run) = engine.run(at) else {
        return respond::not_found("run", "");
    };
    let mut map = run_summary(run);
    if let Some(definition) = engine.latest(&run.created.workflow.name) {
        map.extend(definitions::names(engine, definition));
    }
    data(status, Value::Object(map))
}

fn cancel(engine: &mut Engine, id: &str, request: &HttpRequest, now: Millis) -> Answer {
    let body = json_body(request)?;
    let (at, _) = found(engine, id)?;
    if !engine.cancel(at, body.get("reason").and_then(Value::as_str), now) {
        return Err(refusal(409, "RUN_FINISHED", "the run is over and cannot be cancelled"));
    }
    Ok(with_run(engine, id, whole_run))
}

/// The run with an id, or the refusal.
fn found<'a>(engine: &'a Engine, id: &str) -> Result<(RunIx, &'a Run), HttpResponse> {
    engine.find(id).ok_or_else(|| respond::no_run(engine, id))
}

fn with_run(engine: &Engine, id: &str, answer: impl FnOnce(&Run) -> HttpResponse) -> HttpResponse {
    found(engine, id).map_or_else(|refused| refused, |(_, run)| answer(run))
}

fn whole_run(run: &Run) -> HttpResponse {
    respond::shown(200, &Shown::View(shown_run(run)))
}

fn one_step(run: &Run, name: &str) -> HttpResponse {
    let found = run.steps.placed().find(|(at, _)| is_named(run, *at, name));
    let found = found.and_then(|(at, step)| Some((run.operator(at)?, step)));
    found.map_or_else(
        || respond::not_found("step", name),
        |(operator, step)| respond::shown(200, &Shown::View(shown_step(name, operator, step))),
    )
}

/// The body as an object. Some clients send JSON without a content type, or a JSON content type without a body.
fn json_body(request: &HttpRequest) -> Result<Map<String, Value>, HttpResponse> {
    let text = request.body.as_deref().unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match json_value(text)? {
        Value::Object(map) => {
            // Findings about a definition cover this already.
            let given = map.iter().filter(|(name, _)| *name != "workflow_definition");
            match given.into_iter().find_map(|(name, value)| unreadable(value, name)) {
                Some((path, why)) => {
                    Err(refusal(400, "VALUE_NOT_JSON", &format!("`{path}` of the body: {why}")))
                }
                None => Ok(map),
            }
        }
        _ => Err(refusal(400, "BODY_INVALID", "the body is not a JSON object")),
    }
}

/// Reads JSON text of a request.
fn json_value(text: &str) -> Result<Value, HttpResponse> {
    parse_json_input(text).map_err(|error| match error.fault {
        JsonFault::Surrogate => {
            refusal(400, "VALUE_NOT_JSON", &format!("`{}` of the body: {error}", error.path))
        }
        _ => refusal(400, "BODY_INVALID", &format!("the body is not JSON: {error}")),
    })
}

/// Takes a field out of a body; an empty object without the field.
fn taken(body: &mut Map<String, Value>, name: &str) -> Value {
    body.get_mut(name).map_or_else(|| Value::Object(Map::new()), Value::take)
}

/// The path of the first number that no reader can represent, and the reason. `key` is the path of the value.
fn unreadable(value: &Value, key: &str) -> Option<(String, String)> {
    let (below, why) = match value {
        Value::Number(number) => (String::new(), too_large(number)?),
        Value::Array(items) => {
            (0_usize..).zip(items).find_map(|(at, item)| unreadable(item, &at.to_string()))?
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| unreadable(item, name))?,
        _ => return None,
    };
    Some((child_path("", key) + &below, why))
}
