//! Names of the engine are the engine's, whatever else is called so.

use crate::support::operators::{
    but, condition, emit, flow, foreach, op, receive, task, while_loop, with_args,
};
use crate::support::{Scenario, independent, with};
use highway_wasm::engine::{Acts, Config, RunIx, Secrets};
use highway_wasm::template::names::{OF_ENGINE, OF_LOOP};
use serde_json::{Map, Value, json};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn config() -> Config {
    Config {
        env: map(json!({"REGION": "eu"})),
        secrets: Secrets::new(map(json!({"TOKEN": "s3cr3t"}))),
        ..Config::default()
    }
}

/// What a template of each name of the engine gives in `last`, which runs after everything else.
const OURS: [(&str, &str); 11] = [
    ("{{inputs.day}}", "monday"),
    ("{{variables.day}}", "monday"),
    ("{{results.first}}", "of first"),
    ("{{workflow.name}}", "scenario"),
    ("{{workflow.run_id}}", "run-1"),
    ("{{run.id}}", "run-1"),
    ("{{ENV.REGION}}", "eu"),
    ("{{secrets.TOKEN}}", "s3cr3t"),
    ("{{workflow_run_id}}", "run-1"),
    ("{{run_id}}", "run-1"),
    ("{{idempotency_key}}", "run-1/last"),
];

/// Every name of the engine, with a value that none of them has.
fn taken() -> Map<String, Value> {
    let fake = json!({"day": "fake", "first": "fake", "name": "fake", "run_id": "fake", "id": "fake",
        "REGION": "fake", "TOKEN": "fake"});
    OF_ENGINE.iter().map(|name| ((*name).to_owned(), fake.clone())).collect()
}

/// A workflow whose `last` is given all of [`OURS`], in both spellings.
fn asking() -> Value {
    let all = |open: &str, close: &str| -> Vec<Value> {
        let spelt = |(template, _): &(&str, &str)| {
            let path = template.trim_start_matches("{{").trim_end_matches("}}");
            format!("{open}{path}{close}").into()
        };
        OURS.iter().map(spelt).collect()
    };
    flow(&[
        task("first", &[]),
        op(
            "task",
            "last",
            &["first"],
            json!({"function": "t.last",
        "args": all("{{", "}}"), "kwargs": {"env": {"A": "{{ENV.REGION}}"}, "dollar": all("${", "}")}}),
        ),
    ])
}

fn assert_ours(run: &mut Scenario) {
    let call = run.expect_start("last");
    let expected: Vec<Value> = OURS.iter().map(|(_, value)| json!(value)).collect();
    assert_eq!(call.args, expected);
    assert_eq!(call.kwargs, json!({"env": {"A": "eu"}, "dollar": expected}));
    assert_eq!(call.idempotency_key, "run-1/last");
}

fn inputs() -> Value {
    json!({"day": "monday"})
}

#[test]
fn no_input_takes_the_place_of_a_name_of_the_engine() {
    let mut run = Scenario::with(config());
    let mut given = taken();
    given.extend(map(inputs()));
    run.submit_with(&asking(), given.into());
    run.succeed("first", json!("of first"));
    assert_ours(&mut run);
}

#[test]
fn no_variable_of_the_definition_does() {
    let mut run = Scenario::with(config());
    run.submit_with(&with(asking(), "/variables", Value::from(taken())), inputs());
    run.succeed("first", json!("of first"));
    assert_ours(&mut run);
}

#[test]
fn no_variable_that_a_step_sets_does() {
    let mut run = Scenario::with(config());
    run.submit_with(&asking(), inputs());
    let call = run.expect_start("first");
    let variables = taken().into_iter().chain([("name".to_owned(), json!("fake"))]).collect();
    run.engine.tool_acted(call.call, Acts { variables, events: Vec::new() }, run.now).unwrap();
    run.finish(&call, Ok(json!("of first")));
    assert_ours(&mut run);
}

/// An input that a step sets anew is a variable, and stays what it was as an input.
#[test]
fn inputs_are_what_the_run_was_given() {
    let last = with_args(
        "last",
        &["first"],
        json!(["{{inputs.day}}", "{{day}}", "{{variables.day}}", "{{inputs.late}}"]),
    );
    let mut run = Scenario::new();
    run.submit_with(&flow(&[task("first", &[]), last]), json!({"day": "mon", "late": null}));
    let call = run.expect_start("first");
    let variables = map(json!({"day": "tue", "late": "set"}));
    run.engine.tool_acted(call.call, Acts { variables, events: Vec::new() }, run.now).unwrap();
    run.finish(&call, Ok(json!(null)));
    assert_eq!(run.expect_start("last").args, [json!("mon"), json!("tue"), json!("tue"), json!(null)]);
}

#[test]
fn tasks_and_result_keys_of_such_names_are_read_among_the_results() {
    for is_key in [false, true] {
        let mut tasks: Vec<Value> = Vec::new();
        for name in OF_ENGINE {
            let id = if is_key { format!("give_{name}") } else { name.to_owned() };
            tasks.push(but(task(&id, &[]), if is_key { json!({"result_key": name}) } else { json!({}) }));
        }
        let ids: Vec<String> =
            tasks.iter().map(|task| task["task_id"].as_str().unwrap().to_owned()).collect();
        let templates: Vec<String> =
            OF_ENGINE.iter().map(|name| format!("{{{{results.{name}.id}}}}")).collect();
        let last = op(
            "task",
            "last",
            &ids.iter().map(String::as_str).collect::<Vec<_>>(),
            json!({"function": "t.last", "args": templates,
                "kwargs": {"day": "{{inputs.day}}", "id": "{{run.id}}", "key": "{{idempotency_key}}"}}),
        );
        let mut run = Scenario::with(config());
        run.submit_with(&flow(&[tasks, vec![last]].concat()), inputs());
        for id in &ids {
            run.succeed(id, json!({"id": format!("of {id}"), "day": "fake"}));
        }
        let call = run.expect_start("last");
        assert_eq!(call.args, ids.iter().map(|id| json!(format!("of {id}"))).collect::<Vec<_>>());
        assert_eq!(call.kwargs, json!({"day": "monday", "id": "run-1", "key": "run-1/last"}));
    }
}

/// Whatever has such a name can be read by the namespace that it is of.
#[test]
fn inputs_and_variables_of_such_names_are_read_by_their_namespace() {
    for name in OF_ENGINE.into_iter().chain(OF_LOOP).chain(["__proto__", "constructor", "toString"]) {
        let args = json!([
            format!("{{{{inputs.{name}}}}}"),
            format!("{{{{variables.{name}}}}}"),
            format!("${{inputs[\"{name}\"]}}")
        ]);
        let mut run = Scenario::new();
        run.submit_with(&flow(&[with_args("a", &[], args)]), json!({name: "mine"}));
        assert_eq!(run.expect_start("a").args, [json!("mine"), json!("mine"), json!("mine")], "{name}");
    }
}

#[test]
fn conditions_guards_events_and_keys_read_the_same_names() {
    let guard = |variable: &str, value: &str| json!({"variable": variable, "check": "equals", "value": value, "message": ""});
    let first = but(
        task("first", &[]),
        json!({
            "idempotency_key": "{{run_id}}/{{inputs.day}}",
            "preconditions": [guard("inputs.day", "monday"), guard("{{ENV.REGION}}", "eu"), guard("${workflow.name}", "scenario")],
            "postconditions": [guard("results.first.day", "of first"), guard("inputs.day", "monday")],
        }),
    );
    let document = flow(&[
        first,
        condition(
            "bare",
            &["first"],
            "inputs.day == 'monday' and run.id == 'run-1'",
            Some("told"),
            Some("wrong"),
        ),
        emit("told", &["bare"], "{{inputs.day}}", json!({"region": "{{ENV.REGION}}"})),
        task("wrong", &["bare"]),
        op(
            "switch",
            "which",
            &["told"],
            json!({"switch_on": "${inputs.day}", "cases": {"monday": "each", "fake": "wrong"}}),
        ),
        foreach(
            "each",
            &["which"],
            "{{inputs.list}}",
            &[with_args("body", &[], json!(["{{item}} {{inputs.day}} {{workflow.run_id}}"]))],
        ),
    ]);
    let mut run = Scenario::with(config());
    let mut given = taken();
    given.extend(map(inputs()));
    given.insert("list".into(), json!(["x"]));
    run.submit_with(&document, given.into());
    let call = run.succeed("first", json!({"day": "of first"}));
    assert_eq!(call.idempotency_key, "run-1/monday");
    assert_eq!(
        run.step("told")["result"],
        json!({"event_name": "monday", "payload": {"region": "eu"}, "emitted_at": "2030-01-01T00:00:00.000Z"})
    );
    assert_eq!(run.succeed("body", json!(1)).args, [json!("x monday run-1")]);
    run.assert_status("completed");
}

/// A guard of a task that is called like a name of the engine.
#[test]
fn a_guard_reads_the_engine_before_the_task_itself() {
    let guard =
        |variable: &str| json!({"variable": variable, "check": "equals", "value": "monday", "message": ""});
    let own = but(
        task("inputs", &[]),
        json!({"postconditions": [guard("inputs.day"), guard("results.inputs.own"), guard("result.own")]}),
    );
    let mut run = Scenario::new();
    run.submit_with(&flow(&[own]), inputs());
    run.succeed("inputs", json!({"day": "fake", "own": "monday"}));
    run.assert_status("completed");
}

#[test]
fn payloads_items_and_counters_take_no_such_name() {
    let document = flow(&[
        but(receive("heard", &[], "e", None), json!({"result_key": "inputs"})),
        foreach(
            "each",
            &["heard"],
            "{{results.inputs.items}}",
            &[with_args("body", &[], json!(["{{inputs.day}}", "{{item.inputs.day}}"]))],
        ),
        op("task", "count", &["each"], json!({"function": "tools.simple_counter.increment_counter"})),
        with_args("last", &["count"], json!(["{{counter}}", "{{inputs.day}}"])),
    ]);
    let mut run = Scenario::new();
    run.submit_with(&document, inputs());
    run.engine
        .signal(RunIx::new(0), "e", json!({"day": "fake", "items": [{"inputs": {"day": "item"}}]}), run.now)
        .unwrap();
    run.take();
    assert_eq!(run.succeed("body", json!(1)).args, [json!("monday"), json!("item")]);
    assert_eq!(run.expect_start("last").args, [json!(1), json!("monday")]);
}

/// The counter is a variable; neither a task nor its result is taken for it.
#[test]
fn a_task_called_counter_is_not_what_is_counted() {
    let count = |id: &str, on: &[&str]| {
        op("task", id, on, json!({"function": "tools.simple_counter.increment_counter"}))
    };
    let run = Scenario::of(&flow(&[count("counter", &[]), count("again", &["counter"])]));
    assert_eq!(run.step("again")["result"], json!({"counter": 2}));
}

/// A task with the name of the result that `template` reads, and an input of that name, too.
fn before(more: Value, template: &str) -> Scenario {
    let late = but(with_args("approve", &["way"], json!([])), more);
    let document = flow(&[
        task("way", &[]),
        condition("ask", &["way"], "false", Some("approve"), None),
        late,
        with_args("pay", &["ask"], json!([template])),
    ]);
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"approve": {"ok": true}, "approve_result": {"ok": true}}));
    run.succeed("way", json!(null));
    run
}

#[test]
fn an_input_never_stands_for_a_result_that_is_not_there() {
    for name in ["approve", "approve_result"] {
        let run = before(json!({"result_key": "approve_result"}), &format!("{{{{{name}.ok}}}}"));
        let error = &run.step("pay")["error_details"];
        assert_eq!(error["code"], "TEMPLATE_UNRESOLVED");
        let help = format!(
            "`{name}` is the result of a task that has not succeeded here; the input is `{{{{inputs.{name}}}}}`"
        );
        assert_eq!(error["help"], help);
    }
    let mut run = before(json!({}), "{{inputs.approve.ok}} ${approve.ok}");
    assert_eq!(run.expect_start("pay").args, [json!("true ${approve.ok}")]);
}

/// The same inside loops and branches: their results are results, too.
#[test]
fn results_of_loops_and_branches_own_their_names() {
    let document = flow(&[
        foreach("each", &[], "[]", &[with_args("check", &[], json!([]))]),
        with_args("pay", &["each"], json!(["{{check_result.ok}}"])),
    ]);
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"check_result": {"ok": true}}));
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

/// The author of a definition gives the first round of a `while` something to look at.
#[test]
fn a_variable_of_the_definition_stands_for_a_result_until_it_is_there() {
    let body = [with_args("mix", &[], json!(["{{mix_result.n}}"]))];
    let document = flow(&[while_loop("loop", &[], "{{mix_result.n}} < 2", &body)]);
    let document = with(document, "/variables", json!({"mix_result": {"n": 0}}));
    let mut run = Scenario::of(&document);
    assert_eq!(run.succeed("mix", json!({"n": 1})).args, [json!(0)]);
    assert_eq!(run.succeed("mix", json!({"n": 2})).args, [json!(1)]);
    run.assert_status("completed");

    run.submit_with(&document, json!({"mix_result": {"n": 9}}));
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn an_idempotency_key_is_not_made_of_itself() {
    let mut run =
        Scenario::of(&flow(&[but(task("a", &[]), json!({"idempotency_key": "x{{idempotency_key}}"}))]));
    run.assert_status("failed");
    assert_eq!(run.step("a")["error_details"]["help"], "an idempotency key cannot be made of itself");
    run.submit(&independent(&["b"]));
    assert_eq!(run.expect_start("b").idempotency_key, "run-2/b");
}
