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

/// Time limit of a run where nothing is said, in seconds.
const DEFAULT_RUN_TIMEOUT: u32 = 300;
/// Seconds beyond which no room is made for waits: 31 years.
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
    /// Positions of the names. A JSON map serves as the table, so that the artefact has one kind of hash table.
    names: Map<String, Value>,
}

/// What a run adds to the definition.
#[derive(Clone, Debug, Default)]
pub struct RunSettings {
    /// Time limit of the run in seconds; 300 where nothing is said. The document carries whole seconds.
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
                // Whoever makes the list names only methods that there are.
                let method = Registration::of_method(method).unwrap_or(Registration::Task);
                driver.register(method, name, options)?;
            }
        }
        Ok(driver)
    }

    /// Everything that is wrong with the tasks taken together, or worth knowing about them; see
    /// [`validate::workflow`](crate::validate::workflow) for `clocks`.
    pub fn validate<'a>(&self, clocks: impl Into<Clocks<'a>>) -> Vec<Diagnostic> {
        let mut findings = checks::errors(self);
        findings.extend(checks::advice(self, clocks.into()));
        // What is inside the tasks is looked at where it is written.
        if let Ok(document) = self.build(&RunSettings::default(), "") {
            let within = inside(&read(&document).workflow);
            // What is missing in the document was told of the option that was to give it.
            let is_told = |finding: &Diagnostic| {
                finding.code == ErrorCode::ToolArgumentsInvalid
                    && findings.iter().any(|told| is_below(&told.path, &finding.path))
            };
            let new: Vec<_> = within.into_iter().filter(|finding| !is_told(finding)).collect();
            findings.extend(new);
        }
        findings
    }

    /// Refuses what `run` would not submit: errors of the tasks taken together.
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

    /// Seconds that a run without a time limit of its own should have: 300, and so many more as the tasks wait on the longest way
    /// through them: their delays, their waits for events, the waits between their retries, and what a longer time limit of an
    /// attempt has beyond 300.
    pub fn run_timeout(&self) -> f64 {
        (f64::from(DEFAULT_RUN_TIMEOUT) + f64::min(waits::room(&self.tasks), MOST_ROOM)).trunc()
    }

    /// The settings of a run of these tasks: without a time limit of its own it has room for their waits.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn settings_of_run(&self, mut settings: RunSettings) -> Result<RunSettings> {
        self.check()?;
        settings.timeout.get_or_insert_with(|| from_digits(digits(self.run_timeout())));
        Ok(settings)
    }

    /// The Python files that the durable tasks run from, by path; `None` where there are no such tasks. `packages` has the
    /// files of each package by the name of its folder. What is uploaded is a zip of them; its id is the run input
    /// `_artifact_id`.
    ///
    /// # Errors
    ///
    /// `PACKAGE_INVALID` for source without a function, for functions of the same name, for a package without files.
    pub fn artifact(&self, packages: &Value) -> Result<Option<Map<String, Value>>> {
        self.artifact_with(packages, artifact::CONTEXT)
    }

    /// The same where the caller has the module by which functions reach their context.
    pub(crate) fn artifact_with(
        &self,
        packages: &Value,
        context: &str,
    ) -> Result<Option<Map<String, Value>>> {
        artifact::files(&self.tasks, packages, context)
    }

    /// The definition as it stands, even where [`validate`](Self::validate) finds errors in it: plain data in the form of
    /// the Python driver.
    ///
    /// `random_hex` names a workflow that has neither a name nor tasks.
    ///
    /// # Errors
    ///
    /// An entry point with several colons, a branch that names no task; `VALUE_NOT_JSON` for values that are nested too
    /// deeply.
    pub fn build(&self, settings: &RunSettings, random_hex: &str) -> Result<Value> {
        let document = self.document(settings, random_hex)?;
        parse_json(&document.text)
            .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()).with_path(error.path))
    }

    /// The same as text, which takes a third of the time.
    ///
    /// # Errors
    ///
    /// An entry point with several colons, a branch that names no task.
    pub fn document(&self, settings: &RunSettings, random_hex: &str) -> Result<Document> {
        document::document(self, settings, random_hex)
    }

    /// The task of a name.
    fn find(&self, name: &str) -> Option<&DriverTask> {
        self.tasks.get(self.names.get(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok())?)
    }
}

/// Whether a path leads into what another one names.
fn is_below(path: &str, of: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'))
}
