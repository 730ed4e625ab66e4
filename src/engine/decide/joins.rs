//! Steps that wait for other steps of their run: joins, and tasks that wait for branches.
//!
//! Each is checked when a step ends that it names. Each check is a unit of work of its own, so that the host gets its
//! turn between two of them.

use crate::definition::JoinMode;
use crate::engine::decide::outcomes::failure_of_task;
use crate::engine::machine::Engine;
use crate::engine::plan::Operation;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::queues::{Awaited, Check};
use crate::engine::state::run::Run;
use crate::engine::state::scope::{Scope, ScopeKind};
use crate::engine::state::step::{Inner, StepState};
use crate::engine::state::{BYTES_PER_LOOK, add_work};
use crate::error::ErrorCode;
use crate::time::Millis;
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::HashMap;

/// The outcome of a waiting step; `None` while it must wait.
type Outcome = Option<Result<Value, Failure>>;

impl Engine {
    /// Marks the steps that wait for a branch which has ended, or for all branches of its fork.
    pub(in crate::engine) fn mark_waiting_for_branch(&mut self, run: RunIx, scope: ScopeIx) {
        let Some(owner) = self.state.runs.get(run).filter(|run| !run.watching.is_empty()) else { return };
        let Some(found) = owner.scopes.get(scope) else { return };
        let (ScopeKind::Branch(branch), Some(of)) = (found.kind, found.owner) else { return };
        let is_decided = OnceCell::new();
        let waits = |step: &&StepIx| match owner.steps.get(**step).and_then(|step| step.inner.as_ref()) {
            Some(Inner::Branches { fork, only }) if *fork == of => match only {
                Some(only) => *only == branch,
                None => *is_decided.get_or_init(|| verdict_on(owner, of, None).is_some()),
            },
            _ => false,
        };
        let waiting = owner.watching.iter().filter(waits).map(|step| Check { run, step: *step, ended: None });
        self.state.to_check.extend(waiting);
        let branches = is_decided.get().and_then(|_| owner.steps.get(of)).map_or(0, |fork| fork.scopes.len());
        self.add_looks(owner.watching.len() + branches);
    }

    /// Ends a waiting step if it has waited long enough.
    pub(in crate::engine) fn check_waiting(&mut self, check: Check, now: Millis) {
        let Check { run, step, .. } = check;
        let Some(owner) = self.runs.get(run) else { return };
        let outcome = match owner.steps.get(step).and_then(|step| step.inner.as_ref()) {
            Some(Inner::Join) => self.check_join(check),
            Some(Inner::Branches { fork, only }) => {
                self.add_looks(owner.steps.get(*fork).map_or(0, |fork| fork.scopes.len()));
                branches_over(owner, *fork, *only)
            }
            _ => None,
        };
        match outcome {
            Some(Ok(result)) => self.finish_work(run, step, result, now),
            Some(Err(failure)) => self.attempt_failed(run, step, failure, None, now),
            None => {}
        }
    }

    fn check_join(&mut self, Check { run, step, ended }: Check) -> Outcome {
        let owner = self.state.runs.get(run)?;
        let Operation::Join { tasks, mode } = &owner.operator(step)?.operation else { return None };
        if let (Some(awaited), Some(ended)) = (self.state.awaited.get_mut(&StepRef { run, step }), ended) {
            let later = owner.scopes.len().saturating_sub(awaited.scopes);
            add_work(&self.state.work, (1 + later) * BYTES_PER_LOOK);
            if !may_decide(owner, ended, *mode) && still_waits(owner, step, tasks, awaited) {
                return None;
            }
        }
        let (found, looked_at) = steps_named(owner, step, tasks);
        self.add_looks(looked_at);
        let is_open =
            |(_, step): &(usize, StepIx)| owner.steps.get(*step).is_some_and(|step| !step.state.is_final());
        let named = found.iter().enumerate();
        let open: Vec<_> = named.filter_map(|(name, step)| Some((name, (*step)?))).filter(is_open).collect();
        // Whatever the order in which they end: when the middle one ends, about half of the others have ended too.
        if let Some((name, awaited)) = open.get(open.len() / 2).copied() {
            let awaited = Awaited { step: awaited, name, scopes: owner.scopes.len() };
            self.state.awaited.insert(StepRef { run, step }, awaited);
        }
        joined(owner, tasks, &found, *mode)
    }
}

/// Whether the end of a step can complete a join that waits for other steps as well.
fn may_decide(run: &Run, ended: StepIx, mode: JoinMode) -> bool {
    let state = run.steps.get(ended).map(|step| step.state);
    match mode {
        JoinMode::AllOf => false,
        JoinMode::AnyOf => true,
        JoinMode::AllSuccess => !matches!(state, Some(StepState::Succeeded | StepState::Skipped)),
        JoinMode::OneSuccess => state == Some(StepState::Succeeded),
    }
}

/// Whether a join still waits for the step that it was last found to wait for.
fn still_waits(run: &Run, join: StepIx, tasks: &[String], awaited: &mut Awaited) -> bool {
    let Some((name, own)) = tasks.get(awaited.name).zip(run.steps.get(join)) else { return false };
    let mut later = run.scopes.placed_from(ScopeIx::new(awaited.scopes));
    let is_replaced =
        later.any(|(at, scope)| scope.body.find(name).is_some() && run.is_within(at, own.scope));
    awaited.scopes = run.scopes.len();
    !is_replaced && run.steps.get(awaited.step).is_some_and(|step| !step.state.is_final())
}

/// The steps with these names, in the scope of the join or in the latest branch or round inside it, and how many steps
/// were checked.
fn steps_named(run: &Run, join: StepIx, tasks: &[String]) -> (Vec<Option<StepIx>>, usize) {
    let scope = run.steps.get(join).map(|step| step.scope).unwrap_or_default();
    let own = run.scopes.get(scope);
    let own = |id: &String| own.and_then(|own| Some(own.first + own.body.find(id)?));
    let mut found: Vec<Option<StepIx>> = tasks.iter().map(own).collect();
    let named = tasks.iter().zip(&mut found).filter(|(_, step)| step.is_none());
    let mut inside: HashMap<&str, &mut Option<StepIx>> =
        named.map(|(id, step)| (id.as_str(), step)).collect();
    let mut looked_at = tasks.len();
    for (at, scope_inside) in run.scopes.placed_from(scope).rev() {
        if inside.is_empty() {
            break;
        }
        looked_at += 1;
        if !run.is_within(at, scope) {
            continue;
        }
        looked_at += scope_inside.body.operators.len();
        for (position, operator) in scope_inside.body.operators.iter().enumerate() {
            if let Some(step) = inside.remove(operator.id.as_str()) {
                *step = Some(scope_inside.first + position);
            }
        }
    }
    (found, looked_at)
}

/// The outcome of a join.
fn joined(run: &Run, tasks: &[String], found: &[Option<StepIx>], mode: JoinMode) -> Outcome {
    let state = |step: &Option<StepIx>| step.and_then(|step| run.steps.get(step)).map(|step| step.state);
    let is_over = |step: &Option<StepIx>| state(step).is_none_or(StepState::is_final);
    let is_good = |step: &Option<StepIx>| state(step) == Some(StepState::Succeeded);
    let is_passed = |step: &Option<StepIx>| state(step) == Some(StepState::Skipped);
    let all_over = found.iter().all(is_over);
    let failure = |message: &str| {
        Some(Err(Failure { retryable: false, ..Failure::new(ErrorCode::RunFailed, message) }))
    };
    let is_done = match mode {
        JoinMode::AllOf => all_over,
        JoinMode::AnyOf => found.is_empty() || found.iter().any(is_over),
        JoinMode::AllSuccess => {
            let is_bad =
                |(_, step): &(&String, &Option<StepIx>)| is_over(step) && !is_good(step) && !is_passed(step);
            if let Some((id, _)) = tasks.iter().zip(found).find(is_bad) {
                return failure(&format!("task `{id}` did not succeed"));
            }
            all_over
        }
        JoinMode::OneSuccess => {
            let is_met = found.iter().any(is_good);
            if !is_met && all_over {
                return failure("none of the joined tasks succeeded");
            }
            is_met
        }
    };
    is_done.then(|| {
        let result = |step: &Option<StepIx>| step.and_then(|step| run.steps.get(step)?.result.clone());
        let results = tasks.iter().zip(found);
        Ok(results.map(|(id, step)| (id.clone(), result(step).unwrap_or_default())).collect())
    })
}

/// The branches of a fork for which a step waits: one of them, or all.
fn branches(run: &Run, fork: StepIx, only: Option<usize>) -> impl Iterator<Item = (ScopeIx, &Scope)> {
    run.scopes_of(fork)
        .filter(move |(_, scope)| only.is_none_or(|only| scope.kind == ScopeKind::Branch(only)))
}

/// The end of the branches; `None` while one of them is active.
fn verdict_on(run: &Run, fork: StepIx, only: Option<usize>) -> Option<Result<(), Failure>> {
    let operator = run.operator(fork)?;
    for (at, scope) in branches(run, fork, only) {
        if scope.open > 0 {
            return None;
        }
        let name = scope.branch(operator).unwrap_or_default();
        if scope.is_cancelled {
            let message = format!("branch `{name}` was cancelled");
            return Some(Err(Failure { retryable: false, ..Failure::new(ErrorCode::RunCancelled, message) }));
        }
        if let Some(failed) = run.failed_in(at) {
            let failure = failure_of_task(run.operator(failed)?, run.steps.get(failed)?.failure()?);
            let message = format!("branch `{name}`: {}", failure.message);
            return Some(Err(Failure { message, retryable: false, ..failure }));
        }
    }
    Some(Ok(()))
}

/// The results of the branches; `None` while one of them is active.
fn branches_over(run: &Run, fork: StepIx, only: Option<usize>) -> Outcome {
    if let Err(failure) = verdict_on(run, fork, only)? {
        return Some(Err(failure));
    }
    let operator = run.operator(fork)?;
    let mut results = branches(run, fork, only).map(|(at, scope)| {
        let name = scope.branch(operator).unwrap_or_default().to_owned();
        (name, run.last_in(at).cloned().unwrap_or_default())
    });
    Some(Ok(match only {
        Some(_) => results.next().map(|(_, result)| result).unwrap_or_default(),
        None => Value::Object(results.collect()),
    }))
}
