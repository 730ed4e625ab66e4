//! What each record changes.

mod calls;
mod circuits;
mod events;
mod joins;
mod queue;
mod reports;
mod restore;
mod runs;
mod schedules;
mod steps;
mod timeline;
mod updates;

use crate::engine::journal::record::Record;
use crate::engine::state::State;
use crate::engine::state::artifact::Artifact;
use crate::engine::state::definitions::size_of_definition;
use crate::engine::state::positions::{CallId, RunIx, StepRef};
use crate::engine::state::readiness::cause_of;
use crate::engine::state::run::Signal;
use crate::engine::state::sizes::{ATTEMPT, size_of_used};
use crate::engine::state::step::{Inner, StepState};
use crate::engine::state::update::{Update, UpdateState};
use crate::json::size;
use serde_json::Value;
use std::rc::Rc;

impl State {
    pub(in crate::engine) fn apply_definition_forgotten(&mut self, hash: &str) {
        if let Some(gone) = self.definitions.forget(hash) {
            self.uncount_bytes(size_of_definition(&gone.definition));
        }
        if let Some(source) = self.sources.remove(hash) {
            self.uncount_bytes(source.len());
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
    pub(in crate::engine) fn apply(&mut self, record: Record) {
        match record {
            Record::RunCreated(created) => self.add_run(*created),
            Record::Registered(definition) => {
                let bytes = size_of_definition(&definition.definition);
                if self.definitions.keep(*definition) {
                    self.count_bytes(bytes);
                }
            }
            Record::DefinitionForgotten { hash } => self.apply_definition_forgotten(&hash),
            Record::SourceKept { hash, source } => {
                self.count_bytes(source.len());
                let earlier = self.sources.insert(hash, source);
                self.uncount_bytes(earlier.map_or(0, |earlier| earlier.len()));
            }
            Record::ArtifactKept(artifact) => {
                self.count_bytes(artifact.bytes());
                self.artifacts.push(*artifact);
            }
            Record::ArtifactDeleted { id } => {
                let is_deleted = |artifact: &Artifact| artifact.id == id;
                let gone = self.artifacts.iter().filter(|kept| is_deleted(kept));
                self.uncount_bytes(gone.map(Artifact::bytes).sum());
                self.artifacts.retain(|artifact| !is_deleted(artifact));
            }
            Record::ScheduleSet { schedule, to } => self.apply_schedule(schedule, *to),
            Record::ScheduleHeld { schedule } => self.hold(schedule),
            Record::ScheduleFired { schedule, slot, next } => self.apply_fired(schedule, slot, next),
            Record::ScopeOpened { run, owner, kind, locals, at: _ } => self.open(run, owner, kind, locals),
            Record::ScopeCancelled { run, scope, at } => self.cancel_scope(run, scope, at),
            Record::AttemptStarted { run, step, call, key, deadline, at } => {
                if let Some(key) = &key {
                    self.held.insert(key.clone(), StepRef { run, step });
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.key = key;
                }
                self.begin_call(run, step, call);
                self.start(run, step, StepState::Running { call }, deadline, at);
                self.add_attempt(run, step, at);
                if call != CallId::NONE {
                    self.attempt_begins(run, step, at);
                }
            }
            Record::Entered { run, step, inner, until, at } => {
                self.apply_entered(run, step, inner, until, at);
            }
            Record::AttemptFailed { run, step, failure, result, retry_at, at } => {
                self.end_call(run, step);
                self.attempt_ended(run, step, Some(&failure), at);
                self.leave(run, step);
                if let Some(run) = self.runs.get_mut(run) {
                    run.count_failure(&failure);
                    if let Some(result) = &result {
                        // Both the step and its attempt keep the result.
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
                    run.count_value(&result);
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
                if !parked.contains(&StepRef { run, step }) {
                    parked.push(StepRef { run, step });
                }
            }
            Record::KeyUsed { run, key, result } => self.apply_key_used(run, key, result),
            Record::TurnTaken { run, step, candidate, feedback, turn, call } => {
                // The attempt continues with the same place and the same key.
                if let Some(StepState::Running { call }) = self.step(run, step).map(|step| step.state) {
                    self.forget_call(call);
                }
                self.begin_call(run, step, call);
                let inner = Inner::Turns { candidate, feedback, turn };
                if let Some(run) = self.runs.get_mut(run) {
                    run.count_inner(&inner);
                }
                if let Some(step) = self.step_mut(run, step) {
                    step.state = StepState::Running { call };
                    step.inner = Some(inner);
                }
            }
            Record::ItemsAdded { run, step, items: more } => {
                if let Some(run) = self.runs.get_mut(run) {
                    for item in &more {
                        run.count_value(item);
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
                run.count_named(&name, &value);
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
                    run.count_named(&name, &payload);
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
                            run.count_named(&name, &Value::Null);
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
            Record::RunKept(kept) => self.restore_run(kept.run),
            Record::StateKept(state) => self.restore_standing(*state),
            Record::RunEnded { run, state, failure, result, at } => {
                self.end_run(run, state, failure, result, at);
            }
        }
    }

    pub(in crate::engine) fn apply_key_used(&mut self, run: Option<RunIx>, key: String, result: Value) {
        if self.once.contains_key(&key) {
            return;
        }
        let bytes = size_of_used(&key, size(&result));
        match run {
            None => self.count_bytes(bytes),
            Some(run) => {
                let Some(owner) = self.runs.get_mut(run) else { return };
                owner.meter.add(bytes);
                owner.used.push(key.clone());
            }
        }
        self.once.insert(key, (run, result));
    }
}
