//! Large and deep definitions are validated in time linear in their size, and without using up the stack.
//!
//! Nothing is timed here: what takes the square of its size does not end within the time limit of the suite.
//! `cargo test --release --test validation scale -- --nocapture` prints what each takes.

use highway_wasm::definition::{Form, read};
use highway_wasm::error::Diagnostic;
use highway_wasm::json::{parse_json, write_json};
use highway_wasm::validate::{self, validate_text};
use serde_json::{Map, Value, json};
use std::time::Instant;

fn task(id: &str, dependencies: Value) -> Value {
    json!({"task_id": id, "operator_type": "task", "function": "f", "dependencies": dependencies})
}

/// A workflow of operators, each under its id.
fn workflow(tasks: impl Iterator<Item = Value>) -> Value {
    let tasks: Map<String, Value> =
        tasks.map(|task| (task["task_id"].as_str().unwrap().to_owned(), task)).collect();
    json!({"name": "w", "tasks": tasks})
}

/// The findings, by code and how many there are.
fn found(about: &str, document: &Value) -> Vec<(String, usize)> {
    let begin = Instant::now();
    let read = read(document);
    let reading = begin.elapsed();
    let begin = Instant::now();
    let findings = validate::workflow(&read.workflow, Some(0));
    println!("{about}: read in {reading:?}, validated in {:?}, {} findings", begin.elapsed(), findings.len());
    assert!(read.is_valid());
    counted(&findings)
}

fn counted(findings: &[Diagnostic]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for finding in findings {
        let code = finding.code.as_str();
        match counts.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => counts.push((code.to_owned(), 1)),
        }
    }
    counts
}

fn some(code: &str, count: usize) -> Vec<(String, usize)> {
    vec![(code.to_owned(), count)]
}

#[test]
fn a_chain() {
    let link = |at: usize| {
        task(&format!("t{at}"), if at == 0 { json!([]) } else { json!([format!("t{}", at - 1)]) })
    };
    assert_eq!(found("chain of 100,000", &workflow((0..100_000).map(link))), []);
}

#[test]
fn a_circle_of_all() {
    let link = |at: usize| task(&format!("t{at}"), json!([format!("t{}", (at + 1) % 100_000)]));
    assert_eq!(found("circle of 100,000", &workflow((0..100_000).map(link))), some("DEPENDENCY_CYCLE", 1));
}

#[test]
fn a_bipartite_fan() {
    let left: Value = (0..2_000).map(|at| Value::from(format!("l{at}"))).collect();
    let tasks = (0..2_000).map(|at| task(&format!("l{at}"), json!([])));
    let tasks = tasks.chain((0..2_000).map(|at| task(&format!("r{at}"), left.clone())));
    assert_eq!(found("2,000 × 2,000", &workflow(tasks)), []);
    // The same with a choice, which makes the rules search.
    let choice = json!({"task_id": "k", "operator_type": "condition", "condition": "inputs.x", "if_true": "l0", "if_false": "l1"});
    let tasks = (0..2_000).map(|at| task(&format!("l{at}"), json!([])));
    let tasks = tasks.chain((0..2_000).map(|at| task(&format!("r{at}"), left.clone()))).chain([choice]);
    assert_eq!(found("2,000 × 2,000 and a choice", &workflow(tasks)), []);
}

#[test]
fn conditions() {
    let operator = |at: usize| {
        let next = (at < 19_999).then(|| format!("k{}", at + 1));
        json!({"task_id": format!("k{at}"), "operator_type": "condition", "condition": "{{inputs.n}} > 1 and not inputs.x",
            "if_true": next, "if_false": null, "dependencies": if at == 0 { json!([]) } else { json!([format!("k{}", at - 1)]) }})
    };
    assert_eq!(found("20,000 conditions in a row", &workflow((0..20_000).map(operator))), []);
}

fn switch(count: usize) -> Value {
    let cases: Map<String, Value> = (0..count).map(|at| (at.to_string(), format!("t{at}").into())).collect();
    json!({"task_id": "s", "operator_type": "switch", "switch_on": "{{inputs.n}}", "cases": cases})
}

#[test]
fn a_switch_with_many_cases() {
    let own = (0..20_000).map(|at| task(&format!("t{at}"), json!(["s"])));
    assert_eq!(found("switch of 20,000", &workflow([switch(20_000)].into_iter().chain(own))), []);
    let link = |at: usize| {
        task(&format!("t{at}"), json!([if at == 0 { "s".to_owned() } else { format!("t{}", at - 1) }]))
    };
    let chained = workflow([switch(20_000)].into_iter().chain((0..20_000).map(link)));
    assert_eq!(found("switch of 20,000 in a chain", &chained), some("TASK_UNREACHABLE", 19_999));
    let constant = json!({"task_id": "s", "operator_type": "switch", "switch_on": "x", "cases": switch(20_000)["cases"]});
    let own = (0..20_000).map(|at| task(&format!("t{at}"), json!(["s"])));
    let constant = workflow([constant].into_iter().chain(own));
    assert_eq!(found("constant switch of 20,000", &constant), some("CASE_UNREACHABLE", 20_000));
}

/// Each handler is shared by all, and each choice has its own merging task behind all others.
#[test]
fn choices_with_common_followers() {
    let choices = (0..5_000).flat_map(|at| {
        let previous = if at == 0 { json!([]) } else { json!([format!("m{}", at - 1)]) };
        let (yes, no, merge) = (format!("y{at}"), format!("n{at}"), format!("m{at}"));
        let choice = json!({"task_id": format!("k{at}"), "operator_type": "condition", "condition": "inputs.x", "if_true": yes,
            "if_false": no, "dependencies": previous, "on_failure_task_id": "handler"});
        let way = json!([format!("k{at}")]);
        [choice, task(&yes, way.clone()), task(&no, way), task(&merge, json!([yes, no]))]
    });
    assert_eq!(found("5,000 choices in a row", &workflow(choices.chain([task("handler", json!([]))]))), []);
}

#[test]
fn loops() {
    let each = |at: usize| {
        let body: Vec<Value> = (0..10).map(|n| task(&format!("b{at}_{n}"), json!([]))).collect();
        json!({"task_id": format!("l{at}"), "operator_type": "foreach", "items": "[1]", "loop_body": body})
    };
    assert_eq!(found("5,000 loops", &workflow((0..5_000).map(each))), []);
    let inner = |at: usize| json!({"task_id": format!("i{at}"), "operator_type": "foreach", "items": "[1]", "loop_body": [task(&format!("b{at}"), json!([]))]});
    let body: Vec<Value> =
        (0..5_000).flat_map(|at| [inner(at), task(&format!("b{at}"), json!([]))]).collect();
    let outer = json!({"task_id": "o", "operator_type": "foreach", "items": "[1]", "loop_body": body});
    assert_eq!(found("5,000 loops in a loop", &workflow([outer].into_iter())), []);
}

#[test]
fn forks() {
    let branch = |at: usize| {
        let entry = task(&format!("b{at}"), json!([]));
        (format!("n{at}"), json!({"name": "b", "tasks": {format!("b{at}"): entry}}))
    };
    let branches: Map<String, Value> = (0..10_000).map(branch).collect();
    let ids: Map<String, Value> =
        (0..10_000).map(|at| (format!("n{at}"), json!([format!("b{at}")]))).collect();
    let fork =
        json!({"task_id": "f", "operator_type": "parallel", "branches": ids, "branch_workflows": branches});
    let others = (0..10_000).map(|at| task(&format!("t{at}"), json!([])));
    let document = workflow([fork].into_iter().chain(others));
    assert_eq!(found("fork of 10,000 beside 10,000 tasks", &document), some("FORK_NOT_AWAITED", 1));
    let reader = json!({"task_id": "b", "operator_type": "task", "function": "f", "args": ["{{t0.x}}"]});
    let fork = |at: usize| {
        let branch = json!({"name": "b", "tasks": {"b": reader}});
        json!({"task_id": format!("f{at}"), "operator_type": "parallel", "branch_workflows": {"n": branch}})
    };
    let others = (0..10_000).map(|at| task(&format!("t{at}"), json!([])));
    let each = [some("FORK_NOT_AWAITED", 5_000), some("DEPENDENCY_MISSING", 5_000)].concat();
    let document = workflow(others.chain((0..5_000).map(fork)));
    assert_eq!(found("5,000 forks that read a result", &document), each);
}

#[test]
fn results_of_one_name() {
    let operator = |at: usize| {
        let before: Vec<String> = (at > 0).then(|| format!("t{}", at - 1)).into_iter().collect();
        json!({"task_id": format!("t{at}"), "operator_type": "task", "function": "tools.shell.run", "result_key": "result",
            "args": ["{{result.stdout}}"], "dependencies": before})
    };
    assert_eq!(found("20,000 results of one name", &workflow((0..20_000).map(operator))), []);
}

#[test]
fn templates() {
    let operator = |at: usize| {
        // The first one has nothing before it.
        let before: Vec<String> = (at > 0).then(|| format!("task_{}", at / 2)).into_iter().collect();
        let result = if at > 0 { format!("{{{{result_{}.stdout}}}} ", at / 2) } else { String::new() };
        json!({"task_id": format!("task_{at}"), "operator_type": "task", "function": "f", "result_key": format!("result_{at}"),
            "args": [format!("{result}{{{{inputs.x}}}}")], "dependencies": before})
    };
    assert_eq!(found("100,000 tasks with templates", &workflow((0..100_000).map(operator))), []);
    let slip = |at: usize| {
        json!({"task_id": format!("task_{at}"), "operator_type": "task", "function": "f", "args": [format!("{{{{tsak_{at}.x}}}}")],
            "dependencies": [format!("tsak_{at}")]})
    };
    let mut found = found("100,000 tasks with slips", &workflow((0..100_000).map(slip)));
    found.sort();
    let both = [some("DEPENDENCY_UNKNOWN", 100_000), some("TEMPLATE_NAME_UNKNOWN", 100_000)].concat();
    assert_eq!(found, both);
    let text = "{{result.x}} ".repeat(100_000);
    let long = json!({"task_id": "a", "operator_type": "task", "function": "f", "result_key": "result", "args": [text]});
    let own = some("DEPENDENCY_MISSING", 1);
    assert_eq!(self::found("one text with 100,000 templates", &workflow([long].into_iter())), own);
}

/// Down to the depth that JSON text may have, on a stack of the size that WebAssembly gives.
#[test]
fn deep_documents() {
    let work = || {
        let mut value = json!("{{x}}");
        for _ in 0..120 {
            value = json!([value]);
        }
        let mut deep = task("a", json!([]));
        deep["args"] = value;
        let (mut body, mut branch) =
            (task("b0", json!([])), json!({"name": "b", "tasks": {"b0": task("b0", json!([]))}}));
        for depth in 1..=31 {
            body = json!({"task_id": format!("b{depth}"), "operator_type": "foreach", "items": "[1]", "loop_body": [body]});
            let fork = json!({"task_id": format!("b{depth}"), "operator_type": "parallel", "result_key": "r", "branch_workflows": {"b": branch}});
            branch = json!({"name": "b", "tasks": {"f": fork}});
        }
        for document in [workflow([deep].into_iter()), workflow([body].into_iter()), branch] {
            let text = write_json(&document);
            assert!(parse_json(&text).is_ok());
            for form in [Form::Json, Form::Yaml] {
                validate_text(&text, form, None);
            }
        }
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("not ", "")] {
            let nested = open.repeat(100_000) + "1" + &close.repeat(100_000);
            for form in [Form::Json, Form::Yaml] {
                assert_eq!(validate_text(&nested, form, None).len().min(1), 1);
            }
            let condition = json!({"task_id": "k", "operator_type": "while", "condition": nested});
            assert_eq!(
                found("deep condition", &workflow([condition].into_iter())),
                some("CONDITION_INVALID", 1)
            );
        }
    };
    let size = if cfg!(debug_assertions) { 8 << 20 } else { 1 << 20 };
    std::thread::Builder::new().stack_size(size).spawn(work).unwrap().join().unwrap();
}
