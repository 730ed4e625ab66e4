//! Limits: what input makes too large fails its task, its run or its request, and nothing else.

use crate::support::operators::{
    builtin, but, condition, emit, flow, foreach, multi_choice, named, op, receive, task, terminate,
    while_loop, with_args,
};
use crate::support::{START, Scenario, Server, submission};
use highway_wasm::engine::{Config, Engine, Failure, Limit, Limits, RunIx, RunState, Secrets, Submission};
use highway_wasm::error::ErrorCode;
use serde_json::{Value, json};

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

/// A loop over a number of items, without a tool.
fn counting(items: usize) -> Value {
    let items: Value = (0..items).collect();
    flow(&[foreach("each", &[], &items.to_string(), &[op("wait", "none", &[], json!({"wait_for": 0}))])])
}

#[test]
fn results_runs_and_loops_have_limits() {
    let text = |length: usize| json!("x".repeat(length));
    let mut run = limited(Limit::ResultBytes, 1_000);
    run.submit(&flow(&[task("a", &[])]));
    run.succeed("a", text(1_000));
    assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");

    let mut run = limited(Limit::RunBytes, 10_000);
    run.submit(&flow(&[task("a", &[]), task("b", &["a"]), task("c", &["b"])]));
    run.succeed("a", text(4_000));
    run.succeed("b", text(4_000));
    run.assert_status("failed");
    assert_eq!(run.step("b")["error_details"]["details"]["limit"], "runBytes");

    let mut run = limited(Limit::LoopItems, 3);
    run.submit(&counting(4));
    assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");

    let forever = while_loop("again", &[], "true", &[op("wait", "none", &[], json!({"wait_for": 0}))]);
    let mut run = limited(Limit::LoopRounds, 3);
    run.submit(&flow(&[forever]));
    assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");
}

#[test]
fn a_workflow_that_starts_itself_twice_ends() {
    let itself = |id: &str| builtin(id, &[], "tools.workflow.execute", json!(["twice"]), json!({}));
    let mut run = limited(Limit::RunDescendants, 40);
    run.submit(&named("twice", &[itself("one"), itself("two")]));
    assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");
    assert!(run.engine.runs().len() <= 41, "{}", run.engine.runs().len());
    // What was kept says the same after a restart, and nothing begins again.
    let known = run.records.len();
    run.reopen();
    run.sleep_through(0.0);
    assert_eq!(run.records.len(), known);
}

#[test]
fn signals_that_nobody_takes_have_a_limit() {
    let mut run = limited(Limit::RunSignals, 2);
    run.submit(&flow(&[task("a", &[])]));
    for sent in 0..3 {
        let taken = run.engine.signal(RunIx::new(0), "go", json!({}), run.now);
        assert_eq!(taken.is_ok(), sent < 2);
        run.take();
    }
    assert_eq!(run.run().signals.len(), 2);
}

#[test]
fn the_oldest_events_make_room_for_new_ones() {
    let emits: Vec<Value> = (0..20)
        .map(|at| emit(&format!("e{at}"), &[], &format!("n{at}"), json!({"text": "x".repeat(1_000)})))
        .collect();
    let mut run = limited(Limit::EventBytes, 5_000);
    run.submit(&flow(&emits));
    run.assert_status("completed");
    run.submit(&flow(&[receive("first", &[], "n0", Some(1)), receive("last", &[], "n19", Some(1))]));
    run.advance(2.0);
    run.assert_steps("first=failed last=succeeded");
    run.reopen();
}

#[test]
fn calls_wait_while_the_arguments_of_others_fill_their_place() {
    let limits = Limits::default().with(Limit::CallBytes, 2_500);
    let mut run = Scenario::with(Config { limits, ..Config::default() });
    let each: Vec<Value> =
        (0..5).map(|at| with_args(&format!("t{at}"), &["big"], json!(["{{big_result}}"]))).collect();
    run.submit(&flow(&[vec![task("big", &[])], each].concat()));
    run.succeed("big", json!("x".repeat(1_000)));
    let first = run.take_starts();
    assert_eq!(first.len(), 3);
    // After a restart no more are started again at once than before.
    run.reopen();
    run.restart();
    assert_eq!(run.take_starts().len(), 3);
}

#[test]
fn a_loop_over_many_items_gives_the_host_its_turn() {
    let config = Config { slice: 100, ..Config::default() };
    let mut engine = Engine::new(config);
    engine.submit(submission(&counting(1_000), "run-1"), START).unwrap();
    let mut slices = 0;
    while engine.has_more() {
        let steps = engine.runs()[0].steps.len();
        engine.take_output();
        engine.tick(START);
        slices += 1;
        assert!(engine.runs()[0].steps.len() - steps <= 100, "one slice opened too much");
    }
    assert!(slices >= 10, "{slices}");
    assert_eq!(engine.runs()[0].state, RunState::Completed);
}

/// Steps that have started in each slice of a run.
fn started_in_slices(definition: &Value, inputs: Value) -> (Engine, Vec<usize>) {
    let mut engine = Engine::new(Config::default());
    let inputs = inputs.as_object().unwrap().clone();
    engine.submit(Submission { inputs, ..submission(definition, "run-1") }, START).unwrap();
    let mut slices = Vec::new();
    let started =
        |engine: &Engine| engine.runs()[0].steps.iter().filter(|step| step.started_at.is_some()).count();
    let mut before = 0;
    loop {
        engine.take_output();
        slices.push(started(&engine) - before);
        before = started(&engine);
        if !engine.has_more() || slices.len() > 200 {
            return (engine, slices);
        }
        engine.tick(START);
    }
}

#[test]
fn a_slice_counts_what_its_conditions_read() {
    let list: Vec<usize> = (0..50_000).collect();
    let text = "a".repeat(1_000_000) + "b";
    let terms = "0 or ".repeat(20_000) + "n == 1";
    for condition in ["{{n}} in {{list}}", "{{text}} contains 'b'", &terms] {
        let inside = op("wait", "none", &[], json!({"wait_for": 0}));
        let forever = while_loop("again", &[], condition, &[inside]);
        let inputs = json!({"n": 1, "list": list, "text": text});
        let (engine, slices) = started_in_slices(&flow(&[forever]), inputs);
        assert!(slices.len() > 200 && slices.iter().all(|started| *started <= 7), "{condition}: {slices:?}");
        assert_eq!(engine.runs()[0].state, RunState::Active);
    }
    let choice = |at: usize| condition(&format!("c{at}"), &[], "{{n}} in {{list}}", None, None);
    let choices: Vec<Value> = (0..100).map(choice).collect();
    let (engine, slices) = started_in_slices(&flow(&choices), json!({"n": 1, "list": list}));
    assert!(slices.iter().all(|started| *started <= 7), "{slices:?}");
    assert_eq!(engine.runs()[0].state, RunState::Completed);
}

#[test]
fn what_a_request_brings_is_a_part_of_the_slice() {
    let list: Vec<usize> = (0..150_000).collect();
    let nothing = op("wait", "none", &[], json!({"wait_for": 0}));
    let (_, slices) = started_in_slices(&flow(&[nothing]), json!({"list": list}));
    assert_eq!(slices, [0, 1]);
}

#[test]
fn looking_for_secrets_is_a_part_of_the_slice() {
    let nothing =
        |id: &str| but(op("wait", id, &["a"], json!({"wait_for": 0})), json!({"trigger_rule": "all_done"}));
    let next: Vec<Value> = (0..10).map(|at| nothing(&format!("n{at}"))).collect();
    for (secrets, started) in [(json!({}), 10), (json!({"key": "s3cr3t"}), 0)] {
        let secrets = Secrets::new(secrets.as_object().unwrap().clone());
        let mut run = Scenario::with(Config { secrets, ..Config::default() });
        run.submit(&flow(&[vec![task("a", &[])], next.clone()].concat()));
        let call = run.expect_start("a").call;
        let failure = Failure::new(ErrorCode::ToolFailed, "it failed");
        run.engine.tool_finished(call, Err((failure, Some(json!("x".repeat(1_000_000))))), run.now);
        let steps = run.engine.runs()[0].steps.iter().skip(1);
        assert_eq!(steps.filter(|step| step.started_at.is_some()).count(), started);
    }
}

#[test]
fn a_list_in_a_text_counts_as_if_it_were_given_itself() {
    let body = [op("wait", "none", &[], json!({"wait_for": 0}))];
    let many = vec!["1"; 200].join(",");
    let deep = format!("[[{many}]]");
    for (text, is_allowed) in [
        (json!([1, 2, 3]).to_string(), true),
        (deep.clone(), false),
        (json!({"stdout": deep}).to_string(), true),
        (json!(vec![many.as_str(); 2]).to_string(), true),
        // Lines, whatever they begin with.
        (format!("[info] {many}"), true),
        (format!("[{many}"), false),
        (format!("{many} [{many}]"), true),
    ] {
        let mut run = limited(Limit::ArgumentBytes, 4_000);
        run.submit_with(&flow(&[foreach("each", &[], "{{text}}", &body)]), json!({"text": text}));
        let details = run.step("each")["error_details"]["details"].clone();
        assert_eq!(details["limit"] == "argumentBytes", !is_allowed, "{text}: {details}");
        run.assert_status(if is_allowed { "completed" } else { "failed" });
    }
}

#[test]
fn what_one_condition_reads_has_a_limit() {
    let inside = [task("in", &[])];
    let names: Vec<String> = (0..20).map(|at| format!("b{at}")).collect();
    let choice = |count: usize| {
        let branches =
            names.iter().take(count).map(|name| (name.as_str(), "{{big}} contains 'no'", &inside[..]));
        multi_choice("a", &[], 0, &branches.collect::<Vec<_>>())
    };
    let terms = condition("a", &[], &("0 or ".repeat(140_000) + "0"), None, None);
    let lists = condition("a", &[], "{{list}} in {{lists}}", None, None);
    let numbers: Vec<Value> = (0..3_000).map(Value::from).collect();
    let inputs = json!({"big": "x".repeat(1_000_000), "list": numbers, "lists": vec![json!([0]); 1_000]});
    for (operator, is_allowed) in [(choice(10), true), (choice(20), false), (terms, false), (lists, false)] {
        let mut run = Scenario::new();
        run.submit_with(&flow(&[operator]), inputs.clone());
        let details = run.step("a")["error_details"]["details"].clone();
        let expected = json!({"limit": "conditionBytes", "allowed": 16 * 1_024 * 1_024});
        assert_eq!(details == expected, !is_allowed, "{details}");
    }
}

#[test]
fn the_regular_expressions_of_guards_are_part_of_a_slice_and_have_one_limit() {
    let guarded = |id: &str, count: usize| {
        let guard =
            json!({"variable": "inputs.text", "check": "matches_regex", "value": "^[a-f]*$", "message": ""});
        but(task(id, &[]), json!({"preconditions": vec![guard; count]}))
    };
    let inputs = json!({"text": "a".repeat(100_000)});
    let tasks: Vec<Value> = (0..40).map(|at| guarded(&format!("t{at}"), 1)).collect();
    let (_, slices) = started_in_slices(&flow(&tasks), inputs.clone());
    assert!(slices.iter().all(|started| *started <= 3), "{slices:?}");
    assert_eq!(slices.iter().sum::<usize>(), 40);
    let (engine, _) = started_in_slices(&flow(&[guarded("a", 3)]), inputs.clone());
    assert_eq!(engine.runs()[0].state, RunState::Active);
    let (engine, _) = started_in_slices(&flow(&[guarded("a", 30)]), inputs);
    let failure = engine.runs()[0].failure.clone().unwrap();
    assert_eq!(failure.code, "LIMIT_EXCEEDED");
    assert!(failure.details.unwrap()["limit"] == "patternSteps");
}

#[test]
fn a_run_is_cancelled_between_two_slices_of_its_loop() {
    let mut engine = Engine::new(Config { slice: 100, ..Config::default() });
    engine.submit(submission(&counting(1_000), "run-1"), START).unwrap();
    engine.take_output();
    assert!(engine.has_more());
    assert!(engine.cancel(RunIx::new(0), Some("enough"), START));
    while engine.has_more() {
        engine.take_output();
        engine.tick(START);
    }
    assert_eq!(engine.runs()[0].state, RunState::Cancelled);
    assert!(engine.runs()[0].scopes.len() < 200);
}

#[test]
fn definitions_with_schedules_count_among_the_schedules_and_leave_nothing_behind_where_they_are_refused() {
    let limits = Limits::default().with(Limit::Schedules, 1);
    let mut server = Server::with_config(Config { limits, ..Config::default() });
    let daily = |name: &str| but(named(name, &[task("a", &[])]), json!({"schedule": "0 6 * * *"}));
    let submit = |server: &mut Server, definition: Value, execute: bool| {
        server.post("/workflows", &json!({"workflow_definition": definition, "execute": execute}))
    };
    assert_eq!(submit(&mut server, daily("one"), true).status, 201);
    let job = |definition: Value| json!({"job_name": "one", "schedule_cron": "0 7 * * *", "workflow_definition": definition});
    for execute in [true, false] {
        let reply = submit(&mut server, daily("two"), execute);
        assert_eq!((reply.status, reply.code()), (413, "LIMIT_EXCEEDED"));
        assert_eq!(reply.body["details"], json!({"limit": "schedules", "allowed": 1}));
    }
    // The job is there already; the schedule of the definition is not.
    let reply = server.post("/schedules", &job(daily("two")));
    assert_eq!((reply.status, reply.code()), (413, "LIMIT_EXCEEDED"));
    let other = but(job(named("two", &[task("a", &[])])), json!({"job_name": "other"}));
    assert_eq!(server.post("/schedules", &other).code(), "LIMIT_EXCEEDED");
    assert_eq!(server.get("/workflows").data()["total"], 1);
    assert_eq!(server.get("/schedules").data()["total"], 1);
    assert!(server.engine.latest("two").is_none());
    // The one that is there may change, and what has no schedule is no matter of it.
    assert_eq!(submit(&mut server, but(daily("one"), json!({"schedule": "@hourly"})), true).status, 201);
    assert_eq!(submit(&mut server, named("two", &[task("a", &[])]), true).status, 201);
}

#[test]
fn keys_of_submissions_and_names_of_jobs_have_the_limit_of_names() {
    let limits = Limits::default().with(Limit::NameBytes, 8).with(Limit::RunBytes, 5_000);
    let mut server = Server::with_config(Config { limits, ..Config::default() });
    let body = json!({"workflow_definition": flow(&[task("a", &[])])});
    let reply = server.submit("123456789", &body);
    assert_eq!((reply.status, reply.code()), (413, "LIMIT_EXCEEDED"));
    assert_eq!(reply.body["details"], json!({"limit": "nameBytes", "allowed": 8}));
    assert_eq!(server.submit("12345678", &body).status, 201);
    let job = json!({"job_name": "12345678", "schedule_cron": "0 7 * * *", "workflow_name": "scenario"});
    let long = server.post("/schedules", &but(job.clone(), json!({"job_name": "123456789"})));
    assert_eq!(long.body["details"]["limit"], "nameBytes");
    let large = server.post("/schedules", &but(job.clone(), json!({"inputs": {"text": "x".repeat(5_000)}})));
    assert_eq!(large.body["details"]["limit"], "runBytes");
    assert_eq!(server.post("/schedules", &job).status, 201);
}

#[test]
fn names_that_tasks_wait_for_have_the_limit_of_names() {
    let update = |name: &str| {
        builtin(
            "hear",
            &[],
            "tools.update.handle",
            json!([]),
            json!({"update_name": name, "timeout_seconds": 9}),
        )
    };
    let event = |name: &str| receive("hear", &[], name, Some(9));
    for (long, short) in [(event("123456789"), event("12345678")), (update("123456789"), update("12345678"))]
    {
        let mut run = limited(Limit::NameBytes, 8);
        run.submit(&flow(&[long]));
        assert_eq!(run.failure_code(), "LIMIT_EXCEEDED");
        run.submit(&flow(&[short]));
        run.assert_status("sleeping");
    }
}
