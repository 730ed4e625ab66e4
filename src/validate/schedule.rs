//! Checks the schedule, and reports its next firings.

use crate::definition::schedule::Schedule;
use crate::definition::{Moment, Offset, UTC, Workflow};
use crate::error::{Diagnostic, ErrorCode};
use crate::text::{joined, replaced};
use crate::time::{Millis, to_iso};

/// The most firings that are shown.
const SHOWN: usize = 3;

/// The clocks of the host, as far as the caller provides them.
#[derive(Clone, Copy, Default)]
pub struct Clocks<'a> {
    /// The moment after which the next firings are shown.
    pub now: Option<Millis>,
    /// The clocks of time zones.
    pub offset: Option<Offset<'a>>,
}

impl std::fmt::Debug for Clocks<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Clocks({:?})", self.now)
    }
}

impl From<Option<Millis>> for Clocks<'_> {
    fn from(now: Option<Millis>) -> Self {
        Self { now, offset: None }
    }
}

pub(super) fn check(workflow: &Workflow, clocks: Clocks<'_>, findings: &mut Vec<Diagnostic>) {
    let Some(text) = workflow.schedule.as_deref().filter(|text| !text.is_empty()) else { return };
    let start = workflow.start_date.as_ref().and_then(Moment::millis);
    findings.extend(finding(text, "/schedule", start, clocks));
}

/// The finding about the text of a schedule.
pub(crate) fn finding(
    text: &str,
    path: &str,
    start: Option<Millis>,
    clocks: Clocks<'_>,
) -> Option<Diagnostic> {
    let schedule = match Schedule::parse(text) {
        Ok(schedule) => schedule,
        Err(error) => return Some(Diagnostic::from(&error.with_path(path))),
    };
    let known = clocks.offset.unwrap_or(&|_, _| None);
    let offset: Offset<'_> = &|zone, at| if UTC.contains(&zone) { Some(0) } else { known(zone, at) };
    let now = clocks.now.unwrap_or_default();
    if let Some(zone) = schedule.zone().filter(|zone| clocks.offset.is_some() && offset(zone, now).is_none())
    {
        let message = format!("the time zone `{zone}` of the schedule is not known");
        let finding = Diagnostic::error(ErrorCode::ScheduleInvalid, path, message);
        return Some(finding.with_help("write a name of the IANA list, such as `Europe/Berlin`"));
    }
    clocks.now?;
    // A firing at the start date itself counts.
    let after = start.map_or(now, |start| now.max(start.saturating_sub(1)));
    let next = |after: Millis| schedule.next_after_in(after, offset);
    let firings: Vec<Millis> = std::iter::successors(next(after), |last| next(*last)).take(SHOWN).collect();
    next_firings(text, path, &firings)
}

fn next_firings(text: &str, path: &str, firings: &[Millis]) -> Option<Diagnostic> {
    if firings.is_empty() {
        return None;
    }
    let shown: Vec<String> = firings.iter().map(|moment| replaced(&to_iso(*moment), ".000Z", "Z")).collect();
    let message = format!("`{text}` fires next at {}", joined(&shown, ", "));
    Some(Diagnostic::info(ErrorCode::ScheduleFirings, path, message))
}
