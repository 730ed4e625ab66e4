//! What must hold before and after a task, what happens once, counters, and the time limit of a run.

use crate::support::operators::{
    self, builtin, but, emit, flow, foreach, op, parallel, receive, reopen, result_of, retry, task, with_args,
};
use crate::support::{Scenario, failing, independent, with};
use highway_wasm::engine::{CallId, RunIx};
use serde_json::{Value, json};

fn guard(variable: &str, check: &str, value: Value, message: &str) -> Value {
    json!({"variable": variable, "check": check, "value": value, "message": message})
}

/// Whether a guard holds of a value, as a precondition and as a postcondition.
fn holds(value: &Value, check: &str, wanted: &Value) -> bool {
    let guards = |variable: &str| json!([guard(variable, check, wanted.clone(), "")]);
    let mut before = Scenario::new();
    let first = but(task("a", &[]), json!({"preconditions": guards("{{x}}")}));
    before.submit_with(&flow(&[first]), json!({"x": value}));
    let is_started = before.view()["status"] == "running";
    if is_started {
        before.succeed("a", json!(null));
    }
    before.expect_no_start();
    before.assert_status(if is_started { "completed" } else { "failed" });
    let last = but(task("a", &[]), json!({"postconditions": guards("a_result")}));
    let mut after = Scenario::of(&flow(&[last]));
    after.succeed("a", value.clone());
    let is_fine = after.view()["status"] == "completed";
    assert_eq!(is_started, is_fine, "{value} {check} {wanted} before and after");
    is_fine
}

#[test]
fn checks_hold_or_not() {
    for (check, wanted, good, bad) in [
        ("exists", json!(null), vec![json!(1), json!(null), json!(false), json!("")], vec![]),
        ("not_null", json!(null), vec![json!(0), json!(""), json!([])], vec![json!(null)]),
        (
            "equals",
            json!("200"),
            vec![json!("200"), json!(200), json!("200\n")],
            vec![json!(201), json!(null), json!("")],
        ),
        ("equals", json!({"a": [1]}), vec![json!({"a": [1]})], vec![json!({"a": [2]}), json!({})]),
        ("equals", json!(true), vec![json!(true), json!("true"), json!(1)], vec![json!(false), json!("yes")]),
        ("not_equals", json!(0), vec![json!(1), json!("1"), json!(null)], vec![json!(0), json!("0")]),
        (
            "in_range",
            json!([1, 10]),
            vec![json!(1), json!(10), json!(5.5), json!("7")],
            vec![json!(0.99), json!(11), json!(null), json!("x"), json!([5])],
        ),
        (
            "in_range",
            json!(["2030-01-01", "2030-12-31"]),
            vec![json!("2030-01-01"), json!("2030-06-01")],
            vec![json!("2029-12-31"), json!("2031-01-01")],
        ),
        (
            "matches_regex",
            json!("\\d+"),
            vec![json!("abc123"), json!("1"), json!(42)],
            vec![json!("abc"), json!("")],
        ),
        (
            "matches_regex",
            json!("^[a-z]+@x\\.org$"),
            vec![json!("ann@x.org")],
            vec![json!("ann@x.orgs"), json!("Ann@x.org")],
        ),
        (
            "in_set",
            json!(["a", 2, null]),
            vec![json!("a"), json!(2), json!("2"), json!(null)],
            vec![json!("b"), json!(["a"])],
        ),
    ] {
        for value in good {
            assert!(holds(&value, check, &wanted), "{value} {check} {wanted}");
        }
        for value in bad {
            assert!(!holds(&value, check, &wanted), "not {value} {check} {wanted}");
        }
    }
}

#[test]
fn types_are_checked_by_any_of_their_names() {
    let values = [json!("x"), json!(1), json!(1.5), json!(true), json!([1]), json!({"a": 1}), json!(null)];
    for (names, fitting) in [
        (&["string", "str"][..], &[0][..]),
        (&["number"], &[1, 2]),
        (&["int", "integer"], &[1]),
        (&["float"], &[2]),
        (&["bool", "boolean"], &[3]),
        (&["list", "array"], &[4]),
        (&["dict", "object"], &[5]),
        (&["null", "none"], &[6]),
    ] {
        for name in names {
            for (at, value) in values.iter().enumerate() {
                assert_eq!(
                    holds(value, "type_check", &json!(name)),
                    fitting.contains(&at),
                    "{value} is {name}"
                );
            }
        }
    }
}

#[test]
fn moments_of_different_offsets_are_compared_as_moments() {
    let hour = json!(["2030-01-01T00:00:00Z", "2030-01-01T01:00:00Z"]);
    assert!(holds(&json!("2029-12-31T23:30:00-01:00"), "in_range", &hour));
    assert!(!holds(&json!("2030-01-01T00:30:00+05:00"), "in_range", &hour));
}

#[test]
fn the_value_and_the_message_of_a_guard_are_filled_in() {
    let guarded = |value: Value, message: &str| {
        let guards = json!([guard("size", "in_range", value, message)]);
        let mut run = Scenario::new();
        let document = flow(&[but(task("a", &[]), json!({"preconditions": guards}))]);
        run.submit_with(&document, json!({"size": 7, "least": 8, "most": 9, "odd": "{{least}}"}));
        run
    };
    let mut run = guarded(json!([1, "{{ inputs.most }}"]), "");
    run.succeed("a", json!(null));
    run.assert_status("completed");
    let run = guarded(json!(["{{least}}", 10]), "{{size}} is below {{inputs.least}}, {{odd}} {{ghost}}");
    assert_eq!(run.failure_code(), "GUARD_FAILED");
    assert_eq!(
        run.run().failure.as_ref().unwrap().message,
        "task `a` failed: 7 is below 8, {{least}} {{ghost}}"
    );
    assert_eq!(guarded(json!(["{{ghost}}", 10]), "no").failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_guard_names_a_variable_as_a_path_or_a_template() {
    for variable in
        ["data.n", "{{data.n}}", " {{ data.n }} ", "inputs.data.n", "first_result.m[0]", "{{first.m[0]}}"]
    {
        let second = but(
            task("second", &["first"]),
            json!({"preconditions": [guard(variable, "equals", json!(5), "")]}),
        );
        let mut run = Scenario::new();
        run.submit_with(&flow(&[task("first", &[]), second]), json!({"data": {"n": 5}}));
        run.succeed("first", json!({"m": [5]}));
        run.succeed("second", json!(null));
        run.assert_status("completed");
    }
    for check in ["exists", "not_null", "not_equals", "equals"] {
        let first = but(task("a", &[]), json!({"preconditions": [guard("ghost", check, json!(null), "")]}));
        let run = Scenario::of(&flow(&[first]));
        run.expect_no_start();
        run.assert_status("failed");
        assert!(run.view()["error"].as_str().unwrap().contains("ghost"), "{}", run.view()["error"]);
    }
}

#[test]
fn a_failed_precondition_keeps_the_task_from_running_and_is_not_tried_again() {
    let a = json!({"preconditions": [guard("n", "exists", json!(null), "no"), guard("n", "in_range", json!([1, 3]), "n must be small")],
        "retry_policy": retry(3, "PT1S")});
    let document = flow(&[but(task("a", &[]), a), task("after", &["a"])]);
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"n": 4}));
    run.expect_no_start();
    run.assert_status("failed");
    run.assert_steps("a=failed after=skipped");
    let step = run.step("a");
    assert_eq!((&step["error"], &step["retry_count"]), (&json!("n must be small"), &json!(0)));
    assert_eq!(run.view()["error"], "task `a` failed: n must be small");
    assert_eq!(run.failure_code(), "GUARD_FAILED");

    let document = with(document, "/tasks/a/on_failure_task_id", "fix");
    let document = with(document, "/tasks/fix", task("fix", &[]));
    run.submit_with(&document, json!({"n": 4}));
    run.succeed("fix", json!(null));
    run.assert_status("completed");
}

#[test]
fn a_failed_postcondition_fails_the_attempt_and_keeps_what_it_gave() {
    let a = json!({"postconditions": [guard("{{a_result.n}}", "in_range", json!([1, 3]), "n must be small")],
        "retry_policy": retry(1, "PT1S")});
    let mut run = Scenario::of(&flow(&[but(task("a", &[]), a), task("after", &["a"])]));
    run.succeed("a", json!({"n": 4}));
    run.assert_status("sleeping");
    assert_eq!(run.step("a")["error"], "n must be small");
    reopen(&mut run);
    run.advance(1.0);
    run.succeed("a", json!({"n": 5}));
    run.assert_status("failed");
    assert_eq!(result_of(&run, "a"), json!({"n": 5}));
    assert_eq!(run.failure_code(), "GUARD_FAILED");
    run.assert_steps("a=failed after=skipped");
}

#[test]
fn every_operator_has_guards() {
    let operators = [
        op("wait", "x", &[], json!({"wait_for": 0})),
        op("wait", "x", &[], json!({"wait_for": 5})),
        emit("x", &[], "e", json!({})),
        receive("x", &["tell"], "e", None),
        operators::condition("x", &[], "true", None, None),
        op("switch", "x", &[], json!({"switch_on": "a", "cases": {}, "default": null})),
        parallel("x", &[], &[]),
        operators::join("x", &[], &[], "all_of"),
        foreach("x", &[], "[1]", &[]),
        builtin("x", &[], "tools.simple_counter.increment_counter", json!([]), json!({})),
    ];
    let mut unguarded = Vec::new();
    for key in ["preconditions", "postconditions"] {
        for operator in &operators {
            let guarded =
                but(operator.clone(), json!({key: [guard("off", "equals", json!(false), "it is off")]}));
            let mut run = Scenario::new();
            run.submit_with(&flow(&[emit("tell", &[], "e", json!({})), guarded]), json!({"off": true}));
            run.advance(5.0);
            if run.step("x")["error"] == "it is off" {
                run.assert_status("failed");
            } else {
                unguarded.push(format!("{key} of {}", operator["operator_type"].as_str().unwrap()));
            }
        }
    }
    assert_eq!(unguarded, [""; 0]);
}

fn paid(id: &str, dependencies: &[&str], key: &str) -> Value {
    but(task(id, dependencies), json!({"idempotency_key": key}))
}

#[test]
fn what_has_a_key_is_done_once() {
    let document = flow(&[
        paid("pay", &[], "payment_{{order}}"),
        with_args("after", &["pay"], json!(["{{pay_result}}"])),
    ]);
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"order": 7}));
    assert_eq!(run.succeed("pay", json!("receipt")).idempotency_key, "payment_7");
    run.succeed("after", json!(null));
    run.assert_status("completed");
    run.submit_with(&document, json!({"order": 7}));
    assert_eq!(run.succeed("after", json!(null)).args, [json!("receipt")]);
    run.assert_status("completed");
    run.submit_with(&document, json!({"order": 8}));
    assert_eq!(run.succeed("pay", json!("other")).idempotency_key, "payment_8");
    assert_eq!(run.succeed("after", json!(null)).args, [json!("other")]);
    run.assert_status("completed");
}

#[test]
fn a_key_is_remembered_after_reopening() {
    let mut run = Scenario::of(&flow(&[paid("pay", &[], "k"), paid("again", &["pay"], "k")]));
    let pay = run.expect_start("pay");
    reopen(&mut run);
    run.finish(&pay, Ok(json!("receipt")));
    run.expect_no_start();
    run.assert_status("completed");
    reopen(&mut run);
    run.submit(&flow(&[paid("pay", &[], "k")]));
    run.expect_no_start();
    run.assert_status("completed");
    assert_eq!(result_of(&run, "pay"), "receipt");
}

#[test]
fn of_two_tasks_with_one_key_at_once_one_works() {
    let mut run = Scenario::of(&flow(&[paid("a", &[], "k"), paid("b", &[], "k")]));
    let a = run.expect_starts(&["a"]).remove(0);
    run.finish(&a, Ok(json!("receipt")));
    run.expect_no_start();
    run.assert_status("completed");
    assert_eq!(result_of(&run, "b"), "receipt");
}

#[test]
fn a_failure_is_not_kept_under_its_key() {
    let a = but(paid("a", &[], "k"), json!({"on_failure_task_id": "b", "retry_policy": retry(1, "PT0S")}));
    let mut run = Scenario::of(&flow(&[a, paid("b", &[], "k")]));
    let first = run.fail("a", "TOOL_FAILED");
    run.advance(0.0);
    let second = run.fail("a", "TOOL_FAILED");
    assert_eq!(first.idempotency_key, second.idempotency_key);
    run.succeed("b", json!(1));
    run.assert_status("completed");
}

#[test]
fn a_key_is_free_again_however_its_task_ended() {
    let endings: [fn(&mut Scenario); 3] = [
        |host| assert!(host.engine.cancel(RunIx::new(0), None, host.now)),
        |host| host.advance(5.0),
        |host| host.engine.tool_finished(CallId::new(1), failing("TOOL_FAILED"), host.now),
    ];
    for end in endings {
        let first = but(paid("a", &[], "k"), json!({"timeout_policy": operators::timeout("PT5S")}));
        let mut host = Scenario::of(&flow(&[first]));
        host.expect_starts(&["a"]);
        host.submit(&flow(&[paid("b", &[], "k")]));
        host.expect_no_start();
        end(&mut host);
        host.take();
        host.succeed("b", json!("receipt"));
        host.focus("run-2");
        assert_eq!(host.view()["status"], "completed");
    }
}

#[test]
fn a_task_that_is_looked_at_twice_while_it_waits_for_its_key_starts_once() {
    let late = but(paid("late", &["x", "y"], "k"), json!({"trigger_rule": "one_success"}));
    for is_paid in [true, false] {
        let mut run =
            Scenario::of(&flow(&[paid("a", &[], "k"), task("x", &[]), task("y", &[]), late.clone()]));
        let a = run.expect_start("a");
        run.succeed("x", json!(null));
        run.succeed("y", json!(null));
        run.expect_no_start();
        reopen(&mut run);
        run.finish(&a, if is_paid { Ok(json!("receipt")) } else { failing("TOOL_FAILED") });
        if !is_paid {
            run.succeed("late", json!("receipt"));
        }
        run.expect_no_start();
        assert_eq!(result_of(&run, "late"), "receipt");
    }
}

#[test]
fn a_repair_that_waits_for_its_key_may_still_succeed() {
    let mut host = Scenario::of(&flow(&[paid("a", &[], "k")]));
    let first = host.expect_start("a");
    host.submit(&flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
        task("next", &["main"]),
        task("other", &[]),
        paid("fix", &[], "k"),
        task("merge", &["next", "other"]),
    ]));
    host.fail("main", "TOOL_FAILED");
    host.succeed("other", json!(null));
    host.expect_no_start();
    host.assert_steps("main=failed next=skipped other=succeeded fix=pending merge=pending");
    reopen(&mut host);
    host.finish(&first, Ok(json!("receipt")));
    host.succeed("merge", json!(null));
    host.assert_status("completed");
}

#[test]
fn a_key_that_cannot_be_told_fails_the_task() {
    let run = Scenario::of(&flow(&[paid("pay", &[], "payment_{{ghost}}")]));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

fn counter(id: &str, dependencies: &[&str], tool: &str, kwargs: Value) -> Value {
    builtin(id, dependencies, &format!("tools.simple_counter.{tool}_counter"), json!([]), kwargs)
}

#[test]
fn counters_count_for_their_run() {
    let document = flow(&[
        counter("start", &[], "init", json!({"start": 3})),
        counter("one", &["start"], "increment", json!({})),
        task("between", &["one"]),
        counter("two", &["between"], "increment", json!({"max_value": 100})),
        with_args("after", &["two"], json!(["{{counter}}", "{{one_result.counter}}", "{{two.counter}}"])),
    ]);
    let mut run = Scenario::of(&document);
    run.submit(&document);
    for id in ["run-1", "run-2"] {
        run.focus(id);
        reopen(&mut run);
        run.succeed("between", json!(null));
        assert_eq!(run.succeed("after", json!(null)).args, [json!(5), json!(4), json!(5)]);
        run.assert_status("completed");
    }
    let mut run = Scenario::of(&flow(&[
        counter("start", &[], "init", json!({})),
        counter("one", &["start"], "increment", json!({})),
    ]));
    run.assert_status("completed");
    assert_eq!(
        (result_of(&run, "start"), result_of(&run, "one")),
        (json!({"counter": 0}), json!({"counter": 1}))
    );
    assert!(!run.cancel(None));
}

#[test]
fn a_counter_whose_postcondition_fails_fails_the_run() {
    let one = but(
        counter("one", &[], "increment", json!({})),
        json!({"postconditions": [guard("one_result.counter", "equals", json!(2), "not 2")]}),
    );
    let run = Scenario::of(&flow(&[one]));
    run.assert_status("failed");
    assert_eq!(run.step("one")["error"], "not 2");
    assert_eq!(run.failure_code(), "GUARD_FAILED");
}

#[test]
fn a_counter_goes_on_from_the_variable_of_the_workflow() {
    let mut run = Scenario::new();
    run.submit_with(&flow(&[counter("one", &[], "increment", json!({}))]), json!({"counter": 5}));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "one"), json!({"counter": 6}));
}

#[test]
fn a_deadline_fails_or_cancels_the_run() {
    for (action, status) in [("fail", "failed"), ("cancel", "cancelled")] {
        let mut document = flow(&[
            task("slow", &[]),
            op("wait", "nap", &[], json!({"wait_for": "PT1H"})),
            receive("heard", &[], "e", None),
            task("after", &["slow"]),
        ]);
        document["deadline_seconds"] = json!(60);
        document["deadline_action"] = json!(action);
        let mut run = Scenario::of(&document);
        let slow = run.expect_start("slow");
        run.advance(59.999);
        run.assert_status("running");
        reopen(&mut run);
        run.advance(0.001);
        run.expect_abort(&slow);
        run.assert_status(status);
        assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
        run.assert_steps("slow=cancelled nap=cancelled heard=cancelled after=cancelled");
        run.finish(&slow, Ok(json!(1)));
        run.advance(7_200.0);
        run.expect_no_start();
    }
}

#[test]
fn a_deadline_ends_loops_branches_retries_and_people() {
    let ask = builtin("ask", &[], "tools.approval.request", json!(["k"]), json!({}));
    let work = but(task("work", &[]), json!({"retry_policy": retry(9, "PT1H")}));
    for inside in [
        foreach("x", &[], "[1, 2]", std::slice::from_ref(&ask)),
        parallel("x", &[], &[("a", std::slice::from_ref(&ask))]),
        ask,
    ] {
        let mut document = flow(&[inside, work.clone()]);
        document["deadline_seconds"] = json!(60);
        let mut run = Scenario::of(&document);
        run.fail("work", "TOOL_FAILED");
        run.assert_status("sleeping");
        run.sleep_through(1_000.0);
        run.assert_status("failed");
        assert_eq!(run.engine.approvals().count(), 0);
    }
}

#[test]
fn the_sooner_of_deadline_and_timeout_counts_and_a_run_that_is_over_has_none() {
    for (deadline, limit, status) in [(60, 30, "failed"), (30, 60, "cancelled"), (30, 30, "cancelled")] {
        let mut document = flow(&[task("slow", &[])]);
        document["deadline_seconds"] = json!(deadline);
        document["deadline_action"] = json!("cancel");
        document["timeout_seconds"] = json!(limit);
        let mut run = Scenario::of(&document);
        let slow = run.expect_start("slow");
        run.advance(30.0);
        run.expect_abort(&slow);
        run.assert_status(status);
        let mut run = Scenario::of(&document);
        run.advance(29.0);
        run.succeed("slow", json!(1));
        run.assert_status("completed");
    }
}

#[test]
fn cancel_and_failure_leave_no_deadline() {
    let document = with(flow(&[task("a", &[])]), "/deadline_seconds", 60);
    let mut run = Scenario::of(&document);
    let a = run.expect_start("a");
    run.cancel(None);
    run.expect_abort(&a);
    run.assert_status("cancelled");
    let mut run = Scenario::of(&document);
    let a = run.expect_start("a");
    run.finish(&a, failing("TOOL_FAILED"));
    run.assert_status("failed");
}

#[test]
fn keys_hold_for_operators_of_every_kind() {
    let told = but(emit("tell", &[], "e", json!({"n": 1})), json!({"idempotency_key": "k"}));
    let mut run = Scenario::new();
    let waiter = run.submit(&flow(&[receive("one", &[], "e", None), receive("two", &["one"], "e", None)]));
    for _ in 0..2 {
        run.submit(&flow(std::slice::from_ref(&told)));
        run.assert_status("completed");
    }
    run.focus(&waiter);
    run.assert_steps("one=succeeded two=sleeping");
}

/// A task with the guard that its input matches a pattern.
fn matching(pattern: &str, text: &str) -> Scenario {
    let guard = json!({"variable": "inputs.text", "check": "matches_regex", "value": pattern, "message": ""});
    let document = with(independent(&["a"]), "/tasks/a/preconditions", json!([guard]));
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"text": text}));
    run
}

#[test]
fn a_regular_expression_has_a_length_and_a_text_that_fits_it() {
    for (pattern, text, option) in [
        ("a".repeat(200_000), "a".to_owned(), "patternBytes"),
        ("(a?){1000}(a?){1000}b".to_owned(), "a".repeat(200_000), "patternSteps"),
        ("(((a{100}){100}){100}){100}".to_owned(), "a".to_owned(), "patternSteps"),
    ] {
        let run = matching(&pattern, &text);
        assert_eq!(run.failure_code(), "LIMIT_EXCEEDED", "{option}");
        assert!(run.view().to_string().contains(option), "{}", run.view());
    }
    matching("(a*)*$", &"a".repeat(200_000)).expect_start("a");
    matching(&format!("^{}$", "(".repeat(2_000)), "a").assert_status("failed");
}
