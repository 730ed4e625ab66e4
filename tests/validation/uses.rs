//! What a task uses: results that it waits for, names that are its own, text that nobody else chose, clocks that there are.

use crate::support;
use highway_wasm::builder::{Driver, RunSettings};
use highway_wasm::definition::Form;
use highway_wasm::error::Diagnostic;
use highway_wasm::json::number::number;
use highway_wasm::time::{Millis, parse_iso};
use highway_wasm::validate::{Clocks, validate_text};
use serde_json::{Value, json};

/// Severity, code and path of each finding.
fn shown(findings: &[Diagnostic]) -> Vec<String> {
    findings.iter().map(|it| format!("{} {} {}", it.severity.as_str(), it.code.as_str(), it.path)).collect()
}

fn found_in(document: Value) -> Vec<String> {
    let findings = validate_text(&document.to_string(), Form::Data, None);
    support::paths::check(&document, &findings, "");
    shown(&findings)
}

fn found(tasks: Value) -> Vec<String> {
    found_in(json!({"name": "w", "tasks": tasks}))
}

const NOTHING: [&str; 0] = [];

fn task(id: &str, more: Value) -> Value {
    let mut task = json!({"task_id": id, "operator_type": "task", "function": "x.y"});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

#[test]
fn a_task_waits_for_the_results_that_it_uses() {
    let made = || task("made", json!({"result_key": "made_result"}));
    let missing = "warning DEPENDENCY_MISSING /tasks/use/kwargs/v";
    for text in ["{{made_result.stdout}}", "{{made}}", "{{results.made_result}}", "a {{ made[0] }}"] {
        let using = |more: Value| {
            let mut using = task("use", json!({"kwargs": {"v": text}}));
            using.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            using
        };
        assert_eq!(found(json!({"made": made(), "use": using(json!({}))})), [missing], "{text}");
        assert_eq!(found(json!({"made": made(), "use": using(json!({"dependencies": ["made"]}))})), NOTHING);
        let between = task("between", json!({"dependencies": ["made"]}));
        let after = using(json!({"dependencies": ["between"]}));
        assert_eq!(found(json!({"made": made(), "between": between, "use": after})), NOTHING);
        let called = task("made", json!({"result_key": "made_result", "on_failure_task_id": "use"}));
        assert_eq!(found(json!({"made": called, "use": using(json!({}))})), NOTHING);
    }
    // `${…}` is filled in as well, but in the commands of a shell.
    for (function, expected) in [("x.y", "DEPENDENCY_MISSING"), ("tools.shell.run", "TEMPLATE_INVALID")] {
        let using = task("use", json!({"function": function, "args": ["${made.x}"]}));
        let expected = format!("warning {expected} /tasks/use/args/0");
        assert_eq!(found(json!({"made": made(), "use": using})), [expected], "{function}");
    }
}

#[test]
fn a_variable_stands_for_a_result_that_is_not_there_yet() {
    let with = |tasks: Value| json!({"name": "w", "variables": {"count": 1}, "tasks": tasks});
    let using = |text: &str, needs: Value| task("use", json!({"kwargs": {"v": text}, "dependencies": needs}));
    let missing = ["warning DEPENDENCY_MISSING /tasks/use/kwargs/v"];
    for made in [task("count", json!({})), task("made", json!({"result_key": "count"}))] {
        let id = made["task_id"].as_str().unwrap();
        assert_eq!(found_in(with(json!({id: made, "use": using("{{count}}", json!([]))}))), missing);
        assert_eq!(found_in(with(json!({id: made, "use": using("{{count}}", json!([id]))}))), NOTHING);
        assert_eq!(
            found_in(with(json!({id: made, "use": using("{{variables.count}}", json!([]))}))),
            NOTHING
        );
        // What comes before the task means the variable.
        let mut after = made.clone();
        after["dependencies"] = json!(["use"]);
        assert_eq!(found_in(with(json!({id: after, "use": using("{{count}}", json!([]))}))), NOTHING);
    }
    let looped = json!({"each": {"task_id": "each", "operator_type": "while", "condition": "{{count}} < 3",
        "loop_body": [task("next", json!({"result_key": "count", "kwargs": {"v": "{{count}}"}}))]}});
    assert_eq!(found_in(with(looped)), NOTHING);
}

#[test]
fn a_branch_that_names_tasks_has_a_workflow() {
    let missing = ["warning TARGET_UNKNOWN /tasks/fork/branches/b"];
    let inside = |name: &str| json!({name: {"name": "b", "tasks": {"in": task("in", json!({}))}}});
    let choice = |workflows: Value| {
        found(
            json!({"fork": {"task_id": "fork", "operator_type": "multi_choice", "branch_workflows": workflows,
            "branches": {"b": {"condition": "true", "tasks": ["in"]}}}}),
        )
    };
    let fork = |workflows: Value| {
        found(json!({"fork": {"task_id": "fork", "operator_type": "parallel", "result_key": "data",
            "branch_workflows": workflows, "branches": {"b": ["in"]}},
            "w": task("w", json!({"args": ["{{data}}"], "dependencies": ["fork"]}))}))
    };
    for workflows in [json!({}), inside("B")] {
        assert_eq!(choice(workflows.clone()), missing);
        assert_eq!(fork(workflows), missing);
    }
    assert_eq!(choice(inside("b")), NOTHING);
    assert_eq!(fork(inside("b")), NOTHING);
}

#[test]
fn a_fork_waits_for_what_its_branches_use() {
    let using = |text: &str, needs: &[&str], inner: Value| {
        let mut tasks = json!({"in": task("in", json!({"kwargs": {"v": [text]}}))});
        tasks.as_object_mut().unwrap().extend(inner.as_object().unwrap().clone());
        found(json!({"a": task("a", json!({"result_key": "got"})),
            "fork": {"task_id": "fork", "operator_type": "parallel", "result_key": "data", "dependencies": needs,
                "branch_workflows": {"b": {"name": "b", "tasks": tasks}}},
            "w": task("w", json!({"args": ["{{data}}"], "dependencies": ["fork", "a"]}))}))
    };
    let missing = ["warning DEPENDENCY_MISSING /tasks/fork/branch_workflows/b/tasks/in/kwargs/v/0"];
    for text in ["{{got.x}}", "{{a}}", "{{results.a.stdout}}"] {
        assert_eq!(using(text, &[], json!({})), missing, "{text}");
        assert_eq!(using(text, &["a"], json!({})), NOTHING, "{text}");
    }
    assert_eq!(using("{{inputs.a}} {{data}}", &[], json!({})), NOTHING);
    // A task of the branch gives a result of the same name.
    let own = json!({"own": task("own", json!({"result_key": "got"})), "in": task("in",
        json!({"kwargs": {"v": "{{got}}"}, "dependencies": ["own"]}))});
    assert_eq!(using("", &[], own), NOTHING);
    let looped = json!({"in": {"task_id": "in", "operator_type": "foreach", "items": "[1]",
        "loop_body": [task("c", json!({"args": ["{{got.x}}"]}))]}});
    let expected = "warning DEPENDENCY_MISSING /tasks/fork/branch_workflows/b/tasks/in/loop_body/0/args/0";
    assert_eq!(using("", &[], looped), [expected]);
}

#[test]
fn a_task_cannot_use_its_own_result() {
    let reading = |text: &str| task("b", json!({"result_key": "got", "kwargs": {"v": text}}));
    for text in ["{{b.stdout}}", "a {{ got[0] }}", "{{results.b}}", "{{results.got.x}}", "{{b}}", "{{got}}"] {
        let alone = found(json!({"b": reading(text)}));
        assert_eq!(alone, ["warning DEPENDENCY_MISSING /tasks/b/kwargs/v"], "{text}");
        // An earlier task of that key may have given it.
        let before = task("a", json!({"result_key": "got"}));
        let both = json!({"a": before, "b": task("b", json!({"result_key": "got", "dependencies": ["a"],
            "kwargs": {"v": "{{got.x}}"}}))});
        assert_eq!(found(both), NOTHING);
        // So may an earlier round.
        let rounds = json!({"again": {"task_id": "again", "operator_type": "while", "condition": "{{inputs.x}} == 1",
            "loop_body": [reading(text)]}});
        assert!(!found(rounds).iter().any(|it| it.contains("DEPENDENCY_MISSING")), "{text}");
        let called = json!({"a": task("a", json!({"on_failure_task_id": "b"})), "b": reading(text)});
        assert_eq!(found(called), NOTHING, "{text}");
    }
    // A postcondition looks at it when it is there.
    let guard = json!([{"variable": "{{b.x}}", "check": "exists", "message": "{{got}}"}]);
    assert_eq!(
        found(json!({"b": task("b", json!({"result_key": "got", "postconditions": guard}))})),
        NOTHING
    );
    let known = json!({"name": "w", "variables": {"b": 1}, "tasks": {"b": reading("{{b}}")}});
    assert_eq!(found_in(known), NOTHING);
}

#[test]
fn either_of_two_tasks_may_give_a_result() {
    let tasks = json!({
        "pick": {"task_id": "pick", "operator_type": "condition", "condition": "{{inputs.x}} == 1", "if_true": "l", "if_false": "r"},
        "l": task("l", json!({"result_key": "got", "dependencies": ["pick"]})),
        "r": task("r", json!({"result_key": "got", "dependencies": ["pick"]})),
        "use": task("use", json!({"kwargs": {"v": "{{got}}"}, "dependencies": ["l"], "trigger_rule": "one_success"})),
    });
    assert_eq!(found(tasks), NOTHING);
}

#[test]
fn what_is_in_a_loop_waits_where_the_loop_does() {
    let looped = |dependencies: Value| {
        json!({"made": task("made", json!({})),
            "each": {"task_id": "each", "operator_type": "foreach", "items": "[1]", "dependencies": dependencies,
                "loop_body": [task("in", json!({"kwargs": {"v": "{{made}} {{item}}"}})), task("on", json!({"kwargs": {"v": "{{in}}"}, "dependencies": ["in"]}))]}})
    };
    assert_eq!(found(looped(json!(["made"]))), NOTHING);
    assert_eq!(found(looped(json!([]))), ["warning DEPENDENCY_MISSING /tasks/each/loop_body/0/kwargs/v"]);
}

#[test]
fn tasks_of_a_body_wait_for_each_other() {
    let looped = |kind: &str, text: &str, needs: Value| {
        let body = [
            task("in", json!({"result_key": "got"})),
            task("on", json!({"kwargs": {"v": text}, "dependencies": needs})),
        ];
        let given = if kind == "while" { "condition" } else { "items" };
        json!({"task_id": "each", "operator_type": kind, given: "[1]", "loop_body": body})
    };
    for (kind, text) in [("foreach", "{{in.x}}"), ("foreach", "{{got}}"), ("while", "{{results.in}}")] {
        let missing = ["warning DEPENDENCY_MISSING /tasks/each/loop_body/1/kwargs/v"];
        assert_eq!(found(json!({"each": looped(kind, text, json!([]))})), missing, "{text}");
        assert_eq!(found(json!({"each": looped(kind, text, json!(["in"]))})), NOTHING, "{text}");
        // What is after the loop waits for the loop.
        let each = || looped(kind, "1", json!([]));
        let using = |needs: Value| task("use", json!({"kwargs": {"v": text}, "dependencies": needs}));
        let missing = ["warning DEPENDENCY_MISSING /tasks/use/kwargs/v"];
        assert_eq!(found(json!({"each": each(), "use": using(json!([]))})), missing, "{text}");
        assert_eq!(found(json!({"each": each(), "use": using(json!(["each"]))})), NOTHING, "{text}");
    }
    let inner = looped("foreach", "{{got}}", json!(["in"]));
    let outer = |needs: Value, first: Value| {
        let mut inner = inner.clone();
        inner["dependencies"] = needs;
        inner["loop_body"][1]["kwargs"]["v"] = "{{first.x}}".into();
        json!({"outer": {"task_id": "outer", "operator_type": "foreach", "items": "[1]", "loop_body":
            [task("first", first), inner.clone(), inner["loop_body"][0], inner["loop_body"][1]]}})
    };
    let missing = ["warning DEPENDENCY_MISSING /tasks/outer/loop_body/3/kwargs/v"];
    assert_eq!(found(outer(json!([]), json!({}))), missing);
    assert_eq!(found(outer(json!(["first"]), json!({}))), NOTHING);
}

#[test]
fn a_branch_in_a_branch_sees_what_all_its_forks_wait_for() {
    let fork = |id: &str, needs: Value, tasks: Value| {
        json!({"task_id": id, "operator_type": "parallel", "result_key": format!("{id}_data"), "dependencies": needs,
            "branch_workflows": {"b": {"name": "b", "tasks": tasks}}})
    };
    let wait = |id: &str| task("w", json!({"args": [format!("{{{{{id}_data}}}}")], "dependencies": [id]}));
    let nested = |needs: Value| {
        let using = task("in", json!({"args": ["{{a.x}}"]}));
        let inner = json!({"f2": fork("f2", json!([]), json!({"in": using})), "w": wait("f2")});
        found(json!({"a": task("a", json!({})), "f1": fork("f1", needs, inner), "w": wait("f1")}))
    };
    let place = "/tasks/f1/branch_workflows/b/tasks/f2/branch_workflows/b/tasks/in/args/0";
    assert_eq!(nested(json!([])), [format!("warning DEPENDENCY_MISSING {place}")]);
    assert_eq!(nested(json!(["a"])), NOTHING);
}

/// Each text at a place where its name is not known, and at one where it is.
#[test]
fn names_of_the_engine_are_known_at_their_places() {
    let unknown = |document: Value| {
        let all = found_in(document);
        all.into_iter().filter(|it| it.contains("TEMPLATE_NAME_UNKNOWN")).collect::<Vec<String>>()
    };
    let tasks = |tasks: Value| json!({"name": "w", "tasks": tasks});
    let arg = |more: Value, text: &str| {
        let mut task = task("a", json!({"args": [text]}));
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        task
    };
    let plain = |text: &str| tasks(json!({"a": arg(json!({}), text)}));
    let at = |place: &str| [format!("warning TEMPLATE_NAME_UNKNOWN /tasks/{place}")];
    for name in [
        "item",
        "current_item",
        "index",
        "iteration",
        "loop_context.index",
        "failed_task_id",
        "error_message",
        "update_name",
        "update_payload.x",
    ] {
        assert_eq!(unknown(plain(&format!("{{{{{name}}}}}"))), at("a/args/0"), "{name}");
    }
    for name in ["secrets.x", "idempotency_key", "run_id"] {
        assert_eq!(unknown(plain(&format!("{{{{{name}}}}}"))), NOTHING, "{name}");
    }
    // Rounds.
    let looped = |kind: &str, given: Value, text: &str| {
        let mut each = json!({"task_id": "each", "operator_type": kind, "loop_body": [arg(json!({}), text)]});
        each.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        tasks(json!({"each": each}))
    };
    let items = || json!({"items": "[1]"});
    assert_eq!(unknown(looped("foreach", items(), "{{item}} {{index}}")), NOTHING);
    let counted =
        json!({"condition": "{{iteration}} < 3 and {{index}} < 3 and {{loop_context.iteration}} < 3"});
    assert_eq!(unknown(looped("while", counted.clone(), "{{iteration}}")), NOTHING);
    assert_eq!(unknown(looped("while", counted, "{{item}}")), at("each/loop_body/0/args/0"));
    assert_eq!(unknown(looped("while", json!({"condition": "{{item}} < 3"}), "")), at("each/condition"));
    assert_eq!(unknown(looped("foreach", json!({"items": "{{index}}"}), "")), at("each/items"));
    // Handlers.
    let failing = task("f", json!({"on_failure_task_id": "a"}));
    let after = task("z", json!({"args": ["{{error_message}}"], "dependencies": ["a"]}));
    let handled = tasks(json!({"f": failing, "a": arg(json!({}), "{{error_message}}"), "z": after}));
    assert_eq!(unknown(handled), at("z/args/0"));
    // Updates.
    let update = |place: &str| {
        json!({"function": "tools.update.handle",
        "kwargs": {"update_name": "u", "response_tool": "x.y", place: {"v": "{{update_payload.x}} {{secrets.y}}"}}})
    };
    assert_eq!(unknown(tasks(json!({"a": task("a", update("response_kwargs"))}))), NOTHING);
    assert_eq!(unknown(tasks(json!({"a": task("a", update("other"))}))).len(), 2);
    // Secrets.
    for (place, more) in [
        ("condition", json!({"operator_type": "condition", "condition": "{{secrets.x}} == 1"})),
        ("items", json!({"operator_type": "foreach", "items": "{{secrets.x}}"})),
        (
            "payload/v",
            json!({"operator_type": "emit_event", "event_name": "e", "payload": {"v": "{{secrets.x}}"}}),
        ),
        (
            "kwargs/message",
            json!({"operator_type": "task", "function": "tools.approval.request", "kwargs": {"message": "{{secrets.x}}"}}),
        ),
        (
            "idempotency_key",
            json!({"operator_type": "task", "function": "x.y", "idempotency_key": "{{secrets.x}}"}),
        ),
    ] {
        let mut operator = json!({"task_id": "a"});
        operator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(unknown(tasks(json!({"a": operator}))), at(&format!("a/{place}")));
    }
    let keyed = arg(json!({"idempotency_key": "{{idempotency_key}}"}), "");
    assert_eq!(unknown(tasks(json!({"a": keyed}))), at("a/idempotency_key"));
    // Schedules. One may be made elsewhere.
    assert_eq!(unknown(plain("{{ds}}")), ["info TEMPLATE_NAME_UNKNOWN /tasks/a/args/0"]);
    let mut scheduled = plain("{{ds}}");
    scheduled["schedule"] = "0 2 * * *".into();
    assert_eq!(unknown(scheduled), NOTHING);
    // A variable of such a name is like any other.
    let mut given = plain("{{item}} {{error_message}} {{update_name}}");
    given["variables"] = json!({"item": 1, "error_message": 2, "update_name": 3});
    assert_eq!(unknown(given), NOTHING);
}

#[test]
fn a_wait_until_a_moment_ends_before_the_run() {
    let found = |moment: &str, now: Option<Millis>| {
        let wait = json!({"task_id": "w", "operator_type": "wait", "wait_for": moment});
        let document = json!({"name": "w", "deadline_seconds": 60, "tasks": {"w": wait}}).to_string();
        shown(&validate_text(&document, Form::Data, now))
    };
    let now = parse_iso("2026-01-01T00:00:00Z");
    for late in ["2099-01-01T00:00:00Z", "2026-01-01T00:01:00Z"] {
        assert_eq!(found(late, now), ["warning WAIT_EXCEEDS_TIMEOUT /tasks/w/wait_for"], "{late}");
        assert_eq!(found(late, None), NOTHING);
    }
    for early in ["2026-01-01T00:00:59Z", "2020-01-01T00:00:00Z"] {
        assert_eq!(found(early, now), NOTHING, "{early}");
    }
}

#[test]
fn the_name_of_a_tool_is_no_template() {
    let named = |more: Value, place: &str| {
        let mut operator = task("a", json!({}));
        operator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(found(json!({"a": operator})), [format!("warning TEMPLATE_LITERAL /tasks/a/{place}")]);
    };
    named(json!({"function": "{{inputs.f}}"}), "function");
    named(json!({"operator_type": "activity", "function": "x.{{f}}"}), "function");
    let response = json!({"update_name": "u", "response_tool": "{{inputs.f}}"});
    named(json!({"function": "tools.update.handle", "kwargs": response}), "kwargs/response_tool");
    for (key, other) in [("generator", "verifier"), ("verifier", "generator")] {
        let tools = json!({"task_id": "a", "operator_type": "reflexive", key: "{{inputs.f}}", other: "x.y"});
        assert_eq!(found(json!({"a": tools})), [format!("warning TEMPLATE_LITERAL /tasks/a/{key}")]);
    }
}

#[test]
fn names_of_the_engine_belong_to_it() {
    let document = json!({"name": "w", "variables": {"inputs": 1, "run": 2, "item": 3}, "tasks": {
        "secrets": task("secrets", json!({})), "a": task("a", json!({"result_key": "workflow"})), "b": task("b", json!({"result_key": "b_result"}))}});
    assert_eq!(
        found_in(document),
        [
            "warning NAME_RESERVED /variables/inputs",
            "warning NAME_RESERVED /variables/run",
            "warning NAME_RESERVED /tasks/secrets",
            "warning NAME_RESERVED /tasks/a/result_key",
        ]
    );
}

#[test]
fn text_of_others_is_not_made_part_of_commands() {
    let run = |function: &str, more: Value| {
        let mut task = task("a", json!({"function": function}));
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        found(json!({"a": task}))
    };
    let shell = |command: &str| run("tools.shell.run", json!({"args": [command]}));
    for command in ["echo {{inputs.who}}", "echo '{{inputs.who}}'", "cd \"{{ variables.where }}\" && ls"] {
        assert_eq!(shell(command), ["warning TEXT_PASTED /tasks/a/args/0"], "{command}");
    }
    for command in ["echo {{workflow_run_id}} {{ENV.HOME}}", "docker ps --format '{{.Names}}'", "echo ${who}"]
    {
        assert_eq!(shell(command), NOTHING, "{command}");
    }
    assert_eq!(
        run("tools.shell.run", json!({"kwargs": {"command": "echo {{inputs.who}}"}})),
        ["warning TEXT_PASTED /tasks/a/kwargs/command"]
    );
    assert_eq!(
        run(
            "tools.shell.run",
            json!({"kwargs": {"command": "echo \"$WHO\"", "env": {"WHO": "{{inputs.who}}"}}})
        ),
        NOTHING
    );
    assert_eq!(
        run("tools.code.exec", json!({"kwargs": {"code": "print('{{inputs.who}}')"}})),
        ["warning TEXT_PASTED /tasks/a/kwargs/code"]
    );
    assert_eq!(run("tools.http.request", json!({"kwargs": {"url": "https://x/{{inputs.who}}"}})), NOTHING);
}

/// What `validate` says of a call of a tool: the path, the message and the help of each finding.
fn said_of(function: &str, more: &Value) -> Vec<String> {
    let mut task = task("a", json!({"function": function}));
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let document = json!({"name": "w", "tasks": {"a": task}});
    let shown = |found: &Diagnostic| {
        let help = found.help.as_deref().unwrap_or_default();
        format!("{}: {}; {help}", found.path.trim_start_matches("/tasks/a"), found.message)
    };
    validate_text(&document.to_string(), Form::Data, None).iter().map(shown).collect()
}

#[test]
fn arguments_of_tools_are_there_and_of_the_kind_that_they_take() {
    let shell = |more: Value| said_of("tools.shell.run", &more);
    let all = "it takes `command`, `cwd`, `env`, `check`";
    assert_eq!(shell(json!({})), [format!(": `tools.shell.run` is called without `command`; {all}")]);
    assert_eq!(
        shell(json!({"args": [{"echo \"hi": "you\""}]})),
        ["/args/0: the `command` of `tools.shell.run` is an object, not text; \
          in YAML a text with `: ` stands in quotes"]
    );
    assert_eq!(
        shell(json!({"args": ["ls", "-la", "my file"]})),
        ["/args/1: `tools.shell.run` takes 1 positional argument, not 3; give one text: `ls -la 'my file'`"]
    );
    assert_eq!(
        shell(json!({"args": [["ls", "-la"]]})),
        ["/args/0: the `command` of `tools.shell.run` is a list, not text; give one text: `ls -la`"]
    );
    for name in ["cmd", "script", "cmdline"] {
        assert_eq!(
            shell(json!({"kwargs": {name: "ls"}})),
            [format!(
                "/kwargs/{name}: `tools.shell.run` of the embedded engine has no argument `{name}`; \
                 did you mean `command`?"
            )]
        );
    }
    assert_eq!(
        said_of("tools.email.send", &json!({"kwargs": {"to": "a@b.c", "subject": 2024}})),
        [
            "/kwargs/subject: the `subject` of `tools.email.send` is a number, not text; \
             write it in quotes: `\"2024\"`",
            ": `tools.email.send` is called without `body`; it takes `to`, `subject`, `body`"
        ]
    );
    for fine in [
        json!({"args": ["ls"], "kwargs": {"env": "{{inputs.env}}"}}),
        json!({"kwargs": {"command": "ls", "env": {"A": 1}, "cwd": null}}),
    ] {
        assert_eq!(shell(fine), NOTHING);
    }
    assert_eq!(said_of("tools.http.request", &json!({"args": ["{{inputs.url}}"]})), NOTHING);
}

/// Clocks of Tokyo alone.
fn tokyo(zone: &str, _: Millis) -> Option<i64> {
    (zone == "Asia/Tokyo").then_some(9 * 3_600_000)
}

#[test]
fn schedules_go_by_the_clocks_of_a_zone_that_exists() {
    let clocks = Clocks { now: parse_iso("2026-01-01"), offset: Some(&tokyo) };
    let driver = |schedule: &str| {
        let mut driver = Driver::new(None);
        driver.task("a", &json!({"tool": "x.y", "schedule": schedule})).unwrap();
        driver.validate(clocks)
    };
    for blank in [" ", "\t"] {
        let schedule = format!("CRON_TZ=Asia/Tokyo{blank}0 9 * * *");
        let findings = driver(&schedule);
        assert_eq!(shown(&findings), ["info SCHEDULE_FIRINGS /tasks/a/schedule"]);
        assert!(
            findings[0].message.ends_with("2026-01-02T00:00:00Z, 2026-01-03T00:00:00Z, 2026-01-04T00:00:00Z"),
            "{findings:?}"
        );
        let document =
            json!({"name": "w", "schedule": schedule, "tasks": {"a": task("a", json!({}))}}).to_string();
        assert_eq!(shown(&validate_text(&document, Form::Data, clocks)), ["info SCHEDULE_FIRINGS /schedule"]);
    }
    for utc in ["UTC", "Etc/UTC", "GMT", "Z"] {
        let findings = driver(&format!("CRON_TZ={utc} 0 9 * * *"));
        assert_eq!(shown(&findings), ["info SCHEDULE_FIRINGS /tasks/a/schedule"], "{utc}");
    }
    let findings = driver("CRON_TZ=Asia/Tokio 0 9 * * *");
    assert_eq!(shown(&findings), ["error SCHEDULE_INVALID /tasks/a/schedule"]);
    assert_eq!(findings[0].message, "the time zone `Asia/Tokio` of the schedule is not known");
    assert_eq!(shown(&driver("0 9 30 2 *")), ["error SCHEDULE_INVALID /tasks/a/schedule"]);
}

/// Tasks of a driver, with the seconds that a run without a limit gets.
fn room(tasks: Value) -> (Vec<String>, Value) {
    let driver = Driver::of_list(None, &tasks).unwrap();
    assert_eq!(driver.build(&RunSettings::default(), "").unwrap()["timeout_seconds"], 300);
    (shown(&driver.validate(None)), number(driver.run_timeout()))
}

#[test]
fn a_run_has_room_for_its_delays() {
    let tool = |name: &str, more: Value| {
        let mut options = json!({"tool": "x.y"});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!(["task", name, options])
    };
    let delay =
        |name: &str, seconds: u32, depends: Value| tool(name, json!({"delay": seconds, "depends": depends}));
    assert_eq!(room(json!([tool("a", json!({}))])), (vec![], json!(300)));
    assert_eq!(room(json!([delay("a", 299, json!([]))])), (vec![], json!(599)));
    // At the limit the run is over.
    assert_eq!(
        room(json!([delay("a", 300, json!([]))])),
        (vec!["warning WAIT_EXCEEDS_TIMEOUT /tasks/a/delay".to_owned()], json!(600))
    );
    assert_eq!(
        room(json!([delay("a", 7200, json!([]))])),
        (vec!["warning WAIT_EXCEEDS_TIMEOUT /tasks/a/delay".to_owned()], json!(7500))
    );
    let chain = json!([
        delay("a", 100, json!([])),
        delay("b", 150, json!(["a"])),
        delay("c", 20, json!(["a"])),
        tool("d", json!({"retries": 2, "retryDelay": 30, "depends": ["b", "c"]}))
    ]);
    assert_eq!(room(chain), (vec!["warning WAIT_EXCEEDS_TIMEOUT /tasks/b/delay".to_owned()], json!(640)));
    let retries = json!([tool("a", json!({"retries": 10}))]);
    assert_eq!(
        room(retries),
        (vec!["warning RETRY_EXCEEDS_TIMEOUT /tasks/a/retries".to_owned()], json!(1323))
    );
    let branched = json!([delay("before", 200, json!([])), delay("in", 150, json!([])),
        ["parallel", "all", {"branches": ["in"], "depends": ["before"]}], ["waitFor", "go", {"event": "e", "depends": ["all"]}]]);
    assert_eq!(
        room(branched),
        (vec!["warning WAIT_EXCEEDS_TIMEOUT /tasks/before/delay".to_owned()], json!(680))
    );
}

#[test]
fn a_run_has_room_for_a_task_that_may_take_longer() {
    let finding = || vec!["warning LIMIT_EXCEEDS_TIMEOUT /tasks/a/timeout".to_owned()];
    let task = |more: Value| {
        let mut options = json!({"tool": "x.y"});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!(["task", "a", options])
    };
    assert_eq!(room(json!([task(json!({"timeout": 300}))])), (vec![], json!(300)));
    assert_eq!(room(json!([task(json!({"timeout": 3600}))])), (finding(), json!(3600)));
    // Two attempts, and a second between them.
    assert_eq!(room(json!([task(json!({"timeout": 400, "retries": 1}))])), (finding(), json!(501)));
    let chain = json!([task(json!({"timeout": 350})), ["task", "b", {"tool": "x.y", "timeout": 100, "depends": ["a"]}]]);
    assert_eq!(room(chain), (finding(), json!(350)));
    let event = json!([["waitFor", "a", {"event": "e", "timeout": 299}]]);
    assert_eq!(room(event), (vec![], json!(599)));
}

#[test]
fn what_is_no_template_is_told_before_a_task_fails_with_it() {
    let invalid = |severity: &str| vec![format!("{severity} TEMPLATE_INVALID /tasks/a/args/0")];
    let text = |text: &str| found(json!({"a": task("a", json!({"args": [text]}))}));
    for given in [
        "{{ inputs.who | default('you') }}",
        "{{ inputs.list | sort }}",
        "{{inputs.a ?? 'x'}}",
        "{{inputs.a + 1}}",
        "docker inspect --format='{{index .RepoDigests 0}}' x",
        "docker ps --format '{{json .}}'",
        "{% raw %}{{json .}}",
    ] {
        assert_eq!(text(given), invalid("error"), "{given}");
    }
    for given in [
        "echo {{inputs.who",
        "{{inputs.who}",
        "{{ nobody",
        "{{- inputs.who -}}",
        "{inputs.who}}",
        "{% if inputs.who %}x{% endif %}",
        "{%- for x in y %}",
        "{%raw%}{{x{%endraw%} {{inputs.who",
    ] {
        assert_eq!(text(given), invalid("warning"), "{given}");
    }
    for given in [
        "docker ps --format '{{.Names}}'",
        "{% raw %}{{json .}} {{x{% endraw %}",
        "{%-raw-%}{{json .}} {{x{%-endraw-%}",
        "curl -w '%{http_code}'",
        "{{- .Names -}}",
        "{\"a\": {\"b\": {}}}",
        "${inputs.who}} {who}}",
        "{{{inputs.who}}}",
        "{{\"a\": 1}}",
        "{{ }} {{",
        "a{{2,3}",
        "${{inputs.amount}}",
    ] {
        assert_eq!(text(given), NOTHING, "{given}");
    }
    let shell = |command: &str| {
        found(json!({"a": task("a", json!({"function": "tools.shell.run", "args": [command]}))}))
    };
    assert_eq!(shell("echo ${inputs.who}"), invalid("warning"));
    assert_eq!(shell("echo ${who} ${HOME:-x} ${other.who}"), NOTHING);
}

#[test]
fn a_template_that_is_not_filled_in_is_told() {
    let found = |more: Value| {
        let mut document =
            json!({"name": "w", "variables": {"day": 1}, "tasks": {"a": task("a", json!({}))}});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        found_in(document)
    };
    let variables = json!({"variables": {"list": [{"x": "{{a.stdout}}"}], "mine": "{{nobody}}", "text": "{% raw %}{{a}}{% endraw %}"}});
    assert_eq!(found(variables), ["warning TEMPLATE_LITERAL /variables/list/0/x"]);
    let kwargs =
        json!({"tasks": {"a": task("a", json!({"kwargs": {"v": [{"{{day}}": 1, "{{nobody}}": 2}]}}))}});
    assert_eq!(found(kwargs), ["warning TEMPLATE_LITERAL /tasks/a/kwargs/v/0/{{day}}"]);
    let switch = json!({"task_id": "s", "operator_type": "switch", "switch_on": "{{inputs.x}}", "cases": {"{{day}}": "b"}});
    assert_eq!(
        found(json!({"tasks": {"s": switch, "b": task("b", json!({"dependencies": ["s"]}))}})),
        ["warning TEMPLATE_LITERAL /tasks/s/cases/{{day}}"]
    );
}

#[test]
fn a_guard_names_one_variable() {
    let guarded = |guard: Value| found(json!({"a": task("a", json!({"preconditions": [guard]}))}));
    for variable in ["a {{inputs.x}}", "{{inputs.x}}{{inputs.y}}", "{{inputs.x", "1 + 1"] {
        let found = guarded(json!({"variable": variable, "check": "exists"}));
        assert_eq!(found, ["error TEMPLATE_INVALID /tasks/a/preconditions/0/variable"], "{variable}");
    }
    for variable in ["inputs.x", " {{ inputs.x[0] }} ", "${inputs.x}"] {
        assert_eq!(guarded(json!({"variable": variable, "check": "exists"})), NOTHING, "{variable}");
    }
    let ranged = json!({"variable": "inputs.x", "check": "in_range", "value": [0, "{{ghost_result}}"], "message": "{{a b}}"});
    assert_eq!(
        guarded(ranged),
        [
            "warning TEMPLATE_NAME_UNKNOWN /tasks/a/preconditions/0/value/1",
            "error TEMPLATE_INVALID /tasks/a/preconditions/0/message"
        ]
    );
}

/// A wait, guards and a prompt with a text, and the place of each text.
fn filled(text: &str) -> [(&'static str, Value); 4] {
    let guard = json!([{"variable": text, "check": "exists"}]);
    [
        ("wait_for", json!({"task_id": "use", "operator_type": "wait", "wait_for": text})),
        ("preconditions/0/variable", task("use", json!({"preconditions": guard}))),
        ("postconditions/0/variable", task("use", json!({"postconditions": guard}))),
        (
            "correction_prompt_template",
            json!({"task_id": "use", "operator_type": "reflexive", "generator": "x.y", "verifier": "x.z", "correction_prompt_template": text}),
        ),
    ]
}

#[test]
fn every_text_that_is_filled_in_is_looked_at() {
    let found_with = |using: Value| found(json!({"made": task("made", json!({})), "use": using}));
    for (text, finding) in [
        ("{{ inputs.x | default(1) }}", "error TEMPLATE_INVALID"),
        ("{{made}}", "warning DEPENDENCY_MISSING"),
        ("{{mode}}", "warning TEMPLATE_NAME_UNKNOWN"),
    ] {
        for (place, using) in filled(text) {
            assert_eq!(found_with(using), [format!("{finding} /tasks/use/{place}")], "{text}");
        }
    }
    for (place, using) in filled("made.code").into_iter().filter(|(place, _)| place.ends_with("variable")) {
        assert_eq!(found_with(using), [format!("warning DEPENDENCY_MISSING /tasks/use/{place}")]);
    }
    for (_, mut using) in filled("{{made}}") {
        using["dependencies"] = json!(["made"]);
        assert_eq!(found_with(using), NOTHING);
    }
    // Names that are known in one place alone.
    let [_, _, (_, checked), _] = filled("result.code");
    assert_eq!(found_with(checked), NOTHING);
    let [.., (_, corrected)] = filled("{{output}} {{feedback.why}}");
    assert_eq!(found_with(corrected), NOTHING);
}

#[test]
fn variables_of_the_environment_are_texts() {
    for (given, kind, help) in [
        (json!(8080), "a number", Some("write `\"8080\"`")),
        (json!(true), "a boolean", Some("write `\"true\"`")),
        (json!([1]), "a list", None),
    ] {
        let options = json!({"shell": "serve", "env": {"HOST": "x", "A/B": given}});
        let error = Driver::new(None).task("a", &options).unwrap_err();
        assert_eq!(error.message(), format!("`env.A/B` must be text, found {kind}"));
        assert_eq!((error.path(), error.help()), (Some("/env/A~1B"), help));
    }
}
