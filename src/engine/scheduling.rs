//! The decisions: what starts, what is tried again, what is skipped, when a run is over.

use super::plan::{Operation, Planned, Wait};
use super::record::RunCreated;
use super::run::{RunState, StepState, after};
use super::scope::RunScope;
use super::{Effect, Engine, Failure, Record, Submission, Submitted, ToolCall};
use crate::error::{ErrorCode, Result};
use crate::json::object;
use crate::number::digits;
use crate::template::{Syntax, resolve};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

impl Engine {
    /// Accepts a workflow, or finds the run that its key began.
    pub fn submit(&mut self, submission: Submission, now: Millis) -> Submitted {
        if let Some((at, run)) = submission.key.as_deref().and_then(|key| self.run_of_key(key)) {
            let same =
                run.created.definition == submission.definition && run.created.inputs == submission.inputs;
            return if same { Submitted::Repeated(at) } else { Submitted::Conflict(at) };
        }
        let Submission { definition, workflow, inputs, key, run_id } = submission;
        self.commit(Record::RunCreated(Box::new(RunCreated {
            run_id,
            workflow,
            definition,
            inputs,
            key,
            at: now,
        })));
        self.advance(now);
        Submitted::Created(self.runs.len() - 1)
    }

    /// Ends an active run as cancelled and stops its tools; `false` if it is over already.
    pub fn cancel(&mut self, run: usize, reason: Option<&str>, now: Millis) -> bool {
        if self.runs.get(run).is_none_or(|run| run.state != RunState::Active) {
            return false;
        }
        let failure = reason.map(|reason| Failure::new(ErrorCode::RunCancelled, reason));
        self.end(run, RunState::Cancelled, failure, "the run was cancelled", now);
        self.advance(now);
        true
    }

    /// Takes the outcome of a tool call. Outcomes of calls that were aborted are ignored.
    pub fn tool_finished(
        &mut self,
        call: u64,
        outcome: std::result::Result<Value, (Failure, Option<Value>)>,
        now: Millis,
    ) {
        let Some((run, step)) = self.calls.get(&call).copied() else {
            return;
        };
        match outcome {
            Ok(result) => self.commit(Record::Succeeded { run, step, result, at: now }),
            Err((failure, result)) => self.attempt_failed(run, step, failure, result, now),
        }
        self.end_if_over(run, now);
        self.advance(now);
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Millis) {
        for (run, step) in self.take_due(now) {
            match step {
                None => self.run_timed_out(run, now),
                Some(step) => self.step_due(run, step, now),
            }
            self.end_if_over(run, now);
        }
        self.advance(now);
    }

    fn run_timed_out(&mut self, run: usize, now: Millis) {
        let Some(owner) = self.runs.get(run).filter(|run| run.state == RunState::Active) else {
            return;
        };
        let limit = owner.created.workflow.timeout.unwrap_or_default();
        let failure = Failure::new(
            ErrorCode::RunTimedOut,
            format!("the run was not over after its limit of {} s", digits(limit)),
        );
        self.end(run, RunState::Failed, Some(failure), "the run passed its time limit", now);
    }

    fn step_due(&mut self, run: usize, step: usize, now: Millis) {
        match self.step(run, step).map(|step| step.state) {
            Some(StepState::Sleeping) => {
                let result = object([("woke_at", to_iso(now).into())]);
                self.commit(Record::Succeeded { run, step, result, at: now });
            }
            Some(StepState::Retrying) => self.commit(Record::RetryDue { run, step }),
            Some(StepState::Running { call }) => {
                self.effect(Effect::AbortTool { call, reason: "the attempt passed its time limit".into() });
                let limit =
                    self.operator(run, step).and_then(|operator| operator.timeout).unwrap_or_default();
                let failure = Failure::new(
                    ErrorCode::TaskTimedOut,
                    format!("the attempt was not over after its limit of {} s", digits(limit)),
                );
                self.attempt_failed(run, step, failure, None, now);
            }
            _ => {}
        }
    }

    fn attempt_failed(
        &mut self,
        run: usize,
        step: usize,
        failure: Failure,
        result: Option<Value>,
        now: Millis,
    ) {
        let failed =
            self.step(run, step).map_or(0, |step| u32::try_from(step.attempts.len()).unwrap_or(u32::MAX));
        let policy = self.operator(run, step).map(|operator| operator.retry);
        let delay = policy.filter(|_| failure.retryable).and_then(|policy| policy.delay_after_ms(failed));
        let retry_at = delay.map(|delay| now.saturating_add(delay));
        self.commit(Record::AttemptFailed { run, step, failure, result, retry_at, at: now });
        if retry_at.is_none() {
            self.skip_dependents(run, step, now);
        }
    }

    /// Skips everything that can no longer have all its dependencies.
    fn skip_dependents(&mut self, run: usize, step: usize, now: Millis) {
        let mut pending = vec![step];
        while let Some(over) = pending.pop() {
            let dependents = self.step(run, over).map(|step| step.dependents.clone()).unwrap_or_default();
            for dependent in dependents {
                if self.step(run, dependent).is_some_and(|step| step.state == StepState::Pending) {
                    self.commit(Record::Skipped { run, step: dependent, at: now });
                    pending.push(dependent);
                }
            }
        }
    }

    fn end_if_over(&mut self, run: usize, now: Millis) {
        let Some(owner) = self.runs.get(run).filter(|run| run.state == RunState::Active && run.open == 0)
        else {
            return;
        };
        let failed =
            owner.steps.iter().zip(&owner.created.workflow.operators).find_map(|(step, operator)| {
                let failure = step.failure().filter(|_| step.state == StepState::Failed)?;
                Some(Failure {
                    message: format!("task `{}` failed: {}", operator.id, failure.message),
                    ..failure.clone()
                })
            });
        let state = if failed.is_some() { RunState::Failed } else { RunState::Completed };
        self.end(run, state, failed, "", now);
    }

    fn end(&mut self, run: usize, state: RunState, failure: Option<Failure>, reason: &str, now: Millis) {
        let Some(owner) = self.runs.get(run) else { return };
        let run_id = owner.id().to_owned();
        let running: Vec<u64> = owner
            .steps
            .iter()
            .filter_map(|step| match step.state {
                StepState::Running { call } => Some(call),
                _ => None,
            })
            .collect();
        self.commit(Record::RunEnded { run, state, failure, at: now });
        for call in running {
            self.effect(Effect::AbortTool { call, reason: reason.into() });
        }
        self.effect(Effect::RunEnded { run_id });
    }

    /// Starts what is ready: waits at once, tasks as far as there are places.
    fn advance(&mut self, now: Millis) {
        loop {
            let has_place = self.calls.len() < self.config.concurrency;
            let task = self.ready_tasks.front().filter(|_| has_place);
            let Some((run, step)) = self.ready_waits.front().or(task).copied() else {
                return;
            };
            self.start_step(run, step, now);
            self.end_if_over(run, now);
        }
    }

    fn start_step(&mut self, run: usize, step: usize, now: Millis) {
        let Some(operator) = self.operator(run, step).cloned() else {
            return;
        };
        match &operator.operation {
            Operation::Wait(wait) => {
                let until = match wait {
                    Wait::For(seconds) => after(now, *seconds),
                    Wait::Until(moment) => *moment,
                };
                self.commit(Record::Slept { run, step, until, at: now });
                if until <= now {
                    self.step_due(run, step, now);
                }
            }
            Operation::Task { function, args, kwargs } => {
                let call = self.last_call + 1;
                let deadline = operator.timeout.map(|seconds| after(now, seconds));
                let resolved = self.arguments(run, function, args, kwargs);
                self.commit(Record::AttemptStarted { run, step, call, deadline, at: now });
                match resolved {
                    Err(error) => self.attempt_failed(run, step, Failure::from(&error), None, now),
                    Ok((args, kwargs)) => {
                        let Some(owner) = self.runs.get(run) else { return };
                        let attempts = owner.steps.get(step).map_or(0, |step| step.attempts.len());
                        let tool_call = ToolCall {
                            call,
                            run_id: owner.id().to_owned(),
                            workflow: owner.created.workflow.name.clone(),
                            task: operator.id.clone(),
                            attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
                            tool: function.clone(),
                            args,
                            kwargs,
                            idempotency_key: format!("{}/{}", owner.id(), operator.id),
                            deadline,
                        };
                        self.effect(Effect::StartTool(Box::new(tool_call)));
                    }
                }
            }
        }
    }

    fn arguments(
        &self,
        run: usize,
        function: &str,
        args: &[Value],
        kwargs: &Map<String, Value>,
    ) -> Result<(Vec<Value>, Value)> {
        let Some(owner) = self.runs.get(run) else {
            return Ok((Vec::new(), Value::Null));
        };
        let scope = RunScope { run: owner, env: &self.config.env };
        // In a shell command `${name}` belongs to the shell.
        let syntax = if function == "tools.shell.run" { Syntax::Braces } else { Syntax::BracesAndDollar };
        let args: Result<Vec<Value>> =
            args.iter().map(|arg| resolve(arg, &scope, self.config.templates, syntax)).collect();
        Ok((args?, resolve(&Value::Object(kwargs.clone()), &scope, self.config.templates, syntax)?))
    }

    fn operator(&self, run: usize, step: usize) -> Option<&Planned> {
        self.runs.get(run)?.created.workflow.operators.get(step)
    }
}
