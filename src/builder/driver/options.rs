//! The options of a task, read from plain data. The order of the checks is that of the Python driver.

use super::python::MARK;
use super::task::{Delay, DriverTask, Durable, Registration, TaskKind};
use crate::definition::duration::{self, Duration};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::json::number::{as_float, digits, from_digits, to_f64};
use crate::json::{child_path, kind_of, to_text};
use crate::text::joined;
use crate::text::suggest::did_you_mean;
use serde_json::{Map, Number, Value};

/// Names of the options of a task.
const OPTIONS: [&str; 23] = [
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
    "env",
];

const RUN_AT: &str = "use `delay` to start later, or `schedule` to start regularly";

/// Names of options in Python, in definitions and in other tools, with our name.
const ELSEWHERE: [(&str, &str); 15] = [
    ("python", "py"),
    ("dependencies", "depends"),
    ("timeout_seconds", "timeout"),
    ("max_attempts", "retries"),
    ("initial_interval_seconds", "retryDelay"),
    ("backoff_factor", "backoff"),
    ("backoff_coefficient", "backoff"),
    ("cron", "schedule"),
    ("event_name", "event"),
    ("retry", "retries"),
    ("attempts", "retries"),
    ("needs", "depends"),
    ("after", "depends"),
    ("timeoutSeconds", "timeout"),
    ("environment", "env"),
];

impl Registration {
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Task => &OPTIONS,
            Self::Foreach => &["items", "py", "depends", "timeout", "description"],
            Self::WhileLoop => {
                &["condition", "py", "depends", "timeout", "maxIterations", "durable", "description"]
            }
            Self::Emit => &["event", "payload", "depends", "description"],
            Self::WaitFor => &["event", "timeout", "depends", "description"],
            Self::Parallel => &["branches", "depends", "timeout", "description"],
        }
    }
}

impl DriverTask {
    /// Reads the options of the task `name`. `taken` tells whether the name is in use.
    ///
    /// # Errors
    ///
    /// The first failed check, with the path of the option at fault.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "range and wholeness are checked first"
    )]
    pub fn read(registration: Registration, name: &str, options: &Value, taken: bool) -> Result<Self> {
        let Value::Object(map) = options else {
            return Err(wrong_type("", "an object of options", options));
        };
        check_names(map, registration.options())?;
        let options = Options(map);
        let kind_name = if registration == Registration::Task { options.check_task()? } else { "" };
        if name.is_empty() {
            return Err(Error::new(ErrorCode::TaskNameInvalid, "the task name is empty"));
        }
        if taken {
            return Err(Error::new(ErrorCode::TaskDuplicate, format!("task `{name}` is already registered"))
                .with_help("give each task a name of its own"));
        }
        let timeout = options.seconds("timeout")?;
        let is_wait = registration == Registration::WaitFor;
        options.in_range("timeout", is_wait || timeout.is_none_or(|timeout| timeout > 0.0), "positive")?;
        let retries = options.number("retries")?.unwrap_or(0.0);
        options.in_range("retries", retries >= 0.0, "non-negative")?;
        let retry_delay = options.seconds("retryDelay")?;
        options.in_range("retryDelay", retry_delay.is_none_or(|delay| delay >= 0.0), "non-negative")?;
        let backoff = options.number("backoff")?;
        options.in_range("backoff", backoff.is_none_or(|backoff| backoff >= 1.0), "at least 1")?;
        let delay = options.duration("delay")?;
        options.in_range("delay", delay.is_none_or(|delay| delay.micros() > 0), "positive")?;
        options.in_range(
            "retries",
            retries.fract() == 0.0 && retries < f64::from(u32::MAX),
            "a whole number",
        )?;
        options.check_entrypoint()?;
        let kind = match registration {
            Registration::Task => options.kind(kind_name)?,
            other => options.other_kind(other, timeout)?,
        };
        Ok(Self {
            name: name.to_owned(),
            kind,
            env: options.env(kind_name)?,
            depends: options.names("depends")?,
            timeout: options.as_given("timeout", "300"),
            retries: retries as u32,
            retry_delay: options.as_given("retryDelay", "1"),
            backoff: options.as_given("backoff", "2"),
            delay: delay.map(Delay),
            schedule: options.schedule()?,
            description: options.text("description")?.unwrap_or_default(),
        })
    }
}

struct Options<'a>(&'a Map<String, Value>);

impl Options<'_> {
    /// The value of an option. There are few options, so comparing names is faster than hashing the key.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The value of an option, unless it is absent or null.
    fn given(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// Makes the first checks of a task. Returns its type.
    fn check_task(&self) -> Result<&'static str> {
        self.check_package()?;
        let kind_name = self.only_type()?;
        if self.given("runAt").is_some() {
            return Err(Error::new(ErrorCode::NotSupported, "the option `runAt` is not supported")
                .with_help(RUN_AT)
                .with_path("/runAt"));
        }
        if self.given("delay").is_some() && self.given("schedule").is_some() {
            return Err(Error::new(
                ErrorCode::DelayWithSchedule,
                "`delay` and `schedule` cannot be used together",
            )
            .with_help("`delay` starts one run later, `schedule` starts runs regularly")
            .with_path("/delay"));
        }
        Ok(kind_name)
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

    /// Whether one of the types `shell`, `py`, `http`, `durable` was given: with any value but `false`.
    fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| *value != Value::Bool(false))
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
                    format!("only one task type is allowed, got {}", joined(&shown, ", ")),
                ))
            }
        }
    }

    fn kind(&self, chosen: &str) -> Result<TaskKind> {
        let value = self.get(chosen).cloned().unwrap_or(Value::Null);
        let optional = |key: &str| self.get(key).cloned();
        if value == Value::Bool(true) && chosen != "durable" {
            // In Python, the decorated function returns the value.
            let help = format!(
                "write `{chosen}: \"…\"` with the result of the function, as text; a task runs no JavaScript"
            );
            return Err(wrong_type(&format!("/{chosen}"), "what is to run", &value).with_help(help));
        }
        Ok(match chosen {
            "shell" => TaskKind::Shell(match value.as_str().and_then(|text| text.strip_prefix(MARK)) {
                Some(text) => text.into(),
                None => value,
            }),
            "http" => TaskKind::Http(value),
            "py" => {
                let source = self.text("py").map_err(|error| error.with_help("write the source as text"))?;
                TaskKind::Python(source.unwrap_or_default())
            }
            "tool" => TaskKind::Tool {
                name: self.text("tool")?.unwrap_or_default(),
                kwargs: optional("kwargs").unwrap_or(Value::Null),
            },
            "durable" => TaskKind::Durable(self.durable()?),
            _ => TaskKind::Workflow {
                name: self.text("workflow")?,
                id: self.text("workflowId")?,
                inputs: optional("inputs"),
            },
        })
    }

    /// Environment variables of a command or of Python source.
    fn env(&self, kind: &str) -> Result<Map<String, Value>> {
        let Some(given) = self.given("env") else { return Ok(Map::new()) };
        if kind != "shell" && kind != "py" {
            let message = "only `shell` and `py` take `env`";
            return Err(Error::new(ErrorCode::TaskOptionUnknown, message).with_path("/env"));
        }
        let Value::Object(env) = given else { return Err(wrong_type("/env", "an object of texts", given)) };
        let Some((name, value)) = env.iter().find(|(_, value)| !value.is_string()) else {
            return Ok(env.clone());
        };
        let message = format!("`env.{name}` must be text, found {}", kind_of(value));
        let error = Error::new(ErrorCode::TaskOptionType, message)
            .with_kind(ErrorKind::TaskDefinition)
            .with_path(child_path("/env", name));
        Err(match value {
            Value::Number(_) | Value::Bool(_) => error.with_help(format!("write `\"{}\"`", to_text(value))),
            _ => error,
        })
    }

    /// The source of the function is the value of `durable`; a package has an entry point instead.
    fn durable(&self) -> Result<Durable> {
        // As in Python, an empty name means no package: the function is packed alone.
        let package =
            self.text("package")?.filter(|package| !package.is_empty()).zip(self.text("entrypoint")?);
        let source = match self.given("durable") {
            Some(Value::String(source)) => source.clone(),
            Some(Value::Bool(true)) if package.is_some() => String::new(),
            Some(other) => {
                return Err(wrong_type("/durable", "the source of a Python function", other).with_help(
                    "write `durable: \"def f(ctx): …\"`, or `durable: true` with `package` and `entrypoint`",
                ));
            }
            None => String::new(),
        };
        let args = match self.given("funcArgs") {
            None => Vec::new(),
            Some(Value::Array(args)) => args.clone(),
            Some(other) => return Err(wrong_type("/funcArgs", "a list", other)),
        };
        let kwargs = match self.given("funcKwargs") {
            None => Map::new(),
            Some(Value::Object(kwargs)) => kwargs.clone(),
            Some(other) => return Err(wrong_type("/funcKwargs", "an object", other)),
        };
        Ok(Durable { source, package, args, kwargs })
    }

    /// What a loop, an event or parallel branches do.
    fn other_kind(&self, registration: Registration, timeout: Option<f64>) -> Result<TaskKind> {
        Ok(match registration {
            Registration::Foreach => {
                TaskKind::Foreach { items: self.must("items")?, source: self.must("py")? }
            }
            Registration::WhileLoop => TaskKind::While {
                condition: self.must("condition")?,
                source: self.must("py")?,
                is_durable: self.get("durable").is_none_or(|value| *value != Value::Bool(false)),
            },
            Registration::Emit => {
                let payload = self.given("payload").cloned().unwrap_or_else(|| Value::Object(Map::new()));
                TaskKind::Emit { event: self.must("event")?, payload }
            }
            Registration::WaitFor => {
                // Python treats zero as no limit.
                let key = if timeout == Some(0.0) { "" } else { "timeout" };
                let timeout = self.as_given(key, "30");
                TaskKind::WaitFor { event: self.must("event")?, timeout }
            }
            _ => TaskKind::Parallel { branches: self.branches()? },
        })
    }

    /// The branches: name and tasks. A list of tasks stands for one branch a task.
    fn branches(&self) -> Result<Vec<(String, Vec<String>)>> {
        let branches: Vec<(String, Vec<String>)> = match self.given("branches") {
            Some(Value::Object(map)) => {
                let read = |name: &String, value: &Value| {
                    names(value, &crate::json::child_path("/branches", name))
                        .map(|members| (name.clone(), members))
                };
                map.iter().map(|(name, value)| read(name, value)).collect::<Result<_>>()?
            }
            _ => self.names("branches")?.into_iter().map(|name| (name.clone(), vec![name])).collect(),
        };
        if branches.is_empty() {
            return Err(Error::new(ErrorCode::TaskOptionRange, "parallel() requires at least one branch")
                .with_help("name the tasks that run side by side")
                .with_path("/branches"));
        }
        Ok(branches)
    }

    /// A required text.
    fn must(&self, key: &str) -> Result<String> {
        let path = format!("/{key}");
        self.text(key)?.ok_or_else(|| {
            Error::new(ErrorCode::TaskOptionMissing, format!("the option `{key}` is missing")).with_path(path)
        })
    }

    fn names(&self, key: &str) -> Result<Vec<String>> {
        self.given(key).map_or(Ok(Vec::new()), |value| names(value, &format!("/{key}")))
    }

    /// Keeps cron text. Turns a duration into `@every` with whole seconds, cut as in Python.
    fn schedule(&self) -> Result<Option<String>> {
        let Some(value) = self.given("schedule") else {
            return Ok(None);
        };
        if let Value::String(text) = value
            && duration::parse_iso(text).is_none()
        {
            return Ok(Some(text.clone()));
        }
        let every = self.duration("schedule")?.unwrap_or_default();
        Ok(Some(format!("@every {}s", every.micros() / 1_000_000)))
    }

    /// A number with its digits; another form of a duration as seconds, exact to a microsecond.
    fn as_given(&self, key: &str, default: &str) -> Number {
        match self.given(key) {
            Some(Value::Number(number)) => as_float(number),
            given => {
                let seconds = given.and_then(|given| duration::seconds(given).ok());
                from_digits(seconds.map_or_else(|| default.to_owned(), digits))
            }
        }
    }

    fn seconds(&self, key: &str) -> Result<Option<f64>> {
        self.given(key)
            .map(|value| duration::seconds(value).map_err(|error| error.with_path(format!("/{key}"))))
            .transpose()
    }

    fn duration(&self, key: &str) -> Result<Option<Duration>> {
        self.given(key)
            .map(|value| duration::read(value).map_err(|error| error.with_path(format!("/{key}"))))
            .transpose()
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        self.given(key)
            .map(|value| to_f64(value).ok_or_else(|| wrong_type(&format!("/{key}"), "a number", value)))
            .transpose()
    }

    /// Refuses the value of an option if the rule does not hold.
    fn in_range(&self, key: &str, holds: bool, rule: &str) -> Result<()> {
        if holds {
            return Ok(());
        }
        let given = self.given(key).map(to_text).unwrap_or_default();
        let message = format!("`{key}` must be {rule}, got `{given}`");
        Err(Error::new(ErrorCode::TaskOptionRange, message).with_path(format!("/{key}")))
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

/// A task name or a list of task names.
fn names(value: &Value, path: &str) -> Result<Vec<String>> {
    match value {
        Value::String(name) => Ok(vec![name.clone()]),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(name) => Ok(name.clone()),
                other => Err(wrong_type(&format!("{path}/{index}"), "the name of a task", other)),
            })
            .collect(),
        other => Err(wrong_type(path, "a list of task names", other)),
    }
}

fn check_names(map: &Map<String, Value>, options: &[&'static str]) -> Result<()> {
    match map.keys().find(|key| !options.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let known = |name: &&str| options.contains(name);
            let other = ELSEWHERE.iter().find(|(word, name)| word == key && known(name));
            let near = || did_you_mean(key, options.iter().copied().filter(|name| *name != "runAt"));
            let help = match (other, key.as_str()) {
                (Some((_, name)), _) => format!("did you mean `{name}`?"),
                (None, "cwd" | "check") => {
                    format!("give it to the tool: `tool: \"tools.shell.run\", kwargs: {{ command, {key} }}`")
                }
                (None, "run_at") => RUN_AT.to_owned(),
                _ => near().unwrap_or_else(|| {
                    "arguments of a tool go into `kwargs`, run inputs of another workflow into `inputs`"
                        .to_owned()
                }),
            };
            Err(Error::new(ErrorCode::TaskOptionUnknown, format!("there is no task option `{key}`"))
                .with_help(help)
                .with_path(crate::json::child_path("", key)))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_of_elsewhere_are_known() {
        for (key, help) in [
            ("python", "did you mean `py`?"),
            ("dependencies", "did you mean `depends`?"),
            ("timeout_seconds", "did you mean `timeout`?"),
            ("backoff_factor", "did you mean `backoff`?"),
            ("cron", "did you mean `schedule`?"),
            ("retry_delay", "did you mean `retryDelay`?"),
            ("run_at", RUN_AT),
            ("retry", "did you mean `retries`?"),
            ("needs", "did you mean `depends`?"),
            ("depends_on", "did you mean `depends`?"),
            ("timeoutSeconds", "did you mean `timeout`?"),
            ("environment", "did you mean `env`?"),
            ("cwd", "give it to the tool: `tool: \"tools.shell.run\", kwargs: { command, cwd }`"),
        ] {
            let error =
                DriverTask::read(Registration::Task, "a", &json!({"shell": "x", key: 1}), false).unwrap_err();
            assert_eq!(error.code(), ErrorCode::TaskOptionUnknown, "{key}");
            assert_eq!(error.help(), Some(help), "{key}");
        }
        let wait = json!({"event_name": "x"});
        let error = DriverTask::read(Registration::WaitFor, "a", &wait, false).unwrap_err();
        assert_eq!(error.help(), Some("did you mean `event`?"));
    }
}
