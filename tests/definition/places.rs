//! Findings name the line and the column of the text, and words of YAML that mean something else are told.

use highway_wasm::definition::{Form, check, read_text};
use highway_wasm::error::{Diagnostic, ErrorCode};
use highway_wasm::validate::validate_text;

/// Code, path, line and column of each finding.
fn found(text: &str, form: Form) -> Vec<String> {
    validate_text(text, form, None).iter().map(shown).collect()
}

fn shown(finding: &Diagnostic) -> String {
    let place = finding.line.zip(finding.column);
    let place = place.map(|(line, column)| format!(" {line}:{column}")).unwrap_or_default();
    format!("{} {}{place}", finding.code.as_str(), finding.path)
}

const YAML: &str = "\
name: nightly
tasks:
  dump: &dump
    task_id: dump
    operator_type: task
    function: tools.shell.run
    args: [\"pg_dump {{nothing_result}}\"]
  send:
    task_id: send
    operator_type: task
    function: tools.shell.run
    dependencies:
      - dump
      - dmup
  copy:
    <<: *dump
    task_id: copy
    dependencies: [dmup]
    retry_policy: {max_attempts: soon}
";

#[test]
fn findings_in_yaml_have_lines() {
    let expected = [
        "FIELD_TYPE_INVALID /tasks/copy/retry_policy/max_attempts 19:20",
        "DEPENDENCY_UNKNOWN /tasks/send/dependencies/1 14:9",
        "DEPENDENCY_UNKNOWN /tasks/copy/dependencies/0 18:20",
        "TEMPLATE_NAME_UNKNOWN /tasks/dump/args/0 7:12",
        // What was merged in stands elsewhere.
        "TEMPLATE_NAME_UNKNOWN /tasks/copy/args/0 15:3",
        "TOOL_ARGUMENTS_INVALID /tasks/send 8:3",
    ];
    assert_eq!(found(YAML, Form::Yaml), expected);
    assert_eq!(found(&format!("\u{feff}{YAML}"), Form::Yaml), expected);
    let document = read_text(YAML, Form::Yaml).unwrap();
    let error = check(&document, YAML, Form::Yaml).unwrap_err();
    assert_eq!(error.diagnostics().iter().map(shown).collect::<Vec<_>>(), expected[..1]);
}

#[test]
fn findings_in_json_have_lines_where_a_person_wrote_it() {
    let text = "\u{feff}{\"name\": \"w\",\n  \"tasks\": {\n\t\"a\": {\"task_id\": \"a\", \"operator_type\": \"task\", \"function\": 1}}}";
    assert_eq!(found(text, Form::Json), ["FIELD_TYPE_INVALID /tasks/a/function 3:49"]);
    assert_eq!(found(text, Form::Data), ["FIELD_TYPE_INVALID /tasks/a/function"]);
    assert_eq!(found("{\"name\": \"w\",\n  oops}", Form::Json), ["JSON_INVALID  2:3"]);
    assert_eq!(found("[]", Form::Json), ["FIELD_TYPE_INVALID  1:1"]);
}

#[test]
fn a_key_that_stands_twice_is_the_same_finding_in_yaml() {
    let text = "name: w\ntasks:\n  a: {}\n  b: {}\n  a: {}\n";
    let findings = validate_text(text, Form::Yaml, None);
    assert_eq!(findings.iter().map(shown).collect::<Vec<_>>(), ["KEY_DUPLICATE /tasks/a 5:3"]);
    assert_eq!(findings[0].help.as_deref(), Some("keep one of the two"));
}

#[test]
fn words_of_yaml_that_mean_something_else_are_told() {
    let tasks =
        "tasks: {a: {task_id: a, operator_type: task, function: f, kwargs: {v: WORD, w: [\"WORD\"]}}}\n";
    for (word, value) in [
        ("no", "false"),
        ("On", "true"),
        ("12:30", "750"),
        ("1:30.5", "90.5"),
        ("010", "8"),
        ("1_000", "1000"),
    ] {
        let text = format!("name: w\n{}", tasks.replace("WORD", word));
        let findings = validate_text(&text, Form::Yaml, None);
        assert_eq!(
            findings.iter().map(shown).collect::<Vec<_>>(),
            ["VALUE_CONVERTED /tasks/a/kwargs/v 2:68"],
            "{word}"
        );
        assert_eq!(findings[0].message, format!("the bare word `{word}` is read as `{value}`"));
    }
    for word in ["false", "True", "0", "0x1f", "1.50", "-12", "0.5", "~", "1e3", "n", "2026-01-01", "1.2.3"] {
        let text = format!("name: w\n{}", tasks.replace("WORD", word));
        assert_eq!(found(&text, Form::Yaml), [""; 0], "{word}");
    }
    // Where a boolean or a number is what is wanted, the word is what it says.
    let text = format!("name: w\ncatchup: no\nmax_active_runs: 1_0\n{}", tasks.replace("WORD", "x"));
    assert_eq!(found(&text, Form::Yaml), [""; 0]);
}

#[test]
fn a_word_where_text_is_wanted_goes_into_quotes() {
    for (text, form) in [
        ("name: w\nversion: 1.10\ntasks: {}\n", Form::Yaml),
        ("name: w\ndescription: yes\ntasks: {}\n", Form::Yaml),
        ("{\"name\": \"w\", \"version\": 1.10, \"tasks\": {}}", Form::Json),
    ] {
        let findings = validate_text(text, form, None);
        assert_eq!(findings[0].code, ErrorCode::FieldTypeInvalid, "{text}");
        assert_eq!(findings[0].help.as_deref(), Some("write it in quotes"), "{text}");
    }
}

#[test]
fn an_anchor_that_nothing_uses_is_told() {
    let yaml = |variables: &str| {
        format!(
            "name: w\nvariables: {variables}\ntasks: {{a: {{task_id: a, operator_type: task, function: f}}}}\n"
        )
    };
    for (variables, path, word) in [
        ("{a: &x, b: 1}", "/variables/a", "&x"),
        ("{a: [&amp hello]}", "/variables/a/0", "&amp"),
        ("{\"a\": &b 1, c: &d 2, e: *d}", "/variables/a", "&b"),
    ] {
        let findings = validate_text(&yaml(variables), Form::Yaml, None);
        assert_eq!(findings.len(), 1, "{variables}: {findings:?}");
        assert_eq!((findings[0].code, findings[0].path.as_str()), (ErrorCode::ValueConverted, path));
        assert!(findings[0].message.starts_with(&format!("`{word}` is read as an anchor")), "{variables}");
    }
    // Collections are often named before anything uses them.
    assert_eq!(found(&yaml("{a: &x {b: 1}, c: &y 1, d: *y}"), Form::Yaml), [""; 0]);
}

#[test]
fn slips_that_are_valid_yaml_get_advice() {
    for (text, path, help) in [
        ("// see: it\nname: w\ntasks: {}\n", "/~1~1 see", "begin a comment with `#`"),
        ("name: w\ntasks: {}\ntags:\n  -a\n  -b\n", "/tags", "write a blank after the `-` of an item"),
        (
            "name: w\ntasks:\n  a:\n\u{a0}\u{a0}  operator_type: task\n",
            "/\u{a0}\u{a0}  operator_type",
            "U+00A0",
        ),
    ] {
        let findings = validate_text(text, Form::Yaml, None);
        let found = findings.iter().find(|finding| finding.path == path).unwrap();
        assert!(found.help.as_ref().is_some_and(|advice| advice.contains(help)), "{text}: {found:?}");
    }
}

#[test]
fn text_without_a_definition_is_called_empty() {
    for (text, form) in [
        ("", Form::Json),
        ("\u{feff}", Form::Json),
        (" \n", Form::Json),
        ("", Form::Yaml),
        ("\u{feff}\n", Form::Yaml),
        ("---\n# later\n", Form::Yaml),
    ] {
        let findings = validate_text(text, form, None);
        assert!(findings.len() == 1 && findings[0].message.contains("is empty"), "{text:?}: {findings:?}");
    }
}

#[test]
fn a_branch_that_is_no_object_is_told_once() {
    let text = r#"{"name": "w", "tasks": {"p": {"task_id": "p", "operator_type": "parallel", "branches": {"a": []},
        "branch_workflows": {"a": 1}}}}"#;
    assert_eq!(found(text, Form::Json), ["FIELD_TYPE_INVALID /tasks/p/branch_workflows/a 2:30"]);
}
