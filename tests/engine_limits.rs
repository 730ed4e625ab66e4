//! Limits: what input makes too large fails its task, its run or its request, and nothing else.
#![cfg(feature = "engine")]

#[path = "support/operators.rs"]
mod operators;
mod support;

use highway_wasm::engine::{Config, Limit, Limits};
use operators::{but, condition, emit, flow, foreach, op, task, terminate, with_args};
use serde_json::{Value, json};
use support::Scenario;

fn limited(limit: Limit, most: usize) -> Scenario {
    Scenario::with(Config { limits: Limits::default().with(limit, most), ..Config::default() })
}

/// A task whose result is text of a thousand bytes, before `next`.
fn after_a_text(next: Value) -> Value {
    flow(&[task("big", &[]), next])
}

fn play(definition: &Value, limit: Limit, most: usize) -> Scenario {
    let mut run = limited(limit, most);
    run.submit(definition);
    run.succeed("big", json!("x".repeat(1_000)));
    run
}

#[test]
fn what_templates_fill_in_has_a_limit_wherever_they_stand() {
    let many = Value::from_iter(vec!["{{big_result}}"; 5]);
    let long = "{{big_result}} ".repeat(5);
    let places = [
        with_args("next", &["big"], many.clone()),
        with_args("next", &["big"], json!([{"deep": [long]}])),
        with_args("next", &["big"], json!(["{{results}}", "{{results}}", "{{results}}", "{{results}}"])),
        emit("next", &["big"], "e", json!({"all": many})),
        emit("next", &["big"], &long, json!({})),
        terminate("next", &["big"], "completed", json!({"all": many}), ""),
        terminate("next", &["big"], "completed", json!({}), &long),
        foreach("next", &["big"], &format!("[{long}]"), &[task("body", &[])]),
        condition("next", &["big"], &format!("\"{long}\" == 1"), None, None),
        op("switch", "next", &["big"], json!({"switch_on": long, "cases": {}, "default": null})),
        op("wait", "next", &["big"], json!({"wait_for": long})),
        but(task("next", &["big"]), json!({"idempotency_key": long})),
    ];
    for place in places {
        let mut run = play(&after_a_text(place.clone()), Limit::ArgumentBytes, 4_000);
        assert_eq!(run.failure_code(), "LIMIT_EXCEEDED", "{place}");
        let details = run.step("next")["error_details"].clone();
        assert_eq!(details["details"], json!({"limit": "argumentBytes", "allowed": 4_000}), "{place}");
        assert!(details["help"].as_str().unwrap().contains("limits.argumentBytes"));
        assert_eq!(run.step("next")["retry_count"], 0);
        // The engine goes on.
        run.submit(&flow(&[task("other", &[])]));
        run.succeed("other", json!(1));
        run.assert_status("completed");
    }
}

#[test]
fn a_guard_does_not_take_what_is_too_large_for_what_is_not_there() {
    let guard = json!([{"variable": "big_result", "check": "not_null", "value": null, "message": ""}]);
    let next = but(task("next", &["big"]), json!({"preconditions": guard}));
    let run = play(&after_a_text(next), Limit::ArgumentBytes, 500);
    assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");
}
