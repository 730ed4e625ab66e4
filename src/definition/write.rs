//! Writes a definition exactly as the Python driver 0.9.1 does: same keys, same order.

use super::{Operation, Operator, Wait, Workflow};
use crate::json::object;
use crate::number::{digits, number};
use crate::time::to_iso;
use serde_json::{Map, Value};

impl Workflow {
    /// The definition in the driver's dialect.
    pub fn to_driver_json(&self) -> Value {
        let mut tasks = Map::new();
        for operator in &self.operators {
            // A later operator of the same id replaces the earlier one and keeps its place.
            tasks.insert(operator.id.clone(), operator.to_driver_json());
        }
        let mut document = object([
            ("name", self.name.as_str().into()),
            ("version", self.version.as_str().into()),
            ("description", self.description.as_str().into()),
            ("start_task", self.start_task.as_deref().into()),
            ("tasks", Value::Object(tasks)),
            ("variables", Value::Object(self.variables.clone())),
            ("max_active_runs", self.max_active_runs.into()),
        ]);
        if let Value::Object(map) = &mut document {
            if let Some(timeout) = self.timeout {
                map.insert("timeout_seconds".into(), number(timeout));
            }
            if let Some(schedule) = &self.schedule {
                map.insert("schedule".into(), schedule.as_str().into());
            }
        }
        document
    }
}

impl Operator {
    fn to_driver_json(&self) -> Value {
        let operator_type = match &self.operation {
            Operation::Task { .. } => "task",
            Operation::Wait(_) => "wait",
            Operation::Unsupported { operator_type } => operator_type,
        };
        let dependencies = self.dependencies.iter().map(|id| Value::from(id.as_str())).collect();
        let mut entry = object([
            ("task_id", self.id.as_str().into()),
            ("operator_type", operator_type.into()),
            ("dependencies", Value::Array(dependencies)),
            ("trigger_rule", "all_success".into()),
        ]);
        let Value::Object(map) = &mut entry else {
            return entry;
        };
        if let Some(key) = &self.result_key {
            map.insert("result_key".into(), key.as_str().into());
        }
        if let Some(timeout) = self.timeout {
            map.insert("timeout_seconds".into(), number(timeout));
        }
        if self.retry.max_retries > 0 {
            let policy = object([
                ("max_attempts", (u64::from(self.retry.max_retries) + 1).into()),
                ("initial_interval_seconds", number(self.retry.delay)),
                ("backoff_coefficient", number(self.retry.backoff)),
            ]);
            map.insert("retry_policy".into(), policy);
        }
        match &self.operation {
            Operation::Task { function, args, kwargs } => {
                map.insert("function".into(), function.as_str().into());
                if let Some(args) = args {
                    map.insert("args".into(), Value::Array(args.clone()));
                }
                map.insert("kwargs".into(), kwargs.clone());
            }
            Operation::Unsupported { .. } => {}
            Operation::Wait(Wait::For(seconds)) => {
                map.insert("wait_for".into(), format!("PT{}S", digits(seconds.trunc())).into());
            }
            Operation::Wait(Wait::Until(moment)) => {
                map.insert("wait_for".into(), to_iso(*moment).into());
            }
        }
        if !self.description.is_empty() {
            map.insert("description".into(), self.description.as_str().into());
        }
        entry
    }
}
