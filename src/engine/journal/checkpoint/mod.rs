//! The state of an engine as records that rebuild it: what takes the place of a journal that has grown.

pub(in crate::engine) mod read;
pub(in crate::engine) mod write;

use crate::engine::journal::checkpoint::write::KeptRun;
use crate::engine::journal::record::Record;
use crate::engine::journal::text::Entries;
use crate::engine::state::State;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::positions::{CallId, RunIx, StepRef};
use crate::engine::state::step::StepState;
use crate::time::Millis;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// What an engine knows beside definitions, artifacts, schedules and runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub(in crate::engine) last_call: CallId,
    pub(in crate::engine) last_event: u64,
    pub(in crate::engine) events: HashMap<String, VecDeque<(u64, Value)>>,
    pub(in crate::engine) once: HashMap<String, (Option<RunIx>, Value)>,
    pub(in crate::engine) circuits: HashMap<String, Circuit>,
    /// Steps that wait for an event of a name, in the order in which they began to.
    pub(in crate::engine) listening: HashMap<String, Vec<StepRef>>,
    /// Tasks that wait for another one with their key, in the same way.
    pub(in crate::engine) parked: HashMap<String, Vec<StepRef>>,
    /// Tasks that wait for a place, the next one first.
    pub(in crate::engine) ready_tasks: Vec<StepRef>,
    /// Steps that wait to know whether a failure is dealt with.
    pub(in crate::engine) undecided: Vec<StepRef>,
}

/// A moment in a run, as the milliseconds since its beginning: moments are most of what there is to say of a step.
fn since(beginning: Millis, at: Millis) -> i64 {
    at.cast_signed().wrapping_sub(beginning.cast_signed())
}

/// The inverse of [`since`].
fn moment(beginning: Millis, since: i64) -> Millis {
    beginning.wrapping_add_signed(since)
}

impl State {
    /// Journal entries, as [`write_records`](crate::engine::journal::write_records) makes them, that rebuild the state
    /// as it is now. To be asked for between two calls, of an engine that was [resumed](Self::resume).
    pub fn checkpoint(&self) -> Vec<String> {
        let mut entries = Entries::default();
        for definition in self.definitions.in_order_of_names() {
            entries.push(&Record::Registered(Box::new(definition.clone())));
        }
        let mut sources: Vec<_> = self.sources.iter().collect();
        sources.sort();
        for (hash, source) in sources {
            entries.push(&Record::SourceKept { hash: hash.clone(), source: source.clone() });
        }
        for artifact in &self.artifacts {
            entries.push(&Record::ArtifactKept(Box::new(artifact.clone())));
        }
        for (schedule, known) in self.schedules.iter().enumerate() {
            entries.push(&Record::ScheduleSet { schedule, to: Box::new(known.clone()) });
        }
        for place in self.runs.places() {
            match place {
                Ok(run) => entries.push(&KeptRun(run)),
                Err(count) => entries.push(&Record::RunsSkipped { count }),
            }
        }
        entries.push(&Record::StateKept(Box::new(self.standing())));
        entries.finish()
    }

    fn standing(&self) -> Standing {
        let is_waiting = |StepRef { run, step }: &&StepRef| {
            self.step(*run, *step).is_some_and(|step| step.state == StepState::Pending && !step.is_in_line)
        };
        let is_in_line =
            |StepRef { run, step }: &&StepRef| self.step(*run, *step).is_some_and(|step| step.is_in_line);
        Standing {
            last_call: self.last_call,
            last_event: self.last_event,
            events: self.events.clone(),
            once: self.once.clone(),
            circuits: self.circuits.clone(),
            listening: self.listening.clone(),
            parked: self.parked.clone(),
            ready_tasks: self.ready_tasks.iter().filter(is_in_line).copied().collect(),
            undecided: self.undecided.iter().filter(is_waiting).copied().collect(),
        }
    }
}
