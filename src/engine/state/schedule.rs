//! Schedules: workflows that start by themselves.

use crate::definition::schedule::Schedule as Rule;
use crate::engine::config::Config;
use crate::engine::plan::hash;
use crate::engine::state::State;
use crate::engine::state::positions::ScheduleIx;
use crate::json::size_of_map;
use crate::time::Millis;
use serde_json::{Map, Value};

/// A workflow that starts by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its id in the form of a UUID, made from its name.
    pub id: String,
    /// Its name, unique in the engine: that of the job, or of the workflow whose definition has the schedule.
    pub name: String,
    /// Text of the rule.
    pub text: String,
    /// The rule of its firings.
    pub rule: Rule,
    /// Name of the workflow that it starts.
    pub workflow: String,
    /// Hash of the definition that it starts; `None` for the latest one of the workflow.
    pub hash: Option<String>,
    /// Inputs of its runs.
    pub inputs: Map<String, Value>,
    /// The moment before which it does not fire.
    pub start: Option<Millis>,
    /// Whether every missed firing gets a run, in order; otherwise only the latest one does.
    pub catches_up: bool,
    /// The number of active runs of the workflow from which on it waits.
    pub most_active: usize,
    /// Whether it comes from the definition of its workflow.
    pub is_own: bool,
    /// Whether it is active, paused or deleted.
    pub state: ScheduleState,
    /// When it was created.
    pub at: Millis,
    /// The moment of its next firing.
    pub next: Option<Millis>,
    /// The moment of its latest firing.
    pub last: Option<Millis>,
    /// The number of its firings.
    pub fired: u64,
}

/// The state of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleState {
    /// It fires.
    Active,
    /// It is due and waits for the end of a run of its workflow.
    Held,
    /// It does not fire until it is resumed.
    Paused,
    /// It never fires again. Its history is kept.
    Deleted,
}

impl ScheduleState {
    const WORDS: [(&'static str, Self); 4] = [
        ("active", Self::Active),
        ("held", Self::Held),
        ("paused", Self::Paused),
        ("deleted", Self::Deleted),
    ];

    pub(in crate::engine) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    pub(in crate::engine) fn of_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(known, _)| *known == word).map_or(Self::Active, |(_, state)| *state)
    }
}

/// The bytes of memory that a schedule takes.
pub(in crate::engine) fn size_of_schedule(
    name: &str,
    text: &str,
    workflow: &str,
    inputs: &Map<String, Value>,
) -> usize {
    const SCHEDULE: usize = 512;
    SCHEDULE + name.len() + text.len() + workflow.len() + size_of_map(inputs)
}

impl Schedule {
    /// Whether it fires, now or when a run has ended.
    pub fn is_active(&self) -> bool {
        matches!(self.state, ScheduleState::Active | ScheduleState::Held)
    }

    /// The bytes of memory that it takes.
    pub(in crate::engine) fn size(&self) -> usize {
        size_of_schedule(&self.name, &self.text, &self.workflow, &self.inputs)
    }

    pub(in crate::engine) fn is_deleted(&self) -> bool {
        self.state == ScheduleState::Deleted
    }

    /// The first firing of a schedule that is created or resumed at `now`.
    pub(in crate::engine) fn first(&self, now: Millis, config: &Config) -> Option<Millis> {
        let from = match self.start {
            Some(start) if self.catches_up => start,
            start => start.map_or(now, |start| start.max(now)),
        };
        let last = self.last.unwrap_or_default();
        // For a calendar rule, a firing at the start itself counts.
        let is_at_start = self.start == Some(from) && matches!(self.rule, Rule::Cron(_)) && last < from;
        config.zones.next(&self.rule, if is_at_start { from.saturating_sub(1) } else { from.max(last) })
    }

    /// The moment of the firing that a due schedule makes now: the oldest missed one, or the latest.
    pub(in crate::engine) fn slot(&self, due: Millis, now: Millis, config: &Config) -> Millis {
        if self.catches_up {
            return due;
        }
        if let Rule::Every(seconds) = self.rule {
            let interval = seconds.saturating_mul(1_000).max(1);
            return due + now.saturating_sub(due) / interval * interval;
        }
        // A bisection, since there may be half a million firings after a year.
        let (mut slot, mut end) = (due, now);
        while slot < end {
            let middle = slot + (end - slot) / 2;
            match config.zones.next(&self.rule, middle) {
                Some(next) if next <= now => slot = next,
                _ => end = middle,
            }
        }
        slot
    }
}

impl Schedule {
    pub(in crate::engine) fn new(
        name: String,
        text: String,
        rule: Rule,
        workflow: String,
        now: Millis,
    ) -> Self {
        Self {
            id: hash::uuid_of(&hash::of_text(&format!("schedule {name}"))),
            name,
            text,
            rule,
            workflow,
            hash: None,
            inputs: Map::new(),
            start: None,
            catches_up: false,
            most_active: usize::MAX,
            is_own: false,
            state: ScheduleState::Active,
            at: now,
            next: None,
            last: None,
            fired: 0,
        }
    }
}

impl State {
    /// All schedules that were not deleted, oldest first.
    pub fn schedules(&self) -> impl Iterator<Item = (ScheduleIx, &Schedule)> {
        self.schedules.placed().filter(|(_, schedule)| !schedule.is_deleted())
    }
}
