//! Output of running tools.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::output::Stream;
use crate::engine::state::positions::{CallId, RunIx, StepIx, StepRef};
use crate::time::Millis;

impl Engine {
    /// Reports a piece of the output of a running tool. Each stream keeps [`Limit::OutputBytes`]: half from its
    /// beginning, half from its end. Calls that have ended or were aborted are ignored.
    pub fn wrote(&mut self, call: CallId, stream: Stream, text: &str, now: Millis) {
        let most = self.config.limits.get(Limit::OutputBytes);
        let Some(StepRef { run, .. }) = self.working_on(call) else { return };
        let has_room = self.has_room(run, text.len()).is_ok();
        let written = self.state.call_outputs.entry(call).or_default();
        written.at = now;
        let kept = match stream {
            Stream::Stdout => &mut written.stdout,
            Stream::Stderr => &mut written.stderr,
        };
        // A run that is at its limit keeps no more output.
        kept.add(text, if has_room { most } else { most.min(kept.len()) });
    }

    /// Keeps the output so far of steps that are about to be cancelled.
    pub(in crate::engine) fn keep_output(&mut self, run: RunIx, steps: &[StepIx]) {
        if self.call_outputs.is_empty() {
            return;
        }
        for step in steps.iter().copied() {
            if let Some(result) = self.output_so_far(run, step) {
                self.commit(Record::OutputKept { run, step, result });
            }
        }
    }
}
