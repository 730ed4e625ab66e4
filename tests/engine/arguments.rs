//! Arguments that a tool does not have fail its task, instead of being dropped.

use crate::support::Scenario;
use crate::support::operators::{builtin, flow, op};
use highway_wasm::engine::Config;
use serde_json::{Value, json};

/// An engine of a host whose `tools.http.request` is the one of this package.
fn config() -> Config {
    Config { own_tools: ["tools.http.request".to_owned()].into(), ..Config::default() }
}

/// The failure of the only task of a run.
fn failure(task: Value) -> Value {
    let mut run = Scenario::with(config());
    run.submit(&flow(&[task]));
    run.assert_status("failed");
    run.step("a")["error_details"].clone()
}

fn call(tool: &str, args: Value, kwargs: Value) -> Value {
    builtin("a", &[], tool, args, kwargs)
}

#[test]
fn an_argument_that_a_tool_does_not_have_is_named_with_advice() {
    let slip = failure(call("tools.http.request", json!([]), json!({"url": "http://x", "heders": {}})));
    assert_eq!(
        slip,
        json!({"code": "TOOL_ARGUMENTS_INVALID",
            "message": "`tools.http.request` of the embedded engine has no argument `heders`",
            "help": "did you mean `headers`?", "details": {"path": "/kwargs/heders"}})
    );
    let odd = failure(call("tools.http.request", json!([]), json!({"a/b": null})));
    assert_eq!(odd["details"], json!({"path": "/kwargs/a~1b"}));
    let list = failure(call("tools.http.request", json!(["http://x", "POST"]), json!({})));
    assert_eq!(list["message"], "`tools.http.request` takes 1 positional argument, not 2");
    assert_eq!(list["details"], json!({"path": "/args/1"}));
}

#[test]
fn what_is_missing_or_of_another_kind_is_told_with_advice() {
    let said = |args: Value, kwargs: Value| {
        let failure = failure(call("tools.http.request", args, kwargs));
        let text = |at: &str| failure.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        [text("/message"), text("/help"), text("/details/path")]
    };
    let all = "it takes `url`, `method`, `headers`, `params`, `json`, `json_data`, `body`, `timeout`, `check`, \
               `allow_internal`, `verify`";
    let lacks = ["`tools.http.request` is called without `url`", all, ""].map(str::to_owned);
    assert_eq!(said(json!([]), json!({"method": "GET"})), lacks);
    assert_eq!(said(json!([null]), json!({"url": null})), lacks);
    assert_eq!(
        said(json!([{"https": "//example.org"}]), json!({})),
        [
            "the `url` of `tools.http.request` is an object, not text",
            "in YAML a text with `: ` stands in quotes",
            "/args/0"
        ]
    );
    assert_eq!(
        said(json!([]), json!({"url": "http://x", "headers": ["a"]})),
        [
            "the `headers` of `tools.http.request` is a list, not an object",
            "give names and values: `headers: {NAME: value}`",
            "/kwargs/headers"
        ]
    );
    assert_eq!(said(json!([]), json!({"uri": "http://x"}))[1], "did you mean `url`?");
    assert_eq!(said(json!(["http://x"]), json!({"data": 1}))[1], "did you mean `json` or `body`?");
    let failure = failure(call("workflow.wait_for_branch", json!([1]), json!({})));
    assert_eq!(failure["message"], "`workflow.wait_for_branch` is called without `branch_name`");
}

#[test]
fn tools_of_the_engine_are_as_strict() {
    for (tool, name) in [
        ("tools.simple_counter.init_counter", "begin"),
        ("tools.approval.request", "timeout"),
        ("tools.workflow.execute", "input"),
        ("workflow.execute", "input"),
        ("tools.workflow.wait_for_branch", "timeout"),
        ("tools.workflow.cancel_branch", "branch"),
        ("tools.cron.durable_cron", "cron"),
        ("tools.update.handle", "name"),
    ] {
        let failure = failure(call(tool, json!([]), json!({name: 1})));
        assert_eq!(failure["details"], json!({"path": format!("/kwargs/{name}")}), "{tool}");
    }
}

#[test]
fn tools_of_the_host_take_what_they_are_given() {
    let mut run = Scenario::with(config());
    run.submit(&flow(&[call("tools.shell.run", json!(["a", "b"]), json!({"stdin": "x"}))]));
    assert_eq!(run.expect_start("a").kwargs, json!({"stdin": "x"}));
    // Another tool in the place of the package's own has arguments of its own.
    let mut run = Scenario::with(config());
    run.engine.add_tool("tools.http.request", false);
    run.submit(&flow(&[call("tools.http.request", json!([]), json!({"data": "x"}))]));
    assert_eq!(run.expect_start("a").kwargs, json!({"data": "x"}));
}

#[test]
fn what_a_turn_adds_is_no_argument_of_the_definition() {
    let reflexive = |generator_kwargs: Value| {
        op(
            "reflexive",
            "a",
            &[],
            json!({"generator": "tools.http.request", "generator_kwargs": generator_kwargs,
            "verifier": "tools.test.check", "verifier_kwargs": {}, "max_turns": 2}),
        )
    };
    let mut run = Scenario::with(config());
    run.submit(&flow(&[reflexive(json!({"url": "http://x"}))]));
    run.succeed("a", json!("draft"));
    run.succeed("a", json!({"passed": false, "why": "short"}));
    assert_eq!(
        run.expect_start("a").kwargs,
        json!({"url": "http://x", "output": "draft", "feedback": {"passed": false, "why": "short"}})
    );
    let refused = failure(reflexive(json!({"url": "http://x", "data": "x"})));
    assert_eq!(refused["details"], json!({"path": "/generator_kwargs/data"}));
}
