//! The driver's functions.

use super::{Object, eval};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const CYCLE: &str =
    r#"[["task", "a", {"shell": "x", "depends": ["b"]}], ["task", "b", {"shell": "x", "depends": ["a"]}]]"#;

#[wasm_bindgen_test]
async fn version_and_error_codes() {
    let glue = Object::glue().await;
    let text = |name: &str| glue.call(name, &[]).unwrap().as_string().unwrap();
    assert_eq!(text("version"), highway_wasm::wasm::version());
    assert_eq!(text("errorCodes"), highway_wasm::wasm::error_codes());
    assert!(text("errorCodes").contains("ABORTED:AbortedError"));
}

#[wasm_bindgen_test]
async fn text_that_is_no_json_is_an_error_with_facts() {
    let glue = Object::glue().await;
    for text in ["", "{", "not json", "{\"a\":}", "[1,]", "\u{feff}{}"] {
        let cases: [(&str, Vec<JsValue>); 5] = [
            ("driverTask", vec!["task".into(), "a".into(), text.into(), false.into()]),
            ("driverValidate", vec![text.into(), 0.into(), eval("({})")]),
            ("driverCheck", vec![text.into()]),
            ("driverBuild", vec![text.into()]),
            ("seconds", vec!["timeout".into(), text.into(), 0.into()]),
        ];
        for (function, arguments) in cases {
            let facts = glue.failure(function, &arguments);
            assert_eq!(facts["code"], "VALUE_NOT_JSON", "{function}({text})");
            assert_eq!(facts["name"], "ValidationError");
        }
        assert_eq!(glue.failure("clientCheck", &[text.into()])["code"], "VALUE_NOT_JSON");
    }
}

#[wasm_bindgen_test]
async fn a_task_is_read_and_refused() {
    let glue = Object::glue().await;
    let task = |options: &str, taken: bool| {
        glue.call("driverTask", &["task".into(), "größe 🛣️".into(), options.into(), taken.into()])
    };
    assert!(task(r#"{"shell": "echo", "timeout": "PT1M"}"#, false).unwrap().is_undefined());
    let list = r#"[["task", "größe 🛣️", {"shell": "echo", "timeout": "PT1M"}]]"#;
    let read = glue.json("driverTasks", &[list.into()]);
    assert_eq!(
        (&read[0]["name"], &read[0]["type"], &read[0]["timeout"]),
        (&json!("größe 🛣️"), &json!("shell"), &json!(60))
    );
    let refused = |options: &str, taken: bool| super::facts(&task(options, taken).unwrap_err());
    let unknown = refused(r#"{"shell": "x", "retrys": 1}"#, false);
    assert_eq!(
        (&unknown["name"], &unknown["code"]),
        (&json!("TaskDefinitionError"), &json!("TASK_OPTION_UNKNOWN"))
    );
    assert_eq!(unknown["path"], "/retrys");
    assert_eq!(unknown["help"], "did you mean `retries`?");
    let taken = refused(r#"{"shell": "x"}"#, true);
    assert_eq!(taken["code"], "TASK_DUPLICATE");
    assert!(taken["message"].as_str().unwrap().contains("größe 🛣️"));
    assert_eq!(refused("[]", false)["code"], "TASK_OPTION_TYPE");
}

#[wasm_bindgen_test]
async fn findings_are_data_and_check_throws_them() {
    let glue = Object::glue().await;
    let findings = glue.value("driverValidate", &[CYCLE.into(), 0.into(), eval("({})")]);
    assert_eq!(findings[0]["code"], "DEPENDENCY_CYCLE");
    assert_eq!(findings[0]["severity"], "error");
    let facts = glue.failure("driverCheck", &[CYCLE.into()]);
    assert_eq!(facts["code"], "DEPENDENCY_CYCLE");
    assert_eq!(facts["diagnostics"], findings);
    assert_eq!(glue.failure("driverCheck", &["[]".into()])["code"], "NO_TASKS");
    let limit = |task: &str| glue.call("driverCheck", &[format!("[{task}]").into()]).unwrap().as_f64();
    assert_eq!(limit(r#"["task", "a", {"shell": "x"}]"#), Some(300.0));
    assert_eq!(limit(r#"["task", "a", {"shell": "x", "delay": 60.5}]"#), Some(360.0));
}

#[wasm_bindgen_test]
async fn a_definition_keeps_order_and_numbers() {
    let glue = Object::glue().await;
    let settings = r#"{"name": null, "tasks": [["task", "z", {"shell": "x"}], ["task", "a", {"tool": "t", "kwargs":
        {"k": 1.50, "big": 9007199254740993, "z": 1, "b": 2}}]], "inputs": {}, "timeout": 60, "random": "12345678"}"#;
    let text = glue.call("driverBuild", &[settings.into()]).unwrap().as_string().unwrap();
    assert!(
        text.starts_with("[\"workflow_z\",60]\n{\"name\":\"workflow_z\",\"version\":\"1.0.0\","),
        "{text}"
    );
    assert!(text.contains(r#""kwargs":{"k":1.50,"big":9007199254740993,"z":1,"b":2}"#), "{text}");
    assert!(text.find(r#""z":{"#) < text.find(r#""a":{"#), "{text}");
    assert!(text.ends_with(r#""max_active_runs":1,"timeout_seconds":60}"#), "{text}");
}

#[wasm_bindgen_test]
async fn seconds_of_a_duration() {
    let glue = Object::glue().await;
    let seconds =
        |value: &str, least: f64| glue.call("seconds", &["/wait".into(), value.into(), least.into()]);
    for (value, expected) in
        [("90", 90.0), ("\"PT1M30S\"", 90.0), ("{\"minutes\":1.5}", 90.0), ("0.25", 0.25)]
    {
        assert_eq!(seconds(value, 0.0).unwrap().as_f64(), Some(expected), "{value}");
    }
    let facts = super::facts(&seconds("\"soon\"", 0.0).unwrap_err());
    assert_eq!((&facts["code"], &facts["path"]), (&json!("OPTION_INVALID"), &json!("/wait")));
    let facts = super::facts(&seconds("0.5", 1.0).unwrap_err());
    assert_eq!((&facts["code"], &facts["path"]), (&json!("OPTION_INVALID"), &json!("/wait")));
}

#[wasm_bindgen_test]
async fn settings_of_a_client_are_checked_and_the_key_is_not_shown() {
    let glue = Object::glue().await;
    let check = |config: &str| glue.call("clientCheck", &[config.into()]);
    assert!(
        check(r#"{"endpoint": "http://h", "credential": "k", "retry": {"attempts": 2}, "timeout": 1.5}"#)
            .is_ok()
    );
    for (config, code) in [
        (r#"{"endpoint": "h", "credential": "hw_k1_secret"}"#, "ENDPOINT_INVALID"),
        (r#"{"endpoint": "http://h", "credential": "hw_k1_secret\n"}"#, "OPTION_INVALID"),
        (
            r#"{"endpoint": "http://h", "credential": "hw_k1_secret", "retry": {"attempts": 0}}"#,
            "OPTION_INVALID",
        ),
        (r#"{"endpoint": "http://h", "credential": "hw_k1_secret", "timeout": -1}"#, "OPTION_INVALID"),
    ] {
        let error = check(config).unwrap_err();
        let facts = super::facts(&error);
        assert_eq!(facts["code"], code, "{config}");
        assert_eq!(facts["name"], "ConfigurationError");
        assert!(!facts.to_string().contains("secret") && !format!("{error:?}").contains("secret"));
    }
}

#[wasm_bindgen_test]
async fn half_a_surrogate_pair_does_no_harm() {
    let glue = Object::glue().await;
    let name = eval("'a\\ud83d'");
    let options: JsValue = r#"{"shell": "echo \ud83d"}"#.into();
    let task = glue.call("driverTask", &["task".into(), name, options, false.into()]);
    if let Err(error) = task {
        super::facts(&error);
    }
    assert_eq!(glue.value("driverValidate", &["[]".into(), 0.into(), eval("({})")]), json!([]));
}
