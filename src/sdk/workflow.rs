//! The `WorkflowBuilder` for programs in Rust.

use super::plain;
use crate::builder::{self, Built};
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use crate::json::write_json;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Builds a definition with the operators of Highway: conditions, loops, parallel branches, events. Each method adds
/// one operator. It follows the one before, unless its options name `dependencies`. The options are those of the Python
/// builder.
///
/// The error of the first invalid call is reported by [`build`](Self::build).
///
/// ```
/// use highway_wasm::WorkflowBuilder;
/// use serde_json::json;
///
/// let split = json!({"args": ["split dump"]});
/// let definition = WorkflowBuilder::new("nightly")
///     .task("dump", "tools.shell.run", json!({"args": ["pg_dump db"]}))
///     .condition("is_large", "{{dump.size}} > 1000", |yes| yes.task("split", "tools.shell.run", split), |no| no)
///     .build()?;
/// assert_eq!(definition["start_task"], "dump");
/// # Ok::<(), highway_wasm::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "`build` makes the definition"]
pub struct WorkflowBuilder {
    name: String,
    calls: Vec<Value>,
    fault: Option<Error>,
}

impl WorkflowBuilder {
    /// A workflow without operators.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), calls: Vec::new(), fault: None }
    }

    /// Makes any call of the Python builder, by the name of its method and its named parameters.
    ///
    /// ```
    /// use highway_wasm::WorkflowBuilder;
    /// use serde_json::json;
    ///
    /// let retry = json!({"max_retries": 3});
    /// let builder = WorkflowBuilder::new("w").task("a", "tools.shell.run", ()).call("retry", retry);
    /// assert_eq!(builder.build()?["tasks"]["a"]["retry_policy"]["max_retries"], 3);
    /// # Ok::<(), highway_wasm::Error>(())
    /// ```
    pub fn call(mut self, method: &str, params: impl Serialize) -> Self {
        match plain(params, "") {
            Ok(params) => self.calls.push(Value::Array(vec![method.into(), params])),
            Err(error) => {
                self.fault.get_or_insert(error);
            }
        }
        self
    }

    /// Adds a call of a tool. Its options are `args`, `kwargs`, `result_key`, `dependencies` and others.
    pub fn task(self, id: &str, tool: &str, options: impl Serialize) -> Self {
        self.operator("task", id, [("function", tool.into())], options)
    }

    /// Adds a condition with two branches. A callback builds each of them.
    pub fn condition(
        self,
        id: &str,
        condition: &str,
        if_true: impl FnOnce(Self) -> Self,
        if_false: impl FnOnce(Self) -> Self,
    ) -> Self {
        let (this, yes) = self.part(if_true);
        let (this, no) = this.part(if_false);
        let own = [("condition", condition.into()), ("if_true", yes), ("if_false", no)];
        this.operator("condition", id, own, ())
    }

    /// Adds branches that run side by side, and a task that waits for all of them. A callback builds each branch.
    pub fn parallel<F: FnOnce(Self) -> Self>(
        self,
        id: &str,
        branches: impl IntoIterator<Item = (&'static str, F)>,
    ) -> Self {
        let mut this = self;
        let mut built = Map::new();
        for (name, branch) in branches {
            let (next, calls) = this.part(branch);
            this = next;
            built.insert(name.into(), calls);
        }
        this.operator("parallel", id, [("branches", Value::Object(built))], ())
    }

    /// Adds a loop over the items of a list. A callback builds its body.
    pub fn foreach(self, id: &str, items: &str, body: impl FnOnce(Self) -> Self) -> Self {
        let (this, body) = self.part(body);
        this.operator("foreach", id, [("items", items.into()), ("loop_body", body)], ())
    }

    /// Adds a loop that runs while a condition holds. A callback builds its body.
    pub fn while_loop(self, id: &str, condition: &str, body: impl FnOnce(Self) -> Self) -> Self {
        let (this, body) = self.part(body);
        this.operator("while_loop", id, [("condition", condition.into()), ("loop_body", body)], ())
    }

    /// Adds a durable sleep.
    pub fn wait(self, id: &str, time: Duration) -> Self {
        let seconds = crate::json::number::number(time.as_secs_f64());
        self.operator("wait", id, [("wait_for", seconds)], ())
    }

    /// The definition as plain data. [`Highway::start`](super::Highway::start) submits it.
    ///
    /// # Errors
    ///
    /// The error of the first invalid call, or of the name.
    pub fn build(self) -> Result<Value> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut builder = builder::WorkflowBuilder::new(&object([("name", self.name.into())]))?;
        builder.calls(Value::Array(self.calls))?;
        let Built { workflow, .. } = builder.build()?;
        Ok(workflow.to_value())
    }

    fn operator<const N: usize>(
        mut self,
        method: &str,
        id: &str,
        own: [(&str, Value); N],
        options: impl Serialize,
    ) -> Self {
        let mut params = match plain(options, "") {
            Ok(Value::Object(options)) => options,
            Ok(Value::Null) => Map::new(),
            Ok(other) => {
                let message = format!("the options of `{id}` are not an object: `{}`", write_json(&other));
                self.fault.get_or_insert(Error::new(ErrorCode::FieldTypeInvalid, message));
                return self;
            }
            Err(error) => {
                self.fault.get_or_insert(error);
                return self;
            }
        };
        params.insert("task_id".into(), id.into());
        for (key, value) in own {
            params.insert(key.into(), value);
        }
        self.call(method, Value::Object(params))
    }

    /// The calls that a callback makes on a builder of its own.
    fn part(mut self, build: impl FnOnce(Self) -> Self) -> (Self, Value) {
        let Self { calls, fault, .. } = build(Self::new(&self.name));
        if let Some(fault) = fault {
            self.fault.get_or_insert(fault);
        }
        (self, object([("$sub", Value::Array(calls))]))
    }
}
