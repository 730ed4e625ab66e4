//! The names a template of a run can use.

use super::run::Run;
use crate::json::object;
use crate::template::Scope;
use crate::time::to_iso;
use serde_json::{Map, Value};

/// Lookup order: results by result key, results by task id, run inputs over variables, then the namespaces
/// `inputs`, `variables`, `results`, `workflow`, `run`, `ENV` and `workflow_run_id`.
pub(super) struct RunScope<'a> {
    pub(super) run: &'a Run,
    pub(super) env: &'a Map<String, Value>,
}

const NAMESPACES: [&str; 7] = ["inputs", "variables", "results", "workflow", "run", "ENV", "workflow_run_id"];

impl RunScope<'_> {
    /// Results by result key and by task id, the latest last.
    fn results(&self) -> impl DoubleEndedIterator<Item = (Option<&str>, &str, &Value)> {
        self.run
            .results()
            .map(|(operator, result)| (operator.result_key.as_deref(), operator.id.as_str(), result))
    }

    /// Definition variables overlaid by run inputs.
    fn inputs(&self) -> Map<String, Value> {
        let mut merged = self.run.created.workflow.variables.clone();
        for (key, value) in &self.run.created.inputs {
            merged.insert(key.clone(), value.clone());
        }
        merged
    }

    fn namespace(&self, name: &str) -> Option<Value> {
        let created = &self.run.created;
        let started = || to_iso(self.run.started_at.unwrap_or(created.at));
        Some(match name {
            "inputs" | "variables" => Value::Object(self.inputs()),
            "results" => {
                self.results().filter_map(|(key, _, value)| Some((key?.to_owned(), value.clone()))).collect()
            }
            "workflow" => {
                let mut fields = self.inputs();
                fields.insert("name".into(), created.workflow.name.as_str().into());
                fields.insert("version".into(), created.workflow.version.as_str().into());
                fields.insert("run_id".into(), self.run.id().into());
                fields.insert("run_date".into(), started().chars().take(10).collect::<String>().into());
                Value::Object(fields)
            }
            "run" => object([("id", self.run.id().into()), ("started_at", started().into())]),
            "ENV" => Value::Object(self.env.clone()),
            "workflow_run_id" => self.run.id().into(),
            _ => return None,
        })
    }
}

impl Scope for RunScope<'_> {
    fn lookup(&self, name: &str) -> Option<(Value, bool)> {
        let plain = |value: &Value| (value.clone(), false);
        self.results()
            .rfind(|(key, _, _)| *key == Some(name))
            .or_else(|| self.results().find(|(_, id, _)| *id == name))
            .map(|(_, _, value)| plain(value))
            .or_else(|| self.run.created.inputs.get(name).map(plain))
            .or_else(|| self.run.created.workflow.variables.get(name).map(plain))
            .or_else(|| self.namespace(name).map(|value| (value, true)))
    }

    fn names(&self) -> Vec<String> {
        let results = self.results().map(|(key, id, _)| key.unwrap_or(id).to_owned());
        let inputs = self.inputs().into_iter().map(|(name, _)| name);
        results.chain(inputs).chain(NAMESPACES.map(str::to_owned)).collect()
    }
}
