//! What the engine runs: a definition reduced to what decides how a run goes, with all policies in force.

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

/// A definition, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the workflow.
    pub name: String,
    /// Version text of the definition.
    pub version: String,
    /// The operators at the top.
    pub body: Rc<Body>,
    /// Default values of the run inputs.
    pub variables: Map<String, Value>,
    /// Time limit of a run, in seconds.
    pub timeout: Option<f64>,
    /// Whether a run that passes it is cancelled rather than failed.
    pub cancels: bool,
    /// When it starts by itself.
    pub timetable: Option<Timetable>,
    /// Every tool that it names, also inside loops and branches.
    pub tools: Vec<ToolUse>,
    /// Ids and result keys of all operators, sorted, also inside loops and branches.
    results: Vec<String>,
}

impl Plan {
    /// Whether an operator has the name as its id or as its result key.
    pub fn has_result(&self, name: &str) -> bool {
        self.results.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }
}

/// A tool that an operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// Where it is named, as a JSON pointer into the definition.
    pub path: String,
    /// Id of the operator.
    pub task: String,
    /// Name of the tool.
    pub name: String,
}

/// When a workflow starts by itself, as its definition says.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// Text of the rule.
    pub text: String,
    /// When it fires.
    pub rule: Schedule,
    /// It does not fire before this moment.
    pub start: Option<Millis>,
    /// Whether it only fires once somebody resumes it.
    pub is_paused: bool,
    /// Whether every moment that was missed is made up for.
    pub catches_up: bool,
    /// While so many runs are active, it waits.
    pub most_active: usize,
}

/// Operators that run in one scope: those of a workflow, of a loop, of a branch.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Body {
    /// The operators, in order of definition.
    pub operators: Vec<Planned>,
    /// What leads to and from each, at the same positions.
    pub links: Vec<Links>,
    /// Their positions by id.
    by_id: Vec<usize>,
    /// Positions of those that have a result key, by that.
    by_key: Vec<usize>,
    /// Positions of the joins that name an operator, by its id.
    joins: HashMap<String, Vec<usize>>,
}

/// What leads to and from an operator, as positions in its body.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Links {
    /// What must be over before it starts. What is not in the body counts as over.
    pub dependencies: Vec<usize>,
    /// What depends on it, once for each time it is named.
    pub dependents: Vec<usize>,
    /// What names it as a way or as a callback; it only starts once one of them chooses it.
    pub activators: Vec<usize>,
    /// What it names so.
    pub targets: Vec<usize>,
}

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its id, unique in the body.
    pub id: String,
    /// When it starts, given how its dependencies ended.
    pub trigger_rule: TriggerRule,
    /// Name under which its result is stored for templates.
    pub result_key: Option<String>,
    /// Time limit of one attempt, in seconds.
    pub timeout: Option<f64>,
    /// What happens after a failed attempt.
    pub retry: Retry,
    /// Operator that runs once it succeeded.
    pub on_success: Option<usize>,
    /// Operator that runs once it failed.
    pub on_failure: Option<usize>,
    /// When its tool is left alone for a while.
    pub breaker: Option<Breaker>,
    /// Text of the key under which its effects happen once; may hold templates.
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
        /// Whether its end is told as an event, too.
        is_activity: bool,
    },
    /// Sleeps durably.
    Wait(Wait),
    /// Chooses between two ways.
    Condition {
        /// What decides.
        condition: Expr,
        /// The way where it holds.
        if_true: Option<usize>,
        /// The way where it does not.
        if_false: Option<usize>,
    },
    /// Chooses one of several ways by a value.
    Switch {
        /// Template of the value.
        value: String,
        /// The way for each value.
        cases: Vec<(String, usize)>,
        /// The way for any other value.
        default: Option<usize>,
    },
    /// Starts branches and goes on.
    Fork {
        /// The branches by name.
        branches: Vec<(String, Branch)>,
        /// Branches that must be started, at least.
        minimum: usize,
        /// Time limit of the branches, in seconds.
        timeout: Option<f64>,
    },
    /// Waits for operators.
    Join {
        /// Their ids, each once: of this body, or of what is inside it.
        tasks: Vec<String>,
        /// What it waits for.
        mode: JoinMode,
    },
    /// Runs its body for each item.
    Foreach {
        /// Template of the items.
        items: String,
        /// What runs for each.
        body: Rc<Body>,
        /// Whether items run side by side.
        parallel: bool,
        /// Whether items are added while it runs.
        dynamic: bool,
    },
    /// Runs its body as long as a condition holds.
    While {
        /// What decides.
        condition: Expr,
        /// What runs.
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
        /// How.
        status: TerminateStatus,
        /// Its result.
        result: Map<String, Value>,
        /// Why.
        reason: String,
    },
    /// Runs other workflows.
    Children {
        /// `{workflow_name, inputs}` of each by name.
        children: Vec<(String, Map<String, Value>)>,
        /// Time limit in seconds.
        timeout: Option<f64>,
    },
    /// Generates, verifies, and corrects.
    Reflexive(Box<Reflexive>),
}

/// When a tool that keeps failing is left alone for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    /// Failures in a row that open the circuit.
    pub failures: u32,
    /// Successes in a row that close it again.
    pub successes: u32,
    /// Seconds that it stays open.
    pub isolation: f64,
    /// Codes of failures that count; all where nothing is said.
    pub catches: Option<Vec<String>>,
    /// Codes of failures that do not count.
    pub ignores: Vec<String>,
}

/// A branch that a fork may start.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What decides whether it is started; it always is where there is nothing.
    pub condition: Option<Expr>,
    /// What runs in it.
    pub body: Rc<Body>,
    /// Whether it names tasks of which it has no workflow, so that it cannot run.
    pub is_missing: bool,
}

/// The two tools of a reflexive operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Reflexive {
    /// Tool that generates, with its named arguments.
    pub generator: (String, Map<String, Value>),
    /// Tool that verifies, with its named arguments.
    pub verifier: (String, Map<String, Value>),
    /// Turns at most.
    pub max_turns: u32,
    /// Template of the prompt for a correction.
    pub correction: Option<String>,
}

/// How long a wait sleeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A number of seconds.
    For(f64),
    /// A moment.
    Until(Millis),
    /// What a template gives: seconds, ISO 8601 text, or a moment.
    Text(String),
}

impl Operation {
    /// Whether it only chooses the way.
    pub fn is_routing(&self) -> bool {
        matches!(self, Self::Condition { .. } | Self::Switch { .. })
    }

    /// Whether it takes a place among the tools that may run at once.
    pub fn takes_place(&self) -> bool {
        matches!(self, Self::Task { .. } | Self::Reflexive(_))
    }
}

impl Body {
    /// A body of operators, with what leads to and from each.
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

    /// Position of an operator.
    pub fn find(&self, id: &str) -> Option<usize> {
        let of = |at: &usize| self.operators.get(*at).map(|operator| operator.id.as_str());
        found(&self.by_id, id, of).next()
    }

    /// Positions of the joins that name an operator, of this body or inside it.
    pub fn joins_of(&self, id: &str) -> &[usize] {
        self.joins.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Positions of the operators with a result key.
    pub fn with_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = usize> + 'a {
        let of = |at: &usize| self.operators.get(*at).and_then(|operator| operator.result_key.as_deref());
        found(&self.by_key, key, of)
    }
}

/// The positions of a name among such that are sorted by it.
fn found<'a>(
    sorted: &'a [usize],
    name: &'a str,
    of: impl Fn(&usize) -> Option<&'a str> + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let first = sorted.partition_point(|at| of(at) < Some(name));
    let rest = sorted.get(first..).unwrap_or_default().iter().copied();
    rest.take_while(move |at| of(at) == Some(name))
}
