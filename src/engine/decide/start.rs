//! Starts steps, operator by operator.

use crate::arguments::HANDLE_UPDATE;
use crate::definition::duration::parse_iso;
use crate::definition::{Moment, TerminateStatus};
use crate::engine::config::limits::Limit;
use crate::engine::decide::guards;
use crate::engine::decide::names::{Reader, RunScope, WithMore};
use crate::engine::effects::{Effect, ToolCall};
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::{Operation, Planned, Wait};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, StepIx, StepRef};
use crate::engine::state::queues::Check;
use crate::engine::state::run::RunState;
use crate::engine::state::step::Inner;
use crate::engine::tools::builtin;
use crate::error::{Error, ErrorCode, Result};
use crate::expr::{self, equal};
use crate::json::number::to_f64;
use crate::json::{object, size, to_text};
use crate::template::{Syntax, resolve};
use crate::time::{Millis, after, to_iso};
use serde_json::{Map, Value};
use std::rc::Rc;

impl Engine {
    pub(in crate::engine) fn start_step(&mut self, run: RunIx, step: StepIx, now: Millis) {
        let Some((body, at)) = self.place(run, step) else { return };
        let Some(operator) = body.operators.get(at) else { return };
        if let Err(failure) = self.before_work(run, step, operator) {
            return self.attempt_failed(run, step, failure, None, now);
        }
        match self.own_key(run, step).transpose() {
            Err(error) => return self.fail_attempt(run, step, &error, now),
            Ok(Some(key)) if key.len() > self.config.limits.get(Limit::NameBytes) => {
                let error = self.config.limits.exceeded(Limit::NameBytes);
                self.fail_attempt(run, step, &error, now);
                return;
            }
            Ok(key) => {
                // A task with a result under this key does not run again.
                if let Some((_, result)) = key.and_then(|key| self.once.get(&key)).cloned() {
                    return match self.may_succeed(run, step, &result) {
                        Ok(_) => self.succeed(run, step, result, now),
                        Err(error) => self.fail_attempt(run, step, &error, now),
                    };
                }
            }
        }
        let started = match &operator.operation {
            Operation::Task { function, args, kwargs, .. } => {
                return self.start_task(run, step, operator, (function, args, kwargs), now);
            }
            Operation::Wait(wait) => self.start_wait(run, step, wait, now),
            Operation::Condition { condition, if_true, if_false } => {
                self.holds(run, step, condition).map(|holds| {
                    let way = if holds { *if_true } else { *if_false };
                    self.choose(run, step, ("condition", holds.into()), way, now);
                })
            }
            Operation::Switch { value, cases, default } => self.text(run, step, value).map(|value| {
                self.add_looks(cases.len());
                let text = to_text(&value);
                let fits = |case: &str| equal(&case.into(), &value) || case == text;
                let case = cases.iter().find(|(case, _)| fits(case));
                let way = case.map(|(_, way)| *way).or(*default);
                self.choose(run, step, ("value", value), way, now);
            }),
            Operation::Fork { branches, minimum, .. } => self.start_fork(run, step, branches, *minimum, now),
            Operation::Join { .. } => {
                self.enter(run, step, Inner::Join, now);
                self.check_waiting(Check { run, step, ended: None }, now);
                Ok(())
            }
            Operation::Foreach { items, dynamic, .. } => self.items(run, step, items).map(|items| {
                let items = Some(Rc::new(items));
                let inner = Inner::Loop { items, is_open: *dynamic, over: 0, results: Vec::new() };
                self.enter(run, step, inner, now);
            }),
            Operation::While { .. } => {
                let inner = Inner::Loop { items: None, is_open: false, over: 0, results: Vec::new() };
                self.enter(run, step, inner, now);
                Ok(())
            }
            Operation::Emit { event, payload } => self.start_emit(run, step, event, payload, now),
            Operation::Receive { event, timeout } => self.start_receive(run, step, event, *timeout, now),
            Operation::Terminate { status, result, reason } => {
                self.resolved(run, step, &Value::Object(result.clone())).and_then(|result| {
                    let reason = to_text(&self.text(run, step, reason)?);
                    // The run and the step keep the result.
                    self.may_give(run, &result, 3)?;
                    self.terminate(run, step, *status, result, &reason, now);
                    Ok(())
                })
            }
            Operation::Children { children, timeout } => self
                .children(run, step, children)
                .and_then(|children| self.start_children(run, step, &children, *timeout, now)),
            Operation::Reflexive(_) => return self.start_reflexive(run, step, now),
        };
        if let Err(error) = started {
            self.fail_attempt(run, step, &error, now);
        }
    }

    fn before_work(&self, run: RunIx, step: StepIx, operator: &Planned) -> std::result::Result<(), Failure> {
        if operator.preconditions.is_empty() {
            return Ok(());
        }
        let Some(scope) = self.scope(run, step) else { return Ok(()) };
        // Waiting would not change the inputs of the task, so a failed guard is not retried.
        guards::check(&operator.preconditions, &scope, self)
            .map_err(|failure| Failure { retryable: false, ..failure })
    }

    fn start_task(
        &mut self,
        run: RunIx,
        step: StepIx,
        operator: &Planned,
        (function, args, kwargs): (&str, &[Value], &Map<String, Value>),
        now: Millis,
    ) {
        let tool = builtin::find(function);
        // The arguments of a tool of the engine may be written down.
        let scope = if tool.is_some() { self.scope(run, step) } else { self.tool_scope(run, step) };
        let (args, kwargs) = match self.arguments(scope, function, args, kwargs) {
            Ok(resolved) => resolved,
            Err(error) => return self.fail_attempt(run, step, &error, now),
        };
        let key = self.once_key(run, step);
        if self.park_if_held(run, step, key.as_deref()) {
            return;
        }
        if let Err(failure) = self.admitted(run, step, now) {
            return self.attempt_failed(run, step, failure, None, now);
        }
        if let Some(tool) = tool {
            if let Err(error) = self.start_builtin(run, step, tool, &args, &kwargs, now) {
                self.fail_attempt(run, step, &error, now);
            }
            return;
        }
        let call = self.last_call.next();
        let deadline = operator.timeout.map(|seconds| after(now, seconds));
        self.commit(Record::AttemptStarted { run, step, call, key, deadline, at: now });
        self.call_tool(run, step, call, function, args, kwargs);
    }

    /// Whether a step must wait for another one with the same idempotency key. If so, it now waits.
    pub(in crate::engine) fn park_if_held(&mut self, run: RunIx, step: StepIx, key: Option<&str>) -> bool {
        let Some(key) = key.filter(|key| self.held.contains_key(*key)) else { return false };
        self.commit(Record::Parked { run, step, key: key.to_owned() });
        true
    }

    /// Starts a tool for the running attempt of a step.
    pub(in crate::engine) fn call_tool(
        &mut self,
        run: RunIx,
        step: StepIx,
        call: CallId,
        tool: &str,
        args: Vec<Value>,
        kwargs: Value,
    ) {
        self.state.call_takes(call, args.iter().map(size).sum::<usize>() + size(&kwargs));
        let (Some(owner), Some(operator)) = (self.runs.get(run), self.operator(run, step)) else { return };
        let Some(found) = owner.steps.get(step) else { return };
        // One attempt may call tools for several purposes. A service must not take one call for a repetition of
        // another.
        let end = match &found.inner {
            Some(Inner::Turns { candidate: None, turn, .. }) => format!("/generator/{turn}"),
            Some(Inner::Turns { turn, .. }) => format!("/verifier/{turn}"),
            Some(Inner::Handling(update)) => format!("/update/{update}"),
            _ => String::new(),
        };
        let key = self.scope(run, step).and_then(|scope| scope.idempotency_key()).unwrap_or_default();
        let tool_call = ToolCall {
            call,
            run_id: owner.id().to_owned(),
            workflow: owner.created.workflow.name.clone(),
            task: operator.id.clone(),
            attempt: u32::try_from(found.attempts.len()).unwrap_or(u32::MAX),
            tool: tool.to_owned(),
            args,
            kwargs,
            idempotency_key: key + &end,
            deadline: found.timer,
            last_heartbeat: found.reports.as_ref().and_then(|reports| reports.heartbeat.clone()),
        };
        self.effect(Effect::StartTool(Box::new(tool_call)));
    }

    /// Continues after a restart: starts the calls again that were active, and makes all pending decisions. Such a call
    /// may have done its work before. It is the same attempt with the same idempotency key.
    pub fn resume(&mut self, now: Millis) {
        let mut calls: Vec<(CallId, StepRef)> =
            self.calls.iter().map(|(call, step)| (*call, *step)).collect();
        calls.sort_unstable();
        self.state.to_call_again = calls.into();
        // Replaying does not count as work of the slice.
        self.take_output();
        self.tick(now);
    }

    pub(in crate::engine) fn call_after_restart(
        &mut self,
        run: RunIx,
        step: StepIx,
        call: CallId,
        now: Millis,
    ) {
        let Some((body, at)) = self.place(run, step) else { return };
        match body.operators.get(at).map(|operator| &operator.operation) {
            Some(Operation::Task { .. }) if self.handled(run, step).is_some() => {
                self.call_response_tool(run, step, call, now);
            }
            Some(Operation::Task { function, args, kwargs, .. }) => {
                match self.arguments(self.tool_scope(run, step), function, args, kwargs) {
                    Ok((args, kwargs)) => self.call_tool(run, step, call, function, args, kwargs),
                    Err(error) => self.fail_attempt(run, step, &error, now),
                }
            }
            _ => self.call_again(run, step, call, now),
        }
    }

    fn start_wait(&mut self, run: RunIx, step: StepIx, wait: &Wait, now: Millis) -> Result<()> {
        let until = match wait {
            Wait::For(seconds) => after(now, *seconds),
            Wait::Until(moment) => *moment,
            Wait::Text(text) => moment_of(&self.text(run, step, text)?, now)?,
        };
        if until > now {
            self.commit(Record::Entered { run, step, inner: Inner::Sleep, until: Some(until), at: now });
        } else {
            self.finish_work(run, step, object([("woke_at", to_iso(now).into())]), now);
        }
        Ok(())
    }

    /// Ends a step that only chooses a target.
    fn choose(&mut self, run: RunIx, step: StepIx, decision: (&str, Value), way: Option<usize>, now: Millis) {
        let body = self.runs.get(run).and_then(|run| run.scope_of(step)).map(|scope| &scope.body);
        let next = way.and_then(|way| body?.operators.get(way)).map(|operator| operator.id.clone());
        let result = object([decision, ("next", next.into())]);
        let may_succeed = self.may_succeed(run, step, &result).map_err(|error| Failure::from(&error));
        if let Err(failure) = may_succeed.and_then(|_| self.after_work(run, step, &result)) {
            return self.attempt_failed(run, step, failure, Some(result), now);
        }
        self.commit(Record::Succeeded { run, step, result, chosen: way.into_iter().collect(), at: now });
    }

    fn terminate(
        &mut self,
        run: RunIx,
        step: StepIx,
        status: TerminateStatus,
        result: Value,
        reason: &str,
        now: Millis,
    ) {
        self.succeed(run, step, result.clone(), now);
        let failed = |code| {
            Some(Failure::new(code, if reason.is_empty() { "the workflow ended itself" } else { reason }))
        };
        let (state, failure) = match status {
            TerminateStatus::Completed => (RunState::Completed, None),
            TerminateStatus::Failed => (RunState::Failed, failed(ErrorCode::RunFailed)),
            TerminateStatus::Cancelled => (RunState::Cancelled, failed(ErrorCode::RunCancelled)),
        };
        let result = result.as_object().filter(|result| !result.is_empty()).cloned().map(Value::Object);
        self.end(run, state, failure, result, "the workflow ended itself", now);
    }

    /// Starts to wait, or to run what is inside the step, within the time limit of an attempt.
    pub(in crate::engine) fn enter(&mut self, run: RunIx, step: StepIx, inner: Inner, now: Millis) {
        self.enter_within(run, step, inner, None, now);
    }

    /// Works as [`enter`](Self::enter), with a further limit of the operator or the tool. The sooner one counts.
    pub(in crate::engine) fn enter_within(
        &mut self,
        run: RunIx,
        step: StepIx,
        inner: Inner,
        limit: Option<f64>,
        now: Millis,
    ) {
        let own = self.operator(run, step).and_then(|operator| operator.timeout);
        let until = [own, limit].into_iter().flatten().map(|limit| after(now, limit)).min();
        self.commit(Record::Entered { run, step, inner, until, at: now });
    }

    /// The time limit of an attempt in seconds, from the policy of the step or from its operator.
    pub(in crate::engine) fn limit_of(&self, run: RunIx, step: StepIx) -> Option<f64> {
        let found = self.step(run, step)?;
        let started = found.attempts.last()?.started_at;
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53 milliseconds")]
        found.timer.map(|due| due.saturating_sub(started) as f64 / 1_000.0)
    }

    pub(in crate::engine) fn scope(&self, run: RunIx, step: StepIx) -> Option<RunScope<'_>> {
        Some(RunScope::new(self.runs.get(run)?, step, &self.config, Reader::Engine, &self.work))
    }

    /// The names for the arguments of a tool of the host. They include secrets, since the arguments are not written
    /// down.
    pub(in crate::engine) fn tool_scope(&self, run: RunIx, step: StepIx) -> Option<RunScope<'_>> {
        Some(RunScope::new(self.runs.get(run)?, step, &self.config, Reader::Tool, &self.work))
    }

    pub(in crate::engine) fn holds(&self, run: RunIx, step: StepIx, condition: &expr::Expr) -> Result<bool> {
        self.holds_with(run, step, condition, &Map::new())
    }

    /// Evaluates a condition with additional names.
    pub(in crate::engine) fn holds_with(
        &self,
        run: RunIx,
        step: StepIx,
        condition: &expr::Expr,
        extra: &Map<String, Value>,
    ) -> Result<bool> {
        let Some(scope) = self.scope(run, step).map(RunScope::of_conditions) else { return Ok(false) };
        expr::holds(condition, &WithMore { scope, extra }, self.config.templates)
    }

    /// The other workflows that an operator runs, with templates replaced.
    fn children(&self, run: RunIx, step: StepIx, children: &[Child]) -> Result<Vec<Child>> {
        // All of them share one limit on the values that are filled in.
        let Some(scope) = self.scope(run, step) else { return Ok(Vec::new()) };
        let resolved = |(name, child): &Child| {
            let child = Value::Object(child.clone());
            let child = resolve(&child, &scope, self.config.templates, Syntax::BracesAndDollar)?;
            Ok((name.clone(), child.as_object().cloned().unwrap_or_default()))
        };
        children.iter().map(resolved).collect()
    }

    /// A text with its templates replaced. If it is one template, the value keeps its type.
    pub(in crate::engine) fn text(&self, run: RunIx, step: StepIx, text: &str) -> Result<Value> {
        self.resolved(run, step, &Value::from(text))
    }

    pub(in crate::engine) fn resolved(&self, run: RunIx, step: StepIx, value: &Value) -> Result<Value> {
        let Some(scope) = self.scope(run, step) else { return Ok(Value::Null) };
        resolve(value, &scope, self.config.templates, Syntax::BracesAndDollar)
    }

    /// The idempotency key of a task, if it has one.
    pub(in crate::engine) fn once_key(&self, run: RunIx, step: StepIx) -> Option<String> {
        self.own_key(run, step)?.ok()
    }

    fn own_key(&self, run: RunIx, step: StepIx) -> Option<Result<String>> {
        self.scope(run, step)?.own_key()
    }

    fn arguments(
        &self,
        scope: Option<RunScope<'_>>,
        function: &str,
        args: &[Value],
        kwargs: &Map<String, Value>,
    ) -> Result<(Vec<Value>, Value)> {
        let Some(scope) = scope else {
            return Ok((Vec::new(), Value::Null));
        };
        self.check_arguments(function, args, kwargs, "/kwargs")?;
        // In a shell command, `${name}` belongs to the shell.
        let syntax = if function == "tools.shell.run" { Syntax::Braces } else { Syntax::BracesAndDollar };
        let mode = self.config.templates;
        let args: Result<Vec<Value>> = args.iter().map(|arg| resolve(arg, &scope, mode, syntax)).collect();
        let mut named = Map::new();
        // The arguments of the tool that answers an update can read the update, so they are filled in later.
        let is_later = |name: &str| function == HANDLE_UPDATE && name == "response_kwargs";
        for (key, value) in kwargs.iter().filter(|(name, _)| !is_later(name)) {
            named.insert(key.clone(), resolve(value, &scope, mode, syntax)?);
        }
        Ok((args?, Value::Object(named)))
    }
}

/// The name of a child, and its `{workflow_name, inputs}`.
type Child = (String, Map<String, Value>);

/// The moment that the value of a template means.
fn moment_of(value: &Value, now: Millis) -> Result<Millis> {
    let text = to_text(value);
    let text = text.trim();
    if let Some(seconds) =
        to_f64(value).or_else(|| crate::json::number::parse_f64(text)).or_else(|| parse_iso(text))
    {
        return Ok(after(now, seconds));
    }
    Moment::parse(text).and_then(|moment| moment.millis()).ok_or_else(|| {
        Error::new(ErrorCode::DurationInvalid, format!("`{text}` is neither a length of time nor a moment"))
            .with_help(
                "give seconds, ISO 8601 text such as `PT2H`, or a moment such as `2030-01-31T12:00:00Z`",
            )
    })
}
