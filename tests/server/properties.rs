//! Random documents and requests: the reader and the server never panic and always answer.

use crate::support::{self, Server};
use highway_wasm::definition;
use highway_wasm::error::Severity;
use highway_wasm::http::HttpRequest;
use highway_wasm::validate;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Keys and words of workflow definitions, so that random documents get past the first check.
const KEYS: [&str; 22] = [
    "name",
    "tasks",
    "task_id",
    "operator_type",
    "dependencies",
    "trigger_rule",
    "function",
    "args",
    "kwargs",
    "wait_for",
    "retry_policy",
    "max_attempts",
    "max_retries",
    "delay",
    "initial_interval_seconds",
    "backoff_coefficient",
    "timeout_seconds",
    "timeout_policy",
    "timeout",
    "variables",
    "schedule",
    "result_key",
];
const WORDS: [&str; 18] = [
    "task",
    "wait",
    "foreach",
    "all_success",
    "a",
    "b",
    "tools.shell.run",
    "PT5S",
    "P1D",
    "-PT5S",
    "duration:nan",
    "duration:inf",
    "2030-01-01",
    "{{a}}",
    "${a} {{",
    "{{inputs.x[99999999999999999999]}}",
    "* * * * *",
    "größe/~",
];

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(-1)),
        Just(json!(1e308)),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ]
    .boxed()
}

fn key() -> BoxedStrategy<String> {
    prop_oneof![
        4 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
        1 => prop::sample::select(&["a", "b", "c"][..]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ]
    .boxed()
}

fn anything() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(5, 40, 6, |inner| {
            prop_oneof![prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array), object(inner),]
        })
        .boxed()
}

fn object(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let map = prop::collection::vec((key(), values), 0..6);
    map.prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into()).boxed()
}

/// A definition that is nearly right: a few of its parts are anything.
fn nearly_right() -> impl Strategy<Value = Value> {
    let spoiled = (prop::sample::select(&KEYS[..]), anything(), 0_usize..4);
    prop::collection::vec(spoiled, 0..4).prop_map(|changes| {
        let mut document = support::graph(&[("a", &[][..]), ("b", &["a"]), ("c", &["a", "b"])]);
        document["tasks"]["nap"] = support::wait("nap", &["a"], 1);
        for (key, value, place) in changes {
            let target = match ["a", "b", "nap"].get(place) {
                Some(task) => document.pointer_mut(&format!("/tasks/{task}")),
                None => Some(&mut document),
            };
            if let Some(Value::Object(map)) = target {
                map.insert(key.to_owned(), value);
            }
        }
        document
    })
}

fn document() -> impl Strategy<Value = Value> {
    prop_oneof![1 => anything(), 3 => nearly_right()]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A server whose tools take two seconds, and fail where the task is called `b`.
fn server() -> Server {
    Server::with_tool(|call| {
        let outcome = if call.task == "b" {
            support::failing_with(json!({"stderr": "x"}))
        } else {
            Ok(json!([call.args, call.kwargs]))
        };
        Some((2_000, outcome))
    })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn reading_and_checking_never_panic(document in document()) {
        let read = definition::read(&document);
        let findings = validate::workflow(&read.workflow, None);
        for finding in read.diagnostics.iter().chain(&findings) {
            prop_assert!(!finding.message.is_empty());
            prop_assert!(finding.path.is_empty() || finding.path.starts_with('/'));
        }
        let errors = read.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
        prop_assert_eq!(read.is_valid(), !errors);
    }

    #[test]
    fn a_submission_is_accepted_or_refused_with_all_findings(document in document(), inputs in anything()) {
        let mut server = server();
        let reply = server.post("/workflows", &json!({"workflow_definition": document, "inputs": inputs}));
        match reply.status {
            201 => {
                let id = reply.data()["workflow_run_id"].as_str().unwrap().to_owned();
                for _ in 0..8 {
                    server.advance(3_000);
                    let path = format!("/workflows/{id}");
                    for path in [path.clone(), format!("{path}/steps"), format!("{path}/steps/logs")] {
                        server.get(&path).data();
                    }
                }
            }
            400 => {
                let details = reply.body.get("details").and_then(Value::as_array);
                let is_body = reply.code() == "BODY_INVALID";
                prop_assert!(is_body || details.is_some_and(|list| !list.is_empty()), "{:?}", reply);
            }
            other => prop_assert!(false, "{}: {:?}", other, reply),
        }
    }

    #[test]
    fn every_request_is_answered(
        method in prop::sample::select(&["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "", "get"][..]),
        path in prop_oneof![
            "/api/v1/workflows(/run-1)?(/steps|/cancel)?(/a|/logs)?(/logs)?/?",
            "/(api/v1/)?(workflows|health|version|ping)?[/%a-f0-9]{0,6}",
            ".{0,12}",
        ],
        query in prop_oneof![Just(String::new()), "\\?(page|page_size|status|step_name)=[0-9%+a-z]{0,20}", "\\?.{0,10}"],
        body in prop_oneof![Just(None), ".{0,10}".prop_map(Some), anything().prop_map(|value| Some(value.to_string()))],
    ) {
        let mut server = server();
        let created = server.post("/workflows", &json!({"workflow_definition": support::independent(&["a", "b"])}));
        prop_assert_eq!(created.status, 201);
        server.advance(1_000);
        let request = HttpRequest { method: method.to_owned(), url: format!("{path}{query}"), headers: vec![], body };
        let reply = server.send(&request);
        if method == "HEAD" {
            prop_assert!(reply.body.is_null(), "{:?}", reply);
        } else if (200..300).contains(&reply.status) {
            reply.data();
        } else {
            prop_assert!((400..500).contains(&reply.status) || reply.status == 501, "{:?}", reply);
            reply.code();
        }
    }
}
