//! The table of `docs/limits.md`: whatever input makes large is refused by the limit that stands there.

use crate::support::operators::{
    builtin, but, condition, emit, flow, foreach, named, op, parallel, receive, retry, task, while_loop,
    with_args,
};
use crate::support::{Scenario, Server, failing};
use highway_wasm::engine::{Acts, Config, Failure, Limit, Limits, RunIx};
use highway_wasm::error::{Error, ErrorCode};
use serde_json::{Value, json};

/// What becomes large, the limit, and a program that makes it so; it gives the details of the refusal.
type Row = (&'static str, Limit, fn(Config) -> Value);

const ROWS: &[Row] = &[
    ("the inputs of a run", Limit::RunBytes, |config| {
        submitted(config, &json!({"workflow_definition": one(), "inputs": {"text": text(9_000)}}))
    }),
    ("a definition", Limit::DefinitionBytes, |config| {
        submitted(config, &json!({"workflow_definition": but(one(), json!({"description": text(25_000)}))}))
    }),
    ("the tasks of a definition", Limit::DefinitionTasks, |config| {
        let tasks: Vec<Value> = (0..12).map(|at| task(&format!("t{at}"), &[])).collect();
        submitted(config, &json!({"workflow_definition": flow(&tasks)}))
    }),
    ("definitions", Limit::EngineBytes, |config| {
        many(config, |server, at| {
            let definition = named(&format!("w{at}"), &[task("a", &[])]);
            server.post("/workflows", &json!({"workflow_definition": definition, "execute": false})).body
        })
    }),
    ("the Python source of definitions", Limit::EngineBytes, |config| {
        many(config, |server, at| {
            let body = json!({"workflow_definition": named(&format!("w{at}"), &[task("a", &[])]), "python_dsl": text(4_000), "execute": false});
            server.post("/workflows", &body).body
        })
    }),
    ("runs", Limit::EngineBytes, |config| {
        many(config, |server, _| server.post("/workflows", &json!({"workflow_definition": one()})).body)
    }),
    ("runs that are retried", Limit::EngineBytes, |config| {
        let mut server = Server::with_config(config);
        let asleep = op("wait", "a", &[], json!({"wait_for": 9}));
        let late = but(flow(&[asleep]), json!({"deadline_seconds": 1}));
        let run = server.post("/workflows", &json!({"workflow_definition": late}));
        let path = format!("/workflows/{}/retry", run.data()["workflow_run_id"].as_str().unwrap());
        server.advance(2_000);
        repeat(|| server.post(&path, &json!({})).body)
    }),
    ("the runs that a run starts", Limit::RunDescendants, |config| {
        played(config, &named("again", &[again("one"), again("two")]), "two")
    }),
    ("runs nested in runs", Limit::RunGenerations, |config| {
        let config = Config { limits: config.limits.with(Limit::RunDescendants, 1_000), ..config };
        played(config, &named("again", &[again("one")]), "one")
    }),
    ("artifacts", Limit::EngineBytes, |config| {
        many(config, |server, at| {
            let content = format!("{at:08}").repeat(250);
            server.post("/artifacts", &json!({"content": content})).body
        })
    }),
    ("the name of an artifact", Limit::NameBytes, |config| {
        Server::with_config(config).post("/artifacts", &json!({"content": "AAAA", "name": text(90)})).body
    }),
    ("schedules", Limit::Schedules, |config| {
        many(config, |server, at| {
            server.post("/workflows", &json!({"workflow_definition": one(), "execute": false}));
            server.post("/schedules", &job(&format!("job {at}"), json!({}))).body
        })
    }),
    ("the inputs of schedules", Limit::EngineBytes, |config| {
        let config = Config { limits: config.limits.with(Limit::Schedules, 1_000), ..config };
        many(config, |server, at| {
            server.post("/workflows", &json!({"workflow_definition": one(), "execute": false}));
            server.post("/schedules", &job(&format!("job {at}"), json!({"text": text(2_000)}))).body
        })
    }),
    ("the name of a schedule", Limit::NameBytes, |config| {
        let mut server = Server::with_config(config);
        server.post("/workflows", &json!({"workflow_definition": one(), "execute": false}));
        server.post("/schedules", &job(&text(90), json!({}))).body
    }),
    ("the name of a workflow", Limit::NameBytes, |config| {
        submitted(config, &json!({"workflow_definition": named(&text(90), &[task("a", &[])])}))
    }),
    ("the idempotency key of a run", Limit::NameBytes, |config| {
        Server::with_config(config).submit(&text(90), &json!({"workflow_definition": one()})).body
    }),
    ("the idempotency key of a task", Limit::NameBytes, |config| {
        played(config, &flow(&[but(task("a", &[]), json!({"idempotency_key": text(90)}))]), "a")
    }),
    ("results kept under idempotency keys", Limit::RunBytes, |config| {
        let keyed = but(task("a", &[]), json!({"idempotency_key": "key"}));
        let mut run = Scenario::with(config);
        run.submit(&flow(&[keyed]));
        run.succeed("a", json!(text(3_000)));
        run.step("a")["error_details"].clone()
    }),
    ("signals that no task takes", Limit::RunSignals, |config| {
        active(config, |run| run.engine.signal(RunIx::new(0), "go", json!({}), run.now).map(drop))
    }),
    ("ends of activities that no task takes", Limit::RunSignals, |config| {
        let activity = |id: &str| but(task(id, &[]), json!({"operator_type": "activity"}));
        let ids: Vec<String> = (0..5).map(|at| format!("t{at}")).collect();
        let mut run = Scenario::with(config);
        run.submit(&flow(&ids.iter().map(|id| activity(id)).collect::<Vec<_>>()));
        for id in &ids {
            run.succeed(id, json!(1));
        }
        run.step("t4")["error_details"].clone()
    }),
    ("the name of a signal", Limit::NameBytes, |config| {
        active(config, |run| run.engine.signal(RunIx::new(0), &text(90), json!({}), run.now).map(drop))
    }),
    ("the payload of a signal", Limit::RunBytes, |config| {
        active(config, |run| run.engine.signal(RunIx::new(0), "go", json!(text(9_000)), run.now).map(drop))
    }),
    ("updates", Limit::RunUpdates, |config| {
        active(config, |run| {
            run.engine.may_update(RunIx::new(0), "go", &json!({}))?;
            run.engine.update(RunIx::new(0), "go", json!({}), 9.0, run.now);
            Ok(())
        })
    }),
    ("the name of an update", Limit::NameBytes, |config| {
        active(config, |run| run.engine.may_update(RunIx::new(0), &text(90), &json!({})))
    }),
    ("the payload of an update", Limit::RunBytes, |config| {
        active(config, |run| run.engine.may_update(RunIx::new(0), "go", &json!(text(9_000))))
    }),
    ("the name of an event", Limit::NameBytes, |config| {
        played(config, &flow(&[emit("a", &[], &text(90), json!({}))]), "a")
    }),
    ("the name of an event that a task waits for", Limit::NameBytes, |config| {
        played(config, &flow(&[receive("a", &[], &text(90), None)]), "a")
    }),
    ("an event", Limit::EventBytes, |config| {
        played(config, &flow(&[emit("a", &[], "go", json!({"text": text(3_000)}))]), "a")
    }),
    ("the name of a variable", Limit::NameBytes, |config| acted(config, json!({"variables": {text(90): 1}}))),
    ("variables", Limit::RunBytes, |config| {
        let names: serde_json::Map<String, Value> = (0..100).map(|at| (format!("v{at}"), 1.into())).collect();
        acted(config, json!({"variables": names}))
    }),
    ("the key of an approval", Limit::NameBytes, |config| {
        let request = builtin("a", &[], "tools.approval.request", json!([text(90)]), json!({}));
        played(config, &flow(&[request]), "a")
    }),
    ("the data of an approval", Limit::RunBytes, |config| {
        let data = json!({"approval_data": text(9_000)});
        let config = Config { limits: config.limits.with(Limit::DefinitionBytes, 100_000), ..config };
        played(config, &flow(&[builtin("a", &[], "tools.approval.request", json!(["key"]), data)]), "a")
    }),
    ("values that templates fill in", Limit::ArgumentBytes, |config| {
        let args = Value::from_iter(vec!["{{inputs.text}}"; 10]);
        let mut run = Scenario::with(config);
        run.submit_with(&flow(&[with_args("a", &[], args)]), json!({"text": text(1_000)}));
        run.step("a")["error_details"].clone()
    }),
    ("values that a condition reads", Limit::ConditionBytes, |config| {
        let mut run = Scenario::with(config);
        run.submit_with(
            &flow(&[condition("a", &[], "{{text}} contains 'y'", None, None)]),
            json!({"text": text(4_000)}),
        );
        run.step("a")["error_details"].clone()
    }),
    ("the result of a task", Limit::ResultBytes, |config| given(config, &[4_500])),
    ("the results of a run", Limit::RunBytes, |config| given(config, &[3_500, 3_500])),
    ("the items of a loop", Limit::LoopItems, |config| {
        played(config, &flow(&[foreach("a", &[], "[1, 2, 3, 4, 5, 6, 7, 8, 9]", &[task("in", &[])])]), "a")
    }),
    ("the rounds of a loop", Limit::LoopRounds, |config| {
        played(config, &flow(&[while_loop("a", &[], "true", &[at_once("in")])]), "a")
    }),
    ("the steps of the rounds of a loop", Limit::RunBytes, |config| {
        let config = Config { limits: config.limits.with(Limit::LoopRounds, 1_000), ..config };
        played(config, &flow(&[while_loop("a", &[], "true", &[at_once("in")])]), "a")
    }),
    ("the steps of branches", Limit::RunBytes, |config| {
        let ids: Vec<String> = (0..5).map(|at| format!("t{at}")).collect();
        let tasks: Vec<Value> = ids.iter().map(|id| task(id, &[])).collect();
        let branches = [("x", &tasks[..2]), ("y", &tasks[2..])];
        let limits = config.limits.with(Limit::RunBytes, 3_500).with(Limit::DefinitionBytes, 100_000);
        played(Config { limits, ..config }, &flow(&[parallel("a", &[], &branches)]), "a")
    }),
    ("items that a signal adds to a loop", Limit::LoopItems, |config| {
        let dynamic = but(foreach("a", &[], "[1]", &[task("in", &[])]), json!({"dynamic": true}));
        let mut run = Scenario::with(config);
        run.submit(&flow(&[dynamic]));
        refused(
            &run.engine
                .signal(RunIx::new(0), "add_items", json!({"items": [2, 3, 4, 5, 6, 7]}), run.now)
                .unwrap_err(),
        )
    }),
    ("the regular expression of a guard", Limit::PatternBytes, |config| guarded(config, &text(900), "x")),
    ("the work of a regular expression", Limit::PatternSteps, |config| {
        guarded(config, "(a|b){20}c", &text(900))
    }),
];

/// What is cut, dropped, or waits; what stands in the table for it.
const SOFT: &[(&str, &str)] = &[
    ("attempts of a task", "`runBytes`, `engineBytes`"),
    ("the error of a task", "16 KiB for its code, its message, its help and its details together"),
    ("kept events", "`eventBytes`, and 1,000 for each name"),
    ("the arguments of all calls", "`callBytes`"),
    ("the log of a task", "1,000 lines of 8 KiB"),
    ("the output of a running command", "`outputBytes`"),
    ("finished runs of a schedule", "`scheduleHistory`"),
    ("active runs of a schedule", "`scheduledRuns`"),
    ("the body of a request", "`requestBytes`"),
];

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn one() -> Value {
    flow(&[task("a", &[])])
}

fn at_once(id: &str) -> Value {
    op("wait", id, &[], json!({"wait_for": 0}))
}

fn again(id: &str) -> Value {
    builtin(id, &[], "tools.workflow.execute", json!(["again"]), json!({}))
}

fn job(name: &str, inputs: Value) -> Value {
    json!({"job_name": name, "schedule_cron": "0 7 * * *", "workflow_name": "scenario", "inputs": inputs})
}

fn refused(error: &Error) -> Value {
    Failure::from(error).to_json()
}

/// The answer to a submission.
fn submitted(config: Config, body: &Value) -> Value {
    Server::with_config(config).post("/workflows", body).body
}

/// The first answer that refuses, of many.
fn repeat(mut again: impl FnMut() -> Value) -> Value {
    (0..500).map(|_| again()).find(|body| body["code"].is_string()).expect("it is refused")
}

fn many(config: Config, again: fn(&mut Server, usize) -> Value) -> Value {
    let (mut server, mut at) = (Server::with_config(config), 0);
    repeat(|| {
        at += 1;
        again(&mut server, at)
    })
}

/// Why a task of a run failed that needs no tool.
fn played(config: Config, definition: &Value, failed: &str) -> Value {
    let mut run = Scenario::with(config);
    run.submit(definition);
    run.step(failed)["error_details"].clone()
}

/// Why what is done again and again to an active run was refused.
fn active(config: Config, again: fn(&mut Scenario) -> Result<(), Error>) -> Value {
    let mut run = Scenario::with(config);
    run.submit(&one());
    let refusal = (0..100).find_map(|_| {
        let refusal = again(&mut run).err();
        run.take();
        refusal
    });
    refused(&refusal.expect("it is refused"))
}

/// Why what a tool did to its run was refused.
fn acted(config: Config, acts: Value) -> Value {
    let mut run = Scenario::with(config);
    run.submit(&one());
    let call = run.expect_start("a").call;
    refused(&run.engine.tool_acted(call, Acts::from_json(acts), run.now).unwrap_err())
}

/// Why the last of tasks failed that give texts of these lengths.
fn given(config: Config, bytes: &[usize]) -> Value {
    let ids: Vec<String> = (0..bytes.len()).map(|at| format!("t{at}")).collect();
    let mut run = Scenario::with(config);
    run.submit(&flow(&ids.iter().map(|id| task(id, &[])).collect::<Vec<_>>()));
    for (id, bytes) in ids.iter().zip(bytes) {
        run.succeed(id, json!(text(*bytes)));
    }
    run.step(ids.last().unwrap())["error_details"].clone()
}

fn guarded(config: Config, pattern: &str, looked_at: &str) -> Value {
    let guard =
        json!([{"variable": "inputs.text", "check": "matches_regex", "value": pattern, "message": ""}]);
    let mut run = Scenario::with(config);
    run.submit_with(
        &flow(&[but(task("a", &[]), json!({"preconditions": guard}))]),
        json!({"text": looked_at}),
    );
    run.step("a")["error_details"].clone()
}

fn small() -> Config {
    let limits = [
        (Limit::ArgumentBytes, 5_000),
        (Limit::ConditionBytes, 3_000),
        (Limit::ResultBytes, 4_000),
        (Limit::RunBytes, 8_000),
        (Limit::EngineBytes, 60_000),
        (Limit::DefinitionBytes, 20_000),
        (Limit::DefinitionTasks, 10),
        (Limit::RunDescendants, 6),
        (Limit::RunGenerations, 4),
        (Limit::LoopItems, 6),
        (Limit::LoopRounds, 4),
        (Limit::RunSignals, 4),
        (Limit::RunUpdates, 4),
        (Limit::EventBytes, 2_000),
        (Limit::PatternBytes, 500),
        (Limit::PatternSteps, 5_000),
        (Limit::NameBytes, 60),
        (Limit::Schedules, 4),
    ];
    let limits = limits.into_iter().fold(Limits::default(), |limits, (limit, most)| limits.with(limit, most));
    Config { limits, ..Config::default() }
}

#[test]
fn whatever_input_makes_large_is_refused_by_the_limit_of_the_table() {
    let mut wrong = Vec::new();
    for (what, limit, refusal) in ROWS {
        let refusal = refusal(small());
        let help = refusal["help"].as_str().unwrap_or_default();
        if refusal["code"] != ErrorCode::LimitExceeded.as_str()
            || refusal["details"]["limit"] != limit.name()
            || !help.contains(limit.name())
        {
            wrong.push(format!("{what}: {refusal}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_table_of_the_guide_is_this_one() {
    let guide = include_str!("../../docs/limits.md");
    let hard = ROWS.iter().map(|(what, limit, _)| format!("| {what} | `{}` |", limit.name()));
    let soft = SOFT.iter().map(|(what, limit)| format!("| {what} | {limit} |"));
    let rows: Vec<String> = hard.chain(soft).collect();
    let (_, table) = guide.split_once("| input | limit |\n| --- | --- |\n").unwrap();
    let shown: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(shown, rows);
}

#[test]
fn a_task_is_not_tried_again_where_there_is_no_room_for_another_attempt() {
    let mut run = Scenario::with(small());
    run.submit(&flow(&[but(task("a", &[]), json!({"retry_policy": retry(10_000, "PT0S")}))]));
    let mut attempts = 0;
    while run.run().ended_at.is_none() {
        let call = run.expect_start("a");
        run.finish(&call, failing("BROKEN"));
        run.advance(0.0);
        attempts += 1;
    }
    assert_eq!(run.failure_code(), "BROKEN");
    assert!((10..50).contains(&attempts), "{attempts}");
    assert!(run.run().kept_bytes() <= 8_000);
}

#[test]
fn what_is_full_still_says_why_a_task_failed() {
    let mut run = Scenario::with(small());
    run.submit(&one());
    let call = run.expect_start("a");
    let long = Failure { help: Some(text(20_000)), ..Failure::new(ErrorCode::ToolFailed, text(20_000)) };
    run.finish(&call, Err((long, None)));
    assert_eq!(run.failure_code(), "TOOL_FAILED");
    let message = run.step("a")["error_details"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("xxx") && message.ends_with("[…]") && message.len() <= 128, "{message}");
    assert!(run.run().kept_bytes() <= 8_000);
}
