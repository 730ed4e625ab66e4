//! The model of a workflow definition.

use super::RetryPolicy;
use crate::time::Millis;
use serde_json::{Map, Value};

/// A workflow definition: a named set of operators and the order they depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Name, as the server lists it.
    pub name: String,
    /// Version text of the definition.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// The operator to start with; informative, since roots follow from the dependencies.
    pub start_task: Option<String>,
    /// All operators, in order of definition; ids are unique where the definition is valid.
    pub operators: Vec<Operator>,
    /// Default values of the run inputs.
    pub variables: Map<String, Value>,
    /// Runs of this workflow that may be active at once.
    pub max_active_runs: u32,
    /// Time limit of a run, in seconds.
    pub timeout: Option<f64>,
    /// When it starts by itself, as written.
    pub schedule: Option<String>,
}

/// One node of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Its id, unique in the workflow.
    pub id: String,
    /// What it is for; empty where nothing is said.
    pub description: String,
    /// Ids that must be over before it starts, as written.
    pub dependencies: Vec<String>,
    /// Name under which its result is stored for templates.
    pub result_key: Option<String>,
    /// Time limit of one attempt, in seconds.
    pub timeout: Option<f64>,
    /// What happens after a failed attempt.
    pub retry: RetryPolicy,
    /// What it does.
    pub operation: Operation,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Runs a tool.
    Task {
        /// Name of the tool, such as `tools.shell.run`.
        function: String,
        /// Positional arguments; `None` where the document leaves them out.
        args: Option<Vec<Value>>,
        /// Named arguments. An object, unless a driver document says otherwise.
        kwargs: Value,
    },
    /// Sleeps durably.
    Wait(Wait),
    /// An operator that this version does not know what to do with.
    Unsupported {
        /// Its `operator_type`.
        operator_type: String,
    },
}

/// How long a wait sleeps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wait {
    /// A number of seconds.
    For(f64),
    /// A moment.
    Until(Millis),
}
