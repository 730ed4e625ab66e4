//! Which way a run takes: conditions, choices, skips, trigger rules.

use crate::support::operators::{
    self, all_steps, but, condition, flow, multi_choice, op, parallel, reopen, result_of, skipped_because,
    succeed_all, task, wait_branches,
};
use crate::support::{Scenario, failing};
use serde_json::{Value, json};

/// Two tasks on either side of a condition, as the builder writes them, and a merge.
fn two_ways(holds: &str) -> Value {
    flow(&[
        condition("check", &[], holds, Some("yes1"), Some("no1")),
        task("yes1", &["check"]),
        task("yes2", &["yes1", "check"]),
        task("no1", &["check"]),
        task("no2", &["no1", "check"]),
        task("merge", &["yes2", "no2"]),
    ])
}

fn switch(id: &str, dependencies: &[&str], on: &str, cases: Value, default: Option<&str>) -> Value {
    op("switch", id, dependencies, json!({"switch_on": on, "cases": cases, "default": default}))
}

#[test]
fn a_condition_runs_one_way_and_the_merge_runs_after_either() {
    let mut run = Scenario::of(&two_ways("1 == 1"));
    succeed_all(&mut run, &["yes1", "yes2", "merge"]);
    run.assert_status("completed");
    run.assert_steps("check=succeeded yes1=succeeded yes2=succeeded no1=skipped no2=skipped merge=succeeded");
    assert_eq!(skipped_because(&run, "no1"), "not_chosen");
    assert_eq!(skipped_because(&run, "no2"), "not_chosen");

    let mut run = Scenario::of(&two_ways("1 == 2"));
    succeed_all(&mut run, &["no1", "no2", "merge"]);
    run.assert_status("completed");
    run.assert_steps("check=succeeded yes1=skipped yes2=skipped no1=succeeded no2=succeeded merge=succeeded");
}

#[test]
fn a_condition_waits_for_its_dependencies_and_reads_their_results() {
    let mut document = two_ways("{{probe_result.stdout}} == 200 and not {{off}}");
    document["tasks"]["check"]["dependencies"] = json!(["probe"]);
    document["tasks"]["probe"] = task("probe", &[]);
    document["variables"] = json!({"off": false});
    let mut run = Scenario::of(&document);
    run.assert_status("running");
    let probe = run.expect_starts(&["probe"]).remove(0);
    run.finish(&probe, Ok(json!({"stdout": "200\n"})));
    succeed_all(&mut run, &["yes1", "yes2", "merge"]);
    run.assert_status("completed");
}

#[test]
fn a_failure_on_the_chosen_way_skips_the_merge() {
    let mut run = Scenario::of(&two_ways("true"));
    run.fail("yes1", "TOOL_FAILED");
    run.expect_no_start();
    run.assert_status("failed");
    run.assert_steps("check=succeeded yes1=failed yes2=skipped no1=skipped no2=skipped merge=skipped");
    assert_eq!(skipped_because(&run, "merge"), "upstream_failed");
    assert_eq!(skipped_because(&run, "no2"), "not_chosen");
}

#[test]
fn a_failed_condition_skips_both_ways() {
    for (holds, code) in [("{{ghost.x}} > 1", "TEMPLATE_UNRESOLVED"), ("{{word}} < 3", "CONDITION_INVALID")] {
        let mut document = two_ways(holds);
        document["variables"] = json!({"word": "abc"});
        let run = Scenario::of(&document);
        run.expect_no_start();
        run.assert_status("failed");
        run.assert_steps("check=failed yes1=skipped yes2=skipped no1=skipped no2=skipped merge=skipped");
        assert_eq!(run.failure_code(), code, "{holds}");
        assert_eq!(skipped_because(&run, "no1"), "upstream_failed");
    }
}

#[test]
fn a_way_that_leads_nowhere_is_fine_and_followers_of_the_condition_run_beside_the_way() {
    let document = |holds: &str| {
        flow(&[
            condition("check", &[], holds, Some("yes"), None),
            task("yes", &["check"]),
            task("after", &["check"]),
        ])
    };
    let mut run = Scenario::of(&document("true"));
    let both = run.expect_starts(&["yes", "after"]);
    for call in &both {
        run.finish(call, Ok(json!(null)));
    }
    run.assert_status("completed");
    let mut run = Scenario::of(&document("false"));
    succeed_all(&mut run, &["after"]);
    run.assert_status("completed");
    run.assert_steps("check=succeeded yes=skipped after=succeeded");
}

#[test]
fn a_named_way_waits_for_its_own_dependencies_too() {
    let mut run = Scenario::of(&flow(&[
        task("slow", &[]),
        condition("check", &[], "true", Some("yes"), None),
        task("yes", &["check", "slow"]),
    ]));
    let slow = run.expect_starts(&["slow"]).remove(0);
    run.assert_steps("slow=running check=succeeded yes=pending");
    run.finish(&slow, Ok(json!(1)));
    succeed_all(&mut run, &["yes"]);
    run.assert_status("completed");
}

#[test]
fn a_skip_spreads_through_nested_conditions_loops_and_forks() {
    let run = Scenario::of(&flow(&[
        condition("outer", &[], "false", Some("inner"), None),
        condition("inner", &["outer"], "true", Some("a"), Some("b")),
        task("a", &["inner", "outer"]),
        task("b", &["inner", "outer"]),
        operators::foreach("each", &["a", "outer"], "[1, 2]", &[task("body", &[])]),
        parallel("fork", &["each", "outer"], &[("one", &[task("one_a", &[])])]),
        wait_branches("join", "fork"),
        op("wait", "nap", &["join"], json!({"wait_for": "PT1H"})),
        operators::emit("told", &["nap"], "never", json!({})),
    ]));
    run.expect_no_start();
    run.assert_status("completed");
    assert_eq!(
        all_steps(&run),
        "outer=succeeded inner=skipped a=skipped b=skipped each=skipped fork=skipped join=skipped nap=skipped told=skipped"
    );
}

#[test]
fn a_target_of_two_conditions_runs_if_either_chooses_it() {
    for (first, second, runs) in
        [("true", "false", true), ("false", "true", true), ("true", "true", true), ("false", "false", false)]
    {
        let mut run = Scenario::of(&flow(&[
            condition("c1", &[], first, Some("shared"), None),
            condition("c2", &[], second, Some("shared"), None),
            task("shared", &[]),
        ]));
        if runs {
            succeed_all(&mut run, &["shared"]);
        }
        run.expect_no_start();
        run.assert_status("completed");
        assert_eq!(run.step("shared")["status"], if runs { "succeeded" } else { "skipped" });
    }
}

#[test]
fn a_switch_compares_the_value_as_text() {
    let cases = json!({"2": "two", "true": "yes", "ok": "fine"});
    for (value, way) in [
        (json!("2"), "two"),
        (json!(2), "two"),
        (json!(true), "yes"),
        (json!("ok"), "fine"),
        (json!("ok\n"), "fine"),
        (json!(null), "other"),
        (json!("OK"), "other"),
        (json!(""), "other"),
        (json!([2]), "other"),
    ] {
        for dependencies in [&[][..], &["route"]] {
            let targets = ["two", "yes", "fine", "other"];
            let mut all = vec![switch("route", &[], "{{value}}", cases.clone(), Some("other"))];
            all.extend(targets.map(|id| task(id, dependencies)));
            let mut run = Scenario::new();
            run.submit_with(&flow(&all), json!({"value": value}));
            succeed_all(&mut run, &[way]);
            run.assert_status("completed");
            assert_eq!(run.steps().matches("=skipped").count(), 3, "{value}");
        }
    }
}

#[test]
fn a_switch_without_a_case_for_the_value_completes() {
    let mut run = Scenario::of(&flow(&[
        switch("route", &[], "else", json!({"a": "a", "b": "a"}), None),
        task("a", &["route"]),
        task("after_a", &["a"]),
        task("after", &["route"]),
    ]));
    succeed_all(&mut run, &["after"]);
    run.assert_status("completed");
    run.assert_steps("route=succeeded a=skipped after_a=skipped after=succeeded");
}

fn choice(minimum: u32) -> Value {
    flow(&[
        multi_choice(
            "pick",
            &[],
            minimum,
            &[
                ("low", "{{n}} < 10", &[task("l1", &[]), task("l2", &["l1"])]),
                ("even", "{{n}} in [0, 2, 4]", &[task("e1", &[])]),
            ],
        ),
        wait_branches("all", "pick"),
    ])
}

#[test]
fn a_multi_choice_takes_every_branch_whose_condition_holds() {
    for (n, started) in [(2, vec!["l1", "e1"]), (3, vec!["l1"]), (11, vec![])] {
        let mut run = Scenario::new();
        run.submit_with(&choice(0), json!({"n": n}));
        let calls = run.expect_starts(&started);
        for call in &calls {
            run.finish(call, Ok(json!(call.task)));
        }
        if started.contains(&"l1") {
            run.succeed("l2", json!("l2"));
        }
        run.assert_status("completed");
        let results = result_of(&run, "all");
        let names: Vec<&str> = results.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [&["low", "even"][..], &["low"], &[]][[2, 3, 11].iter().position(|x| *x == n).unwrap()]
        );
    }
}

#[test]
fn a_multi_choice_with_too_few_branches_fails() {
    for (n, minimum, fails) in [(11, 1, true), (3, 2, true), (3, 1, false)] {
        let mut run = Scenario::new();
        run.submit_with(&choice(minimum), json!({"n": n}));
        if fails {
            run.expect_no_start();
            run.assert_status("failed");
            run.assert_steps("pick=failed all=skipped");
        } else {
            succeed_all(&mut run, &["l1", "l2"]);
            run.assert_status("completed");
        }
    }
}

#[test]
fn a_chosen_branch_without_a_workflow_says_so() {
    let pick = |fields: Value| op("multi_choice", "pick", &[], fields);
    let run = |fields: Value, n: u32| {
        let mut run = Scenario::new();
        run.submit_with(&flow(&[pick(fields), task("t", &["pick"])]), json!({"n": n}));
        run
    };
    let named =
        json!({"branches": {"low": {"condition": "{{n}} < 10", "tasks": ["t"]}}, "minimum_branches": 0});
    let failed = run(named.clone(), 1);
    assert_eq!(failed.failure_code(), "TARGET_UNKNOWN");
    let message = &failed.run().failure.as_ref().unwrap().message;
    assert_eq!(
        message,
        "task `pick` failed: the condition of branch `low` holds, but the branch has no workflow"
    );
    succeed_all(&mut run(named.clone(), 11), &["t"]);
    let few = run(but(named, json!({"minimum_branches": 1})), 11);
    let message = &few.run().failure.as_ref().unwrap().message;
    assert_eq!(
        message,
        "task `pick` failed: the conditions of 0 of 1 branches hold, but at least 1 must be taken"
    );
    // A branch that names nothing has nothing to run.
    let empty = json!({"branches": {"low": {"condition": "{{n}} < 10", "tasks": []}}, "minimum_branches": 1});
    let mut taken = run(empty, 1);
    assert_eq!(result_of(&taken, "pick")["branches"], json!(["low"]));
    succeed_all(&mut taken, &["t"]);
    taken.assert_status("completed");
}

/// How a dependency ends: succeeded, chose a way, failed, not chosen, skipped because of a failure, failed and dealt with.
fn ending(kind: char) -> Vec<Value> {
    match kind {
        's' => vec![task("s", &[])],
        'c' => vec![condition("c", &[], "true", None, None)],
        'f' => vec![task("f", &[])],
        'k' => vec![condition("gate", &[], "false", Some("k"), None), task("k", &["gate"])],
        'u' => vec![task("cause", &[]), task("u", &["cause"])],
        _ => vec![but(task("h", &[]), json!({"on_failure_task_id": "fix"})), task("fix", &[])],
    }
}

#[test]
fn trigger_rules_over_dependencies_that_ended_in_every_way() {
    for (rule, starts, skips) in [
        ("all_success", "s c sk", "f k u h ck sf su kf ku sh"),
        ("all_done", "s c f k u h ck sf sk su kf ku fu sh", ""),
        ("one_success", "s c ck sf sk su sh", "f k u h kf ku fu"),
        ("one_done", "s c f h ck sf sk su kf fu sh", "k u ku"),
        ("none_failed", "s c k ck sk", "f u h sf su kf ku sh"),
    ] {
        let cases =
            starts.split(' ').map(|case| (case, true)).chain(skips.split(' ').map(|case| (case, false)));
        for (case, is_started) in cases.filter(|(case, _)| !case.is_empty()) {
            let dependencies: Vec<String> = case.chars().map(String::from).collect();
            let dependencies: Vec<&str> = dependencies.iter().map(String::as_str).collect();
            let mut all: Vec<Value> = case.chars().flat_map(ending).collect();
            all.push(but(task("last", &dependencies), json!({"trigger_rule": rule})));
            let mut run = Scenario::of(&flow(&all));
            for id in ["s", "f", "cause", "h", "fix"] {
                if all.iter().any(|operator| operator["task_id"] == id) {
                    let call = run.expect_start(id);
                    let is_good = matches!(id, "s" | "fix");
                    run.finish(&call, if is_good { Ok(json!(id)) } else { failing("TOOL_FAILED") });
                }
            }
            if is_started {
                run.succeed("last", json!(null));
            }
            run.expect_no_start();
            let state = run.step("last")["status"].clone();
            assert_eq!(state, if is_started { "succeeded" } else { "skipped" }, "{rule} after {case}");
            run.assert_status(if case.contains(['f', 'u']) { "failed" } else { "completed" });
        }
    }
}

#[test]
fn one_success_and_one_done_do_not_wait_for_the_others() {
    for (rule, outcome, starts) in [
        ("one_success", Ok(json!(1)), true),
        ("one_success", failing("TOOL_FAILED"), false),
        ("one_done", failing("TOOL_FAILED"), true),
        ("all_done", Ok(json!(1)), false),
        ("none_failed", Ok(json!(1)), false),
    ] {
        let mut run = Scenario::of(&flow(&[
            task("quick", &[]),
            task("slow", &[]),
            but(task("last", &["quick", "slow"]), json!({"trigger_rule": rule})),
        ]));
        let calls = run.expect_starts(&["quick", "slow"]);
        run.finish(&calls[0], outcome);
        if starts {
            run.succeed("last", json!(null));
        }
        run.expect_no_start();
        reopen(&mut run);
        run.finish(&calls[1], Ok(json!(2)));
        if !starts {
            run.succeed("last", json!(null));
        }
        run.expect_no_start();
        assert_eq!(run.step("last")["retry_count"], 0);
    }
}

#[test]
fn a_switch_tells_null_as_text() {
    let mut run = Scenario::new();
    let document =
        flow(&[switch("route", &[], "{{value}}", json!({"null": "none"}), None), task("none", &[])]);
    run.submit_with(&document, json!({"value": null}));
    succeed_all(&mut run, &["none"]);
    run.assert_status("completed");
}

#[test]
fn reopening_at_every_step_of_the_way_changes_nothing() {
    let mut run = Scenario::of(&two_ways("true"));
    for id in ["yes1", "yes2", "merge"] {
        reopen(&mut run);
        run.succeed(id, json!(id));
        run.assert_status(if id == "merge" { "completed" } else { "running" });
    }
}

#[test]
fn cancel_on_a_way() {
    let mut run = Scenario::of(&two_ways("true"));
    let call = run.expect_start("yes1");
    assert!(run.cancel(None));
    run.expect_abort(&call);
    run.assert_status("cancelled");
    run.assert_steps("check=succeeded yes1=cancelled yes2=cancelled no1=skipped no2=skipped merge=cancelled");
}

/// What runs in any case runs after the task that was not chosen, too, and after what follows it; the task itself does not.
#[test]
fn what_runs_in_any_case_runs_after_a_way_that_was_not_taken() {
    let rule = |id: &str, on: &[&str], rule: &str| but(task(id, on), json!({"trigger_rule": rule}));
    let mut run = Scenario::of(&flow(&[
        condition("gate", &[], "false", Some("deploy"), None),
        rule("deploy", &["gate"], "all_done"),
        task("check", &["deploy"]),
        rule("cleanup", &["check"], "all_done"),
        rule("report", &["gate", "check"], "none_failed"),
        task("end", &["cleanup", "report"]),
    ]));
    for call in run.expect_starts(&["cleanup", "report"]) {
        run.finish(&call, Ok(json!(1)));
    }
    run.succeed("end", json!(1));
    run.assert_steps(
        "gate=succeeded deploy=skipped check=skipped cleanup=succeeded report=succeeded end=succeeded",
    );
    run.assert_status("completed");
}

#[test]
fn a_task_after_a_handler_that_was_not_needed_runs_by_its_rule() {
    let mut run = Scenario::of(&flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
        task("fix", &[]),
        but(task("always", &["fix"]), json!({"trigger_rule": "all_done"})),
        task("after_fix", &["fix"]),
    ]));
    succeed_all(&mut run, &["main", "always"]);
    run.assert_steps("main=succeeded fix=skipped always=succeeded after_fix=skipped");
}
