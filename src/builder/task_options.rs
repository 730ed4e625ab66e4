//! The options of a task: read from plain data, checked in the order the Python driver checks them.

use crate::definition::duration;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::json::{kind_of, object};
use crate::number::{digits, number, to_f64};
use crate::suggest::did_you_mean;
use serde_json::{Map, Value};

/// Seconds one attempt may take where nothing is said.
const DEFAULT_TIMEOUT: f64 = 300.0;
/// Seconds before the second attempt where nothing is said.
const DEFAULT_RETRY_DELAY: f64 = 1.0;
/// Growth of the delays where nothing is said.
const DEFAULT_BACKOFF: f64 = 2.0;

/// All option names.
const OPTIONS: [&str; 22] = [
    "shell",
    "py",
    "http",
    "durable",
    "tool",
    "workflow",
    "workflowId",
    "kwargs",
    "inputs",
    "depends",
    "timeout",
    "schedule",
    "runAt",
    "retries",
    "retryDelay",
    "backoff",
    "delay",
    "description",
    "package",
    "entrypoint",
    "funcArgs",
    "funcKwargs",
];

/// A task as registered with a [`Driver`](super::Driver).
#[derive(Clone, Debug, PartialEq)]
pub struct DriverTask {
    /// Its name, unique in the driver.
    pub name: String,
    /// What it runs.
    pub kind: TaskKind,
    /// Names of the tasks that must be over first, as written.
    pub depends: Vec<String>,
    /// Seconds one attempt may take.
    pub timeout: f64,
    /// Attempts after the first one.
    pub retries: u32,
    /// Seconds before the second attempt.
    pub retry_delay: f64,
    /// Factor by which each further delay grows.
    pub backoff: f64,
    /// Sleep before the task starts.
    pub delay: Option<Delay>,
    /// When the workflow starts by itself: cron text, or `@every <n>s`.
    pub schedule: Option<String>,
    /// What it is for.
    pub description: String,
}

/// What a task runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskKind {
    /// A shell command; whatever was given is passed on.
    Shell(Value),
    /// Python source.
    Python(String),
    /// An HTTP request; whatever was given is passed on.
    Http(Value),
    /// A tool by name.
    Tool {
        /// Name of the tool; empty text falls through to a workflow without a name, as in Python.
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
}

/// Seconds a task sleeps before it starts, above zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay(pub f64);

impl TaskKind {
    /// The word for the type: `shell`, `py`, `http`, `tool` or `workflow`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Shell(_) => "shell",
            Self::Python(_) => "py",
            Self::Http(_) => "http",
            Self::Tool { .. } => "tool",
            Self::Workflow { .. } => "workflow",
        }
    }
}

impl DriverTask {
    /// Reads the options of the task `name`; `taken` tells whether the name is in use.
    ///
    /// # Errors
    ///
    /// The first failed check, with the path of the option at fault.
    pub fn read(name: &str, options: &Value, taken: bool) -> Result<Self> {
        let Value::Object(map) = options else {
            return Err(wrong_type("", "an object of options", options));
        };
        check_names(map)?;
        let options = Options(map);
        options.check_package()?;
        let kind_name = options.only_type()?;
        if options.given("runAt").is_some() {
            return Err(Error::new(ErrorCode::NotSupported, "the option `runAt` is not supported")
                .with_help("use `delay` to start later, or `schedule` to start regularly")
                .with_path("/runAt"));
        }
        if options.given("delay").is_some() && options.given("schedule").is_some() {
            return Err(Error::new(
                ErrorCode::DelayWithSchedule,
                "`delay` and `schedule` cannot be used together",
            )
            .with_help("`delay` starts one run later, `schedule` starts runs regularly")
            .with_path("/delay"));
        }
        if name.is_empty() {
            return Err(Error::new(ErrorCode::TaskNameInvalid, "the task name is empty"));
        }
        if taken {
            return Err(Error::new(ErrorCode::TaskDuplicate, format!("task `{name}` is already registered"))
                .with_help("give each task a name of its own"));
        }
        let timeout = options.seconds("timeout")?.unwrap_or(DEFAULT_TIMEOUT);
        in_range("timeout", timeout > 0.0, "positive", timeout)?;
        let retries = options.number("retries")?.unwrap_or(0.0);
        in_range("retries", retries >= 0.0, "non-negative", retries)?;
        let retry_delay = options.seconds("retryDelay")?.unwrap_or(DEFAULT_RETRY_DELAY);
        in_range("retryDelay", retry_delay >= 0.0, "non-negative", retry_delay)?;
        let backoff = options.number("backoff")?.unwrap_or(DEFAULT_BACKOFF);
        in_range("backoff", backoff >= 1.0, "at least 1", backoff)?;
        let delay = options.seconds("delay")?;
        if let Some(delay) = delay {
            in_range("delay", delay > 0.0, "positive", delay)?;
        }
        options.check_entrypoint()?;
        Ok(Self {
            name: name.to_owned(),
            kind: options.kind(kind_name)?,
            depends: options.depends()?,
            timeout,
            retries: whole("retries", retries)?,
            retry_delay,
            backoff,
            delay: delay.map(Delay),
            schedule: options.schedule()?,
            description: options.text("description")?.unwrap_or_default(),
        })
    }

    /// The task as `driver.tasks` shows it.
    pub fn to_json(&self) -> Value {
        let depends = self.depends.iter().map(|name| Value::from(name.as_str())).collect();
        object([
            ("name", self.name.as_str().into()),
            ("type", self.kind.word().into()),
            ("depends", Value::Array(depends)),
            ("timeout", number(self.timeout)),
            ("retries", self.retries.into()),
            ("retryDelay", number(self.retry_delay)),
            ("backoff", number(self.backoff)),
            ("delay", self.delay.map_or(Value::Null, |Delay(seconds)| number(seconds))),
            ("schedule", self.schedule.as_deref().into()),
            ("description", self.description.as_str().into()),
        ])
    }
}

struct Options<'a>(&'a Map<String, Value>);

impl Options<'_> {
    /// The value of an option, unless it is absent or null.
    fn given(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn check_package(&self) -> Result<()> {
        if self.given("package").is_none() {
            return Ok(());
        }
        if !self.is_set("durable") {
            return Err(Error::new(ErrorCode::PackageRequiresDurable, "`package` requires `durable: true`")
                .with_path("/package"));
        }
        if self.given("entrypoint").is_none() {
            return Err(Error::new(ErrorCode::EntrypointInvalid, "`package` requires `entrypoint`")
                .with_help("name the function as `module:function`, for example `main:run`")
                .with_path("/entrypoint"));
        }
        Ok(())
    }

    fn check_entrypoint(&self) -> Result<()> {
        if self.given("package").is_none() {
            return Ok(());
        }
        let entrypoint = self.text("entrypoint")?.unwrap_or_default();
        if entrypoint.contains(':') {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::EntrypointInvalid,
            format!("`{entrypoint}` is not a `module:function` entry point"),
        )
        .with_help("name the function as `module:function`, for example `main:run`")
        .with_path("/entrypoint"))
    }

    /// Whether a type that is switched on by its mere value (`shell`, `py`, `http`, `durable`) was given.
    fn is_set(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| *value != Value::Bool(false))
    }

    fn only_type(&self) -> Result<&'static str> {
        let (flags, names) = (["shell", "py", "http", "durable"], ["tool", "workflow", "workflowId"]);
        let chosen = flags.into_iter().filter(|key| self.is_set(key));
        let chosen: Vec<_> =
            chosen.chain(names.into_iter().filter(|key| self.given(key).is_some())).collect();
        match chosen.as_slice() {
            [only] => Ok(only),
            [] => Err(Error::new(ErrorCode::TaskTypeMissing, "the task has no type").with_help(
                "give exactly one of `shell`, `py`, `http`, `tool`, `workflow`, `workflowId` or `durable`",
            )),
            several => {
                let shown: Vec<String> = several
                    .iter()
                    .filter_map(|key| match self.given(key) {
                        Some(Value::String(text)) if names.contains(key) => {
                            (!text.is_empty()).then(|| format!("`{key}: \"{text}\"`"))
                        }
                        _ => Some(format!("`{key}`")),
                    })
                    .collect();
                Err(Error::new(
                    ErrorCode::TaskTypeAmbiguous,
                    format!("only one task type is allowed, got {}", shown.join(", ")),
                ))
            }
        }
    }

    fn kind(&self, chosen: &str) -> Result<TaskKind> {
        let value = self.0.get(chosen).cloned().unwrap_or(Value::Null);
        let optional = |key: &str| self.0.get(key).cloned();
        Ok(match chosen {
            "shell" => TaskKind::Shell(value),
            "http" => TaskKind::Http(value),
            "py" => TaskKind::Python(self.text("py")?.unwrap_or_default()),
            "tool" => TaskKind::Tool {
                name: self.text("tool")?.unwrap_or_default(),
                kwargs: optional("kwargs").unwrap_or(Value::Null),
            },
            "durable" => {
                return Err(Error::new(
                    ErrorCode::NotSupported,
                    "durable Python tasks are not supported yet",
                )
                .with_help("use `py` for Python source that needs no durable context")
                .with_path("/durable"));
            }
            _ => TaskKind::Workflow {
                name: self.text("workflow")?,
                id: self.text("workflowId")?,
                inputs: optional("inputs"),
            },
        })
    }

    fn depends(&self) -> Result<Vec<String>> {
        match self.given("depends") {
            None => Ok(Vec::new()),
            Some(Value::String(name)) => Ok(vec![name.clone()]),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| match item {
                    Value::String(name) => Ok(name.clone()),
                    other => Err(wrong_type(&format!("/depends/{index}"), "the name of a task", other)),
                })
                .collect(),
            Some(other) => Err(wrong_type("/depends", "a list of task names", other)),
        }
    }

    /// Cron text passes untouched; a duration becomes `@every` whole seconds, truncated as in Python.
    fn schedule(&self) -> Result<Option<String>> {
        let Some(value) = self.given("schedule") else {
            return Ok(None);
        };
        if let Value::String(text) = value
            && duration::parse_iso(text).is_none()
        {
            return Ok(Some(text.clone()));
        }
        let seconds = duration::seconds(value).map_err(|error| error.with_path("/schedule"))?;
        Ok(Some(format!("@every {}s", digits(seconds.trunc()))))
    }

    fn seconds(&self, key: &str) -> Result<Option<f64>> {
        self.given(key)
            .map(|value| duration::seconds(value).map_err(|error| error.with_path(format!("/{key}"))))
            .transpose()
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        self.given(key)
            .map(|value| to_f64(value).ok_or_else(|| wrong_type(&format!("/{key}"), "a number", value)))
            .transpose()
    }

    fn text(&self, key: &str) -> Result<Option<String>> {
        self.given(key)
            .map(|value| match value {
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong_type(&format!("/{key}"), "text", other)),
            })
            .transpose()
    }
}

fn check_names(map: &Map<String, Value>) -> Result<()> {
    match map.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let help = did_you_mean(key, OPTIONS).unwrap_or_else(|| {
                "arguments of a tool go into `kwargs`, run inputs of another workflow into `inputs`"
                    .to_owned()
            });
            Err(Error::new(ErrorCode::TaskOptionUnknown, format!("there is no task option `{key}`"))
                .with_help(help)
                .with_path(crate::json::child_path("", key)))
        }
    }
}

fn in_range(key: &str, holds: bool, rule: &str, value: f64) -> Result<()> {
    if holds {
        return Ok(());
    }
    let message = format!("`{key}` must be {rule}, got `{}`", digits(value));
    Err(Error::new(ErrorCode::TaskOptionRange, message).with_path(format!("/{key}")))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "range and wholeness are checked first"
)]
fn whole(key: &str, value: f64) -> Result<u32> {
    in_range(key, value.fract() == 0.0 && value < f64::from(u32::MAX), "a whole number", value)?;
    Ok(value as u32)
}

fn wrong_type(path: &str, expected: &str, found: &Value) -> Error {
    let subject = path.trim_start_matches('/');
    let message = if subject.is_empty() {
        format!("expected {expected}, found {}", kind_of(found))
    } else {
        format!("`{subject}` takes {expected}, found {}", kind_of(found))
    };
    Error::new(ErrorCode::TaskOptionType, message).with_kind(ErrorKind::TaskDefinition).with_path(path)
}
