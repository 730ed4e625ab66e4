//! Steps that generate a result, have it verified and correct it, with two tools in turn.

use crate::engine::decide::names::WithMore;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::{Operation, Reflexive};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, StepIx};
use crate::engine::state::step::Inner;
use crate::error::{ErrorCode, Result};
use crate::expr::is_true;
use crate::json::{object, size};
use crate::template::{Syntax, resolve};
use crate::time::{Millis, after};
use serde_json::Value;

impl Engine {
    pub(in crate::engine) fn is_reflexive(&self, run: RunIx, step: StepIx) -> bool {
        self.reflexive(run, step).is_some()
    }

    fn reflexive(&self, run: RunIx, step: StepIx) -> Option<Reflexive> {
        match &self.operator(run, step)?.operation {
            Operation::Reflexive(reflexive) => Some((**reflexive).clone()),
            _ => None,
        }
    }

    pub(in crate::engine) fn start_reflexive(&mut self, run: RunIx, step: StepIx, now: Millis) {
        let key = self.once_key(run, step);
        if self.park_if_held(run, step, key.as_deref()) {
            return;
        }
        let call = self.last_call.next();
        let limit = self.operator(run, step).and_then(|operator| operator.timeout);
        let deadline = limit.map(|limit| after(now, limit));
        self.commit(Record::AttemptStarted { run, step, call, key, deadline, at: now });
        self.next_turn(run, step, None, None, 1, now);
    }

    /// Takes the result of one of the two tools.
    pub(in crate::engine) fn finish_turn(&mut self, run: RunIx, step: StepIx, result: Value, now: Millis) {
        let Some(reflexive) = self.reflexive(run, step) else { return };
        let inner = self.step(run, step).and_then(|step| step.inner.clone());
        let Some(Inner::Turns { candidate, turn, .. }) = inner else { return };
        let Some(candidate) = candidate else {
            return self.next_turn(run, step, Some(result), None, turn, now);
        };
        if passes(&result) {
            let outcome = object([
                ("output", candidate),
                ("verified", true.into()),
                ("verification", result),
                ("turns", turn.into()),
            ]);
            self.finish_work(run, step, outcome, now);
        } else if turn >= reflexive.max_turns {
            let message = format!("the output was not accepted in {turn} turns");
            let failure = Failure { retryable: false, ..Failure::new(ErrorCode::ToolFailed, message) };
            let outcome = object([
                ("output", candidate),
                ("verified", false.into()),
                ("verification", result),
                ("turns", turn.into()),
            ]);
            self.attempt_failed(run, step, failure, Some(outcome), now);
        } else {
            self.correct(run, step, &candidate, result, turn + 1, now);
        }
    }

    fn correct(
        &mut self,
        run: RunIx,
        step: StepIx,
        candidate: &Value,
        verdict: Value,
        turn: u32,
        now: Millis,
    ) {
        let feedback = object([("output", candidate.clone()), ("feedback", verdict)]);
        self.next_turn(run, step, None, Some(feedback), turn, now);
    }

    fn next_turn(
        &mut self,
        run: RunIx,
        step: StepIx,
        candidate: Option<Value>,
        feedback: Option<Value>,
        turn: u32,
        now: Millis,
    ) {
        let bytes = candidate.iter().chain(&feedback).map(size).sum();
        if let Err(error) = self.has_room(run, bytes) {
            return self.fail_attempt(run, step, &error, now);
        }
        let call = self.last_call.next();
        self.commit(Record::TurnTaken { run, step, candidate, feedback, turn, call });
        self.call_again(run, step, call, now);
    }

    /// Starts the tool that has its turn.
    pub(in crate::engine) fn call_again(&mut self, run: RunIx, step: StepIx, call: CallId, now: Millis) {
        match self.tool_of_turn(run, step) {
            Some(Ok((tool, kwargs))) => self.call_tool(run, step, call, &tool, Vec::new(), kwargs),
            Some(Err(error)) => self.fail_attempt(run, step, &error, now),
            None => {}
        }
    }

    fn tool_of_turn(&self, run: RunIx, step: StepIx) -> Option<Result<(String, Value)>> {
        let reflexive = self.reflexive(run, step)?;
        let Some(Inner::Turns { candidate, feedback, .. }) = self.step(run, step)?.inner.as_ref() else {
            return None;
        };
        // The names of the turn: `output` and `feedback`.
        let mut extra = feedback.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some(candidate) = candidate {
            extra.insert("output".into(), candidate.clone());
        }
        let ((tool, kwargs), named) = match candidate {
            Some(_) => (&reflexive.verifier, "/verifier_kwargs"),
            None => (&reflexive.generator, "/generator_kwargs"),
        };
        let scope = WithMore { scope: self.tool_scope(run, step)?, extra: &extra };
        let mode = self.config.templates;
        let resolved = |value: &Value| resolve(value, &scope, mode, Syntax::BracesAndDollar);
        // The definition does not contain the arguments that a turn adds.
        let given = self.check_arguments(tool, &[], kwargs, named);
        let kwargs = given.and_then(|()| resolved(&Value::Object(kwargs.clone()))).and_then(|mut kwargs| {
            if let Value::Object(kwargs) = &mut kwargs {
                for (name, value) in &extra {
                    kwargs.entry(name.as_str()).or_insert_with(|| value.clone());
                }
                if let (Some(template), Some(_)) = (&reflexive.correction, feedback) {
                    kwargs.insert("prompt".into(), resolved(&Value::from(template.as_str()))?);
                }
            }
            Ok(kwargs)
        });
        Some(kwargs.map(|kwargs| (tool.clone(), kwargs)))
    }
}

/// Whether the verifier accepts, by one of the known fields or by the value as a whole.
fn passes(verdict: &Value) -> bool {
    let verdict_field = ["passed", "valid", "approved", "success", "verified", "ok"]
        .iter()
        .find_map(|name| verdict.get(*name));
    is_true(verdict_field.unwrap_or(verdict))
}
