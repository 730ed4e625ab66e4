//! Updates: requests to a run that wait for its answer.

use crate::engine::state::failure::Failure;
use crate::time::Millis;
use serde_json::Value;

/// An update of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Its name.
    pub name: String,
    /// Its data.
    pub payload: Value,
    /// Its state.
    pub state: UpdateState,
    /// The answer, once it is completed.
    pub result: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<Failure>,
    /// When it arrived.
    pub at: Millis,
    /// The time limit for the answer.
    pub deadline: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

/// The state of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateState {
    /// No step has taken it yet.
    Pending,
    /// A step works on it.
    Processing,
    /// It was answered.
    Completed,
    /// The step that took it failed, or the run ended first.
    Failed,
    /// It was not answered in time.
    TimedOut,
}

impl UpdateState {
    const WORDS: [(&'static str, Self); 5] = [
        ("PENDING", Self::Pending),
        ("PROCESSING", Self::Processing),
        ("COMPLETED", Self::Completed),
        ("FAILED", Self::Failed),
        ("TIMEOUT", Self::TimedOut),
    ];

    /// The state's name in the REST API.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    pub(in crate::engine) fn of_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(known, _)| *known == word).map_or(Self::Failed, |(_, state)| *state)
    }

    /// Whether the state never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::TimedOut)
    }
}
