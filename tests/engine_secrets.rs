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

/// What a log keeps of a line, where `secret` is one.
fn logged(secret: &str, line: &str) -> String {
    let secrets = json!({"secret": secret}).as_object().unwrap().clone();
    let mut run = Scenario::with(Config { secrets: Secrets::new(secrets), ..Config::default() });
    run.submit(&flow(&[task("a", &[])]));
    let call = run.expect_start("a");
    run.engine.log(call.call, LogLevel::Info, line, run.now);
    run.engine.runs()[0].steps[0].told.as_ref().unwrap().lines[0].message.clone()
}

#[test]
fn one_is_struck_out_however_it_is_spelled() {
    let secret = "p\"ä/s w&\\rd";
    for spelled in [
        secret.to_owned(),
        json!(secret).as_str().unwrap().to_owned(),
        json!(secret).to_string().trim_matches('"').to_owned(),
        json!(json!(secret).to_string()).to_string(),
        r#"p\"\u00e4\/s w&\\rd"#.to_owned(),
        r#"p\"\u00E4/s w\u0026\\rd"#.to_owned(),
        "p%22%C3%A4%2Fs%20w%26%5Crd".to_owned(),
        "p%22%c3%a4%2fs+w%26%5crd".to_owned(),
        "p%2522%25C3%25A4%252Fs%2520w%2526%255Crd".to_owned(),
        "p&quot;&#228;/s w&amp;\\rd".to_owned(),
        "p&#x22;&#xE4;/s w&amp;\\rd".to_owned(),
        "p\"ä/\n  s w&\\rd".to_owned(),
    ] {
        let kept = logged(secret, &format!("before {spelled} after"));
        assert!(
            kept.starts_with("before ") && kept.contains("***") && kept.ends_with(" after"),
            "{spelled}: {kept}"
        );
        assert!(!kept.contains("rd"), "{spelled}: {kept}");
    }
}

#[test]
fn one_is_struck_out_of_what_is_encoded() {
    let secret = "open?sesame>now";
    let secrets = Secrets::unnamed(&[json!(secret)]);
    // `user:`, `ab:` and nothing before it, with the alphabet of addresses, too.
    for (encoded, left) in [
        ("dXNlcjpvcGVuP3Nlc2FtZT5ub3c=", "dXNlcjp***c="),
        ("YWI6b3Blbj9zZXNhbWU+bm93", "YWI6***"),
        ("b3Blbj9zZXNhbWU-bm93", "***"),
        ("dTpvcGVuP3Nlc2FtZT5ub3c=", "dTp***c="),
        ("YWI6b3Blbj9zZXNhbWU%2Bbm93", "YWI6***"),
    ] {
        assert_eq!(secrets.strike(format!("Basic {encoded}")), format!("Basic {left}"));
    }
}

#[test]
fn lines_of_one_are_struck_out_alone_and_short_ones_are_text() {
    let pem = "-----BEGIN KEY-----\nMIIBVAIBADANBg\nshort\n-----END KEY-----\n";
    assert_eq!(logged(pem, "Error: MIIBVAIBADANBg short"), "Error: *** short");
    assert_eq!(logged("abc", "abc abcd"), "abc abcd");
    assert_eq!(logged("äöü", "äöü"), "äöü");
    assert_eq!(logged("1234", "a 1234 b"), "a *** b");
}

#[test]
fn what_is_nearly_one_stays() {
    for line in [
        "tok3n",
        "t0ke",
        r"to\ken",
        "t%6Fken1",
        "",
        r"\",
        "%",
        "&",
        "&#",
        "&#x;",
        "%7",
        r"\u00",
        r"\u",
        "é%é&é\\é",
    ] {
        assert_eq!(logged("token-1", line), line);
    }
}

#[test]
fn what_a_failed_tool_has_and_a_sign_of_life_are_without_them() {
    let mut run = scenario();
    run.submit(&flow(&[with_args("a", &[], json!(["{{secrets.token}}"]))]));
    let call = run.expect_start("a");
    run.engine.heartbeat(call.call, json!({"at": [TOKEN], TOKEN: 1}), run.now);
    let (mut failure, _) = failing("X").unwrap_err();
    failure.message = format!("{}{TOKEN} and more", "x".repeat(90));
    failure.message_limit = Some(100);
    let result = json!({"stdout": format!("key {TOKEN}"), "stderr": "no", "returncode": 1});
    run.finish(&call, Err((failure, Some(result))));
    let kept = written(&run);
    assert!(!kept.contains(TOKEN), "{kept}");
    assert!(!kept.contains("t-0"), "cut before it was struck: {kept}");
    assert!(kept.contains("key ***"), "{kept}");
}
