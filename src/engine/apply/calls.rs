//! Calls of tools that begin and end.

use crate::engine::state::State;
use crate::engine::state::positions::{CallId, RunIx, StepIx, StepRef};
use crate::engine::state::step::StepState;

impl State {
    /// Adds the bytes of a call's arguments to those of all active calls.
    pub(in crate::engine) fn call_takes(&mut self, call: CallId, bytes: usize) {
        self.add_copied(bytes);
        self.bytes_under_way += bytes;
        self.call_bytes.insert(call, bytes);
    }

    /// Drops a call that has ended.
    pub(in crate::engine) fn forget_call(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.call_outputs.remove(&call);
        self.bytes_under_way -= self.call_bytes.remove(&call).unwrap_or_default();
    }

    pub(in crate::engine) fn begin_call(&mut self, run: RunIx, step: StepIx, call: CallId) {
        self.last_call = self.last_call.max(call);
        self.calls.insert(call, StepRef { run, step });
    }

    pub(in crate::engine) fn end_call(&mut self, run: RunIx, step: StepIx) {
        if let Some(StepState::Running { call }) = self.step(run, step).map(|step| step.state) {
            self.forget_call(call);
            if let Some(timeline) = &mut self.timeline {
                timeline.note_free_place();
            }
        }
        let Some(key) = self.step_mut(run, step).and_then(|step| step.key.take()) else { return };
        self.held.remove(&key);
        for StepRef { run, step } in self.parked.remove(&key).unwrap_or_default() {
            if self.step(run, step).is_some_and(|step| step.state == StepState::Pending) {
                self.enqueue(run, step);
            }
        }
    }
}
