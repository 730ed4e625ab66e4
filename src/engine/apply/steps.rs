//! What a record changes in steps and scopes.

use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::queues::Timer;
use crate::engine::state::scope::{ScopeKind, body_of};
use crate::engine::state::step::{Attempt, Inner, StepState};
use crate::json::size;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

impl State {
    pub(super) fn open(&mut self, run: RunIx, owner: StepIx, kind: ScopeKind, locals: Map<String, Value>) {
        let Some(found) = self.runs.get_mut(run) else { return };
        let Some(body) = found.operator(owner).and_then(|operator| body_of(&operator.operation, &kind))
        else {
            return;
        };
        let is_round = matches!(kind, ScopeKind::Round(_));
        let scope = found.open(Some(owner), kind, body, locals);
        found.count_scope();
        if let Some(owner) = found.steps.get_mut(owner) {
            owner.scopes.push(scope);
            if let (true, Some(Inner::Loop { results, .. })) = (is_round, &mut owner.inner) {
                results.push(None);
            }
        }
        self.enqueue_scope(run, scope);
    }

    pub(super) fn start(
        &mut self,
        run: RunIx,
        step: StepIx,
        state: StepState,
        timer: Option<Millis>,
        at: Millis,
    ) {
        self.dequeue(run, step);
        self.set(run, step, state, timer);
        if let Some(run) = self.runs.get_mut(run) {
            run.started_at.get_or_insert(at);
            if let Some(step) = run.steps.get_mut(step) {
                step.started_at.get_or_insert(at);
            }
        }
    }

    pub(super) fn add_attempt(&mut self, run: RunIx, step: StepIx, at: Millis) {
        let before =
            self.step_mut(run, step).map(|step| std::mem::take(&mut step.scopes)).unwrap_or_default();
        if let Some(run) = self.runs.get_mut(run) {
            for scope in before {
                if let Some(scope) = run.scopes.get_mut(scope) {
                    scope.is_replaced = true;
                }
            }
        }
        if let Some(step) = self.step_mut(run, step) {
            // Most steps have one attempt, and most of an engine's memory is steps.
            step.attempts.reserve_exact(usize::from(step.attempts.is_empty()));
            step.attempts.push(Attempt { started_at: at, ended_at: None, failure: None, result: None });
        }
    }

    pub(super) fn apply_entered(
        &mut self,
        run: RunIx,
        step: StepIx,
        inner: Inner,
        until: Option<Millis>,
        at: Millis,
    ) {
        let state = match &inner {
            Inner::Sleep | Inner::Event(_) | Inner::Approval(_) | Inner::Update(_) => StepState::Sleeping,
            _ => StepState::Open,
        };
        self.start(run, step, state, until, at);
        if inner != Inner::Sleep {
            self.add_attempt(run, step, at);
            self.attempt_begins(run, step, at);
        }
        match &inner {
            Inner::Event(name) => self.listening.entry(name.clone()).or_default().push(StepRef { run, step }),
            Inner::Loop { .. } => self.to_go_round.push_back(StepRef { run, step }),
            Inner::Join | Inner::Branches { .. } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.push(step);
                }
            }
            _ => {}
        }
        if let Some(run) = self.runs.get_mut(run) {
            run.count_inner(&inner);
        }
        if let Some(step) = self.step_mut(run, step) {
            step.inner = Some(inner);
        }
    }

    /// Removes a step from the lists in which it waits.
    pub(super) fn leave(&mut self, run: RunIx, step: StepIx) {
        let Some(inner) = self.step_mut(run, step).and_then(|step| step.inner.take()) else { return };
        match inner {
            Inner::Event(name) => {
                if let Some(steps) = self.listening.get_mut(&name) {
                    steps.retain(|listener| *listener != StepRef { run, step });
                    if steps.is_empty() {
                        self.listening.remove(&name);
                    }
                }
            }
            Inner::Join => {
                self.awaited.remove(&StepRef { run, step });
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.retain(|watching| *watching != step);
                }
            }
            Inner::Branches { fork, only } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.retain(|watching| *watching != step);
                    run.end_wait(step, fork, only);
                }
            }
            _ => {}
        }
    }

    pub(super) fn apply_succeeded(
        &mut self,
        run: RunIx,
        step: StepIx,
        result: Value,
        chosen: &[usize],
        at: Millis,
    ) {
        self.end_call(run, step);
        self.attempt_ended(run, step, None, at);
        self.leave(run, step);
        self.start(run, step, StepState::Succeeded, None, at);
        let Some(owner) = self.runs.get_mut(run) else { return };
        owner.meter.add(size(&result) * owner.copies_of_result(step));
        let Some(done) = owner.steps.get_mut(step) else { return };
        if let Some(attempt) = done.attempts.last_mut() {
            attempt.ended_at = Some(at);
        }
        done.result = Some(result);
        let scope = done.scope;
        if let Some(scope) = owner.scopes.get_mut(scope) {
            done.rank = scope.order.len();
            scope.order.push(step);
        }
        self.finish(run, step, StepState::Succeeded, chosen, at);
    }

    /// Ends a step, and queues what follows from that. `chosen` are the positions of the chosen operators in its body.
    pub(super) fn finish(
        &mut self,
        run: RunIx,
        step: StepIx,
        state: StepState,
        chosen: &[usize],
        at: Millis,
    ) {
        self.set(run, step, state, None);
        let Some(owner) = self.runs.get_mut(run) else { return };
        let Some(done) = owner.steps.get_mut(step) else { return };
        done.ended_at = Some(at);
        let (scope, has_cause) = (done.scope, done.cause.is_some());
        let Some(found) = owner.scopes.get_mut(scope) else { return };
        found.open = found.open.saturating_sub(1);
        let (first, is_over, body) = (found.first, found.open == 0, Rc::clone(&found.body));
        let position = step.checked_sub(first).unwrap_or_default();
        let (Some(operator), Some(links)) = (body.operators.get(position), body.links.get(position)) else {
            return;
        };
        for dependent in &links.dependents {
            if let Some(dependent) =
                owner.steps.get_mut(first + dependent).filter(|step| !step.state.is_final())
            {
                let counts = &mut dependent.dependencies;
                counts.over += 1;
                match state {
                    StepState::Succeeded => {
                        counts.succeeded += 1;
                        counts.worked += usize::from(!operator.operation.is_routing());
                    }
                    StepState::Skipped if has_cause => counts.upstream_failed += 1,
                    StepState::Skipped => counts.passed_by += 1,
                    _ => counts.failed += 1,
                }
            }
        }
        let callback = match state {
            StepState::Succeeded => operator.on_success,
            StepState::Failed => operator.on_failure,
            _ => None,
        };
        for target in &links.targets {
            let named = links.dependents.iter().filter(|dependent| *dependent == target).count();
            if let Some(step) = owner.steps.get_mut(first + target).filter(|step| !step.state.is_final()) {
                step.ways_over += 1;
                step.is_chosen |= chosen.contains(target) || callback == Some(*target);
                if callback == Some(*target) && state == StepState::Failed {
                    // The failure that it handles does not keep it from starting.
                    step.dependencies.failed = step.dependencies.failed.saturating_sub(named);
                    step.dependencies.succeeded += named;
                    step.dependencies.worked += named;
                }
            }
        }
        self.mark_joins(run, step);
        if is_over {
            self.keep_round_result(run, scope);
            self.closed.push_back((run, scope));
        }
        self.add_looks(links.dependents.len() + links.targets.len());
        for next in links.dependents.iter().chain(&links.targets) {
            self.enqueue_if_ready(run, first + next);
        }
        if !links.activators.is_empty() {
            // Queues what waits for the handling of a failure.
            self.add_looks(body.operators.len());
            for next in 0..body.operators.len() {
                if self.step(run, first + next).is_some_and(|step| step.dependencies.upstream_failed > 0) {
                    self.enqueue_if_ready(run, first + next);
                }
            }
        }
    }

    /// Keeps the result of a round that has ended.
    pub(in crate::engine) fn keep_round_result(&mut self, run: RunIx, scope: ScopeIx) {
        let Some(found) = self.runs.get_mut(run) else { return };
        let Some(closed) = found.scopes.get(scope) else { return };
        let (ScopeKind::Round(round), Some(owner)) = (closed.kind, closed.owner) else { return };
        let is_failed = found.failed_in(scope).is_some();
        let last = found.last_in(scope).cloned();
        let Some(step) = found.steps.get_mut(owner) else { return };
        let outer = step.scope;
        if let Some(Inner::Loop { results, over, .. }) = &mut step.inner
            && !is_failed
            && let Some(result) = results.get_mut(round)
        {
            *over += 1;
            *result = Some(last.unwrap_or(Value::Null));
        }
        if !matches!(step.inner, Some(Inner::Loop { items: None, .. })) {
            return;
        }
        let before = round.checked_sub(1).and_then(|before| step.scopes.get(before)).copied();
        if let Some(outer) = found.scopes.get_mut(outer) {
            // The next round, the condition and the operators after the loop read the latest round only.
            outer.readable.retain(|readable| Some(*readable) != before);
            outer.readable.push(scope);
        }
    }

    pub(super) fn cancel_scope(&mut self, run: RunIx, scope: ScopeIx, at: Millis) {
        let Some(found) = self.runs.get_mut(run) else { return };
        let open = found.open_within(scope);
        for step in &open {
            let inside = found.steps.get(*step).map(|step| step.scope);
            if let Some(scope) = inside.and_then(|scope| found.scopes.get_mut(scope)) {
                scope.is_cancelled = true;
            }
        }
        self.cancel_steps(run, &open, StepState::Cancelled, at);
        self.closed.push_back((run, scope));
    }

    /// Ends steps without following their links, since the operators behind them end too.
    pub(super) fn cancel_steps(&mut self, run: RunIx, steps: &[StepIx], state: StepState, at: Millis) {
        for step in steps.iter().copied() {
            self.end_call(run, step);
            self.leave(run, step);
            self.leave_line(run, step);
            self.set(run, step, state, None);
            let Some(owner) = self.runs.get_mut(run) else { return };
            if let Some(found) = owner.steps.get_mut(step) {
                found.ended_at = Some(at);
                let scope = found.scope;
                if let Some(scope) = owner.scopes.get_mut(scope) {
                    scope.open = scope.open.saturating_sub(1);
                }
            }
            self.mark_joins(run, step);
        }
    }

    pub(in crate::engine) fn set(
        &mut self,
        run: RunIx,
        step: StepIx,
        state: StepState,
        timer: Option<Millis>,
    ) {
        let Some(slot) = self.step_mut(run, step) else {
            return;
        };
        slot.state = state;
        if state.is_final() {
            slot.forget_what_led_there();
        }
        let earlier = std::mem::replace(&mut slot.timer, timer);
        if let Some(earlier) = earlier {
            self.timers.remove(&(earlier, Timer::Step(StepRef { run, step })));
        }
        if let Some(timer) = timer {
            self.timers.insert((timer, Timer::Step(StepRef { run, step })));
        }
    }
}
