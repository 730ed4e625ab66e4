//! Crashes after every batch of journal records, or of the state in their place: what was begun is brought to the same end. The records of one output
//! belong together; a store has to append them as one.

use crate::support::operators::{
    self, builtin, but, condition, emit, flow, foreach, join, named, op, parallel, receive, retry, task,
    wait_branch, wait_branches, while_loop, with_args,
};
use crate::support::{START, failing, restored, submission};
use highway_wasm::engine::{CallId, Config, Engine, Record, RunState, ScopeIx, StepIx, StepState};
use highway_wasm::time::Millis;
use serde_json::{Value, json};

/// A host that runs every tool at once; those of tasks named `bad…` fail.
struct Host {
    engine: Engine,
    now: Millis,
    records: Vec<Record>,
    /// How many records there were after each output.
    batches: Vec<usize>,
}

impl Host {
    fn running(&self) -> Option<(CallId, bool)> {
        self.engine.runs().iter().find_map(|run| {
            run.steps.iter().enumerate().find_map(|(at, step)| match step.state {
                StepState::Running { call } => {
                    Some((call, run.operator(StepIx::new(at))?.id.starts_with("bad")))
                }
                _ => None,
            })
        })
    }

    /// Does what there is to do until nothing is left.
    fn drive(&mut self) {
        self.engine.tick(self.now);
        for _ in 0..2_000 {
            self.records.extend(self.engine.take_output().records);
            self.batches.push(self.records.len());
            let asked = self.engine.approvals().next().map(|(_, _, asked)| asked["approval_key"].clone());
            if let Some((call, is_bad)) = self.running() {
                self.engine.tool_finished(
                    call,
                    if is_bad { failing("BAD") } else { Ok(json!(call.get())) },
                    self.now,
                );
            } else if let Some(key) = asked {
                assert!(self.engine.decide(key.as_str().unwrap(), true, "", "", self.now));
            } else if let Some(due) = self.engine.next_wake() {
                self.now = self.now.max(due);
                self.engine.tick(self.now);
            } else {
                return;
            }
        }
        panic!("it does not end");
    }

    /// States of all runs and of their steps.
    fn told(&self) -> Vec<String> {
        let runs = self.engine.runs().into_iter();
        let mut told: Vec<String> = runs
            .map(|run| {
                let steps = (0..run.scopes.len()).flat_map(|scope| run.steps_in(ScopeIx::new(scope)));
                let steps: Vec<String> =
                    steps.map(|(operator, step)| format!("{}={}", operator.id, step.state.word())).collect();
                format!("{} {:?} {}", run.created.workflow.name, run.state, steps.join(" "))
            })
            .collect();
        told.sort();
        told
    }
}

/// Runs a workflow to its end, and again from every point at which the host may have been lost.
fn survives(documents: &[Value], last: RunState) {
    let mut host =
        Host { engine: Engine::new(Config::default()), now: START, records: Vec::new(), batches: Vec::new() };
    for (number, document) in documents.iter().enumerate() {
        host.engine.submit(submission(document, &format!("run-{number}")), START).unwrap();
        host.drive();
    }
    let whole = host.told();
    assert_eq!(host.engine.runs()[documents.len() - 1].state, last, "{whole:#?}");
    let begun = |record: &Record| matches!(record, Record::RunCreated(created) if created.parent.is_none());
    let first = host.records.iter().rposition(begun).unwrap() + 1;
    for cut in host.batches.iter().copied().filter(|cut| *cut >= first) {
        let records = host.records[..cut].to_vec();
        let engine = Engine::replay(Config::default(), records.iter().cloned());
        let from_state = restored(&engine, &Config::default());
        let mut again = Host { engine: from_state, now: START, records: Vec::new(), batches: Vec::new() };
        again.drive();
        assert_eq!(again.told(), whole, "from the state after {cut} of {}", host.records.len());
        let mut again = Host { engine, now: START, records, batches: Vec::new() };
        again.drive();
        let around = &host.records[cut - 1..(cut + 1).min(host.records.len())];
        assert_eq!(again.told(), whole, "cut after {cut} of {}: {around:#?}", host.records.len());
    }
}

#[test]
fn conditions_callbacks_and_retries() {
    let bad =
        but(task("bad", &["yes"]), json!({"retry_policy": retry(1, "PT5S"), "on_failure_task_id": "fix"}));
    let document = flow(&[
        condition("check", &[], "true", Some("yes"), Some("no")),
        task("yes", &["check"]),
        task("no", &["check"]),
        bad,
        task("never", &["bad"]),
        task("fix", &[]),
        task("last", &["fix", "no", "yes"]),
    ]);
    survives(&[document], RunState::Completed);
}

#[test]
fn loops() {
    let nap = op("wait", "nap", &["body"], json!({"wait_for": "PT5S"}));
    let count = builtin("count", &[], "tools.simple_counter.increment_counter", json!([]), json!({}));
    let mut each = foreach("each", &[], "[1, 2, 3]", &[task("body", &[]), nap]);
    each["parallel"] = json!(true);
    let mut document = flow(&[
        foreach("slow", &[], "[1, 2]", &[with_args("one", &[], json!(["{{item}}"])), task("two", &["one"])]),
        each,
        while_loop("loop", &["each"], "{{counter}} < 3", &[count, emit("told", &["count"], "e", json!({}))]),
        task("last", &["loop", "slow"]),
    ]);
    document["variables"] = json!({"counter": 0});
    survives(&[document], RunState::Completed);
}

#[test]
fn a_loop_that_fails_and_is_repeated() {
    let body = [task("fine", &[]), task("bad", &["fine"])];
    let mut each = but(foreach("each", &[], "[1, 2]", &body), json!({"retry_policy": retry(1, "PT5S")}));
    each["parallel"] = json!(true);
    survives(&[flow(&[each, task("never", &["each"])])], RunState::Failed);
}

#[test]
fn branches_and_joins() {
    let inner = parallel("inner", &["a1"], &[("x", &[task("x1", &[])])]);
    let document = flow(&[
        parallel(
            "fork",
            &[],
            &[
                ("a", &[task("a1", &[]), inner, wait_branches("in", "inner")]),
                ("b", &[task("b1", &[]), task("b2", &["b1"])]),
                ("c", &[op("wait", "nap", &[], json!({"wait_for": "PT1H"}))]),
            ],
        ),
        wait_branch("one", &["fork"], "fork", "b", 60),
        builtin("stop", &["one"], "tools.workflow.cancel_branch", json!(["{{fork_fork}}", "c"]), json!({})),
        join("both", &["stop"], &["a1", "b2"], "all_success"),
        task("last", &["both"]),
    ]);
    survives(&[document], RunState::Completed);
}

#[test]
fn a_branch_that_fails() {
    let document = flow(&[
        parallel("fork", &[], &[("a", &[task("bad", &[])]), ("b", &[task("b1", &[])])]),
        but(wait_branches("all", "fork"), json!({"on_failure_task_id": "fix"})),
        task("fix", &[]),
    ]);
    survives(&[document], RunState::Completed);
}

#[test]
fn events_activities_and_people() {
    let document = flow(&[
        emit("tell", &[], "e", json!({"n": 1})),
        receive("heard", &["tell"], "e", Some(60)),
        but(task("work", &[]), json!({"operator_type": "activity"})),
        receive("done", &["work"], "activity_work_completed", Some(60)),
        builtin("ask", &["heard"], "tools.approval.request", json!(["k"]), json!({})),
        task("last", &["ask", "done"]),
        receive("never", &["last"], "ghost", Some(5)),
    ]);
    survives(&[document], RunState::Failed);
}

#[test]
fn children_of_children() {
    let leaf = named("leaf", &[task("work", &[])]);
    let call = builtin("call", &[], "tools.workflow.execute", json!(["leaf"]), json!({}));
    let middle = named("middle", &[call]);
    let child = |name: &str| json!({"workflow_name": name, "inputs": {}});
    let kids = json!({"children": {"a": child("leaf"), "b": child("middle")}, "timeout_seconds": 60});
    let top = flow(&[op("child_workflow", "kids", &[], kids), task("last", &["kids"])]);
    survives(&[leaf, middle, top], RunState::Completed);
}

#[test]
fn early_ends() {
    let document = flow(&[
        op("wait", "nap", &[], json!({"wait_for": "PT1H"})),
        foreach("each", &[], "[1]", &[operators::terminate("end", &[], "failed", json!({"x": 1}), "enough")]),
    ]);
    survives(&[document], RunState::Failed);
}
