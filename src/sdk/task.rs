//! A task of a driver, and references to it.

use crate::builder::Registration;
use crate::json::number::number;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A task that is registered with a [`Driver`](super::Driver). Its options can still be set, and other tasks can refer
/// to it. A clone is the same task.
#[derive(Clone, Debug)]
pub struct Task(pub(super) Rc<RefCell<Draft>>);

/// A task and its options so far.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) registration: Registration,
    pub(super) name: String,
    pub(super) options: Map<String, Value>,
    /// Names of the tasks that must succeed first.
    pub(super) depends: Vec<String>,
}

/// The name of a task: text, or the [`Task`] itself.
pub trait TaskName {
    /// The name.
    fn task_name(&self) -> String;
}

/// Text of a task: a literal with templates in it, or a place in the result of another task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub(super) text: String,
    /// The task to whose result it refers.
    pub(super) task: Option<String>,
}

impl Task {
    pub(super) fn new(registration: Registration, name: &str, options: Map<String, Value>) -> Self {
        Self(Rc::new(RefCell::new(Draft {
            registration,
            name: name.to_owned(),
            options,
            depends: Vec::new(),
        })))
    }

    /// The name.
    pub fn name(&self) -> String {
        self.0.borrow().name.clone()
    }

    /// A place in the result of this task, as a template; `""` is the whole result. A task that uses it as [`Text`]
    /// automatically depends on this one.
    ///
    /// ```
    /// use highway_wasm::Driver;
    ///
    /// let mut driver = Driver::new("count");
    /// let count = driver.shell("count", "wc -l < users.csv")?;
    /// driver.shell("report", "echo $USERS")?.env("USERS", count.result("stdout"));
    /// let report = &driver.build()?["tasks"]["report"];
    /// assert_eq!(report["kwargs"]["env"]["USERS"], "{{count_result.stdout}}");
    /// assert_eq!(report["dependencies"][0], "count");
    /// # Ok::<(), highway_wasm::Error>(())
    /// ```
    pub fn result(&self, path: &str) -> Text {
        let name = self.name();
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        Text { text: format!("{{{{{name}_result{dot}{path}}}}}"), task: Some(name) }
    }

    /// Adds tasks that must succeed before this one starts.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn depends<T: TaskName>(self, tasks: impl IntoIterator<Item = T>) -> Self {
        for task in tasks {
            self.after(task.task_name());
        }
        self
    }

    /// Attempts after the first one; none by default.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn retries(self, retries: u32) -> Self {
        self.set("retries", retries.into())
    }

    /// Time before the second attempt; 1 s by default.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn retry_delay(self, delay: Duration) -> Self {
        self.set("retryDelay", seconds(delay))
    }

    /// Factor by which each further delay grows, at least 1; 2 by default.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn backoff(self, factor: f64) -> Self {
        self.set("backoff", number(factor))
    }

    /// Time limit of one attempt; 300 s by default.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn timeout(self, limit: Duration) -> Self {
        self.set("timeout", seconds(limit))
    }

    /// Durable sleep before the task starts, in whole seconds.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn delay(self, delay: Duration) -> Self {
        self.set("delay", seconds(delay))
    }

    /// Starts the workflow regularly, by cron text of five fields. A workflow has at most one schedule.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn cron(self, schedule: &str) -> Self {
        self.set("schedule", schedule.into())
    }

    /// Starts the workflow regularly, at this interval.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn every(self, interval: Duration) -> Self {
        self.set("schedule", seconds(interval))
    }

    /// What the task is for.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn description(self, text: &str) -> Self {
        self.set("description", text.into())
    }

    /// Sets an environment variable of a command or of Python source: the safe way to pass untrusted text.
    #[must_use = "the task was registered already; `let _ =` where nothing else is done with it"]
    pub fn env(self, name: &str, value: impl Into<Text>) -> Self {
        let Text { text, task } = value.into();
        if let Some(task) = task {
            self.after(task);
        }
        {
            let options = &mut self.0.borrow_mut().options;
            let env = options.entry("env").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(env) = env {
                env.insert(name.into(), text.into());
            }
        }
        self
    }

    fn set(self, option: &str, value: Value) -> Self {
        self.0.borrow_mut().options.insert(option.into(), value);
        self
    }

    /// Adds dependencies.
    pub(super) fn after_all(&self, tasks: impl IntoIterator<Item = String>) {
        for task in tasks {
            self.after(task);
        }
    }

    pub(super) fn after(&self, task: String) {
        let depends = &mut self.0.borrow_mut().depends;
        if !depends.contains(&task) {
            depends.push(task);
        }
    }
}

fn seconds(duration: Duration) -> Value {
    number(duration.as_secs_f64())
}

impl TaskName for Task {
    fn task_name(&self) -> String {
        self.name()
    }
}

impl TaskName for str {
    fn task_name(&self) -> String {
        self.to_owned()
    }
}

impl TaskName for String {
    fn task_name(&self) -> String {
        self.clone()
    }
}

impl<T: TaskName + ?Sized> TaskName for &T {
    fn task_name(&self) -> String {
        (**self).task_name()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), task: None }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text, task: None }
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self { text: text.clone(), task: None }
    }
}

/// The text as a template. It carries no dependency: a caller that writes it into other text adds the task with
/// [`Task::depends`].
impl std::fmt::Display for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}
