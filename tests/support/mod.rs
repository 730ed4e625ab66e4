//! Helpers of the native tests.
//!
//! - this file: definitions of tasks, and `Scenario`, an engine in virtual time
//! - `operators`: definitions of operators
//! - `server`: the REST API in virtual time
//! - `vectors`, `wire`: golden data of `tests/vectors` and `tests/wire`
//! - `dice`: chance that can be repeated
//! - `graphviz`: draws texts with the real Graphviz, and keeps them for the real Mermaid
//! - `paths`: whether findings point at something

#![allow(
    dead_code,
    unused_imports,
    reason = "every test binary compiles this module and uses its own part of it"
)]

pub(crate) mod dice;
pub(crate) mod graphviz;
pub(crate) mod operators;
pub(crate) mod paths;
mod server;
pub(crate) mod vectors;
mod wire;

pub(crate) use server::{Reply, Server, Tool};
pub(crate) use wire::{Exchange, exchanges, wire_names};

use highway_wasm::engine::{
    CallId, Config, Effect, Engine, Failure, Journal, Record, Registered, Run, RunIx, Submission, Submitted,
    ToolCall, UpdateIx, definition_hash, plan, run_view, step_logs, steps_view, write_records,
};
use highway_wasm::time::Millis;
use highway_wasm::{definition, validate};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Where virtual time begins: 2030-01-01T00:00:00Z.
pub(crate) const START: Millis = 1_893_456_000_000;

/// Takes what an engine has put out: adds its records, and gives the calls of tools that it starts.
pub(crate) fn started(engine: &mut Engine, records: &mut Vec<Record>) -> Vec<ToolCall> {
    let output = engine.take_output();
    records.extend(output.records);
    let started = output.effects.into_iter().filter_map(|effect| match effect {
        Effect::StartTool(call) => Some(*call),
        _ => None,
    });
    started.collect()
}

/// What a tool gave, as the engine takes it.
pub(crate) type Outcome = Result<Value, (Failure, Option<Value>)>;

/// A tool that failed with a code, and gave nothing.
#[expect(clippy::result_large_err, reason = "the engine takes outcomes so")]
pub(crate) fn failing(code: &str) -> Outcome {
    let failure = json!({"code": code, "message": "boom"});
    Err((Failure::from_json(&failure), None))
}

/// A tool that failed and left output all the same.
#[expect(clippy::result_large_err, reason = "the engine takes outcomes so")]
pub(crate) fn failing_with(result: Value) -> Outcome {
    failing("EXIT_CODE_NONZERO").map_err(|(failure, _)| (failure, Some(result)))
}

/// A workflow of tasks `id` (tool `tools.test.<id>`, result key `<id>_result`) and what they depend on.
pub(crate) fn graph<I: AsRef<str>, D: AsRef<str>>(tasks: &[(I, &[D])]) -> Value {
    let tasks: Map<String, Value> = tasks
        .iter()
        .map(|(id, dependencies)| {
            let id = id.as_ref();
            let dependencies: Vec<&str> = dependencies.iter().map(AsRef::as_ref).collect();
            (id.to_owned(), task(id, &dependencies))
        })
        .collect();
    json!({"name": "scenario", "version": "1.0.0", "tasks": tasks})
}

/// A workflow of independent tasks.
pub(crate) fn independent(ids: &[&str]) -> Value {
    let tasks: Vec<(&str, &[&str])> = ids.iter().map(|id| (*id, &[][..])).collect();
    graph(&tasks)
}

/// One task as the driver writes it.
pub(crate) fn task(id: &str, dependencies: &[&str]) -> Value {
    json!({
        "task_id": id, "operator_type": "task", "dependencies": dependencies, "trigger_rule": "all_success",
        "result_key": format!("{id}_result"), "function": format!("tools.test.{id}"), "args": [], "kwargs": {},
    })
}

/// A wait as the driver writes it.
pub(crate) fn wait(id: &str, dependencies: &[&str], wait_for: impl Into<Value>) -> Value {
    json!({"task_id": id, "operator_type": "wait", "dependencies": dependencies, "trigger_rule": "all_success",
        "wait_for": wait_for.into()})
}

/// The retry policy of the driver: attempts in all, seconds, factor.
pub(crate) fn attempts(max: u32, delay: f64, backoff: f64) -> Value {
    json!({"max_attempts": max, "initial_interval_seconds": delay, "backoff_coefficient": backoff})
}

/// `document` with the value at a JSON pointer set; the last key may be new.
pub(crate) fn with(mut document: Value, pointer: &str, value: impl Into<Value>) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.insert(key.to_owned(), value.into());
    document
}

/// Everything that is wrong with a definition, as `CODE path`.
pub(crate) fn findings(definition: &Value) -> Vec<String> {
    let document = definition::read(definition);
    let mut diagnostics = document.diagnostics;
    diagnostics.extend(plan(&document.workflow).1);
    diagnostics.extend(validate::workflow(&document.workflow, None));
    // What is no template fails its task alone, which scenarios show.
    let shown =
        diagnostics.iter().filter(|found| found.is_error() && found.code.as_str() != "TEMPLATE_INVALID");
    shown.map(|found| format!("{} {}", found.code.as_str(), found.path)).collect()
}

/// A definition as the engine keeps it.
pub(crate) fn registered(definition: &Value) -> Registered {
    let plan = plan(&definition::read(definition).workflow).0;
    Registered::new(definition_hash(definition), plan, definition.clone(), START)
}

/// A definition ready to be submitted, which must be valid.
pub(crate) fn submission(definition: &Value, run_id: &str) -> Submission {
    assert_eq!(findings(definition), [""; 0]);
    Submission {
        definition: registered(definition),
        inputs: Map::new(),
        key: None,
        run_id: run_id.to_owned(),
    }
}

/// All that the API shows of an engine.
pub(crate) fn views(engine: &Engine) -> Vec<Value> {
    let view = |run: &Run| json!([run_view(run), steps_view(run, None), step_logs(run, None)]);
    engine.runs().into_iter().map(view).collect()
}

/// An engine of the entries that another one's state is kept as, which makes the same entries of it.
pub(crate) fn restored(engine: &Engine, config: &Config) -> Engine {
    let entries = engine.snapshot();
    let mut journal = Journal::default();
    let mut restored = Engine::new(config.clone());
    for entry in &entries {
        restored.restore(journal.read(entry).unwrap_or_else(|error| panic!("{error}: {entry}")));
    }
    assert_eq!(restored.snapshot(), entries, "the restored state is another one");
    restored
}

/// Slices of work after which a scenario compares journal and state.
const SLICES_COMPARED: usize = 20;

/// An engine with a host that does what the test says, when it says it.
pub(crate) struct Scenario {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    pub(crate) now: Millis,
    pub(crate) records: Vec<Record>,
    journal: Journal,
    /// Calls that the engine started and no test has looked at.
    unseen: Vec<ToolCall>,
    running: HashSet<CallId>,
    /// Calls that the engine aborted and no test has looked at, with the reason.
    aborted: Vec<(CallId, String)>,
    ended: Vec<String>,
    /// Updates that have ended: run, and position there.
    pub(crate) answered: Vec<(String, UpdateIx)>,
    focus: String,
}

impl Scenario {
    /// An engine that does as little as it can at once.
    pub(crate) fn new() -> Self {
        Self::with(Config { slice: 1, ..Config::default() })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            engine: Engine::new(config.clone()),
            config,
            now: START,
            records: Vec::new(),
            journal: Journal::default(),
            unseen: Vec::new(),
            running: HashSet::new(),
            aborted: Vec::new(),
            ended: Vec::new(),
            answered: Vec::new(),
            focus: String::new(),
        }
    }

    /// A fresh engine to which a definition was submitted.
    pub(crate) fn of(definition: &Value) -> Self {
        let mut scenario = Self::new();
        scenario.submit(definition);
        scenario
    }

    /// Room for so many tools at once.
    pub(crate) fn with_places(concurrency: usize) -> Self {
        Self::with(Config { concurrency, ..Config::default() })
    }

    /// Submits a valid definition; asserts speak of this run from now on.
    pub(crate) fn submit(&mut self, definition: &Value) -> String {
        self.submit_with(definition, json!({}))
    }

    pub(crate) fn submit_with(&mut self, definition: &Value, inputs: Value) -> String {
        let run_id = format!("run-{}", self.engine.runs().len() + 1);
        let submission =
            Submission { inputs: inputs.as_object().unwrap().clone(), ..submission(definition, &run_id) };
        // The run may start others at once.
        let at = self.engine.runs().len();
        assert_eq!(self.engine.submit(submission, self.now), Ok(Submitted::Created(RunIx::new(at))));
        self.focus.clone_from(&run_id);
        self.take();
        run_id
    }

    /// The engine is lost, and built again from its journal, which has come to be replaced by the state.
    pub(crate) fn reopen(&mut self) {
        let replayed = self.replayed();
        assert_eq!(replayed.snapshot(), self.engine.snapshot(), "the journal tells another story");
        self.engine = restored(&replayed, &self.config);
    }

    /// The host is lost with its tools; the engine starts those again that were running.
    pub(crate) fn restart(&mut self) {
        self.running.clear();
        self.unseen.clear();
        self.engine.resume(self.now);
        self.take();
    }

    fn replayed(&self) -> Engine {
        Engine::replay(self.config.clone(), self.records.iter().cloned())
    }

    /// Asserts speak of another run from now on.
    pub(crate) fn focus(&mut self, run_id: &str) {
        run_id.clone_into(&mut self.focus);
    }

    /// Takes what the engine decided, slice by slice. After each slice its journal and its state say the same.
    pub(crate) fn take(&mut self) {
        self.take_slice();
        for slice in 0.. {
            if !self.engine.has_more() {
                return;
            }
            if slice < SLICES_COMPARED {
                let replayed = self.replayed();
                assert_eq!(replayed.snapshot(), self.engine.snapshot(), "after slice {slice}");
                restored(&replayed, &self.config);
            }
            self.engine.tick(self.now);
            self.take_slice();
        }
    }

    fn take_slice(&mut self) {
        let output = self.engine.take_output();
        let written = write_records(&output.records);
        assert_eq!(self.journal.read(&written).unwrap(), output.records, "{written}");
        self.records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => {
                    assert!(self.running.insert(call.call), "call {} started twice", call.call);
                    self.unseen.push(*call);
                }
                Effect::AbortTool { call, reason } => {
                    assert!(self.running.remove(&call), "call {call} was aborted but does not run");
                    self.unseen.retain(|unseen| unseen.call != call);
                    self.aborted.push((call, reason));
                }
                Effect::RunEnded { run_id } => {
                    assert!(!self.ended.contains(&run_id), "{run_id} ended twice");
                    self.ended.push(run_id);
                }
                Effect::UpdateEnded { run_id, update } => self.answered.push((run_id, update)),
                other => panic!("unknown effect {other:?}"),
            }
        }
    }

    /// The engine has started a task; its call.
    pub(crate) fn expect_start(&mut self, task: &str) -> ToolCall {
        let started: Vec<&str> = self.unseen.iter().map(|call| call.task.as_str()).collect();
        let at = started.iter().position(|name| *name == task);
        let at = at.unwrap_or_else(|| {
            let steps = self.steps();
            panic!("`{task}` did not start; started are {started:?}, the steps are {steps:?}")
        });
        self.unseen.remove(at)
    }

    /// The engine has started these tasks and no other.
    pub(crate) fn expect_starts(&mut self, tasks: &[&str]) -> Vec<ToolCall> {
        let calls = tasks.iter().map(|task| self.expect_start(task)).collect();
        self.expect_no_start();
        calls
    }

    /// All calls that the engine has started and no test has looked at.
    pub(crate) fn take_starts(&mut self) -> Vec<ToolCall> {
        std::mem::take(&mut self.unseen)
    }

    pub(crate) fn expect_no_start(&self) {
        let started: Vec<&str> = self.unseen.iter().map(|call| call.task.as_str()).collect();
        assert_eq!(started, [""; 0], "started without being expected");
    }

    /// The engine has told the host to stop a call; why.
    pub(crate) fn expect_abort(&mut self, call: &ToolCall) -> String {
        let at = self.aborted.iter().position(|(number, _)| *number == call.call);
        let at = at.unwrap_or_else(|| panic!("`{}` was not aborted", call.task));
        self.aborted.remove(at).1
    }

    /// The host reports what came of a call, be it wanted or not.
    pub(crate) fn finish(&mut self, call: &ToolCall, outcome: Outcome) {
        self.running.remove(&call.call);
        self.engine.tool_finished(call.call, outcome, self.now);
        self.take();
    }

    /// A task starts and succeeds at once.
    pub(crate) fn succeed(&mut self, task: &str, result: Value) -> ToolCall {
        let call = self.expect_start(task);
        self.finish(&call, Ok(result));
        call
    }

    /// A task starts and fails at once.
    pub(crate) fn fail(&mut self, task: &str, code: &str) -> ToolCall {
        let call = self.expect_start(task);
        self.finish(&call, failing(code));
        call
    }

    /// Time passes; the host's timer wakes the engine whenever it asked for it.
    pub(crate) fn advance(&mut self, seconds: f64) {
        let target = self.after(seconds);
        let mut wakes = 0;
        while let Some(due) = self.engine.next_wake().filter(|due| *due <= target) {
            self.now = self.now.max(due);
            self.engine.tick(self.now);
            self.take();
            wakes += 1;
            assert!(wakes < 10_000, "the engine asks to be woken again and again");
        }
        self.now = target;
    }

    /// The host looks what is due now.
    pub(crate) fn tick(&mut self) {
        self.engine.tick(self.now);
        self.take();
    }

    /// Time passes while the host sleeps: one late tick at the end.
    pub(crate) fn sleep_through(&mut self, seconds: f64) {
        self.now = self.after(seconds);
        self.engine.tick(self.now);
        self.take();
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tests use small positive durations"
    )]
    fn after(&self, seconds: f64) -> Millis {
        self.now + (seconds * 1_000.0).round() as Millis
    }

    pub(crate) fn cancel(&mut self, reason: Option<&str>) -> bool {
        let (at, _) = self.engine.find(&self.focus).unwrap();
        let cancelled = self.engine.cancel(at, reason, self.now);
        self.take();
        cancelled
    }

    pub(crate) fn run(&self) -> &Run {
        self.engine.find(&self.focus).unwrap().1
    }

    pub(crate) fn view(&self) -> Value {
        run_view(self.run())
    }

    pub(crate) fn step(&self, id: &str) -> Value {
        let steps = steps_view(self.run(), None);
        let mut steps = steps["steps"].as_array().unwrap().iter();
        steps.find(|step| step["step_name"] == id).unwrap().clone()
    }

    /// `a=succeeded b=running`, in the order of the definition.
    pub(crate) fn steps(&self) -> String {
        let view = self.view();
        let tasks = view["progress"]["tasks"].as_object().unwrap().iter();
        let shown: Vec<String> =
            tasks.map(|(id, state)| format!("{id}={}", state.as_str().unwrap())).collect();
        shown.join(" ")
    }

    pub(crate) fn assert_steps(&self, expected: &str) {
        assert_eq!(self.steps(), expected);
    }

    /// The run has this status, the same status after a replay of the journal, and leaves nothing behind if it
    /// is over.
    pub(crate) fn assert_status(&self, expected: &str) {
        assert_eq!(self.view()["status"], expected, "steps are {}", self.steps());
        let replayed = Engine::replay(self.config.clone(), self.records.iter().cloned());
        assert_eq!(views(&replayed), views(&self.engine), "the journal tells another story");
        assert_eq!(
            views(&restored(&self.engine, &self.config)),
            views(&self.engine),
            "the state tells another story"
        );
        let is_over = matches!(expected, "completed" | "failed" | "cancelled");
        assert_eq!(self.ended.contains(&self.focus), is_over, "effect RunEnded");
        if self.ended.len() == self.engine.runs().len() {
            // Schedules go on.
            if self.engine.schedules().next().is_none() {
                assert_eq!(self.engine.next_wake(), None, "a timer is left");
            }
            assert!(self.running.is_empty(), "tools run on: {:?}", self.running);
        }
    }

    /// Code of the failure that ended the run.
    pub(crate) fn failure_code(&self) -> String {
        let failure = self.run().failure.as_ref();
        failure.map(|failure| failure.code.clone()).unwrap_or_default()
    }
}
