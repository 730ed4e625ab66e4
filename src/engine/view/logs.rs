//! The logs of a run: log lines and output of its tools, in order of time.

use super::shown::{Shown, View};
use super::{full_name, is_named, is_replaced};
use crate::engine::state::State;
use crate::engine::state::output::Stream;
use crate::engine::state::positions::StepIx;
use crate::engine::state::run::Run;
use crate::engine::state::step::{Attempt, Step};
use crate::time::{Millis, to_iso};
use serde_json::Value;

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// The place of an entry in the state.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A log line, by its position.
    Line(usize),
    /// The output of an attempt, by the position of the attempt.
    Output(usize, Stream),
    /// The failure of an attempt, by its position.
    Error(usize),
    /// The output so far of the running attempt.
    SoFar(Stream),
}

/// An entry of the logs.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Millis,
    step: StepIx,
    source: Source,
}

/// A reader of the logs of a run, or of one of its steps.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Logs<'a> {
    run: &'a Run,
    only: Option<&'a str>,
    /// The state, if the output so far of running tools is included.
    state: Option<&'a State>,
}

/// The log lines and the output of the tools of a run, in order of time: `{logs: [{step_name, attempt, stream, level?,
/// content, timestamp}], dropped?}`. The streams are `log`, `stdout`, `stderr` and `error`. `dropped` counts lines that
/// were dropped. `only` is the name of one step.
pub fn step_logs(run: &Run, only: Option<&str>) -> Value {
    Logs { run, only, state: None }.view()
}

impl State {
    /// Works as [`step_logs`], and includes the output so far of running tools.
    pub fn step_logs(&self, run: &Run, only: Option<&str>) -> Value {
        self.logs(run, only).view()
    }

    pub(in crate::engine) fn logs<'a>(&'a self, run: &'a Run, only: Option<&'a str>) -> Logs<'a> {
        Logs { run, only, state: Some(self) }
    }
}

impl<'a> Logs<'a> {
    fn view(self) -> Value {
        let entries = self.entries((0, 0), usize::MAX);
        let entries = entries.filter_map(|(_, entry)| Some(entry?.into_value()));
        let logs = Value::Array(entries.collect());
        View::default()
            .with("workflow_run_id", self.run.id())
            .with("logs", logs)
            .and(self.dropped())
            .into_value()
    }

    /// The number of dropped lines, if there are any.
    pub(in crate::engine) fn dropped(self) -> View<'a> {
        let dropped: u64 = self.steps().filter_map(|(_, step)| Some(step.reports.as_ref()?.dropped)).sum();
        let fields = View::default();
        if dropped > 0 { fields.with("dropped", dropped) } else { fields }
    }

    /// At most a number of entries, from a given one on. Each comes with its moment and its number among the entries of
    /// that moment. Empty entries are left out.
    pub(in crate::engine) fn entries(
        self,
        (since, skipped): (Millis, usize),
        most: usize,
    ) -> impl Iterator<Item = ((Millis, usize), Option<View<'a>>)> {
        let mut entries = Vec::new();
        for (at, step) in self.steps() {
            self.add_entries(at, step, since, &mut entries);
        }
        let mut entries: Vec<_> = entries.into_iter().enumerate().collect();
        let order = |(number, entry): &(usize, Entry)| (entry.at, *number);
        let needed = most.saturating_add(skipped);
        if needed < entries.len() {
            entries.select_nth_unstable_by_key(needed, order);
            entries.truncate(needed);
        }
        entries.sort_unstable_by_key(order);
        let mut last = (since, 0);
        let placed = entries.into_iter().map(move |(_, entry)| {
            let place = if entry.at == last.0 { last } else { (entry.at, 0) };
            last = (place.0, place.1 + 1);
            (place, entry)
        });
        placed.skip(skipped).map(move |(place, entry)| (place, self.shown(entry)))
    }

    /// The steps whose logs are read, with their positions.
    fn steps(self) -> impl Iterator<Item = (StepIx, &'a Step)> {
        self.run.steps.placed().filter(move |(at, step)| match self.only {
            Some(only) => is_named(self.run, *at, only),
            None => !is_replaced(self.run, step.scope),
        })
    }

    /// Adds the entries of a step since a moment.
    fn add_entries(self, at: StepIx, step: &Step, since: Millis, entries: &mut Vec<Entry>) {
        let mut add = |moment: Millis, source: Source| {
            if moment >= since {
                entries.push(Entry { at: moment, step: at, source });
            }
        };
        for (number, line) in step.reports.iter().flat_map(|reports| &reports.lines).enumerate() {
            add(line.at, Source::Line(number));
        }
        for (number, attempt) in step.attempts.iter().enumerate() {
            let moment = attempt.ended_at.unwrap_or(attempt.started_at);
            for stream in STREAMS {
                if written(step, attempt, stream).is_some_and(|text| !text.is_empty()) {
                    add(moment, Source::Output(number, stream));
                }
            }
            if attempt.failure.as_ref().is_some_and(|failure| !failure.message.is_empty()) {
                add(moment, Source::Error(number));
            }
        }
        if let Some(moment) = self.state.and_then(|state| state.wrote_at(step.state)) {
            for stream in STREAMS {
                add(moment, Source::SoFar(stream));
            }
        }
    }

    fn shown(self, entry: Entry) -> Option<View<'a>> {
        let step = self.run.steps.get(entry.step)?;
        let attempt = |number: usize| step.attempts.get(number);
        let line = |number: usize| step.reports.as_ref()?.lines.get(number);
        let (number, stream, content) = match entry.source {
            Source::Line(number) => {
                let line = line(number)?;
                (line.attempt, "log", Shown::Text(&line.message))
            }
            Source::Output(number, stream) => {
                (number + 1, stream.word(), Shown::Text(written(step, attempt(number)?, stream)?))
            }
            Source::Error(number) => {
                let failure = attempt(number)?.failure.as_ref()?;
                (number + 1, "error", Shown::Text(&failure.message))
            }
            Source::SoFar(stream) => {
                let text = self.state?.lines_so_far(step.state, stream).filter(|text| !text.is_empty())?;
                (step.attempts.len(), stream.word(), Shown::Made(text.into()))
            }
        };
        let mut view = View::default()
            .with("step_name", full_name(self.run, entry.step)?)
            .with("attempt", number)
            .with("stream", stream);
        if let Source::Line(number) = entry.source {
            view = view.with("level", line(number)?.level.word());
        }
        Some(view.lending("content", content).with("timestamp", to_iso(entry.at)))
    }
}

/// The output of an attempt of a step. While an attempt runs, the result of the step is that of the attempt before.
fn written<'a>(step: &'a Step, attempt: &'a Attempt, stream: Stream) -> Option<&'a str> {
    let own = step.result.as_ref().filter(|_| step.state.is_final());
    let result = if attempt.failure.is_some() { attempt.result.as_ref() } else { own };
    result?.get(stream.word())?.as_str()
}
