//! Random workflows of all operators, driven in random order: every run ends, leaves nothing, and replays.

use crate::support::dice::Dice;
use crate::support::operators::{
    self, builtin, but, condition, emit, flow, foreach, join, multi_choice, named, op, parallel, receive,
    retry, task, terminate, wait_branches, while_loop,
};
use crate::support::{START, failing, findings, restored, submission, views};
use highway_wasm::engine::{Config, Effect, Engine, Link, Record, Run, RunIx, RunState, ScopeIx, StepState};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Operators of one scope; ids begin with `prefix`.
fn body(dice: &mut Dice, prefix: &str, depth: u32) -> Vec<Value> {
    let count = 1 + dice.roll(5);
    let ids: Vec<String> = (0..count).map(|at| format!("{prefix}{at}")).collect();
    let mut all: Vec<Value> = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let dependencies: Vec<&str> =
            ids[..at].iter().filter(|_| dice.one_in(2)).map(String::as_str).collect();
        let later: Option<&str> = ids[at + 1..].first().map(String::as_str);
        let mut operator = operator(dice, id, &dependencies, later, &ids, depth);
        if dice.one_in(4) {
            let rules = ["all_success", "all_done", "one_success", "one_done", "none_failed"];
            operator["trigger_rule"] = json!(dice.pick(&rules));
        }
        for key in ["on_failure_task_id", "on_success_task_id"] {
            if dice.one_in(5) {
                operator[key] = json!(ids[at + 1..].last());
            }
        }
        if dice.one_in(4) {
            operator["retry_policy"] = retry(1, dice.pick(&["PT0S", "PT5S"]));
        }
        if dice.one_in(6) {
            operator["timeout_policy"] = operators::timeout("PT7S");
        }
        if dice.one_in(8) {
            operator["idempotency_key"] = json!(dice.pick(&["k", "{{workflow_run_id}}"]));
        }
        if dice.one_in(6) {
            let (failures, successes) = (1 + dice.roll(2), 1 + dice.roll(2));
            operator["circuit_breaker_policy"] = json!({"failure_threshold": failures,
                "success_threshold": successes, "isolation_duration": "PT3S"});
        }
        let is_fork = matches!(operator["operator_type"].as_str(), Some("parallel" | "multi_choice"));
        all.push(operator);
        if is_fork && dice.one_in(2) {
            all.push(wait_branches(&format!("{id}w"), id));
        }
    }
    all
}

fn operator(
    dice: &mut Dice,
    id: &str,
    dependencies: &[&str],
    later: Option<&str>,
    ids: &[String],
    depth: u32,
) -> Value {
    let inner = |dice: &mut Dice, name: &str| body(dice, &format!("{id}{name}"), depth - 1);
    match dice.roll(if depth == 0 { 9 } else { 14 }) {
        0 => condition(id, dependencies, dice.pick(&["true", "false"]), later, None),
        1 => {
            let cases = later.map_or(json!({}), |later| json!({"a": later}));
            op(
                "switch",
                id,
                dependencies,
                json!({"switch_on": dice.pick(&["a", "b"]), "cases": cases, "default": null}),
            )
        }
        2 => op("wait", id, dependencies, json!({"wait_for": dice.roll(10)})),
        3 => emit(id, dependencies, dice.pick(&["e", "f"]), json!({})),
        4 => receive(id, dependencies, dice.pick(&["e", "f"]), Some(9)),
        5 if dice.one_in(4) => {
            terminate(id, dependencies, dice.pick(&["completed", "failed", "cancelled"]), json!({"x": 1}), "")
        }
        5 => builtin(id, dependencies, "tools.approval.request", json!([]), json!({"timeout_seconds": 9})),
        6 => {
            let mode = dice.pick(&["all_of", "any_of", "all_success", "one_success"]);
            let before: Vec<&str> = ids.iter().map(String::as_str).take_while(|other| *other != id).collect();
            join(id, dependencies, &before, mode)
        }
        7 if dice.one_in(2) => {
            builtin(id, dependencies, "tools.workflow.execute", json!(["leaf"]), json!({}))
        }
        7 if dice.one_in(2) => {
            let tools = json!({"generator": "tools.test.g", "generator_kwargs": {}, "verifier": "tools.test.v",
                "verifier_kwargs": {}, "max_turns": 2, "result_key": null});
            op("reflexive", id, dependencies, tools)
        }
        7 | 8 => {
            let shared = dice.pick(&["tools.test.one", "tools.test.two"]);
            but(task(id, dependencies), json!({"function": shared}))
        }
        9 => {
            let parallel = dice.one_in(2);
            but(foreach(id, dependencies, "[1, 2]", &inner(dice, "i")), json!({"parallel": parallel}))
        }
        10 => {
            let count = builtin(
                &format!("{id}n"),
                &[],
                "tools.simple_counter.increment_counter",
                json!([]),
                json!({}),
            );
            while_loop(id, dependencies, "{{counter}} < 3", &[inner(dice, "r"), vec![count]].concat())
        }
        11 | 12 => parallel(id, dependencies, &[("a", &inner(dice, "a")), ("b", &inner(dice, "b"))]),
        _ => multi_choice(
            id,
            dependencies,
            1,
            &[("a", "true", &inner(dice, "c")), ("b", "false", &inner(dice, "d"))],
        ),
    }
}

/// A run is what its steps are.
fn check(run: &Run, document: &Value) {
    let shown = || format!("{document:#} {:?}", run.steps);
    let failed = (0..run.scopes.len())
        .find_map(|scope| run.scopes[scope].owner.is_none().then(|| run.failed_in(ScopeIx::new(scope))));
    let is_failed = failed.flatten().is_some();
    let is_ended_early =
        run.result.is_some() || run.steps.iter().any(|step| step.state == StepState::Cancelled);
    assert!(
        run.state != RunState::Completed || !is_failed || is_ended_early,
        "completed with a failure {}",
        shown()
    );
    assert!(run.state != RunState::Failed || run.failure.is_some(), "failed without a reason {}", shown());
    assert!(run.steps.iter().all(|step| step.state.is_final()), "a step is open {}", shown());
}

fn timed(slice: usize) -> Config {
    // A timeline needs to see all that follows from one thing in one piece.
    Config { timeline: slice > 1_000, slice, ..Config::default() }
}

/// Whatever happens, a critical path has no gap, and goes from the beginning of its run to the end.
fn check_path(engine: &Engine, at: usize) {
    let run = &engine.runs()[at];
    let mut now = run.created.at;
    for link in engine.critical_path(RunIx::new(at)) {
        let (start, end) = match link {
            Link::Entry(entry) => (engine.entries()[entry].start, engine.entries()[entry].end.unwrap()),
            Link::Run(start, end) => (start, end),
        };
        assert_eq!(start, now, "{:?} of {:?}", engine.critical_path(RunIx::new(at)), engine.entries());
        now = end;
    }
    assert_eq!(now, run.ended_at.unwrap());
}

/// An engine of the journal of another one, and one of its state: all three are the same.
fn reopened(seed: u64, config: &Config, engine: &Engine, records: &[Record]) -> (Engine, Engine) {
    let replayed = Engine::replay(config.clone(), records.iter().cloned());
    assert_eq!(views(&replayed), views(engine), "{seed}: the journal tells another story");
    assert_eq!(replayed.next_wake(), engine.next_wake(), "{seed}: other timers");
    let restored = restored(engine, config);
    assert_eq!(replayed.snapshot(), engine.snapshot(), "{seed}: the journal makes another state");
    assert_eq!(views(&restored), views(engine), "{seed}: the state tells another story");
    assert_eq!(restored.next_wake(), engine.next_wake(), "{seed}: other timers in the state");
    (replayed, restored)
}

fn play(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let mut document = flow(&body(&mut dice, "t", 2));
    document["variables"] = json!({"counter": 0});
    if !findings(&document).is_empty() {
        return false;
    }
    let config = timed(dice.pick(&[1, 1, 2, 7, usize::MAX]));
    let mut engine = Engine::new(config.clone());
    let (mut now, mut records, mut running) = (START, Vec::new(), BTreeSet::new());
    engine.submit(submission(&named("leaf", &[task("leaf", &[])]), "run-0"), now).unwrap();
    engine.submit(submission(&document, "run-1"), now).unwrap();
    engine.submit(submission(&document, "run-2"), now).unwrap();
    let mut is_resuming = false;
    for _ in 0..30_000 {
        let output = engine.take_output();
        records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => assert!(running.insert(call.call), "{seed}: started twice"),
                Effect::AbortTool { call, .. } => {
                    assert!(running.remove(&call), "{seed}: aborted, not running");
                }
                _ => {}
            }
        }
        // What is done in small pieces has many more moments.
        if dice.one_in(if config.slice < 10 { 30 } else { 3 }) {
            let (replayed, restored) = reopened(seed, &config, &engine, &records);
            let place = dice.roll(3);
            // Tools that are to be started again are known to the engine that was resumed alone.
            is_resuming &= engine.has_more();
            engine = match place {
                0 => replayed,
                1 => restored,
                _ => engine,
            };
            // With the host, its tools may be lost.
            if place < 2 && (is_resuming || dice.one_in(2)) {
                running.clear();
                engine.resume(now);
                is_resuming = true;
                continue;
            }
        }
        // The host may do other things between two slices.
        if engine.has_more() && !dice.one_in(4) {
            engine.tick(now);
            continue;
        }
        let asked =
            engine.approvals().next().map(|(_, _, asked)| asked["approval_key"].as_str().unwrap().to_owned());
        let place = usize::try_from(dice.roll(64)).unwrap() % running.len().max(1);
        let call = running.iter().nth(place).copied();
        match (call, asked, engine.next_wake()) {
            (Some(call), ..) if dice.one_in(2) => {
                running.remove(&call);
                engine.tool_finished(
                    call,
                    if dice.one_in(4) { failing("BAD") } else { Ok(json!(call.get() % 3)) },
                    now,
                );
            }
            (_, Some(key), _) if dice.one_in(2) => assert!(engine.decide(&key, dice.one_in(2), "", "", now)),
            (_, _, Some(due)) => {
                // A host may be late, and find several things due.
                now = now.max(due) + if dice.one_in(5) { 15_000 } else { 0 };
                engine.tick(now);
            }
            _ if engine.has_more() => {}
            (Some(_), ..) | (_, Some(_), _) => {}
            (None, None, None) => {
                for (at, run) in engine.runs().iter().enumerate() {
                    if config.timeline {
                        check_path(&engine, at);
                    }
                    assert!(
                        run.state != RunState::Active,
                        "{seed}: it hangs: {:?} {document:#}",
                        views(&engine)
                    );
                    check(run, &document);
                }
                return true;
            }
        }
    }
    panic!("{seed}: it does not end");
}

#[test]
fn every_random_workflow_ends_and_replays() {
    // More of them: HIGHWAY_SEEDS=400..5000 cargo test --test engine random_workflows
    let given = std::env::var("HIGHWAY_SEEDS").unwrap_or_else(|_| "0..60".into());
    let (from, to) = given.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let played = (from..to).filter(|seed| play(*seed)).count();
    assert!(played > 10, "only {played} were valid");
    println!("{played} of {} were valid", to - from);
}
