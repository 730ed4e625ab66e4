//! The engine as a state machine, as its host holds it.

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

/// Runs workflows. It answers the questions that its [`State`] answers, and changes the state only by records.
#[derive(Debug, Default)]
pub struct Engine {
    pub(in crate::engine) state: State,
    output: Output,
    /// Failed calls whose failures are still searched for secrets.
    pub(in crate::engine) failed_calls: VecDeque<FailedCall>,
    /// Whether anything has changed since the output was taken.
    has_progressed: bool,
    /// Whether the last call left work to do.
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
    /// The definition, already checked.
    pub definition: Registered,
    /// Run inputs.
    pub inputs: Map<String, Value>,
    /// Idempotency key: repeating it with the same content gives the same run.
    pub key: Option<String>,
    /// The id for a new run.
    pub run_id: String,
}

/// The outcome of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A new run.
    Created(RunIx),
    /// The run of an earlier submission with the same key and content.
    Repeated(RunIx),
    /// The run of an earlier submission with the same key but other content.
    Conflict(RunIx),
}

impl Engine {
    /// An engine without runs.
    pub fn new(config: Config) -> Self {
        let concurrency = config.concurrency.max(1);
        let timeline = config.timeline.then(Box::default);
        // With a timeline, one slice contains everything that follows from one event.
        let slice = if config.timeline { usize::MAX } else { config.slice };
        let config = Config { concurrency, slice, ..config };
        Self { state: State { config, timeline, ..State::default() }, ..Self::default() }
    }

    /// An engine in the state that results from the records.
    pub fn replay(config: Config, records: impl IntoIterator<Item = Record>) -> Self {
        let mut engine = Self::new(config);
        engine.restore(records);
        engine
    }

    /// Applies records from a store. The engine decides nothing before [`resume`](Self::resume).
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.state.apply(record);
        }
        // The records may end in the middle of a slice.
        self.has_more = true;
    }

    /// All records and effects since the last call. The work until the next call is one slice.
    pub fn take_output(&mut self) -> Output {
        self.work.set(0);
        self.has_progressed = false;
        std::mem::take(&mut self.output)
    }

    /// Whether work is left: the next [`tick`](Self::tick) does a further slice. The host may do other things in
    /// between.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether the slice still has room.
    pub(in crate::engine) fn is_within_slice(&self) -> bool {
        !self.has_progressed || self.work.get() < self.config.slice.saturating_mul(BYTES_PER_UNIT)
    }

    /// Starts one unit of work. Each slice has at least one.
    pub(in crate::engine) fn begin_unit(&mut self) {
        self.add_copied(BYTES_PER_UNIT);
        self.has_progressed = true;
    }

    pub(in crate::engine) fn effect(&mut self, effect: Effect) {
        self.output.effects.push(effect);
    }

    /// Adds a record to the output, and applies it.
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
