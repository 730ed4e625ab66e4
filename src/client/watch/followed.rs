//! One followed run, and its followers.

use super::{Follow, News};
use crate::client::State;
use crate::client::run::{run_state, run_status};
use crate::client::state::task_states;
use crate::client::tasks::run_result;
use crate::error::{Error, ErrorCode, Result};
use crate::json::below;
use crate::json::number::clamp;
use serde_json::{Map, Value};
use std::rc::Rc;

const FIRST_DELAY_MS: f64 = 100.0;
const GROWTH: f64 = 1.5;
const LONGEST_DELAY_MS: f64 = 5_000.0;
/// The interval of looks while a stream is open. They find out whether the connection is dead.
const STREAM_CHECK_MS: f64 = 30_000.0;
/// The time limit of a follower that asks for less time than one look takes.
const LAST_LOOK_MS: f64 = 250.0;

/// One follower of a run.
#[derive(Debug)]
struct Ticket {
    id: u32,
    deadline: f64,
    wants_updates: bool,
    wants_whole: bool,
    is_up_to_date: bool,
}

/// Whether the server sends the news of a run as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Closed,
    Opening,
    /// Open, and whether any event has come.
    Open(bool),
}

/// The kind of the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Any look.
    Any,
    /// A look at the run itself, since a list does not show enough.
    Look,
    /// A look at the ended run, after an event that said so. The server may show the end a moment later.
    End,
    /// No look: the run has ended, and its tasks are read next.
    Tasks,
}

#[derive(Debug)]
pub(super) struct Followed {
    pub(super) run_id: String,
    pub(super) since: f64,
    /// The time of the next look.
    pub(super) due: f64,
    /// Whether a request about the run is in flight.
    pub(super) is_in_flight: bool,
    pub(super) next: Next,
    /// Whether any request about it was answered, even with an error.
    pub(super) has_answer: bool,
    pub(super) failing_since: Option<f64>,
    pub(super) stream: Stream,
    pub(super) stream_failures: u32,
    pub(super) stream_after: f64,
    /// The number of the last round over the list that showed the run.
    pub(super) round: u32,
    /// The run as the list showed it last.
    pub(super) listed: Value,
    /// The run as it was read, while its steps are requested.
    pub(super) unsettled: Option<Value>,
    tickets: Vec<Ticket>,
    /// The run as it was read last.
    pub(super) data: Rc<Value>,
    state: Option<State>,
    /// The states of its tasks by name, if a follower wants them and an answer contained them.
    tasks: Option<Map<String, Value>>,
    /// The status that the followers got last.
    last_status: Value,
    delay: f64,
}

impl Followed {
    pub(super) fn new(run_id: &str, now: f64) -> Self {
        Self {
            run_id: run_id.to_owned(),
            since: now,
            due: now,
            is_in_flight: false,
            next: Next::Any,
            has_answer: false,
            failing_since: None,
            stream: Stream::Closed,
            stream_failures: 0,
            stream_after: 0.0,
            round: 0,
            listed: Value::Null,
            unsettled: None,
            tickets: Vec::new(),
            data: Rc::default(),
            state: None,
            tasks: None,
            last_status: Value::Null,
            delay: FIRST_DELAY_MS,
        }
    }

    /// Adds a follower, and passes on what is known about the run.
    pub(super) fn join(&mut self, id: u32, follow: &Follow, now: f64, news: &mut Vec<News>) {
        let known = (follow.wants_updates && self.is_seen()).then(|| self.status());
        if self.next == Next::Tasks && !follow.wants_whole {
            news.extend(known.map(|status| News::Update { ticket: id, status }));
            return news.push(News::End { ticket: id, outcome: Ok(Value::Null) });
        }
        self.tickets.push(Ticket {
            id,
            deadline: follow.timeout_ms.map_or(f64::INFINITY, |timeout| now + timeout),
            wants_updates: follow.wants_updates,
            wants_whole: follow.wants_whole,
            is_up_to_date: known.is_some(),
        });
        news.extend(known.map(|status| News::Update { ticket: id, status }));
        self.due = self.due.min(now);
    }

    pub(super) fn leave(&mut self, id: u32) {
        self.tickets.retain(|ticket| ticket.id != id);
    }

    pub(super) fn is_left(&self) -> bool {
        self.tickets.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.is_in_flight && matches!(self.next, Next::Any | Next::Look)
    }

    /// Whether the run was ever read.
    pub(super) fn is_seen(&self) -> bool {
        self.state.is_some()
    }

    pub(super) fn wants_tasks(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.wants_updates)
    }

    pub(super) fn wants_whole(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.wants_whole)
    }

    /// The first time limit of its followers.
    pub(super) fn deadline(&self) -> f64 {
        let grace = if self.has_answer { 0.0 } else { LAST_LOOK_MS };
        self.tickets.iter().map(|ticket| ticket.deadline + grace).fold(f64::INFINITY, f64::min)
    }

    /// Ends the followers whose time limit has passed.
    pub(super) fn expire(&mut self, now: f64, news: &mut Vec<News>) {
        if now < self.deadline() {
            return;
        }
        // A follower without time for the tasks gets the end of the run.
        let outcome = match self.next {
            Next::Tasks => Ok(run_result(&self.data, &self.run_id, None, None)),
            _ => Err(self.too_late()),
        };
        self.tickets.retain(|ticket| {
            let is_over = ticket.deadline <= now;
            if is_over {
                news.push(News::End { ticket: ticket.id, outcome: outcome.clone() });
            }
            !is_over
        });
    }

    /// Notes that an event reported the end of the run.
    pub(super) fn end_at(&mut self, now: f64) {
        self.next = Next::End;
        self.due = self.due.min(now);
        self.delay = FIRST_DELAY_MS;
    }

    /// Takes the data of the run, and the states of its tasks if they were requested. If the run has ended, followers
    /// that do not want the tasks end.
    pub(super) fn settle(&mut self, data: Value, tasks: Option<Map<String, Value>>, news: &mut Vec<News>) {
        let state = run_state(&data);
        let is_new = self.state != Some(state) || *self.data != data;
        self.data = Rc::new(data);
        self.state = Some(state);
        if self.wants_tasks() {
            let tasks = tasks_of(&self.data).filter(|tasks| !tasks.is_empty()).cloned().or(tasks);
            self.tasks = tasks.filter(|tasks| !tasks.is_empty()).or_else(|| self.tasks.take());
            let status = self.status();
            for ticket in self.tickets.iter_mut().filter(|ticket| ticket.wants_updates) {
                if !ticket.is_up_to_date || self.last_status != status {
                    ticket.is_up_to_date = true;
                    news.push(News::Update { ticket: ticket.id, status: status.clone() });
                }
            }
            self.last_status = status;
        }
        if state.is_final() {
            self.next = Next::Tasks;
            self.tickets.retain(|ticket| {
                if !ticket.wants_whole {
                    news.push(News::End { ticket: ticket.id, outcome: Ok(Value::Null) });
                }
                ticket.wants_whole
            });
        }
        if is_new {
            // After a change, the next one is probably near.
            self.delay = self.delay.min(LONGEST_DELAY_MS / 2.0);
        }
        self.has_answer = true;
        self.failing_since = None;
    }

    /// The status that followers of changes get.
    fn status(&self) -> Value {
        let mut status = run_status(&self.data, &self.run_id);
        if let Value::Object(status) = &mut status {
            // Only followers of the whole run want its result, and they get it at the end.
            status.shift_remove("result");
            if let (Some(tasks), Some(Value::Object(progress))) = (&self.tasks, status.get_mut("progress")) {
                progress.insert("tasks".into(), task_states(tasks));
            }
        }
        status
    }

    /// The run as it was read last, updated with the fields of a partial view. A view without states of tasks leaves
    /// the progress as it is.
    pub(super) fn overlaid(&self, view: &Value) -> Value {
        let mut data = self.data.as_object().cloned().unwrap_or_default();
        for (key, value) in view.as_object().into_iter().flatten() {
            if key != "progress" || has_tasks(view) || !has_tasks(&self.data) {
                data.insert(key.clone(), value.clone());
            }
        }
        Value::Object(data)
    }

    /// Ends all followers.
    pub(super) fn end(&mut self, outcome: Result<Value>, news: &mut Vec<News>) {
        let outcome = outcome.map_err(|error| error.with_detail("runId", self.run_id.as_str()));
        let Some(last) = self.tickets.pop() else { return };
        for ticket in std::mem::take(&mut self.tickets) {
            news.push(News::End { ticket: ticket.id, outcome: outcome.clone() });
        }
        news.push(News::End { ticket: last.id, outcome });
    }

    /// Sets the time of the next look, at least `wait` milliseconds from now. `random` is in `0..1`.
    pub(super) fn schedule(&mut self, wait: f64, now: f64, random: f64) {
        // Varies the delay by up to a tenth, so that many clients do not send at the same moment.
        let spread = 0.9 + clamp(random, 0.0, 1.0) / 5.0;
        let delay = match self.stream {
            // A stream without any event yet may never have one.
            Stream::Open(true) if self.next != Next::End => STREAM_CHECK_MS,
            _ => self.delay * spread,
        };
        self.due = now + delay.max(wait);
        self.delay = (self.delay * GROWTH).min(LONGEST_DELAY_MS);
        if self.next == Next::Look {
            self.next = Next::Any;
        }
    }

    fn too_late(&self) -> Error {
        let state = self.state.map_or("unknown", State::as_str);
        let message =
            format!("run `{}` did not end in the given time; it is `{state}` and continues", self.run_id);
        Error::new(ErrorCode::WaitTimeout, message)
            .with_help("wait longer with `driver.handle(runId).result({ timeout })`, or end the run with `driver.cancel(runId)`")
            .with_detail("runId", self.run_id.as_str())
            .with_detail("state", state)
    }
}

fn tasks_of(status: &Value) -> Option<&Map<String, Value>> {
    below(status, "progress/tasks")?.as_object()
}

/// Whether data of the server contains the states of tasks.
pub(super) fn has_tasks(data: &Value) -> bool {
    tasks_of(data).is_some_and(|tasks| !tasks.is_empty())
}

/// Whether an error means that the server does not offer the operation.
pub(super) fn is_not_offered(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::ApiBadRequest
            | ErrorCode::ApiForbidden
            | ErrorCode::ApiNotFound
            | ErrorCode::ApiNotImplemented
            | ErrorCode::ApiRedirected
            | ErrorCode::ApiResponseInvalid
    )
}
