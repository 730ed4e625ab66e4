//! Secrets reach tools, and nothing that is written down.

use crate::support::operators::{but, condition, emit, flow, op, task, with_args};
use crate::support::{Scenario, failing, views};
use highway_wasm::engine::{Config, Effect, Failure, LogLevel, Secrets, write_records};
use highway_wasm::error::ErrorCode;
use serde_json::{Value, json};

const TOKEN: &str = "t-0123456789";

fn scenario() -> Scenario {
    let secrets = json!({"token": TOKEN, "pin": "12"}).as_object().unwrap().clone();
    Scenario::with(Config { secrets: Secrets::new(secrets), ..Config::default() })
}

/// All that is kept or shown of a run.
fn written(run: &Scenario) -> String {
    format!("{} {:?} {:?}", write_records(&run.records), run.engine.snapshot(), views(&run.engine))
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
    run.engine.runs()[0].steps[0].reports.as_ref().unwrap().lines[0].message.clone()
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

/// What a text becomes where there is one secret.
fn struck(secret: &str, text: &str) -> String {
    Secrets::unnamed(&[json!(secret)]).strike(text.to_owned())
}

#[test]
fn every_spelling_of_the_list_is_struck_out() {
    let list: Value = serde_json::from_str(include_str!("../fixtures/spellings.json")).unwrap();
    let secret = list["secret"].as_str().unwrap();
    for (what, spelled) in list["spellings"].as_object().unwrap() {
        let left = struck(secret, &format!("before <{}> after", spelled.as_str().unwrap()));
        let inside = left.strip_prefix("before <").and_then(|left| left.strip_suffix("> after"));
        // Base64 mixes the first and the last character with its neighbours.
        let most = if what.starts_with("base64") { 11 } else { 3 };
        assert!(inside.is_some_and(|it| it.contains("***") && it.len() <= most), "{what}: {left}");
    }
}

#[test]
fn quotes_are_found_however_they_are_quoted() {
    for (secret, spelled) in [
        ("it's so", r"it'\''s so"),
        ("it's so", r#"it'"'"'s so"#),
        ("it's so", "it''s so"),
        ("it's so", r"it\'s so"),
        ("it's so", r"it\u0027s so"),
        ("it's so", "it&#39;s so"),
        ("it's so", "it&amp;apos;s so"),
        (r#"a"b\c\\d"#, r#"a\"b\\c\\\\d"#),
        (r#"a"b\c\\d"#, r#"a\\\"b\\\\c\\\\\\\\d"#),
        (r#"a"b\c\\d"#, r#"a""b\c\\d"#),
        (r#"a"b\c\\d"#, r"a\x22b\x5cc\x5c\x5cd"),
        (r#"a"b\c\\d"#, r"a\u0022b\u005cc\u005c\u005cd"),
        ("it's\tso\nthen", r"it\'s\tso\nthen"),
        ("it's\tso\nthen", r"$'it\'s\011so\012then'"),
        ("größe-🚚", r"gr\xc3\xb6\xc3\x9fe-\xf0\x9f\x9a\x9a"),
        ("größe-🚚", r"gr\xf6\xdfe-\U0001f69a"),
        ("größe-🚚", r"gr\303\266\303\237e-\360\237\232\232"),
        ("größe-🚚", r"gr\u00f6\u00dfe-\ud83d\ude9a"),
        ("größe-🚚", r"gr\\u00F6\\u00DFe-\\uD83D\\uDE9A"),
        ("größe-🚚", "gr&#246;&#223;e-&#128666;"),
        ("größe-🚚", "gr&#xf6;&#xdf;e-&#xd83d;&#xde9a;"),
        ("größe-🚚", "gr&#246;&#223;e-&#55357;&#56986;"),
        ("größe-🚚", "gr%C3%B6%C3%9Fe-%F0%9F%9A%9A"),
        ("größe-🚚", "gr%25C3%25B6%25C3%259Fe-%25F0%259F%259A%259A"),
        ("größe-🚚", "gr%u00f6%u00dfe-%uD83D%uDE9A"),
        ("größe-🚚", "gr=C3=B6=C3=9Fe=\r\n-=F0=9F=9A=9A"),
        ("größe-🚚", "GRÖ\u{df}E-🚚"),
        ("größe-🚚", "6772c3b6c39f652df09f9a9a"),
    ] {
        let left = struck(secret, &format!("<{spelled}>"));
        assert!(matches!(left.as_str(), "<***>" | "<$'***'>"), "{secret}, {spelled}: {left}");
    }
    assert_eq!(struck("abc\"", r#"{"key":"abc\""}"#), r#"{"key":"***"}"#);
    assert_eq!(struck("'quoted'", "say ''quoted''"), "say ***'");
    assert_eq!(struck(" padded\n", "a padded word"), "a *** word");
}

/// Spellings by bytes keep the letter case of what is not ASCII, and each quote.
#[test]
fn bytes_of_any_letter_are_struck_out() {
    for secret in ["ÉCOLE-secret-77", "ПарольСекрет", "Grün-Öl-2024-ABC", "it's \"Ünder\" \\\\key"]
    {
        let all = |each: &dyn Fn(u8) -> String, between: &str| {
            secret.bytes().map(each).collect::<Vec<_>>().join(between)
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric();
        let python =
            |byte: u8| if is_plain(byte) { char::from(byte).into() } else { format!("\\x{byte:02x}") };
        let octal = |byte: u8| if is_plain(byte) { char::from(byte).into() } else { format!("\\{byte:03o}") };
        let percent =
            |byte: u8| if is_plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
        for spelled in [
            secret.to_owned(),
            secret.to_uppercase(),
            all(&percent, ""),
            all(&python, ""),
            all(&octal, ""),
            all(&|byte| format!("{byte:02x}"), ""),
            all(&|byte| format!("{byte:02X}"), " "),
            all(&|byte| format!("0x{byte:02x}"), ", "),
            all(&|byte| byte.to_string(), ", "),
            all(&|byte| format!("{byte:03}"), " "),
            all(&|byte| format!("{byte:03o}"), " "),
        ] {
            let left = struck(secret, &format!("<{spelled}>"));
            assert_eq!(left, "<***>", "{secret}: {spelled}");
        }
    }
}

/// Lines of `xxd`, `hexdump -C` and `od`: sixteen bytes each behind an offset, with the text beside them.
fn dump(
    text: &str,
    group: usize,
    offset: &dyn Fn(usize) -> String,
    number: &dyn Fn(u8) -> String,
    sides: Option<(&str, &str)>,
) -> String {
    let mut out = String::new();
    for (at, line) in text.as_bytes().chunks(16).enumerate() {
        let groups =
            line.chunks(group).map(|bytes| bytes.iter().map(|byte| number(*byte)).collect::<String>());
        let numbers = groups.collect::<Vec<_>>().join(" ");
        let column: String =
            line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        out += &offset(at * 16);
        out += &sides
            .map_or_else(|| numbers.clone(), |(left, right)| format!("{numbers:40}  {left}{column}{right}"));
        out += "\n";
    }
    out
}

#[test]
fn dumps_are_struck_out_with_the_text_beside_them() {
    for secret in
        ["p4ss-W0rd+\u{dc}n\u{ef}/zq9", "key-of-12-chars", "0123456789abcdef0123456789abcdef-and-more-of-it"]
    {
        let hex = |byte: u8| format!("{byte:02x}");
        for before in ["", "id=", "zyxwvutsrqpon: "] {
            let text = format!("{before}{secret}");
            for shown in [
                dump(&text, 2, &|at| format!("{at:08x}: "), &hex, Some(("", ""))),
                dump(&text, 1, &|at| format!("{at:08x}  "), &hex, Some(("|", "|"))),
                dump(&text, 1, &|at| format!("{at:07o} "), &hex, None),
                dump(&text, 1, &|at| format!("{at:07o} "), &|byte| format!("{byte:03o}"), None),
                dump(&text, 1, &|at| format!("{at:07o} "), &|byte| format!("{byte:3}"), None),
            ] {
                let left = struck(secret, &format!("{shown}done\n"));
                let kept: String = left.chars().filter(char::is_ascii_graphic).collect();
                assert!(left.contains("***") && left.ends_with("\ndone\n"), "{shown}{left}");
                for part in [secret.get(..4), secret.get(secret.len() - 3..)].into_iter().flatten() {
                    let numbers: String = part.bytes().map(hex).collect();
                    assert!(!kept.contains(part) && !kept.contains(&numbers), "{part}: {shown}{left}");
                }
            }
        }
    }
}

/// Each escape may be one of an escape.
#[test]
fn escapes_are_mixed_and_nested_at_random() {
    let mut seed = 20_261_129_u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % limit
    };
    let secret = "k%3D-\\n&amp;=2F \"+é";
    for _ in 0..2_000 {
        let spelled: String = secret.chars().map(|next| spelling(next, &mut below, 0)).collect();
        let left = struck(secret, &format!("<{spelled}>"));
        assert_eq!(left, "<***>", "{spelled}");
    }
}

/// A character in one of its spellings, of which characters may be spelled otherwise again.
fn spelling(next: char, below: &mut impl FnMut(usize) -> usize, depth: usize) -> String {
    let code = u32::from(next);
    let hex: Vec<String> = next.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes = |lead: &str| lead.to_owned() + &hex.join(lead);
    let (lead, rest) = match below(8) {
        0 => ('\\', format!("u{code:04X}")),
        1 => ('\\', format!("u{{{code:x}}}")),
        2 => return bytes("%"),
        3 => ('&', format!("#{code};")),
        4 => ('&', format!("#x{code:x};")),
        5 => return bytes("="),
        6 => return bytes("%25"),
        // What is no letter of an escape.
        _ if !matches!(next, '\\' | '&' | '%' | '=' | '+' | '"') => return next.to_string(),
        _ => ('\\', format!("u{code:04x}")),
    };
    if depth < 2 && below(2) == 0 {
        spelling(lead, below, depth + 1) + &rest
    } else {
        format!("{lead}{rest}")
    }
}

/// A hundred secrets and texts that begin with them again and again; a search that began anew for each would not end.
#[test]
fn large_texts_and_many_secrets_are_no_more_work_than_their_length() {
    let mut secrets: Vec<Value> =
        (0..100).map(|at| json!(format!("sk-live-{at:03}-{}", "x'\\".repeat(20)))).collect();
    secrets.push(json!(r#"\\"'key"#));
    secrets.push(json!("'''quoted"));
    let secrets = Secrets::unnamed(&secrets);
    for part in [
        "\\",
        "'",
        "'\\",
        "%",
        "%25",
        "&amp;",
        "&#38;",
        "\n",
        "a\n ",
        "=\n",
        "sk-live-001-",
        "x'",
        "3",
        "61",
        "\\u005c",
        "'\\\\\"",
    ] {
        let text = part.repeat(50_000 / part.len());
        assert_eq!(secrets.strike(text.clone()).len(), text.len(), "{part}");
    }
    let text = "sk-live-007-".to_owned() + &"x'\\".repeat(20_000);
    assert!(secrets.strike(text).starts_with("***"));
}

#[test]
fn large_failures_are_searched_in_slices_side_by_side() {
    let secret = "Sup3r-S3cret/Key+42";
    let secrets = Secrets::unnamed(&[json!(secret)]);
    let mut run = Scenario::with(Config { secrets, ..Config::default() });
    run.submit(&flow(&["large", "small", "late"].map(|id| task(id, &[]))));
    let calls = ["large", "small", "late"].map(|id| run.expect_start(id).call);
    let failure = || Failure::new(ErrorCode::ToolFailed, format!("it has {secret}"));
    let large = json!({"texts": ["%53".repeat(300_000), secret], secret: 1});
    run.engine.take_output();
    run.engine.tool_finished(calls[0], Err((failure(), Some(large.clone()))), run.now);
    assert!(run.engine.has_more());
    run.engine.tool_finished(calls[2], Err((failure(), Some(large))), run.now);
    run.engine.tool_finished(calls[1], Err((failure(), Some(json!([[secret, null]])))), run.now);
    let mut slices = 0;
    let mut small_is_over = None;
    while run.engine.has_more() {
        run.engine.take_output();
        run.engine.tick(run.now);
        slices += 1;
        small_is_over = small_is_over.or((run.step("small")["status"] == "failed").then_some(slices));
    }
    assert!(slices > 10, "{slices}");
    assert_eq!(small_is_over, Some(1));
    assert_eq!(run.step("small")["result"], json!([["***", null]]));
    assert_eq!(run.step("small")["error"], "it has ***");
    for id in ["large", "late"] {
        assert_eq!(run.step(id)["result"], json!({"texts": ["%53".repeat(300_000), "***"], "***": 1}));
    }
}
