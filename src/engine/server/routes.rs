//! The paths of the API. The encoded path is matched segment by segment, fixed segments first.

use super::respond::refusal;
use crate::http::{HttpResponse, encode_segment};
use crate::json::object;
use serde_json::Value;

/// A request that the engine answers, with the decoded names of its path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Health,
    Version,
    Submit,
    Compile,
    List(List),
    Stream(String),
    Run(String),
    Cancel(String),
    Step(String, String),
    Retry(String),
    Signal(String),
    SendUpdate(String),
    Update(String, String),
    Graph(String),
    Dot(String),
    Query(String),
    Metrics(String),
    Stats,
    Approval(String),
    Decide(String, bool),
    Definition(String),
    DefinitionByHash(String),
    DefinitionVersion(String, String),
    DefinitionSource(String),
    KeepArtifact,
    Artifact(String),
    ArtifactExists(String),
    DeleteArtifact(String),
    CreateSchedule,
    Schedule(String),
    ChangeSchedule(String),
    DeleteSchedule(String),
    ScheduleHistory(String),
    ScanSchedules,
}

/// A list, with the decoded names of its path. Lists may be long, so they are written in pieces.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum List {
    Runs,
    Steps(String),
    Logs(String),
    StepLogs(String, String),
    Signals(String),
    Updates(String),
    UpdateHistory(String),
    Events(String),
    Approvals,
    Artifacts,
    Schedules,
}

/// Parts of a run in Highway's API that the engine does not serve.
const OF_RUNS: [&str; 6] = ["activities", "checkpoints", "locks", "replay", "sagas", "simulate"];
/// Parts of Highway's API that the engine does not serve.
const ELSEWHERE: [&str; 20] = [
    "activities",
    "admin",
    "analytics",
    "apps",
    "auth",
    "circuit-breakers",
    "dsl_templates",
    "health",
    "idempotency",
    "invitations",
    "logs",
    "monitoring",
    "rbac",
    "runs",
    "schemas",
    "tasks",
    "tenant",
    "tenants",
    "users",
    "workers",
];

/// Paths that only say whether the engine is well.
pub const HEALTH: [&str; 2] = ["/ping", "/api/v1/health"];

/// The kind of a request. The host must know it before the engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An upload of an artifact. Unless its body is JSON, the host passes `{name, mime, content}`; the content is
    /// base64.
    Upload,
    /// A request with a definition, which may start a run.
    Submission,
    /// A request for the list of runs.
    Runs,
    /// A request for the run with this id.
    Run(String),
    /// Any other request.
    Other,
}

/// The kind of a request.
pub fn kind(method: &str, url: &str) -> Kind {
    let (path, _) = url.split_once('?').unwrap_or((url, ""));
    match find(method, path) {
        Ok(Route::KeepArtifact) => Kind::Upload,
        Ok(Route::Submit) => Kind::Submission,
        Ok(Route::List(List::Runs)) => Kind::Runs,
        Ok(Route::Run(id)) => Kind::Run(id),
        _ => Kind::Other,
    }
}

impl Kind {
    /// The kind as `{kind, runId?}`.
    pub fn to_json(&self) -> Value {
        let kind = |word: &str| object([("kind", word.into())]);
        match self {
            Self::Upload => kind("upload"),
            Self::Submission => kind("submission"),
            Self::Runs => kind("runs"),
            Self::Run(id) => object([("kind", "run".into()), ("runId", id.as_str().into())]),
            Self::Other => kind("other"),
        }
    }
}

/// The method and the URL of a request that the host makes itself.
pub(super) fn address(operation: &str, subject: &str) -> Option<(&'static str, String)> {
    let subject = encode_segment(subject);
    let (method, path) = match operation {
        "submit" => ("POST", "workflows".to_owned()),
        "signal" => ("POST", format!("workflows/{subject}/signals")),
        "signals" => ("GET", format!("workflows/{subject}/signals")),
        "approvals" => ("GET", "approvals".to_owned()),
        "approve" | "reject" => ("POST", format!("approvals/{subject}/{operation}")),
        "schedules" => ("GET", "schedules".to_owned()),
        "delete_schedule" => ("DELETE", format!("schedules/{subject}")),
        _ => return None,
    };
    Some((method, format!("/api/v1/{path}")))
}

/// The route of a method and a path, or the refusal.
pub(super) fn find(method: &str, path: &str) -> Result<Route, HttpResponse> {
    let unknown = || refusal(404, "NOT_FOUND", &format!("the embedded engine has no path `{path}`"));
    let below = path.trim_end_matches('/');
    if HEALTH.contains(&below) && method == "GET" {
        return Ok(Route::Health);
    }
    let below = below.strip_prefix("/api/v1/").ok_or_else(unknown)?;
    let segments: Vec<String> = below.split('/').map(decode).collect::<Option<_>>().ok_or_else(unknown)?;
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    let owned = |name: &str| name.to_owned();
    let (allowed, route) = match names.as_slice() {
        ["health"] => ("GET", Route::Health),
        ["dsl_to_json"] => ("POST", Route::Compile),
        ["version"] => ("GET", Route::Version),
        ["workflows"] => ("GET, POST", if method == "GET" { Route::List(List::Runs) } else { Route::Submit }),
        ["schedules"] => {
            ("GET, POST", if method == "GET" { Route::List(List::Schedules) } else { Route::CreateSchedule })
        }
        ["schedules", "scan"] => ("POST", Route::ScanSchedules),
        ["schedules", id, "history"] => ("GET", Route::ScheduleHistory(owned(id))),
        ["schedules", id] => {
            let route = match method {
                "PATCH" => Route::ChangeSchedule(owned(id)),
                "DELETE" => Route::DeleteSchedule(owned(id)),
                _ => Route::Schedule(owned(id)),
            };
            ("GET, PATCH, DELETE", route)
        }
        ["workflows", "schedules"] => ("GET", Route::List(List::Schedules)),
        ["workflows", "schedules", job, "cancel"] => ("POST", Route::DeleteSchedule(owned(job))),
        ["workflows", "stats"] => ("GET", Route::Stats),
        ["workflows", run] => ("GET", Route::Run(owned(run))),
        ["workflows", run, "cancel"] => ("POST", Route::Cancel(owned(run))),
        ["workflows", run, "steps"] => ("GET", Route::List(List::Steps(owned(run)))),
        ["workflows", run, "steps", "logs"] => ("GET", Route::List(List::Logs(owned(run)))),
        ["workflows", run, "steps", step] => ("GET", Route::Step(owned(run), owned(step))),
        ["workflows", run, "steps", step, "logs"] => {
            ("GET", Route::List(List::StepLogs(owned(run), owned(step))))
        }
        ["workflows", run, "retry"] => ("POST", Route::Retry(owned(run))),
        ["workflows", run, "signals"] if method == "GET" => {
            ("GET, POST", Route::List(List::Signals(owned(run))))
        }
        ["workflows", run, "signals"] => ("GET, POST", Route::Signal(owned(run))),
        ["workflows", run, "updates"] if method == "GET" => {
            ("GET, POST", Route::List(List::Updates(owned(run))))
        }
        ["workflows", run, "updates"] => ("GET, POST", Route::SendUpdate(owned(run))),
        ["workflows", run, "updates", "history"] => ("GET", Route::List(List::UpdateHistory(owned(run)))),
        ["workflows", run, "updates", update] => ("GET", Route::Update(owned(run), owned(update))),
        ["workflows", run, "stream"] => ("GET", Route::Stream(owned(run))),
        ["workflows", run, "events"] => ("GET", Route::List(List::Events(owned(run)))),
        ["workflows", run, "graph"] => ("GET", Route::Graph(owned(run))),
        ["workflows", run, "graph", "dot"] => ("GET", Route::Dot(owned(run))),
        ["workflows", run, "query"] => ("GET", Route::Query(owned(run))),
        ["workflows", run, "metrics"] => ("GET", Route::Metrics(owned(run))),
        ["approvals"] => ("GET", Route::List(List::Approvals)),
        ["approvals", key] => ("GET", Route::Approval(owned(key))),
        ["approvals", key, "approve"] => ("POST", Route::Decide(owned(key), true)),
        ["approvals", key, "reject"] => ("POST", Route::Decide(owned(key), false)),
        ["workflows", "definitions", "dsl", "python", id] => ("GET", Route::DefinitionSource(owned(id))),
        ["artifacts"] => {
            ("GET, POST", if method == "GET" { Route::List(List::Artifacts) } else { Route::KeepArtifact })
        }
        ["artifacts", id] if method == "DELETE" => ("GET, DELETE", Route::DeleteArtifact(owned(id))),
        ["artifacts", id] => ("GET, DELETE", Route::Artifact(owned(id))),
        ["artifacts", id, "exists"] => ("GET", Route::ArtifactExists(owned(id))),
        ["workflows", "definitions", id] | ["workflows", "definitions", "json", id] => {
            ("GET", Route::Definition(owned(id)))
        }
        ["workflows", "by-hash", hash] => ("GET", Route::DefinitionByHash(owned(hash))),
        ["workflows", name, "versions", version] => {
            ("GET", Route::DefinitionVersion(owned(name), owned(version)))
        }
        ["workflows", "definitions", _, "executions", "grid"]
        | ["workflows", _, "steps", _, "checkpoints"] => {
            return Err(not_served(path));
        }
        ["workflows", _, part, ..] if OF_RUNS.contains(part) => return Err(not_served(path)),
        [first, ..] if ELSEWHERE.contains(first) => return Err(not_served(path)),
        _ => return Err(unknown()),
    };
    if allowed.split(", ").any(|allowed| allowed == method) {
        Ok(route)
    } else {
        let message = format!("`{path}` takes {allowed}, not {method}");
        let mut response = refusal(405, "METHOD_NOT_ALLOWED", &message);
        response.headers.push(("allow".into(), allowed.into()));
        Err(response)
    }
}

/// The refusal of a part of the API that the engine knows of but does not serve.
pub(super) fn not_served(path: &str) -> HttpResponse {
    let message = format!("the embedded engine does not serve `{path}`; a Highway server does");
    refusal(501, "NOT_IMPLEMENTED", &message)
}

/// Decoded query parameters. Of several with one name, the first counts.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).filter_map(pair).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A whole number, or `default` without the parameter; `None` if it is not one from `least` on.
    pub(super) fn count(&self, name: &str, default: usize, least: usize) -> Option<usize> {
        self.get(name).map_or(Some(default), |text| text.parse().ok().filter(|count| *count >= least))
    }
}

/// Percent-decoded text; `None` if it is malformed or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_routes_on_the_encoded_path() {
        assert_eq!(find("GET", "/api/v1/workflows/a%2Fb/").unwrap(), Route::Run("a/b".into()));
        assert_eq!(
            find("GET", "/api/v1/workflows/r/steps/logs").unwrap(),
            Route::List(List::Logs("r".into()))
        );
        assert_eq!(
            find("GET", "/api/v1/workflows/r/steps/gr%C3%B6%C3%9Fe").unwrap(),
            Route::Step("r".into(), "größe".into())
        );
        assert_eq!(find("POST", "/api/v1/workflows").unwrap(), Route::Submit);
    }

    #[test]
    fn refuses_the_rest() {
        for (method, path, status) in [
            ("GET", "/", 404),
            ("GET", "/api/v2/workflows", 404),
            ("GET", "/api/v1/workflows/%zz", 404),
            ("GET", "/api/v1/workflows/%ff", 404),
            ("GET", "/api/v1/nothing", 404),
            ("DELETE", "/api/v1/workflows/r", 405),
            ("GET", "/api/v1/workflows/r/cancel", 405),
        ] {
            assert_eq!(find(method, path).unwrap_err().status, status, "{method} {path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("a=1&b=x%20y+z&&a=2&c");
        assert_eq!(
            (query.get("a"), query.get("b"), query.get("c"), query.get("d")),
            (Some("1"), Some("x y z"), Some(""), None)
        );
    }
}
