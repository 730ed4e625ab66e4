//! Loops: over items, and as long as a condition holds.

use crate::support::operators::{
    self, all_steps, builtin, but, condition, flow, foreach, op, reopen, result_of, retry, task, timeout,
    while_loop, with_args,
};
use crate::support::{Scenario, failing, with};
use highway_wasm::engine::RunIx;
use serde_json::{Value, json};

/// A loop over items with one task, and a task after it.
fn each(items: &str) -> Value {
    flow(&[
        foreach("each", &[], items, &[with_args("body", &[], json!(["{{item}}"]))]),
        task("after", &["each"]),
    ])
}

fn side_by_side(mut document: Value) -> Value {
    document["tasks"]["each"]["parallel"] = json!(true);
    document
}

/// The items that a loop runs for, one after the other.
fn items_seen(run: &mut Scenario, count: usize) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let body = run.expect_starts(&["body"]).remove(0);
        seen.push(body.args[0].clone());
        run.finish(&body, Ok(body.args[0].clone()));
    }
    seen
}

#[test]
fn items_run_one_after_the_other_and_the_results_are_a_list() {
    let mut run = Scenario::of(&each(r#"["a", "b", "c"]"#));
    run.assert_status("running");
    for (at, item) in ["a", "b", "c"].iter().enumerate() {
        let body = run.expect_starts(&["body"]).remove(0);
        assert_eq!(body.args, [json!(item)]);
        run.advance(1.0);
        run.expect_no_start();
        run.finish(&body, Ok(json!(format!("{item}{at}"))));
    }
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!(["a0", "b1", "c2"]));
    assert_eq!(run.step("each")["duration_seconds"], 3);
    assert_eq!(run.view()["result"]["each_result"], json!(["a0", "b1", "c2"]));
    assert_eq!(
        all_steps(&run),
        "each=succeeded after=succeeded body[0]=succeeded body[1]=succeeded body[2]=succeeded"
    );
}

#[test]
fn items_are_a_list_or_text_that_stands_for_one() {
    for (value, items) in [
        (json!([1, "b", {"c": 3}]), json!([1, "b", {"c": 3}])),
        (json!(r#"["a", {"b": [1]}]"#), json!(["a", {"b": [1]}])),
        (json!("a\n\n  b \nc\n"), json!(["a", "b", "c"])),
        (json!("one"), json!(["one"])),
        (json!({"stdout": "[3, 4]\n", "returncode": 0}), json!([3, 4])),
        (json!({"stdout": "x.csv\ny.csv\n"}), json!(["x.csv", "y.csv"])),
        (json!({"stdout": ""}), json!([])),
        (json!([]), json!([])),
        (json!(""), json!([])),
        (json!([null]), json!([null])),
    ] {
        let mut run = Scenario::new();
        run.submit_with(&each("{{list}}"), json!({"list": value}));
        let count = items.as_array().unwrap().len();
        assert_eq!(Value::Array(items_seen(&mut run, count)), items, "{value}");
        run.succeed("after", json!(null));
        run.assert_status("completed");
        assert_eq!(result_of(&run, "each"), items);
    }
}

#[test]
fn items_come_from_a_path_of_an_earlier_result() {
    let mut document = each("{{list_result.data.rows}}");
    document["tasks"]["list"] = task("list", &[]);
    document["tasks"]["each"]["dependencies"] = json!(["list"]);
    let mut run = Scenario::of(&document);
    run.succeed("list", json!({"data": {"rows": [5, 6]}}));
    assert_eq!(items_seen(&mut run, 2), [json!(5), json!(6)]);
    run.succeed("after", json!(null));
    run.assert_status("completed");
}

#[test]
fn what_is_no_list_fails_the_loop_and_says_so() {
    for value in [json!(3), json!(true), json!(null), json!({"a": [1]}), json!({"stdout": 5})] {
        let mut run = Scenario::new();
        run.submit_with(&each("{{list}}"), json!({"list": value}));
        run.expect_no_start();
        run.assert_status("failed");
        run.assert_steps("each=failed after=skipped");
        assert!(run.view()["error"].as_str().unwrap().contains("not a list"), "{}", run.view()["error"]);
    }
    let run = Scenario::of(&each("{{ghost}}"));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_round_knows_its_item_and_its_number() {
    let names = "{{item.id}} {{current_item.id}} {{index}} {{iteration}} {{loop_context.iteration}}";
    let body = with_args("body", &[], json!([names, "{{index}}", "{{each_of}}"]));
    let mut document = flow(&[foreach("each", &[], r#"[{"id": "x"}, {"id": "y"}]"#, &[body])]);
    document["variables"] = json!({"each_of": "seen", "item": "hidden"});
    let mut run = Scenario::of(&document);
    for args in [json!(["x x 0 1 1", 0, "seen"]), json!(["y y 1 2 2", 1, "seen"])] {
        let body = run.expect_start("body");
        assert_eq!(Value::Array(body.args.clone()), args);
        run.finish(&body, Ok(json!(null)));
    }
    run.assert_status("completed");
}

#[test]
fn each_round_has_calls_and_keys_of_its_own() {
    let mut run = Scenario::of(&side_by_side(each("[1, 2, 3]")));
    let calls = run.expect_starts(&["body", "body", "body"]);
    let mut keys: Vec<&str> = calls.iter().map(|call| call.idempotency_key.as_str()).collect();
    keys.dedup();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(calls.iter().all(|call| call.attempt == 1));
}

#[test]
fn a_parallel_loop_runs_as_many_rounds_as_there_are_places_and_keeps_the_order_of_results() {
    let mut run = Scenario::with_places(2);
    run.submit(&side_by_side(each("[0, 1, 2, 3, 4]")));
    let mut running = run.expect_starts(&["body", "body"]);
    for next in [2, 3, 4] {
        let last = running.pop().unwrap();
        run.finish(&last, Ok(last.args[0].clone()));
        running.push(run.expect_starts(&["body"]).remove(0));
        assert_eq!(running[1].args, [json!(next)]);
    }
    reopen(&mut run);
    for call in running.iter().rev() {
        run.finish(call, Ok(call.args[0].clone()));
    }
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!([0, 1, 2, 3, 4]));
}

#[test]
fn bodies_run_in_order_of_their_dependencies_and_give_the_result_of_the_last_task() {
    let body = [
        task("first", &[]),
        task("left", &["first"]),
        task("right", &["first"]),
        with_args("last", &["left", "right"], json!(["{{left_result}}{{right_result}}"])),
    ];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body)]));
    for round in ["x", "y"] {
        run.succeed("first", json!(null));
        for call in run.expect_starts(&["left", "right"]) {
            run.finish(&call, Ok(json!(round)));
        }
        let last = run.expect_start("last");
        assert_eq!(last.args, [json!(format!("{round}{round}"))]);
        run.finish(&last, Ok(last.args[0].clone()));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!(["xx", "yy"]));
}

#[test]
fn the_last_task_of_a_body_is_that_of_the_definition_not_the_slowest() {
    let body = [task("one", &[]), task("two", &[])];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1]", &body)]));
    let calls = run.expect_starts(&["one", "two"]);
    run.finish(&calls[1], Ok(json!("two")));
    run.finish(&calls[0], Ok(json!("one")));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!(["two"]));
}

#[test]
fn an_empty_body_and_an_empty_list_are_no_trouble() {
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &[]), task("after", &["each"])]));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!([null, null]));
    let mut run = Scenario::of(&side_by_side(each("[]")));
    run.succeed("after", json!(null));
    run.assert_status("completed");
}

#[test]
fn a_body_listed_beside_its_loop_without_the_mark_does_not_run_there() {
    let mut document = each("[7]");
    document["tasks"]["body"]["is_internal_loop_task"] = json!(false);
    let mut run = Scenario::of(&document);
    assert_eq!(items_seen(&mut run, 1), [json!(7)]);
    run.succeed("after", json!(null));
    run.assert_status("completed");
}

#[test]
fn loops_nest_and_every_level_has_its_own_item() {
    let leaf = with_args("leaf", &[], json!(["{{item}}", "{{index}}", "{{outer_result}}"]));
    let inner = foreach("inner", &["outer"], "{{item}}", &[leaf]);
    let middle = foreach("middle", &[], "[[1, 2], [3]]", &[task("outer", &[]), inner]);
    let count = builtin("count", &["middle"], "tools.simple_counter.increment_counter", json!([]), json!({}));
    let mut document = flow(&[while_loop("rounds", &[], "{{counter}} < 2", &[middle, count])]);
    document["variables"] = json!({"counter": 0});
    let mut run = Scenario::of(&document);
    for round in 0..2 {
        for (list, items) in [vec![1, 2], vec![3]].into_iter().enumerate() {
            run.succeed("outer", json!([round, list]));
            for (at, item) in items.into_iter().enumerate() {
                let leaf = run.expect_starts(&["leaf"]).remove(0);
                assert_eq!(leaf.args, [json!(item), json!(at), json!([round, list])]);
                reopen(&mut run);
                run.finish(&leaf, Ok(json!(item * 10)));
            }
        }
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "middle[1]"), json!([[10, 20], [30]]));
    assert_eq!(result_of(&run, "leaf[1][0][1]"), 20);
    assert_eq!(result_of(&run, "rounds"), json!({"counter": 2}));
}

#[test]
fn a_failing_round_fails_the_loop_and_what_runs_beside_it_is_stopped() {
    let mut run = Scenario::of(&each("[1, 2, 3]"));
    run.succeed("body", json!(1));
    run.fail("body", "TOOL_FAILED");
    run.expect_no_start();
    run.assert_status("failed");
    run.assert_steps("each=failed after=skipped");
    assert_eq!(run.failure_code(), "TOOL_FAILED");

    let mut run = Scenario::of(&side_by_side(each("[1, 2, 3]")));
    let calls = run.expect_starts(&["body", "body", "body"]);
    run.finish(&calls[1], failing("TOOL_FAILED"));
    run.expect_abort(&calls[0]);
    run.expect_abort(&calls[2]);
    run.assert_status("failed");
    assert_eq!(
        all_steps(&run),
        "each=failed after=skipped body[0]=cancelled body[1]=failed body[2]=cancelled"
    );
}

#[test]
fn a_failed_loop_has_a_handler() {
    let mut document = each("[1]");
    document["tasks"]["each"]["on_failure_task_id"] = json!("fix");
    document["tasks"]["fix"] = task("fix", &[]);
    let mut run = Scenario::of(&document);
    run.fail("body", "TOOL_FAILED");
    run.succeed("fix", json!(null));
    run.assert_status("completed");
    run.assert_steps("each=failed after=skipped fix=succeeded");
}

#[test]
fn a_failure_that_is_dealt_with_inside_a_round_does_not_fail_the_loop() {
    let body = [
        but(with_args("body", &[], json!(["{{item}}"])), json!({"on_failure_task_id": "fix"})),
        task("fix", &[]),
    ];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body)]));
    run.fail("body", "TOOL_FAILED");
    run.succeed("fix", json!("fixed"));
    run.succeed("body", json!("fine"));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!(["fixed", "fine"]));
}

#[test]
fn the_policy_of_a_loop_repeats_the_whole_loop_and_that_of_a_task_its_round() {
    let document = with(each("[1, 2]"), "/tasks/each/retry_policy", retry(1, "PT10S"));
    let mut run = Scenario::of(&document);
    run.succeed("body", json!("a"));
    run.fail("body", "TOOL_FAILED");
    run.assert_status("sleeping");
    reopen(&mut run);
    run.advance(10.0);
    assert_eq!(items_seen(&mut run, 2), [json!(1), json!(2)]);
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!([1, 2]));
    assert_eq!(run.step("each")["retry_count"], 1);

    let body = but(task("body", &[]), json!({"retry_policy": retry(1, "PT10S")}));
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1]", &[body])]));
    run.fail("body", "TOOL_FAILED");
    run.assert_status("sleeping");
    run.advance(10.0);
    assert_eq!(run.succeed("body", json!(1)).attempt, 2);
    run.assert_status("completed");
    assert_eq!(run.step("each")["retry_count"], 0);
}

#[test]
fn a_loop_that_was_repeated_names_each_step_once() {
    let document = with(each("[1]"), "/tasks/each/retry_policy", retry(1, "PT0S"));
    let mut run = Scenario::of(&document);
    run.fail("body", "TOOL_FAILED");
    run.advance(0.0);
    run.succeed("body", json!("good"));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(all_steps(&run).matches("body[0]=").count(), 1, "{}", all_steps(&run));
    assert_eq!(result_of(&run, "body[0]"), "good");
}

#[test]
fn a_loop_has_a_time_limit_for_all_its_rounds() {
    let document = with(each("[1, 2, 3]"), "/tasks/each/timeout_policy", timeout("PT10S"));
    let document = with(document, "/tasks/each/retry_policy", retry(1, "PT1S"));
    let mut run = Scenario::of(&document);
    for _ in 0..2 {
        let first = run.expect_start("body");
        run.advance(6.0);
        run.finish(&first, Ok(json!(1)));
        let second = run.expect_start("body");
        run.advance(4.0);
        run.expect_abort(&second);
        run.advance(1.0);
    }
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
}

#[test]
fn cancel_inside_a_loop_stops_its_tools_and_timers() {
    let nap = op("wait", "nap", &[], json!({"wait_for": "PT1H"}));
    let inner = foreach("inner", &[], "[1]", &[nap]);
    let mut run =
        Scenario::of(&side_by_side(flow(&[foreach("each", &[], "[1, 2]", &[inner, task("body", &[])])])));
    let calls = run.expect_starts(&["body", "body"]);
    reopen(&mut run);
    assert!(run.cancel(None));
    for call in &calls {
        run.expect_abort(call);
    }
    run.assert_status("cancelled");
    assert_eq!(all_steps(&run).matches("=cancelled").count(), 7, "{}", all_steps(&run));
    run.finish(&calls[0], Ok(json!(1)));
    run.advance(7_200.0);
    run.expect_no_start();
}

fn while_below(limit: u32) -> Value {
    let condition = format!("{{{{step_result.n}}}} < {limit}");
    let body = with_args("step", &[], json!(["{{step_result.n}}", "{{iteration}}"]));
    let after = with_args("after", &["loop"], json!(["{{step_result.n}}", "{{loop_result.n}}"]));
    let mut document = flow(&[while_loop("loop", &[], &condition, &[body]), after]);
    document["variables"] = json!({"step_result": {"n": 0}});
    document
}

#[test]
fn a_while_tests_before_each_round_and_reads_what_the_last_round_gave() {
    let mut run = Scenario::of(&while_below(3));
    for n in 0..3 {
        let step = run.expect_starts(&["step"]).remove(0);
        assert_eq!(step.args, [json!(n), json!(n + 1)]);
        reopen(&mut run);
        run.finish(&step, Ok(json!({"n": n + 1})));
    }
    let after = run.expect_start("after");
    assert_eq!(after.args, [json!(3), json!(3)]);
    run.finish(&after, Ok(json!(null)));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "loop"), json!({"n": 3}));

    let mut run = Scenario::of(&with(while_below(3), "/variables/step_result/n", 3));
    let after = run.expect_starts(&["after"]).remove(0);
    assert_eq!(after.args, [json!(3), json!(null)], "a loop without rounds gives nothing");
    run.finish(&after, Ok(json!(null)));
    run.assert_status("completed");
}

#[test]
fn a_while_fails_with_its_round_and_with_its_condition() {
    let mut run = Scenario::of(&while_below(3));
    run.succeed("step", json!({"n": 1}));
    run.fail("step", "TOOL_FAILED");
    run.assert_status("failed");
    run.assert_steps("loop=failed after=skipped");
    let mut run = Scenario::of(&while_below(3));
    run.succeed("step", json!({"n": "many"}));
    run.expect_no_start();
    run.assert_status("failed");
    run.assert_steps("loop=failed after=skipped");
}

#[test]
fn a_while_without_end_fails_after_ten_thousand_rounds() {
    let count = builtin("count", &[], "tools.simple_counter.increment_counter", json!([]), json!({}));
    let document = |limit: u32| {
        let mut document = flow(&[while_loop(
            "loop",
            &[],
            &format!("{{{{counter}}}} < {limit}"),
            std::slice::from_ref(&count),
        )]);
        document["variables"] = json!({"counter": 0});
        document["tasks"]["loop"]["retry_policy"] = retry(3, "PT1S");
        document
    };
    let run = Scenario::of(&document(10_000));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "loop"), json!({"counter": 10_000}));
    let run = Scenario::of(&document(10_001));
    run.assert_status("failed");
    assert!(run.view()["error"].as_str().unwrap().contains("10000"));
    assert_eq!(run.step("loop")["retry_count"], 0);
}

#[test]
fn conditions_waits_and_forks_work_inside_a_round() {
    let body = [
        condition("check", &[], "{{item}} > 1", Some("big"), Some("nap")),
        task("big", &["check"]),
        op("wait", "nap", &["check"], json!({"wait_for": "{{item}}"})),
        operators::parallel(
            "fork",
            &["big", "nap"],
            &[("one", &[with_args("leaf", &[], json!(["{{item}}"]))])],
        ),
        operators::wait_branches("all", "fork"),
    ];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body)]));
    run.assert_status("sleeping");
    run.advance(1.0);
    run.succeed("leaf", json!("l1"));
    run.succeed("big", json!(null));
    reopen(&mut run);
    let leaf = run.expect_start("leaf");
    assert_eq!(leaf.args, [json!(2)]);
    run.finish(&leaf, Ok(json!("l2")));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!([{"one": "l1"}, {"one": "l2"}]));
}

#[test]
fn a_round_does_not_see_what_another_item_gave() {
    let body = [
        task("first", &[]),
        condition("check", &["first"], "{{item}} == 1", Some("maybe"), None),
        task("maybe", &["check"]),
        with_args("last", &["first", "maybe"], json!(["{{maybe_result}}"])),
    ];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body)]));
    run.succeed("first", json!(null));
    run.succeed("maybe", json!("of item 1"));
    run.succeed("last", json!(null));
    run.succeed("first", json!(null));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_dynamic_loop_takes_items_by_signal_and_ends_when_all_are_done() {
    let mut run = Scenario::of(&with(each("[1]"), "/tasks/each/dynamic", true));
    let body = run.expect_start("body");
    let (at, now) = (0, run.now);
    run.engine.signal(RunIx::new(at), "add_items", json!({"items": [2]}), now).unwrap();
    run.sleep_through(0.0);
    run.finish(&body, Ok(json!("a")));
    run.succeed("body", json!("b"));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!(["a", "b"]));
}

#[test]
fn what_a_round_gives_is_later_than_what_came_before_the_loop() {
    let keyed =
        |id: &str, on: &[&str], args: Value| but(with_args(id, on, args), json!({"result_key": "dough"}));
    let body = [keyed("knead", &[], json!(["{{dough.n}}"]))];
    let mut run = Scenario::of(&flow(&[
        keyed("look", &[], json!([])),
        while_loop("loop", &["look"], "{{dough.n}} < 3", &body),
        with_args("shape", &["loop"], json!(["{{dough.n}}"])),
        keyed("bake", &["shape"], json!([])),
        with_args("eat", &["bake"], json!(["{{dough.n}}"])),
    ]));
    run.succeed("look", json!({"n": 1}));
    for n in [1, 2] {
        assert_eq!(run.succeed("knead", json!({"n": n + 1})).args, [json!(n)], "of the round before");
    }
    assert_eq!(run.succeed("shape", json!(null)).args, [json!(3)], "of the last round");
    run.succeed("bake", json!({"n": 9}));
    assert_eq!(run.succeed("eat", json!(null)).args, [json!(9)], "what comes later still");
    run.assert_status("completed");
}

#[test]
fn a_counter_counts_with_all_digits() {
    let counted = |start: Value, more: Value| {
        let count = "tools.simple_counter.increment_counter";
        let begin =
            builtin("begin", &[], "tools.simple_counter.init_counter", json!([]), json!({"start": start}));
        let mut run = Scenario::of(&flow(&[begin, builtin("count", &["begin"], count, json!([]), more)]));
        run.take();
        run.step("count")
    };
    let big = |digits: &str| serde_json::from_str::<Value>(digits).unwrap();
    for (start, counted_to) in [
        ("0", "1"),
        ("-1", "0"),
        ("9007199254740992", "9007199254740993"),
        ("9223372036854775806", "9223372036854775807"),
        ("0.5", "1.5"),
    ] {
        assert_eq!(counted(big(start), json!({}))["result"]["counter"], big(counted_to), "{start}");
    }
    assert_eq!(counted(json!(7), json!({"max_value": 7}))["result"]["counter"], 7);
    for start in ["9223372036854775807", "99999999999999999999"] {
        let step = counted(big(start), json!({}));
        assert_eq!(step["status"], "failed", "{step}");
    }
}

#[test]
fn the_condition_of_a_while_counts_its_rounds() {
    for (condition, rounds) in [
        ("{{iteration}} < 3", 2),
        ("{{iteration}} <= 3", 3),
        ("{{index}} < 3", 3),
        ("{{loop_context.iteration}} <= 2 and {{loop_context.index}} < 9", 2),
    ] {
        let body = with_args("step", &[], json!(["{{iteration}}"]));
        let mut run = Scenario::of(&flow(&[while_loop("loop", &[], condition, &[body])]));
        for round in 1..=rounds {
            assert_eq!(run.succeed("step", json!(null)).args, [json!(round)], "{condition}");
        }
        run.assert_status("completed");
    }
    // Inside another loop it is the round of its own, and the item of the other.
    let body = with_args("step", &[], json!(["{{item}}", "{{iteration}}"]));
    let inner = while_loop("inner", &[], "{{iteration}} <= {{item}}", &[body]);
    let outer =
        json!({"task_id": "outer", "operator_type": "foreach", "items": "[0, 2]", "loop_body": [inner]});
    let mut run = Scenario::of(&flow(&[outer]));
    for round in [1, 2] {
        assert_eq!(run.succeed("step", json!(null)).args, [json!(2), json!(round)]);
    }
    run.assert_status("completed");
}
