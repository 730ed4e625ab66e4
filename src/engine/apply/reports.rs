//! What a record changes in the reports of a step.

use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, StepIx};
use crate::engine::state::reports::{Heartbeat, LogLevel, LogLine};
use crate::time::Millis;
use serde_json::Value;

/// The most log lines of a step. Beyond that, the oldest are dropped and counted.
const MOST_LINES: usize = 1_000;

impl State {
    pub(in crate::engine) fn apply_logged(
        &mut self,
        run: RunIx,
        step: StepIx,
        level: LogLevel,
        message: String,
        at: Millis,
    ) {
        if let Some(run) = self.runs.get_mut(run) {
            run.meter.add(message.len());
        }
        let Some(step) = self.step_mut(run, step) else { return };
        let attempt = step.attempts.len();
        let reports = step.reports.get_or_insert_default();
        reports.lines.push_back(LogLine { attempt, level, message, at });
        if reports.lines.len() > MOST_LINES {
            reports.lines.pop_front();
            reports.dropped += 1;
        }
    }

    pub(in crate::engine) fn apply_heartbeat(
        &mut self,
        run: RunIx,
        step: StepIx,
        details: Value,
        at: Millis,
    ) {
        if let Some(run) = self.runs.get_mut(run) {
            run.count_value(&details);
        }
        let Some(step) = self.step_mut(run, step) else { return };
        let attempt = step.attempts.len();
        step.reports.get_or_insert_default().heartbeat = Some(Heartbeat { attempt, details, at });
    }
}
