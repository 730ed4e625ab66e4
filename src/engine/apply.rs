//! What each record changes.

use crate::engine::decide::definitions::size_of_definition;
use crate::engine::decide::updates::{Update, UpdateState};
use crate::engine::journal::record::Record;
use crate::engine::journal::record::RunCreated;
use crate::engine::plan::{Body, Operation};
use crate::engine::state::Engine;
use crate::engine::state::Timer;
use crate::engine::state::circuit::NO_CALL;
use crate::engine::state::meter::{ATTEMPT, size_of_used};
use crate::engine::state::readiness::cause_of;
use crate::engine::state::run::{Attempt, Inner, Run, RunState, ScopeKind, Signal, StepState};
use crate::json::size;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

impl Engine {
    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
    pub(in crate::engine) fn apply(&mut self, record: Record) {
        match record {
            Record::RunCreated(created) => self.add_run(*created),
            Record::Registered(definition) => {
                let bytes = size_of_definition(&definition.definition);
                if self.definitions.keep(*definition) {
                    self.keeps(bytes);
                }
            }
            Record::DefinitionForgotten { hash } => self.apply_definition_forgotten(&hash),
            Record::SourceKept { hash, source } => {
                self.keeps(source.len());
                let earlier = self.sources.insert(hash, source);
                self.lets_go(earlier.map_or(0, |earlier| earlier.len()));
            }
            Record::ArtifactKept(artifact) => {
                self.keeps(artifact.bytes());
                self.artifacts.push(*artifact);
            }
            Record::ArtifactDeleted { id } => {
                let is_it = |artifact: &crate::engine::decide::artifacts::Artifact| artifact.id == id;
                let gone = self.artifacts.iter().filter(|kept| is_it(kept));
                self.lets_go(gone.map(crate::engine::decide::artifacts::Artifact::bytes).sum());
                self.artifacts.retain(|artifact| !is_it(artifact));
            }
            Record::ScheduleSet { schedule, to } => self.apply_schedule(schedule, *to),
            Record::ScheduleHeld { schedule } => self.hold(schedule),
            Record::ScheduleFired { schedule, slot, next } => self.apply_fired(schedule, slot, next),
            Record::ScopeOpened { run, owner, kind, locals, at: _ } => self.open(run, owner, kind, locals),
            Record::ScopeCancelled { run, scope, at } => self.cancel_scope(run, scope, at),
            Record::AttemptStarted { run, step, call, key, deadline, at } => {
                if let Some(key) = &key {
                    self.held.insert(key.clone(), (run, step));
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.key = key;
                }
                self.begin_call(run, step, call);
                self.start(run, step, StepState::Running { call }, deadline, at);
                self.add_attempt(run, step, at);
                if call != NO_CALL {
                    self.begins(run, step, at);
                }
            }
            Record::Entered { run, step, inner, until, at } => {
                self.apply_entered(run, step, inner, until, at);
            }
            Record::AttemptFailed { run, step, failure, result, retry_at, at } => {
                self.end_call(run, step);
                self.heard(run, step, Some(&failure), at);
                self.leave(run, step);
                if let Some(run) = self.runs.get_mut(run) {
                    run.keeps_failure(&failure);
                    if let Some(result) = &result {
                        // The step and its attempt have it.
                        run.meter.add(2 * size(result));
                    }
                    if retry_at.is_some() {
                        run.meter.add(ATTEMPT);
                    }
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.result.clone_from(&result);
                    if let Some(attempt) = step.attempts.last_mut() {
                        attempt.ended_at = Some(at);
                        attempt.failure = Some(failure);
                        attempt.result = result;
                    }
                }
                match retry_at {
                    Some(due) => self.set(run, step, StepState::Retrying, Some(due)),
                    None => self.finish(run, step, StepState::Failed, &[], at),
                }
            }
            Record::OutputKept { run, step, result } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.keeps(&result);
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.result = Some(result);
                }
            }
            Record::RetryDue { run, step } => {
                self.set(run, step, StepState::Pending, None);
                self.enqueue(run, step);
            }
            Record::Parked { run, step, key } => {
                self.dequeue(run, step);
                let parked = self.parked.entry(key).or_default();
                if !parked.contains(&(run, step)) {
                    parked.push((run, step));
                }
            }
            Record::KeyUsed { run, key, result } => self.apply_key_used(run, key, result),
            Record::TurnTaken { run, step, candidate, feedback, turn, call } => {
                // The attempt goes on, in its place and under its key.
                if let Some(StepState::Running { call }) = self.step(run, step).map(|step| step.state) {
                    self.forget_call(call);
                }
                self.begin_call(run, step, call);
                let inner = Inner::Turns { candidate, feedback, turn };
                if let Some(run) = self.runs.get_mut(run) {
                    run.keeps_inner(&inner);
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.state = StepState::Running { call };
                    step.inner = Some(inner);
                }
            }
            Record::ItemsAdded { run, step, items: more } => {
                if let Some(run) = self.runs.get_mut(run) {
                    for item in &more {
                        run.keeps(item);
                    }
                }
                if let Some(Inner::Loop { items: Some(items), .. }) =
                    self.step_mut(run, step).and_then(|step| step.inner.as_mut())
                {
                    Rc::make_mut(items).extend(more);
                }
            }
            Record::Logged { run, step, level, message, at } => {
                self.apply_logged(run, step, level, message, at);
            }
            Record::Heartbeat { run, step, details, at } => self.apply_heartbeat(run, step, details, at),
            Record::Succeeded { run, step, result, chosen, at } => {
                self.apply_succeeded(run, step, result, &chosen, at);
            }
            Record::Skipped { run, step, at } => {
                self.dequeue(run, step);
                let cause = self.runs.get(run).and_then(|run| cause_of(run, step));
                if let Some(step) = self.step_mut(run, step) {
                    step.cause = cause;
                }
                self.finish(run, step, StepState::Skipped, &[], at);
            }
            Record::VariableSet { run, step, name, value } => {
                let Some(run) = self.runs.get_mut(run) else { return };
                run.keeps_named(&name, &value);
                let holder = run.steps.get(step).map(|step| run.holder(step.scope)).unwrap_or_default();
                if let Some(scope) = run.scopes.get_mut(holder) {
                    scope.variables.insert(name, value);
                }
            }
            Record::Emitted { name, payload, at: _ } => {
                self.keep_event(name, payload);
            }
            Record::Signalled { run, name, payload, at } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.keeps_named(&name, &payload);
                    run.signals.push(Signal { name, payload, at });
                }
            }
            Record::UpdateSent { run, name, payload, deadline, at } => {
                let state = UpdateState::Pending;
                let update = Update {
                    name,
                    payload,
                    state,
                    result: None,
                    failure: None,
                    at,
                    deadline,
                    ended_at: None,
                };
                self.apply_update_sent(run, update);
            }
            Record::UpdateTaken { run, step, update, call } => {
                self.apply_update_taken(run, step, update, call);
            }
            Record::UpdateEnded { run, update, state, result, failure, at } => {
                self.apply_update_ended(run, update, (state, result, failure), at);
            }
            Record::Received { run, name, event } => {
                if let Some(run) = self.runs.get_mut(run) {
                    match event {
                        Some(number) => {
                            run.keeps_named(&name, &Value::Null);
                            run.received.insert(name, number);
                        }
                        None => {
                            if let Some(at) = run.signals.iter().position(|signal| signal.name == name) {
                                run.signals.remove(at);
                            }
                        }
                    }
                }
            }
            Record::RunForgotten { run } => self.apply_forgotten(run),
            Record::RunsSkipped { count } => self.runs.skip(count),
            Record::RunKept(run) => self.restore_run(*run),
            Record::StateKept(state) => self.restore_standing(*state),
            Record::RunEnded { run, state, failure, result, at } => {
                self.end_run(run, state, failure, result, at);
            }
        }
    }

    fn add_run(&mut self, created: RunCreated) {
        let at = self.push_run(Run::new(created));
        self.look_at_scope(at, 0);
    }

    /// Puts a run into the lists; its position.
    pub(in crate::engine) fn push_run(&mut self, mut run: Run) -> usize {
        let at = self.runs.len();
        run.measure();
        run.meter.join(&self.kept_bytes);
        let mut parent = run.created.parent.as_ref().map(|parent| parent.run);
        while let Some(found) = parent.and_then(|parent| self.runs.get_mut(parent)) {
            found.descendants += 1;
            parent = found.created.parent.as_ref().map(|parent| parent.run);
        }
        self.definitions.is_used(&run.created.hash);
        self.ids.insert(run.created.run_id.clone(), at);
        if let Some(key) = &run.created.key {
            self.keys.insert(key.clone(), at);
        }
        if run.state == RunState::Active {
            if let Some(deadline) = run.deadline {
                self.timers.insert((deadline, Timer::Run(at)));
            }
            *self.active.entry(run.created.workflow.name.clone()).or_default() += 1;
        }
        self.runs.push(run);
        at
    }

    pub(in crate::engine) fn apply_key_used(&mut self, run: Option<usize>, key: String, result: Value) {
        if self.once.contains_key(&key) {
            return;
        }
        let bytes = size_of_used(&key, &result);
        match run {
            None => self.keeps(bytes),
            Some(run) => {
                let Some(owner) = self.runs.get_mut(run) else { return };
                owner.meter.add(bytes);
                owner.used.push(key.clone());
            }
        }
        self.once.insert(key, (run, result));
    }

    fn open(&mut self, run: usize, owner: usize, kind: ScopeKind, locals: Map<String, Value>) {
        let Some(found) = self.runs.get_mut(run) else { return };
        let Some(body) = found.operator(owner).and_then(|operator| body_of(&operator.operation, &kind))
        else {
            return;
        };
        let is_round = matches!(kind, ScopeKind::Round(_));
        let scope = found.open(Some(owner), kind, body, locals);
        if let Some(owner) = found.steps.get_mut(owner) {
            owner.scopes.push(scope);
            if let (true, Some(Inner::Loop { results, .. })) = (is_round, &mut owner.inner) {
                results.push(None);
            }
        }
        self.look_at_scope(run, scope);
    }

    fn start(&mut self, run: usize, step: usize, state: StepState, timer: Option<Millis>, at: Millis) {
        self.dequeue(run, step);
        self.set(run, step, state, timer);
        if let Some(run) = self.runs.get_mut(run) {
            run.started_at.get_or_insert(at);
            if let Some(step) = run.steps.get_mut(step) {
                step.started_at.get_or_insert(at);
            }
        }
    }

    fn add_attempt(&mut self, run: usize, step: usize, at: Millis) {
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
            // Mostly there is one alone, and steps are what the memory of an engine consists of.
            step.attempts.reserve_exact(usize::from(step.attempts.is_empty()));
            step.attempts.push(Attempt { started_at: at, ended_at: None, failure: None, result: None });
        }
    }

    fn apply_entered(&mut self, run: usize, step: usize, inner: Inner, until: Option<Millis>, at: Millis) {
        let state = match &inner {
            Inner::Sleep | Inner::Event(_) | Inner::Approval(_) | Inner::Update(_) => StepState::Sleeping,
            _ => StepState::Open,
        };
        self.start(run, step, state, until, at);
        if inner != Inner::Sleep {
            self.add_attempt(run, step, at);
            self.begins(run, step, at);
        }
        match &inner {
            Inner::Event(name) => self.listening.entry(name.clone()).or_default().push((run, step)),
            Inner::Loop { .. } => self.to_go_round.push_back((run, step)),
            Inner::Join | Inner::Branches { .. } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.push(step);
                }
            }
            _ => {}
        }
        if let Some(run) = self.runs.get_mut(run) {
            run.keeps_inner(&inner);
        }
        if let Some(step) = self.step_mut(run, step) {
            step.inner = Some(inner);
        }
    }

    /// Forgets what a step waited for.
    fn leave(&mut self, run: usize, step: usize) {
        let Some(inner) = self.step_mut(run, step).and_then(|step| step.inner.take()) else { return };
        match inner {
            Inner::Event(name) => {
                if let Some(steps) = self.listening.get_mut(&name) {
                    steps.retain(|listener| *listener != (run, step));
                    if steps.is_empty() {
                        self.listening.remove(&name);
                    }
                }
            }
            Inner::Join => {
                self.awaited.remove(&(run, step));
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.retain(|watching| *watching != step);
                }
            }
            Inner::Branches { fork, only } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.watching.retain(|watching| *watching != step);
                    run.wait_is_over(step, fork, only);
                }
            }
            _ => {}
        }
    }

    fn apply_succeeded(&mut self, run: usize, step: usize, result: Value, chosen: &[usize], at: Millis) {
        self.end_call(run, step);
        self.heard(run, step, None, at);
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

    /// Ends a step, and looks at what it leads to. `chosen` are ways, as positions in its body.
    fn finish(&mut self, run: usize, step: usize, state: StepState, chosen: &[usize], at: Millis) {
        self.set(run, step, state, None);
        let Some(owner) = self.runs.get_mut(run) else { return };
        let Some(done) = owner.steps.get_mut(step) else { return };
        done.ended_at = Some(at);
        let (scope, has_cause) = (done.scope, done.cause.is_some());
        let Some(found) = owner.scopes.get_mut(scope) else { return };
        found.open = found.open.saturating_sub(1);
        let (first, is_over, body) = (found.first, found.open == 0, Rc::clone(&found.body));
        let position = step.saturating_sub(first);
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
                step.asked += 1;
                step.is_chosen |= chosen.contains(target) || callback == Some(*target);
                if callback == Some(*target) && state == StepState::Failed {
                    // What it is there for does not keep it from starting.
                    step.dependencies.failed = step.dependencies.failed.saturating_sub(named);
                    step.dependencies.succeeded += named;
                    step.dependencies.worked += named;
                }
            }
        }
        self.tell_joins(run, step);
        if is_over {
            self.round_over(run, scope);
            self.closed.push_back((run, scope));
        }
        self.has_looked_at(links.dependents.len() + links.targets.len());
        for next in links.dependents.iter().chain(&links.targets) {
            self.look_at(run, first + next);
        }
        if !links.activators.is_empty() {
            // What waits to know whether a failure was dealt with.
            self.has_looked_at(body.operators.len());
            for next in 0..body.operators.len() {
                if self.step(run, first + next).is_some_and(|step| step.dependencies.upstream_failed > 0) {
                    self.look_at(run, first + next);
                }
            }
        }
    }

    /// Keeps the result of a round that is over.
    pub(in crate::engine) fn round_over(&mut self, run: usize, scope: usize) {
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
            // The latest round is what the next one, the condition, and what follows the loop can read.
            outer.readable.retain(|readable| Some(*readable) != before);
            outer.readable.push(scope);
        }
    }

    fn cancel_scope(&mut self, run: usize, scope: usize, at: Millis) {
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

    /// Ends steps without looking at what they lead to: that ends, too.
    fn cancel_steps(&mut self, run: usize, steps: &[usize], state: StepState, at: Millis) {
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
            self.tell_joins(run, step);
        }
    }

    fn end_run(
        &mut self,
        run: usize,
        state: RunState,
        failure: Option<crate::engine::output::Failure>,
        result: Option<Value>,
        at: Millis,
    ) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        if let Some(failure) = &failure {
            owner.keeps_failure(failure);
        }
        owner.meter.add(result.as_ref().map_or(0, size));
        owner.state = state;
        owner.failure = failure;
        owner.result = result;
        owner.ended_at = Some(at);
        let deadline = owner.deadline;
        let workflow = Rc::clone(&owner.created.workflow);
        let has_parent = owner.created.parent.is_some();
        let open = owner.open_within(0);
        // What a workflow leaves out by ending itself is skipped, as what a condition leaves out.
        let ends_itself = owner.steps.iter().enumerate().any(|(at, step)| {
            let is_end =
                |found: &crate::engine::plan::Planned| matches!(found.operation, Operation::Terminate { .. });
            step.state == StepState::Succeeded && owner.operator(at).is_some_and(is_end)
        });
        let (left_out, open): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|step| {
            ends_itself && owner.steps.get(*step).is_some_and(|step| step.started_at.is_none())
        });
        self.runs.ended(run, at);
        if let Some(deadline) = deadline {
            self.timers.remove(&(deadline, Timer::Run(run)));
        }
        self.cancel_steps(run, &open, StepState::Cancelled, at);
        self.cancel_steps(run, &left_out, StepState::Skipped, at);
        if has_parent {
            self.ended_children.push_back(run);
        }
        if let Some(active) = self.active.get_mut(&workflow.name) {
            *active = active.saturating_sub(1);
        }
        self.release_held(&workflow.name);
    }
}

/// What a scope of a step runs.
pub(in crate::engine) fn body_of(operation: &Operation, kind: &ScopeKind) -> Option<Rc<Body>> {
    match (operation, kind) {
        (Operation::Foreach { body, .. } | Operation::While { body, .. }, ScopeKind::Round(_)) => {
            Some(Rc::clone(body))
        }
        (Operation::Fork { branches, .. }, ScopeKind::Branch(at)) => {
            branches.get(*at).map(|(_, branch)| Rc::clone(&branch.body))
        }
        _ => None,
    }
}
