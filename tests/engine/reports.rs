//! What tools tell while they work: log lines and heartbeats.

use crate::support::{Scenario, attempts, failing, failing_with, independent, with};
use highway_wasm::engine::{CallId, Failure, LogLevel, ToolCall, step_logs};
use serde_json::{Value, json};

fn log(run: &mut Scenario, call: &ToolCall, level: LogLevel, message: &str) {
    run.engine.log(call.call, level, message, run.now);
    run.take();
}

fn beat(run: &mut Scenario, call: &ToolCall, details: Value) {
    run.engine.heartbeat(call.call, details, run.now);
    run.take();
}

fn logs(run: &Scenario) -> Vec<String> {
    let view = step_logs(run.run(), None);
    let entries = view["logs"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or("-");
            format!("{} {} {} {}", entry["attempt"], text("stream"), text("level"), text("content"))
        })
        .collect()
}

#[test]
fn lines_stand_among_the_output_in_order_of_time() {
    let definition = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0));
    let mut run = Scenario::of(&definition);
    let first = run.expect_start("a");
    log(&mut run, &first, LogLevel::Info, "begins");
    run.advance(1.0);
    log(&mut run, &first, LogLevel::Warn, "hm");
    run.finish(&first, failing_with(json!({"stdout": "half"})));
    run.advance(2.0);
    let second = run.expect_start("a");
    log(&mut run, &second, LogLevel::Debug, "again");
    run.finish(&second, Ok(json!({"stdout": "all"})));
    assert_eq!(
        logs(&run),
        [
            "1 log info begins",
            "1 log warn hm",
            "1 stdout - half",
            "1 error - boom",
            "2 log debug again",
            "2 stdout - all",
        ]
    );
    let before = step_logs(run.run(), None);
    run.reopen();
    assert_eq!(step_logs(run.run(), None), before, "lines survive a restart");
    assert_eq!(before.get("dropped"), None);
}

#[test]
fn of_too_many_lines_the_oldest_go_and_are_counted() {
    let mut run = Scenario::of(&independent(&["a"]));
    let call = run.expect_start("a");
    for line in 0..1_003 {
        log(&mut run, &call, LogLevel::Info, &line.to_string());
    }
    let view = step_logs(run.run(), Some("a"));
    assert_eq!(view["logs"].as_array().unwrap().len(), 1_000);
    assert_eq!((&view["logs"][0]["content"], &view["dropped"]), (&json!("3"), &json!(3)));
    run.reopen();
    assert_eq!(step_logs(run.run(), Some("a")), view);
}

#[test]
fn a_line_of_8_kb_is_whole_and_a_longer_one_is_cut_between_letters() {
    let mut run = Scenario::of(&independent(&["a"]));
    let call = run.expect_start("a");
    log(&mut run, &call, LogLevel::Error, &"x".repeat(8_192));
    log(&mut run, &call, LogLevel::Error, &"ü".repeat(8_192));
    let view = step_logs(run.run(), None);
    assert_eq!(view["logs"][0]["content"], "x".repeat(8_192));
    let cut = view["logs"][1]["content"].as_str().unwrap();
    assert!(cut.len() <= 8_192 && cut.len() > 8_180 && cut.ends_with("ü […]"), "{}", cut.len());
}

#[test]
fn the_last_heartbeat_is_shown_and_given_to_the_next_attempt() {
    let definition = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0));
    let mut run = Scenario::of(&definition);
    let first = run.expect_start("a");
    assert_eq!(first.last_heartbeat, None);
    assert_eq!(run.step("a").get("heartbeat"), None);
    beat(&mut run, &first, json!({"row": 1}));
    run.advance(1.0);
    beat(&mut run, &first, json!({"row": 2}));
    let step = run.step("a");
    assert_eq!(step["heartbeat"], json!({"row": 2}));
    assert_eq!(step["last_heartbeat_at"], "2030-01-01T00:00:01.000Z");
    run.finish(&first, failing("BAD"));
    run.advance(1.0);
    let second = run.expect_start("a");
    let last = second.last_heartbeat.clone().unwrap();
    assert_eq!((last.attempt, &last.details), (1, &json!({"row": 2})));
    assert_eq!(
        second.last_heartbeat.as_ref().unwrap().to_json(),
        json!({"attempt": 1, "details": {"row": 2}, "at": "2030-01-01T00:00:01.000Z"})
    );
    // A tool that runs again after a restart knows it, too.
    run.reopen();
    run.engine.resume(run.now);
    let again = run.engine.take_output().effects;
    assert!(format!("{again:?}").contains("\"row\": Number(2)"), "{again:?}");
}

#[test]
fn what_comes_after_the_attempt_was_given_up_is_ignored() {
    let definition = with(independent(&["a"]), "/tasks/a/timeout_policy", json!({"timeout": 5}));
    let mut run = Scenario::of(&definition);
    let call = run.expect_start("a");
    log(&mut run, &call, LogLevel::Info, "in time");
    run.advance(6.0);
    run.expect_abort(&call);
    let records = run.records.len();
    log(&mut run, &call, LogLevel::Info, "too late");
    beat(&mut run, &call, json!(1));
    assert_eq!(run.records.len(), records);
    assert_eq!(logs(&run)[0], "1 log info in time");
    assert_eq!(logs(&run).len(), 2, "{:?}", logs(&run));
    assert_eq!(run.step("a").get("last_heartbeat_at"), None);
    run.engine.log(CallId::new(99), LogLevel::Info, "of no call", run.now);
    run.take();
    assert_eq!(run.records.len(), records);
}

#[test]
fn a_tool_can_say_how_long_the_next_attempt_waits_at_least() {
    for (asked, delay, waits) in [(7.0, 1.0, 7.0), (1.0, 7.0, 7.0)] {
        let definition = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, delay, 1.0));
        let mut run = Scenario::of(&definition);
        let call = run.expect_start("a");
        let failure = json!({"code": "HTTP_STATUS", "message": "busy", "retryAfter": asked});
        run.finish(&call, Err((Failure::from_json(&failure), None)));
        run.advance(waits - 0.1);
        run.expect_no_start();
        run.reopen();
        run.advance(0.1);
        run.expect_start("a");
    }
}

#[test]
fn an_attempt_that_may_only_begin_after_the_end_of_the_run_is_not_waited_for() {
    for (asked, is_over) in [(100_000.0, true), (600.0, true), (599.0, false)] {
        let definition = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0));
        let mut run = Scenario::of(&with(definition, "/timeout_seconds", json!(600)));
        let call = run.expect_start("a");
        let failure = json!({"code": "HTTP_STATUS", "message": "busy", "retryAfter": asked});
        run.finish(&call, Err((Failure::from_json(&failure), None)));
        run.assert_status(if is_over { "failed" } else { "sleeping" });
    }
}
