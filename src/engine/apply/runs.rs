//! Runs that begin, end, and are dropped.

use crate::engine::plan::{Operation, Planned};
use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, ScopeIx, StepIx};
use crate::engine::state::queues::Timer;
use crate::engine::state::run::{Run, RunCreated, RunState};
use crate::engine::state::step::StepState;
use crate::json::size;
use crate::time::Millis;
use serde_json::Value;
use std::rc::Rc;

impl State {
    pub(super) fn add_run(&mut self, created: RunCreated) {
        let at = self.push_run(Run::new(created));
        self.enqueue_scope(at, ScopeIx::WORKFLOW);
    }

    /// Adds a run to all lists, and returns its position.
    pub(in crate::engine) fn push_run(&mut self, mut run: Run) -> RunIx {
        let at = self.runs.next();
        run.measure();
        run.meter.join(&self.kept_bytes);
        let mut parent = run.created.parent.as_ref().map(|parent| parent.run);
        while let Some(found) = parent.and_then(|parent| self.runs.get_mut(parent)) {
            found.descendants += 1;
            parent = found.created.parent.as_ref().map(|parent| parent.run);
        }
        self.definitions.is_used(&run.created.hash);
        self.ids.insert(run.created.run_id.clone(), at);
        if let Some(key) = &run.created.key {
            self.keys.insert(key.clone(), at);
        }
        if run.state == RunState::Active {
            if let Some(deadline) = run.deadline {
                self.timers.insert((deadline, Timer::Run(at)));
            }
            *self.active.entry(run.created.workflow.name.clone()).or_default() += 1;
        }
        self.runs.push(run);
        at
    }

    pub(super) fn end_run(
        &mut self,
        run: RunIx,
        state: RunState,
        failure: Option<Failure>,
        result: Option<Value>,
        at: Millis,
    ) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        if let Some(failure) = &failure {
            owner.count_failure(failure);
        }
        owner.meter.add(result.as_ref().map_or(0, size));
        owner.state = state;
        owner.failure = failure;
        owner.result = result;
        owner.ended_at = Some(at);
        let deadline = owner.deadline;
        let workflow = Rc::clone(&owner.created.workflow);
        let has_parent = owner.created.parent.is_some();
        let open = owner.open_within(ScopeIx::WORKFLOW);
        // A workflow that ends itself skips the rest, as a condition skips its other branch.
        let ends_itself = owner.steps.placed().any(|(at, step)| {
            let is_end = |found: &Planned| matches!(found.operation, Operation::Terminate { .. });
            step.state == StepState::Succeeded && owner.operator(at).is_some_and(is_end)
        });
        let (left_out, open): (Vec<StepIx>, Vec<StepIx>) = open.into_iter().partition(|step| {
            ends_itself && owner.steps.get(*step).is_some_and(|step| step.started_at.is_none())
        });
        self.runs.ended(run, at);
        if let Some(deadline) = deadline {
            self.timers.remove(&(deadline, Timer::Run(run)));
        }
        self.cancel_steps(run, &open, StepState::Cancelled, at);
        self.cancel_steps(run, &left_out, StepState::Skipped, at);
        if has_parent {
            self.ended_children.push_back(run);
        }
        if let Some(active) = self.active.get_mut(&workflow.name) {
            *active = active.saturating_sub(1);
        }
        self.release_held(&workflow.name);
    }

    pub(in crate::engine) fn apply_forgotten(&mut self, at: RunIx) {
        let Some(mut run) = self.runs.take(at) else { return };
        run.meter.leave();
        for key in &run.used {
            self.once.remove(key);
        }
        self.ids.remove(&run.created.run_id);
        self.definitions.is_used_less(&run.created.hash);
        if let Some(key) = run.created.key.filter(|key| self.keys.get(key) == Some(&at)) {
            self.keys.remove(&key);
        }
    }
}
