//! The names a template of a step can use.

use super::run::{Run, ScopeKind, StepState};
use super::{Config, Limit, Limits, Secrets};
use crate::error::Result;
use crate::template::{Named, Scope};
use crate::time::to_iso;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::Cell;

/// Lookup order, from the scope of the step outwards: names of a loop, results by result key, results by task id, those of
/// rounds and branches that are over; then variables that steps have set, run inputs over variables, and the namespaces
/// `inputs`, `variables`, `results`, `workflow`, `run`, `ENV`, `workflow_run_id` and, in arguments of tools, `secrets`; and `ds`, the
/// beginning of the interval that a scheduled run is for. A handler of a failure knows `failed_task_id` and `error_message`, too.
pub(super) struct RunScope<'a> {
    pub(super) run: &'a Run,
    pub(super) step: usize,
    pub(super) env: &'a Map<String, Value>,
    /// Secrets, where they may be read.
    pub(super) secrets: Option<&'a Secrets>,
    pub(super) limits: &'a Limits,
    /// Bytes that were filled in so far.
    pub(super) spent: Cell<usize>,
}

const NAMESPACES: [&str; 7] = ["inputs", "variables", "results", "workflow", "run", "ENV", "workflow_run_id"];

/// What a handler of a failure knows besides.
const OF_FAILURE: [&str; 2] = ["failed_task_id", "error_message"];

impl<'a> RunScope<'a> {
    /// The names of a step, without secrets.
    pub(super) fn new(run: &'a Run, step: usize, config: &'a Config) -> Self {
        Self { run, step, env: &config.env, secrets: None, limits: &config.limits, spent: Cell::new(0) }
    }
}

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

    /// A result of a scope, or of the failed task that the step is there for.
    fn result(&self, scope: usize, known: usize, name: &str) -> Option<&Value> {
        self.given(scope, known, name).or_else(|| self.failed_result(name))
    }

    /// A result of a scope by its key, or by the id of its task; the latest of a key counts. What the rounds of a `while` gave is
    /// later than what came before the loop.
    fn given(&self, scope: usize, known: usize, name: &str) -> Option<&Value> {
        let found = self.run.scopes.get(scope)?;
        let result = |at: usize| {
            let step = self.run.steps.get(found.first + at)?;
            let is_known = step.state == StepState::Succeeded && step.rank < known;
            Some((step.rank, step.result.as_ref().filter(|_| is_known)?))
        };
        let by_key = found.body.with_key(name).filter_map(result).max_by_key(|(rank, _)| *rank);
        let own = by_key.or_else(|| found.body.find(name).and_then(result));
        let inside = found
            .readable
            .iter()
            .rev()
            .find_map(|inner| Some((*inner, self.given(*inner, usize::MAX, name)?)));
        match (own, inside) {
            (Some((rank, value)), Some((inner, _))) if !self.is_round_after(inner, rank) => Some(value),
            (own, inside) => inside.map(|(_, value)| value).or(own.map(|(_, value)| value)),
        }
    }

    /// Whether a scope is the round of a loop that was not over when the result of that rank came.
    fn is_round_after(&self, scope: usize, rank: usize) -> bool {
        self.run.scopes.get(scope).is_some_and(|scope| {
            let owner = scope.owner.and_then(|owner| self.run.steps.get(owner));
            matches!(scope.kind, ScopeKind::Round(_))
                && owner.is_some_and(|owner| owner.state != StepState::Succeeded || rank < owner.rank)
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
        self.all_variables().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The same, of one name the last counts.
    fn all_variables(&self) -> impl Iterator<Item = (&String, &Value)> {
        let created = &self.run.created;
        created.workflow.variables.iter().chain(&created.inputs).chain(self.set_variables())
    }

    fn set_variables(&self) -> impl Iterator<Item = (&String, &Value)> {
        let scope = self.run.steps.get(self.step).map_or(0, |step| step.scope);
        self.run.variables_of(scope).into_iter().flatten()
    }

    fn namespace(&self, name: &str) -> Option<Named<'_>> {
        let created = &self.run.created;
        let started = || to_iso(self.run.started_at.unwrap_or(created.at));
        let variables = || self.all_variables().map(|(name, value)| (name.as_str(), Cow::Borrowed(value)));
        let id = || Cow::Owned(Value::from(self.run.id()));
        Some(Named::Namespace(match name {
            "inputs" | "variables" => variables().collect(),
            "results" => {
                let scopes = self.scopes().into_iter().rev();
                let results = scopes.flat_map(|(scope, known)| self.run.results_in(scope).take(known));
                let keyed = results.filter_map(|(operator, value)| {
                    Some((operator.result_key.as_deref()?, Cow::Borrowed(value)))
                });
                keyed.collect()
            }
            "workflow" => {
                let text = |text: &str| Cow::Owned(Value::from(text));
                let day = started().chars().take(10).collect::<String>();
                let own = [
                    ("name", text(&created.workflow.name)),
                    ("version", text(&created.workflow.version)),
                    ("run_id", id()),
                    ("run_date", text(&day)),
                ];
                variables().chain(own).collect()
            }
            "run" => vec![("id", id()), ("started_at", Cow::Owned(started().into()))],
            "ENV" => self.env.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value))).collect(),
            "secrets" => self.secrets?.iter().map(|(name, secret)| (name, Cow::Borrowed(secret))).collect(),
            "ds" => {
                let (_, ds) = variables().filter(|(name, _)| *name == "data_interval_start").last()?;
                return Some(Named::Value(ds));
            }
            "workflow_run_id" => return Some(Named::Value(id())),
            _ => return None,
        }))
    }
}

impl Scope for RunScope<'_> {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        for (scope, known) in self.scopes() {
            let local = self.run.scopes.get(scope).and_then(|scope| scope.locals.get(name));
            if let Some(found) = local.or_else(|| self.result(scope, known, name)) {
                return Some(Named::Value(Cow::Borrowed(found)));
            }
        }
        let created = &self.run.created;
        let set = self.run.steps.get(self.step).and_then(|step| self.run.variables_of(step.scope)?.get(name));
        set.or_else(|| created.inputs.get(name))
            .or_else(|| created.workflow.variables.get(name))
            .map(|value| Named::Value(Cow::Borrowed(value)))
            .or_else(|| self.of_failure(name).map(|value| Named::Value(Cow::Owned(value))))
            .or_else(|| self.namespace(name))
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
        names.extend(self.all_variables().map(|(name, _)| name.clone()));
        names.extend(OF_FAILURE.map(str::to_owned).into_iter().filter(|_| self.failed().is_some()));
        names.extend(self.secrets.map(|_| "secrets".to_owned()));
        names.extend(NAMESPACES.map(str::to_owned));
        names
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        self.spent.set(self.spent.get().saturating_add(bytes));
        self.limits.check(Limit::ArgumentBytes, self.spent.get())
    }
}

/// The names of a step, and some more that come first.
pub(super) struct WithMore<'a> {
    pub(super) scope: RunScope<'a>,
    pub(super) extra: Map<String, Value>,
}

impl Scope for WithMore<'_> {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        let own = self.extra.get(name).map(|value| Named::Value(Cow::Borrowed(value)));
        own.or_else(|| self.scope.lookup(name))
    }

    fn names(&self) -> Vec<String> {
        self.extra.keys().cloned().chain(self.scope.names()).collect()
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        self.scope.spend(bytes)
    }
}
