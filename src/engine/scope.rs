//! The names a template of a step can use.

use super::run::{Run, StepState};
use crate::json::object;
use crate::template::Scope;
use crate::time::to_iso;
use serde_json::{Map, Value};

/// Lookup order, from the scope of the step outwards: names of a loop, results by result key, results by task id, those of
/// rounds and branches that are over; then variables that steps have set, run inputs over variables, and the namespaces
/// `inputs`, `variables`, `results`, `workflow`, `run`, `ENV` and `workflow_run_id`, and `ds`, the beginning of the interval
/// that a scheduled run is for. A handler of a failure knows
/// `failed_task_id` and `error_message`, too.
pub(super) struct RunScope<'a> {
    pub(super) run: &'a Run,
    pub(super) step: usize,
    pub(super) env: &'a Map<String, Value>,
}

const NAMESPACES: [&str; 7] = ["inputs", "variables", "results", "workflow", "run", "ENV", "workflow_run_id"];

/// What a handler of a failure knows besides.
const OF_FAILURE: [&str; 2] = ["failed_task_id", "error_message"];

impl RunScope<'_> {
    /// The scopes from that of the step outwards, each with the number of results that are known from there: a branch knows
    /// what was known when it was forked.
    fn scopes(&self) -> Vec<(usize, usize)> {
        let start = self.run.steps.get(self.step).map_or(0, |step| step.scope);
        let mut limits: Vec<(usize, usize)> = Vec::new();
        let mut found = Vec::new();
        for at in self.run.around(start) {
            let known = limits.iter().filter(|(scope, _)| *scope == at).map(|(_, known)| *known).min();
            found.push((at, known.unwrap_or(usize::MAX)));
            limits.extend(self.run.scopes.get(at).into_iter().flat_map(|scope| scope.known.iter().copied()));
        }
        found
    }

    /// A result of a scope by its key, or by the id of its task; the latest of a key counts.
    fn result(&self, scope: usize, known: usize, name: &str) -> Option<&Value> {
        let results = || self.run.results_in(scope).take(known);
        let by_key = results().filter(|(operator, _)| operator.result_key.as_deref() == Some(name)).last();
        let found = by_key.or_else(|| results().find(|(operator, _)| operator.id == name));
        found.map(|(_, value)| value).or_else(|| {
            let readable = &self.run.scopes.get(scope)?.readable;
            let inner = readable.iter().rev().find_map(|inner| self.result(*inner, usize::MAX, name));
            inner.or_else(|| self.failed_result(name))
        })
    }

    /// What the task gave whose failure the step is there for.
    fn failed_result(&self, name: &str) -> Option<&Value> {
        let failed = self.failed()?;
        let operator = self.run.operator(failed)?;
        let is_it = operator.result_key.as_deref() == Some(name) || operator.id == name;
        self.run.steps.get(failed).filter(|_| is_it)?.result.as_ref()
    }

    /// The failed step that the step is there for, or the loop or the fork around it.
    fn failed(&self) -> Option<usize> {
        let owner = |step: &usize| self.run.scope_of(*step)?.owner;
        std::iter::successors(Some(self.step), owner).find_map(|step| self.failed_before(step))
    }

    /// The failed step that has chosen another one: the first, where several have that handler.
    fn failed_before(&self, handler: usize) -> Option<usize> {
        let scope = self.run.scope_of(handler)?;
        let position = handler.checked_sub(scope.first)?;
        let activators = &scope.body.links.get(position)?.activators;
        let sources = activators.iter().filter(|at| {
            scope.body.operators.get(**at).is_some_and(|operator| operator.on_failure == Some(position))
        });
        let steps = sources.filter_map(|at| Some((scope.first + at, self.run.steps.get(scope.first + at)?)));
        let failed = steps.filter(|(_, step)| step.state == StepState::Failed);
        failed.min_by_key(|(_, step)| step.ended_at).map(|(at, _)| at)
    }

    fn of_failure(&self, name: &str) -> Option<Value> {
        match name {
            "failed_task_id" => self.run.operator(self.failed()?).map(|operator| operator.id.as_str().into()),
            "error_message" => {
                self.run.steps.get(self.failed()?)?.failure().map(|failure| failure.message.as_str().into())
            }
            _ => None,
        }
    }

    /// Definition variables overlaid by run inputs, and by what steps have set.
    pub(super) fn variables(&self) -> Map<String, Value> {
        let created = &self.run.created;
        let all = created.workflow.variables.iter().chain(&created.inputs).chain(self.set_variables());
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn set_variables(&self) -> impl Iterator<Item = (&String, &Value)> {
        let scope = self.run.steps.get(self.step).map_or(0, |step| step.scope);
        self.run.variables_of(scope).into_iter().flatten()
    }

    fn namespace(&self, name: &str) -> Option<Value> {
        let created = &self.run.created;
        let started = || to_iso(self.run.started_at.unwrap_or(created.at));
        Some(match name {
            "inputs" | "variables" => Value::Object(self.variables()),
            "results" => {
                let mut results = Map::new();
                for (scope, known) in self.scopes().into_iter().rev() {
                    for (operator, value) in self.run.results_in(scope).take(known) {
                        if let Some(key) = &operator.result_key {
                            results.insert(key.clone(), value.clone());
                        }
                    }
                }
                Value::Object(results)
            }
            "workflow" => {
                let mut fields = self.variables();
                fields.insert("name".into(), created.workflow.name.as_str().into());
                fields.insert("version".into(), created.workflow.version.as_str().into());
                fields.insert("run_id".into(), self.run.id().into());
                fields.insert("run_date".into(), started().chars().take(10).collect::<String>().into());
                Value::Object(fields)
            }
            "run" => object([("id", self.run.id().into()), ("started_at", started().into())]),
            "ENV" => Value::Object(self.env.clone()),
            "ds" => self.variables().remove("data_interval_start")?,
            "workflow_run_id" => self.run.id().into(),
            _ => return None,
        })
    }
}

impl Scope for RunScope<'_> {
    fn lookup(&self, name: &str) -> Option<(Value, bool)> {
        let plain = |value: &Value| (value.clone(), false);
        for (scope, known) in self.scopes() {
            let local = self.run.scopes.get(scope).and_then(|scope| scope.locals.get(name));
            if let Some(found) = local.or_else(|| self.result(scope, known, name)) {
                return Some(plain(found));
            }
        }
        let created = &self.run.created;
        let set = self.set_variables().find(|(known, _)| *known == name).map(|(_, value)| value);
        set.or_else(|| created.inputs.get(name))
            .or_else(|| created.workflow.variables.get(name))
            .map(plain)
            .or_else(|| self.of_failure(name).map(|value| (value, false)))
            .or_else(|| self.namespace(name).map(|value| (value, true)))
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (scope, known) in self.scopes() {
            names.extend(
                self.run.scopes.get(scope).into_iter().flat_map(|scope| scope.locals.keys().cloned()),
            );
            let results = self.run.results_in(scope).take(known);
            names.extend(
                results.map(|(operator, _)| operator.result_key.as_ref().unwrap_or(&operator.id).clone()),
            );
        }
        names.extend(self.variables().into_iter().map(|(name, _)| name));
        names.extend(OF_FAILURE.map(str::to_owned).into_iter().filter(|_| self.failed().is_some()));
        names.extend(NAMESPACES.map(str::to_owned));
        names
    }
}

/// The names of a step, and some more that come first.
pub(super) struct WithMore<'a> {
    pub(super) scope: RunScope<'a>,
    pub(super) extra: Map<String, Value>,
}

impl Scope for WithMore<'_> {
    fn lookup(&self, name: &str) -> Option<(Value, bool)> {
        self.extra.get(name).map(|value| (value.clone(), false)).or_else(|| self.scope.lookup(name))
    }

    fn names(&self) -> Vec<String> {
        self.extra.keys().cloned().chain(self.scope.names()).collect()
    }
}
