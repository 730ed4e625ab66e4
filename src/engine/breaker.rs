//! Circuits around tools that keep failing, for tasks that ask for one.

use super::plan::Operation;
use super::run::after;
use super::{Engine, Failure};
use crate::error::ErrorCode;
use crate::time::Millis;

/// What is known of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Circuit {
    pub(super) failures: u32,
    pub(super) successes: u32,
    /// Until when the tool is left alone; one attempt is let through afterwards.
    pub(super) open_until: Option<Millis>,
    /// Whether that attempt is under way. Not in the journal, so one more is let through when that is opened.
    pub(super) is_probed: bool,
}

impl Engine {
    /// Whether the circuit of a step's tool lets it start.
    pub(super) fn admitted(&mut self, run: usize, step: usize, now: Millis) -> Result<(), Failure> {
        let Some(operator) = self.operator(run, step).filter(|operator| operator.breaker.is_some()) else {
            return Ok(());
        };
        let Operation::Task { function, .. } = &operator.operation else { return Ok(()) };
        let function = function.clone();
        let Some(circuit) = self.circuits.get_mut(&function) else { return Ok(()) };
        let Some(open_until) = circuit.open_until else { return Ok(()) };
        if now >= open_until && !circuit.is_probed {
            circuit.is_probed = true;
            return Ok(());
        }
        let message = format!("`{function}` has failed too often and is left alone");
        Err(Failure { retryable: true, ..Failure::new(ErrorCode::ToolUnavailable, message) })
    }

    /// Takes note of how an attempt ended.
    pub(super) fn heard(&mut self, run: usize, step: usize, failure: Option<&Failure>, at: Millis) {
        let Some(operator) = self.operator(run, step) else { return };
        let (Some(policy), Operation::Task { function, .. }) =
            (operator.breaker.clone(), &operator.operation)
        else {
            return;
        };
        let circuit = self.circuits.entry(function.clone()).or_default();
        let Some(failure) = failure else {
            circuit.failures = 0;
            circuit.successes += 1;
            circuit.is_probed = false;
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
        let is_open = circuit.open_until.is_some_and(|until| at < until && !circuit.is_probed);
        if !is_open && (circuit.failures >= policy.failures || circuit.open_until.is_some()) {
            circuit.open_until = Some(after(at, policy.isolation));
            circuit.is_probed = false;
        }
    }
}
