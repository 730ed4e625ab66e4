//! Updates: requests to a run that wait for its answer.

use crate::engine::config::limits::Limit;
use crate::engine::decide::names::WithMore;
use crate::engine::effects::Effect;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::Operation;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, StepIx, StepRef, UpdateIx};
use crate::engine::state::run::RunState;
use crate::engine::state::sizes::size_of_update;
use crate::engine::state::step::{Inner, StepState};
use crate::engine::state::update::{Update, UpdateState};
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::digits;
use crate::json::{object, to_text};
use crate::template::{Syntax, resolve};
use crate::time::{Millis, after};
use serde_json::{Map, Value};

impl Engine {
    /// Checks whether a run may be sent one more update.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_update(&self, run: RunIx, name: &str, payload: &Value) -> Result<()> {
        let sent = self.runs.get(run).map_or(0, |run| run.updates.len());
        self.may_name(name)?;
        self.config.limits.check(Limit::RunUpdates, sent + 1)?;
        self.has_room(run, size_of_update(name, payload))
    }

    /// Sends an update to an active run, with a time limit for the answer in seconds. The result is its position in the
    /// run, or `None` if the run has ended. [`Effect::UpdateEnded`] reports the answer.
    pub fn update(
        &mut self,
        run: RunIx,
        name: &str,
        payload: Value,
        limit: f64,
        now: Millis,
    ) -> Option<UpdateIx> {
        let owner = self.runs.get(run).filter(|run| run.state == RunState::Active)?;
        let update = owner.updates.next();
        let waiting = owner.steps.find(|step| {
            step.state == StepState::Sleeping
                && matches!(&step.inner, Some(Inner::Update(wanted)) if wanted == name)
        });
        let deadline = after(now, limit);
        self.state.set_cause(waiting.map(|step| StepRef { run, step }), now);
        self.commit(Record::UpdateSent { run, name: name.to_owned(), payload, deadline, at: now });
        if let Some(step) = waiting {
            self.take_update(run, step, name, now);
        }
        self.advance(now);
        Some(update)
    }

    /// Starts to wait for an update, for the tool `tools.update.handle`.
    pub(in crate::engine) fn start_handling(
        &mut self,
        run: RunIx,
        step: StepIx,
        kwargs: &Value,
        limit: Option<f64>,
        now: Millis,
    ) -> Result<()> {
        let name = kwargs.get("update_name").map(to_text).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            Error::new(ErrorCode::ToolArgumentsInvalid, "`update_name` is missing")
                .with_help("give the name of the update that the run waits for here")
        })?;
        self.may_name(&name)?;
        self.has_room(run, name.len())?;
        self.enter_within(run, step, Inner::Update(name.clone()), limit, now);
        self.take_update(run, step, &name, now);
        Ok(())
    }

    /// Gives a waiting step the oldest update with its name, if there is one.
    fn take_update(&mut self, run: RunIx, step: StepIx, name: &str, now: Millis) {
        let is_next = |update: &Update| update.state == UpdateState::Pending && update.name == name;
        let Some(update) = self.runs.get(run).and_then(|run| run.updates.find(is_next)) else { return };
        let call = self.last_call.next();
        let has_tool = self.response_tool(run, step).is_some();
        self.commit(Record::UpdateTaken { run, step, update, call: has_tool.then_some(call) });
        if has_tool {
            self.call_response_tool(run, step, call, now);
        } else {
            self.answer_update(run, step, Value::Null, now);
        }
    }

    /// The update that a step is working on.
    pub(in crate::engine) fn handled(&self, run: RunIx, step: StepIx) -> Option<UpdateIx> {
        match self.step(run, step)?.inner {
            Some(Inner::Handling(update)) => Some(update),
            _ => None,
        }
    }

    fn response_tool(&self, run: RunIx, step: StepIx) -> Option<(String, Map<String, Value>)> {
        let Operation::Task { kwargs, .. } = &self.operator(run, step)?.operation else { return None };
        let tool = kwargs.get("response_tool").filter(|tool| !tool.is_null()).map(to_text)?;
        let kwargs = kwargs.get("response_kwargs").and_then(Value::as_object).cloned();
        Some((tool, kwargs.unwrap_or_default()))
    }

    /// Starts the tool that answers an update.
    pub(in crate::engine) fn call_response_tool(
        &mut self,
        run: RunIx,
        step: StepIx,
        call: CallId,
        now: Millis,
    ) {
        let Some((tool, kwargs)) = self.response_tool(run, step) else { return };
        let Some((scope, update)) = self.tool_scope(run, step).zip(self.update_of(run, step)) else { return };
        let extra = Map::from_iter([
            ("update_name".to_owned(), update.name.as_str().into()),
            ("update_payload".to_owned(), update.payload.clone()),
        ]);
        let scope = WithMore { scope, extra: &extra };
        let mode = self.config.templates;
        let filled_in = self
            .check_arguments(&tool, &[], &kwargs, "/kwargs/response_kwargs")
            .and_then(|()| resolve(&Value::Object(kwargs), &scope, mode, Syntax::BracesAndDollar));
        match filled_in {
            Ok(kwargs) => self.call_tool(run, step, call, &tool, Vec::new(), kwargs),
            Err(error) => self.fail_attempt(run, step, &error, now),
        }
    }

    fn update_of(&self, run: RunIx, step: StepIx) -> Option<&Update> {
        self.runs.get(run)?.updates.get(self.handled(run, step)?)
    }

    /// Answers the update that a step is working on, with the result of its tool.
    pub(in crate::engine) fn answer_update(
        &mut self,
        run: RunIx,
        step: StepIx,
        response: Value,
        now: Millis,
    ) {
        let (Some(at), Some(update)) = (self.handled(run, step), self.update_of(run, step)) else { return };
        let result = object([
            ("status", "success".into()),
            ("update_name", update.name.as_str().into()),
            ("update_payload", update.payload.clone()),
            ("response", response),
        ]);
        // The update and the step keep the result.
        if let Err(error) = self.may_give(run, &result, 2) {
            return self.fail_attempt(run, step, &error, now);
        }
        self.end_update(run, at, UpdateState::Completed, Some(result.clone()), None, now);
        self.finish_work(run, step, result, now);
    }

    /// Fails the update of a step that has failed.
    pub(in crate::engine) fn update_failed(
        &mut self,
        run: RunIx,
        step: StepIx,
        failure: &Failure,
        now: Millis,
    ) {
        if let Some(update) = self.handled(run, step) {
            let failure = self.fitting(run, failure.clone(), 0);
            self.end_update(run, update, UpdateState::Failed, None, Some(failure), now);
        }
    }

    /// Fails the updates that will never be answered, since the run has ended or their steps were cancelled.
    pub(in crate::engine) fn drop_updates(&mut self, run: RunIx, only: Option<&[StepIx]>, now: Millis) {
        let Some(owner) = self.runs.get(run) else { return };
        let updates: Vec<UpdateIx> = match only {
            Some(steps) => steps.iter().filter_map(|step| self.handled(run, *step)).collect(),
            None => owner.updates.placed().map(|(at, _)| at).collect(),
        };
        for update in updates {
            let failure = Failure::new(ErrorCode::RunFailed, "the run ended before it answered");
            self.end_update(run, update, UpdateState::Failed, None, Some(failure), now);
        }
    }

    pub(in crate::engine) fn update_timed_out(&mut self, run: RunIx, update: UpdateIx, now: Millis) {
        let Some(found) = self.runs.get(run).and_then(|run| run.updates.get(update)) else { return };
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53 milliseconds")]
        let limit = found.deadline.saturating_sub(found.at) as f64 / 1_000.0;
        let message = format!("the run did not answer within {} s", digits(limit));
        let failure = Failure::new(ErrorCode::TaskTimedOut, message);
        self.end_update(run, update, UpdateState::TimedOut, None, Some(failure), now);
    }

    fn end_update(
        &mut self,
        run: RunIx,
        update: UpdateIx,
        state: UpdateState,
        result: Option<Value>,
        failure: Option<Failure>,
        now: Millis,
    ) {
        let Some(owner) = self.runs.get(run) else { return };
        if owner.updates.get(update).is_none_or(|update| update.state.is_final()) {
            return;
        }
        let run_id = owner.id().to_owned();
        self.commit(Record::UpdateEnded { run, update, state, result, failure, at: now });
        self.effect(Effect::UpdateEnded { run_id, update });
    }
}
