//! Definitions, read and written: nothing gets lost, nothing is changed, nothing panics.

use crate::support;
use highway_wasm::builder::{Driver, RunSettings, WorkflowBuilder};
use highway_wasm::definition::{Form, read, read_text};
use highway_wasm::error::Diagnostic;
use highway_wasm::json::{parse_json, write_json};
use highway_wasm::validate::{self, validate_text};
use highway_wasm::yaml::parse_yaml;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

/// An object of the given entries.
fn object(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(entries.into_iter().collect())
}

fn id() -> BoxedStrategy<String> {
    prop_oneof![6 => "[a-e]{1,3}", 1 => "[a-z]{1,6}_[0-9]", 1 => "[ -~]{1,8}", 1 => "\\PC{1,6}"].boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        3 => "[ -~]{0,20}",
        1 => "\\PC{0,12}",
        1 => ".{0,8}",
        1 => Just("{{a.stdout}} and ${b}".to_owned()),
        1 => Just("no\n'yes': \u{85}#\t".to_owned()),
    ]
    .boxed()
}

/// Numbers of any size, written as JSON has them.
fn number() -> BoxedStrategy<Value> {
    let digits = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{18,40}",
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,20}",
        "[1-9](\\.[0-9]{1,3})?e[+-][1-9][0-9]?",
    ];
    digits.prop_map(|digits| parse_json(&digits).unwrap()).boxed()
}

fn any_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((text(), inner), 0..4).prop_map(object)
        ]
    })
    .boxed()
}

fn free() -> BoxedStrategy<Value> {
    vec((text(), any_value()), 0..3).prop_map(object).boxed()
}

fn duration() -> BoxedStrategy<Value> {
    prop_oneof![
        (-100_000_i64..400_000_000).prop_map(Value::from),
        (0_u32..5000).prop_map(|ms| json!(f64::from(ms) / 8.0))
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<Value> {
    prop_oneof![Just("{{a.n}} > 3"), Just("true"), Just("'x' in [b, 'c']"), Just("a ==")]
        .prop_map(Value::from)
        .boxed()
}

fn maybe<T: Into<Value> + std::fmt::Debug>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Value> {
    option::of(value).prop_map(|value| value.map_or(Value::Null, Into::into)).boxed()
}

fn retry() -> BoxedStrategy<Value> {
    (-2_i64..20, duration(), 0_u32..40).prop_map(|(max_retries, delay, eighths)| {
        json!({"max_retries": max_retries, "delay": delay, "backoff_factor": f64::from(eighths) / 8.0})
    })
    .boxed()
}

fn guard() -> BoxedStrategy<Value> {
    let check = prop_oneof![
        (Just("equals"), any_value()),
        (Just("in_range"), Just(json!([1, 2.5]))),
        (Just("in_set"), vec(any_value(), 0..3).prop_map(Value::Array)),
    ];
    (text(), check, text())
        .prop_map(|(variable, (check, value), message)| json!({"variable": variable, "check": check, "value": value, "message": message}))
    .boxed()
}

/// The fields that all operators have, without id and type.
fn common() -> BoxedStrategy<Map<String, Value>> {
    let rule = prop_oneof![
        Just("all_success"),
        Just("all_done"),
        Just("one_success"),
        Just("one_done"),
        Just("none_failed")
    ];
    let policies = (
        maybe(retry()),
        maybe(duration().prop_map(|timeout| json!({"timeout": timeout, "kill_on_timeout": false}))),
        maybe((1_i64..9, duration()).prop_map(|(count, time)| {
            json!({"failure_threshold": count, "success_threshold": count, "isolation_duration": time,
                "catch_exceptions": ["E"], "ignore_exceptions": null})
        })),
    );
    let names = (maybe(text()), maybe(id()), maybe(id()), maybe(id()));
    let rest = (free(), text(), any::<bool>(), vec(guard(), 0..2));
    (vec(id(), 0..3), rule, policies, names, rest).prop_map(
        |(dependencies, rule, (retry, timeout, breaker), (key, result, success, failure), (metadata, description, flag, guards))| {
            let fields = json!({
                "dependencies": dependencies, "trigger_rule": rule, "retry_policy": retry, "timeout_policy": timeout,
                "circuit_breaker_policy": breaker, "idempotency_key": key, "metadata": metadata,
                "description": description, "result_key": result, "on_success_task_id": success,
                "on_failure_task_id": failure, "is_internal_loop_task": flag, "preconditions": guards,
            });
            fields.as_object().unwrap().clone()
        },
    )
    .boxed()
}

/// What one type of operator has beyond that, for operators that hold no others.
fn simple() -> BoxedStrategy<(&'static str, Value)> {
    let task = || (text(), vec(any_value(), 0..3), free());
    let call = |kind: &'static str| {
        task().prop_map(move |(function, args, kwargs)| {
            (kind, json!({"function": function, "args": args, "kwargs": kwargs}))
        })
    };
    prop_oneof![
        call("task"),
        call("activity"),
        (condition(), maybe(id()), maybe(id())).prop_map(|(condition, yes, no)| (
            "condition",
            json!({"condition": condition, "if_true": yes, "if_false": no})
        )),
        vec(id(), 0..3).prop_map(|tasks| ("join", json!({"join_tasks": tasks, "join_mode": "any_of"}))),
        timed(),
    ]
    .boxed()
}

/// The same for operators that wait, tell or end.
fn timed() -> BoxedStrategy<(&'static str, Value)> {
    let wait = prop_oneof![
        duration(),
        Just(json!("P1D")),
        Just(json!("2030-01-01T00:00:00Z")),
        text().prop_filter("a prefix of its own", |text| !text.contains(':')).prop_map(Value::from)
    ];
    prop_oneof![
        wait.prop_map(|until| ("wait", json!({"wait_for": until}))),
        (text(), free())
            .prop_map(|(name, payload)| ("emit_event", json!({"event_name": name, "payload": payload}))),
        (text(), maybe(any::<i64>())).prop_map(|(name, time)| (
            "wait_for_event",
            json!({"event_name": name, "timeout_seconds": time})
        )),
        (text(), vec((text(), id().prop_map(Value::from)), 0..3), maybe(id())).prop_map(
            |(on, cases, default)| (
                "switch",
                json!({"switch_on": on, "cases": object(cases), "default": default})
            )
        ),
        (text(), free(), 1_i64..=10, maybe(text())).prop_map(|(tool, kwargs, turns, prompt)| {
            (
                "reflexive",
                json!({"generator": tool, "generator_kwargs": kwargs, "verifier": tool, "max_turns": turns,
                "correction_prompt_template": prompt}),
            )
        }),
        (free(), text()).prop_map(|(result, reason)| (
            "terminate",
            json!({"status": "failed", "result": result, "reason": reason})
        )),
        vec((text(), free()), 0..3).prop_map(|children| (
            "child_workflow",
            json!({"children": object(children), "timeout_seconds": 5})
        )),
    ]
    .boxed()
}

fn operator(fields: (&'static str, Value), common: Map<String, Value>, id: String) -> Value {
    let (kind, own) = fields;
    let mut map = Map::new();
    map.insert("task_id".into(), id.into());
    map.insert("operator_type".into(), kind.into());
    map.extend(common);
    map.extend(own.as_object().unwrap().clone());
    Value::Object(map)
}

/// Any operator, with loops and branches inside one another.
fn any_operator() -> BoxedStrategy<Value> {
    let leaf = (simple(), common(), id()).prop_map(|(fields, common, id)| operator(fields, common, id));
    leaf.prop_recursive(3, 10, 3, |inner| {
        let branch =
            vec(inner.clone(), 0..3).prop_map(|tasks| json!({"name": "branch", "tasks": keyed(tasks)}));
        let holder = prop_oneof![
            (vec(inner.clone(), 0..3), text()).prop_map(|(body, items)| (
                "foreach",
                json!({"items": items, "loop_body": body, "parallel": true})
            )),
            (vec(inner.clone(), 0..3), condition())
                .prop_map(|(body, condition)| ("while", json!({"condition": condition, "loop_body": body}))),
            (vec((id(), branch.clone()), 0..3), vec(id(), 0..2)).prop_map(|(branches, ids)| {
                let names = object(branches.iter().map(|(name, _)| (name.clone(), json!(ids))));
                ("parallel", json!({"branches": names, "branch_workflows": object(branches), "timeout": 60}))
            }),
            (vec((id(), branch), 0..3), condition()).prop_map(|(branches, condition)| {
                let names = branches
                    .iter()
                    .map(|(name, _)| (name.clone(), json!({"condition": condition, "tasks": ["a"]})));
                let names = object(names.collect::<Vec<_>>());
                (
                    "multi_choice",
                    json!({"branches": names, "branch_workflows": object(branches), "minimum_branches": 0}),
                )
            }),
        ];
        (holder, common(), id()).prop_map(|(fields, common, id)| operator(fields, common, id))
    })
    .boxed()
}

fn keyed(tasks: Vec<Value>) -> Value {
    object(tasks.into_iter().map(|task| (task["task_id"].as_str().unwrap().to_owned(), task)))
}

fn definition() -> BoxedStrategy<Value> {
    let schedule = prop_oneof![Just("0 2 * * *"), Just("0 0 30 2 *"), Just("nonsense")];
    let more = (
        free(),
        maybe(schedule),
        maybe(Just("2030-01-31T12:00:00+05:30")),
        vec(text(), 0..3),
        maybe(retry()),
        maybe(1_i64..9999),
    );
    (vec(any_operator(), 0..6), maybe(id()), text(), more).prop_map(
        |(tasks, start, description, (variables, schedule, date, tags, retry, deadline))| {
            json!({"name": "w", "version": "1.0", "description": description, "tasks": keyed(tasks), "variables": variables,
                "start_task": start, "schedule": schedule, "start_date": date, "tags": tags, "max_active_runs": 3,
                "default_retry_policy": retry, "deadline_seconds": deadline, "deadline_action": "cancel"})
        },
    )
    .boxed()
}

fn errors(findings: &[Diagnostic]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.is_error())
        .map(|finding| finding.to_json().to_string())
        .collect()
}

/// Validates a document in every way there is, and checks what is said about it.
fn validated(document: &Value) -> Vec<Diagnostic> {
    let text = write_json(document);
    let findings = validate_text(&text, Form::Json, Some(1_000));
    support::paths::check(document, &findings, "");
    let read = read(document);
    let mut direct = read.diagnostics.clone();
    direct.extend(validate::workflow(&read.workflow, Some(1_000)));
    assert!(direct.iter().all(|finding| !finding.message.is_empty()));
    findings
}

/// A change somewhere in a document: at a random walk down, another value, no value, or another key.
fn mutate(value: &mut Value, walk: &[u8], new: &Value) {
    let Some((step, rest)) = walk.split_first() else {
        *value = new.clone();
        return;
    };
    let at = |length: usize| usize::from(*step) % length;
    match value {
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(at(map.len())).unwrap().clone();
            if rest.is_empty() && step % 3 == 0 {
                let taken = map.shift_remove(&key).unwrap();
                if step % 2 == 0 {
                    map.insert(format!("{key}x"), taken);
                }
            } else {
                mutate(map.get_mut(&key).unwrap(), rest, new);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = at(items.len());
            mutate(&mut items[at], rest, new);
        }
        other => *other = new.clone(),
    }
}

fn vector_definitions() -> Vec<Value> {
    let vectors = support::vectors::vectors("-dsl-").into_iter().chain(support::vectors::vectors("-driver-"));
    vectors
        .filter_map(|vector| vector.case.get("expect").map(|it| parse_json(&it.to_string()).unwrap()))
        .collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn json_is_read_and_written_as_the_same(document in definition()) {
        let before = document.clone();
        let first = read(&document);
        prop_assert_eq!(&document, &before);
        prop_assert_eq!(errors(&first.diagnostics), [""; 0]);
        for text in [first.workflow.to_json(), first.workflow.to_json_pretty()] {
            let again = read_text(&text, Form::Json).unwrap();
            prop_assert_eq!(&again.workflow, &first.workflow);
            // Each operator is as complete as Highway writes it: nothing is left to convert or to drop outside of free data.
            prop_assert_eq!(again.workflow.to_json(), first.workflow.to_json());
        }
        validated(&document);
    }

    #[test]
    fn yaml_is_read_and_written_as_the_same(document in definition()) {
        let workflow = read(&document).workflow;
        let yaml = workflow.to_yaml();
        let again = read_text(&yaml, Form::Yaml);
        prop_assert!(again.is_ok(), "{:?}\n{}", again, yaml);
        let again = again.unwrap();
        prop_assert_eq!(errors(&again.diagnostics), [""; 0], "{}", yaml);
        prop_assert_eq!(again.workflow.to_yaml(), yaml);
        // Keys come back in another order.
        let by_value = |workflow: &highway_wasm::definition::Workflow| support::vectors::by_value(&workflow.to_value());
        prop_assert_eq!(by_value(&again.workflow), by_value(&workflow));
    }

    #[test]
    fn mutated_definitions_never_panic(
        document in definition(),
        changes in vec((vec(any::<u8>(), 1..8), any_value()), 1..4),
    ) {
        let mut document = document;
        for (walk, new) in &changes {
            mutate(&mut document, walk, new);
        }
        validated(&document);
    }

    #[test]
    fn mutated_vectors_never_panic(
        at in any::<prop::sample::Index>(),
        changes in vec((vec(any::<u8>(), 1..8), any_value()), 1..4),
    ) {
        thread_local!(static VECTORS: Vec<Value> = vector_definitions());
        let mut document = VECTORS.with(|vectors| at.get(vectors).clone());
        for (walk, new) in &changes {
            mutate(&mut document, walk, new);
        }
        validated(&document);
    }

    #[test]
    fn any_json_is_validated(value in any_value()) {
        validated(&value);
        validated(&json!({"name": "w", "tasks": value}));
        validated(&json!({"name": "w", "tasks": {"a": value}}));
    }

    #[test]
    fn any_text_is_validated(text in prop_oneof![".{0,60}", "[\\[\\]{}\":,a-z0-9 \n-]{0,60}"]) {
        for form in [Form::Json, Form::Yaml] {
            for finding in validate_text(&text, form, Some(0)) {
                prop_assert!(!finding.message.is_empty());
                prop_assert!(finding.path.is_empty() || finding.path.starts_with('/'), "{}", finding.path);
            }
        }
        let _ = parse_yaml(&text);
    }

    /// What a builder builds is read as the same, without an error.
    #[test]
    fn what_is_built_is_read_as_the_same(calls in calls()) {
        let mut builder = WorkflowBuilder::new(&json!({"name": "w"})).unwrap();
        builder.calls(calls.clone()).unwrap();
        let built = builder.build().unwrap();
        let text = built.workflow.to_json();
        let again = read_text(&text, Form::Json).unwrap();
        prop_assert_eq!(errors(&again.diagnostics), [""; 0], "{}", calls);
        prop_assert_eq!(&again.workflow, &built.workflow);
        support::paths::check(&built.workflow.to_value(), &validate::workflow(&built.workflow, None), "");
    }

    /// The driver's spelling of policies and limits means what the DSL's does.
    #[test]
    fn both_dialects_mean_the_same(retries in 1_i64..9, delay in 0_u32..1000, factor in 8_u32..40, timeout in 1_u32..9999) {
        let (delay, factor) = (f64::from(delay) / 8.0, f64::from(factor) / 8.0);
        let mut driver = Driver::new(Some("w"));
        driver.task("a", &json!({"shell": "x", "retries": retries, "retryDelay": delay, "backoff": factor, "timeout": timeout})).unwrap();
        let document = driver.build(&RunSettings::default(), "").unwrap();
        let dsl = json!({"name": "w", "tasks": {"a": {"task_id": "a", "operator_type": "task", "function": "tools.shell.run",
            "retry_policy": {"max_retries": retries, "delay": delay, "backoff_factor": factor},
            "timeout_policy": {"timeout": timeout}}}});
        let (left, right) = (read(&document), read(&dsl));
        prop_assert_eq!((errors(&left.diagnostics), errors(&right.diagnostics)), (vec![], vec![]));
        let (left, right) = (left.workflow.tasks.get("a").unwrap(), right.workflow.tasks.get("a").unwrap());
        prop_assert_eq!(left.timeout_policy.clone(), right.timeout_policy.clone());
        let (left, right) = (left.retry_policy.as_ref().unwrap(), right.retry_policy.as_ref().unwrap());
        prop_assert_eq!((left.max_retries, left.delay), (right.max_retries, right.delay));
        prop_assert_eq!(left.backoff_factor.value(), right.backoff_factor.value());
    }
}

/// Calls of a builder that all succeed, with callbacks inside callbacks.
fn calls() -> BoxedStrategy<Value> {
    let name = || "[a-f]{1,2}";
    let leaf = prop_oneof![
        3 => (name(), option::of(vec(name(), 0..2))).prop_map(|(id, dependencies)| {
            let mut params = json!({"task_id": id, "function": "tools.shell.run"});
            if let Some(dependencies) = dependencies {
                params["dependencies"] = json!(dependencies);
            }
            json!(["task", params])
        }),
        1 => (name(), duration()).prop_map(|(id, time)| json!(["wait", {"task_id": id, "wait_for": time}])),
        1 => (name(), name(), name()).prop_map(|(id, a, b)| {
            json!(["switch", {"task_id": id, "switch_on": "{{a}}", "cases": {"1": a}, "default": b}])
        }),
        1 => (name(), vec(name(), 0..3)).prop_map(|(id, tasks)| json!(["join", {"task_id": id, "join_tasks": tasks, "join_mode": "all_of"}])),
        1 => (name(), free()).prop_map(|(id, payload)| json!(["emit_event", {"task_id": id, "event_name": "e", "payload": payload}])),
        1 => retry().prop_map(|policy| json!(["retry", policy])),
        1 => duration().prop_map(|timeout| json!(["timeout", {"timeout": timeout}])),
    ];
    let call = leaf.prop_recursive(3, 12, 3, move |inner| {
        let sub = || vec(inner.clone(), 0..3).prop_map(|calls| json!({"$sub": calls}));
        prop_oneof![
            (name(), sub(), sub()).prop_map(|(id, yes, no)| {
                json!(["condition", {"task_id": id, "condition": "{{a}} == 1", "if_true": yes, "if_false": no}])
            }),
            (name(), sub()).prop_map(|(id, body)| json!(["foreach", {"task_id": id, "items": "{{a}}", "loop_body": body}])),
            (name(), sub()).prop_map(|(id, body)| json!(["while_loop", {"task_id": id, "condition": "{{a}} < 1", "loop_body": body}])),
            (name(), sub(), sub()).prop_map(|(id, left, right)| json!(["parallel", {"task_id": id, "branches": {"l": left, "r": right}}])),
            (name(), sub()).prop_map(|(id, left)| json!(["parallel_with_join", {"task_id": id, "branches": {"l": left}}])),
            (name(), sub()).prop_map(|(id, mut branch)| {
                branch["condition"] = "{{a}}".into();
                json!(["multi_choice", {"task_id": id, "branches": {"l": branch}, "minimum_branches": 0}])
            }),
        ]
    });
    vec(call, 0..6).prop_map(Value::Array).boxed()
}
