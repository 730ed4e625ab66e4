//! The engine's handle.

use super::{Object, read};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: f64 = 1_893_456_000_000.0;

async fn engine() -> Object {
    Object::glue().await.construct("EngineHandle", &["{}".into()]).unwrap()
}

/// The answer to a request: status and data.
fn request(engine: &Object, method: &str, path: &str, body: &Value, now: f64) -> (u64, Value) {
    let head = json!({"method": method, "url": format!("/api/v1{path}"), "headers": {}}).to_string();
    asked(engine, &head, body, now)
}

fn asked(engine: &Object, head: &str, body: &Value, now: f64) -> (u64, Value) {
    let body = if body.is_null() { JsValue::UNDEFINED } else { body.to_string().into() };
    let answer = engine.call("request", &[head.into(), body, "run-1".into(), now.into()]).unwrap();
    let answer = answer.as_string().unwrap();
    let (head, body) = answer.split_once('\n').unwrap();
    let (head, body): (Value, Value) =
        (serde_json::from_str(head).unwrap(), serde_json::from_str(body).unwrap());
    (head["status"].as_u64().unwrap(), body.get("data").cloned().unwrap_or(body))
}

fn submit(engine: &Object, tasks: &Value) -> (u64, Value) {
    let definition = json!({"name": "w", "version": "1.0.0", "tasks": tasks});
    request(engine, "POST", "/workflows", &json!({"workflow_definition": definition}), NOW)
}

fn status(engine: &Object, now: f64) -> Value {
    request(engine, "GET", "/workflows/run-1", &Value::Null, now).1
}

fn two_tasks() -> Value {
    json!({
        "a": {"task_id": "a", "operator_type": "task", "function": "my.tool", "result_key": "a_result",
            "kwargs": {"k": "größe"}},
        "b": {"task_id": "b", "operator_type": "task", "function": "my.tool", "dependencies": ["a"],
            "kwargs": {"n": "{{a_result.n}}"}},
    })
}

fn effects(engine: &Object) -> Vec<Value> {
    engine.json("takeEffects", &[]).as_array().unwrap().clone()
}

fn finish(engine: &Object, effect: &Value, kind: &str, outcome: &Value) {
    let outcomes = json!([[effect["call"], kind, outcome]]).to_string();
    engine.call("toolsFinished", &[outcomes.into(), (NOW + 5.0).into()]).unwrap();
}

#[wasm_bindgen_test]
async fn a_run_from_its_submission_to_its_end() {
    let engine = engine().await;
    assert_eq!(effects(&engine), [Value::Null; 0]);
    let (code, data) = submit(&engine, &two_tasks());
    assert_eq!((code, &data["workflow_run_id"]), (201, &json!("run-1")));
    let started = effects(&engine);
    assert_eq!(started.len(), 1);
    let first = &started[0];
    assert_eq!(
        (&first["type"], &first["tool"], &first["task"]),
        (&json!("start_tool"), &json!("my.tool"), &json!("a"))
    );
    assert_eq!(
        (&first["kwargs"], &first["attempt"], &first["runId"]),
        (&json!({"k": "größe"}), &json!(1), &json!("run-1"))
    );
    assert_eq!(effects(&engine).len(), 0, "effects are given out once");
    finish(&engine, first, "result", &json!({"n": 1.5}));
    let second = &effects(&engine)[0];
    assert_eq!((&second["task"], &second["kwargs"]), (&json!("b"), &json!({"n": 1.5})));
    finish(&engine, second, "result", &Value::Null);
    assert_eq!(effects(&engine), [json!({"type": "run_ended", "runId": "run-1"})]);
    let run = status(&engine, NOW + 6.0);
    assert_eq!((&run["status"], &run["result"]["a_result"]), (&json!("completed"), &json!({"n": 1.5})));
    assert!(engine.call("nextWake", &[]).unwrap().is_undefined());
}

#[wasm_bindgen_test]
async fn a_failure_keeps_its_facts() {
    let engine = engine().await;
    submit(&engine, &two_tasks());
    let failure = json!({"code": "MINE", "message": "broken ✗", "help": "mend it", "result": {"part": 1}});
    finish(&engine, &effects(&engine)[0], "failure", &failure);
    assert_eq!(status(&engine, NOW + 6.0)["status"], "failed");
    let (_, step) = request(&engine, "GET", "/workflows/run-1/steps/a", &Value::Null, NOW);
    assert_eq!((&step["status"], &step["result"]), (&json!("failed"), &json!({"part": 1})));
    assert_eq!(
        (&step["error_details"]["code"], &step["error_details"]["help"]),
        (&json!("MINE"), &json!("mend it"))
    );
}

#[wasm_bindgen_test]
async fn time_passes_when_it_is_told() {
    let engine = engine().await;
    let tasks = json!({"a": {"task_id": "a", "operator_type": "wait", "wait_for": "PT90S"}});
    assert_eq!(submit(&engine, &tasks).0, 201);
    assert_eq!(engine.call("nextWake", &[]).unwrap().as_f64(), Some(NOW + 90_000.0));
    engine.call("tick", &[(NOW + 89_999.0).into()]).unwrap();
    assert_eq!(status(&engine, NOW + 89_999.0)["status"], "sleeping");
    engine.call("tick", &[(NOW + 90_000.0).into()]).unwrap();
    assert_eq!(status(&engine, NOW + 90_000.0)["status"], "completed");
}

#[wasm_bindgen_test]
async fn cancelling_aborts_what_runs() {
    let engine = engine().await;
    submit(&engine, &two_tasks());
    let call = effects(&engine)[0]["call"].clone();
    let (code, _) = request(&engine, "POST", "/workflows/run-1/cancel", &json!({"reason": "enough"}), NOW);
    assert_eq!(code, 200);
    let aborted = effects(&engine);
    assert_eq!((&aborted[0]["type"], &aborted[0]["call"]), (&json!("abort_tool"), &call));
    assert_eq!(status(&engine, NOW)["status"], "cancelled");
    assert_eq!(request(&engine, "POST", "/workflows/run-1/cancel", &Value::Null, NOW).0, 409);
}

#[wasm_bindgen_test]
async fn odd_arguments_do_no_harm() {
    let glue = Object::glue().await;
    let refused = glue.construct("EngineHandle", &["nonsense".into()]).err().unwrap();
    assert_eq!(super::facts(&refused)["code"], "VALUE_NOT_JSON");
    let engine = engine().await;
    let failure = |name: &str, arguments: &[JsValue]| engine.failure(name, arguments)["code"].clone();
    assert_eq!(
        failure("request", &["{".into(), JsValue::UNDEFINED, "id".into(), NOW.into()]),
        "VALUE_NOT_JSON"
    );
    assert_eq!(failure("toolsFinished", &["[".into(), NOW.into()]), "VALUE_NOT_JSON");
    assert_eq!(failure("toolsFinished", &["".into(), NOW.into()]), "VALUE_NOT_JSON");
    // A call nobody made, and moments that are none.
    for (outcomes, now) in [
        (r#"[[99, "result", 1]]"#, NOW),
        (r#"[[null, "failure", null]]"#, f64::NAN),
        (r#"[[-1, 7], [1e300, "failure", {}], 5, []]"#, f64::NEG_INFINITY),
        ("{}", 0.0),
    ] {
        engine.call("toolsFinished", &[outcomes.into(), now.into()]).unwrap();
        engine.call("tick", &[now.into()]).unwrap();
    }
    assert_eq!(asked(&engine, "{}", &Value::Null, NOW).0, 404);
    assert_eq!(submit(&engine, &two_tasks()).0, 201);
}

#[wasm_bindgen_test]
async fn a_handle_that_was_freed_is_refused_and_others_live_on() {
    let (one, other) = (engine().await, engine().await);
    submit(&one, &two_tasks());
    one.call("free", &[]).unwrap();
    assert!(one.call("takeEffects", &[]).is_err());
    assert_eq!(submit(&other, &two_tasks()).0, 201);
    let text: JsValue = other.call("takeEffects", &[]).unwrap();
    assert_eq!(read(&text)[0]["task"], "a");
}

/// All entries of a snapshot.
fn snapshot(engine: &Object) -> Vec<String> {
    engine.call("beginSnapshot", &[]).unwrap();
    std::iter::from_fn(|| engine.call("snapshotEntry", &[]).unwrap().as_string()).collect()
}

#[wasm_bindgen_test]
async fn a_snapshot_is_replayed_like_a_journal() {
    let one = engine().await;
    submit(&one, &two_tasks());
    one.call("takeRecords", &[]).unwrap();
    let entries = snapshot(&one);
    let other = engine().await;
    for entry in &entries {
        other.call("replay", &[entry.into()]).unwrap();
    }
    other.call("resume", &[NOW.into()]).unwrap();
    assert_eq!(status(&other, NOW)["progress"], status(&one, NOW)["progress"]);
    assert_eq!(effects(&other)[0]["kwargs"], json!({"k": "größe"}));
    assert_eq!(snapshot(&other), entries);
}
