//! The names that the templates of a step can use.

use crate::engine::config::Config;
use crate::engine::config::limits::Limit;
use crate::engine::state::positions::{ScopeIx, StepIx};
use crate::engine::state::run::Run;
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::StepState;
use crate::engine::state::{BYTES_PER_LOOK, add_work};
use crate::error::Result;
use crate::json::to_text;
use crate::template::names::{CURRENT_ITEM, ITEM, OF_ENGINE, OF_HANDLER, OF_RUN, OF_WORKFLOW, is_of_engine};
use crate::template::{Named, Scope, Syntax, resolve};
use crate::time::to_iso;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::Cell;

/// The names of a step. They are looked up in this order:
///
/// 1. Names of the engine (`template/names.rs`). `inputs` are the variables of the definition, replaced by the inputs
///    of the run. `variables` are these, replaced by the variables that steps have set. `results` are by task id,
///    replaced by those by result key. `ds` is the start of the interval for which a scheduled run is. `secrets` are
///    known only in arguments of tools.
/// 2. From the scope of the step outwards: names of a loop, results by result key, results by task id, results of
///    finished rounds and branches.
/// 3. Variables that steps have set, inputs of the run, variables of the definition. An input never replaces a result
///    that does not exist yet.
pub(in crate::engine) struct RunScope<'a> {
    run: &'a Run,
    step: StepIx,
    config: &'a Config,
    reader: Reader,
    /// The work of the slice so far. Reading values adds to it.
    work: &'a Cell<usize>,
    /// The limit on the bytes that may be read.
    limit: Limit,
    /// The bytes read so far.
    spent: Cell<usize>,
}

/// The reader of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Reader {
    /// The engine, whose values may be written down.
    Engine,
    /// A tool of the host. Its arguments are not written down, so it may read secrets.
    Tool,
    /// The idempotency key itself.
    Key,
}

impl<'a> RunScope<'a> {
    pub(in crate::engine) fn new(
        run: &'a Run,
        step: StepIx,
        config: &'a Config,
        reader: Reader,
        work: &'a Cell<usize>,
    ) -> Self {
        Self { run, step, config, reader, work, limit: Limit::ArgumentBytes, spent: Cell::new(0) }
    }

    /// The names for conditions. These may read less than arguments, since they are evaluated in one piece.
    pub(in crate::engine) fn of_conditions(self) -> Self {
        Self { limit: Limit::ConditionBytes, ..self }
    }
}

impl RunScope<'_> {
    /// The scopes from that of the step outwards, each with the number of results that are known there: a branch knows
    /// the results from before its fork.
    fn scopes(&self) -> Vec<(ScopeIx, usize)> {
        let start = self.run.steps.get(self.step).map(|step| step.scope).unwrap_or_default();
        let mut limits: Vec<(ScopeIx, usize)> = Vec::new();
        let mut found = Vec::new();
        for at in self.run.around(start) {
            let known = limits.iter().filter(|(scope, _)| *scope == at).map(|(_, known)| *known).min();
            found.push((at, known.unwrap_or(usize::MAX)));
            limits.extend(self.run.scopes.get(at).into_iter().flat_map(|scope| scope.known.iter().copied()));
        }
        found
    }

    /// A result of a scope, or of the failed task that the step handles.
    fn result(&self, scope: ScopeIx, known: usize, name: &str) -> Option<&Value> {
        self.given(scope, known, name).or_else(|| self.failed_result(name))
    }

    /// A result of a scope by its key or by the id of its task; for a key, the latest result. The results of the rounds
    /// of a `while` are later than those before the loop.
    fn given(&self, scope: ScopeIx, known: usize, name: &str) -> Option<&Value> {
        // A name that is none of these is searched in all rounds and branches.
        add_work(self.work, BYTES_PER_LOOK);
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

    /// Whether a scope is a round of a loop that was active when the result with that rank came.
    fn is_round_after(&self, scope: ScopeIx, rank: usize) -> bool {
        self.run.scopes.get(scope).is_some_and(|scope| {
            let owner = scope.owner.and_then(|owner| self.run.steps.get(owner));
            matches!(scope.kind, ScopeKind::Round(_))
                && owner.is_some_and(|owner| owner.state != StepState::Succeeded || rank < owner.rank)
        })
    }

    /// The result of the failed task that the step handles.
    fn failed_result(&self, name: &str) -> Option<&Value> {
        let failed = self.failed()?;
        let operator = self.run.operator(failed)?;
        let is_named = operator.result_key.as_deref() == Some(name) || operator.id == name;
        self.run.steps.get(failed).filter(|_| is_named)?.result.as_ref()
    }

    /// The failed step that the step handles, or that the loop or fork around it handles.
    fn failed(&self) -> Option<StepIx> {
        let owner = |step: &StepIx| self.run.scope_of(*step)?.owner;
        std::iter::successors(Some(self.step), owner).find_map(|step| self.failed_before(step))
    }

    /// The failed step that called a handler; the first of several.
    fn failed_before(&self, handler: StepIx) -> Option<StepIx> {
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

    /// The variables of the definition, replaced by run inputs and by the variables that steps have set.
    pub(in crate::engine) fn variables(&self) -> Map<String, Value> {
        self.all_variables().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// All of these in order. Of several with one name, the last counts.
    fn all_variables(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.all_inputs().chain(self.set_variables().into_iter().flatten())
    }

    fn all_inputs(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.run.created.workflow.variables.iter().chain(self.run.created.inputs.iter())
    }

    fn set_variables(&self) -> Option<&Map<String, Value>> {
        self.run.variables_of(self.run.steps.get(self.step).map(|step| step.scope).unwrap_or_default())
    }

    /// The variable that steps have set, else the input.
    pub(in crate::engine) fn variable(&self, name: &str) -> Option<&Value> {
        self.set_variables().and_then(|set| set.get(name)).or_else(|| self.input(name))
    }

    fn input(&self, name: &str) -> Option<&Value> {
        let created = &self.run.created;
        created.inputs.get(name).or_else(|| created.workflow.variables.get(name))
    }

    /// The value of a name in the scopes around the step: names of loops, and results.
    fn around(&self, name: &str, with_locals: bool) -> Option<&Value> {
        self.scopes().into_iter().find_map(|(scope, known)| {
            let locals = self.run.scopes.get(scope).map(|scope| &scope.locals).filter(|_| with_locals);
            let local = locals.and_then(|locals| {
                locals.get(name).or_else(|| locals.get(ITEM).filter(|_| name == CURRENT_ITEM))
            });
            local.or_else(|| self.result(scope, known, name))
        })
    }

    /// Adds the names of the results of a scope, and of the scopes inside it that can be read there.
    fn names_of_results(&self, scope: ScopeIx, known: usize, names: &mut Vec<String>) {
        for (operator, _) in self.run.results_in(scope).take(known) {
            names.extend(operator.result_key.clone());
            names.push(operator.id.clone());
        }
        for inner in self.run.scopes.get(scope).into_iter().flat_map(|scope| &scope.readable) {
            self.names_of_results(*inner, usize::MAX, names);
        }
    }

    /// The operator's own idempotency key.
    pub(in crate::engine) fn own_key(&self) -> Option<Result<String>> {
        let key = Value::from(self.run.operator(self.step)?.idempotency_key.as_deref()?);
        let scope = RunScope::new(self.run, self.step, self.config, Reader::Key, self.work);
        let key = resolve(&key, &scope, self.config.templates, Syntax::BracesAndDollar);
        Some(key.map(|key| to_text(&key)))
    }

    /// The idempotency key by which a service recognises a repeated attempt: the operator's own, else one from the run
    /// and the step.
    pub(in crate::engine) fn idempotency_key(&self) -> Option<String> {
        let (step, operator) = (self.run.steps.get(self.step)?, self.run.operator(self.step)?);
        let place = || match step.scope {
            ScopeIx::WORKFLOW => format!("{}/{}", self.run.id(), operator.id),
            _ => format!("{}/{}/{}", self.run.id(), operator.id, self.step),
        };
        Some(step.key.clone().or_else(|| self.own_key()?.ok()).unwrap_or_else(place))
    }

    /// The value of a name of the engine.
    fn of_engine(&self, name: &str) -> Option<Named<'_>> {
        let text = |text: String| Some(Named::Value(Cow::Owned(text.into())));
        match name {
            "workflow_run_id" | "run_id" => text(self.run.id().to_owned()),
            "idempotency_key" if self.reader == Reader::Key => None,
            "idempotency_key" => text(self.idempotency_key()?),
            // The engine gives this input to the runs of a schedule. In other runs it is an ordinary input.
            "ds" => {
                self.run.created.schedule?;
                Some(Named::Value(Cow::Borrowed(self.input("data_interval_start")?)))
            }
            "secrets" if self.reader != Reader::Tool => None,
            _ => Some(Named::Namespace),
        }
    }
}

impl Scope for RunScope<'_> {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        if is_of_engine(name) {
            return self.of_engine(name);
        }
        if let Some(value) = self.of_failure(name) {
            return Some(Named::Value(Cow::Owned(value)));
        }
        let created = &self.run.created;
        let found = self.around(name, true).or_else(|| self.set_variables()?.get(name)).or_else(|| {
            // A variable of the definition may stand for a result that does not exist yet, as in the first round of a
            // `while`.
            let is_result = created.workflow.has_result(name);
            let given = created.inputs.get(name);
            let own = created.workflow.variables.get(name);
            if is_result { own.filter(|_| given.is_none()) } else { given.or(own) }
        });
        found.map(|value| Named::Value(Cow::Borrowed(value)))
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (scope, known) in self.scopes() {
            if let Some(scope) = self.run.scopes.get(scope) {
                names.extend(scope.locals.keys().cloned());
                names.extend(scope.locals.get(ITEM).map(|_| CURRENT_ITEM.to_owned()));
            }
            let results = self.run.results_in(scope).take(known);
            names.extend(
                results.map(|(operator, _)| operator.result_key.as_ref().unwrap_or(&operator.id).clone()),
            );
        }
        names.extend(self.all_variables().map(|(name, _)| name.clone()));
        names.extend(OF_HANDLER.map(str::to_owned).into_iter().filter(|_| self.failed().is_some()));
        let of_engine = OF_ENGINE.into_iter().filter(|name| self.of_engine(name).is_some());
        names.extend(of_engine.map(str::to_owned));
        names
    }

    fn within(&self, namespace: &str, name: &str) -> Option<Cow<'_, Value>> {
        let created = &self.run.created;
        let started = || to_iso(self.run.started_at.unwrap_or(created.at));
        let text = |text: &str| Some(Cow::Owned(text.into()));
        let found = match (namespace, name) {
            ("inputs", _) => self.input(name),
            ("results", _) => self.around(name, false),
            ("workflow", "name") => return text(&created.workflow.name),
            ("workflow", "version") => return text(&created.workflow.version),
            ("workflow", "run_id") | ("run", "id") => return text(self.run.id()),
            ("workflow", "run_date") => return text(started().get(..10)?),
            ("variables" | "workflow", _) => self.variable(name),
            ("run", "started_at") => return text(&started()),
            ("ENV", _) => self.config.env.get(name),
            ("secrets", _) => self.config.secrets.get(name),
            _ => None,
        };
        found.map(Cow::Borrowed)
    }

    fn names_within(&self, namespace: &str) -> Vec<String> {
        let variables = || self.all_variables().map(|(name, _)| name.clone());
        match namespace {
            "inputs" => self.all_inputs().map(|(name, _)| name.clone()).collect(),
            "variables" => variables().collect(),
            "results" => {
                let mut names = Vec::new();
                for (scope, known) in self.scopes() {
                    self.names_of_results(scope, known, &mut names);
                }
                names
            }
            "workflow" => variables().chain(OF_WORKFLOW.map(str::to_owned)).collect(),
            "run" => OF_RUN.map(str::to_owned).into(),
            "ENV" => self.config.env.keys().cloned().collect(),
            "secrets" => self.config.secrets.names().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    fn advice(&self, name: &str) -> Option<String> {
        if name == "secrets" {
            let help = "secrets may stand only in arguments of tools, because these are not stored";
            return Some(help.to_owned());
        }
        let is_input = self.input(name).is_some();
        let input = if is_input { format!("; the input is `{{{{inputs.{name}}}}}`") } else { String::new() };
        match name {
            "ds" => Some(format!("`ds` is known in the runs that a schedule starts{input}")),
            "idempotency_key" => Some(format!("an idempotency key cannot be made of itself{input}")),
            _ if self.run.created.workflow.has_result(name) => {
                Some(format!("`{name}` is the result of a task that has not succeeded here{input}"))
            }
            _ => None,
        }
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        add_work(self.work, bytes);
        self.spent.set(self.spent.get().saturating_add(bytes));
        self.config.limits.check(self.limit, self.spent.get())
    }
}

/// The names of a step, and further names of the engine that only it knows.
pub(in crate::engine) struct WithMore<'a> {
    pub(in crate::engine) scope: RunScope<'a>,
    pub(in crate::engine) extra: &'a Map<String, Value>,
}

impl Scope for WithMore<'_> {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        let own = self.extra.get(name).map(|value| Named::Value(Cow::Borrowed(value)));
        own.or_else(|| self.scope.lookup(name))
    }

    fn names(&self) -> Vec<String> {
        self.extra.keys().cloned().chain(self.scope.names()).collect()
    }

    fn within(&self, namespace: &str, name: &str) -> Option<Cow<'_, Value>> {
        self.scope.within(namespace, name)
    }

    fn names_within(&self, namespace: &str) -> Vec<String> {
        self.scope.names_within(namespace)
    }

    fn advice(&self, name: &str) -> Option<String> {
        self.scope.advice(name)
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        self.scope.spend(bytes)
    }
}
