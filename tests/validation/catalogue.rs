//! The catalogue of findings (`docs/diagnostics.md`) example by example, and documents that must be left alone.

use crate::support;
use highway_wasm::builder::{Driver, Registration, WorkflowBuilder};
use highway_wasm::definition::{Form, read};
use highway_wasm::engine::plan;
use highway_wasm::error::{Diagnostic, ErrorCode};
use highway_wasm::json::parse_json;
use highway_wasm::time::{Millis, parse_iso};
use highway_wasm::validate::{self, Clocks, validate_text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Codes of errors that are thrown, never listed as findings.
const THROWN: &[ErrorCode] = &[
    ErrorCode::GuardFailed,
    ErrorCode::JournalInvalid,
    ErrorCode::StoreInUse,
    ErrorCode::ApiKeyMissing,
    ErrorCode::ApiKeyExposed,
    ErrorCode::EndpointInvalid,
    ErrorCode::OptionInvalid,
    ErrorCode::AuthFailed,
    ErrorCode::PackageInvalid,
    ErrorCode::ApiRedirected,
    ErrorCode::ApiNotImplemented,
    ErrorCode::ApiResponseTooLarge,
    ErrorCode::ApiCircuitOpen,
    ErrorCode::ArtifactUploadFailed,
    ErrorCode::TaskTypeMissing,
    ErrorCode::TaskTypeAmbiguous,
    ErrorCode::TaskOptionUnknown,
    ErrorCode::TaskOptionMissing,
    ErrorCode::TaskOptionType,
    ErrorCode::TaskOptionRange,
    ErrorCode::DelayWithSchedule,
    ErrorCode::PackageRequiresDurable,
    ErrorCode::EntrypointInvalid,
    ErrorCode::NoTasks,
    ErrorCode::ValidationFailed,
    ErrorCode::NoCurrentTask,
    ErrorCode::MethodUnknown,
    ErrorCode::ValueNotJson,
    ErrorCode::ApiBadRequest,
    ErrorCode::ApiUnauthorized,
    ErrorCode::ApiForbidden,
    ErrorCode::ApiNotFound,
    ErrorCode::ApiConflict,
    ErrorCode::ApiRateLimited,
    ErrorCode::ApiServerError,
    ErrorCode::ApiUnreachable,
    ErrorCode::ApiResponseInvalid,
    ErrorCode::RequestTimeout,
    ErrorCode::WaitTimeout,
    ErrorCode::Aborted,
    ErrorCode::RunFailed,
    ErrorCode::RunCancelled,
    ErrorCode::RunTimedOut,
    ErrorCode::TaskTimedOut,
    ErrorCode::LimitExceeded,
    ErrorCode::ToolFailed,
    ErrorCode::ExitCodeNonzero,
    ErrorCode::ToolUnavailable,
    ErrorCode::TemplateUnresolved,
    ErrorCode::EngineClosed,
    ErrorCode::NotSupported,
    ErrorCode::NotInitialized,
    ErrorCode::WasmLoadFailed,
    ErrorCode::WasmPanic,
];

fn now() -> Option<Millis> {
    parse_iso("2026-01-01")
}

/// It is winter, and Berlin the only zone.
fn clocks() -> Clocks<'static> {
    Clocks { now: now(), offset: Some(&|zone, _| (zone == "Europe/Berlin").then_some(3_600_000)) }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One example: the heading above it, its kind, its text, and what the page says it gives.
struct Example {
    code: String,
    kind: String,
    text: String,
    expected: String,
}

/// The page with the findings as they are, and its examples.
fn examples(page: &str) -> (String, Vec<Example>) {
    let (mut out, mut examples, mut code) = (String::new(), Vec::<Example>::new(), String::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        if let Some(heading) = line.strip_prefix("### ") {
            heading.trim_matches('`').clone_into(&mut code);
        }
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = body.join("\n");
        if kind == "findings" {
            let example = examples.last_mut().unwrap();
            out += &findings_of(&example.kind, &example.text);
            example.expected = text;
        } else {
            let (code, kind) = (code.clone(), kind.to_owned());
            writeln!(out, "{text}").unwrap();
            examples.push(Example { code, kind, text, expected: String::new() });
        }
        out += "```\n";
    }
    (out, examples)
}

/// What an example gives, as the page shows it.
fn findings_of(kind: &str, text: &str) -> String {
    let value = || parse_json(text).unwrap();
    let findings = match kind {
        "json document" | "text document" => validate_text(text, Form::Json, clocks()),
        "yaml document" => validate_text(text, Form::Yaml, clocks()),
        "json calls" => notes(&value()),
        "json driver" => driver(&value()).validate(clocks()),
        "json engine" => plan(&read(&value()).workflow).1,
        other => panic!("unknown kind of example {other}"),
    };
    findings.iter().map(shown).collect()
}

fn notes(value: &Value) -> Vec<Diagnostic> {
    let mut builder = WorkflowBuilder::new(&value["new"]).unwrap();
    builder.calls(value["calls"].clone()).unwrap();
    match builder.build() {
        Ok(built) => built.notes,
        Err(error) => error.diagnostics().to_vec(),
    }
}

fn driver(tasks: &Value) -> Driver {
    let mut driver = Driver::new(None);
    for task in tasks.as_array().unwrap() {
        let method = Registration::of_method(task[0].as_str().unwrap()).unwrap();
        driver.register(method, task[1].as_str().unwrap(), &task[2]).unwrap();
    }
    driver
}

fn shown(finding: &Diagnostic) -> String {
    let (severity, code) = (finding.severity.as_str(), finding.code.as_str());
    let mut out = format!("{severity} {code} {}\n  {}\n", finding.path, finding.message);
    if let Some(help) = &finding.help {
        writeln!(out, "  help: {help}").unwrap();
    }
    if !finding.related.is_empty() {
        writeln!(out, "  related: {}", finding.related.join(", ")).unwrap();
    }
    out
}

#[test]
fn every_example_of_the_catalogue_gives_what_it_says() {
    let path = root("docs/diagnostics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (current, examples) = examples(&page);
    if std::env::var_os("HIGHWAY_UPDATE_DOCS").is_some() {
        std::fs::write(&path, current).unwrap();
        return;
    }
    for Example { code, kind, text, expected } in &examples {
        assert_eq!(findings_of(kind, text).trim_end(), expected.as_str(), "{code}: {text}");
        let has_code = |line: &str| line.split(' ').nth(1) == Some(code);
        assert!(expected.lines().any(has_code), "an example of {code} does not give it: {expected}");
    }
    assert_eq!(page, current);
}

#[test]
fn the_catalogue_has_every_code_that_a_finding_can_have() {
    let page = std::fs::read_to_string(root("docs/diagnostics.md")).unwrap();
    let listed: Vec<String> = examples(&page).1.into_iter().map(|example| example.code).collect();
    let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let headings: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let expected: BTreeSet<&str> =
        ErrorCode::ALL.iter().filter(|code| !THROWN.contains(code)).map(|code| code.as_str()).collect();
    assert_eq!(listed, expected);
    assert_eq!(headings, expected);
}

/// Every definition among the vectors and the recorded exchanges, with the file it is in.
fn corpus() -> Vec<(String, Value)> {
    let folders = ["tests/vectors", "tests/vectors/head-derived", "tests/wire"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(root(folder)).unwrap());
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let content = parse_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        definitions(content.get("expect").unwrap_or(&content), &mut |document| {
            found.push((name.clone(), document.clone()));
        });
    }
    assert!(found.len() > 180, "only {} definitions were found", found.len());
    found
}

fn definitions(value: &Value, found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(map) if map.contains_key("name") && map.get("tasks").is_some_and(Value::is_object) => {
            found(value);
        }
        Value::Object(map) => map.values().for_each(|value| definitions(value, found)),
        Value::Array(items) => items.iter().for_each(|value| definitions(value, found)),
        _ => {}
    }
}

/// Errors among definitions that Highway's own packages wrote: each truly cannot run, or cannot be loaded again.
const CORPUS_ERRORS: [(&str, &str); 16] = [
    ("007-driver-name-dashes", "WORKFLOW_NAME_INVALID /name"),
    ("010-driver-unicode", "WORKFLOW_NAME_INVALID /name"),
    ("046-driver-schedule-timedelta-fraction", "SCHEDULE_INVALID /schedule"),
    ("047-driver-schedule-timedelta-days-negative", "SCHEDULE_INVALID /schedule"),
    ("055-driver-cycle-builds", "DEPENDENCY_CYCLE /tasks/a/dependencies"),
    ("056-driver-self-dependency-builds", "DEPENDENCY_SELF /tasks/a/dependencies/0"),
    ("057-driver-missing-dependency-builds", "DEPENDENCY_UNKNOWN /tasks/a/dependencies/0"),
    ("205-dsl-task-depends-on-alias", "DEPENDENCY_UNKNOWN /tasks/b/dependencies/1"),
    ("216-dsl-setters-are-not-validated", "SCHEDULE_INVALID /schedule"),
    ("216-dsl-setters-are-not-validated", "WORKFLOW_VERSION_INVALID /version"),
    ("246-dsl-foreach-body-id-clash", "DEPENDENCY_CYCLE /tasks/q/dependencies"),
    ("274-dsl-duplicate-task-id", "DEPENDENCY_SELF /tasks/x/dependencies/0"),
    ("275-dsl-missing-dependency", "DEPENDENCY_UNKNOWN /tasks/x/dependencies/0"),
    ("276-dsl-cyclic-dependency", "DEPENDENCY_CYCLE /tasks/x/dependencies"),
    ("279-dsl-diagram-leafs", "DEPENDENCY_UNKNOWN /tasks/lone/dependencies/0"),
    ("288-dsl-load-loop-body-untyped", "TARGET_UNKNOWN /tasks/f/loop_body/3/if_true"),
];

#[test]
fn what_highway_wrote_has_no_error_but_those_that_are_known() {
    let mut found = BTreeSet::new();
    for (name, document) in corpus() {
        let findings = validate_text(&document.to_string(), Form::Json, now());
        for finding in findings.iter().filter(|finding| finding.is_error()) {
            // Files with `err` in their names hold what Highway refuses.
            if !name.contains("-err-") {
                found.insert((name.clone(), format!("{} {}", finding.code.as_str(), finding.path)));
            }
        }
        support::paths::check(&document, &findings, &name);
    }
    let known = CORPUS_ERRORS.iter().map(|(name, finding)| ((*name).to_owned(), (*finding).to_owned()));
    assert_eq!(found, known.collect());
}

/// What there is to say about the tasks of a workflow.
fn found(tasks: Value) -> Vec<String> {
    found_in(json!({"name": "w", "tasks": tasks}))
}

fn found_in(document: Value) -> Vec<String> {
    let findings = validate_text(&document.to_string(), Form::Json, None);
    support::paths::check(&document, &findings, "");
    findings.iter().map(|it| format!("{} {} {}", it.severity.as_str(), it.code.as_str(), it.path)).collect()
}

const NOTHING: [&str; 0] = [];

fn task(id: &str, more: Value) -> Value {
    let mut task =
        json!({"task_id": id, "operator_type": "task", "function": "tools.shell.run", "args": ["true"]});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

/// The slip in the README of the Python driver: the task is `backup_db`, and so the key is `backup_db_result`.
#[test]
fn the_slip_in_the_readme_is_found() {
    let mut driver = Driver::new(None);
    driver.task("backup_db", &json!({"shell": "pg_dump mydb"})).unwrap();
    driver
        .task("upload", &json!({"shell": "echo {{backup_result.stdout}}", "depends": ["backup_db"]}))
        .unwrap();
    let findings = driver.validate(None);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, ErrorCode::TemplateNameUnknown);
    assert_eq!(findings[0].help.as_deref(), Some("did you mean `{{backup_db_result.stdout}}`?"));
}

#[test]
fn a_handler_of_a_branch_may_stand_outside_of_it_but_a_dependency_may_not() {
    let branch = |more: Value| json!({"name": "fork_left", "tasks": {"copy": task("copy", more)}});
    let tasks = |branch: Value| {
        json!({"fork": {"task_id": "fork", "operator_type": "parallel", "branches": {"left": ["copy"]}, "branch_workflows":
            {"left": branch}}, "undo": task("undo", json!({})), "wait": task("wait", json!({"args": ["{{fork}}"], "dependencies": ["fork"]}))})
    };
    assert_eq!(found(tasks(branch(json!({"on_failure_task_id": "undo"})))), NOTHING);
    let found = found(tasks(branch(json!({"dependencies": ["undo"]}))));
    assert_eq!(
        found,
        ["error DEPENDENCY_UNKNOWN /tasks/fork/branch_workflows/left/tasks/copy/dependencies/0"]
    );
}

#[test]
fn loops_and_their_branches_know_the_item() {
    let tasks = json!({
        "each": {"task_id": "each", "operator_type": "foreach", "items": "[1, 2]", "loop_body": [
            task("one", json!({"args": ["{{item}} {{index}}"], "dependencies": ["each"]})),
            {"task_id": "fork", "operator_type": "parallel", "result_key": "forked", "branch_workflows":
                {"b": {"name": "b", "tasks": {"in": task("in", json!({"args": ["{{item.id}}"]}))}}}},
            task("wait", json!({"args": ["{{forked}}"], "dependencies": ["fork"]})),
        ]},
        // Listed among the tasks too, without the flag.
        "one": task("one", json!({"args": ["{{item}} {{index}}"], "dependencies": ["each"]})),
    });
    assert_eq!(found(tasks), NOTHING);
}

#[test]
fn bodies_of_nested_loops_are_listed_more_than_once() {
    let inner_task = task("in", json!({"is_internal_loop_task": true}));
    let inner =
        json!({"task_id": "inner", "operator_type": "foreach", "items": "[1]", "loop_body": [inner_task]});
    let outer = |body: Value| json!({"outer": {"task_id": "outer", "operator_type": "foreach", "items": "[1]", "loop_body": body}});
    assert_eq!(found(outer(json!([inner, inner_task]))), NOTHING);
    let other = task("in", json!({"args": ["other"]}));
    assert_eq!(found(outer(json!([inner_task, other]))), ["error TASK_DUPLICATE /tasks/outer/loop_body/1"]);
}

/// What depends on more than the skipped way runs, and so does what several operators can start.
#[test]
fn tasks_that_can_start_are_left_alone() {
    let choice = json!({"task_id": "k", "operator_type": "condition", "condition": "{{a.stdout}} == 'x'", "if_true": "t",
        "if_false": "f", "dependencies": ["a"]});
    let merged = json!({"a": task("a", json!({})), "k": choice, "t": task("t", json!({"dependencies": ["k"]})),
        "f": task("f", json!({"dependencies": ["t", "a"]})), "end": task("end", json!({"dependencies": ["t", "f"]}))});
    assert_eq!(found(merged), NOTHING);
    let ended = json!({"a": task("a", json!({})), "k": choice,
        "t": {"task_id": "t", "operator_type": "terminate", "dependencies": ["k"]},
        "f": task("f", json!({"dependencies": ["k"]})), "end": task("end", json!({"dependencies": ["t", "f"]}))});
    assert_eq!(found(ended), NOTHING);
    // The handler `h` of `a` runs before `b`, whose handler it is too.
    let shared = json!({"a": task("a", json!({"on_failure_task_id": "h"})), "h": task("h", json!({})),
        "b": task("b", json!({"dependencies": ["h"], "on_failure_task_id": "h"}))});
    assert_eq!(found(shared), NOTHING);
    let both = json!({"a": task("a", json!({"on_failure_task_id": "h", "on_success_task_id": "h"})),
        "h": task("h", json!({"dependencies": ["a"]}))});
    assert_eq!(found(both), NOTHING);
}

/// What follows from one slip is not told as another one.
#[test]
fn one_slip_is_one_finding() {
    let mut unknown = task("a", json!({"result_key": "r"}));
    unknown["operator_type"] = "tsak".into();
    let next = task("b", json!({"dependencies": ["a"], "args": ["{{r.stdout}}"]}));
    assert_eq!(found(json!({"a": unknown, "b": next})), ["error OPERATOR_UNKNOWN /tasks/a/operator_type"]);
    let mut nameless = task("a", json!({}));
    nameless.as_object_mut().unwrap().remove("task_id");
    let next = task("b", json!({"dependencies": ["a"]}));
    assert_eq!(found(json!({"a": nameless, "b": next})), ["error FIELD_MISSING /tasks/a/task_id"]);
}

#[test]
fn what_cannot_be_read_is_told_once() {
    let tasks = json!({"w": {"task_id": "w", "operator_type": "wait"}, "k": {"task_id": "k", "operator_type": "while"},
        "t": task("t", json!({"timeout_policy": {"timeout": "soon"}}))});
    assert_eq!(
        found(tasks),
        [
            "error FIELD_MISSING /tasks/w/wait_for",
            "error FIELD_MISSING /tasks/k/condition",
            "error FIELD_TYPE_INVALID /tasks/t/timeout_policy/timeout",
        ]
    );
}

#[test]
fn findings_name_fields_as_the_document_does() {
    let driver = json!({"timeout_seconds": 0, "retry_policy": {"max_attempts": 2, "initial_interval_seconds": -1,
        "backoff_coefficient": 0.5}});
    assert_eq!(
        found(json!({"a": task("a", driver)})),
        [
            "error DURATION_NOT_POSITIVE /tasks/a/timeout_seconds",
            "error FIELD_VALUE_INVALID /tasks/a/retry_policy/backoff_coefficient",
            "warning DURATION_NOT_POSITIVE /tasks/a/retry_policy/initial_interval_seconds",
        ]
    );
}

#[test]
fn text_for_shells_and_scripts_is_left_alone() {
    let args = json!({"args": ["echo ${HOME} '{{.Names}}' {{\"a\": 1}} ${x:-1}"]});
    assert_eq!(found(json!({"a": task("a", args)})), NOTHING);
    let code = json!({"function": "tools.code.exec", "kwargs": {"code": "print(`${x}`)"}});
    assert_eq!(found(json!({"a": task("a", code)})), NOTHING);
    let driver = json!([["task", "a", {"shell": "echo ${HOME}"}], ["task", "b", {"tool": "t", "kwargs": {"x": "${y}"}}]]);
    assert_eq!(self::driver(&driver).validate(None), []);
}

#[test]
fn a_branch_is_awaited_in_many_ways() {
    let fork = json!({"task_id": "fork", "operator_type": "parallel", "branch_workflows":
        {"b": {"name": "b", "tasks": {"in": task("in", json!({}))}}}});
    let join =
        json!({"task_id": "j", "operator_type": "join", "join_tasks": ["in"], "dependencies": ["fork"]});
    let event = json!({"task_id": "e", "operator_type": "wait_for_event", "event_name": "${fork.join_event_name}__b",
        "dependencies": ["fork"]});
    let inside = json!({"task_id": "g", "operator_type": "parallel", "result_key": "g", "dependencies": ["fork"], "branch_workflows":
        {"c": {"name": "c", "tasks": {"w": task("w", json!({"args": ["ls"], "kwargs": {"env": {"A": "{{fork}}", "B": "{{g}}"}}}))}}}});
    for (id, waiting) in [("j", join), ("e", event), ("g", inside)] {
        assert_eq!(found(json!({"fork": fork, id: waiting})), NOTHING);
    }
    assert_eq!(found(json!({"fork": fork})), ["warning FORK_NOT_AWAITED /tasks/fork"]);
}

#[test]
fn retries_fit_into_the_fork_and_the_default_into_the_run() {
    let policy = json!({"max_retries": 3, "delay": "PT10S", "backoff_factor": 1.0});
    let document = |policy: &Value, limit: u32| {
        json!({"name": "w", "deadline_seconds": limit, "default_retry_policy": policy, "tasks": {
            "fork": {"task_id": "fork", "operator_type": "parallel", "timeout": 20, "result_key": "data", "branch_workflows":
                {"b": {"name": "b", "tasks": {"in": task("in", json!({"retry_policy": policy}))}}}},
            "w": task("w", json!({"args": ["{{data}}"], "dependencies": ["fork"]}))}})
    };
    let in_fork = "warning RETRY_EXCEEDS_TIMEOUT /tasks/fork/branch_workflows/b/tasks/in/retry_policy";
    assert_eq!(found_in(document(&policy, 61)), [in_fork]);
    for limit in [30, 60] {
        assert_eq!(
            found_in(document(&policy, limit)),
            [in_fork, "warning RETRY_EXCEEDS_TIMEOUT /default_retry_policy"]
        );
    }
    assert_eq!(found_in(document(&Value::Null, 1)), NOTHING);
}

#[test]
fn a_long_circle_is_shown_in_part() {
    let tasks: serde_json::Map<String, Value> = (0..1000)
        .map(|at| {
            (
                format!("t{at}"),
                task(&format!("t{at}"), json!({"dependencies": [format!("t{}", (at + 1) % 1000)]})),
            )
        })
        .collect();
    let findings = validate::workflow(&read(&json!({"name": "w", "tasks": tasks})).workflow, None);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.contains("`t11` -> 988 more -> `t0`"), "{}", findings[0].message);
    assert_eq!(findings[0].related.len(), 11);
}

/// A definition with a limit, and what is found about its times.
fn waiting(limit: u32, tasks: Value) -> Vec<String> {
    found_in(json!({"name": "w", "deadline_seconds": limit, "tasks": tasks}))
}

fn wait(id: &str, seconds: u32, dependencies: Value) -> Value {
    json!({"task_id": id, "operator_type": "wait", "wait_for": format!("PT{seconds}S"), "dependencies": dependencies})
}

#[test]
fn waits_after_each_other_fit_into_the_run() {
    let tasks = json!({"a": wait("a", 60, json!([])), "b": wait("b", 70, json!(["a"])), "c": wait("c", 65, json!(["a"])),
        "d": task("d", json!({"dependencies": ["b", "c"], "retry_policy": {"max_retries": 1, "delay": "PT20S"}}))});
    // At the limit the run is over.
    assert_eq!(waiting(151, tasks.clone()), NOTHING);
    assert_eq!(waiting(150, tasks.clone()), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/b/wait_for"]);
    // What is too long by itself is told alone.
    assert_eq!(waiting(66, tasks), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/b/wait_for"]);
    let event = json!({"e": {"task_id": "e", "operator_type": "wait_for_event", "event_name": "go", "timeout_seconds": 90}});
    assert_eq!(waiting(90, event), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/e/timeout_seconds"]);
    let retries = |id: &str, needs: Value| {
        task(
            id,
            json!({"dependencies": needs, "retry_policy": {"max_retries": 2, "delay": "PT30S", "backoff_factor": 1.0}}),
        )
    };
    let chain = json!({"a": retries("a", json!([])), "b": retries("b", json!(["a"]))});
    assert_eq!(waiting(120, chain.clone()), ["warning RETRY_EXCEEDS_TIMEOUT /tasks/a/retry_policy"]);
    assert_eq!(waiting(121, chain), NOTHING);
}

#[test]
fn attempts_fit_into_the_run() {
    let limited = |limit: u32, retries: u32| {
        json!({"a": task("a", json!({"timeout_policy": {"timeout": limit},
            "retry_policy": {"max_retries": retries, "delay": 5, "backoff_factor": 1.0}}))})
    };
    let found =
        |severity: &str| vec![format!("{severity} LIMIT_EXCEEDS_TIMEOUT /tasks/a/timeout_policy/timeout")];
    assert_eq!(waiting(60, limited(61, 0)), found("warning"));
    assert_eq!(waiting(60, limited(61, 3)), found("warning"));
    assert_eq!(waiting(60, limited(60, 3)), NOTHING);
    assert_eq!(waiting(60, limited(18, 3)), found("info"));
    assert_eq!(waiting(69, limited(18, 2)), NOTHING);
    // The default for all tasks counts, and so does the limit of a branch.
    let branch = json!({"name": "w", "default_retry_policy": {"max_retries": 1, "delay": 0}, "tasks": {
        "fork": {"task_id": "fork", "operator_type": "multi_choice", "timeout": 20, "minimum_branches": 0,
            "branches": {"b": {"condition": "true", "tasks": []}}, "result_key": "data", "branch_workflows":
                {"b": {"name": "b", "tasks": {"in": task("in", json!({"timeout_policy": {"timeout": 30}}))}}}},
        "w": task("w", json!({"args": ["{{data}}"], "dependencies": ["fork"], "timeout_policy": {"timeout": 90}}))},
        "deadline_seconds": 100});
    assert_eq!(
        found_in(branch),
        [
            "info LIMIT_EXCEEDS_TIMEOUT /tasks/w/timeout_policy/timeout",
            "warning LIMIT_EXCEEDS_TIMEOUT /tasks/fork/branch_workflows/b/tasks/in/timeout_policy/timeout"
        ]
    );
}

#[test]
fn waits_in_loops_count_for_each_known_item() {
    let looped = |items: &str, parallel: bool| {
        json!({"each": {"task_id": "each", "operator_type": "foreach", "items": items, "parallel": parallel,
            "loop_body": [wait("in", 40, json!(["each"]))]}, "after": wait("after", 10, json!(["each"]))})
    };
    assert_eq!(waiting(130, looped("[1, 2, 3]", false)), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/each"]);
    assert_eq!(waiting(131, looped("[1, 2, 3]", false)), NOTHING);
    assert_eq!(waiting(51, looped("[1, 2, 3]", true)), NOTHING);
    assert_eq!(waiting(51, looped("{{inputs.list}}", false)), NOTHING);
    assert_eq!(
        waiting(30, looped("[1]", false)),
        ["warning WAIT_EXCEEDS_TIMEOUT /tasks/each/loop_body/0/wait_for"]
    );
}

#[test]
fn branches_count_for_what_waits_for_them() {
    let forked = |needs: Value| {
        json!({"fork": {"task_id": "fork", "operator_type": "parallel", "result_key": "data", "branch_workflows":
            {"b": {"name": "b", "tasks": {"in": wait("in", 50, json!([]))}}, "c": {"name": "c", "tasks": {"on": wait("on", 20, json!([]))}}}},
            "j": task("j", json!({"args": ["{{data}}"], "dependencies": ["fork"]})),
            "after": wait("after", 30, needs)})
    };
    assert_eq!(waiting(80, forked(json!(["fork"]))), NOTHING);
    assert_eq!(waiting(80, forked(json!(["j"]))), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/after/wait_for"]);
    assert_eq!(waiting(81, forked(json!(["j"]))), NOTHING);
}
