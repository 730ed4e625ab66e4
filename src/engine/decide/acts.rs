//! What a tool does to the run that called it, beside its result.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::positions::{CallId, StepRef};
use crate::engine::state::sizes::size_of_named;
use crate::error::Result;
use crate::json::size_of_map;
use crate::time::Millis;
use serde_json::{Map, Value};

/// What a tool has done to its run; it takes effect with the result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acts {
    /// Variables that it set.
    pub variables: Map<String, Value>,
    /// Events that it emitted: names and data, in order.
    pub events: Vec<(String, Value)>,
}

impl Acts {
    /// Reads `{variables, events: [[name, data], …]}`.
    pub fn from_json(mut value: Value) -> Self {
        let mut take = |name: &str| value.get_mut(name).map(Value::take).unwrap_or_default();
        let variables = match take("variables") {
            Value::Object(variables) => variables,
            _ => Map::new(),
        };
        let pair = |event: &Value| Some((event.get(0)?.as_str()?.to_owned(), event.get(1)?.clone()));
        let events = take("events").as_array().into_iter().flatten().filter_map(pair).collect();
        Self { variables, events }
    }
}

impl Engine {
    /// The variables that a running tool call can read: those of the definition, overlaid by the inputs of the run, and
    /// by what steps have set.
    pub fn variables_of_call(&self, call: CallId) -> Map<String, Value> {
        let scope = self.calls.get(&call).and_then(|StepRef { run, step }| self.scope(*run, *step));
        scope.map_or_else(Map::new, |scope| scope.variables())
    }

    /// Takes what a tool has done to its run; to be followed by its result.
    ///
    /// # Errors
    ///
    /// Where that is more than the run may keep; then nothing is taken, and the call has to be reported as failed.
    pub fn tool_acted(&mut self, call: CallId, acts: Acts, now: Millis) -> Result<()> {
        let Some(StepRef { run, step }) = self.calls.get(&call).copied() else { return Ok(()) };
        self.config.limits.check(Limit::ResultBytes, size_of_map(&acts.variables))?;
        self.has_room(run, acts.variables.iter().map(|(name, value)| size_of_named(name, value)).sum())?;
        for name in acts.variables.keys() {
            self.may_name(name)?;
        }
        for (name, payload) in &acts.events {
            self.may_emit(name, payload)?;
        }
        for (name, value) in acts.variables {
            self.commit(Record::VariableSet { run, step, name, value });
        }
        for (name, payload) in acts.events {
            self.emit(&name, payload, now);
        }
        Ok(())
    }
}
