//! The plan of a workflow: its definition reduced to what decides a run, with all policies in force.

pub(in crate::engine) mod hash;
pub(in crate::engine) mod read;
pub(in crate::engine) mod retry;

use crate::definition::schedule::Schedule;
use crate::definition::{DataGuard, JoinMode, TerminateStatus, TriggerRule};
use crate::engine::plan::retry::Retry;
use crate::expr::Expr;
use crate::text::names::sorted_positions;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// A definition in the form that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the workflow.
    pub name: String,
    /// Version text of the definition.
    pub version: String,
    /// The operators at the top level.
    pub body: Rc<Body>,
    /// Default values of the run inputs.
    pub variables: Map<String, Value>,
    /// Time limit of a run, in seconds.
    pub timeout: Option<f64>,
    /// Whether the time limit cancels the run; otherwise the run fails.
    pub cancels: bool,
    /// The schedule.
    pub timetable: Option<Timetable>,
    /// Every tool that it names, also inside loops and branches.
    pub tools: Vec<ToolUse>,
    /// Ids and result keys of all operators, also inside loops and branches, sorted.
    results: Vec<String>,
}

impl Plan {
    /// Whether an operator has this id or this result key.
    pub fn has_result(&self, name: &str) -> bool {
        self.results.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }
}

/// A tool that an operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// JSON pointer to the name in the definition.
    pub path: String,
    /// Id of the operator.
    pub task: String,
    /// Name of the tool.
    pub name: String,
}

/// The schedule of a workflow, as its definition gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// Text of the rule.
    pub text: String,
    /// The parsed rule.
    pub rule: Schedule,
    /// The moment before which it does not fire.
    pub start: Option<Millis>,
    /// Whether it starts paused and fires only after it is resumed.
    pub is_paused: bool,
    /// Whether every missed firing is made up for.
    pub catches_up: bool,
    /// The number of active runs from which on it waits.
    pub most_active: usize,
}

/// The operators of one scope: of a workflow, a loop or a branch.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Body {
    /// The operators, in order of definition.
    pub operators: Vec<Planned>,
    /// The links of each operator, at the same positions.
    pub links: Vec<Links>,
    /// Positions of the operators, sorted by id.
    by_id: Vec<usize>,
    /// Positions of the operators with a result key, sorted by it.
    by_key: Vec<usize>,
    /// Positions of the joins that wait for an operator, by its id.
    joins: HashMap<String, Vec<usize>>,
}

/// The links of an operator, as positions in its body.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Links {
    /// Operators that must end before it starts. Operators outside the body count as ended.
    pub dependencies: Vec<usize>,
    /// Operators that depend on it, once for each time they name it.
    pub dependents: Vec<usize>,
    /// Operators that name it as a target or a callback. It starts only after one of them chooses it.
    pub activators: Vec<usize>,
    /// Operators that it names as a target or a callback.
    pub targets: Vec<usize>,
}

/// One operator of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its id, unique in the body.
    pub id: String,
    /// Which ends of the dependencies let it start.
    pub trigger_rule: TriggerRule,
    /// The name under which templates find its result, besides its id.
    pub result_key: Option<String>,
    /// Time limit of one attempt, in seconds.
    pub timeout: Option<f64>,
    /// How it is tried again after a failed attempt.
    pub retry: Retry,
    /// Position of the operator that runs after it succeeded.
    pub on_success: Option<usize>,
    /// Position of the operator that runs after it failed.
    pub on_failure: Option<usize>,
    /// When the engine stops calling its tool for a while.
    pub breaker: Option<Breaker>,
    /// Text of the key under which its effects happen once; may contain templates.
    pub idempotency_key: Option<String>,
    /// What must hold before it starts.
    pub preconditions: Vec<DataGuard>,
    /// What must hold of its result.
    pub postconditions: Vec<DataGuard>,
    /// What it does.
    pub operation: Operation,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Calls a tool.
    Task {
        /// Name of the tool, such as `tools.shell.run`.
        function: String,
        /// Positional arguments.
        args: Vec<Value>,
        /// Named arguments.
        kwargs: Map<String, Value>,
        /// Whether its end emits an event, too.
        is_activity: bool,
    },
    /// Sleeps durably.
    Wait(Wait),
    /// Chooses between two targets.
    Condition {
        /// The condition.
        condition: Expr,
        /// The target if it holds.
        if_true: Option<usize>,
        /// The target if it does not hold.
        if_false: Option<usize>,
    },
    /// Chooses one of several targets by a value.
    Switch {
        /// Template of the value.
        value: String,
        /// The target for each value.
        cases: Vec<(String, usize)>,
        /// The target for any other value.
        default: Option<usize>,
    },
    /// Starts branches, and completes at once.
    Fork {
        /// The branches by name.
        branches: Vec<(String, Branch)>,
        /// How many branches must start at least.
        minimum: usize,
        /// Time limit of the branches, in seconds.
        timeout: Option<f64>,
    },
    /// Waits for operators.
    Join {
        /// Their ids, each once: operators of this body, or inside it.
        tasks: Vec<String>,
        /// Which of them must end, and how.
        mode: JoinMode,
    },
    /// Runs its body for each item.
    Foreach {
        /// Template of the items.
        items: String,
        /// The body.
        body: Rc<Body>,
        /// Whether items run side by side.
        parallel: bool,
        /// Whether items are added while it runs.
        dynamic: bool,
    },
    /// Runs its body while a condition holds.
    While {
        /// The condition.
        condition: Expr,
        /// The body.
        body: Rc<Body>,
    },
    /// Emits an event.
    Emit {
        /// Template of its name.
        event: String,
        /// Its data.
        payload: Map<String, Value>,
    },
    /// Waits for an event.
    Receive {
        /// Template of its name.
        event: String,
        /// Time limit in seconds.
        timeout: Option<f64>,
    },
    /// Ends the run.
    Terminate {
        /// How it ends.
        status: TerminateStatus,
        /// Its result.
        result: Map<String, Value>,
        /// The reason.
        reason: String,
    },
    /// Runs other workflows.
    Children {
        /// `{workflow_name, inputs}` of each workflow, by name.
        children: Vec<(String, Map<String, Value>)>,
        /// Time limit in seconds.
        timeout: Option<f64>,
    },
    /// Generates a result, has it verified, and corrects it.
    Reflexive(Box<Reflexive>),
}

/// When the engine stops calling a tool that keeps failing.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    /// Failures in a row that open the circuit.
    pub failures: u32,
    /// Successes in a row that close it again.
    pub successes: u32,
    /// Seconds that it stays open.
    pub isolation: f64,
    /// Codes of failures that count; `None` for all.
    pub catches: Option<Vec<String>>,
    /// Codes of failures that do not count.
    pub ignores: Vec<String>,
}

/// A branch that a fork may start.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// The condition on which it starts; always without one.
    pub condition: Option<Expr>,
    /// Its operators.
    pub body: Rc<Body>,
    /// Whether it lists tasks but has no workflow, so that it cannot run.
    pub is_missing: bool,
}

/// The two tools of a reflexive operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Reflexive {
    /// Tool that generates, with its named arguments.
    pub generator: (String, Map<String, Value>),
    /// Tool that verifies, with its named arguments.
    pub verifier: (String, Map<String, Value>),
    /// The most turns.
    pub max_turns: u32,
    /// Template of the prompt for a correction; the tool's own by default.
    pub correction: Option<String>,
}

/// How long a wait sleeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// This many seconds.
    For(f64),
    /// Until a moment.
    Until(Millis),
    /// A template that gives seconds, ISO 8601 text or a moment.
    Text(String),
}

impl Operation {
    /// Whether it only chooses a target.
    pub fn is_routing(&self) -> bool {
        matches!(self, Self::Condition { .. } | Self::Switch { .. })
    }

    /// Whether it counts towards `concurrency`.
    pub fn takes_place(&self) -> bool {
        matches!(self, Self::Task { .. } | Self::Reflexive(_))
    }
}

impl Body {
    /// A body from operators and their links, which have the same positions.
    pub fn new(operators: Vec<Planned>, links: Vec<Links>) -> Self {
        let ids: Vec<&str> = operators.iter().map(|operator| operator.id.as_str()).collect();
        let by_id = sorted_positions(&ids);
        let keyed = operators.iter().enumerate();
        let (keyed, keys): (Vec<usize>, Vec<&str>) =
            keyed.filter_map(|(at, operator)| Some((at, operator.result_key.as_deref()?))).unzip();
        let by_key = sorted_positions(&keys).into_iter().filter_map(|at| keyed.get(at).copied()).collect();
        let mut joins: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, operator) in operators.iter().enumerate() {
            let Operation::Join { tasks, .. } = &operator.operation else { continue };
            for id in tasks {
                match joins.get_mut(id) {
                    Some(found) => found.push(at),
                    None => drop(joins.insert(id.clone(), vec![at])),
                }
            }
        }
        Self { operators, links, by_id, by_key, joins }
    }

    /// The position of an operator.
    pub fn find(&self, id: &str) -> Option<usize> {
        let of = |at: &usize| self.operators.get(*at).map(|operator| operator.id.as_str());
        found(&self.by_id, id, of).next()
    }

    /// Positions of the joins that wait for an operator of this body or inside it.
    pub fn joins_of(&self, id: &str) -> &[usize] {
        self.joins.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Positions of the operators with a result key.
    pub fn with_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = usize> + 'a {
        let of = |at: &usize| self.operators.get(*at).and_then(|operator| operator.result_key.as_deref());
        found(&self.by_key, key, of)
    }
}

/// The positions of a name in a list that is sorted by it.
fn found<'a>(
    sorted: &'a [usize],
    name: &'a str,
    of: impl Fn(&usize) -> Option<&'a str> + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let first = sorted.partition_point(|at| of(at) < Some(name));
    let rest = sorted.get(first..).unwrap_or_default().iter().copied();
    rest.take_while(move |at| of(at) == Some(name))
}
