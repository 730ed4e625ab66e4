//! The workflow definition as a whole.

use super::duration::Duration;
use super::fields::{Named, Reader, Reading, Step};
use super::moment::Moment;
use super::operator::Operator;
use super::policy::RetryPolicy;
use super::record::{record, words};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::json::number::digits;
use crate::json::{JsonWriter, parse_json};
use serde_json::{Map, Value};

words! {
    /// What happens when the deadline of a run passes.
    DeadlineAction = "a deadline action" {
        /// The run fails.
        #[default]
        Fail = "fail",
        /// The run is cancelled.
        Cancel = "cancel",
    }
}

record! {
    /// A workflow definition: operators by id, and the order in which they run.
    Workflow {
        /// Name: lower case letters, digits and single underscores, with a letter first.
        name: String,
        /// Version text; `2.0.0` by default.
        version: String = "2.0.0".to_owned(),
        /// What it is for.
        description: String = String::new(),
        /// The operators by id, in order of definition.
        tasks: Named<Operator> = Named::default(),
        /// Default values of the run inputs.
        variables: Map<String, Value> = Map::new(),
        /// Id of the first operator. For information only: the operators without dependencies start first.
        start_task: Option<String> = None,
        /// Cron text: when the workflow starts by itself.
        schedule: Option<String> = None,
        /// The moment from which the schedule holds.
        start_date: Option<Moment> = None,
        /// Whether missed firings are started later.
        catchup: bool = false,
        /// Whether the schedule is paused.
        is_paused: bool = false,
        /// Free labels.
        tags: Vec<String> = Vec::new(),
        /// How many runs may be active at the same time.
        max_active_runs: i64 = 1,
        /// The retry policy of operators that have none.
        default_retry_policy: Option<RetryPolicy> = None,
        /// Time limit of a run in seconds, above 0; none by default.
        deadline_seconds: Option<i64> = None,
        /// What happens when the deadline passes.
        deadline_action: DeadlineAction = DeadlineAction::Fail,
    } with
        /// The driver's time limit of a run, in seconds. Not part of the DSL's format, and written only if present.
        timeout_seconds: Option<Duration>
}

/// A definition as far as it could be read, and everything that is wrong with its parts.
#[derive(Clone, Debug)]
pub struct Document {
    /// The definition. Use it only if no finding is an error.
    pub workflow: Workflow,
    /// The findings, in the order of the document.
    pub diagnostics: Vec<Diagnostic>,
}

impl Document {
    /// Whether no finding is an error.
    pub fn is_valid(&self) -> bool {
        !Diagnostic::any_error(&self.diagnostics)
    }

    /// Refuses a definition that has errors.
    ///
    /// # Errors
    ///
    /// One error that carries all findings that are errors.
    pub fn check(&self) -> Result<()> {
        Error::from_diagnostics(self.errors()).map_or(Ok(()), Err)
    }

    /// The findings that are errors.
    pub(super) fn errors(&self) -> Vec<Diagnostic> {
        self.diagnostics.iter().filter(|finding| finding.is_error()).cloned().collect()
    }
}

/// Reads a workflow definition in any of Highway's dialects. Never fails: faults are in the diagnostics.
///
/// ```
/// use highway_wasm::definition::read;
/// use serde_json::json;
///
/// let document = read(&json!({"name": "w", "tasks": {"a": {"task_id": "a", "operator_type": "task", "function": "f",
///     "retry_policy": {"max_attempts": 6}}}}));
/// let policy = document.workflow.tasks.get("a").unwrap().retry_policy.as_ref().unwrap();
/// assert_eq!(policy.max_retries, 5); // attempts count the first one
/// assert!(document.is_valid());
/// ```
pub fn read(document: &Value) -> Document {
    read_with(document, "", Reading::default())
}

/// Reads a definition that stands at the pointer `base` of another document, by given rules.
pub fn read_with(document: &Value, base: &str, rules: Reading) -> Document {
    let mut reader = Reader::new(base, rules);
    let workflow = Workflow::read(document, &mut reader);
    Document { workflow, diagnostics: reader.findings }
}

impl Workflow {
    /// An empty workflow. The name is checked when the definition is read, not here.
    pub fn new(name: &str) -> Self {
        let mut reader = Reader::new("", Reading::default());
        let mut map = Map::new();
        map.insert("name".into(), name.into());
        Self::read_fields(&map, &mut reader, None)
    }

    /// Reads the fields by their types, without the rules about values.
    pub(crate) fn read_unchecked<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Self {
        let Some(map) = reader.object(value) else {
            return Self::new("");
        };
        let timeout = reader.field::<Option<Duration>>(map, "timeout_seconds").flatten();
        reader.unknown(map, &[Self::FIELDS, &["timeout_seconds"]]);
        Self::read_fields(map, reader, timeout)
    }

    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Self {
        let workflow = Self::read_unchecked(value, reader);
        for (key, code, found) in [
            ("name", ErrorCode::WorkflowNameInvalid, name_fault(&workflow.name)),
            ("version", ErrorCode::WorkflowVersionInvalid, version_fault(&workflow.version)),
        ] {
            if let Some(message) = found {
                reader.enter(Step::Key(key));
                reader.error(code, message);
                reader.leave();
            }
        }
        if let Some(seconds) = workflow.deadline_seconds {
            reader.in_range("deadline_seconds", seconds, 1, i64::MAX);
        }
        workflow
    }

    /// Highway's JSON text: two blanks of indentation, every field, in the order of `highway_dsl` 2.2.0.
    pub fn to_json_pretty(&self) -> String {
        self.written(JsonWriter::pretty())
    }

    /// Highway's JSON text without blanks.
    pub fn to_json(&self) -> String {
        self.written(JsonWriter::compact())
    }

    /// The definition as plain data.
    pub fn to_value(&self) -> Value {
        // The text was written here, so it is valid JSON.
        parse_json(&self.to_json()).unwrap_or(Value::Null)
    }

    pub(super) fn written(&self, mut out: JsonWriter) -> String {
        out.open('{');
        self.write_fields(&mut out);
        if let Some(timeout) = &self.timeout_seconds {
            out.key("timeout_seconds");
            out.raw(&digits(timeout.seconds()));
        }
        out.close('}');
        out.finish()
    }
}

/// What is wrong with the name of a workflow. Empty text and one line break at the end are allowed, as in Highway.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    if name.contains("__") {
        return Some(format!("workflow name `{name}` contains `__`, which Highway keeps as a separator"));
    }
    let bare = name.strip_suffix('\n').unwrap_or(name);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = bare.chars().next().is_none_or(|c| c.is_ascii_lowercase());
    if starts && bare.chars().all(fits) && (!bare.is_empty() || name.is_empty()) {
        return None;
    }
    Some(format!(
        "workflow name `{name}` must start with a lower case letter and consist of lower case letters, digits and single underscores"
    ))
}

fn version_fault(version: &str) -> Option<String> {
    if version.contains("__") {
        return Some(format!(
            "workflow version `{version}` contains `__`, which Highway keeps as a separator"
        ));
    }
    let bare = version.strip_suffix('\n').unwrap_or(version);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if bare.chars().all(fits) && (!bare.is_empty() || version.is_empty()) {
        return None;
    }
    Some(format!(
        "workflow version `{version}` must consist of letters, digits, dots, dashes and underscores"
    ))
}
