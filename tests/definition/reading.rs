//! Values as Highway's own reader takes them, beyond what the golden vectors say; checked against `highway_dsl` 2.2.0.

use highway_wasm::builder::WorkflowBuilder;
use highway_wasm::definition::{Document, Form, read, read_text};
use highway_wasm::error::ErrorCode;
use serde_json::{Value, json};

fn with(key: &str, value: Value) -> Document {
    let mut document = json!({"name": "w"});
    document[key] = value;
    read(&document)
}

#[test]
fn start_dates_are_moments_or_numbers_of_seconds() {
    for (given, expected) in [
        (json!("2025-01-01"), "2025-01-01T00:00:00"),
        (json!("2025-01-01T10:00:00z"), "2025-01-01T10:00:00Z"),
        (json!("20250101"), "1970-08-23T09:01:41Z"),
        (json!("1735689600"), "2025-01-01T00:00:00Z"),
        (json!(1_735_689_600), "2025-01-01T00:00:00Z"),
        (json!(1_735_689_600.5), "2025-01-01T00:00:00.500000Z"),
        (json!(1_735_689_600_000_i64), "2025-01-01T00:00:00Z"),
        (json!(-1), "1969-12-31T23:59:59Z"),
        (json!("0"), "1970-01-01T00:00:00Z"),
    ] {
        let read = with("start_date", given.clone());
        assert!(read.is_valid(), "{given}: {:?}", read.diagnostics);
        assert_eq!(read.workflow.start_date.unwrap().as_str(), expected, "{given}");
    }
    for given in [json!("0000-01-01"), json!("soon"), json!(true), json!([]), json!("")] {
        assert!(!with("start_date", given.clone()).is_valid(), "{given}");
    }
}

#[test]
fn switches_are_numbers_where_numbers_are_asked_for() {
    assert_eq!(with("max_active_runs", json!(true)).workflow.max_active_runs, 1);
    let policy = json!({"max_retries": false, "delay": true, "backoff_factor": true});
    let read = with("default_retry_policy", policy);
    assert!(read.is_valid(), "{:?}", read.diagnostics);
    assert_eq!(read.diagnostics.len(), 3);
    let policy = read.workflow.default_retry_policy.unwrap();
    assert_eq!((policy.max_retries, policy.delay.seconds(), policy.backoff_factor.value()), (0, 1.0, 1.0));
}

#[test]
fn a_number_that_is_too_large_is_told_from_one_with_a_fraction() {
    let message = |value: Value| {
        let read = with("max_active_runs", value);
        let finding = read.diagnostics.first().unwrap().clone();
        format!("{}; {}", finding.message, finding.help.unwrap_or_default())
    };
    let large: Value = serde_json::from_str("9223372036854775808").unwrap();
    assert!(message(large).contains("too large"));
    assert!(message(json!(1.5)).contains("fraction"));
}

#[test]
fn a_branch_of_a_choice_may_have_no_tasks() {
    let choice =
        json!({"task_id": "t", "operator_type": "multi_choice", "branches": {"b": {"condition": "x"}}});
    let read = with("tasks", json!({ "t": choice }));
    assert!(read.is_valid(), "{:?}", read.diagnostics);
}

#[test]
fn half_microseconds_go_where_highway_has_them_go() {
    // A number in a document goes through pydantic, which rounds them up; one that a builder gets stands for a timedelta.
    for (seconds, document, timedelta) in [
        (2.5e-6, "PT0.000003S", "PT0.000002S"),
        (0.5e-6, "PT0.000001S", "PT0S"),
        (1.5e-6, "PT0.000002S", "PT0.000002S"),
        (3.000_000_5, "PT3.000001S", "PT3.000001S"),
    ] {
        let wait = json!({"task_id": "t", "operator_type": "wait", "wait_for": seconds});
        let written = with("tasks", json!({ "t": wait })).workflow.to_value();
        assert_eq!(written["tasks"]["t"]["wait_for"], document, "{seconds}");
        let mut builder = WorkflowBuilder::new(&json!({"name": "w"})).unwrap();
        builder.call("wait", json!({"task_id": "t", "wait_for": seconds})).unwrap();
        assert_eq!(
            builder.build().unwrap().workflow.to_value()["tasks"]["t"]["wait_for"],
            timedelta,
            "{seconds}"
        );
    }
}

#[cfg(feature = "engine")]
#[test]
fn numbers_are_written_as_highway_writes_them() {
    for (given, written) in [
        ("1e3", "1000.0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("1e-5", "0.00001"),
        ("1E16", "1e+16"),
        ("0.1000000000000000055", "0.1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e-400", "0.0"),
    ] {
        let text = format!(r#"{{"name": "w", "variables": {{"x": [{given}]}}}}"#);
        let json = read_text(&text, Form::Json).unwrap().workflow.to_json();
        assert!(json.contains(&format!(r#""variables":{{"x":[{written}]}}"#)), "{json}");
        // Through YAML and back nothing changes.
        let yaml = read_text(&json, Form::Json).unwrap().workflow.to_yaml();
        assert_eq!(read_text(&yaml, Form::Yaml).unwrap().workflow.to_json(), json, "{yaml}");
    }
}

#[test]
fn a_number_that_no_float_holds_is_a_finding() {
    let text = r#"{"name": "w", "variables": {"a": {"b": [1, 1e400]}}, "default_retry_policy": {"backoff_factor": -1e309}}"#;
    let document = read_text(text, Form::Json).unwrap();
    let found: Vec<_> =
        document.diagnostics.iter().map(|finding| (finding.code, finding.path.as_str())).collect();
    assert_eq!(
        found,
        [
            (ErrorCode::FieldValueInvalid, "/variables/a/b/1"),
            (ErrorCode::FieldValueInvalid, "/default_retry_policy/backoff_factor")
        ]
    );
    let digits = "9".repeat(4_301);
    let text = format!(r#"{{"name": "w", "variables": {{"a": [-{}, -{digits}]}}}}"#, &digits[1..]);
    let message = "`-9999999999999999999…` has more than 4,300 digits";
    let document = read_text(&text, Form::Json).unwrap();
    let [finding] = document.diagnostics.as_slice() else { panic!("{:?}", document.diagnostics) };
    assert_eq!((finding.path.as_str(), finding.message.as_str()), ("/variables/a/1", message));
    // What is no integer has only so many digits before its point.
    let text =
        format!(r#"{{"name": "w", "default_retry_policy": {{"backoff_factor": {}}}}}"#, &digits[..400]);
    let found = read_text(&text, Form::Json).unwrap().diagnostics;
    assert!(found[0].message.ends_with("…` is larger than any floating-point number"), "{found:?}");
}

#[test]
fn a_branch_that_is_no_object_is_a_finding() {
    for (operator_type, branches) in
        [("parallel", json!({"a": []})), ("multi_choice", json!({"a": {"condition": "x"}}))]
    {
        let fork = json!({"task_id": "t", "operator_type": operator_type, "branches": branches, "branch_workflows": {"a": 1}});
        let read = with("tasks", json!({ "t": fork }));
        let [finding] = read.diagnostics.as_slice() else { panic!("{:?}", read.diagnostics) };
        assert_eq!(
            (finding.code, finding.path.as_str()),
            (ErrorCode::FieldTypeInvalid, "/tasks/t/branch_workflows/a")
        );
    }
}

#[test]
fn half_of_a_surrogate_pair_is_refused_with_its_place() {
    let error = read_text(r#"{"name": "w", "variables": {"a": ["x", "\ud83d"]}}"#, Form::Json).unwrap_err();
    assert_eq!((error.code(), error.path()), (ErrorCode::ValueNotJson, Some("/variables/a/1")));
}

#[test]
fn a_version_of_a_line_break_alone_is_none() {
    for (version, is_valid) in [("", true), ("1.0\n", true), ("\n", false)] {
        assert_eq!(with("version", json!(version)).is_valid(), is_valid, "{version:?}");
    }
}
