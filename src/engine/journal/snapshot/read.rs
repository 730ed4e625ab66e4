//! Reads a run of a snapshot.

use crate::engine::journal::field::{Field, Item};
use crate::engine::journal::fields::{FieldReader, invalid, lacking};
use crate::engine::journal::snapshot::moment;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{ScopeIx, StepIx};
use crate::engine::state::run::{Run, RunCreated};
use crate::engine::state::scope::{ScopeKind, body_of};
use crate::engine::state::step::{Attempt, Step, StepState};
use crate::error::{Error, Result};
use crate::time::Millis;
use serde_json::Value;
use std::collections::HashMap;

/// A run that is read from one or several records.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRun {
    pub(in crate::engine) run: Run,
    /// The number of scopes that were read; likewise `steps`.
    scopes: usize,
    steps: usize,
}

impl KeptRun {
    pub(in crate::engine) fn begin(created: RunCreated, fields: &mut FieldReader<'_>) -> Result<Self> {
        let mut run = Run::new(created);
        run.take_fields(fields)?;
        let mut kept = Self { run, scopes: 0, steps: 0 };
        kept.add(fields)?;
        Ok(kept)
    }

    /// Reads a further record of the run.
    pub(in crate::engine) fn go_on(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        if String::read(fields, "type")? != "run_kept" {
            return Err(invalid("a run does not go on as it says"));
        }
        self.add(fields)
    }

    fn add(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        for mut scope in Vec::<Value>::read(fields, "scopes")? {
            self.add_scope(&mut FieldReader(&mut scope))?;
        }
        let run = &mut self.run;
        let beginning = run.created.at;
        for kept in Vec::<Value>::read(fields, "steps")? {
            let step = run.steps.get_mut(StepIx::new(self.steps)).ok_or_else(other_steps)?;
            restore_step(step, kept, beginning)?;
            self.steps += 1;
        }
        run.updates.extend(Vec::read(fields, "updates")?);
        run.signals.append(&mut Field::read(fields, "signals")?);
        run.received.extend(HashMap::read(fields, "received")?);
        run.watching.append(&mut Field::read(fields, "watching")?);
        Ok(())
    }

    fn add_scope(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        let at = ScopeIx::new(self.scopes);
        if at != ScopeIx::WORKFLOW {
            open(&mut self.run, fields)?;
        }
        let Some(scope) = self.run.scopes.get_mut(at) else { return Err(lacking("scopes")) };
        // An empty order is that of the definition: `finish` fills it in.
        scope.take_fields(fields, Vec::new())?;
        self.scopes += 1;
        Ok(())
    }

    /// Derives the rest of the run after the last record.
    pub(in crate::engine) fn finish(&mut self) -> Result<()> {
        let run = &mut self.run;
        if self.steps != run.steps.len() {
            return Err(other_steps());
        }
        for at in (0..self.scopes).map(ScopeIx::new) {
            let Some(scope) = run.scopes.get(at) else { continue };
            let open = run.steps_in(at).filter(|(_, step)| !step.state.is_final()).count();
            let usual = scope.order.is_empty().then(|| run.succeeded_in(scope));
            let order = usual.unwrap_or_else(|| scope.order.clone());
            for (rank, step) in order.iter().enumerate() {
                if let Some(step) = run.steps.get_mut(*step) {
                    step.rank = rank;
                }
            }
            if let Some(scope) = run.scopes.get_mut(at) {
                (scope.open, scope.order) = (open, order);
            }
        }
        Ok(())
    }
}

fn other_steps() -> Error {
    invalid("a run does not have the steps of its definition")
}

fn open(run: &mut Run, fields: &mut FieldReader<'_>) -> Result<()> {
    let owner = Field::read(fields, "owner")?;
    let kind = ScopeKind::read(fields, "kind")?;
    let body = run.operator(owner).and_then(|operator| body_of(&operator.operation, &kind));
    let body = body.ok_or_else(|| invalid("a scope belongs to a step that cannot have one"))?;
    run.open(Some(owner), kind, body, Field::read(fields, "locals")?);
    Ok(())
}

fn restore_step(step: &mut Step, kept: Value, beginning: Millis) -> Result<()> {
    let Value::Array(parts) = kept else { return Err(invalid("a step is not a list")) };
    let mut parts = parts.into_iter();
    let (Some(Value::String(state)), Some(Value::Array(attempts)), Some(mut more)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid("a step lacks a part"));
    };
    step.result = parts.next();
    step.attempts =
        attempts.into_iter().map(|attempt| attempt_of(attempt, beginning)).collect::<Result<_>>()?;
    let more = &mut FieldReader(&mut more);
    step.state = match state.as_str() {
        "pending" => StepState::Pending,
        "running" => StepState::Running { call: Field::read(more, "call")? },
        "sleeping" => StepState::Sleeping,
        "open" => StepState::Open,
        "retrying" => StepState::Retrying,
        "succeeded" => StepState::Succeeded,
        "failed" => StepState::Failed,
        "skipped" => StepState::Skipped,
        "cancelled" => StepState::Cancelled,
        other => return Err(invalid(&format!("a step is `{other}`"))),
    };
    let usual = step.usual_times();
    let mut at = |name: &str| {
        let since: Result<Option<i64>> = Field::find(more, name);
        since.map(|since| since.map(|since| moment(beginning, since)))
    };
    step.started_at = at("started_at")?.or(usual.0);
    step.ended_at = at("ended_at")?.or(usual.1);
    step.timer = at("timer")?;
    step.take_fields(more)
}

fn attempt_of(kept: Value, beginning: Millis) -> Result<Attempt> {
    let Value::Array(parts) = kept else { return Err(invalid("an attempt is not a list")) };
    let mut parts = parts.into_iter();
    let mut at = || parts.next().and_then(|at| at.as_i64()).map(|since| moment(beginning, since));
    let started_at = at().ok_or_else(|| invalid("an attempt has no beginning"))?;
    let ended_at = at();
    let failure = parts.next().map_or(Ok(None), Failure::of)?;
    Ok(Attempt { started_at, ended_at, failure, result: parts.next() })
}
