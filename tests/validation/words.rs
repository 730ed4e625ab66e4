//! What people write instead of Highway's own words, and what they are told.

use crate::of;
use highway_wasm::definition::Form;
use highway_wasm::error::Diagnostic;
use highway_wasm::validate::validate_text;
use serde_json::{Value, json};

/// What is found, but for arguments that the tools here lack.
fn findings(document: &Value) -> Vec<Diagnostic> {
    let found = validate_text(&document.to_string(), Form::Data, None);
    found.into_iter().filter(|finding| finding.code.as_str() != "TOOL_ARGUMENTS_INVALID").collect()
}

/// What is told at a path: the message and the help.
fn told(document: &Value, path: &str) -> (String, String) {
    let all = findings(document);
    let found = all.iter().find(|finding| finding.path == path);
    let found = found.unwrap_or_else(|| panic!("nothing at {path}: {all:?}"));
    (found.message.clone(), found.help.clone().unwrap_or_default())
}

fn help(document: &Value, path: &str) -> String {
    told(document, path).1
}

/// A workflow whose task `a` has one more field.
fn with(field: &str, value: Value) -> Value {
    let mut document =
        of(json!({"a": {"operator_type": "task", "function": "tools.shell.run", "args": ["ls"]}}));
    document["tasks"]["a"][field] = value;
    document
}

#[test]
fn words_of_others_are_told_with_highways_own() {
    for (word, value, expected) in [
        ("depends", json!(["b"]), "write `dependencies: [\"b\"]`"),
        ("needs", json!("b"), "write `dependencies: [\"b\"]`"),
        ("timeout", json!(5), "write `timeout_policy: {timeout: 5}`"),
        ("retries", json!(3), "write `retry_policy: {max_retries: 3}`"),
        ("run", json!("ls"), "write `function: tools.shell.run` and `args: [\"ls\"]`"),
        ("tool", json!("x.y"), "write `function: \"x.y\"`"),
        ("dependancies", json!([]), "did you mean `dependencies`?"),
    ] {
        let document = with(word, value);
        let (message, help) = told(&document, &format!("/tasks/a/{word}"));
        assert_eq!(message, format!("there is no field `{word}` here: it is dropped"));
        assert_eq!(help, expected, "{word}");
    }
    for word in ["command", "url"] {
        let help = help(&with(word, json!("x")), &format!("/tasks/a/{word}"));
        assert!(help.contains(&format!("`kwargs: {{{word}: \"x\"}}`")), "{help}");
    }
    assert!(help(&with("if", json!("{{x}}")), "/tasks/a/if").contains("`operator_type: condition`"));
    assert!(help(&with("schedule", json!("@daily")), "/tasks/a/schedule").contains("of the workflow"));
    let emit = of(json!({"a": {"operator_type": "emit_event", "event_name": "e", "event": "e"}}));
    assert_eq!(help(&emit, "/tasks/a/event"), "write `event_name: \"e\"`");
    let waiting = of(json!({"a": {"operator_type": "wait_for_event", "event_name": "e", "timeout": 5}}));
    assert_eq!(help(&waiting, "/tasks/a/timeout"), "write `timeout_seconds: 5`");
    let each = of(json!({"a": {"operator_type": "foreach", "items": "[1]", "body": []}}));
    assert_eq!(help(&each, "/tasks/a/body"), "write `loop_body`");
    let whole = json!({"name": "w", "tasks": {}, "timeout": 60, "retries": 2, "env": {}, "steps": []});
    assert_eq!(help(&whole, "/timeout"), "write `deadline_seconds: 60`");
    assert_eq!(help(&whole, "/retries"), "write `default_retry_policy: {max_retries: 2}`");
    assert_eq!(help(&whole, "/env"), "write `variables: {name: value}`");
    assert_eq!(help(&whole, "/steps"), "write `tasks`");
    let untyped = json!({"name": "w", "tasks": {"a": {"task_id": "a", "shell": "ls"}}});
    assert_eq!(
        help(&untyped, "/tasks/a/operator_type"),
        "write `operator_type: task`, `function: tools.shell.run` and `args: [\"ls\"]`"
    );
}

#[test]
fn values_of_a_wrong_type_are_told_with_the_right_form() {
    for (field, value, expected) in [
        ("retry_policy", json!(3), "write `retry_policy: {max_retries: 3}`"),
        ("timeout_policy", json!("5s"), "write `timeout_policy: {timeout: \"5s\"}`"),
        ("args", json!("echo a"), "write `args: [\"echo a\"]`"),
        ("dependencies", json!("b"), "write `dependencies: [\"b\"]`"),
        ("kwargs", json!([1]), "write `kwargs: {name: value}`"),
        ("description", json!(7), "write it in quotes"),
    ] {
        assert_eq!(help(&with(field, value), &format!("/tasks/a/{field}")), expected, "{field}");
    }
    let listed = json!({"name": "w", "tasks": [{"task_id": "a"}]});
    assert!(help(&listed, "/tasks").contains("`tasks: {backup: {task_id: backup, …}}`"));
    for (schedule, expected) in [
        (json!({"minutes": 5}), "write `schedule: \"@every 5m\"`"),
        (json!({"hours": 1, "seconds": 30}), "write `schedule: \"@every 3630s\"`"),
        (json!(90), "write seconds as `schedule: \"@every 90s\"`, and cron as `schedule: \"0 2 * * *\"`"),
        (json!(true), "write cron, `schedule: \"0 2 * * *\"`, or `schedule: \"@every 90s\"`"),
    ] {
        assert_eq!(help(&json!({"name": "w", "tasks": {}, "schedule": schedule}), "/schedule"), expected);
    }
}

#[test]
fn a_short_id_has_a_nearest_one_too() {
    let task = |more: Value| {
        let mut task = json!({"operator_type": "task", "function": "x.y"});
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        task
    };
    let needs = json!({"dependencies": ["aa"]});
    let near = of(json!({"a": task(json!({})), "long": task(needs.clone())}));
    assert_eq!(help(&near, "/tasks/long/dependencies/0"), "did you mean `a`?");
    let either = of(json!({"a": task(json!({})), "ab": task(json!({})), "long": task(needs)}));
    assert_eq!(help(&either, "/tasks/long/dependencies/0"), "");
}

#[test]
fn a_workflow_without_tasks_is_told_of() {
    for document in [json!({"name": "w"}), json!({"name": "w", "tasks": {}})] {
        assert_eq!(told(&document, "/tasks").0, "the workflow has no tasks");
    }
    let unread = findings(&json!({"name": "w", "tasks": []}));
    assert_eq!(unread.len(), 1, "{unread:?}");
}

#[test]
fn a_tool_that_is_nearly_one_of_highway_is_told_of() {
    let of_tool = |tool: &str| of(json!({"a": {"operator_type": "task", "function": tool}}));
    for (tool, near) in [
        ("tools.shel.run", "tools.shell.run"),
        ("tools.http.requst", "tools.http.request"),
        ("tools.aproval.request", "tools.approval.request"),
        ("tools.secret.get_secret", "tools.secrets.get_secret"),
    ] {
        let (message, help) = told(&of_tool(tool), "/tasks/a/function");
        assert_eq!(message, format!("`{tool}` is not a tool of Highway"));
        assert_eq!(help, format!("did you mean `{near}`?"));
    }
    for tool in ["tools.shell.run", "tools.python.run", "tools.http.get", "tools.sms.send", "shel.run"] {
        assert_eq!(findings(&of_tool(tool)), [], "{tool}");
    }
}

#[test]
fn a_slip_in_a_field_of_a_result_is_told_of() {
    let made = |tool: &str, more: Value, text: &str| {
        let mut first = json!({"operator_type": "task", "function": tool, "result_key": "got"});
        first.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let then =
            json!({"operator_type": "task", "function": "x.y", "kwargs": {"v": text}, "dependencies": ["a"]});
        findings(&of(json!({"a": first, "then": then})))
    };
    for (tool, text, help) in [
        ("tools.shell.run", "{{got.retruncode}}", "write `{{got.returncode}}`"),
        ("tools.shell.run", "{{a.stdot}}", "write `{{a.stdout}}`"),
        ("tools.shell.run", "x {{ results.got.stdot }}", "write `{{results.got.stdout}}`"),
        ("tools.shell.run", "{{a.result.stdout}}", "write `{{a.stdout}}`"),
        ("tools.http.request", "{{a.statuscode}}", "write `{{a.status_code}}`"),
        ("tools.approval.request", "{{a.aproved}}", "write `{{a.approved}}`"),
        ("tools.llm.call", "{{a.respnse}}", "write `{{a.response}}`"),
        ("tools.email.send", "{{a.mesage_id}}", "write `{{a.message_id}}`"),
    ] {
        let found = made(tool, json!({}), text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].path.as_str(), found[0].help.as_deref()), ("/tasks/then/kwargs/v", Some(help)));
        assert_eq!(found[0].code.as_str(), "TEMPLATE_NAME_UNKNOWN");
    }
    let code = |code: &str| made("tools.code.exec", json!({"args": [code]}), "{{a.stdot}}").len();
    assert_eq!((code("print(1)"), code("return {'stdot': 1}")), (1, 0));
    for (tool, text) in [
        ("tools.shell.run", "{{a.stdout}} {{got.exit_code}} {{a.other}} {{a}}"),
        ("tools.http.request", "{{a.body.stdot}} {{got.response[0].hedaers}}"),
        ("x.y", "{{a.stdot}}"),
    ] {
        assert_eq!(made(tool, json!({}), text), [], "{text}");
    }
    // A name that two tasks give, or a variable has, may mean either.
    let mut both = of(json!({
        "a": {"operator_type": "task", "function": "tools.shell.run", "result_key": "got"},
        "b": {"operator_type": "task", "function": "x.y", "result_key": "got"},
        "then": {"operator_type": "task", "function": "x.y", "kwargs": {"v": "{{got.stdot}}"}, "dependencies": ["a", "b"]},
    }));
    assert_eq!(findings(&both), []);
    both["tasks"]["b"]["result_key"] = json!(null);
    both["variables"] = json!({"got": {"stdot": 1}});
    assert_eq!(findings(&both), []);
    both["variables"] = json!({});
    assert_eq!(findings(&both).len(), 1);
}

#[test]
fn words_in_other_spellings_and_of_other_engines_are_told() {
    for (word, value, expected) in [
        ("maxRetries", json!(3), "write `retry_policy: {max_retries: 3}`"),
        ("onFailure", json!("b"), "write `on_failure_task_id: \"b\"`"),
        ("dependsOn", json!("b"), "write `dependencies: [\"b\"]`"),
        ("env", json!({"A": "1"}), "write `kwargs: {env: {NAME: value}}`"),
        ("with", json!({"a": 1}), "write arguments of the tool as `kwargs: {name: value}`"),
        ("working_directory", json!("/x"), "write `kwargs: {cwd: \"/x\"}`"),
        ("name", json!("x"), "write `description: \"x\"`"),
    ] {
        assert_eq!(help(&with(word, value), &format!("/tasks/a/{word}")), expected, "{word}");
    }
    for word in ["condition", "when"] {
        assert!(
            help(&with(word, json!("x")), &format!("/tasks/a/{word}")).starts_with("a task has no condition")
        );
    }
    for word in ["continue-on-error", "allow_failure"] {
        let help = help(&with(word, json!(true)), &format!("/tasks/a/{word}"));
        assert!(help.starts_with("give the tasks after it `trigger_rule: all_done`"), "{help}");
    }
    let policy = with("retry_policy", json!({"max": 3}));
    assert_eq!(help(&policy, "/tasks/a/retry_policy/max"), "write `max_retries: 3`");
    let limit = with("timeout_policy", json!({"seconds": 5}));
    assert_eq!(help(&limit, "/tasks/a/timeout_policy/seconds"), "write `timeout: 5`");
    let of_type = |word: &str| help(&of(json!({"a": {"operator_type": word}})), "/tasks/a/operator_type");
    assert!(of_type("shell").contains("`function: tools.shell.run`"));
    assert!(of_type("http").contains("`function: tools.http.request`"));
    assert_eq!(of_type("for_each"), "did you mean `foreach`?");
    let untyped = of(json!({"a": {"function": "x.y"}}));
    assert_eq!(help(&untyped, "/tasks/a/operator_type"), "write `operator_type: task`");
}

/// What is told of arguments of a tool: path and help.
fn refused(tool: &str, args: Value, kwargs: Value) -> Vec<(String, String)> {
    let document =
        of(json!({"a": {"operator_type": "task", "function": tool, "args": args, "kwargs": kwargs}}));
    let found = validate_text(&document.to_string(), Form::Data, None);
    let own = found.into_iter().filter(|finding| finding.code.as_str() == "TOOL_ARGUMENTS_INVALID");
    own.map(|finding| (finding.path, finding.help.unwrap_or_default())).collect()
}

#[test]
fn values_that_a_tool_refuses_are_told_before_a_run() {
    let http = |kwargs: Value| refused("tools.http.request", json!([]), kwargs);
    for url in [
        "example.com/x",
        "localhost:8080/x",
        "ftp://example.com",
        "htp://example.com",
        "/x",
        "example.com:80/a:b",
    ] {
        assert_eq!(
            http(json!({"url": url})),
            [("/tasks/a/kwargs/url".into(), "begin it with `https://`".into())],
            "{url}"
        );
    }
    assert_eq!(
        refused("tools.http.request", json!(["example.com"]), json!({})).pop().unwrap().0,
        "/tasks/a/args/0"
    );
    let url = "https://example.com";
    for (name, value) in [
        ("method", json!("GE T")),
        ("method", json!("TRACE")),
        ("timeout", json!("5s")),
        ("timeout", json!(-1)),
        ("verify", json!(false)),
        ("json", json!({"a": 1})),
        ("body", json!("x")),
    ] {
        let found = http(json!({"url": url, name: value}));
        assert_eq!(found.len(), 1, "{name} {value}: {found:?}");
        assert_eq!(found[0].0, format!("/tasks/a/kwargs/{name}"));
    }
    assert_eq!(http(json!({"url": url, "headers": {"a b": "c"}}))[0].0, "/tasks/a/kwargs/headers/a b");
    for kwargs in [
        json!({"url": " HTTP://example.com", "verify": false}),
        json!({"url": "{{inputs.host}}/x", "method": "{{inputs.method}}", "json": {"a": 1}, "timeout": "{{inputs.t}}"}),
        json!({"url": "http://[::1]:80/", "method": "post", "body": "x", "timeout": 0.5, "headers": {"x-a_b": "c"}}),
        json!({"url": url, "method": "PURGE", "json": null, "timeout": null}),
    ] {
        assert_eq!(http(kwargs.clone()), [], "{kwargs}");
    }
    let env = |env: Value| refused("tools.shell.run", json!(["ls"]), json!({"env": env}));
    assert_eq!(env(json!({"A=B": "1"}))[0].0, "/tasks/a/kwargs/env/A=B");
    assert_eq!(env(json!({"A": 1, "B C": null})), []);
}

#[test]
fn what_javascript_writes_for_nothing_is_told() {
    let told = |text: &str| {
        let document = of(json!({
            "a": {"operator_type": "task", "function": "tools.shell.run", "args": [text]},
            "b": {"operator_type": "task", "function": "x.y", "kwargs": {"v": text}},
        }));
        findings(&document)
            .iter()
            .map(|it| format!("{} {}", it.severity.as_str(), it.path))
            .collect::<Vec<_>>()
    };
    assert_eq!(told("undefined"), ["info /tasks/a/args/0", "info /tasks/b/kwargs/v"]);
    assert_eq!(told("echo users:undefined"), ["info /tasks/a/args/0"]);
    assert_eq!(told("x [object Object]"), ["warning /tasks/a/args/0", "warning /tasks/b/kwargs/v"]);
    for text in ["echo undefined_x x-undefined a.undefined NaNs", "ls"] {
        assert_eq!(told(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn an_approval_whose_answer_nobody_reads_is_told() {
    let flow = |more: Value| {
        let mut tasks = json!({
            "review": {"operator_type": "task", "function": "tools.approval.request", "result_key": "said", "kwargs": {"title": "review?"}},
            "ship": {"operator_type": "task", "function": "tools.shell.run", "args": ["make"], "dependencies": ["review"]},
        });
        for (id, task) in more.as_object().unwrap() {
            tasks[id] = task.clone();
        }
        let found = findings(&of(tasks));
        found.into_iter().filter(|it| it.code.as_str() == "APPROVAL_UNREAD").collect::<Vec<_>>()
    };
    let found = flow(json!({}));
    assert_eq!(found[0].path, "/tasks/review");
    assert_eq!(
        found[0].message,
        "nothing reads the answer of `review`, so `ship` runs after a rejection, too"
    );
    assert!(found[0].help.as_deref().unwrap().contains("`{{said.approved}}`"));
    let decide = |condition: &str| json!({"decide": {"operator_type": "condition", "condition": condition, "if_true": "ship", "if_false": null, "dependencies": ["review"]}});
    for condition in ["{{said.approved}} == true", "review.approved == true", "not said.approved"] {
        assert_eq!(flow(decide(condition)), [], "{condition}");
    }
    let alone = json!({"ship": {"operator_type": "task", "function": "tools.shell.run", "args": ["make"]}});
    assert_eq!(flow(alone), []);
    let all = json!({"ship": {"operator_type": "task", "function": "x.y", "kwargs": {"v": "{{results}}"}, "dependencies": ["review"]}});
    assert_eq!(flow(all), []);
}
