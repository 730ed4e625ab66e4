//! Routes of definitions that the engine keeps, and of their drawings.

use super::respond::{self, bare, data, refusal};
use super::{Instruction, Replied, Reply, json_body};
use crate::definition;
use crate::engine::{Engine, Registered, Run, uuid_of};
use crate::graph;
use crate::http::{HttpRequest, HttpResponse};
use crate::json::object;
use crate::time::to_iso;
use serde_json::{Map, Value};

/// The answer after a definition was kept without a run.
pub(super) fn kept(engine: &Engine, definition: &Registered) -> HttpResponse {
    let mut map = names(engine, definition);
    map.insert("status".into(), "registered".into());
    data(201, Value::Object(map))
}

/// The definition compiled from the Python in the `code` of the body.
pub(super) fn compile(request: &HttpRequest, compiled: Option<Value>) -> Replied {
    let body = json_body(request)?;
    let source = body.get("code").and_then(Value::as_str);
    match compiled {
        None => Ok(uncompiled("code", source)),
        Some(_) if source.is_none() => Err(refusal(400, "BODY_INVALID", "the request has no `code`")),
        Some(definition) => {
            Ok(bare(200, Map::from_iter([("workflow_definition".to_owned(), definition)])).into())
        }
    }
}

/// The reply to a body with Python in a field: an instruction to compile it, and a refusal for hosts that cannot.
pub(super) fn uncompiled(field: &str, source: Option<&str>) -> Reply {
    let help = "send `workflow_definition`; or give the engine the option `pythonDsl`, which is `--python-dsl` of `highway-wasm serve`";
    let message = format!("Python is not run here to read `{field}`");
    let refused = respond::advised(501, "NOT_IMPLEMENTED", &message, help);
    Reply::with(refused, Instruction::Compile(source.map(str::to_owned)))
}

/// The names of a definition: `{definition_id, definition_hash, version, workflow_name}`.
pub(super) fn names(engine: &Engine, definition: &Registered) -> Map<String, Value> {
    Map::from_iter([
        ("definition_id".to_owned(), uuid_of(&definition.hash).into()),
        ("definition_hash".to_owned(), definition.hash.as_str().into()),
        ("version".to_owned(), version_of(engine, definition).into()),
        ("workflow_name".to_owned(), definition.workflow.name.as_str().into()),
    ])
}

pub(super) fn by_id(engine: &Engine, id: &str) -> HttpResponse {
    answer(engine, engine.definition_with_id(id), id)
}

/// The Python source from which a definition was made; null for one that was submitted as JSON.
pub(super) fn source(engine: &Engine, id: &str) -> HttpResponse {
    engine.definition_with_id(id).map_or_else(
        || respond::not_found("definition", id),
        |found| {
            let mut map = names(engine, found);
            map.insert("python_dsl".into(), engine.source(&found.hash).into());
            data(200, Value::Object(map))
        },
    )
}

pub(super) fn by_hash(engine: &Engine, hash: &str) -> HttpResponse {
    answer(engine, find_hash(engine, hash), hash)
}

pub(super) fn version(engine: &Engine, name: &str, version: &str) -> HttpResponse {
    answer(engine, find_version(engine, name, version), name)
}

/// The definition with this hash, with or without `sha256:` in front.
pub(super) fn find_hash<'a>(engine: &'a Engine, hash: &str) -> Option<&'a Registered> {
    engine.definition_of(hash.strip_prefix("sha256:").unwrap_or(hash))
}

/// The definition with this name and version, which counts from 1.
pub(super) fn find_version<'a>(engine: &'a Engine, name: &str, version: &str) -> Option<&'a Registered> {
    let number: usize = version.parse().ok()?;
    engine.definitions().find(|known| known.workflow.name == name && known.version == number)
}

pub(super) fn drawing(run: &Run, kind: &str) -> HttpResponse {
    let workflow = definition::read(&run.created.definition).workflow.without_delays();
    let text = if kind == "dot" { graph::dot(&workflow) } else { graph::mermaid(&workflow) };
    data(200, object([(kind, text.into()), ("workflow_run_id", run.id().into())]))
}

fn answer(engine: &Engine, found: Option<&Registered>, name: &str) -> HttpResponse {
    found.map_or_else(
        || respond::not_found("definition", name),
        |found| {
            let mut map = names(engine, found);
            map.insert("name".into(), found.workflow.name.as_str().into());
            map.insert("definition_json".into(), (*found.definition).clone());
            map.insert("workflow_definition".into(), (*found.definition).clone());
            map.insert("python_dsl".into(), engine.source(&found.hash).into());
            map.insert("created_at".into(), to_iso(found.at).into());
            data(200, Value::Object(map))
        },
    )
}

/// The version of a definition, from 1.
fn version_of(engine: &Engine, definition: &Registered) -> usize {
    engine.definition_of(&definition.hash).map_or(definition.version, |known| known.version)
}
