//! The `Driver` of the Python SDK: named tasks in, workflow definition out.

mod artifact;
mod checks;
mod document;
mod functions;
mod options;
mod python;
mod task;
mod waits;

pub use document::Document;
pub(crate) use python::RESULT_MARKER;
pub use task::{Delay, DriverTask, Durable, Registration, TaskKind};

use crate::definition::read;
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::json::number::{digits, from_digits};
use crate::json::parse_json;
use crate::validate::{Clocks, inside};
use serde_json::{Map, Number, Value};

/// The time limit of a run without `timeout`, in seconds.
const DEFAULT_RUN_TIMEOUT: u32 = 300;
/// The most that waits add to the time limit of a run, in seconds: 31 years.
const MOST_ROOM: f64 = 1e9;

/// Collects tasks and builds the definition of the Python driver 0.9.1.
///
/// ```
/// use highway_wasm::builder::{Driver, RunSettings};
/// use serde_json::json;
///
/// let mut driver = Driver::new(None);
/// driver.task("backup_db", &json!({"shell": "pg_dump mydb"})).unwrap();
/// driver.task("upload", &json!({"shell": "aws s3 cp dump.sql s3://b", "depends": ["backup_db"]})).unwrap();
/// let definition = driver.build(&RunSettings::default(), "0badcafe").unwrap();
/// assert_eq!(definition["name"], "workflow_backup_db");
/// assert_eq!(definition["start_task"], "backup_db");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Driver {
    name: Option<String>,
    tasks: Vec<DriverTask>,
    /// Positions of the tasks by name. A JSON map is the table, so that the artefact has one kind of hash table.
    names: Map<String, Value>,
}

/// What a run adds to the definition.
#[derive(Clone, Debug, Default)]
pub struct RunSettings {
    /// Time limit of the run in seconds; 300 if `None`. The definition has whole seconds.
    pub timeout: Option<Number>,
    /// Run inputs, written as the variables of the definition.
    pub inputs: Map<String, Value>,
}

impl Driver {
    /// A driver without tasks; an empty name counts as none.
    pub fn new(name: Option<&str>) -> Self {
        Self { name: name.filter(|name| !name.is_empty()).map(str::to_owned), ..Self::default() }
    }

    /// Registers a task.
    ///
    /// # Errors
    ///
    /// The first check of its options that fails; nothing is registered then.
    pub fn task(&mut self, name: &str, options: &Value) -> Result<()> {
        self.register(Registration::Task, name, options)
    }

    /// Registers a task, a loop, an event or parallel branches.
    ///
    /// # Errors
    ///
    /// The first check of its options that fails; nothing is registered then.
    pub fn register(&mut self, registration: Registration, name: &str, options: &Value) -> Result<()> {
        let task = DriverTask::read(registration, name, options, self.names.contains_key(name))?;
        self.names.insert(task.name.clone(), self.tasks.len().into());
        self.tasks.push(task);
        Ok(())
    }

    /// The tasks, in order of registration.
    pub fn tasks(&self) -> &[DriverTask] {
        &self.tasks
    }

    /// A driver with the tasks of a list: `[[method, name, options], …]`.
    ///
    /// # Errors
    ///
    /// Those of [`register`](Self::register).
    pub fn of_list(name: Option<&str>, tasks: &Value) -> Result<Self> {
        let mut driver = Self::new(name);
        for task in tasks.as_array().into_iter().flatten() {
            if let Some([Value::String(method), Value::String(name), options]) =
                task.as_array().map(Vec::as_slice)
            {
                // The list names existing methods only.
                let method = Registration::of_method(method).unwrap_or(Registration::Task);
                driver.register(method, name, options)?;
            }
        }
        Ok(driver)
    }

    /// All errors, warnings and hints about the tasks as a whole. See
    /// [`validate::workflow`](crate::validate::workflow) for `clocks`.
    pub fn validate<'a>(&self, clocks: impl Into<Clocks<'a>>) -> Vec<Diagnostic> {
        let mut findings = checks::errors(self);
        findings.extend(checks::advice(self, clocks.into()));
        // The contents of the tasks are checked in the definition.
        if let Ok(document) = self.build(&RunSettings::default(), "") {
            let within = inside(&read(&document).workflow);
            // A finding about an option already says what is missing in the definition.
            let is_told = |finding: &Diagnostic| {
                finding.code == ErrorCode::ToolArgumentsInvalid
                    && findings.iter().any(|told| is_below(&told.path, &finding.path))
            };
            let new: Vec<_> = within.into_iter().filter(|finding| !is_told(finding)).collect();
            findings.extend(new);
        }
        findings
    }

    /// Checks the tasks as `run` does before it submits them.
    ///
    /// # Errors
    ///
    /// `NO_TASKS`, or one error that carries every finding that is an error.
    pub fn check(&self) -> Result<()> {
        if self.tasks.is_empty() {
            return Err(Error::new(ErrorCode::NoTasks, "no tasks are registered")
                .with_help("define at least one with `driver.task(name, options)`"));
        }
        Error::from_diagnostics(checks::errors(self)).map_or(Ok(()), Err)
    }

    /// The time limit of a run without `timeout`, in seconds: 300 and the longest total wait on one path through the
    /// tasks. The wait of a task is its delay, its wait for an event, the waits between its retries, and the part of an
    /// attempt's time limit beyond 300 s.
    pub fn run_timeout(&self) -> f64 {
        (f64::from(DEFAULT_RUN_TIMEOUT) + f64::min(waits::room(&self.tasks), MOST_ROOM)).trunc()
    }

    /// The settings with the time limit of [`run_timeout`](Self::run_timeout) if they have none.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn settings_of_run(&self, mut settings: RunSettings) -> Result<RunSettings> {
        self.check()?;
        settings.timeout.get_or_insert_with(|| from_digits(digits(self.run_timeout())));
        Ok(settings)
    }

    /// The Python files of the durable tasks by path; `None` without durable tasks. `packages` has the files of each
    /// package by the name of its folder. The client uploads a zip of them and passes its id as the run input
    /// `_artifact_id`.
    ///
    /// # Errors
    ///
    /// `PACKAGE_INVALID` for source without a function, for functions of the same name, for a package without files.
    pub fn artifact(&self, packages: &Value) -> Result<Option<Map<String, Value>>> {
        self.artifact_with(packages, artifact::CONTEXT)
    }

    /// The same with the source of the module through which functions reach their context.
    pub(crate) fn artifact_with(
        &self,
        packages: &Value,
        context: &str,
    ) -> Result<Option<Map<String, Value>>> {
        artifact::files(&self.tasks, packages, context)
    }

    /// The definition in the form of the Python driver. [`validate`](Self::validate) may still find errors in it.
    ///
    /// `random_hex` names a workflow that has neither a name nor tasks.
    ///
    /// # Errors
    ///
    /// `ENTRYPOINT_INVALID`, `DEPENDENCY_UNKNOWN` or `BRANCH_CROSSED` for a branch, and `VALUE_NOT_JSON` for values
    /// that are nested too deeply.
    pub fn build(&self, settings: &RunSettings, random_hex: &str) -> Result<Value> {
        let document = self.document(settings, random_hex)?;
        parse_json(&document.text)
            .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()).with_path(error.path))
    }

    /// The same definition as text, which saves reading it back.
    ///
    /// # Errors
    ///
    /// `ENTRYPOINT_INVALID`, `DEPENDENCY_UNKNOWN` or `BRANCH_CROSSED` for a branch.
    pub fn document(&self, settings: &RunSettings, random_hex: &str) -> Result<Document> {
        document::document(self, settings, random_hex)
    }

    /// The task with a name.
    fn find(&self, name: &str) -> Option<&DriverTask> {
        self.tasks.get(self.names.get(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok())?)
    }
}

/// Whether a path leads into the value at another path.
fn is_below(path: &str, of: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'))
}
