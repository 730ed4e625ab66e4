//! Reports of a step's tools: log lines and heartbeats.

use crate::json::object;
use crate::time::{Millis, to_iso};
use serde_json::Value;
use std::collections::VecDeque;

/// The reports of a step's tools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reports {
    /// Log lines, oldest first.
    pub lines: VecDeque<LogLine>,
    /// The number of older lines that were dropped.
    pub dropped: u64,
    /// The latest heartbeat.
    pub heartbeat: Option<Heartbeat>,
}

/// A line of the log of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// The level of importance.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// When it was reported.
    pub at: Millis,
}

/// The level of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Helps to find a fault.
    Debug,
    /// Tells what happens.
    #[default]
    Info,
    /// Tells what may be wrong.
    Warn,
    /// Tells what is wrong.
    Error,
}

/// A report that a tool is still working.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// Number of the attempt, from 1.
    pub attempt: usize,
    /// Details that the next attempt can read.
    pub details: Value,
    /// When it was reported.
    pub at: Millis,
}

impl LogLevel {
    /// The level's name in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level with this name; `warning` is a level too, and any other word is `info`.
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
