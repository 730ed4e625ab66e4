//! Circuit breakers of tools that keep failing, for tasks whose policy asks for one.

use crate::engine::plan::{Breaker, Operation};
use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::error::ErrorCode;
use crate::time::Millis;

/// The circuit breaker of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Circuit {
    pub(in crate::engine) failures: u32,
    pub(in crate::engine) successes: u32,
    /// Until this moment the tool is not called. Afterwards, one attempt at a time may test it.
    pub(in crate::engine) open_until: Option<Millis>,
    /// The step whose attempt tested the tool last.
    pub(in crate::engine) probe: Option<StepRef>,
}

impl State {
    /// Whether the circuit breaker of a step's tool lets it start. The failure says when to try again.
    pub(in crate::engine) fn admitted(&self, run: RunIx, step: StepIx, now: Millis) -> Result<(), Failure> {
        let Some((function, _)) = self.guarded(run, step) else { return Ok(()) };
        let circuit = self.circuits.get(function).copied().unwrap_or_default();
        let Some(open_until) = circuit.open_until else { return Ok(()) };
        let is_probed =
            circuit.probe.is_some_and(|StepRef { run, step }| self.is_under_way(run, step, open_until));
        if now >= open_until && !is_probed {
            return Ok(());
        }
        let message = format!("`{function}` failed too often and gets no calls for a while");
        Err(Failure { retryable: true, ..Failure::new(ErrorCode::ToolUnavailable, message) })
    }

    /// The tool of a task, and the task's policy for the circuit breaker; `None` without a policy.
    pub(in crate::engine) fn guarded(&self, run: RunIx, step: StepIx) -> Option<(&str, &Breaker)> {
        let operator = self.operator(run, step)?;
        match &operator.operation {
            Operation::Task { function, .. } => Some((function, operator.breaker.as_ref()?)),
            _ => None,
        }
    }

    /// Whether the step has an attempt that began at this moment or later and has not ended.
    fn is_under_way(&self, run: RunIx, step: StepIx, since: Millis) -> bool {
        self.step(run, step).is_some_and(|step| {
            let attempt = step.attempts.last();
            !step.state.is_final()
                && attempt.is_some_and(|attempt| attempt.ended_at.is_none() && attempt.started_at >= since)
        })
    }
}
