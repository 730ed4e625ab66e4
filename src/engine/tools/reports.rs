//! What a tool tells while it works: lines of its log, and that it is alive.

use crate::engine::journal::record::Record;
use crate::engine::state::Engine;
use crate::engine::state::run::StepState;
use crate::json::{object, size};
use crate::time::{Millis, to_iso};
use serde_json::Value;
use std::collections::VecDeque;

/// Lines that are kept of a step; of more, the oldest are dropped and counted.
const MOST_LINES: usize = 1_000;
/// Bytes of a line; the rest is cut off.
const LONGEST_LINE: usize = 8 * 1_024;
/// What stands where a line was cut off.
const CUT: &str = " […]";

/// What the tools of a step have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Lines, oldest first.
    pub lines: VecDeque<LogLine>,
    /// Older lines that are not kept any more.
    pub dropped: u64,
    /// The last sign of life.
    pub heartbeat: Option<Heartbeat>,
}

/// A line of the log of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// How much it matters.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
    /// When.
    pub at: Millis,
}

/// How much a line of a log matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
}

/// A sign of life of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// What the tool wants to know again, should it have to begin anew.
    pub details: Value,
    /// When.
    pub at: Millis,
}

impl LogLevel {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of a word, of which `warning` is one, too; `info` for any that is none.
    pub fn of_word(word: &str) -> Self {
        let word = if word == "warning" { "warn" } else { word };
        let all = [Self::Debug, Self::Warn, Self::Error];
        all.into_iter().find(|level| level.word() == word).unwrap_or_default()
    }
}

impl Heartbeat {
    /// `{attempt, details, at}`.
    pub fn to_json(&self) -> Value {
        object([
            ("attempt", self.attempt.into()),
            ("details", self.details.clone()),
            ("at", to_iso(self.at).into()),
        ])
    }
}

impl Engine {
    /// Takes a line of the log of a running tool. Of a call that is over, or was given up, it is ignored.
    pub fn log(&mut self, call: u64, level: LogLevel, message: &str, now: Millis) {
        // A run that keeps too much takes no more lines.
        let found = self.working_on(call).filter(|(run, _)| self.has_room(*run, LONGEST_LINE).is_ok());
        if let Some((run, step)) = found {
            self.has_searched(message.len());
            let message = self.config.secrets.strike_and_cut(message.to_owned(), LONGEST_LINE);
            self.commit(Record::Logged { run, step, level, message, at: now });
        }
    }

    /// Takes a sign of life of a running tool, with what it wants to know in the next attempt. Of a call that is over, or
    /// was given up, it is ignored.
    pub fn heartbeat(&mut self, call: u64, details: Value, now: Millis) {
        let found = self.working_on(call).filter(|(run, _)| self.may_give(*run, &details, 1).is_ok());
        if let Some((run, step)) = found {
            self.has_searched(size(&details));
            let details = self.config.secrets.strike_value(details);
            self.commit(Record::Heartbeat { run, step, details, at: now });
        }
    }

    /// The step that a call works on.
    pub(in crate::engine) fn working_on(&self, call: u64) -> Option<(usize, usize)> {
        let (run, step) = self.calls.get(&call).copied()?;
        let is_it = self.step(run, step)?.state == StepState::Running { call };
        is_it.then_some((run, step))
    }

    pub(in crate::engine) fn apply_logged(
        &mut self,
        run: usize,
        step: usize,
        level: LogLevel,
        message: String,
        at: Millis,
    ) {
        if let Some(run) = self.runs.get_mut(run) {
            run.meter.add(message.len());
        }
        let Some(step) = self.step_mut(run, step) else { return };
        let attempt = step.attempts.len();
        let told = step.told.get_or_insert_default();
        told.lines.push_back(LogLine { attempt, level, message, at });
        if told.lines.len() > MOST_LINES {
            told.lines.pop_front();
            told.dropped += 1;
        }
    }

    pub(in crate::engine) fn apply_heartbeat(&mut self, run: usize, step: usize, details: Value, at: Millis) {
        if let Some(run) = self.runs.get_mut(run) {
            run.keeps(&details);
        }
        let Some(step) = self.step_mut(run, step) else { return };
        let attempt = step.attempts.len();
        step.told.get_or_insert_default().heartbeat = Some(Heartbeat { attempt, details, at });
    }
}

/// A text of up to `limit` bytes, which says where it was cut off.
pub(in crate::engine) fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let (kept, _) = text.split_at(whole_up_to(&text, limit.saturating_sub(CUT.len())));
    format!("{kept}{CUT}")
}

/// The last place up to a byte at which a text can be cut between two characters.
pub(in crate::engine) fn whole_up_to(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}
