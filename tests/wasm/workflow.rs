//! The functions of `WorkflowBuilder` and `Workflow`.

use super::{Object, eval};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const BUILD: &str = r#"{"new": {"name": "w"}, "calls": [
    ["task", {"task_id": "a", "function": "f", "kwargs": {"big": 9007199254740993, "half": 1.50}}],
    ["foreach", {"task_id": "each", "items": "{{a}}", "loop_body": {"$sub": [["task", {"task_id": "b", "function": "g"}]]}}],
    ["retry", {"max_retries": 1}]]}"#;

#[wasm_bindgen_test]
async fn calls_become_a_definition_with_notes() {
    let glue = Object::glue().await;
    let built = glue.value("builderBuild", &[BUILD.into()]);
    assert_eq!(built["notes"][0]["code"], "MODIFIER_IGNORED", "{built}");
    let text = built["text"].as_str().unwrap();
    assert!(text.contains(r#""kwargs":{"big":9007199254740993,"half":1.5}"#), "{text}");
    let pretty = glue
        .call("workflowWrite", &[text.into(), "json".into(), "json".into(), "{}".into()])
        .unwrap()
        .as_string()
        .unwrap();
    assert!(pretty.starts_with("{\n  \"name\": \"w\",\n"), "{pretty}");
    for (form, start) in [("mermaid", "stateDiagram-v2"), ("dot", "digraph workflow {")] {
        let drawn = glue.call("workflowWrite", &[text.into(), "json".into(), form.into(), "{}".into()]);
        assert!(drawn.unwrap().as_string().unwrap().starts_with(start), "{form}");
    }
    let layout = glue.value("workflowLayout", &[text.into(), "{}".into()]);
    assert_eq!(layout["nodes"][0]["id"], "/tasks/a");
    assert_eq!(layout["nodes"][0].get("parent"), Some(&Value::Null));
    assert_eq!(layout["edges"][0]["points"][0].as_array().unwrap().len(), 2);
}

#[wasm_bindgen_test]
async fn a_call_is_checked_by_itself() {
    let glue = Object::glue().await;
    let call = |method: &str, params: &str, has_current: bool| -> Vec<JsValue> {
        vec![method.into(), params.into(), has_current.into()]
    };
    assert!(glue.call("builderCall", &call("retry", "{}", false)).is_ok());
    let guard = r#"{"variable": "x", "check": "exists"}"#;
    assert!(glue.call("builderCall", &call("precondition", guard, true)).is_ok());
    assert_eq!(glue.failure("builderCall", &call("precondition", guard, false))["code"], "NO_CURRENT_TASK");
    let facts = glue.failure("builderCall", &call("tsk", "{}", true));
    assert_eq!(facts["code"], "METHOD_UNKNOWN");
    let facts = glue.failure("builderCall", &call("task", r#"{"task_id": 1, "function": []}"#, false));
    assert_eq!(facts["diagnostics"].as_array().unwrap().len(), 2);
    assert_eq!(glue.failure("builderNew", &[r#"{"name": "No"}"#.into()])["path"], "/name");
}

#[wasm_bindgen_test]
async fn text_is_read_or_refused_and_findings_are_data() {
    let glue = Object::glue().await;
    let read = |text: &str| glue.call("workflowRead", &[text.into(), "json".into()]);
    assert!(read(r#"{"name": "w"}"#).is_ok());
    // What was refused is not what the next call sees.
    assert!(read(r#"{"name": 5}"#).is_err());
    assert!(read(r#"{"name": "w"}"#).is_ok());
    for (text, code) in [
        ("", "JSON_INVALID"),
        (r#"{"name": "a", "name": "b"}"#, "KEY_DUPLICATE"),
        ("[]", "FIELD_TYPE_INVALID"),
    ] {
        assert_eq!(glue.failure("workflowRead", &[text.into(), "json".into()])["code"], code);
        let found = glue.value("workflowValidate", &[text.into(), "json".into(), 0.into(), eval("({})")]);
        assert_eq!(found[0]["code"], code);
    }
    let scheduled = r#"{"name": "w", "schedule": "0 0 * * *",
        "tasks": {"a": {"task_id": "a", "operator_type": "wait", "wait_for": 1}}}"#;
    assert_eq!(
        glue.value("workflowValidate", &[scheduled.into(), "json".into(), 0.into(), eval("({})")]),
        json!([])
    );
    let zones = eval("({ zoneOffset: (zone) => zone === 'Asia/Tokyo' ? 32_400_000 : undefined })");
    let validate = |text: &str| {
        glue.value("workflowValidate", &[text.into(), "json".into(), 86_400_000.into(), zones.clone()])
    };
    let found = validate(scheduled);
    assert!(found[0]["message"].as_str().unwrap().contains("1970-01-03T00:00:00Z"), "{found}");
    let found = validate(&scheduled.replace("0 0", "CRON_TZ=Asia/Tokyo 0 0"));
    assert!(found[0]["message"].as_str().unwrap().contains("1970-01-02T15:00:00Z"), "{found}");
    let found = validate(&scheduled.replace("0 0", "CRON_TZ=Asia/Tokio 0 0"));
    assert_eq!(found[0]["code"], "SCHEDULE_INVALID", "{found}");
}

#[cfg(feature = "engine")]
#[wasm_bindgen_test]
async fn yaml_is_read_and_written() {
    let glue = Object::glue().await;
    let write = |text: &str, form: &str, to: &str| {
        glue.call("workflowWrite", &[text.into(), form.into(), to.into(), "{}".into()])
    };
    let yaml = write(r#"{"name": "w"}"#, "json", "yaml").unwrap().as_string().unwrap();
    assert!(yaml.contains("name: w\n"), "{yaml}");
    let document = write(&yaml, "yaml", "document").unwrap().as_string().unwrap();
    assert!(document.starts_with(r#"{"name":"w","version":"2.0.0""#), "{document}");
    let facts = super::facts(&write("a: [", "yaml", "document").unwrap_err());
    assert_eq!(facts["code"], "YAML_INVALID");
    assert!(facts["details"]["line"].as_u64().is_some(), "{facts}");
}
