//! The client's function, with a host that a test scripts in JavaScript.

use super::{Object, eval, facts, read, settled};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const CONFIG: &str = r#"{"endpoint": "http://server.invalid", "credential": "the-key", "attempts": 3}"#;

/// A host whose answers are a list of outcomes, the last one repeated; `log` tells what it was asked.
const HOST: &str = "((outcomes) => {
    const log = [];
    let time = 0;
    return {
        log,
        async send(request, timeout) {
            log.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers),
                body: await request.text(), timeout, isRequest: request instanceof Request });
            const isSteps = outcomes.steps && request.url.endsWith('/steps');
            const outcome = isSteps ? outcomes.steps : outcomes.length > 1 ? outcomes.shift() : outcomes[0];
            if (outcome.status === undefined) return outcome;
            const response = new Response(outcome.body, outcome);
            return { kind: 'response', response, body: await response.text() };
        },
        async sleep(ms) {
            log.push({ sleep: ms });
            time += ms;
            return !outcomes.cutsSleep;
        },
        now: () => time,
        random: () => 0.5,
        progress: (text) => void log.push({ progress: JSON.parse(text) }),
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
    json!({"definition": {"name": "w"}, "inputs": {"n": 1}, "key": "key-1"})
}

#[wasm_bindgen_test]
async fn a_response() {
    let host = Scripted::new(r#"[{ status: 201, body: '{"data":{"workflow_run_id":"größe"}}' }]"#);
    assert_eq!(host.call("submit", &submission()).await, Ok(json!("größe")));
    let log = host.log();
    let sent = &log[0];
    assert_eq!((&sent["method"], &sent["isRequest"]), (&json!("POST"), &json!(true)));
    assert_eq!(sent["url"], "http://server.invalid/api/v1/workflows");
    assert_eq!(sent["timeout"], 30_000);
    assert_eq!(sent["headers"]["authorization"], "Bearer the-key");
    assert_eq!(sent["headers"]["x-idempotency-key"], "key-1");
    assert_eq!(sent["body"], r#"{"workflow_definition":{"name":"w"},"inputs":{"n":1}}"#);
}

#[wasm_bindgen_test]
async fn headers_of_a_refusal_are_read() {
    let host = Scripted::new(
        "[{ status: 429, body: '{\"message\":\"slow\"}', headers: { 'Retry-After': '7', 'X-Request-Id': 'r1' } }]",
    );
    let error = host.call("submit", &submission()).await.unwrap_err();
    assert_eq!((&error["name"], &error["code"]), (&json!("SubmissionError"), &json!("API_RATE_LIMITED")));
    assert_eq!((&error["details"]["retryAfter"], &error["details"]["requestId"]), (&json!(7), &json!("r1")));
}

#[wasm_bindgen_test]
async fn a_timeout_and_a_failure_are_tried_again() {
    let host = Scripted::new(
        "[{ kind: 'timeout' }, { kind: 'failed', reason: 'ECONNRESET' }, { status: 200, body: '{\"run_id\":\"r\"}' }]",
    );
    assert_eq!(host.call("submit", &submission()).await, Ok(json!("r")));
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
async fn a_run_is_followed_to_its_end() {
    let answer = |status: &str| format!("{{ status: 200, body: '{{\"status\":\"{status}\"}}' }}");
    let outcomes: Vec<_> = ["running", "running", "completed"].into_iter().map(answer).collect();
    let steps =
        r#"{ status: 200, body: '{"steps":[{"step_name":"a","status":"succeeded","result":{"n":1}}]}' }"#;
    let host = Scripted::new(&format!("Object.assign([{}], {{ steps: {steps} }})", outcomes.join(",")));
    let result = host.call("result", &json!({"runId": "r"})).await.unwrap();
    assert_eq!(result["status"]["state"], "completed");
    assert_eq!(result["tasks"]["a"]["result"], json!({"n": 1}));
    let log = host.log();
    let states: Vec<_> =
        log.as_array().unwrap().iter().filter_map(|entry| entry.pointer("/progress/state")).collect();
    assert_eq!(states, ["running", "completed"]);
    assert_eq!(log[2]["sleep"], 100);
}

#[wasm_bindgen_test]
async fn a_run_that_never_ends() {
    let host = Scripted::new("[{ status: 200, body: '{\"status\":\"running\"}' }]");
    let error = host.call("result", &json!({"runId": "r", "timeoutMs": 10_000})).await.unwrap_err();
    assert_eq!((&error["name"], &error["code"]), (&json!("TimeoutError"), &json!("WAIT_TIMEOUT")));
    assert_eq!(error["details"]["runId"], "r");
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
