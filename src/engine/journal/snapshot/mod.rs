//! Snapshots: the state of an engine as records that rebuild it. A snapshot replaces a long journal.

pub(in crate::engine) mod read;
pub(in crate::engine) mod write;

use crate::engine::journal::record::Record;
use crate::engine::journal::snapshot::write::Written;
use crate::engine::journal::text::item;
use crate::engine::state::State;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::positions::{CallId, RunIx, StepRef};
use crate::engine::state::step::Step;
use crate::json::JsonWriter;
use crate::time::Millis;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// The state of an engine without definitions, artifacts, schedules and runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub(in crate::engine) last_call: CallId,
    pub(in crate::engine) last_event: u64,
    pub(in crate::engine) events: HashMap<String, VecDeque<(u64, Value)>>,
    pub(in crate::engine) once: HashMap<String, (Option<RunIx>, Value)>,
    pub(in crate::engine) circuits: HashMap<String, Circuit>,
    /// Steps that wait for an event, by its name, in the order of their start.
    pub(in crate::engine) listening: HashMap<String, Vec<StepRef>>,
    /// Tasks that wait for another task with their idempotency key, by the key, in the order of their start.
    pub(in crate::engine) parked: HashMap<String, Vec<StepRef>>,
    /// Tasks that wait for a place, the next one first.
    pub(in crate::engine) ready_tasks: Vec<StepRef>,
    /// Steps that wait to know whether a failure is dealt with.
    pub(in crate::engine) undecided: Vec<StepRef>,
}

/// A moment in a run, in milliseconds since its start. Moments are most of the text of a step, so they are short.
fn since(beginning: Millis, at: Millis) -> i64 {
    at.cast_signed().wrapping_sub(beginning.cast_signed())
}

/// The inverse of [`since`].
fn moment(beginning: Millis, since: i64) -> Millis {
    beginning.wrapping_add_signed(since)
}

/// Makes the entries of a snapshot one by one, so that the host can do other work in between. The state must not change
/// before the last one.
///
/// ```
/// use highway_wasm::engine::{Snapshot, Config, Engine, Journal};
///
/// let engine = Engine::new(Config::default());
/// let mut snapshot = Snapshot::of(&engine);
/// let (mut journal, mut restored) = (Journal::default(), Engine::new(Config::default()));
/// while let Some(entry) = snapshot.next_entry(&engine) {
///     restored.restore(journal.read(&entry).unwrap());
/// }
/// ```
#[derive(Debug)]
pub struct Snapshot {
    parts: VecDeque<Part>,
    /// How much of the first run in `parts` is written.
    written: Written,
}

/// A part of a snapshot.
#[derive(Debug)]
enum Part {
    Record(Box<Record>),
    Run(RunIx),
    /// The result under an idempotency key.
    Used(String),
    Standing,
}

/// Up to so many idempotency keys stand in the last record. If there are more, each has a record of its own.
const FEW_KEYS: usize = 16;

/// The length after which an entry ends, in bytes. Every store can keep entries of this length.
const LENGTH: usize = 64 * 1_024;

impl Snapshot {
    /// A snapshot of the current state. The engine must be [resumed](State::resume), and no call of it in progress.
    pub fn of(state: &State) -> Self {
        let definitions = state.definitions.in_order_of_names();
        let mut sources: Vec<_> = state.sources.iter().collect();
        sources.sort();
        let records = definitions
            .map(|definition| Record::Registered(Box::new(definition.clone())))
            .chain(sources.into_iter().map(|(hash, source)| {
                let (hash, source) = (hash.clone(), Rc::clone(source));
                Record::SourceKept { hash, source }
            }))
            .chain(state.artifacts.iter().map(|artifact| Record::ArtifactKept(Box::new(artifact.clone()))))
            .chain(state.schedules.placed().map(|(schedule, known)| {
                let to = Box::new(known.clone());
                Record::ScheduleSet { schedule, to }
            }));
        let runs = state.runs.places().map(|place| match place {
            Ok(run) => Part::Run(run),
            Err(count) => Part::Record(Box::new(Record::RunsSkipped { count })),
        });
        let mut used: Vec<String> = Vec::new();
        if state.has_many_keys() {
            used.extend(state.once.keys().cloned());
            used.sort_unstable();
        }
        let parts = records
            .map(|record| Part::Record(Box::new(record)))
            .chain(runs)
            .chain(used.into_iter().map(Part::Used))
            .chain([Part::Standing])
            .collect();
        Self { parts, written: Written::default() }
    }

    /// The next entry, in the form of [`write_records`](crate::engine::journal::write_records); `None` after the last
    /// one.
    pub fn next_entry(&mut self, state: &State) -> Option<String> {
        self.parts.front()?;
        let mut writer = JsonWriter::compact();
        writer.open('[');
        while writer.len() < LENGTH
            && let Some(part) = self.parts.front()
        {
            let is_whole = match part {
                Part::Record(record) => {
                    item(&mut writer, record.as_ref());
                    true
                }
                Part::Run(at) => state.runs.get(*at).is_none_or(|run| {
                    writer.item();
                    self.written.go_on(run, LENGTH, &mut writer)
                }),
                Part::Used(key) => {
                    if let Some((run, result)) = state.once.get(key) {
                        let (run, key, result) = (*run, key.clone(), result.clone());
                        item(&mut writer, &Record::KeyUsed { run, key, result });
                    }
                    true
                }
                Part::Standing => {
                    item(&mut writer, &Record::StateKept(Box::new(state.standing())));
                    true
                }
            };
            if is_whole {
                self.parts.pop_front();
                self.written = Written::default();
            }
        }
        writer.close(']');
        Some(writer.finish())
    }
}

impl State {
    /// All entries of a [`Snapshot`].
    pub fn snapshot(&self) -> Vec<String> {
        let mut snapshot = Snapshot::of(self);
        std::iter::from_fn(|| snapshot.next_entry(self)).collect()
    }

    /// Whether each idempotency key has a record of its own.
    fn has_many_keys(&self) -> bool {
        self.once.len() > FEW_KEYS
    }

    fn standing(&self) -> Standing {
        let is_waiting =
            |StepRef { run, step }: &&StepRef| self.step(*run, *step).is_some_and(Step::is_waiting);
        let is_in_line =
            |StepRef { run, step }: &&StepRef| self.step(*run, *step).is_some_and(|step| step.is_in_line);
        Standing {
            last_call: self.last_call,
            last_event: self.last_event,
            events: self.events.clone(),
            once: if self.has_many_keys() { HashMap::new() } else { self.once.clone() },
            circuits: self.circuits.clone(),
            listening: self.listening.clone(),
            parked: self.parked.clone(),
            ready_tasks: self.ready_tasks.iter().filter(is_in_line).copied().collect(),
            undecided: self.undecided.iter().filter(is_waiting).copied().collect(),
        }
    }
}
