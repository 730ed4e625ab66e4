//! The steps of a run. There may be a hundred thousand of them, so nobody has to write or to read them at once: whoever
//! asks with `cursor` gets some, and where the next ones are; for all others they are written in pieces.

use super::respond::{data, refusal};
use super::routes::Query;
use crate::api::HttpResponse;
use crate::codec::{parse_json, write_json};
use crate::engine::{Engine, Run, some_steps, steps_as};
use serde_json::Value;

/// The header that says where an answer goes on, for the host alone.
pub const REST: &str = "x-highway-rest";
/// What an answer has before its steps.
const LIST: &str = "\"steps\":[";

pub(super) fn list(run: &Run, query: &Query) -> HttpResponse {
    let status = query.get("status");
    let Some(cursor) = query.get("cursor") else { return first_piece(run, status) };
    let Ok(from) = cursor.parse() else {
        return refusal(400, "QUERY_INVALID", "`cursor` is the `next_cursor` of another answer, or 0");
    };
    let (steps, next) = some_steps(run, status, from);
    let mut view = steps_as(run, steps);
    if let (Value::Object(map), Some(next)) = (&mut view, next) {
        map.insert("next_cursor".into(), next.into());
    }
    data(200, view)
}

/// The whole answer where it is short. Otherwise it is cut behind its first steps, and a header says where it goes on.
fn first_piece(run: &Run, status: Option<&str>) -> HttpResponse {
    let (steps, next) = some_steps(run, status, 0);
    let mut answer = data(200, steps_as(run, steps));
    if let Some(next) = next {
        // Behind the steps there are counts, which the last piece has.
        let end = answer.body.rfind(']').unwrap_or(answer.body.len());
        answer.body.truncate(end);
        let is_begun = !answer.body.ends_with('[');
        answer.headers.push((REST.into(), token(run.id(), status, next, is_begun)));
    }
    answer
}

/// The next piece of an answer, and what says where it goes on after that; nothing where the run is forgotten.
pub fn rest(engine: &Engine, token: &str) -> Option<(String, Option<String>)> {
    let token = parse_json(token).ok()?;
    let text = |at: usize| token.get(at).and_then(Value::as_str);
    let (id, status, is_begun) = (text(0)?, text(1), token.get(3) == Some(&Value::Bool(true)));
    let from = token.get(2).and_then(Value::as_u64).and_then(|from| usize::try_from(from).ok())?;
    let (_, run) = engine.find(id)?;
    let (steps, next) = some_steps(run, status, from);
    let comma = if is_begun && !steps.is_empty() { "," } else { "" };
    let is_begun = is_begun || !steps.is_empty();
    let list = write_json(&Value::Array(steps));
    let steps = list.trim_start_matches('[');
    let steps = steps.strip_suffix(']').unwrap_or(steps);
    if let Some(next) = next {
        return Some((format!("{comma}{steps}"), Some(self::token(id, status, next, is_begun))));
    }
    let counts = data(200, steps_as(run, Vec::new())).body;
    let end = counts.find(LIST).map_or(counts.len(), |list| list + LIST.len());
    Some((format!("{comma}{steps}{}", counts.get(end..).unwrap_or_default()), None))
}

fn token(run: &str, status: Option<&str>, next: usize, is_begun: bool) -> String {
    write_json(&Value::Array(vec![run.into(), status.into(), next.into(), is_begun.into()]))
}
