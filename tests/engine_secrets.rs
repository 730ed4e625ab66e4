//! Secrets reach tools, and nothing that is written down.
#![cfg(feature = "engine")]

#[path = "support/operators.rs"]
mod operators;
mod support;

use highway_wasm::engine::{Config, Effect, LogLevel, Secrets, write_records};
use operators::{but, condition, emit, flow, op, task, with_args};
use serde_json::{Value, json};
use support::{Scenario, failing, views};

const TOKEN: &str = "t-0123456789";

fn scenario() -> Scenario {
    let secrets = json!({"token": TOKEN, "pin": "12"}).as_object().unwrap().clone();
    Scenario::with(Config { secrets: Secrets::new(secrets), ..Config::default() })
}

/// All that is kept or shown of a run.
fn written(run: &Scenario) -> String {
    format!("{} {:?} {:?}", write_records(&run.records), run.engine.checkpoint(), views(&run.engine))
}

#[test]
fn arguments_of_tools_read_them_again_after_a_restart_too() {
    let mut run = scenario();
    run.submit(&flow(&[with_args("a", &[], json!(["Bearer {{secrets.token}}", "{{secrets}}"]))]));
    let given = [json!(format!("Bearer {TOKEN}")), json!({"token": TOKEN, "pin": "12"})];
    let call = run.expect_start("a");
    assert_eq!(call.args, given);
    run.reopen();
    run.engine.resume(run.now);
    let effects = run.engine.take_output().effects;
    assert!(matches!(&effects[..], [Effect::StartTool(again)] if again.args == given), "{effects:?}");
    run.finish(&call, Ok(json!({})));
    run.assert_status("completed");
    assert!(!written(&run).contains(TOKEN));
}

#[test]
fn what_tools_tell_of_them_is_struck_out() {
    let mut run = scenario();
    run.submit(&flow(&[with_args("a", &[], json!(["{{secrets.token}}"]))]));
    let call = run.expect_start("a");
    run.engine.log(call.call, LogLevel::Info, &format!("GET /?key={TOKEN} 12"), run.now);
    let (mut failure, result) = failing("X").unwrap_err();
    failure.message = format!("no access with {TOKEN}, {TOKEN}");
    failure.help = Some(format!("check {TOKEN}"));
    run.finish(&call, Err((failure, result)));
    let view = run.view();
    assert_eq!(view["error_details"]["help"], "check ***");
    assert!(view["error"].as_str().unwrap().ends_with("no access with ***, ***"), "{view}");
    let kept = written(&run);
    assert!(kept.contains("GET /?key=*** 12"), "too short to be told from other text: {kept}");
    assert!(!kept.contains(TOKEN), "{kept}");
}

#[test]
fn nothing_else_knows_them_and_says_so() {
    let wants = |operator: Value| {
        let mut run = scenario();
        run.submit(&flow(&[operator]));
        let view = run.view();
        assert_eq!(view["error_details"]["code"], "TEMPLATE_UNRESOLVED", "{view}");
        let help = view["error_details"]["help"].as_str().unwrap();
        assert!(help.contains("arguments of tools"), "{help}");
        assert!(!written(&run).contains(TOKEN));
    };
    wants(emit("a", &[], "e", json!({"x": "{{secrets.token}}"})));
    wants(condition("a", &[], "{{secrets.token}} == 1", None, None));
    wants(op("wait", "a", &[], json!({"wait_for": "{{secrets.pin}}"})));
    wants(but(
        with_args("a", &[], json!(["{{secrets.token}}"])),
        json!({"function": "tools.workflow.execute"}),
    ));
    wants(but(task("a", &[]), json!({"idempotency_key": "{{secrets.token}}"})));
}

#[test]
fn an_unknown_one_is_named_with_the_nearest() {
    let mut run = scenario();
    run.submit(&flow(&[with_args("a", &[], json!(["{{secrets.tokn}}"]))]));
    let view = run.view();
    assert_eq!(view["error_details"]["help"], "did you mean `token`?");
    assert_eq!(
        format!("{:?}", Secrets::new(json!({"token": TOKEN}).as_object().unwrap().clone())),
        "{\"token\"}"
    );
}

#[test]
fn one_that_begins_with_another_and_one_in_json_are_struck_out_whole() {
    let secrets = json!({"a": "s3cr3t", "b": "s3cr3t-longer", "pem": "-----\n\"key\"\n-----"});
    let secrets = Secrets::new(secrets.as_object().unwrap().clone());
    let mut run = Scenario::with(Config { secrets, ..Config::default() });
    run.submit(&flow(&[with_args("a", &[], json!(["{{secrets.pem}}"]))]));
    let call = run.expect_start("a");
    let told = format!("s3cr3t-longer s3cr3t {}", json!({"given": call.args[0]}));
    run.engine.log(call.call, LogLevel::of_word("warning"), &told, run.now);
    run.take();
    let kept = written(&run);
    assert!(kept.contains(r#"*** *** {\"given\":\"***\"}"#), "{kept}");
    assert!(kept.contains(r#""level":"warn""#), "{kept}");
}
