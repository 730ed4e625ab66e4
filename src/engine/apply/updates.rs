//! What a record changes in an update.

use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, StepIx, UpdateIx};
use crate::engine::state::queues::Timer;
use crate::engine::state::sizes::{size_of_failure, size_of_update};
use crate::engine::state::step::{Inner, StepState};
use crate::engine::state::update::{Update, UpdateState};
use crate::json::size;
use crate::time::Millis;
use serde_json::Value;

impl State {
    pub(in crate::engine) fn apply_update_sent(&mut self, run: RunIx, update: Update) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        owner.meter.add(size_of_update(&update.name, &update.payload));
        self.timers.insert((update.deadline, Timer::Update(run, owner.updates.next())));
        owner.updates.push(update);
    }

    pub(in crate::engine) fn apply_update_taken(
        &mut self,
        run: RunIx,
        step: StepIx,
        update: UpdateIx,
        call: Option<CallId>,
    ) {
        if let Some(call) = call {
            self.begin_call(run, step, call);
        }
        let Some(owner) = self.runs.get_mut(run) else { return };
        if let Some(update) = owner.updates.get_mut(update) {
            update.state = UpdateState::Processing;
        }
        if let Some(step) = owner.steps.get_mut(step) {
            step.inner = Some(Inner::Handling(update));
            if let Some(call) = call {
                step.state = StepState::Running { call };
            }
        }
    }

    pub(in crate::engine) fn apply_update_ended(
        &mut self,
        run: RunIx,
        update: UpdateIx,
        (state, result, failure): (UpdateState, Option<Value>, Option<Failure>),
        at: Millis,
    ) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        owner.meter.add(result.as_ref().map_or(0, size) + failure.as_ref().map_or(0, size_of_failure));
        let Some(found) = owner.updates.get_mut(update) else { return };
        self.timers.remove(&(found.deadline, Timer::Update(run, update)));
        found.state = state;
        found.result = result;
        found.failure = failure;
        found.ended_at = Some(at);
    }
}
