//! The state machine: what a host holds.

use crate::engine::config::Config;
use crate::engine::effects::{Effect, Output};
use crate::engine::journal::record::Record;
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::FailedCall;
use crate::engine::state::positions::RunIx;
use crate::engine::state::{BYTES_PER_UNIT, State};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::ops::Deref;

/// Runs workflows. It can be asked what its [`State`] can; only records change that.
#[derive(Debug, Default)]
pub struct Engine {
    pub(in crate::engine) state: State,
    output: Output,
    /// Calls that have failed, while secrets are looked for in what they failed with.
    pub(in crate::engine) failed_calls: VecDeque<FailedCall>,
    /// Whether something was done since the output was taken, beyond looking.
    has_progressed: bool,
    /// Whether the last call left something to do.
    pub(in crate::engine) has_more: bool,
}

impl Deref for Engine {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

/// A workflow to run.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The definition; must have been checked.
    pub definition: Registered,
    /// Run inputs.
    pub inputs: Map<String, Value>,
    /// A repeated key with the same content gives the run it gave before.
    pub key: Option<String>,
    /// Id for a new run.
    pub run_id: String,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A run began.
    Created(RunIx),
    /// The key was known, with the same content: the run it began.
    Repeated(RunIx),
    /// The key was known, with other content: the run it began.
    Conflict(RunIx),
}

impl Engine {
    /// An engine without runs.
    pub fn new(config: Config) -> Self {
        let concurrency = config.concurrency.max(1);
        let timeline = config.timeline.then(Box::default);
        // A timeline takes all that follows from one thing in one piece.
        let slice = if config.timeline { usize::MAX } else { config.slice };
        let config = Config { concurrency, slice, ..config };
        Self { state: State { config, timeline, ..State::default() }, ..Self::default() }
    }

    /// An engine in the state that the records describe.
    pub fn replay(config: Config, records: impl IntoIterator<Item = Record>) -> Self {
        let mut engine = Self::new(config);
        engine.restore(records);
        engine
    }

    /// Takes records that a store has kept; nothing follows from them before [`resume`](Self::resume).
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.state.apply(record);
        }
        // The work may have been cut off anywhere.
        self.has_more = true;
    }

    /// Everything decided since the last call. What is done before the output is taken again is one slice of work.
    pub fn take_output(&mut self) -> Output {
        self.work.set(0);
        self.has_progressed = false;
        std::mem::take(&mut self.output)
    }

    /// Whether there is more to do at once: [`tick`](Self::tick) does the next slice of it. The host may do other
    /// things before.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether the slice of work is not done yet.
    pub(in crate::engine) fn is_within_slice(&self) -> bool {
        !self.has_progressed || self.work.get() < self.config.slice.saturating_mul(BYTES_PER_UNIT)
    }

    /// One unit of the work of a slice is about to be done. Each slice has one at least.
    pub(in crate::engine) fn begins_unit(&mut self) {
        self.has_copied(BYTES_PER_UNIT);
        self.has_progressed = true;
    }

    pub(in crate::engine) fn effect(&mut self, effect: Effect) {
        self.output.effects.push(effect);
    }

    /// Writes a record down and applies it.
    pub(in crate::engine) fn commit(&mut self, record: Record) {
        let noted = self.timeline.is_some().then(|| record.clone());
        if self.config.is_durable {
            self.output.records.push(record.clone());
        }
        self.state.apply(record);
        if let Some(record) = noted {
            self.state.note(&record);
        }
    }
}
