//! What the tools of a step have reported: lines of their log, and that they are alive.

use crate::json::object;
use crate::time::{Millis, to_iso};
use serde_json::Value;
use std::collections::VecDeque;

/// What the tools of a step have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reports {
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
