//! Chooses the step that starts next.

use crate::engine::machine::Engine;
use crate::engine::state::positions::StepRef;

impl Engine {
    /// The first queued step that can start.
    pub(in crate::engine) fn next_in_line(&mut self) -> Option<StepRef> {
        if let Some(first) = self.state.first_of(|state| &mut state.ready_now) {
            return Some(first);
        }
        // Calls from before a restart come before new ones.
        if !self.has_place() || !self.to_call_again.is_empty() || self.calls.len() >= self.config.concurrency
        {
            return None;
        }
        self.state.first_of(|state| &mut state.ready_tasks)
    }
}
