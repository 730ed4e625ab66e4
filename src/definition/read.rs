//! Reads a definition from JSON: the driver's dialect and the DSL's policy spelling, every finding at once.

use super::{Operation, Operator, RetryPolicy, Wait, Workflow, duration};
use crate::codec::write_json;
use crate::error::{Diagnostic, ErrorCode, Severity};
use crate::json::{child_path, kind_of, to_text};
use crate::number::{digits, parse_f64, to_f64};
use crate::time::parse_iso as parse_moment;
use serde_json::{Map, Value};

/// Highway's own policy where a `retry_policy` leaves parts out.
const DEFAULT_RETRY: RetryPolicy = RetryPolicy { max_retries: 3, delay: 5.0, backoff: 2.0 };

/// A definition as far as it could be read, with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Document {
    /// The definition; only good to run where there is no error among the findings.
    pub workflow: Workflow,
    /// What was found, in document order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Document {
    /// Whether no finding is an error.
    pub fn is_valid(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
    }
}

/// Reads a workflow definition. Never fails: what is wrong is in the diagnostics.
pub fn read(document: &Value) -> Document {
    let mut reader = Reader { diagnostics: Vec::new(), default_retry: RetryPolicy::NONE };
    let workflow = reader.workflow(document);
    Document { workflow, diagnostics: reader.diagnostics }
}

struct Reader {
    diagnostics: Vec<Diagnostic>,
    default_retry: RetryPolicy,
}

/// Parts of a document that change what it does and that the engine does not do yet.
const UNSUPPORTED_IN_WORKFLOW: [&str; 4] = ["schedule", "start_date", "is_paused", "deadline_seconds"];
const UNSUPPORTED_IN_TASK: [&str; 6] = [
    "on_success_task_id",
    "on_failure_task_id",
    "circuit_breaker_policy",
    "idempotency_key",
    "preconditions",
    "postconditions",
];

impl Reader {
    fn workflow(&mut self, document: &Value) -> Workflow {
        let empty = Map::new();
        let map = self.object(document, "", &empty);
        let name = self.text(map, "", "name");
        if name.is_none() && document.is_object() {
            self.error("", "the workflow has no `name`");
        }
        self.refuse_unsupported(map, "", &UNSUPPORTED_IN_WORKFLOW);
        self.default_retry = self.retry(map, "", "default_retry_policy");
        let mut operators = Vec::new();
        match map.get("tasks") {
            Some(Value::Object(tasks)) if !tasks.is_empty() => {
                for (id, task) in tasks {
                    operators.extend(self.operator(id, task, &child_path("/tasks", id)));
                }
            }
            None | Some(Value::Object(_)) if document.is_object() => {
                self.error("/tasks", "the workflow has no tasks");
            }
            Some(other) => self.wrong_type("/tasks", "an object of tasks", other),
            _ => {}
        }
        let no_variables = Map::new();
        let variables = match map.get("variables") {
            None | Some(Value::Null) => no_variables,
            Some(value) => self.object(value, "/variables", &no_variables).clone(),
        };
        Workflow {
            name: name.unwrap_or_default(),
            version: self.text(map, "", "version").unwrap_or_default(),
            description: self.text(map, "", "description").unwrap_or_default(),
            start_task: self.text(map, "", "start_task"),
            operators,
            variables,
            max_active_runs: self.count(map, "", "max_active_runs").unwrap_or(1),
            timeout: self.seconds(map, "", "timeout_seconds"),
            schedule: self.text(map, "", "schedule"),
        }
    }

    fn operator(&mut self, key: &str, value: &Value, path: &str) -> Option<Operator> {
        let empty = Map::new();
        let map = self.object(value, path, &empty);
        if map.get("is_internal_loop_task") == Some(&Value::Bool(true)) {
            return None;
        }
        if let Some(rule) = self.text(map, path, "trigger_rule").filter(|rule| rule != "all_success") {
            self.unsupported(&child_path(path, "trigger_rule"), &format!("trigger rule `{rule}`"));
        }
        self.refuse_unsupported(map, path, &UNSUPPORTED_IN_TASK);
        let operation = match self.text(map, path, "operator_type").as_deref() {
            Some("task") => self.task(map, path),
            Some("wait") => Operation::Wait(self.wait(map, path)),
            Some(other) => {
                self.unsupported(&child_path(path, "operator_type"), &format!("operator `{other}`"));
                Operation::Unsupported { operator_type: other.to_owned() }
            }
            None => {
                if value.is_object() && !map.contains_key("operator_type") {
                    self.error(
                        &child_path(path, "operator_type"),
                        format!("task `{key}` has no `operator_type`"),
                    );
                }
                return None;
            }
        };
        Some(Operator {
            id: self.text(map, path, "task_id").unwrap_or_else(|| key.to_owned()),
            description: self.text(map, path, "description").unwrap_or_default(),
            dependencies: self.dependencies(map, path),
            result_key: self.text(map, path, "result_key"),
            timeout: self.timeout(map, path),
            retry: self.retry(map, path, "retry_policy"),
            operation,
        })
    }

    fn task(&mut self, map: &Map<String, Value>, path: &str) -> Operation {
        let function = self.text(map, path, "function").unwrap_or_default();
        if matches!(map.get("function"), None | Some(Value::Null)) || map.get("function") == Some(&"".into())
        {
            self.error(&child_path(path, "function"), "a task needs the name of a tool as `function`");
        }
        let args = match map.get("args") {
            None | Some(Value::Null) => None,
            Some(Value::Array(args)) => Some(args.clone()),
            Some(other) => {
                self.wrong_type(&child_path(path, "args"), "a list", other);
                None
            }
        };
        let kwargs = match map.get("kwargs") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(kwargs @ Value::Object(_)) => kwargs.clone(),
            Some(other) => {
                self.wrong_type(&child_path(path, "kwargs"), "an object", other);
                Value::Object(Map::new())
            }
        };
        Operation::Task { function, args, kwargs }
    }

    fn wait(&mut self, map: &Map<String, Value>, path: &str) -> Wait {
        let path = child_path(path, "wait_for");
        let found = match map.get("wait_for") {
            Some(Value::Number(seconds)) => parse_f64(seconds.as_str()).map(Wait::For),
            Some(Value::String(text)) => {
                let prefixed = text.strip_prefix("duration:").and_then(parse_f64);
                let moment = parse_moment(text.strip_prefix("datetime:").unwrap_or(text));
                prefixed.or_else(|| duration::parse_iso(text)).map(Wait::For).or(moment.map(Wait::Until))
            }
            _ => None,
        };
        found.unwrap_or_else(|| {
            let shown = map.get("wait_for").map_or_else(|| "nothing".into(), write_json);
            self.diagnostics.push(
                Diagnostic::error(
                    ErrorCode::DocumentInvalid,
                    path,
                    format!("`wait_for` is {shown}, which is no time"),
                )
                .with_help(
                    "give seconds, ISO 8601 duration text (`PT30S`) or a moment (`2030-01-01T00:00:00Z`)",
                ),
            );
            Wait::For(0.0)
        })
    }

    fn dependencies(&mut self, map: &Map<String, Value>, path: &str) -> Vec<String> {
        let path = child_path(path, "dependencies");
        match map.get("dependencies") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => {
                let mut ids = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    match item {
                        Value::String(id) => ids.push(id.clone()),
                        other => self.wrong_type(&format!("{path}/{index}"), "a task id", other),
                    }
                }
                ids
            }
            Some(other) => {
                self.wrong_type(&path, "a list of task ids", other);
                Vec::new()
            }
        }
    }

    /// `timeout_seconds` of the driver, or `timeout_policy.timeout` of the DSL.
    fn timeout(&mut self, map: &Map<String, Value>, path: &str) -> Option<f64> {
        let policy_path = child_path(path, "timeout_policy");
        let (path, timeout) = match map.get("timeout_policy") {
            Some(Value::Object(policy)) => {
                (policy_path.as_str(), self.seconds(policy, &policy_path, "timeout"))
            }
            _ => (path, self.seconds(map, path, "timeout_seconds")),
        };
        if timeout == Some(0.0) {
            self.error(path, "a time limit of 0 s leaves no time for an attempt");
        }
        timeout
    }

    /// `max_attempts, initial_interval_seconds, backoff_coefficient` of the driver (attempts count the first
    /// try), or `max_retries, delay, backoff_factor` of the DSL.
    fn retry(&mut self, map: &Map<String, Value>, path: &str, key: &str) -> RetryPolicy {
        let path = child_path(path, key);
        let policy = match map.get(key) {
            None | Some(Value::Null) => return self.default_retry,
            Some(Value::Object(policy)) => policy,
            Some(other) => {
                self.wrong_type(&path, "an object", other);
                return RetryPolicy::NONE;
            }
        };
        let attempts = self.count(policy, &path, "max_attempts").map(|attempts| attempts.saturating_sub(1));
        let retries = attempts.or_else(|| self.count(policy, &path, "max_retries"));
        let delay = self
            .seconds(policy, &path, "initial_interval_seconds")
            .or_else(|| self.seconds(policy, &path, "delay"));
        let backoff = self
            .plain_number(policy, &path, "backoff_coefficient")
            .or_else(|| self.plain_number(policy, &path, "backoff_factor"));
        if let Some(backoff) = backoff.filter(|backoff| *backoff < 1.0) {
            let shown = digits(backoff);
            self.error(&path, format!("the delays shrink by a factor of {shown}, it must be at least 1"));
        }
        RetryPolicy {
            max_retries: retries.unwrap_or(DEFAULT_RETRY.max_retries),
            delay: delay.unwrap_or(DEFAULT_RETRY.delay),
            backoff: backoff.unwrap_or(DEFAULT_RETRY.backoff),
        }
    }

    fn object<'a>(
        &mut self,
        value: &'a Value,
        path: &str,
        otherwise: &'a Map<String, Value>,
    ) -> &'a Map<String, Value> {
        value.as_object().unwrap_or_else(|| {
            self.wrong_type(path, "an object", value);
            otherwise
        })
    }

    fn text(&mut self, map: &Map<String, Value>, path: &str, key: &str) -> Option<String> {
        match map.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => {
                self.wrong_type(&child_path(path, key), "text", other);
                None
            }
        }
    }

    fn count(&mut self, map: &Map<String, Value>, path: &str, key: &str) -> Option<u32> {
        let value = map.get(key).filter(|value| !value.is_null())?;
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        if count.is_none() {
            self.wrong_type(&child_path(path, key), "a whole number of at least 0", value);
        }
        count
    }

    fn plain_number(&mut self, map: &Map<String, Value>, path: &str, key: &str) -> Option<f64> {
        let value = map.get(key).filter(|value| !value.is_null())?;
        if !value.is_number() {
            self.wrong_type(&child_path(path, key), "a number", value);
        }
        to_f64(value)
    }

    fn seconds(&mut self, map: &Map<String, Value>, path: &str, key: &str) -> Option<f64> {
        let value = map.get(key).filter(|value| !value.is_null())?;
        match duration::seconds(value) {
            Ok(seconds) if seconds >= 0.0 => Some(seconds),
            Ok(_) => {
                self.error(&child_path(path, key), format!("`{key}` is negative: {}", to_text(value)));
                None
            }
            Err(error) => {
                self.error(&child_path(path, key), error.message());
                None
            }
        }
    }

    fn error(&mut self, path: &str, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(ErrorCode::DocumentInvalid, path, message));
    }

    fn wrong_type(&mut self, path: &str, expected: &str, found: &Value) {
        self.error(path, format!("expected {expected}, found {}", kind_of(found)));
    }

    /// Reports each of `keys` that says anything: neither null nor false nor empty.
    fn refuse_unsupported(&mut self, map: &Map<String, Value>, path: &str, keys: &[&str]) {
        for key in keys {
            let says_nothing = match map.get(*key) {
                None | Some(Value::Null | Value::Bool(false)) => true,
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::String(text)) => text.is_empty(),
                Some(_) => false,
            };
            if !says_nothing {
                self.unsupported(&child_path(path, key), &format!("`{key}`"));
            }
        }
    }

    fn unsupported(&mut self, path: &str, what: &str) {
        self.diagnostics.push(
            Diagnostic::error(ErrorCode::OperatorUnsupported, path, format!("the embedded engine does not run {what} yet"))
                .with_help("it runs `task` and `wait` with trigger rule `all_success`; submit this workflow to a Highway server"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_policy_spellings_mean_the_same() {
        let driver = json!({"name": "w", "tasks": {"a": {"task_id": "a", "operator_type": "task", "function": "f",
            "timeout_seconds": 60, "retry_policy": {"max_attempts": 4, "initial_interval_seconds": 2.0, "backoff_coefficient": 1.5}}}});
        let dsl = json!({"name": "w", "tasks": {"a": {"task_id": "a", "operator_type": "task", "function": "f",
            "timeout_policy": {"timeout": "PT1M", "kill_on_timeout": true},
            "retry_policy": {"max_retries": 3, "delay": "PT2S", "backoff_factor": 1.5}}}});
        let (driver, dsl) = (read(&driver), read(&dsl));
        assert!(driver.is_valid() && dsl.is_valid());
        assert_eq!(driver.workflow, dsl.workflow);
    }

    #[test]
    fn all_findings_come_at_once_with_their_paths() {
        let document = read(&json!({"tasks": {
            "a/b": {"operator_type": "task", "function": 5, "dependencies": ["x", 1]},
            "c": {"operator_type": "foreach"},
            "d": 3,
            "e": {"operator_type": "wait", "wait_for": "soon"},
            "f": {"operator_type": "task", "function": "t", "timeout_seconds": -1, "retry_policy": []},
        }}));
        let paths: Vec<_> = document.diagnostics.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "",
                "/tasks/a~1b/function",
                "/tasks/a~1b/dependencies/1",
                "/tasks/c/operator_type",
                "/tasks/d",
                "/tasks/e/wait_for",
                "/tasks/f/timeout_seconds",
                "/tasks/f/retry_policy"
            ]
        );
        assert!(!document.is_valid());
    }

    #[test]
    fn anything_that_is_no_object_is_one_finding() {
        for value in [json!(null), json!([]), json!("x"), json!(1)] {
            assert_eq!(read(&value).diagnostics.len(), 1, "{value}");
        }
    }

    #[test]
    fn waits_take_every_spelling_of_a_time() {
        let wait = |value: Value| {
            let document =
                read(&json!({"name": "w", "tasks": {"a": {"operator_type": "wait", "wait_for": value}}}));
            assert!(document.is_valid(), "{:?}", document.diagnostics);
            match &document.workflow.operators[0].operation {
                Operation::Wait(wait) => wait.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wait(json!("P1D")), Wait::For(86_400.0));
        assert_eq!(wait(json!("PT5400S")), Wait::For(5_400.0));
        assert_eq!(wait(json!("duration:5")), Wait::For(5.0));
        assert_eq!(wait(json!(2.5)), Wait::For(2.5));
        assert_eq!(wait(json!("1970-01-02")), Wait::Until(86_400_000));
    }
}
