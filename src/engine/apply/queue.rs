//! Queues of steps that are to start or to be skipped.

use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::queues::Timer;
use crate::engine::state::readiness::{Verdict, verdict};
use crate::engine::state::step::Step;
use crate::time::Millis;
use std::collections::VecDeque;

impl State {
    /// Queues the steps of a new scope that can start.
    pub(in crate::engine) fn enqueue_scope(&mut self, run: RunIx, scope: ScopeIx) {
        let Some(found) = self.runs.get(run).and_then(|run| run.scopes.get(scope)) else { return };
        let (steps, count) = (found.steps(), found.body.operators.len());
        self.add_looks(count);
        if count == 0 {
            self.closed.push_back((run, scope));
            self.keep_round_result(run, scope);
        }
        for step in steps {
            self.enqueue_if_ready(run, step);
        }
    }

    /// Queues a step if everything that it waits for has ended.
    pub(in crate::engine) fn enqueue_if_ready(&mut self, run: RunIx, step: StepIx) {
        let Some(found) = self.runs.get(run) else { return };
        if !found.steps.get(step).is_some_and(Step::is_waiting) {
            return;
        }
        match verdict(found, step) {
            Verdict::Wait => {}
            Verdict::WaitForRepair => {
                self.undecided.insert(StepRef { run, step });
            }
            Verdict::Start => self.enqueue(run, step),
            Verdict::Skip => {
                self.to_skip.push_back(StepRef { run, step });
                self.mark_in_line(run, step, true);
            }
        }
    }

    pub(super) fn mark_in_line(&mut self, run: RunIx, step: StepIx, is_in_line: bool) {
        let Some(owner) = self.runs.get_mut(run) else { return };
        let is_late = owner.created.is_late;
        let Some(step) = owner.steps.get_mut(step).filter(|step| step.is_in_line != is_in_line) else {
            return;
        };
        step.is_in_line = is_in_line;
        if is_late {
            self.missed.count_step(is_in_line);
        }
    }

    /// Queues a step to start.
    pub(in crate::engine) fn enqueue(&mut self, run: RunIx, step: StepIx) {
        // A step that waits for a key may come here more than once.
        if self.step(run, step).is_none_or(|step| step.is_in_line) {
            return;
        }
        let Some(operator) = self.runs.get(run).and_then(|run| run.operator(step)) else { return };
        let takes_place = operator.operation.takes_place();
        let line = if takes_place { &mut self.ready_tasks } else { &mut self.ready_now };
        line.push_back(StepRef { run, step });
        self.mark_in_line(run, step, true);
        if let Some(timeline) = &mut self.timeline {
            timeline.enqueued(StepRef { run, step });
        }
    }

    /// The first step of a queue that still waits. Stale entries before it are dropped.
    pub(in crate::engine) fn first_of(
        &mut self,
        line: impl Fn(&mut Self) -> &mut VecDeque<StepRef>,
    ) -> Option<StepRef> {
        while let Some(StepRef { run, step }) = line(self).front().copied() {
            if self.step(run, step).is_some_and(|step| step.is_in_line) {
                return Some(StepRef { run, step });
            }
            line(self).pop_front();
            self.stale = self.stale.saturating_sub(1);
        }
        None
    }

    /// Removes a step from its queue before it ends.
    pub(in crate::engine) fn leave_line(&mut self, run: RunIx, step: StepIx) {
        if !self.step(run, step).is_some_and(|step| step.is_in_line) {
            return;
        }
        self.mark_in_line(run, step, false);
        self.stale += 1;
        let waiting = self.ready_tasks.len() + self.ready_now.len() + self.to_skip.len();
        if self.stale * 2 > waiting {
            for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
                line.retain(|StepRef { run, step }| {
                    self.runs
                        .get(*run)
                        .and_then(|run| run.steps.get(*step))
                        .is_some_and(|step| step.is_in_line)
                });
            }
            self.stale = 0;
        }
    }

    /// Removes a step from its queue. The engine starts the first one, but a replay may find the step further back.
    pub(in crate::engine) fn dequeue(&mut self, run: RunIx, step: StepIx) {
        if !self.step(run, step).is_some_and(|step| step.is_in_line) {
            return;
        }
        self.mark_in_line(run, step, false);
        for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
            if line.front() == Some(&StepRef { run, step }) {
                line.pop_front();
                return;
            }
        }
        for line in [&mut self.ready_tasks, &mut self.ready_now, &mut self.to_skip] {
            line.retain(|waiting| *waiting != StepRef { run, step });
        }
    }

    /// Removes and returns the first timer that is due at `now`.
    pub(in crate::engine) fn take_due(&mut self, now: Millis) -> Option<Timer> {
        let timer = self.timers.first().copied().filter(|(at, _)| *at <= now)?;
        self.timers.remove(&timer);
        Some(timer.1)
    }
}
