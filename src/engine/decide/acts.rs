//! Effects of a tool on the run that called it, besides its result.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::positions::{CallId, StepRef};
use crate::engine::state::sizes::size_of_named;
use crate::error::Result;
use crate::json::size_of_map;
use crate::time::Millis;
use serde_json::{Map, Value};

/// Effects of a call on its run. They are applied together with the result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acts {
    /// Variables that the tool set.
    pub variables: Map<String, Value>,
    /// Events that the tool emitted, in order: name and data.
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
    /// The variables that an active call can read: those of the definition, then the inputs of the run, then those that
    /// steps have set. A later one replaces an earlier one of the same name.
    pub fn variables_of_call(&self, call: CallId) -> Map<String, Value> {
        let scope = self.calls.get(&call).and_then(|StepRef { run, step }| self.scope(*run, *step));
        scope.map_or_else(Map::new, |scope| scope.variables())
    }

    /// Reports the effects of a call on its run. The host reports the result afterwards.
    ///
    /// # Errors
    ///
    /// If the run may not keep that much. Then nothing has changed, and the host must report the call as failed.
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
