//! Definitions that the engine keeps, and drawings of them.

use super::respond::{self, data};
use crate::api::HttpResponse;
use crate::definition;
use crate::engine::{Engine, Registered, Run};
use crate::graph;
use crate::json::object;
use crate::time::to_iso;
use serde_json::{Map, Value};

/// The answer to a definition that is kept without a run.
pub(super) fn kept(engine: &Engine, definition: &Registered) -> HttpResponse {
    let mut map = names(engine, definition);
    map.insert("workflow_name".into(), definition.workflow.name.as_str().into());
    map.insert("status".into(), "registered".into());
    data(201, Value::Object(map))
}

/// What a definition is called: `{definition_id, definition_hash, version}`.
pub(super) fn names(engine: &Engine, definition: &Registered) -> Map<String, Value> {
    Map::from_iter([
        ("definition_id".to_owned(), id_of(definition).into()),
        ("definition_hash".to_owned(), definition.hash.as_str().into()),
        ("version".to_owned(), version_of(engine, definition).into()),
    ])
}

pub(super) fn by_id(engine: &Engine, id: &str) -> HttpResponse {
    answer(engine, engine.definitions().iter().rfind(|known| id_of(known) == id), id)
}

pub(super) fn by_hash(engine: &Engine, hash: &str) -> HttpResponse {
    answer(engine, engine.definitions().iter().rfind(|known| known.hash == hash), hash)
}

pub(super) fn version(engine: &Engine, name: &str, version: &str) -> HttpResponse {
    let number: usize = version.parse().unwrap_or(0);
    let mut versions = engine.definitions().iter().filter(|known| known.workflow.name == name);
    answer(engine, number.checked_sub(1).and_then(|at| versions.nth(at)), name)
}

pub(super) fn drawing(run: &Run, kind: &str) -> HttpResponse {
    let workflow = definition::read(&run.created.definition).workflow;
    let text = if kind == "dot" { graph::dot(&workflow) } else { graph::mermaid(&workflow) };
    data(200, object([(kind, text.into()), ("workflow_run_id", run.id().into())]))
}

fn answer(engine: &Engine, found: Option<&Registered>, what: &str) -> HttpResponse {
    found.map_or_else(
        || respond::not_found("definition", what),
        |found| {
            let mut map = names(engine, found);
            map.insert("workflow_name".into(), found.workflow.name.as_str().into());
            map.insert("name".into(), found.workflow.name.as_str().into());
            map.insert("definition_json".into(), (*found.definition).clone());
            map.insert("workflow_definition".into(), (*found.definition).clone());
            map.insert("created_at".into(), to_iso(found.at).into());
            data(200, Value::Object(map))
        },
    )
}

/// An id in the form of a UUID, made of the hash: the same content has the same one.
fn id_of(definition: &Registered) -> String {
    let hash = &definition.hash;
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// The number of a version, from 1.
fn version_of(engine: &Engine, definition: &Registered) -> usize {
    let same = engine.definitions().iter().filter(|known| known.workflow.name == definition.workflow.name);
    same.take_while(|known| known.hash != definition.hash).count() + 1
}
