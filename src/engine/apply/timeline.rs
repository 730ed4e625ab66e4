//! Notes in the timeline what a record has changed, and why.

use crate::engine::journal::record::Record;
use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::step::Inner;
use crate::engine::state::timeline::{EntryKind, Timeline};
use crate::error::ErrorCode;
use crate::time::Millis;

impl State {
    pub(in crate::engine) fn set_cause(&mut self, step: Option<StepRef>, now: Millis) {
        if let Some(timeline) = &mut self.timeline {
            timeline.set_cause(step, now);
        }
    }

    pub(in crate::engine) fn set_cause_to_start(&mut self, now: Millis) {
        if let Some(timeline) = &mut self.timeline {
            timeline.set_cause_to_start(now);
        }
    }

    pub(in crate::engine) fn leaves_line(&mut self, run: RunIx, step: StepIx) {
        let attempt = self.step(run, step).map_or(0, |step| step.attempts.len());
        if let Some(timeline) = &mut self.timeline {
            timeline.starts(StepRef { run, step }, attempt + 1);
        }
    }

    /// Notes a record that was applied.
    pub(in crate::engine) fn note(&mut self, record: &Record) {
        let Some(mut timeline) = self.timeline.take() else { return };
        let attempt =
            |run: RunIx, step: StepIx| self.step(run, step).map_or(1, |step| step.attempts.len().max(1));
        match record {
            Record::AttemptStarted { run, step, .. } => {
                let kind = match self.operator(*run, *step).map(|operator| operator.operation.takes_place()) {
                    Some(true) => EntryKind::Attempt,
                    _ => EntryKind::Decision,
                };
                timeline.open(StepRef { run: *run, step: *step }, kind, attempt(*run, *step), None);
            }
            Record::Entered { run, step, inner, .. } => {
                let about = match inner {
                    Inner::Event(name) | Inner::Update(name) => Some(name.clone()),
                    Inner::Approval(request) => request.get("approval_key").map(crate::json::to_text),
                    _ => None,
                };
                timeline.open(
                    StepRef { run: *run, step: *step },
                    EntryKind::of(inner),
                    attempt(*run, *step),
                    about,
                );
            }
            Record::AttemptFailed { run, step, failure, retry_at, .. } => {
                let is_late = failure.code == ErrorCode::TaskTimedOut.as_str();
                let outcome = if is_late { "timed_out" } else { "failed" };
                timeline.close(StepRef { run: *run, step: *step }, outcome, Some(failure));
                if retry_at.is_some() {
                    timeline.open(
                        StepRef { run: *run, step: *step },
                        EntryKind::Retry,
                        attempt(*run, *step),
                        None,
                    );
                }
            }
            Record::RetryDue { run, step } => {
                timeline.close(StepRef { run: *run, step: *step }, "succeeded", None);
            }
            Record::Succeeded { run, step, .. } => {
                let is_known = timeline.close(StepRef { run: *run, step: *step }, "succeeded", None);
                if !is_known {
                    timeline.open(
                        StepRef { run: *run, step: *step },
                        EntryKind::Decision,
                        attempt(*run, *step),
                        None,
                    );
                    timeline.close(StepRef { run: *run, step: *step }, "succeeded", None);
                }
            }
            Record::ScopeCancelled { run, .. } => self.note_cancelled(&mut timeline, *run),
            Record::RunEnded { run, .. } => {
                let cause = timeline.cause;
                self.note_cancelled(&mut timeline, *run);
                timeline.cause = cause;
                timeline.ends.insert(*run, cause);
            }
            _ => {}
        }
        self.timeline = Some(timeline);
    }

    /// Ends the entries of steps that ended along with others, without a record of their own.
    pub(super) fn note_cancelled(&self, timeline: &mut Timeline, run: RunIx) {
        let open: Vec<StepIx> = timeline
            .open
            .range(StepRef { run, step: StepIx::new(0) }..=StepRef { run, step: StepIx::new(usize::MAX) })
            .map(|(place, _)| place.step)
            .collect();
        for step in open {
            if self.step(run, step).is_some_and(|step| step.state.is_final()) {
                let cause = timeline.cause;
                timeline.close(StepRef { run, step }, "cancelled", None);
                timeline.cause = cause;
            }
        }
    }
}
