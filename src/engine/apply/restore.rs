//! Rebuilds the state from a snapshot.

use crate::engine::journal::snapshot::Standing;
use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, ScopeIx, StepRef};
use crate::engine::state::queues::{Check, Timer};
use crate::engine::state::readiness::{Verdict, verdict};
use crate::engine::state::run::{Run, RunState};
use crate::engine::state::scope::Scope;
use crate::engine::state::step::{Inner, StepState};
use std::collections::HashSet;

impl State {
    pub(in crate::engine) fn restore_run(&mut self, run: Run) {
        let at = self.push_run(run);
        let Some(run) = self.runs.get(at) else { return };
        if run.created.is_late {
            self.missed.in_line += run.steps.iter().filter(|step| step.is_in_line).count();
        }
        for (position, step) in run.steps.placed() {
            let place = StepRef { run: at, step: position };
            if let Some(timer) = step.timer {
                self.timers.insert((timer, Timer::Step(place)));
            }
            if let StepState::Running { call } = step.state {
                self.calls.insert(call, place);
            }
            if let Some(key) = &step.key {
                self.held.insert(key.clone(), place);
            }
        }
        if run.state == RunState::Active {
            for (position, update) in run.updates.placed() {
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
        let places: Vec<RunIx> = self.runs.placed().map(|(at, _)| at).collect();
        let with_place: HashSet<StepRef> = self.ready_tasks.iter().copied().collect();
        for at in places {
            self.restore_conclusions(at, &with_place);
        }
    }

    /// Queues everything that may follow from the state of a run, since the engine may have stopped at any point. A
    /// decision that was made before is not made again.
    pub(super) fn restore_conclusions(&mut self, at: RunIx, with_place: &HashSet<StepRef>) {
        let Some(run) = self.runs.get(at) else { return };
        if run.state != RunState::Active {
            if run.created.parent.is_some() {
                self.ended_children.push_back(at);
            }
            return;
        }
        for (position, step) in run.steps.placed() {
            let place = StepRef { run: at, step: position };
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
        let is_over = |(_, scope): &(ScopeIx, &Scope)| scope.open == 0;
        self.closed.extend(run.scopes.placed().filter(is_over).map(|(scope, _)| (at, scope)));
        let waiting = run.watching.iter();
        self.to_check.extend(waiting.map(|step| Check { run: at, step: *step, ended: None }));
    }
}
