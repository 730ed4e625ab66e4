//! Routes of artifacts. Public clients read these answers without an envelope, so the data is at the top level, too.

use super::pieces::{Items, Listing, Start, place, position};
use super::respond::{self, bare, refusal};
use super::{Answer, json_body};
use crate::engine::view::shown::Shown;
use crate::engine::{Artifact, ArtifactFault, Engine, LARGEST_ARTIFACT};
use crate::http::{HttpRequest, HttpResponse};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

/// Keeps `{content, name?, mime?}`. The content is base64; hosts that receive bytes encode them first.
pub(super) fn keep(engine: &mut Engine, request: &HttpRequest, now: Millis) -> Answer {
    let body = json_body(request)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(content) = text("content") else {
        let message = "the request has no artifact: send it as the part `artifact` of a form, as `application/zip`, or as the base64 `content` of a JSON object";
        return Err(refusal(400, "BODY_INVALID", message));
    };
    let (name, mime) = (text("name").unwrap_or("artifact.zip"), text("mime").unwrap_or("application/zip"));
    engine.may_keep_artifact(name, mime, content).map_err(|error| respond::failure(400, &error))?;
    let kept = engine.keep_artifact(name, mime, content, now).map_err(|fault| match fault {
        ArtifactFault::NotBase64 => refusal(400, "BODY_INVALID", "`content` is not base64"),
        ArtifactFault::TooLarge => respond::artifact_too_large(LARGEST_ARTIFACT),
    })?;
    Ok(bare(201, facts(&kept)))
}

/// All artifacts with their ids and metadata.
pub(super) fn list(engine: &Engine, start: Start) -> Listing<'_> {
    let artifacts = engine.artifacts();
    let items = |list: usize, show: fn(&Artifact) -> Shown| -> Items<'_> {
        let from = if list == start.list { position(start.place) } else { 0 };
        let left = artifacts.iter().enumerate().skip(from);
        Box::new(left.map(move |(at, artifact)| (place(at), Some(show(artifact)))))
    };
    let ids = |list| items(list, |artifact| Shown::Text(&artifact.id));
    let facts = |list| items(list, |artifact| Shown::Made(Value::Object(facts(artifact))));
    let count = format!("],\"count\":{}", artifacts.len());
    let again = format!("{count},\"status\":\"success\",\"success\":true,\"data\":{{\"artifacts\":[");
    let between = "],\"items\":[".to_owned();
    let lists = vec![
        ("{\"artifacts\":[".to_owned(), ids(0)),
        (between.clone(), facts(1)),
        (again, ids(2)),
        (between, facts(3)),
    ];
    Listing { lists, end: Box::new(|| count + "}}") }
}

/// The content as base64. The header `content-transfer-encoding` tells the host to decode it.
pub(super) fn download(engine: &Engine, id: &str) -> HttpResponse {
    engine.artifact(id).map_or_else(
        || respond::not_found("artifact", id),
        |artifact| HttpResponse {
            status: 200,
            headers: vec![
                ("content-type".into(), artifact.mime.clone()),
                ("content-disposition".into(), format!("attachment; filename=\"{}\"", plain(&artifact.name))),
                ("etag".into(), format!("\"{}\"", artifact.id)),
                ("content-transfer-encoding".into(), "base64".into()),
            ],
            body: artifact.content.to_string(),
        },
    )
}

pub(super) fn exists(engine: &Engine, id: &str) -> HttpResponse {
    let found = engine.artifact(id);
    let mut answer = Map::from_iter([
        ("exists".to_owned(), found.is_some().into()),
        ("artifact_id".to_owned(), id.into()),
    ]);
    answer.extend(found.map(facts).unwrap_or_default());
    bare(200, answer)
}

pub(super) fn delete(engine: &mut Engine, id: &str) -> HttpResponse {
    if !engine.delete_artifact(id) {
        return respond::not_found("artifact", id);
    }
    let message = Value::from("the artifact was deleted");
    bare(200, Map::from_iter([("message".to_owned(), message), ("artifact_id".to_owned(), id.into())]))
}

fn facts(artifact: &Artifact) -> Map<String, Value> {
    Map::from_iter([
        ("artifact_id".to_owned(), artifact.id.as_str().into()),
        ("size".to_owned(), artifact.size.into()),
        ("name".to_owned(), artifact.name.as_str().into()),
        ("content_type".to_owned(), artifact.mime.as_str().into()),
        ("created_at".to_owned(), to_iso(artifact.at).into()),
    ])
}

/// The name of a file as a header can contain it.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}
