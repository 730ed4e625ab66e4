//! Reports from outside, and the decisions that follow: retries, skipped steps, ends of runs.

use crate::engine::decide::guards;
use crate::engine::effects::Effect;
use crate::engine::journal::record::Record;
use crate::engine::machine::{Engine, Submission, Submitted};
use crate::engine::plan::Planned;
use crate::engine::state::failure::{FailedCall, Failure};
use crate::engine::state::positions::{CallId, RunIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::queues::{Check, Timer};
use crate::engine::state::run::{RunCreated, RunState};
use crate::engine::state::scope::{Scope, ScopeKind};
use crate::engine::state::sizes::{ATTEMPT, size_of_failure, size_of_used};
use crate::engine::state::step::{Inner, Step, StepState};
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::digits;
use crate::json::{object, size, size_of_map, to_text};
use crate::time::{Millis, to_iso};
use serde_json::Value;
use std::collections::BTreeSet;

/// The bytes of one failed call that are searched for secrets before the next call has its turn.
const SEARCHED_IN_TURN: usize = 16 * 1_024;

/// A decision that follows from an end.
enum Conclusion {
    /// A step will not run.
    Skip(StepRef),
    /// A loop may start its next round.
    GoRound(StepRef),
    /// Every step of a scope has ended.
    ScopeOver(RunIx, ScopeIx),
    /// A step may have waited long enough.
    CheckWaiting(Check),
    /// A run that another run started has ended.
    ChildOver(RunIx),
}

impl Engine {
    /// Accepts a workflow, or finds the run of an earlier submission with its key.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`; `SCHEDULE_INVALID` if the time zone of the schedule is unknown here. After an error, nothing
    /// has changed.
    pub fn submit(&mut self, submission: Submission, now: Millis) -> Result<Submitted> {
        if let Some((at, run)) = submission.key.as_deref().and_then(|key| self.run_of_key(key)) {
            let same =
                run.created.hash == submission.definition.hash && *run.created.inputs == submission.inputs;
            return Ok(if same { Submitted::Repeated(at) } else { Submitted::Conflict(at) });
        }
        let Submission { definition, inputs, key, run_id } = submission;
        self.may_name(key.as_deref().unwrap_or_default())?;
        let bytes = self.may_keep(&definition, &inputs, now)?;
        self.may_keep_run(&definition.workflow, &inputs, bytes)?;
        // Reading the submission counts as work of the slice.
        self.begin_unit();
        self.add_copied(bytes.saturating_add(size_of_map(&inputs)));
        self.state.set_cause_to_start(now);
        let definition = self.keep(definition);
        self.follow_definition(&definition, &inputs, now);
        let created = RunCreated { key, ..RunCreated::new(run_id, definition, inputs, now) };
        let at = self.runs.next();
        self.commit(Record::RunCreated(Box::new(created)));
        self.advance(now);
        Ok(Submitted::Created(at))
    }

    /// Starts a new run of a failed run's workflow, with its inputs and for the same firing of a schedule; `None` if
    /// that run has not failed.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED` if the engine cannot keep one more run.
    pub fn retry(&mut self, run: RunIx, run_id: String, now: Millis) -> Result<Option<RunIx>> {
        let Some(failed) = self.runs.get(run).filter(|run| run.state == RunState::Failed) else {
            return Ok(None);
        };
        let created = failed.created.clone();
        self.may_keep_run(&created.workflow, &created.inputs, 0)?;
        let at = self.runs.next();
        self.state.set_cause_to_start(now);
        self.commit(Record::RunCreated(Box::new(RunCreated {
            run_id,
            key: None,
            parent: None,
            is_late: false,
            at: now,
            ..created
        })));
        self.advance(now);
        Ok(Some(at))
    }

    /// Cancels an active run, and stops its tools and the runs that it started; `false` if it has ended already.
    pub fn cancel(&mut self, run: RunIx, reason: Option<&str>, now: Millis) -> bool {
        if self.runs.get(run).is_none_or(|run| run.state != RunState::Active) {
            return false;
        }
        let failure = reason.map(|reason| Failure::new(ErrorCode::RunCancelled, reason));
        self.state.set_cause(None, now);
        self.end(run, RunState::Cancelled, failure, None, "the run was cancelled", now);
        self.advance(now);
        true
    }

    /// Reports the outcome of a call. Outcomes of aborted calls are ignored.
    pub fn tool_finished(
        &mut self,
        call: CallId,
        outcome: std::result::Result<Value, (Failure, Option<Value>)>,
        now: Millis,
    ) {
        let Some(StepRef { run, step }) = self.calls.get(&call).copied() else {
            return;
        };
        self.state.set_cause(Some(StepRef { run, step }), now);
        // Reading the outcome counts as work of the slice.
        self.begin_unit();
        match outcome {
            Ok(result) if self.is_reflexive(run, step) => self.finish_turn(run, step, result, now),
            Ok(result) if self.handled(run, step).is_some() => self.answer_update(run, step, result, now),
            Ok(result) => self.finish_work(run, step, result, now),
            Err((failure, result)) if !self.config.secrets.are_struck() => {
                let failure = failure.cut_to_limit();
                self.attempt_failed(run, step, failure, result, now);
            }
            Err((failure, result)) => self.failed_calls.push_back(FailedCall::new(call, failure, result)),
        }
        self.advance(now);
    }

    /// Searches failed calls for secrets, in turns, as far as it fits into the slice. The result is whether all of them
    /// are done.
    fn search_failures(&mut self, now: Millis) -> bool {
        while let Some(mut failed) = self.failed_calls.pop_front() {
            // The call may have been aborted.
            let Some(StepRef { run, step }) = self.calls.get(&failed.call).copied() else { continue };
            if !self.is_within_slice() {
                self.failed_calls.push_front(failed);
                return false;
            }
            self.begin_unit();
            self.add_searched(SEARCHED_IN_TURN);
            match failed.search(&self.config.secrets, SEARCHED_IN_TURN) {
                None => self.failed_calls.push_back(failed),
                Some((failure, result)) => {
                    self.state.set_cause(Some(StepRef { run, step }), now);
                    self.attempt_failed(run, step, failure, result, now);
                }
            }
        }
        true
    }

    /// Does everything that is due at `now`, or the next slice of it: see [`has_more`](Self::has_more).
    pub fn tick(&mut self, now: Millis) {
        while self.settle(now)
            && self.is_within_slice()
            && let Some(timer) = self.state.take_due(now)
        {
            self.begin_unit();
            self.timer_is_due(timer, now);
        }
        self.advance(now);
    }

    fn timer_is_due(&mut self, timer: Timer, now: Millis) {
        match timer {
            Timer::Run(run) => {
                self.state.set_cause(None, now);
                self.run_timed_out(run, now);
            }
            Timer::Step(StepRef { run, step }) => {
                self.state.set_cause(Some(StepRef { run, step }), now);
                self.step_due(run, step, now);
            }
            Timer::Update(run, update) => {
                self.state.set_cause(None, now);
                self.update_timed_out(run, update, now);
            }
            Timer::Schedule(schedule) => {
                self.state.set_cause_to_start(now);
                self.fire(schedule, now);
            }
        }
    }

    fn run_timed_out(&mut self, run: RunIx, now: Millis) {
        let Some(owner) = self.runs.get(run).filter(|run| run.state == RunState::Active) else {
            return;
        };
        let limit = owner.created.workflow.timeout.unwrap_or_default();
        let state = if owner.created.workflow.cancels { RunState::Cancelled } else { RunState::Failed };
        let failure = Failure::new(
            ErrorCode::RunTimedOut,
            format!("the run took longer than its limit of {} s", digits(limit)),
        );
        self.end(run, state, Some(failure), None, "the run passed its time limit", now);
    }

    fn step_due(&mut self, run: RunIx, step: StepIx, now: Millis) {
        // A timer that was due before may have changed the step's own.
        let is_due = |step: &&Step| step.timer.is_some_and(|due| due <= now);
        let Some(found) = self.step(run, step).filter(is_due) else { return };
        match (found.state, &found.inner) {
            (StepState::Sleeping, Some(Inner::Sleep)) => {
                let result = object([("woke_at", to_iso(now).into())]);
                self.finish_work(run, step, result, now);
            }
            (StepState::Retrying, _) => self.commit(Record::RetryDue { run, step }),
            (StepState::Running { .. } | StepState::Open | StepState::Sleeping, _) => {
                let limit = digits(self.limit_of(run, step).unwrap_or_default());
                let message = match &found.inner {
                    Some(Inner::Event(name)) => format!("the event `{name}` did not come within {limit} s"),
                    Some(Inner::Update(name)) => format!("the update `{name}` did not come within {limit} s"),
                    Some(Inner::Approval(request)) => {
                        let key = request.get("approval_key").map(to_text).unwrap_or_default();
                        format!("the approval `{key}` was not answered within {limit} s")
                    }
                    _ => format!("the attempt took longer than its limit of {limit} s"),
                };
                let failure = Failure::new(ErrorCode::TaskTimedOut, message);
                if let StepState::Running { call } = found.state {
                    self.abort(vec![call], "the attempt passed its time limit");
                }
                self.attempt_failed(run, step, failure, None, now);
            }
            _ => {}
        }
    }

    /// Ends a step with the result of its work, if its postconditions hold.
    pub(in crate::engine) fn finish_work(&mut self, run: RunIx, step: StepIx, result: Value, now: Millis) {
        let key = self.once_key(run, step);
        match self.may_work(run, step, &result, key.as_deref()) {
            Ok(bytes) => self.add_copied(bytes),
            Err(error) => return self.fail_attempt(run, step, &error, now),
        }
        match self.after_work(run, step, &result) {
            Ok(()) => {
                if let Some(key) = key {
                    self.commit(Record::KeyUsed { run: Some(run), key, result: result.clone() });
                }
                let result = self.with_completion_event(run, step, result, now);
                self.succeed(run, step, result, now);
            }
            Err(failure) => self.attempt_failed(run, step, failure, Some(result), now),
        }
    }

    /// The bytes of a result, if the step may end with it and the run can keep everything that follows.
    fn may_work(&self, run: RunIx, step: StepIx, result: &Value, key: Option<&str>) -> Result<usize> {
        let bytes = self.may_succeed(run, step, result)?;
        let copies = self.runs.get(run).map_or(1, |run| run.copies_of_result(step));
        let key = key.filter(|key| !self.once.contains_key(*key)).map_or(0, |key| size_of_used(key, bytes));
        let event = self.may_complete_activity(run, step, result)?;
        self.has_room(run, copies.saturating_mul(bytes + event) + key + event)?;
        Ok(bytes)
    }

    pub(in crate::engine) fn succeed(&mut self, run: RunIx, step: StepIx, result: Value, now: Millis) {
        self.commit(Record::Succeeded { run, step, result, chosen: Vec::new(), at: now });
    }

    pub(in crate::engine) fn after_work(
        &self,
        run: RunIx,
        step: StepIx,
        result: &Value,
    ) -> std::result::Result<(), Failure> {
        let Some(operator) = self.operator(run, step).filter(|operator| !operator.postconditions.is_empty())
        else {
            return Ok(());
        };
        let Some(scope) = self.scope(run, step) else { return Ok(()) };
        let scope = guards::WithResult { scope: &scope, operator, result };
        guards::check(&operator.postconditions, &scope, self)
    }

    /// Fails the attempt of a step for an error, without a result.
    pub(in crate::engine) fn fail_attempt(&mut self, run: RunIx, step: StepIx, error: &Error, now: Millis) {
        self.attempt_failed(run, step, Failure::from(error), None, now);
    }

    pub(in crate::engine) fn attempt_failed(
        &mut self,
        run: RunIx,
        step: StepIx,
        mut failure: Failure,
        result: Option<Value>,
        now: Millis,
    ) {
        let wait = failure.retry_after.take().unwrap_or_default();
        failure.shorten();
        self.stop_nested(run, step, &failure.message, now);
        self.update_failed(run, step, &failure, now);
        // A problem with the result is not worth a failure of its own. Both the step and its attempt keep it.
        let result = result.or_else(|| self.output_so_far(run, step));
        let mut result = result.filter(|result| self.may_give(run, result, 2).is_ok());
        let is_under_way =
            |step: &Step| step.attempts.last().is_some_and(|attempt| attempt.ended_at.is_none());
        if !self.step(run, step).is_some_and(is_under_way) {
            // It failed before it called a tool.
            let call = CallId::NONE;
            self.commit(Record::AttemptStarted { run, step, call, key: None, deadline: None, at: now });
        }
        let failed =
            self.step(run, step).map_or(0, |step| u32::try_from(step.attempts.len()).unwrap_or(u32::MAX));
        let policy = self.operator(run, step).map(|operator| operator.retry);
        let delay = policy.filter(|_| failure.retryable).and_then(|policy| policy.delay_after_ms(failed));
        let retry_at = delay.map(|delay| now.saturating_add(delay.max(wait)));
        // An attempt whose wait ends after the run's time limit would never start.
        let end = self.runs.get(run).and_then(|run| run.deadline).filter(|_| wait > 0);
        let retry_at = retry_at.filter(|at| end.is_none_or(|end| *at < end));
        let beside = |result: &Option<Value>| result.as_ref().map_or(0, |result| 2 * size(result));
        if self.has_room(run, beside(&result) + size_of_failure(&failure)).is_err() {
            result = None;
        }
        let failure = self.fitting(run, failure, beside(&result));
        // A further attempt needs room too.
        let bytes = beside(&result) + size_of_failure(&failure) + ATTEMPT;
        let retry_at = retry_at.filter(|_| self.has_room(run, bytes).is_ok());
        self.commit(Record::AttemptFailed { run, step, failure, result, retry_at, at: now });
    }

    /// Ends everything that an attempt of a step has started.
    fn stop_nested(&mut self, run: RunIx, step: StepIx, reason: &str, now: Millis) {
        let (Some(found), Some(own)) = (self.runs.get(run), self.step(run, step)) else { return };
        // A finished round may have forked branches that are still active.
        let scopes: BTreeSet<ScopeIx> = found
            .open_scopes()
            .filter_map(|open| found.around(open).find(|scope| own.scopes.binary_search(scope).is_ok()))
            .collect();
        let (_, children) = self.working(run, &[step]);
        for scope in scopes {
            self.cancel_scope_now(run, scope, reason, now);
        }
        for child in children {
            self.end_child(child, reason, now);
        }
    }

    /// Ends a scope, the calls in it, and the runs that were started from it.
    pub(in crate::engine) fn cancel_scope_now(
        &mut self,
        run: RunIx,
        scope: ScopeIx,
        reason: &str,
        now: Millis,
    ) {
        let Some(found) = self.runs.get(run) else { return };
        let open = found.open_within(scope);
        let (calls, children) = self.working(run, &open);
        self.drop_updates(run, Some(&open), now);
        self.keep_output(run, &open);
        self.commit(Record::ScopeCancelled { run, scope, at: now });
        self.abort(calls, reason);
        for child in children {
            self.end_child(child, reason, now);
        }
    }

    /// The active calls of steps, and the runs that the steps started.
    fn working(&self, run: RunIx, steps: &[StepIx]) -> (Vec<CallId>, Vec<RunIx>) {
        let (mut calls, mut children) = (Vec::new(), Vec::new());
        for step in steps.iter().filter_map(|step| self.step(run, *step)) {
            if let StepState::Running { call } = step.state {
                calls.push(call);
            }
            if let Some(Inner::Children(found)) = &step.inner {
                children.extend(found.iter().map(|(_, child)| *child));
            }
        }
        (calls, children)
    }

    fn abort(&mut self, calls: Vec<CallId>, reason: &str) {
        for call in calls {
            // A call that was not started again since a restart has nothing to stop.
            match self.to_call_again.iter().position(|(waiting, ..)| *waiting == call) {
                Some(at) => drop(self.state.to_call_again.remove(at)),
                None => self.effect(Effect::AbortTool { call, reason: reason.into() }),
            }
        }
    }

    fn end_child(&mut self, child: RunIx, reason: &str, now: Millis) {
        if self.runs.get(child).is_some_and(|run| run.state == RunState::Active) {
            let failure = Failure::new(ErrorCode::RunCancelled, reason);
            self.end(child, RunState::Cancelled, Some(failure), None, reason, now);
        }
    }

    /// Ends a run if every step of it has ended.
    fn end_run_if_finished(&mut self, run: RunIx, now: Millis) {
        let Some(owner) = self.runs.get(run).filter(|run| run.state == RunState::Active) else { return };
        if owner.scopes.iter().any(|scope| scope.open > 0) {
            return;
        }
        let failed = owner.failed_in(ScopeIx::WORKFLOW).or_else(|| {
            let is_unwatched =
                |scope: &Scope| matches!(scope.kind, ScopeKind::Branch(_)) && !scope.is_waited_for;
            let mut branches = owner.scopes.placed().filter(|(_, scope)| is_unwatched(scope));
            branches.find_map(|(at, _)| owner.failed_in(at))
        });
        let failure = failed
            .and_then(|step| Some(failure_of_task(owner.operator(step)?, owner.steps.get(step)?.failure()?)));
        let state = if failure.is_some() { RunState::Failed } else { RunState::Completed };
        self.end(run, state, failure, None, "", now);
    }

    pub(in crate::engine) fn end(
        &mut self,
        run: RunIx,
        state: RunState,
        failure: Option<Failure>,
        result: Option<Value>,
        reason: &str,
        now: Millis,
    ) {
        let Some(owner) = self.runs.get(run) else { return };
        let run_id = owner.id().to_owned();
        let open = owner.open_within(ScopeIx::WORKFLOW);
        let (calls, children) = self.working(run, &open);
        self.drop_updates(run, None, now);
        self.keep_output(run, &open);
        let (mut state, mut failure, mut result) = (state, failure, result);
        if let Some(Err(error)) = result.as_ref().map(|result| self.may_give(run, result, 1)) {
            (state, failure, result) = (RunState::Failed, Some(Failure::from(&error)), None);
        }
        let bytes = result.as_ref().map_or(0, size);
        let failure = failure.map(|mut failure| {
            failure.shorten();
            self.fitting(run, failure, bytes)
        });
        self.commit(Record::RunEnded { run, state, failure, result, at: now });
        self.abort(calls, reason);
        for child in children {
            self.end_child(child, reason, now);
        }
        self.effect(Effect::RunEnded { run_id });
    }

    /// Starts what is ready: tools as far as there are places, everything else at once. It stops when the slice is
    /// full.
    pub(in crate::engine) fn advance(&mut self, now: Millis) {
        self.has_more = !self.finish_slice(now);
    }

    /// Does the work of a slice. The result is whether nothing is left.
    fn finish_slice(&mut self, now: Millis) -> bool {
        // There may always be a further step to start.
        if !self.forget_old_runs(now) || !self.search_failures(now) {
            return false;
        }
        while self.settle(now) {
            self.fire_due(now);
            let again = self.to_call_again.front().filter(|_| self.has_place()).copied();
            let next = again.map(|(_, step)| step).or_else(|| self.next_in_line());
            let is_turn_of_missed = self.is_turn_of_missed(next.is_none());
            if next.is_none() && !is_turn_of_missed {
                return self.forget_old_runs(now);
            }
            if !self.is_within_slice() {
                return false;
            }
            self.begin_unit();
            let Some(StepRef { run, step }) = next.filter(|_| !is_turn_of_missed) else {
                self.start_missed(now);
                continue;
            };
            self.state.missed.note_start(self.runs.get(run).is_some_and(|run| run.created.is_late));
            if let Some((call, ..)) = again {
                self.state.to_call_again.pop_front();
                self.call_after_restart(run, step, call, now);
                continue;
            }
            self.state.leaves_line(run, step);
            self.start_step(run, step, now);
            // A step that cannot start would otherwise be tried for ever.
            self.state.dequeue(run, step);
        }
        false
    }

    /// Makes the decisions that follow from ends. The result is whether all of them are made.
    fn settle(&mut self, now: Millis) -> bool {
        while self.is_within_slice() {
            if !self.settle_one(now) {
                return true;
            }
        }
        self.state.first_of(|state| &mut state.to_skip).is_none()
            && self.to_go_round.is_empty()
            && self.closed.is_empty()
            && self.to_check.is_empty()
            && self.ended_children.is_empty()
            && self.undecided.is_empty()
    }

    /// Makes the next decision; `false` if there was none.
    fn settle_one(&mut self, now: Millis) -> bool {
        let Some(conclusion) = self.next_conclusion() else { return false };
        // Each round is a unit of its own.
        if !matches!(conclusion, Conclusion::GoRound(..)) {
            self.begin_unit();
        }
        match conclusion {
            Conclusion::Skip(StepRef { run, step }) => {
                self.state.dequeue(run, step);
                self.commit(Record::Skipped { run, step, at: now });
            }
            Conclusion::GoRound(StepRef { run, step }) => self.go_round(run, step, now),
            Conclusion::ScopeOver(run, scope) => self.finish_scope(run, scope, now),
            Conclusion::CheckWaiting(check) => self.check_waiting(check, now),
            Conclusion::ChildOver(child) => self.continue_parent(child, now),
        }
        true
    }

    fn next_conclusion(&mut self) -> Option<Conclusion> {
        let state = &mut self.state;
        let found = state
            .first_of(|state| &mut state.to_skip)
            .map(Conclusion::Skip)
            .or_else(|| state.to_go_round.pop_front().map(Conclusion::GoRound))
            .or_else(|| state.closed.pop_front().map(|(run, scope)| Conclusion::ScopeOver(run, scope)))
            .or_else(|| state.to_check.pop_front().map(Conclusion::CheckWaiting))
            .or_else(|| state.ended_children.pop_front().map(Conclusion::ChildOver));
        found.or_else(|| self.next_hopeless().map(Conclusion::Skip))
    }

    /// A step that waits for the handling of a failure, where the handler itself waits for the step.
    fn next_hopeless(&mut self) -> Option<StepRef> {
        let undecided = std::mem::take(&mut self.state.undecided);
        let waits = |StepRef { run, step }: &StepRef| self.step(*run, *step).is_some_and(Step::is_waiting);
        let undecided: BTreeSet<StepRef> = undecided.into_iter().filter(waits).collect();
        let mut looked_at = None;
        let found = undecided.iter().copied().find(|StepRef { run, .. }| {
            // Either all steps of a run are stuck, or none.
            looked_at.replace(*run) != Some(*run) && self.is_stuck(*run)
        });
        let steps = undecided
            .iter()
            .map(|StepRef { run, .. }| self.runs.get(*run).map_or(0, |run| run.steps.len()))
            .max();
        self.add_looks(steps.unwrap_or_default());
        self.state.undecided = undecided;
        found
    }

    fn finish_scope(&mut self, run: RunIx, scope: ScopeIx, now: Millis) {
        let Some(owner) = self.runs.get(run).filter(|run| run.state == RunState::Active) else { return };
        if let Some(found) = owner.scopes.get(scope)
            && let (ScopeKind::Round(round), Some(step)) = (&found.kind, found.owner)
            && !found.is_cancelled
            && owner.steps.get(step).is_some_and(|step| {
                step.state == StepState::Open && step.scopes.binary_search(&scope).is_ok()
            })
        {
            let failed = owner.failed_in(scope).and_then(|failed| {
                let failure = failure_of_task(owner.operator(failed)?, owner.steps.get(failed)?.failure()?);
                Some(Failure { message: format!("round {}: {}", round + 1, failure.message), ..failure })
            });
            match failed {
                // The policy of the loop applies. That of the task has been used up.
                Some(failure) => self.attempt_failed(run, step, failure, None, now),
                None => self.go_round(run, step, now),
            }
        }
        self.mark_waiting_for_branch(run, scope);
        self.end_run_if_finished(run, now);
    }
}

/// The failure of a task as the failure of a run, a round or a branch reports it.
pub(in crate::engine) fn failure_of_task(operator: &Planned, failure: &Failure) -> Failure {
    Failure { message: format!("task `{}` failed: {}", operator.id, failure.message), ..failure.clone() }
}
