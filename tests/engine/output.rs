//! What a tool writes while it runs: shown at once, and kept where its attempt is given up.

use crate::support::{Scenario, attempts, failing_with, independent, with};
use highway_wasm::engine::{Config, Limit, Limits, RunIx, Secrets, Stream, ToolCall};
use serde_json::{Value, json};

fn write(run: &mut Scenario, call: &ToolCall, stream: Stream, text: &str) {
    run.engine.wrote(call.call, stream, text, run.now);
    assert_eq!(run.engine.take_output().records, [], "it is in memory alone");
}

/// A run of the task `a`, and its call.
fn started(config: Config, definition: &Value) -> (Scenario, ToolCall) {
    let mut run = Scenario::with(config);
    run.submit(definition);
    let call = run.expect_start("a");
    (run, call)
}

/// `attempt stream content` of each entry of the logs.
fn logs(run: &Scenario) -> Vec<String> {
    let view = run.engine.step_logs(run.run(), Some("a"));
    let entries = view["logs"].as_array().unwrap().iter();
    entries
        .filter(|entry| entry["stream"] != "error")
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap();
            format!("{} {} {}", entry["attempt"], text("stream"), text("content"))
        })
        .collect()
}

#[test]
fn lines_are_shown_while_they_come_and_give_way_to_the_result() {
    let (mut run, call) = started(Config::default(), &independent(&["a"]));
    assert_eq!(logs(&run), [""; 0]);
    write(&mut run, &call, Stream::Stdout, "one\ntw");
    write(&mut run, &call, Stream::Stderr, "hm\n");
    assert_eq!(logs(&run), ["1 stdout one\n", "1 stderr hm\n"]);
    write(&mut run, &call, Stream::Stdout, "o\n");
    assert_eq!(logs(&run), ["1 stdout one\ntwo\n", "1 stderr hm\n"]);
    run.finish(&call, Ok(json!({"stdout": "one\ntwo\nthree"})));
    assert_eq!(logs(&run), ["1 stdout one\ntwo\nthree"]);
    write(&mut run, &call, Stream::Stdout, "late\n");
    assert_eq!(logs(&run), ["1 stdout one\ntwo\nthree"]);
}

#[test]
fn an_attempt_without_a_result_of_its_own_keeps_it() {
    let limited = with(independent(&["a"]), "/tasks/a/timeout_policy", json!({"timeout": 5}));
    let (mut run, call) = started(Config::default(), &limited);
    write(&mut run, &call, Stream::Stdout, "half\nway");
    run.advance(5.0);
    assert_eq!(run.step("a")["status"], "failed");
    assert_eq!(run.step("a")["result"], json!({"stdout": "half\nway", "stderr": ""}));
    assert_eq!(logs(&run), ["1 stdout half\nway"]);

    let twice = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0));
    let (mut run, call) = started(Config::default(), &twice);
    write(&mut run, &call, Stream::Stdout, "first\n");
    run.finish(&call, failing_with(json!({"stdout": "its own"})));
    run.advance(1.0);
    let call = run.expect_start("a");
    write(&mut run, &call, Stream::Stdout, "second\n");
    assert_eq!(logs(&run), ["1 stdout its own", "2 stdout second\n"]);
}

#[test]
fn a_cancelled_step_keeps_it() {
    let (mut run, call) = started(Config::default(), &independent(&["a", "b"]));
    write(&mut run, &call, Stream::Stderr, "so far\n");
    run.engine.cancel(RunIx::new(0), None, run.now);
    run.take();
    let step = run.step("a");
    assert_eq!(
        (&step["status"], &step["result"]),
        (&json!("cancelled"), &json!({"stdout": "", "stderr": "so far"}))
    );
    assert_eq!(run.step("b")["result"], Value::Null);
    assert_eq!(logs(&run), ["1 stderr so far"]);
    run.reopen();
    assert_eq!(logs(&run), ["1 stderr so far"]);

    let limited = with(independent(&["a"]), "/timeout_seconds", json!(5));
    let (mut run, call) = started(Config::default(), &limited);
    write(&mut run, &call, Stream::Stdout, "so far\n");
    run.advance(5.0);
    assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
    assert_eq!(run.step("a")["result"], json!({"stdout": "so far", "stderr": ""}));
}

#[test]
fn no_secret_is_shown_be_it_in_two_pieces_or_over_several_lines() {
    let Value::Object(secrets) = json!({"token": "s3cret-token", "key": "-begin-\nabc\n-end-"}) else {
        panic!()
    };
    let config = Config { secrets: Secrets::new(secrets), ..Config::default() };
    let limited = with(independent(&["a"]), "/tasks/a/timeout_policy", json!({"timeout": 5}));
    let (mut run, call) = started(config, &limited);
    for piece in ["the tok", "en s3cret", "-token\n-begin-\n", "abc\n"] {
        write(&mut run, &call, Stream::Stdout, piece);
        let shown = logs(&run).concat();
        assert!(!shown.contains("s3c") && !shown.contains("begin") && !shown.contains("abc"), "{shown}");
    }
    write(&mut run, &call, Stream::Stdout, "-end-\nand so much more that nothing is held back\n");
    assert_eq!(logs(&run), ["1 stdout the token ***\n***\n"]);
    run.advance(5.0);
    let stdout = "the token ***\n***\nand so much more that nothing is held back";
    assert_eq!(run.step("a")["result"]["stdout"], stdout);
}

#[test]
fn of_what_goes_beyond_the_limit_both_ends_are_kept() {
    let config = Config { limits: Limits::default().with(Limit::OutputBytes, 16), ..Config::default() };
    let limited = with(independent(&["a"]), "/tasks/a/timeout_policy", json!({"timeout": 5}));
    let (mut run, call) = started(config, &limited);
    write(&mut run, &call, Stream::Stdout, "one\ntwo\nthree\n4");
    assert_eq!(logs(&run), ["1 stdout one\ntwo\nthree\n"]);
    for piece in ["5678\n", "ääää", "x\nat la", "st"] {
        write(&mut run, &call, Stream::Stdout, piece);
    }
    // 37 bytes, of which the last 8 are the end of the line of `x` and what follows it.
    assert_eq!(logs(&run), ["1 stdout one\ntwo\n[22 bytes (3 lines) are left out here]\n"]);
    run.advance(5.0);
    let stdout = "one\ntwo\n[22 bytes (3 lines) are left out here]\nat last";
    assert_eq!(run.step("a")["result"]["stdout"], stdout);
}

#[test]
fn a_line_has_the_same_number_however_much_is_left_out_before_it() {
    for most in [40, 41, 64, 100, 333] {
        let config = Config { limits: Limits::default().with(Limit::OutputBytes, most), ..Config::default() };
        let (mut run, call) = started(config, &independent(&["a"]));
        let text: String =
            (1..=200).flat_map(|number| ["é".repeat(number % 7), number.to_string(), "\n".into()]).collect();
        let mut pieces = text.as_str();
        for size in (1..).map(|turn| turn * 5 % 23 + 1) {
            let size = (0..=size.min(pieces.len())).rev().find(|at| pieces.is_char_boundary(*at)).unwrap();
            let (piece, rest) = pieces.split_at(size);
            write(&mut run, &call, Stream::Stdout, piece);
            let shown = logs(&run).concat();
            let mut number = 0;
            for line in shown.strip_prefix("1 stdout ").unwrap_or_default().lines() {
                if let Some(gap) = line.strip_suffix(" lines) are left out here]") {
                    number += gap.rsplit('(').next().unwrap().parse::<usize>().unwrap();
                } else {
                    number += 1;
                    assert_eq!(line.trim_start_matches('é'), number.to_string(), "{most}: {shown}");
                }
            }
            if rest.is_empty() {
                assert_eq!(number, 200);
                break;
            }
            pieces = rest;
        }
    }
}

#[test]
fn no_half_of_a_secret_stands_beside_what_is_left_out() {
    let Value::Object(secrets) = json!({"key": "-begin-\nabc\n-end-", "token": "s3cret-token"}) else {
        panic!()
    };
    let config = Config {
        limits: Limits::default().with(Limit::OutputBytes, 80),
        secrets: Secrets::new(secrets),
        ..Config::default()
    };
    let limited = with(independent(&["a"]), "/tasks/a/timeout_policy", json!({"timeout": 5}));
    let text =
        format!("{}-begin-\nabc\n-end-\ns3cret-token\n{}", "0123456\n".repeat(9), "7654321\n".repeat(9));
    // The gap begins and ends at each byte of the secrets.
    for at in 20..73 {
        let (mut run, call) = started(config.clone(), &limited);
        write(&mut run, &call, Stream::Stdout, &text[at..]);
        write(&mut run, &call, Stream::Stdout, &"z\n".repeat(at));
        for shown in [logs(&run).concat(), {
            run.advance(5.0);
            run.step("a")["result"]["stdout"].to_string()
        }] {
            for part in ["beg", "gin-", "abc", "-en", "nd-", "s3c", "token"] {
                assert!(!shown.contains(part), "{at}: {shown}");
            }
        }
    }
}
