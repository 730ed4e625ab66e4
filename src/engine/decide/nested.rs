//! Steps that run other steps: loops, branches, joins, other workflows.

use crate::engine::config::limits::{Limit, Limits};
use crate::engine::decide::names::RunScope;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::{Branch, Operation};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::queues::Check;
use crate::engine::state::run::{Parent, Run, RunCreated, RunState};
use crate::engine::state::scope::{ScopeKind, body_of};
use crate::engine::state::step::{Inner, Step, StepState};
use crate::engine::view::{child_view, size_of_results};
use crate::error::{Error, ErrorCode, Result};
use crate::expr::{self, Expr};
use crate::json::parse_json;
use crate::json::{kind_of, object, size, size_of_map};
use crate::template::names::ITEM;
use crate::template::{Scope, Syntax, lend};
use crate::text::suggest::did_you_mean;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

impl Engine {
    /// Continues a loop: opens the rounds that may be open, or ends it.
    pub(in crate::engine) fn go_round(&mut self, run: RunIx, step: StepIx, now: Millis) {
        loop {
            if !self.is_within_slice() {
                return self.state.to_go_round.push_back(StepRef { run, step });
            }
            self.begin_unit();
            let Some((body, at)) = self.place(run, step) else { return };
            let Some(operator) = body.operators.get(at) else { return };
            let Some(found) = self.step(run, step).filter(|step| step.state == StepState::Open) else {
                return;
            };
            let Some(Inner::Loop { items, over, results, .. }) = &found.inner else { return };
            let (opened, running) = (results.len(), results.len() - over);
            let locals = match (&operator.operation, items) {
                (Operation::Foreach { parallel, .. }, Some(items)) => {
                    let most = if *parallel { self.config.concurrency } else { 1 };
                    match items.get(opened) {
                        Some(_) if running >= most => return,
                        Some(item) => Some(locals_of(Some(item), opened)),
                        None if running > 0 => return,
                        None => None,
                    }
                }
                (Operation::While { condition, .. }, _) => {
                    if running > 0 {
                        return;
                    }
                    let locals = locals_of(None, opened);
                    match self.holds_with(run, step, condition, &locals) {
                        Err(error) => {
                            return self.fail_attempt(run, step, &error, now);
                        }
                        Ok(true) if opened >= self.config.limits.get(Limit::LoopRounds) => {
                            let error = self.config.limits.exceeded(Limit::LoopRounds);
                            return self.fail_attempt(run, step, &error, now);
                        }
                        Ok(holds) => holds.then_some(locals),
                    }
                }
                _ => return,
            };
            let Some(locals) = locals else {
                return self.end_loop(run, step, now);
            };
            let rounds = body_of(&operator.operation, &ScopeKind::Round(opened));
            let bytes = rounds.map_or(0, |body| Run::size_of_scope(&body, size_of_map(&locals)));
            if let Err(error) = self.has_room(run, bytes) {
                return self.fail_attempt(run, step, &error, now);
            }
            self.add_copied(size_of_map(&locals));
            let kind = ScopeKind::Round(opened);
            self.commit(Record::ScopeOpened { run, owner: step, kind, locals, at: now });
        }
    }

    /// Ends a loop. Over items, its result has the results of all rounds; with a condition, it is that of the last
    /// round.
    fn end_loop(&mut self, run: RunIx, step: StepIx, now: Millis) {
        let Some(Inner::Loop { items, results, .. }) =
            self.step(run, step).and_then(|step| step.inner.as_ref())
        else {
            return;
        };
        if items.is_some() {
            let bytes = results.iter().flatten().map(size).sum();
            if let Err(error) = self.config.limits.check(Limit::ResultBytes, bytes) {
                return self.fail_attempt(run, step, &error, now);
            }
        }
        let result = if items.is_some() {
            Value::Array(results.iter().map(|result| result.clone().unwrap_or_default()).collect())
        } else {
            results.last().cloned().flatten().unwrap_or_default()
        };
        self.finish_work(run, step, result, now);
    }

    /// The items that a template gives: a list, JSON text of a list, lines of text, or the output of a command with
    /// such text.
    pub(in crate::engine) fn items(&self, run: RunIx, step: StepIx, template: &str) -> Result<Vec<Value>> {
        let Some(scope) = self.scope(run, step) else { return Ok(Vec::new()) };
        let template = Value::from(template);
        let value = lend(&template, &scope, self.config.templates, Syntax::BracesAndDollar)?;
        let limits = &self.config.limits;
        let kind = kind_of(&value);
        let items = items_of(value, limits, &scope)?.ok_or_else(|| {
            Error::new(ErrorCode::FieldTypeInvalid, format!("`items` is {kind}, not a list"))
                .with_help("give a list, JSON text of one, or lines of text")
        })?;
        limits.check(Limit::LoopItems, items.len())?;
        self.has_room(run, items.iter().map(size).sum())?;
        Ok(items)
    }

    /// The branches whose conditions hold, with their positions and names.
    fn chosen<'a>(
        &self,
        run: RunIx,
        step: StepIx,
        branches: &'a [(String, Branch)],
        minimum: usize,
    ) -> Result<Vec<(usize, &'a str)>> {
        let mut chosen = Vec::new();
        // All conditions share one limit on what they read.
        let Some(scope) = self.scope(run, step).map(RunScope::of_conditions) else { return Ok(chosen) };
        let holds = |condition: &Expr| expr::holds(condition, &scope, self.config.templates);
        for (at, (name, branch)) in branches.iter().enumerate() {
            if !branch.condition.as_ref().map_or(Ok(true), holds)? {
                continue;
            }
            if branch.is_missing {
                let message =
                    format!("the condition of branch `{name}` holds, but the branch has no workflow");
                let help = format!("put its tasks into `branch_workflows` as `{name}`");
                return Err(Error::new(ErrorCode::TargetUnknown, message).with_help(help));
            }
            chosen.push((at, name.as_str()));
        }
        if chosen.len() < minimum {
            let message = format!(
                "the conditions of {} of {} branches hold, but at least {minimum} must be taken",
                chosen.len(),
                branches.len()
            );
            return Err(Error::new(ErrorCode::ConditionInvalid, message));
        }
        Ok(chosen)
    }

    pub(in crate::engine) fn start_fork(
        &mut self,
        run: RunIx,
        step: StepIx,
        branches: &[(String, Branch)],
        minimum: usize,
        now: Millis,
    ) -> Result<()> {
        let chosen = self.chosen(run, step, branches, minimum)?;
        let Some(owner) = self.runs.get(run) else { return Ok(()) };
        // Each branch has variables of its own.
        let scope = owner.steps.get(step).map(|step| step.scope).unwrap_or_default();
        let variables = owner.variables_of(scope).map_or(0, size_of_map);
        let size = |(at, _): &(usize, &str)| {
            branches.get(*at).map_or(0, |(_, branch)| Run::size_of_scope(&branch.body, variables))
        };
        self.has_room(run, chosen.iter().map(size).sum())?;
        let id = self.operator(run, step).map(|operator| operator.id.clone()).unwrap_or_default();
        let join = format!("join_{id}_{}_{step}", owner.id());
        let names: Value = chosen.iter().map(|(_, name)| Value::from(*name)).collect();
        let result =
            object([("join_event_name", join.into()), ("spawned_tasks", names.clone()), ("branches", names)]);
        for (at, _) in chosen {
            let kind = ScopeKind::Branch(at);
            self.commit(Record::ScopeOpened { run, owner: step, kind, locals: Map::new(), at: now });
        }
        self.finish_work(run, step, result, now);
        Ok(())
    }

    /// Starts to wait for the branches of a fork, which is given by its result. With a name, it waits for that branch
    /// only.
    pub(in crate::engine) fn wait_for_branches(
        &mut self,
        run: RunIx,
        step: StepIx,
        fork: &Value,
        name: Option<&str>,
        limit: Option<f64>,
        now: Millis,
    ) -> Result<()> {
        let (fork, only) = self.fork_of(run, fork, name)?;
        let own = match self.operator(run, fork).map(|operator| &operator.operation) {
            Some(Operation::Fork { timeout, .. }) => *timeout,
            _ => None,
        };
        let limit = [limit, own].into_iter().flatten().reduce(f64::min);
        self.enter_within(run, step, Inner::Branches { fork, only }, limit, now);
        self.check_waiting(Check { run, step, ended: None }, now);
        Ok(())
    }

    /// Cancels an active branch, and returns its position in the fork.
    pub(in crate::engine) fn cancel_branch(
        &mut self,
        run: RunIx,
        fork: &Value,
        name: &str,
        now: Millis,
    ) -> Result<bool> {
        let (fork, only) = self.fork_of(run, fork, Some(name))?;
        let Some(found) = self.runs.get(run) else { return Ok(false) };
        let open = found
            .scopes_of(fork)
            .find(|(_, scope)| only.is_none_or(|only| scope.kind == ScopeKind::Branch(only)));
        let Some(scope) = open.filter(|(_, scope)| scope.open > 0).map(|(at, _)| at) else {
            return Ok(false);
        };
        self.cancel_scope_now(run, scope, "the branch was cancelled", now);
        Ok(true)
    }

    /// The step of a fork, by its result, and the position of one of its branches.
    fn fork_of(&self, run: RunIx, fork: &Value, name: Option<&str>) -> Result<(StepIx, Option<usize>)> {
        let event = fork.get("join_event_name").unwrap_or(fork);
        let found = self.runs.get(run).and_then(|run| {
            let is_fork = |step: &Step| {
                step.result.as_ref().and_then(|result| result.get("join_event_name")) == Some(event)
            };
            run.steps.find(is_fork)
        });
        let Some(found) = found else {
            return Err(Error::new(
                ErrorCode::ToolArgumentsInvalid,
                "the first argument is not the result of a parallel operator",
            )
            .with_help("pass it as `{{fork_result}}`, by the result key of the operator"));
        };
        let Some(Operation::Fork { branches, .. }) =
            self.operator(run, found).map(|operator| &operator.operation)
        else {
            return Ok((found, None));
        };
        let Some(name) = name else { return Ok((found, None)) };
        let at = branches.iter().position(|(branch, _)| branch == name);
        at.map(|at| (found, Some(at))).ok_or_else(|| {
            let error =
                Error::new(ErrorCode::ToolArgumentsInvalid, format!("the fork has no branch `{name}`"));
            let near = did_you_mean(name, branches.iter().map(|(branch, _)| branch.as_str()));
            near.into_iter().fold(error, Error::with_help)
        })
    }

    /// Starts runs of other workflows, from `{workflow_name, inputs}` without templates.
    pub(in crate::engine) fn start_children(
        &mut self,
        run: RunIx,
        step: StepIx,
        children: &[(String, Map<String, Value>)],
        limit: Option<f64>,
        now: Millis,
    ) -> Result<()> {
        let mut wanted = Vec::new();
        for (name, child) in children {
            let found = self.requested_definition(child).cloned().map_err(|request| {
                let near = did_you_mean(&request, self.definitions.names());
                let help = near.unwrap_or_else(|| "submit it before, so that its definition is known".into());
                let message = format!("there is no workflow `{request}`");
                Error::new(ErrorCode::ToolArgumentsInvalid, message).with_help(help)
            })?;
            if let Some(unknown) = Error::from_diagnostics(self.unknown_tools(&found.workflow)) {
                let message = format!("workflow `{}`: {}", found.workflow.name, unknown.message());
                let error = Error::new(ErrorCode::ToolNotRegistered, message);
                return Err(error.with_any_help(unknown.help().map(str::to_owned)));
            }
            let inputs = child.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default();
            wanted.push((name.clone(), found, inputs));
        }
        self.has_memory(
            wanted.iter().map(|(_, found, inputs)| Run::size_of_new(&found.workflow, inputs)).sum(),
        )?;
        self.may_start(run, wanted.len())?;
        let attempt = self.step(run, step).map_or(0, |step| step.attempts.len()) + 1;
        let first = self.runs.next().get();
        let named =
            wanted.iter().zip(first..).map(|((name, ..), at)| (name.clone(), RunIx::new(at))).collect();
        let parent_id = self.runs.get(run).map(|run| run.id().to_owned()).unwrap_or_default();
        let of_schedule = self.runs.get(run).map(|run| (run.created.schedule, run.created.is_late));
        let (schedule, is_late) = of_schedule.unwrap_or_default();
        for (name, definition, inputs) in wanted {
            let parent = Some(Parent { run, run_id: parent_id.clone(), step, attempt, name });
            let run_id = child_id(&parent_id, self.runs.next());
            let created = RunCreated::new(run_id, definition, inputs, now);
            let created = RunCreated { parent, schedule, is_late, ..created };
            self.commit(Record::RunCreated(Box::new(created)));
        }
        self.enter_within(run, step, Inner::Children(named), limit, now);
        if children.is_empty() {
            self.finish_work(run, step, Value::Object(Map::new()), now);
        }
        Ok(())
    }

    /// Checks whether a run may start this many other runs.
    fn may_start(&self, run: RunIx, count: usize) -> Result<()> {
        let parent = |run: &RunIx| Some(self.runs.get(*run)?.created.parent.as_ref()?.run);
        let (mut generations, mut first) = (0, run);
        for run in std::iter::successors(Some(run), parent) {
            (generations, first) = (generations + 1, run);
        }
        self.config.limits.check(Limit::RunGenerations, generations)?;
        let descendants = self.runs.get(first).map_or(0, |run| run.descendants);
        self.config.limits.check(Limit::RunDescendants, descendants.saturating_add(count))
    }

    /// Continues the step that started a run which has ended.
    pub(in crate::engine) fn continue_parent(&mut self, child: RunIx, now: Millis) {
        let Some(parent) = self.runs.get(child).and_then(|run| run.created.parent.clone()) else { return };
        let Parent { run, step, .. } = parent;
        let Some(Inner::Children(children)) = self.step(run, step).and_then(|step| step.inner.as_ref())
        else {
            return;
        };
        let found = || children.iter().filter_map(|(name, at)| Some((name, self.runs.get(*at)?)));
        if found().any(|(_, run)| run.state == RunState::Active) {
            return;
        }
        let bytes = found().map(|(_, run)| size_of_results(run)).sum();
        if let Err(error) = self.config.limits.check(Limit::ResultBytes, bytes) {
            return self.fail_attempt(run, step, &error, now);
        }
        let runs: Vec<(String, &Run)> = found().map(|(name, run)| (name.clone(), run)).collect();
        let is_single =
            matches!(self.operator(run, step).map(|found| &found.operation), Some(Operation::Task { .. }));
        let failed = runs.iter().find(|(_, run)| run.state != RunState::Completed).map(|(name, run)| {
            let failure = run.failure.clone();
            let failure =
                failure.unwrap_or_else(|| Failure::new(ErrorCode::RunFailed, "it did not complete"));
            Failure {
                message: format!(
                    "workflow `{}` ({name}) failed: {}",
                    run.created.workflow.name, failure.message
                ),
                ..failure
            }
        });
        let views = runs.iter().map(|(name, run)| (name.clone(), child_view(run)));
        let all: Map<String, Value> = views.collect();
        let result = match all.values().next() {
            Some(only) if is_single => only.get("result").cloned().unwrap_or_default(),
            _ => Value::Object(all),
        };
        match failed {
            Some(failure) => self.attempt_failed(run, step, failure, Some(result), now),
            None => self.finish_work(run, step, result, now),
        }
    }
}

/// The names of a round. `current_item` is another name of its item.
fn locals_of(item: Option<&Value>, at: usize) -> Map<String, Value> {
    let mut locals = Map::new();
    if let Some(item) = item {
        locals.insert(ITEM.into(), item.clone());
    }
    locals.insert("index".into(), at.into());
    locals.insert("iteration".into(), (at + 1).into());
    locals.insert("loop_context".into(), object([("iteration", (at + 1).into()), ("index", at.into())]));
    locals
}

/// The items in a value. Of lines, it takes at most one more than a loop may have. Text that is a JSON list counts as
/// the list.
fn items_of(value: Cow<'_, Value>, limits: &Limits, scope: &dyn Scope) -> Result<Option<Vec<Value>>> {
    match value.as_ref() {
        Value::Array(items) => {
            limits.check(Limit::LoopItems, items.len())?;
            Ok(value.into_owned().as_array_mut().map(std::mem::take))
        }
        Value::Object(map) => match map.get("stdout") {
            Some(output) => items_of(Cow::Borrowed(output), limits, scope),
            None => Ok(None),
        },
        Value::String(text) => {
            if let Some(count) = values_in(text) {
                scope.spend(count.saturating_mul(size(&Value::Null)))?;
                if let Ok(Value::Array(items)) = parse_json(text) {
                    return Ok(Some(items));
                }
            }
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let most = limits.get(Limit::LoopItems).saturating_add(1);
            Ok(Some(lines.take(most).map(Value::from).collect()))
        }
        _ => Ok(None),
    }
}

/// The approximate number of values in a text that looks like a JSON list; `None` for other text.
fn values_in(text: &str) -> Option<usize> {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in text.trim_start().starts_with('[').then_some(text)?.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' | b',' => count += 1,
            b']' | b'}' | b':' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'E' | b' ' | b'\t' | b'\r' | b'\n' => {}
            // Letters of `true`, `false` and `null`, and of an exponent.
            _ if b"aeflnrstu".contains(&byte) => {}
            _ => return None,
        }
    }
    Some(count)
}

/// An id for a run that another run or a schedule starts. It has the form of the parent's id and is unique in the
/// engine.
pub(in crate::engine) fn child_id(parent: &str, at: RunIx) -> String {
    let number = format!("{:012x}", at.get());
    match parent.rsplit_once('-') {
        Some((head, tail)) if tail.len().cmp(&number.len()) == Ordering::Equal => format!("{head}-{number}"),
        _ => format!("{parent}-{}", at.get()),
    }
}
