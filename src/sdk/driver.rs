//! The `Driver` for programs in Rust.

use super::http::Http;
use super::plain;
use super::task::{Task, TaskName, Text};
use crate::builder::{self, DriverTask, Registration, RunSettings};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::json::object;
use crate::validate::Clocks;
use serde::Serialize;
use serde_json::{Map, Value};

/// A workflow that can be run: a [`Driver`], or a definition as plain data.
pub trait Definition {
    /// The definition of a run.
    ///
    /// # Errors
    ///
    /// Any error that keeps the definition from running.
    fn of_run(&self, settings: RunSettings) -> Result<Value>;
}

/// Collects the tasks of a workflow.
///
/// ```
/// use highway_wasm::Driver;
/// use std::time::Duration;
///
/// let mut driver = Driver::new("nightly");
/// let dump = driver.shell("dump", "pg_dump db > dump.sql")?.timeout(Duration::from_secs(60));
/// let _ = driver.shell("upload", "aws s3 cp dump.sql s3://backup")?.depends([&dump]).retries(3);
/// let definition = driver.build()?;
/// assert_eq!(definition["start_task"], "dump");
/// assert_eq!(definition["tasks"]["upload"]["dependencies"][0], "dump");
/// # Ok::<(), highway_wasm::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Driver {
    name: String,
    tasks: Vec<Task>,
}

impl Driver {
    /// A workflow without tasks. An empty name stands for `workflow_<first task>`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tasks: Vec::new() }
    }

    /// Registers a shell command. Result: `{stdout, stderr, returncode}`.
    ///
    /// # Errors
    ///
    /// `TASK_NAME_INVALID`, `TASK_DUPLICATE`, or the error of an option. All methods that register a task have these
    /// errors.
    pub fn shell(&mut self, name: &str, command: impl Into<Text>) -> Result<Task> {
        self.text_task(name, "shell", command)
    }

    /// Registers Python source. Its function is called without arguments. Of several functions, the one with the name
    /// of the task is called.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn python(&mut self, name: &str, source: impl Into<Text>) -> Result<Task> {
        self.text_task(name, "py", source)
    }

    /// Registers an HTTP request. Result: `{status_code, headers, response}`.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn http(&mut self, name: &str, request: Http) -> Result<Task> {
        let task = self.task(name, &object([("http", Value::Object(request.options))]))?;
        task.after_all(request.uses);
        Ok(task)
    }

    /// Registers a call of a tool by name, with named arguments.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell); `VALUE_NOT_JSON` for arguments that cannot be JSON.
    pub fn tool(&mut self, name: &str, tool: &str, arguments: impl Serialize) -> Result<Task> {
        let arguments = plain(arguments, "/kwargs")?;
        self.task(name, &object([("tool", tool.into()), ("kwargs", arguments)]))
    }

    /// Registers a run of another workflow by name, with its inputs.
    ///
    /// # Errors
    ///
    /// The errors of [`tool`](Self::tool).
    pub fn workflow(&mut self, name: &str, workflow: &str, inputs: impl Serialize) -> Result<Task> {
        let inputs = plain(inputs, "/inputs")?;
        self.task(name, &object([("workflow", workflow.into()), ("inputs", inputs)]))
    }

    /// Registers Python source that runs for each item of a list. `{{item}}` is the item.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn foreach(&mut self, name: &str, items: impl Into<Text>, source: &str) -> Result<Task> {
        let Text { text, task: used } = items.into();
        let options = object([("items", text.into()), ("py", source.into())]);
        let task = self.register(Registration::Foreach, name, &options)?;
        task.after_all(used);
        Ok(task)
    }

    /// Registers a task that emits an event with data. Runs of any workflow can wait for it.
    ///
    /// # Errors
    ///
    /// The errors of [`tool`](Self::tool).
    pub fn emit(&mut self, name: &str, event: &str, payload: impl Serialize) -> Result<Task> {
        let payload = plain(payload, "/payload")?;
        self.register(Registration::Emit, name, &object([("event", event.into()), ("payload", payload)]))
    }

    /// Registers a task that waits for an event. Result: the data of the event.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn wait_for(&mut self, name: &str, event: &str) -> Result<Task> {
        self.register(Registration::WaitFor, name, &object([("event", event.into())]))
    }

    /// Registers a task that runs registered tasks side by side, each in a branch of its own. It ends when all of them
    /// have ended.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn parallel<T: TaskName>(
        &mut self,
        name: &str,
        branches: impl IntoIterator<Item = T>,
    ) -> Result<Task> {
        let branches = branches.into_iter().map(|task| task.task_name().into()).collect();
        self.register(Registration::Parallel, name, &object([("branches", Value::Array(branches))]))
    }

    /// Registers a task of any kind by its options, in the form of JavaScript's `driver.task(name, options)`.
    ///
    /// # Errors
    ///
    /// The errors of [`shell`](Self::shell).
    pub fn task(&mut self, name: &str, options: &Value) -> Result<Task> {
        self.register(Registration::Task, name, options)
    }

    /// All findings about the tasks as a whole. With `clocks`, they include the next firings of a schedule; `None`
    /// leaves those out.
    ///
    /// # Errors
    ///
    /// An option with an impossible value.
    pub fn validate<'a>(&self, clocks: impl Into<Clocks<'a>>) -> Result<Vec<Diagnostic>> {
        Ok(self.registered()?.validate(clocks))
    }

    /// The definition as it would be submitted.
    ///
    /// # Errors
    ///
    /// The errors of [`validate`](Self::validate).
    pub fn build(&self) -> Result<Value> {
        self.registered()?.build(&RunSettings::default(), "")
    }

    fn text_task(&mut self, name: &str, kind: &str, text: impl Into<Text>) -> Result<Task> {
        let Text { text, task: used } = text.into();
        let task = self.task(name, &object([(kind, text.into())]))?;
        task.after_all(used);
        Ok(task)
    }

    fn register(&mut self, registration: Registration, name: &str, options: &Value) -> Result<Task> {
        let is_taken = self.tasks.iter().any(|task| task.0.borrow().name == name);
        let DriverTask { depends, .. } = DriverTask::read(registration, name, options, is_taken)?;
        let mut options = options.as_object().cloned().unwrap_or_default();
        options.remove("depends");
        let task = Task::new(registration, name, options);
        task.after_all(depends);
        self.tasks.push(task.clone());
        Ok(task)
    }

    /// The driver of the core, with the present options of all tasks.
    fn registered(&self) -> Result<builder::Driver> {
        let mut driver = builder::Driver::new(Some(&self.name));
        for task in &self.tasks {
            let draft = task.0.borrow();
            let mut options = draft.options.clone();
            if !draft.depends.is_empty() {
                let depends = draft.depends.iter().map(|name| Value::from(name.as_str())).collect();
                options.insert("depends".into(), Value::Array(depends));
            }
            driver.register(draft.registration, &draft.name, &Value::Object(options))?;
        }
        Ok(driver)
    }
}

impl Definition for Driver {
    fn of_run(&self, settings: RunSettings) -> Result<Value> {
        let driver = self.registered()?;
        let settings = driver.settings_of_run(settings)?;
        if driver.tasks().iter().any(DriverTask::is_durable) && !settings.inputs.contains_key("_artifact_id")
        {
            return Err(Error::new(ErrorCode::NotSupported, "durable functions are not uploaded from Rust")
                .with_help("upload their package and pass its id as the run input `_artifact_id`"));
        }
        driver.build(&settings, "")
    }
}

impl Definition for Value {
    fn of_run(&self, settings: RunSettings) -> Result<Value> {
        let Value::Object(mut definition) = self.clone() else {
            return Err(Error::new(ErrorCode::DocumentInvalid, "the definition is not an object"));
        };
        if !definition.contains_key("tasks") {
            return Err(
                Error::new(ErrorCode::FieldMissing, "the definition has no tasks").with_path("/tasks")
            );
        }
        let variables = definition.entry("variables").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(variables) = variables {
            variables.extend(settings.inputs);
        }
        if let Some(timeout) = settings.timeout {
            definition.insert("timeout_seconds".into(), Value::Number(timeout));
        }
        Ok(Value::Object(definition))
    }
}
