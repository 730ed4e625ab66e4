//! A task as registered with a driver.

use crate::definition::duration::Duration;
use crate::json::number::number;
use crate::json::object;
use serde_json::{Map, Number, Value};

/// How a task is registered: the method of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// `task`
    Task,
    /// `foreach`
    Foreach,
    /// `whileLoop`
    WhileLoop,
    /// `emit`
    Emit,
    /// `waitFor`
    WaitFor,
    /// `parallel`
    Parallel,
}

impl Registration {
    /// The registration of a method's name.
    pub fn of_method(name: &str) -> Option<Self> {
        Some(match name {
            "task" => Self::Task,
            "foreach" => Self::Foreach,
            "whileLoop" => Self::WhileLoop,
            "emit" => Self::Emit,
            "waitFor" => Self::WaitFor,
            "parallel" => Self::Parallel,
            _ => return None,
        })
    }
}

/// A task as registered with a [`Driver`](super::Driver).
#[derive(Clone, Debug, PartialEq)]
pub struct DriverTask {
    /// Its name, unique in the driver.
    pub name: String,
    /// What it runs.
    pub kind: TaskKind,
    /// Environment variables of a command or of Python source, texts by name.
    pub env: Map<String, Value>,
    /// Names of the tasks that must finish first, as written.
    pub depends: Vec<String>,
    /// Time limit of one attempt, in seconds. All numbers of a task keep their digits.
    pub timeout: Number,
    /// Attempts after the first one.
    pub retries: u32,
    /// Seconds before the second attempt.
    pub retry_delay: Number,
    /// Factor by which each further delay grows.
    pub backoff: Number,
    /// The sleep before the task starts.
    pub delay: Option<Delay>,
    /// When the workflow starts by itself: cron text, or `@every <n>s`.
    pub schedule: Option<String>,
    /// What the task is for.
    pub description: String,
}

/// What a task runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskKind {
    /// A shell command, of any type.
    Shell(Value),
    /// Python source.
    Python(String),
    /// An HTTP request, of any type.
    Http(Value),
    /// A tool by name.
    Tool {
        /// Name of the tool. As in Python, an empty name stands for a workflow without a name.
        name: String,
        /// Its named arguments, as given.
        kwargs: Value,
    },
    /// Another workflow.
    Workflow {
        /// Its name.
        name: Option<String>,
        /// The id of its definition.
        id: Option<String>,
        /// Its run inputs.
        inputs: Option<Value>,
    },
    /// A Python function that runs with a durable context.
    Durable(Durable),
    /// A loop over a list.
    Foreach {
        /// Template of the list.
        items: String,
        /// Python source of the body.
        source: String,
    },
    /// A loop as long as a condition holds.
    While {
        /// The expression.
        condition: String,
        /// Python source of the body.
        source: String,
        /// Whether the body runs with a durable context.
        is_durable: bool,
    },
    /// Emits an event.
    Emit {
        /// Its name.
        event: String,
        /// Its data.
        payload: Value,
    },
    /// Waits for an event.
    WaitFor {
        /// Its name.
        event: String,
        /// Time limit in seconds. As in Python, zero and negative numbers are allowed.
        timeout: Number,
    },
    /// Runs tasks side by side and waits for all of them.
    Parallel {
        /// Names of the tasks of each branch.
        branches: Vec<(String, Vec<String>)>,
    },
}

/// A Python function that runs from an uploaded artifact.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Durable {
    /// Its source; empty for a package.
    pub source: String,
    /// Folder of the package, and the function in it as `module:function`.
    pub package: Option<(String, String)>,
    /// Positional arguments after the context.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map<String, Value>,
}

impl Durable {
    /// A function of the given source, without arguments.
    pub(super) fn of_source(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }
}

/// How long a task sleeps before it starts. Longer than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay(pub Duration);

impl TaskKind {
    /// The word for the type: `shell`, `py`, `http`, `tool`, `workflow`, `durable`, `foreach`, …
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Shell(_) => "shell",
            Self::Python(_) => "py",
            Self::Http(_) => "http",
            Self::Tool { .. } => "tool",
            Self::Workflow { .. } => "workflow",
            Self::Durable(_) => "durable",
            Self::Foreach { .. } => "foreach",
            Self::While { .. } => "while",
            Self::Emit { .. } => "emit",
            Self::WaitFor { .. } => "wait_for",
            Self::Parallel { .. } => "parallel",
        }
    }
}

impl DriverTask {
    /// Whether it runs from an uploaded artifact.
    pub fn is_durable(&self) -> bool {
        matches!(self.kind, TaskKind::Durable(_) | TaskKind::While { is_durable: true, .. })
    }

    /// Names of the tasks in the branches of this task.
    pub(super) fn branched(&self) -> impl Iterator<Item = &str> {
        let branches = match &self.kind {
            TaskKind::Parallel { branches } => branches.as_slice(),
            _ => &[],
        };
        branches.iter().flat_map(|(_, members)| members.iter().map(String::as_str))
    }

    /// The task as `driver.tasks` shows it.
    pub fn to_json(&self) -> Value {
        let depends = self.depends.iter().map(|name| Value::from(name.as_str())).collect();
        object([
            ("name", self.name.as_str().into()),
            ("type", self.kind.word().into()),
            ("depends", Value::Array(depends)),
            ("timeout", self.timeout.clone().into()),
            ("retries", self.retries.into()),
            ("retryDelay", self.retry_delay.clone().into()),
            ("backoff", self.backoff.clone().into()),
            ("delay", self.delay.map_or(Value::Null, |Delay(delay)| number(delay.seconds()))),
            ("schedule", self.schedule.as_deref().into()),
            ("description", self.description.as_str().into()),
        ])
    }
}
