//! Follows any number of runs to their ends. Sans-IO: the host asks, sleeps and listens as told, and reports.
//!
//! - One run is looked at after 0.1 s, then less and less often, every 5 s at last.
//! - Many runs share pages of the list. However many there are, looking at them takes about eight requests a second.
//! - Where the server tells the news of a run by itself (`/stream`), looks are rare; when that ends, they begin again at
//!   once, so that no change is lost.
//! - While a page is hidden nothing is looked at; afterwards everything is, at once.

mod budget;
mod followed;

use super::Operation;
use super::call::is_passing;
use super::run::{is_run, no_run, run_status, runs_in};
use super::tasks::step_states;
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use crate::number::to_f64;
use budget::Budget;
use followed::{Followed, Next, Stream, has_tasks, is_final, is_not_offered};
use serde_json::Value;

/// A server that stays unreachable or broken for this long ends the watch.
const PATIENCE_MS: f64 = 60_000.0;
/// As many runs as this, due at the same time, are looked up in the list.
const LIST_FROM: usize = 4;
const PAGE_SIZE: usize = 100;
/// Runs that will be due within this time are looked up along with those that are.
const LIST_AHEAD_MS: f64 = 2_500.0;
/// How long the list is left alone after it was of little use, or failed.
const LIST_PAUSE_MS: f64 = 30_000.0;
/// Questions under way at once.
const MOST_AT_ONCE: usize = 16;
/// A run that is not over by then is worth a connection of its own.
const STREAM_AFTER_MS: f64 = 1_000.0;
/// Browsers allow six connections to a server; streams may not take them all.
const MOST_STREAMS: usize = 2;
const MOST_STREAM_FAILURES: u32 = 3;
/// Between an event that says too little and the look that it causes.
const EVENT_LOOK_MS: f64 = 200.0;

/// How somebody follows a run.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Id of the run.
    pub run_id: String,
    /// How long to wait for its end; without end where there is none.
    pub timeout_ms: Option<f64>,
    /// Whether every change is told, with the states of the tasks.
    pub wants_updates: bool,
    /// Whether the run is wanted at the end with everything the server knows, not as a list shows it.
    pub wants_whole: bool,
}

/// What the host does next.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchAction {
    /// Perform the operation, with a single attempt, and report the answer under this number. Meanwhile ask for more.
    Ask(u32, Operation),
    /// Open the event stream of this run and report what comes of it. Meanwhile ask for more.
    Listen(String, Operation),
    /// Wait for so many milliseconds, or until there is something to report or somebody joins; then ask again.
    Sleep(f64),
    /// Nobody follows a run any more.
    Done,
}

/// What a follower is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The run has changed; its status.
    Update {
        /// Whom this is for.
        ticket: u32,
        /// The status of the run, as [`run_status`](super::run_status) gives it, without the result.
        status: Value,
    },
    /// There will be no more news: the run as the server shows it, or why there is none.
    End {
        /// Whom this is for.
        ticket: u32,
        /// The run, or the error.
        outcome: Result<Value>,
    },
}

/// What came of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamNews {
    /// The server does not offer it.
    Refused,
    /// It is open.
    Opened,
    /// An event.
    Event(Value),
    /// It is over, or was never opened for a reason that may pass.
    Closed,
}

impl StreamNews {
    /// What it means that a stream could not be opened.
    pub fn not_opened(error: &Error) -> Self {
        if is_not_offered(error) { Self::Refused } else { Self::Closed }
    }
}

/// What a server was found to offer. Found once, it is worth keeping for the next watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// Lists of runs.
    pub list: bool,
    /// The steps of a run.
    pub steps: bool,
    /// Event streams.
    pub stream: bool,
}

impl Default for Offers {
    fn default() -> Self {
        Self { list: true, steps: true, stream: true }
    }
}

#[derive(Debug)]
enum Question {
    Run(String),
    Steps(String),
    Page,
}

/// A look at the list, page by page.
#[derive(Debug)]
struct Round {
    number: u32,
    page: u64,
    is_asked: bool,
    found: usize,
}

/// The runs that are followed. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
pub struct Watches {
    /// In the order of their ids.
    runs: Vec<Followed>,
    questions: Vec<(u32, Question)>,
    asked: u32,
    news: Vec<News>,
    offers: Offers,
    budget: Budget,
    round: Option<Round>,
    rounds: u32,
    list_after: f64,
    hold_until: f64,
    was_hidden: bool,
}

impl Watches {
    /// Nobody follows anything yet.
    pub fn new(offers: Offers, now: f64) -> Self {
        Self {
            runs: Vec::new(),
            questions: Vec::new(),
            asked: 0,
            news: Vec::new(),
            offers,
            budget: Budget::new(now),
            round: None,
            rounds: 0,
            list_after: 0.0,
            hold_until: 0.0,
            was_hidden: false,
        }
    }

    /// What the server was found to offer.
    pub fn offers(&self) -> Offers {
        self.offers
    }

    /// Somebody wants to follow a run, under a number of their own.
    pub fn follow(&mut self, ticket: u32, follow: &Follow, now: f64) {
        let at = match self.position(&follow.run_id) {
            Ok(at) => at,
            Err(at) => {
                self.runs.insert(at, Followed::new(&follow.run_id, now));
                at
            }
        };
        if let Some(run) = self.runs.get_mut(at) {
            run.join(ticket, follow, now, &mut self.news);
        }
    }

    /// Somebody does not want to any more, and hears nothing more.
    pub fn leave(&mut self, ticket: u32) {
        self.runs.iter_mut().for_each(|run| run.leave(ticket));
        self.forget();
    }

    /// What there is to tell since the last call.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// What to do at `now`.
    pub fn next_action(&mut self, now: f64, is_hidden: bool) -> WatchAction {
        for run in &mut self.runs {
            run.expire(now, &mut self.news);
            if self.was_hidden && !is_hidden {
                run.due = run.due.min(now);
            }
        }
        self.was_hidden = is_hidden;
        self.forget();
        if self.runs.is_empty() {
            return WatchAction::Done;
        }
        let mut wake = self.runs.iter().map(Followed::deadline).fold(f64::INFINITY, f64::min);
        if now < self.hold_until {
            return WatchAction::Sleep((wake.min(self.hold_until) - now).max(0.0));
        }
        match self.question(now, is_hidden) {
            Ok(Some(action)) => return action,
            Ok(None) => {}
            Err(wait) => wake = wake.min(now + wait),
        }
        if let Some(listen) = self.listen(now, &mut wake) {
            return listen;
        }
        for run in self.runs.iter().filter(|run| !run.is_asked && run.due > now && !is_hidden) {
            wake = wake.min(run.due);
        }
        WatchAction::Sleep((wake - now).max(0.0))
    }

    /// The next question, or the milliseconds until there may be one.
    fn question(&mut self, now: f64, is_hidden: bool) -> std::result::Result<Option<WatchAction>, f64> {
        if self.questions.len() >= MOST_AT_ONCE {
            return Ok(None);
        }
        if let Some(at) = self.runs.iter().position(|run| run.unsettled.is_some() && !run.is_asked) {
            self.budget.overdraw();
            return Ok(self.ask(at, Question::Steps));
        }
        // Reading what is over is not looking, so it takes nothing of the budget.
        if let Some(at) =
            self.runs.iter().position(|run| run.next == Next::End && !run.is_asked && run.due <= now)
        {
            return Ok(self.ask(at, Question::Run));
        }
        let is_due = |run: &Followed| run.is_idle() && run.due <= now && (!is_hidden || !run.is_seen());
        if let Some(round) = &mut self.round {
            if round.is_asked {
                return Ok(None);
            }
            self.budget.take(now)?;
            round.is_asked = true;
            let filter = object([("page", round.page.into()), ("pageSize", PAGE_SIZE.into())]);
            return Ok(Some(self.number(Question::Page, Operation::list_runs(&filter))));
        }
        let listable = self.runs.iter().filter(|run| is_due(run) && run.next == Next::Any).count();
        if listable >= LIST_FROM && self.offers.list && now >= self.list_after {
            self.rounds = self.rounds.wrapping_add(1);
            self.round = Some(Round { number: self.rounds, page: 1, is_asked: false, found: 0 });
            return self.question(now, is_hidden);
        }
        let Some(at) = self.runs.iter().position(is_due) else {
            return Ok(None);
        };
        self.budget.take(now)?;
        Ok(self.ask(at, Question::Run))
    }

    fn ask(&mut self, at: usize, about: fn(String) -> Question) -> Option<WatchAction> {
        let run = self.runs.get_mut(at)?;
        run.is_asked = true;
        let question = about(run.run_id.clone());
        let operation = match question {
            Question::Steps(_) => Operation::get_steps(&run.run_id),
            _ => Operation::get_run(&run.run_id),
        };
        match operation {
            Ok(operation) => Some(self.number(question, operation)),
            Err(error) => {
                run.fail(error, &mut self.news);
                Some(WatchAction::Sleep(0.0))
            }
        }
    }

    fn number(&mut self, question: Question, operation: Operation) -> WatchAction {
        self.asked = self.asked.wrapping_add(1);
        self.questions.push((self.asked, question));
        WatchAction::Ask(self.asked, operation)
    }

    /// A stream worth opening.
    fn listen(&mut self, now: f64, wake: &mut f64) -> Option<WatchAction> {
        if !self.offers.stream || self.runs.len() > MOST_STREAMS {
            return None;
        }
        for run in &mut self.runs {
            let after = run.stream_after.max(run.since + STREAM_AFTER_MS);
            if run.stream != Stream::Closed
                || !run.is_seen()
                || run.next == Next::End
                || run.stream_failures >= MOST_STREAM_FAILURES
            {
                continue;
            }
            if now >= after {
                run.stream = Stream::Opening;
                let operation = Operation::stream_run(&run.run_id).ok()?;
                return Some(WatchAction::Listen(run.run_id.clone(), operation));
            }
            *wake = wake.min(after);
        }
        None
    }

    /// Takes the answer to a question. `random` in `0..1`.
    pub fn answered(&mut self, number: u32, answer: Result<Value>, now: f64, random: f64) {
        let Some(at) = self.questions.iter().position(|(asked, _)| *asked == number) else {
            return;
        };
        match self.questions.swap_remove(at).1 {
            Question::Page => self.page(answer, now, random),
            Question::Run(run_id) => {
                let Some(run) = self.position(&run_id).ok().and_then(|at| self.runs.get_mut(at)) else {
                    return;
                };
                run.is_asked = false;
                match answer {
                    Ok(data) if !is_run(&data) => run.fail(no_run(&data), &mut self.news),
                    Ok(data) if run.wants_tasks() && self.offers.steps && !has_tasks(&data) => {
                        run.unsettled = Some(data);
                    }
                    Ok(data) => {
                        run.settle(data, None, &mut self.news);
                        run.schedule(0.0, now, random);
                    }
                    Err(error) => self.trouble(&run_id, error, now, random),
                }
            }
            Question::Steps(run_id) => {
                if answer.as_ref().is_err_and(is_not_offered) {
                    self.offers.steps = false;
                }
                if let Some(run) = self.position(&run_id).ok().and_then(|at| self.runs.get_mut(at)) {
                    run.is_asked = false;
                    if let Some(data) = run.unsettled.take() {
                        run.settle(data, answer.ok().map(|steps| step_states(&steps)), &mut self.news);
                        run.schedule(0.0, now, random);
                    }
                }
            }
        }
        self.forget();
    }

    /// A look that failed.
    fn trouble(&mut self, run_id: &str, error: Error, now: f64, random: f64) {
        let Some(run) = self.position(run_id).ok().and_then(|at| self.runs.get_mut(at)) else {
            return;
        };
        run.has_answer = true;
        let asked = error.details().get("retryAfter").and_then(to_f64).unwrap_or_default() * 1_000.0;
        let is_limited = error.code() == ErrorCode::ApiRateLimited;
        let is_away = is_passing(&error) || error.code() == ErrorCode::ApiCircuitOpen;
        if is_limited {
            // The limit is that of all requests, not of this run.
            self.hold_until = self.hold_until.max(now + asked);
        } else if !(is_away && now - *run.failing_since.get_or_insert(now) < PATIENCE_MS) {
            run.fail(error, &mut self.news);
            return;
        }
        run.schedule(asked, now, random);
    }

    /// Takes a page of the list.
    fn page(&mut self, answer: Result<Value>, now: f64, random: f64) {
        let Some(round) = self.round.take() else { return };
        if answer.as_ref().is_err_and(is_not_offered) {
            self.offers.list = false;
        }
        let data = match answer {
            Ok(data) => data,
            Err(error) => {
                let asked = error.details().get("retryAfter").and_then(to_f64).unwrap_or_default();
                if error.code() == ErrorCode::ApiRateLimited {
                    self.hold_until = self.hold_until.max(now + asked * 1_000.0);
                }
                // The runs are looked at one by one, which finds out how bad it is.
                self.list_after = now + LIST_PAUSE_MS;
                return;
            }
        };
        let (mut count, mut found) = (0, 0);
        for item in runs_in(&data) {
            count += 1;
            let id = item.get("workflow_run_id").and_then(Value::as_str).unwrap_or_default();
            if let Ok(at) = self.position(id) {
                found += 1;
                self.listed(at, round.number, item, now, random);
            }
        }
        let found_in_all = round.found + found;
        // Those that will be due soon are looked for along with those that are, so that one round serves all.
        let is_wanted = |run: &&Followed| {
            run.is_idle()
                && run.next == Next::Any
                && run.round != round.number
                && run.due <= now + LIST_AHEAD_MS
        };
        if found > 0 && count >= PAGE_SIZE && self.runs.iter().filter(is_wanted).count() >= LIST_FROM {
            self.round = Some(Round { page: round.page + 1, is_asked: false, found: found_in_all, ..round });
            return;
        }
        for run in self.runs.iter_mut().filter(|run| run.is_idle() && run.due <= now) {
            run.next = Next::Look;
        }
        let pages = usize::try_from(round.page).unwrap_or(usize::MAX);
        if found_in_all < pages.saturating_mul(2) {
            self.list_after = now + LIST_PAUSE_MS;
        }
    }

    /// Takes a run as a list shows it.
    fn listed(&mut self, at: usize, round: u32, item: &Value, now: f64, random: f64) {
        let crowd = self.runs.iter().filter(|run| run.next == Next::Look).count();
        let Some(run) = self.runs.get_mut(at).filter(|run| run.is_idle()) else {
            return;
        };
        run.round = round;
        let lacks_tasks = run.wants_tasks() && self.offers.steps && !has_tasks(item);
        if is_final(&run_status(item, &run.run_id)) && (run.wants_whole() || lacks_tasks) {
            run.end_at(now);
        } else {
            let wants_look = lacks_tasks && run.listed != *item;
            // Where many have changed, what the list says is told first.
            if !wants_look || crowd > MOST_AT_ONCE {
                let data = run.overlaid(item);
                run.settle(data, None, &mut self.news);
                run.schedule(0.0, now, random);
            }
            if wants_look {
                run.next = Next::Look;
                run.due = now;
            }
        }
        run.listed = item.clone();
    }

    /// Takes what came of an event stream. `random` in `0..1`.
    pub fn streamed(&mut self, run_id: &str, news: StreamNews, now: f64, random: f64) {
        if news == StreamNews::Refused {
            self.offers.stream = false;
        }
        let Some(run) = self.position(run_id).ok().and_then(|at| self.runs.get_mut(at)) else {
            return;
        };
        match news {
            StreamNews::Refused => run.stream = Stream::Closed,
            StreamNews::Opened => {
                run.stream = Stream::Open(false);
                // What changed between the last look and now is in no event.
                run.due = now;
            }
            StreamNews::Event(event) => {
                run.stream = Stream::Open(true);
                run.stream_failures = 0;
                if !is_run(&event) {
                    if run.wants_tasks() {
                        run.due = run.due.min(now + EVENT_LOOK_MS);
                    }
                } else if is_final(&run_status(&event, run_id)) {
                    // An event may leave out how it ended.
                    run.end_at(now);
                } else if run.next != Next::End && run.is_seen() {
                    let lacks_tasks = run.wants_tasks() && !has_tasks(&event);
                    let data = run.overlaid(&event);
                    run.settle(data, None, &mut self.news);
                    run.schedule(0.0, now, random);
                    if lacks_tasks {
                        run.due = run.due.min(now + EVENT_LOOK_MS);
                    }
                }
            }
            StreamNews::Closed => {
                if run.stream != Stream::Open(true) {
                    run.stream_failures += 1;
                }
                run.stream = Stream::Closed;
                run.stream_after = now + STREAM_AFTER_MS * f64::from(1 + run.stream_failures);
                run.due = now;
            }
        }
        self.forget();
    }

    fn position(&self, run_id: &str) -> std::result::Result<usize, usize> {
        self.runs.binary_search_by(|run| run.run_id.as_str().cmp(run_id))
    }

    /// Drops the runs that nobody follows.
    fn forget(&mut self) {
        self.runs.retain(|run| !run.is_left());
    }
}
