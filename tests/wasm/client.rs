//! The client's function, with a host that a test scripts in JavaScript.

use super::{Object, eval, facts, read, settled};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const CONFIG: &str =
    r#"{"endpoint": "http://server.invalid", "credential": "the-key", "retry": {"attempts": 3}}"#;

/// A host whose answers are a list of outcomes, the last one repeated; `log` tells what it was asked. `outcomes.commands` are
/// the commands of one who follows runs.
const HOST: &str = "((outcomes) => {
    const log = [];
    let [time, limit, cut] = [0];
    const memory = new Map();
    return {
        log,
        mostBytes: 1000000,
        limit(timeout, controller, tell) {
            limit = timeout;
            cut = (kind) => tell(kind === 'timeout');
            return { end() {} };
        },
        async fetch(request) {
            const [{ method, url }, body] = [request, await request.text()];
            log.push({ method, url, headers: Object.fromEntries(request.headers), body, timeout: limit });
            const { kind, reason, status, headers = '', body: text = '' } = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
            if (kind === 'failed') throw new Error(reason);
            if (kind) return new Promise(() => cut(kind));
            const lines = headers.trim().split('\\n').filter(Boolean).map((line) => line.split(': '));
            return new Response(text, { status, headers: lines });
        },
        failed: (error) => error.message,
        struck: async (text) => text,
        async authorize(refused, timeout) {
            log.push({ authorize: refused ?? null, timeout });
            return outcomes.credentials?.shift() ?? { kind: 'failed', reason: 'no more' };
        },
        judge(error, attempt) {
            log.push({ judge: JSON.parse(error).code, attempt });
            return outcomes.verdict;
        },
        async sleep(ms) {
            log.push({ sleep: ms });
            time += Number.isFinite(ms) ? ms : 0;
            await new Promise((resolve) => setTimeout(resolve, 0));
            return !outcomes.cutsSleep;
        },
        now: () => time,
        random: () => 0.5,
        recall: (index) => memory.get(index) ?? 0,
        remember: (index, value) => void memory.set(index, value),
        commands: () => JSON.stringify(outcomes.commands?.shift()),
        isHidden: () => false,
        wake() {},
        tell: (ticket, status) => void log.push({ tell: ticket, status: JSON.parse(status) }),
        end(ticket, outcome, isError) {
            const facts = JSON.parse(isError ? outcome.highway : outcome);
            log.push({ end: ticket, isError, facts });
        },
    };
})";

struct Scripted(JsValue);

impl Scripted {
    /// `outcomes` is JavaScript.
    fn new(outcomes: &str) -> Self {
        Self(eval(&format!("{HOST}({outcomes})")))
    }

    async fn call(&self, op: &str, args: &Value) -> Result<Value, Value> {
        let arguments = [self.0.clone(), CONFIG.into(), op.into(), args.to_string().into()];
        let promise = Object::glue().await.call("clientCall", &arguments).unwrap();
        settled(promise).await.map(|text| read(&text)).map_err(|error| facts(&error))
    }

    fn log(&self) -> Value {
        let log = js_sys::Reflect::get(&self.0, &"log".into()).unwrap();
        let text = js_sys::JSON::stringify(&log).unwrap();
        read(&text.into())
    }
}

fn submission() -> Value {
    json!({"bodyText": r#"{"workflow_definition":{"name":"w"},"inputs":{"n":1}}"#, "key": "key-1"})
}

#[wasm_bindgen_test]
async fn a_response() {
    let host = Scripted::new(r#"[{ status: 201, body: '{"data":{"workflow_run_id":"größe"}}' }]"#);
    assert_eq!(host.call("submit", &submission()).await.unwrap()["runId"], "größe");
    let log = host.log();
    let sent = &log[0];
    assert_eq!((&sent["method"], &sent["headers"]["accept"]), (&json!("POST"), &json!("application/json")));
    assert_eq!(sent["url"], "http://server.invalid/api/v1/workflows");
    assert_eq!(sent["timeout"], 30_000);
    assert_eq!(sent["headers"]["authorization"], "Bearer the-key");
    assert_eq!(sent["headers"]["x-idempotency-key"], "key-1");
    assert_eq!(sent["body"], r#"{"workflow_definition":{"name":"w"},"inputs":{"n":1}}"#);
}

#[wasm_bindgen_test]
async fn headers_of_a_refusal_are_read() {
    let host = Scripted::new(
        "[{ status: 429, body: '{\"message\":\"slow\"}', headers: 'retry-after: 700\\nx-request-id: r1\\n' }]",
    );
    let error = host.call("submit", &submission()).await.unwrap_err();
    assert_eq!((&error["name"], &error["code"]), (&json!("SubmissionError"), &json!("API_RATE_LIMITED")));
    assert_eq!(
        (&error["details"]["retryAfter"], &error["details"]["requestId"]),
        (&json!(700), &json!("r1"))
    );
}

#[wasm_bindgen_test]
async fn a_timeout_and_a_failure_are_tried_again() {
    let host = Scripted::new(
        "[{ kind: 'timeout' }, { kind: 'failed', reason: 'ECONNRESET' }, { status: 200, body: '{\"run_id\":\"r\"}' }]",
    );
    assert_eq!(host.call("submit", &submission()).await.unwrap()["runId"], "r");
    let log = host.log();
    let sleeps: Vec<_> = log.as_array().unwrap().iter().filter_map(|entry| entry.get("sleep")).collect();
    assert_eq!(sleeps.len(), 2, "{log}");
    assert_eq!(log[0]["body"], log[2]["body"]);
    assert_eq!(log[0]["headers"], log[4]["headers"]);
}

#[wasm_bindgen_test]
async fn a_timeout_and_a_failure_for_ever() {
    let error = Scripted::new("[{ kind: 'timeout' }]").call("submit", &submission()).await.unwrap_err();
    assert_eq!((&error["name"], &error["code"]), (&json!("TimeoutError"), &json!("REQUEST_TIMEOUT")));
    assert_eq!(error["details"]["attempts"], 3);
    let host = Scripted::new("[{ kind: 'failed', reason: 'no route' }]");
    let error = host.call("submit", &submission()).await.unwrap_err();
    assert_eq!((&error["name"], &error["code"]), (&json!("SubmissionError"), &json!("API_UNREACHABLE")));
    assert!(error["message"].as_str().unwrap().contains("no route"));
    let error = host.call("status", &json!({"runId": "r"})).await.unwrap_err();
    assert_eq!(error["name"], "ApiError");
}

#[wasm_bindgen_test]
async fn an_abort_while_sending_and_while_sleeping() {
    let cut = "Object.assign([{ status: 503, body: '' }], { cutsSleep: true })";
    for outcomes in ["[{ kind: 'aborted' }]", cut] {
        let host = Scripted::new(outcomes);
        let error = host.call("submit", &submission()).await.unwrap_err();
        assert_eq!((&error["name"], &error["code"]), (&json!("AbortedError"), &json!("ABORTED")));
        assert!(host.log().as_array().unwrap().len() <= 2);
    }
}

#[wasm_bindgen_test]
async fn a_credential_is_asked_for_and_renewed_once() {
    let outcomes = "Object.assign([{ status: 401 }, { status: 200, body: '{\"status\":\"running\"}' }],
        { credentials: [{ credential: 'old' }, { credential: 'new' }] })";
    let host = Scripted::new(outcomes);
    let config = r#"{"endpoint": "http://server.invalid", "credential": true}"#;
    let arguments = [host.0.clone(), config.into(), "status".into(), r#"{"runId": "r"}"#.into()];
    let glue = Object::glue().await;
    let status = read(&settled(glue.call("clientCall", &arguments).unwrap()).await.unwrap());
    assert_eq!(status["state"], "running");
    let log = host.log();
    assert_eq!((&log[0]["authorize"], &log[2]["authorize"]), (&json!(null), &json!("old")));
    assert_eq!(log[0]["timeout"], 30_000);
    assert_eq!(log[3]["headers"]["authorization"], "Bearer new");
    let host = Scripted::new("[]");
    let arguments = [host.0.clone(), config.into(), "status".into(), r#"{"runId": "r"}"#.into()];
    let error = facts(&settled(glue.call("clientCall", &arguments).unwrap()).await.unwrap_err());
    assert_eq!((&error["name"], &error["code"]), (&json!("ConfigurationError"), &json!("AUTH_FAILED")));
}

#[wasm_bindgen_test]
async fn failures_are_judged_where_the_caller_wants_to() {
    let config = r#"{"endpoint": "http://server.invalid", "credential": "k", "retry": {"when": true}}"#;
    for (verdict, requests) in [("false", 1), ("true", 4), ("undefined", 4)] {
        let host = Scripted::new(&format!("Object.assign([{{ status: 503 }}], {{ verdict: {verdict} }})"));
        let arguments = [host.0.clone(), config.into(), "status".into(), r#"{"runId": "r"}"#.into()];
        settled(Object::glue().await.call("clientCall", &arguments).unwrap()).await.unwrap_err();
        let log = host.log();
        let sent = log.as_array().unwrap().iter().filter(|entry| entry.get("url").is_some()).count();
        assert_eq!((sent, &log[1]["judge"]), (requests, &json!("API_SERVER_ERROR")), "{verdict}");
    }
}

#[wasm_bindgen_test]
async fn the_circuit_is_remembered_from_call_to_call() {
    let host = Scripted::new("[{ status: 500 }]");
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(host.call("status", &json!({"runId": "r"})).await.unwrap_err()["code"].clone());
    }
    assert_eq!(codes[0], "API_SERVER_ERROR");
    assert_eq!(codes[5], "API_CIRCUIT_OPEN");
}

/// Follows runs as the commands of a host say.
async fn watch(outcomes: &str) -> Value {
    let host = Scripted::new(outcomes);
    let glue = Object::glue().await;
    settled(glue.call("clientWatch", &[host.0.clone(), CONFIG.into()]).unwrap()).await.unwrap();
    host.log()
}

fn entries<'a>(log: &'a Value, key: &str) -> Vec<&'a Value> {
    log.as_array().unwrap().iter().filter(|entry| entry.get(key).is_some()).collect()
}

#[wasm_bindgen_test]
async fn runs_are_followed_to_their_ends() {
    let answer = |status: &str| {
        let body = json!({"status": status, "progress": {"tasks": {"a": status}}});
        format!("{{ status: 200, body: '{body}' }}")
    };
    let outcomes: Vec<_> = ["running", "running", "completed"].into_iter().map(answer).collect();
    let commands = "{ commands: [[[7, 'r', null, true, true]]] }";
    let log = watch(&format!("Object.assign([{}], {commands})", outcomes.join(","))).await;
    let states: Vec<_> = entries(&log, "tell").iter().map(|entry| entry["status"]["state"].clone()).collect();
    assert_eq!(states, ["running", "completed"]);
    let ends = entries(&log, "end");
    let state = &ends[0]["facts"]["status"]["state"];
    assert_eq!((ends.len(), &ends[0]["end"], state), (1, &json!(7), &json!("completed")));
    assert!(entries(&log, "sleep").iter().any(|entry| entry["sleep"] == 100), "{log}");
}

#[wasm_bindgen_test]
async fn a_run_that_never_ends_and_one_that_is_left() {
    let running = "{ status: 200, body: '{\"status\":\"running\"}' }";
    let commands =
        "{ commands: [[[1, 'r', 5000, false, true], [2, 's', null, false, true]], [], [], [[2]]] }";
    let log = watch(&format!("Object.assign([{running}], {commands})")).await;
    let ends = entries(&log, "end");
    assert_eq!((ends.len(), &ends[0]["end"], &ends[0]["isError"]), (1, &json!(1), &json!(true)));
    let facts = &ends[0]["facts"];
    assert_eq!((&facts["code"], &facts["details"]["runId"]), (&json!("WAIT_TIMEOUT"), &json!("r")));
}

#[wasm_bindgen_test]
async fn what_does_not_exist_is_refused() {
    let host = Scripted::new("[{ kind: 'aborted' }]");
    assert_eq!(host.call("explode", &json!({})).await.unwrap_err()["code"], "NOT_SUPPORTED");
    let glue = Object::glue().await;
    for (config, args) in [("{", "{}"), (CONFIG, "nonsense")] {
        let arguments = [host.0.clone(), config.into(), "status".into(), args.into()];
        let error = settled(glue.call("clientCall", &arguments).unwrap()).await.unwrap_err();
        assert_eq!(facts(&error)["code"], "VALUE_NOT_JSON");
    }
    assert_eq!(host.log(), json!([]), "nothing was sent");
}

#[wasm_bindgen_test]
async fn many_calls_at_once() {
    let host = Scripted::new("[{ status: 200, body: '{\"status\":\"running\"}' }]");
    let glue = Object::glue().await;
    let promises: js_sys::Array = (0..50)
        .map(|at| {
            let args = json!({"runId": at.to_string()}).to_string();
            glue.call("clientCall", &[host.0.clone(), CONFIG.into(), "status".into(), args.into()]).unwrap()
        })
        .collect();
    let texts = settled(js_sys::Promise::all(&promises).into()).await.unwrap();
    let ids: Vec<_> = js_sys::Array::from(&texts).iter().map(|text| read(&text)["runId"].clone()).collect();
    assert_eq!(ids[..3], ["0", "1", "2"]);
    assert_eq!(ids.len(), 50);
}
