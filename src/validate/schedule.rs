//! The schedule: it can fire, and when it does next.

use crate::definition::schedule::Schedule;
use crate::definition::{Moment, Workflow};
use crate::error::{Diagnostic, ErrorCode};
use crate::text::{joined, replaced};
use crate::time::{Millis, to_iso};

/// Firings that are told.
const SHOWN: usize = 3;

pub(super) fn check(workflow: &Workflow, now: Option<Millis>, findings: &mut Vec<Diagnostic>) {
    let Some(text) = workflow.schedule.as_deref().filter(|text| !text.is_empty()) else { return };
    findings.extend(finding(text, "/schedule", workflow.start_date.as_ref().and_then(Moment::millis), now));
}

/// What there is to say about the text of a schedule.
pub(crate) fn finding(
    text: &str,
    path: &str,
    start: Option<Millis>,
    now: Option<Millis>,
) -> Option<Diagnostic> {
    let schedule = match Schedule::parse(text) {
        Ok(schedule) => schedule,
        Err(error) => {
            let finding = Diagnostic::error(error.code(), path, error.message());
            return Some(finding.with_any_help(error.help().map(str::to_owned)));
        }
    };
    let now = now?;
    // A firing at the very start counts.
    let after = start.map_or(now, |start| now.max(start.saturating_sub(1)));
    let firings = schedule.firings(after, SHOWN);
    if firings.is_empty() {
        return None;
    }
    let shown: Vec<String> = firings.iter().map(|moment| replaced(&to_iso(*moment), ".000Z", "Z")).collect();
    let message = format!("`{text}` fires next at {}", joined(&shown, ", "));
    Some(Diagnostic::info(ErrorCode::ScheduleFirings, path, message))
}
