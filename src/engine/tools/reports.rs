//! Reports of a running tool: log lines and heartbeats.

use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::positions::{CallId, StepRef};
use crate::engine::state::reports::LogLevel;
use crate::json::size;
use crate::time::Millis;
use serde_json::Value;

/// The longest line, in bytes; the rest is cut off.
const LONGEST_LINE: usize = 8 * 1_024;

impl Engine {
    /// Reports a line of the log of a running tool. Calls that have ended or were aborted are ignored.
    pub fn log(&mut self, call: CallId, level: LogLevel, message: &str, now: Millis) {
        // A run that is at its limit keeps no more lines.
        let found =
            self.working_on(call).filter(|StepRef { run, .. }| self.has_room(*run, LONGEST_LINE).is_ok());
        if let Some(StepRef { run, step }) = found {
            self.add_searched(message.len());
            let message = self.config.secrets.strike_and_cut(message.to_owned(), LONGEST_LINE);
            self.commit(Record::Logged { run, step, level, message, at: now });
        }
    }

    /// Reports a heartbeat of a running tool, with details that the next attempt can read. Calls that have ended or
    /// were aborted are ignored.
    pub fn heartbeat(&mut self, call: CallId, details: Value, now: Millis) {
        let found =
            self.working_on(call).filter(|StepRef { run, .. }| self.may_give(*run, &details, 1).is_ok());
        if let Some(StepRef { run, step }) = found {
            self.add_searched(size(&details));
            let details = self.config.secrets.strike_value(details);
            self.commit(Record::Heartbeat { run, step, details, at: now });
        }
    }
}
