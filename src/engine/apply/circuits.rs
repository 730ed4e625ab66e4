//! Circuit breakers of tools: what the start and the end of an attempt change.

use crate::engine::state::State;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, StepIx, StepRef};
use crate::engine::state::step::StepState;
use crate::time::{Millis, after};

impl State {
    /// Notes the start of an attempt. In an open circuit, it is the attempt that tests the tool.
    pub(in crate::engine) fn attempt_begins(&mut self, run: RunIx, step: StepIx, at: Millis) {
        let Some(function) = self.guarded(run, step).map(|(function, _)| function.to_owned()) else { return };
        if let Some(circuit) = self.circuits.get_mut(&function)
            && circuit.open_until.is_some_and(|until| at >= until)
        {
            circuit.probe = Some(StepRef { run, step });
        }
    }

    /// Notes the outcome of an attempt. Its step ends afterwards.
    pub(in crate::engine) fn attempt_ended(
        &mut self,
        run: RunIx,
        step: StepIx,
        failure: Option<&Failure>,
        at: Millis,
    ) {
        let Some((function, policy)) = self.guarded(run, step) else { return };
        let (function, policy) = (function.to_owned(), policy.clone());
        let Some(found) = self.step(run, step) else { return };
        let is_called =
            !matches!(found.state, StepState::Pending | StepState::Running { call: CallId::NONE });
        let Some(attempt) = found.attempts.last().filter(|_| is_called) else { return };
        let began = attempt.started_at;
        let circuit = self.circuits.entry(function).or_default();
        // An attempt that began before the circuit opened says nothing about the tool now.
        if circuit.open_until.is_some_and(|until| began < until) {
            return;
        }
        let Some(failure) = failure else {
            circuit.failures = 0;
            circuit.successes += 1;
            if circuit.open_until.is_some() && circuit.successes >= policy.successes {
                *circuit = Circuit::default();
            }
            return;
        };
        let is_caught = policy.catches.as_ref().is_none_or(|codes| codes.contains(&failure.code));
        if !is_caught || policy.ignores.contains(&failure.code) {
            return;
        }
        circuit.successes = 0;
        circuit.failures += 1;
        if circuit.failures >= policy.failures || circuit.open_until.is_some() {
            circuit.open_until = Some(after(at, policy.isolation));
        }
    }
}
