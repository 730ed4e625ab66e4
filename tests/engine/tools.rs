//! Tools that nobody registered: what calls them is refused before it runs.

use crate::support::operators::{builtin, but, flow, foreach, named, op, parallel, task};
use crate::support::{Reply, Scenario, Server, submission};
use highway_wasm::engine::Config;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn config(tools: &[&str]) -> Config {
    let tools: BTreeSet<String> = tools.iter().map(|name| (*name).to_owned()).collect();
    Config { tools: Some(tools), ..Config::default() }
}

fn submit(server: &mut Server, definition: &Value) -> Reply {
    server.post("/workflows", &json!({"workflow_definition": definition}))
}

/// The findings of a refusal, as `path: message (help)`.
fn refused(reply: &Reply) -> Vec<String> {
    assert_eq!((reply.status, reply.code()), (400, "TOOL_NOT_REGISTERED"));
    let findings = reply.body["details"].as_array().unwrap().iter();
    findings
        .map(|found| {
            assert_eq!(
                (&found["code"], &found["severity"]),
                (&json!("TOOL_NOT_REGISTERED"), &json!("error"))
            );
            let text = |key: &str| found[key].as_str().unwrap();
            format!("{}: {} ({})", text("path"), text("message"), text("help"))
        })
        .collect()
}

fn call(id: &str, function: &str) -> Value {
    builtin(id, &[], function, json!([]), json!({}))
}

#[test]
fn every_task_is_named_wherever_it_is() {
    let mut server = Server::with_config(config(&["tools.test.known", "tools.test.greet"]));
    let reflexive = json!({"generator": "tools.test.known", "generator_kwargs": {}, "verifier": "my.verifier",
        "verifier_kwargs": {}, "max_turns": 2});
    let definition = flow(&[
        task("known", &[]),
        call("mine", "my.tool"),
        call("slip", "tools.test.gret"),
        foreach("each", &[], "[1]", &[call("inner", "my.inner")]),
        parallel("fork", &[], &[("left", &[call("branched", "my.branch")])]),
        op("reflexive", "reflexive", &[], reflexive),
        builtin(
            "update",
            &[],
            "tools.update.handle",
            json!([]),
            json!({"update_name": "u", "response_tool": "my.answer"}),
        ),
        call("counter", "tools.simple_counter.init_counter"),
    ]);
    let reply = submit(&mut server, &definition);
    let unknown = |path: &str, task: &str, tool: &str| {
        format!(
            "{path}: task `{task}` calls the tool `{tool}`, which is not registered (register it: `engine.tool(\"{tool}\", handler)`)"
        )
    };
    assert_eq!(
        refused(&reply),
        [
            unknown("/tasks/mine/function", "mine", "my.tool"),
            "/tasks/slip/function: task `slip` calls the tool `tools.test.gret`, which is not registered \
             (did you mean `tools.test.greet`?)"
                .to_owned(),
            unknown("/tasks/each/loop_body/0/function", "inner", "my.inner"),
            unknown("/tasks/fork/branch_workflows/left/tasks/branched/function", "branched", "my.branch"),
            unknown("/tasks/reflexive/verifier", "reflexive", "my.verifier"),
            unknown("/tasks/update/kwargs/response_tool", "update", "my.answer"),
        ]
    );
    assert_eq!(server.get("/workflows").data()["total"], 0, "nothing began");
}

#[test]
fn tools_that_come_with_something_say_with_what() {
    let mut server = Server::with_config(config(&[]));
    for (tool, help) in [
        ("tools.shell.run", "nodeTools()"),
        ("tools.code.exec", "pyodideTools()"),
        ("tools.python.run", "nodeTools()"),
        ("tools.llm.call", "llmTool("),
        ("tools.email.send", "emailTool("),
        ("tools.secrets.get_secret", "secretTools("),
    ] {
        let findings = refused(&submit(&mut server, &flow(&[call("a", tool)])));
        assert!(findings[0].contains(help), "{findings:?}");
    }
}

#[test]
fn a_tool_may_come_later_and_registering_asks_for_none() {
    let mut server = Server::with_config(config(&[]));
    let definition = flow(&[call("a", "my.tool")]);
    let kept = server.post("/workflows", &json!({"workflow_definition": definition, "execute": false}));
    assert_eq!(kept.status, 201, "{kept:?}");
    assert_eq!(submit(&mut server, &definition).status, 400);
    server.engine.add_tool("my.tool", false);
    assert_eq!(submit(&mut server, &definition).status, 201);
}

#[test]
fn where_no_tools_are_told_none_is_checked() {
    let mut server = Server::new();
    server.engine.add_tool("other", false);
    assert_eq!(submit(&mut server, &flow(&[call("a", "my.tool")])).status, 201);
}

#[test]
fn a_retry_is_checked_like_a_submission() {
    let mut server = Server::with_config(config(&["my.tool"]));
    let definition = but(flow(&[call("a", "my.tool")]), json!({"timeout_seconds": 1}));
    let body = json!({"workflow_definition": definition});
    assert_eq!(server.post("/workflows", &body).status, 201);
    // The host has come back with other tools.
    server.restart(config(&["your.tool"]));
    server.advance(2_000);
    let failed = server.get("/workflows/run-1");
    assert_eq!(failed.data()["status"], "failed");
    let findings = refused(&server.post("/workflows/run-1/retry", &json!({})));
    assert!(findings[0].starts_with("/tasks/a/function: task `a` calls the tool `my.tool`"), "{findings:?}");
    server.engine.add_tool("my.tool", false);
    assert_eq!(server.post("/workflows/run-1/retry", &json!({})).status, 200);
}

#[test]
fn a_workflow_that_another_one_starts_is_checked_then() {
    let mut run = Scenario::with(config(&["tools.test.a"]));
    let child = named("child", &[call("x", "my.tool")]);
    run.engine.register(submission(&child, "").definition, run.now).unwrap();
    let execute =
        builtin("start", &[], "tools.workflow.execute", json!([]), json!({"workflow_name": "child"}));
    run.submit(&flow(&[execute]));
    run.expect_no_start();
    let view = run.view();
    assert_eq!(view["error_details"]["code"], "TOOL_NOT_REGISTERED", "{view}");
    let message = view["error"].as_str().unwrap();
    assert!(message.contains("workflow `child`: task `x` calls the tool `my.tool`"), "{message}");
    assert_eq!(run.engine.runs().len(), 1, "the child did not begin");
}

#[test]
fn what_a_schedule_is_to_start_is_checked_when_that_is_made() {
    let mut server = Server::with_config(config(&["tools.test.a"]));
    let definition = named("job", &[call("a", "my.tool")]);
    let cron =
        |target: (&str, &Value)| json!({"job_name": "j", "schedule_cron": "* * * * *", target.0: target.1});
    let findings = refused(&server.post("/schedules", &cron(("workflow_definition", &definition))));
    assert!(findings[0].starts_with("/tasks/a/function: task `a` calls the tool `my.tool`"), "{findings:?}");
    // Kept without a run, it is not looked at yet.
    let kept = json!({"workflow_definition": definition, "execute": false});
    assert_eq!(server.post("/workflows", &kept).status, 201);
    refused(&server.post("/schedules", &cron(("workflow_name", &json!("job")))));
    assert_eq!(server.get("/schedules").data()["total"], 0);
    server.engine.add_tool("my.tool", false);
    assert_eq!(server.post("/schedules", &cron(("workflow_name", &json!("job")))).status, 201);
}
