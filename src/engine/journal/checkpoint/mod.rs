//! The state of an engine as records that rebuild it: what takes the place of a journal that has grown.

mod read;
mod write;

pub(in crate::engine) use read::run_of;
pub(in crate::engine) use write::{run_kept, state_kept};

use crate::engine::decide::joins::Look;
use crate::engine::journal::record::Record;
use crate::engine::journal::text::Entries;
use crate::engine::state::Engine;
use crate::engine::state::Timer;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::readiness::{Verdict, verdict};
use crate::engine::state::run::{Inner, Run, RunState, Scope, StepState};
use crate::time::Millis;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};

/// What an engine knows beside definitions, artifacts, schedules and runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    last_call: u64,
    last_event: u64,
    events: HashMap<String, VecDeque<(u64, Value)>>,
    once: HashMap<String, (Option<usize>, Value)>,
    circuits: HashMap<String, Circuit>,
    /// Steps that wait for an event of a name, in the order in which they began to.
    listening: HashMap<String, Vec<(usize, usize)>>,
    /// Tasks that wait for another one with their key, in the same way.
    parked: HashMap<String, Vec<(usize, usize)>>,
    /// Tasks that wait for a place, the next one first.
    ready_tasks: Vec<(usize, usize)>,
    /// Steps that wait to know whether a failure is dealt with.
    undecided: Vec<(usize, usize)>,
}

impl Engine {
    /// Journal entries, as [`write_records`](crate::engine::journal::write_records) makes them, that rebuild the state as it is now. To be asked
    /// for between two calls, of an engine that was [resumed](Self::resume).
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
                Ok(run) => entries.push(&write::Kept(run)),
                Err(count) => entries.push(&Record::RunsSkipped { count }),
            }
        }
        entries.push(&Record::StateKept(Box::new(self.standing())));
        entries.finish()
    }

    fn standing(&self) -> Standing {
        let is_waiting = |(run, step): &&(usize, usize)| {
            self.step(*run, *step).is_some_and(|step| step.state == StepState::Pending && !step.is_in_line)
        };
        let is_in_line =
            |(run, step): &&(usize, usize)| self.step(*run, *step).is_some_and(|step| step.is_in_line);
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

    pub(in crate::engine) fn restore_run(&mut self, run: Run) {
        let at = self.push_run(run);
        let Some(run) = self.runs.get(at) else { return };
        if run.created.is_late {
            self.missed.in_line += run.steps.iter().filter(|step| step.is_in_line).count();
        }
        for (position, step) in run.steps.iter().enumerate() {
            let place = (at, position);
            if let Some(timer) = step.timer {
                self.timers.insert((timer, Timer::Step(at, position)));
            }
            if let StepState::Running { call } = step.state {
                self.calls.insert(call, place);
            }
            if let Some(key) = &step.key {
                self.held.insert(key.clone(), place);
            }
        }
        if run.state == RunState::Active {
            for (position, update) in run.updates.iter().enumerate() {
                if !update.state.is_final() {
                    self.timers.insert((update.deadline, Timer::Update(at, position)));
                }
            }
        }
    }

    pub(in crate::engine) fn restore_standing(&mut self, standing: Standing) {
        self.last_call = standing.last_call;
        self.last_event = standing.last_event;
        let mut order: Vec<_> = standing
            .events
            .iter()
            .flat_map(|(name, events)| events.iter().map(move |(number, payload)| (*number, name, payload)))
            .collect();
        order.sort_unstable_by_key(|(number, ..)| *number);
        for (number, name, payload) in order {
            self.counts_event(number, name, payload);
        }
        self.events = standing.events;
        let mut used: Vec<_> = standing.once.into_iter().collect();
        used.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (key, (run, result)) in used {
            self.apply_key_used(run, key, result);
        }
        self.circuits = standing.circuits;
        self.listening = standing.listening;
        self.parked = standing.parked;
        self.ready_tasks = standing.ready_tasks.into();
        self.undecided = standing.undecided.into_iter().collect();
        let places: Vec<usize> = self.runs.placed().map(|(at, _)| at).collect();
        let with_place: HashSet<(usize, usize)> = self.ready_tasks.iter().copied().collect();
        for at in places {
            self.restore_conclusions(at, &with_place);
        }
    }

    /// Puts in line what may follow from the state of a run: the work may have been cut off anywhere. What has been concluded
    /// already is not concluded twice.
    fn restore_conclusions(&mut self, at: usize, with_place: &HashSet<(usize, usize)>) {
        let Some(run) = self.runs.get(at) else { return };
        if run.state != RunState::Active {
            if run.created.parent.is_some() {
                self.ended_children.push_back(at);
            }
            return;
        }
        for (position, step) in run.steps.iter().enumerate() {
            let place = (at, position);
            match step.state {
                StepState::Pending if step.is_in_line && !with_place.contains(&place) => {
                    let is_skipped = verdict(run, position) == Verdict::Skip;
                    if is_skipped { &mut self.to_skip } else { &mut self.ready_now }.push_back(place);
                }
                StepState::Open if matches!(step.inner, Some(Inner::Loop { .. })) => {
                    self.to_go_round.push_back(place);
                }
                _ => {}
            }
        }
        let is_over = |(_, scope): &(usize, &Scope)| scope.open == 0;
        self.closed.extend(run.scopes.iter().enumerate().filter(is_over).map(|(scope, _)| (at, scope)));
        let waiting = run.watching.iter();
        self.to_look_at.extend(waiting.map(|step| Look { run: at, step: *step, ended: None }));
    }
}

/// A moment in a run, as the milliseconds since its beginning: moments are most of what there is to say of a step.
fn since(beginning: Millis, at: Millis) -> i64 {
    at.cast_signed().wrapping_sub(beginning.cast_signed())
}

/// The inverse of [`since`].
fn moment(beginning: Millis, since: i64) -> Millis {
    beginning.wrapping_add_signed(since)
}
