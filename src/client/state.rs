//! States of runs and tasks, read from every spelling that servers use.

use serde_json::{Map, Value};

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Accepted but not started.
    Pending,
    /// Sent, and not read from the server yet.
    Submitted,
    /// Working.
    Running,
    /// Will start later.
    Scheduled,
    /// In a durable sleep.
    Sleeping,
    /// Waits for an event or an approval.
    Waiting,
    /// Ended: every task succeeded.
    Completed,
    /// Ended: a task failed.
    Failed,
    /// Ended: it was cancelled.
    Cancelled,
    /// Ended: its time limit passed.
    TimedOut,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Submitted,
        Self::Running,
        Self::Scheduled,
        Self::Sleeping,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// The state's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitted => "submitted",
            Self::Running => "running",
            Self::Scheduled => "scheduled",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Reads a status in any case and in every known spelling. An unknown word is `pending`, as in the Python client,
    /// so that a new word of a server does not end a wait.
    pub fn read(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        let known = Self::ALL.into_iter().find(|state| state.as_str() == lower);
        known.unwrap_or(match lower.as_str() {
            "canceled" => Self::Cancelled,
            "succeeded" => Self::Completed,
            "timeout" | "timedout" => Self::TimedOut,
            "queued" => Self::Scheduled,
            _ => Self::Pending,
        })
    }

    /// Whether the state never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut)
    }
}

/// Our name of a task state, from the server's word.
pub(super) fn task_state(word: &str) -> &'static str {
    match word {
        // A skipped task has ended without running. Runs have no such state.
        "skipped" => "skipped",
        // Logs of tasks use this word.
        "success" => State::Completed.as_str(),
        other => State::read(other).as_str(),
    }
}

/// Our names of the states of tasks, by task, from the server's words.
pub(super) fn task_states(words: &Map<String, Value>) -> Value {
    let state = |(name, word): (&String, &Value)| {
        (name.clone(), task_state(word.as_str().unwrap_or_default()).into())
    };
    Value::Object(words.iter().map(state).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling() {
        for state in State::ALL {
            assert_eq!(State::read(&state.as_str().to_uppercase()), state);
        }
        assert_eq!(State::read("canceled"), State::Cancelled);
        assert_eq!(State::read("daydreaming"), State::Pending);
        assert_eq!(State::ALL.iter().filter(|state| state.is_final()).count(), 4);
    }
}
