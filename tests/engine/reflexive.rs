//! Steps that generate, verify and correct in turns.

use crate::support::operators::{
    but, flow, foreach, op, parallel, reopen, result_of, retry, task, timeout, wait_branches, with_args,
};
use crate::support::{START, Scenario, failing, failing_with};
use highway_wasm::engine::{Effect, ToolCall};
use serde_json::{Value, json};

const GENERATOR: &str = "tools.test.write";
const VERIFIER: &str = "tools.test.check";

/// A reflexive step `make` with the result key `made`, and some fields set otherwise.
fn make(fields: Value) -> Value {
    let all = json!({"generator": GENERATOR, "generator_kwargs": {"prompt": "a rye bread"}, "verifier": VERIFIER,
        "verifier_kwargs": {"strict": true}, "max_turns": 3, "correction_prompt_template": null,
        "result_key": "made"});
    but(op("reflexive", "make", &[], all), fields)
}

fn made(fields: Value) -> Scenario {
    Scenario::of(&flow(&[make(fields)]))
}

/// The generator has been called, and gives something.
fn generate(run: &mut Scenario, output: Value) -> ToolCall {
    let call = run.succeed("make", output);
    assert_eq!(call.tool, GENERATOR);
    call
}

/// The verifier has been called, and says something.
fn verify(run: &mut Scenario, verdict: Value) -> ToolCall {
    let call = run.succeed("make", verdict);
    assert_eq!(call.tool, VERIFIER);
    call
}

/// What the engine has the host start after a restart.
fn resumed(run: &mut Scenario) -> ToolCall {
    run.reopen();
    run.engine.resume(run.now);
    let output = run.engine.take_output();
    assert_eq!(output.records, []);
    match output.effects.as_slice() {
        [Effect::StartTool(call)] => (**call).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_accepted_at_once_is_made_in_one_turn() {
    let mut run = Scenario::of(&flow(&[
        make(json!({})),
        with_args("eat", &["make"], json!(["{{made.output.text}}", "{{make.turns}}", "{{made.verified}}"])),
    ]));
    run.assert_status("running");
    let call = generate(&mut run, json!({"text": "dough"}));
    assert_eq!((call.args.len(), &call.kwargs, call.attempt), (0, &json!({"prompt": "a rye bread"}), 1));
    let call = verify(&mut run, json!({"passed": true, "score": 9}));
    assert_eq!((call.args.len(), call.attempt), (0, 1));
    assert_eq!(call.kwargs, json!({"strict": true, "output": {"text": "dough"}}));
    assert_eq!(
        result_of(&run, "make"),
        json!({"output": {"text": "dough"}, "verified": true, "verification": {"passed": true, "score": 9}, "turns": 1})
    );
    assert_eq!(run.succeed("eat", json!(null)).args, [json!("dough"), json!(1), json!(true)]);
    run.assert_status("completed");
}

#[test]
fn what_is_not_accepted_is_corrected_with_what_the_verifier_said() {
    let mut run = made(json!({}));
    generate(&mut run, json!("raw"));
    verify(&mut run, json!({"passed": false, "note": "bake it"}));
    let call = generate(&mut run, json!("burnt"));
    let feedback = json!({"passed": false, "note": "bake it"});
    assert_eq!(call.kwargs, json!({"prompt": "a rye bread", "output": "raw", "feedback": feedback}));
    assert_eq!(call.attempt, 1, "a turn is no attempt");
    let call = verify(&mut run, json!({"passed": false, "note": "less"}));
    assert_eq!(call.kwargs, json!({"strict": true, "output": "burnt"}));
    let call = generate(&mut run, json!("bread"));
    assert_eq!(
        (&call.kwargs["output"], &call.kwargs["feedback"]["note"]),
        (&json!("burnt"), &json!("less")),
        "the latest alone"
    );
    verify(&mut run, json!({"passed": true}));
    run.assert_status("completed");
    let result = result_of(&run, "make");
    assert_eq!((&result["output"], &result["turns"]), (&json!("bread"), &json!(3)));
    assert_eq!(run.step("make")["retry_count"], 0);
}

#[test]
fn the_template_of_a_correction_takes_the_place_of_the_prompt() {
    let template = "{{inputs.tone}}: {{feedback.note}}, not {{output}}";
    let mut run = Scenario::new();
    let fields = json!({"correction_prompt_template": template,
        "generator_kwargs": {"prompt": "bread for {{who}}", "heat": 3}, "verifier_kwargs": {"text": "<{{output}}>"}});
    run.submit_with(&flow(&[make(fields)]), json!({"tone": "kindly", "who": "Ada"}));
    assert_eq!(generate(&mut run, json!("raw")).kwargs, json!({"prompt": "bread for Ada", "heat": 3}));
    assert_eq!(verify(&mut run, json!({"ok": false, "note": "baked"})).kwargs["text"], "<raw>");
    let call = generate(&mut run, json!("bread"));
    assert_eq!((&call.kwargs["prompt"], &call.kwargs["heat"]), (&json!("kindly: baked, not raw"), &json!(3)));
    verify(&mut run, json!({"ok": true}));
    run.assert_status("completed");
}

#[test]
fn what_the_tools_say_is_text_and_no_template() {
    let mut run = made(json!({"correction_prompt_template": "{{feedback}} {{output}}"}));
    generate(&mut run, json!("{{made}}"));
    let call = verify(&mut run, json!("false"));
    assert_eq!(call.kwargs["output"], "{{made}}");
    let call = generate(&mut run, json!("${ghost}"));
    assert_eq!(call.kwargs["prompt"], "false {{made}}");
    verify(&mut run, json!(true));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "make")["output"], "${ghost}");
}

#[test]
fn arguments_of_their_own_win_over_what_a_turn_adds() {
    let fields =
        json!({"generator_kwargs": {"feedback": "mine"}, "verifier_kwargs": {"output": "{{output.text}}"}});
    let mut run = made(fields);
    generate(&mut run, json!({"text": "t"}));
    assert_eq!(verify(&mut run, json!(false)).kwargs, json!({"output": "t"}));
    let call = generate(&mut run, json!({"text": "u"}));
    assert_eq!(call.kwargs, json!({"feedback": "mine", "output": {"text": "t"}}));
    verify(&mut run, json!(true));
    run.assert_status("completed");
}

#[test]
fn a_verdict_is_read_by_the_field_that_says_it_or_as_a_whole() {
    for (verdict, is_accepted) in [
        (json!({"passed": true}), true),
        (json!({"valid": true}), true),
        (json!({"approved": true}), true),
        (json!({"success": true}), true),
        (json!({"verified": 1}), true),
        (json!({"ok": "yes"}), true),
        (json!(true), true),
        (json!({"passed": false}), false),
        (json!({"valid": "false"}), false),
        (json!({"approved": null}), false),
        (json!({"passed": false, "ok": true}), false),
        (json!({"success": false, "message": "no"}), false),
        (json!(false), false),
        (json!(null), false),
        (json!(""), false),
        (json!("False"), false),
        (json!({}), false),
    ] {
        let mut run = made(json!({"max_turns": 1}));
        generate(&mut run, json!(1));
        verify(&mut run, verdict.clone());
        run.assert_status(if is_accepted { "completed" } else { "failed" });
        assert_eq!(run.step("make")["result"]["verified"], is_accepted, "{verdict}");
    }
}

#[test]
fn after_its_last_turn_it_fails_for_good_and_keeps_what_it_has() {
    let mut run = Scenario::of(&flow(&[
        make(json!({"max_turns": 2, "retry_policy": retry(3, "PT1S"), "on_failure_task_id": "fix"})),
        task("after", &["make"]),
        with_args("fix", &[], json!(["{{made.output}}", "{{made.verification.note}}", "{{failed_task_id}}"])),
    ]));
    for note in ["first", "second"] {
        generate(&mut run, json!(format!("bread {note}")));
        verify(&mut run, json!({"passed": false, "note": note}));
    }
    assert_eq!(run.step("make")["error_details"]["code"], "TOOL_FAILED");
    assert!(run.step("make")["error"].as_str().unwrap().contains("2 turns"));
    assert_eq!(run.step("make")["result"]["turns"], 2);
    let fix = run.expect_starts(&["fix"]).remove(0);
    assert_eq!(fix.args, [json!("bread second"), json!("second"), json!("make")]);
    run.finish(&fix, Ok(json!(null)));
    run.assert_status("completed");
    run.assert_steps("make=failed after=skipped fix=succeeded");
}

#[test]
fn a_tool_that_fails_fails_the_attempt_and_the_next_one_begins_anew() {
    let mut run = made(json!({"retry_policy": retry(2, "PT5S")}));
    generate(&mut run, json!("raw"));
    verify(&mut run, json!({"passed": false}));
    // The generator, in its second turn.
    let call = run.fail("make", "RATE_LIMITED");
    assert_eq!(call.tool, GENERATOR);
    run.assert_status("sleeping");
    reopen(&mut run);
    run.advance(5.0);
    let call = generate(&mut run, json!("dough"));
    assert_eq!((&call.kwargs, call.attempt), (&json!({"prompt": "a rye bread"}), 2), "nothing is left");
    // The verifier: that it fails is no verdict.
    let call = run.expect_start("make");
    run.finish(&call, failing_with(json!({"passed": true})));
    assert_eq!(call.tool, VERIFIER);
    run.advance(5.0);
    generate(&mut run, json!("bread"));
    verify(&mut run, json!(true));
    run.assert_status("completed");
    let result = result_of(&run, "make");
    assert_eq!((&result["output"], &result["turns"]), (&json!("bread"), &json!(1)));
    assert_eq!(run.step("make")["retry_count"], 2);
}

#[test]
fn without_another_attempt_the_failure_is_that_of_the_tool() {
    for failing_turn in [1, 2] {
        let mut run = made(json!({}));
        if failing_turn == 2 {
            generate(&mut run, json!("raw"));
        }
        run.fail("make", "RATE_LIMITED");
        run.expect_no_start();
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "RATE_LIMITED");
    }
}

#[test]
fn a_time_limit_is_that_of_all_turns_of_an_attempt() {
    let mut run = made(json!({"timeout_policy": timeout("PT60S"), "retry_policy": retry(1, "PT10S")}));
    let call = run.expect_start("make");
    assert_eq!(call.deadline, Some(START + 60_000));
    run.advance(40.0);
    run.finish(&call, Ok(json!("raw")));
    let call = run.expect_start("make");
    assert_eq!((call.tool.as_str(), call.deadline), (VERIFIER, Some(START + 60_000)));
    reopen(&mut run);
    run.advance(20.0);
    assert!(run.expect_abort(&call).contains("time limit"));
    assert_eq!(run.step("make")["error_details"]["code"], "TASK_TIMED_OUT");
    assert!(run.step("make")["error"].as_str().unwrap().contains("60 s"));
    run.finish(&call, Ok(json!(true)));
    run.assert_status("sleeping");
    run.advance(10.0);
    let call = run.expect_start("make");
    assert_eq!((call.tool.as_str(), call.deadline), (GENERATOR, Some(START + 130_000)));
    run.advance(60.0);
    run.expect_abort(&call);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
}

#[test]
fn the_deadline_of_the_run_stops_the_turn() {
    let document = but(flow(&[make(json!({}))]), json!({"deadline_seconds": 30}));
    let mut run = Scenario::of(&document);
    generate(&mut run, json!("raw"));
    let call = run.expect_start("make");
    run.advance(30.0);
    run.expect_abort(&call);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
}

#[test]
fn a_crash_in_any_turn_repeats_that_turn_and_no_other() {
    let mut run = made(json!({"correction_prompt_template": "again: {{feedback}}"}));
    let outcomes = [json!("raw"), json!({"passed": false}), json!("bread"), json!({"passed": true})];
    for outcome in outcomes {
        reopen(&mut run);
        let call = run.expect_start("make");
        assert_eq!(resumed(&mut run), call, "the same call with the same arguments and key");
        run.finish(&call, Ok(outcome));
    }
    run.expect_no_start();
    run.assert_status("completed");
    assert_eq!(result_of(&run, "make")["turns"], 2);
}

#[test]
fn an_outcome_of_an_earlier_turn_is_not_wanted_any_more() {
    let mut run = made(json!({}));
    let first = generate(&mut run, json!("raw"));
    run.finish(&first, Ok(json!("another")));
    run.finish(&first, failing("TOOL_FAILED"));
    assert_eq!(verify(&mut run, json!(true)).kwargs["output"], "raw");
    run.assert_status("completed");
}

#[test]
fn cancel_stops_the_turn_that_runs() {
    for turns in 0..3 {
        let mut run = made(json!({}));
        for at in 0..turns {
            run.succeed("make", if at == 0 { json!("raw") } else { json!(false) });
        }
        let call = run.expect_start("make");
        assert_eq!(call.tool, if turns == 1 { VERIFIER } else { GENERATOR });
        assert!(run.cancel(Some("enough")));
        run.expect_abort(&call);
        run.finish(&call, Ok(json!(true)));
        run.expect_no_start();
        run.assert_status("cancelled");
        run.assert_steps("make=cancelled");
        run.advance(100.0);
    }
}

#[test]
fn every_turn_has_a_key_of_its_own_which_a_later_attempt_repeats() {
    // A mail that a service knows by its key would be sent in the first turn alone.
    let mut run = made(json!({"retry_policy": retry(1, "PT1S")}));
    let mut first = vec![generate(&mut run, json!("raw")), verify(&mut run, json!(false))];
    first.push(run.fail("make", "TOOL_FAILED"));
    run.advance(1.0);
    let second =
        [generate(&mut run, json!("raw")), verify(&mut run, json!(false)), generate(&mut run, json!(1))];
    let keys = |calls: &[ToolCall]| calls.iter().map(|call| call.idempotency_key.clone()).collect::<Vec<_>>();
    let distinct: std::collections::BTreeSet<String> = keys(&first).into_iter().collect();
    assert_eq!(distinct.len(), 3, "{distinct:?}");
    assert_eq!(keys(&first), keys(&second));
    verify(&mut run, json!(true));
    run.assert_status("completed");
}

#[test]
fn a_key_that_was_used_gives_the_result_without_a_turn() {
    let again = but(
        make(json!({"idempotency_key": "bread-{{day}}"})),
        json!({"task_id": "again",
        "dependencies": ["make"], "result_key": "again"}),
    );
    let mut run = Scenario::new();
    run.submit_with(&flow(&[make(json!({"idempotency_key": "bread-{{day}}"})), again]), json!({"day": 7}));
    let calls = [generate(&mut run, json!("bread")), verify(&mut run, json!(true))];
    assert!(calls.iter().all(|call| call.idempotency_key.starts_with("bread-7")), "{calls:?}");
    run.expect_no_start();
    run.assert_status("completed");
    assert_eq!(result_of(&run, "again"), result_of(&run, "make"));
}

#[test]
fn two_with_one_key_do_not_run_at_once() {
    let twin = |id: &str| but(make(json!({"idempotency_key": "bread"})), json!({"task_id": id}));
    for is_accepted in [true, false] {
        let mut run = Scenario::of(&flow(&[twin("make"), twin("twin")]));
        generate(&mut run, json!("bread"));
        let check = run.expect_starts(&["make"]).remove(0);
        run.finish(&check, if is_accepted { Ok(json!(true)) } else { failing("TOOL_FAILED") });
        if is_accepted {
            run.expect_no_start();
            run.assert_status("completed");
            continue;
        }
        reopen(&mut run);
        assert_eq!(run.succeed("twin", json!("cake")).tool, GENERATOR);
        run.succeed("twin", json!(true));
        run.assert_steps("make=failed twin=succeeded");
    }
}

#[test]
fn it_keeps_its_place_from_turn_to_turn() {
    let mut run = Scenario::with_places(1);
    run.submit(&flow(&[make(json!({})), task("other", &[])]));
    generate(&mut run, json!("raw"));
    verify(&mut run, json!(false));
    generate(&mut run, json!("bread"));
    verify(&mut run, json!(true));
    run.succeed("other", json!(null));
    run.assert_status("completed");
}

#[test]
fn a_template_that_names_nothing_fails_the_turn_that_needs_it() {
    let fields = [
        (0, json!({"generator_kwargs": {"prompt": "{{ghost}}"}})),
        (0, json!({"generator_kwargs": {"prompt": "{{feedback}}"}})),
        (1, json!({"verifier_kwargs": {"text": "{{ghost}}"}})),
        (2, json!({"correction_prompt_template": "{{ghost}}"})),
    ];
    for (turns, fields) in fields {
        let mut run = made(fields.clone());
        for at in 0..turns {
            run.succeed("make", if at == 0 { json!("raw") } else { json!(false) });
        }
        run.expect_no_start();
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED", "{fields}");
    }
}

#[test]
fn guards_hold_before_the_first_turn_and_after_the_last() {
    let guard = |variable: &str| json!([{"variable": variable, "check": "equals", "value": "bread", "message": "no"}]);
    let run = made(json!({"preconditions": guard("inputs.wish")}));
    run.expect_no_start();
    run.assert_status("failed");
    for (output, status) in [("bread", "completed"), ("cake", "failed")] {
        let mut run = made(json!({"postconditions": guard("{{made.output}}")}));
        generate(&mut run, json!(output));
        verify(&mut run, json!(true));
        run.assert_status(status);
    }
}

#[test]
fn it_runs_in_loops_and_branches() {
    let inner = make(json!({"generator_kwargs": {"prompt": "{{item}}"}}));
    let mut run =
        Scenario::of(&flow(&[foreach("each", &[], "[\"rye\", \"oat\"]", std::slice::from_ref(&inner))]));
    let mut keys = Vec::new();
    for item in ["rye", "oat"] {
        let call = generate(&mut run, json!(item));
        assert_eq!(call.kwargs["prompt"], item);
        keys.push(call.idempotency_key);
        reopen(&mut run);
        verify(&mut run, json!(true));
    }
    assert_ne!(keys[0], keys[1]);
    run.assert_status("completed");
    let outputs: Vec<Value> =
        result_of(&run, "each").as_array().unwrap().iter().map(|round| round["output"].clone()).collect();
    assert_eq!(outputs, ["rye", "oat"]);

    let fork = parallel("fork", &[], &[("a", &[make(json!({}))])]);
    let mut run = Scenario::of(&flow(&[fork, wait_branches("all", "fork")]));
    generate(&mut run, json!("raw"));
    verify(&mut run, json!(true));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all")["a"]["output"], "raw");
}
