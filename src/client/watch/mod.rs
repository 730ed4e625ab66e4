//! Follows any number of runs to their ends. Without IO: the host sends, waits and listens as each [`WatchAction`]
//! says, and reports the results.
//!
//! - A single run is looked at after 0.1 s, then less and less often, finally every 5 s.
//! - Many runs share pages of the list. Looks take about eight requests a second, however many runs there are.
//! - While the server sends the news of a run as a stream (`/stream`), looks are rare. When the stream ends, a look
//!   follows at once, so that no change is lost.
//! - While the page is hidden, there are no looks. Afterwards, all runs are looked at again.

mod budget;
mod followed;
mod round;

use super::Operation;
use super::call::{is_passing, pause_ms};
use super::run::{is_run, run_state};
use super::tasks::step_states;
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use budget::Budget;
use followed::{Followed, Next, Stream, has_tasks, is_not_offered};
use round::{LIST_FROM, PAGE_SIZE, Round};
use serde_json::Value;
use std::rc::Rc;

/// A server that stays unreachable or broken for this long ends the watch.
const PATIENCE_MS: f64 = 60_000.0;
/// The most requests in flight.
const MOST_AT_ONCE: usize = 16;
/// A run that has not ended after this time may have a stream.
const STREAM_AFTER_MS: f64 = 1_000.0;
/// If a server asks for a longer pause, its followers end: no caller waits for days without news.
const LONGEST_PAUSE_MS: f64 = 86_400_000.0;
/// The most streams. Browsers allow six connections to a server, and requests need some of them.
const MOST_STREAMS: usize = 2;
const MOST_STREAM_FAILURES: u32 = 3;
/// The time between an event that does not contain the whole change and the look at the run.
const EVENT_LOOK_MS: f64 = 200.0;

/// What one follower wants.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Id of the run.
    pub run_id: String,
    /// Time limit in milliseconds; `None` for no limit.
    pub timeout_ms: Option<f64>,
    /// Whether it wants every change, with the states of the tasks.
    pub wants_updates: bool,
    /// Whether it wants the result at the end, with the tasks.
    pub wants_whole: bool,
}

/// What the host must do next.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchAction {
    /// Read the tasks of this ended run with [`result`](super::result()), and report the result under this number. Ask
    /// for further actions meanwhile.
    Conclude(u32, String, Rc<Value>),
    /// Perform the operation with a single attempt, and report the answer under this number. Ask for further actions
    /// meanwhile.
    Ask(u32, Operation),
    /// Open the event stream of this run, and report its news. Ask for further actions meanwhile.
    Listen(String, Operation),
    /// Wait for this many milliseconds, or until there is something to report or a follower joins; then ask again.
    Sleep(f64),
    /// Nothing: no follower is left.
    Done,
}

/// News for a follower.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The run has changed.
    Update {
        /// The number of the follower.
        ticket: u32,
        /// The status of the run in the form of [`run_status`](super::run_status), without the result.
        status: Value,
    },
    /// The last news.
    End {
        /// The number of the follower.
        ticket: u32,
        /// The result in the form of [`result`](super::result()), if the follower wants it; or the error that ended the
        /// watch.
        outcome: Result<Value>,
    },
}

/// News of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamNews {
    /// The server does not offer streams.
    Refused,
    /// The stream is open.
    Opened,
    /// An event.
    Event(Value),
    /// The stream has ended, or could not be opened for now.
    Closed,
}

impl StreamNews {
    /// The news that a failed attempt to open a stream means.
    pub fn not_opened(error: &Error) -> Self {
        if is_not_offered(error) { Self::Refused } else { Self::Closed }
    }
}

/// Which operations a server offers. It is kept for the next watch.
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
    Tasks(String),
    Steps(String),
    Page,
}

/// The followed runs. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "removing one of a thousand runs moves the others")]
pub struct Watches {
    /// Sorted by id. Boxed, so that removing a run moves little memory.
    runs: Vec<Box<Followed>>,
    questions: Vec<(u32, Question)>,
    /// Runs that were read, and whose steps are requested next.
    unsettled: Vec<String>,
    /// The earliest time limit of all followers.
    expires: f64,
    last_number: u32,
    news: Vec<News>,
    offers: Offers,
    budget: Budget,
    round: Option<Round>,
    rounds: u32,
    /// How many looks at single runs come before the next round over the list.
    looks_first: usize,
    list_after: f64,
    hold_until: f64,
    was_hidden: bool,
}

impl Watches {
    /// A watch without followers.
    pub fn new(offers: Offers, now: f64) -> Self {
        Self {
            runs: Vec::new(),
            questions: Vec::new(),
            unsettled: Vec::new(),
            expires: f64::INFINITY,
            last_number: 0,
            news: Vec::new(),
            offers,
            budget: Budget::new(now),
            round: None,
            rounds: 0,
            looks_first: 0,
            list_after: 0.0,
            hold_until: 0.0,
            was_hidden: false,
        }
    }

    /// Which operations the server offers.
    pub fn offers(&self) -> Offers {
        self.offers
    }

    /// Adds a follower of a run, under a number that the caller chooses.
    pub fn follow(&mut self, ticket: u32, follow: &Follow, now: f64) {
        let at = match self.position(&follow.run_id) {
            Ok(at) => at,
            Err(at) => {
                self.runs.insert(at, Box::new(Followed::new(&follow.run_id, now)));
                at
            }
        };
        if let Some(run) = self.runs.get_mut(at) {
            run.join(ticket, follow, now, &mut self.news);
            self.expires = self.expires.min(run.deadline());
        }
    }

    /// Removes a follower, which gets no more news.
    pub fn leave(&mut self, ticket: u32) {
        self.runs.iter_mut().for_each(|run| run.leave(ticket));
        self.forget();
    }

    /// The news since the last call.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// The next action at the time `now`.
    pub fn next_action(&mut self, now: f64, is_hidden: bool) -> WatchAction {
        if self.was_hidden && !is_hidden {
            self.runs.iter_mut().for_each(|run| run.due = run.due.min(now));
        }
        self.was_hidden = is_hidden;
        if now >= self.expires {
            self.runs.iter_mut().for_each(|run| run.expire(now, &mut self.news));
            self.forget();
            self.expires = self.runs.iter().map(|run| run.deadline()).fold(f64::INFINITY, f64::min);
        }
        if self.runs.is_empty() {
            return WatchAction::Done;
        }
        let mut wake = self.expires;
        if now < self.hold_until {
            wake = wake.min(self.hold_until);
        } else if self.questions.len() < MOST_AT_ONCE {
            match self.question(now, is_hidden) {
                Ok(Some(action)) => return action,
                Ok(None) => {}
                Err(wait) => wake = wake.min(now + wait),
            }
            if !is_hidden {
                if let Some(listen) = self.listen(now, &mut wake) {
                    return listen;
                }
                let waiting = self.runs.iter().filter(|run| !run.is_in_flight && run.due > now);
                wake = waiting.map(|run| run.due).fold(wake, f64::min);
            }
        }
        WatchAction::Sleep((wake - now).max(0.0))
    }

    /// The next request. The error is the milliseconds until one may be made.
    fn question(&mut self, now: f64, is_hidden: bool) -> std::result::Result<Option<WatchAction>, f64> {
        // Reading an ended run is not a look, so it costs no budget.
        while let Some(run_id) = self.unsettled.pop() {
            let Ok(at) = self.position(&run_id) else { continue };
            if self.runs.get(at).is_some_and(|run| run.next != Next::End) {
                self.budget.overdraw();
            }
            return Ok(self.ask(at, Question::Steps));
        }
        let is_over = |run: &Followed| match run.next {
            Next::Tasks => !run.is_in_flight,
            Next::End => !run.is_in_flight && run.due <= now,
            _ => false,
        };
        if let Some(at) = self.runs.iter().position(|run| is_over(run)) {
            return Ok(self.ask(at, Question::Run));
        }
        let is_due = |run: &Followed| run.is_idle() && run.due <= now && (!is_hidden || !run.is_seen());
        if let Some(round) = &mut self.round {
            if round.is_in_flight {
                return Ok(None);
            }
            self.budget.take(now)?;
            round.is_in_flight = true;
            let filter = object([("page", round.page.into()), ("pageSize", PAGE_SIZE.into())]);
            let operation = Operation::list_runs(&filter);
            return Ok(Some(WatchAction::Ask(self.number(Question::Page), operation)));
        }
        let look = self.runs.iter().position(|run| run.next == Next::Look && is_due(run));
        if let Some(at) = look.filter(|_| self.looks_first > 0) {
            self.budget.take(now)?;
            self.looks_first -= 1;
            return Ok(self.ask(at, Question::Run));
        }
        if self.offers.list && now >= self.list_after {
            let listable = self.runs.iter().filter(|run| run.next == Next::Any && is_due(run)).count();
            if listable >= LIST_FROM {
                self.rounds = self.rounds.wrapping_add(1);
                self.round = Some(Round::new(self.rounds));
                return self.question(now, is_hidden);
            }
        }
        let Some(at) = self.runs.iter().position(|run| is_due(run)) else {
            return Ok(None);
        };
        self.budget.take(now)?;
        Ok(self.ask(at, Question::Run))
    }

    fn ask(&mut self, at: usize, about: fn(String) -> Question) -> Option<WatchAction> {
        let run = self.runs.get_mut(at)?;
        run.is_in_flight = true;
        let run_id = run.run_id.clone();
        if run.next == Next::Tasks {
            let data = Rc::clone(&run.data);
            let number = self.number(Question::Tasks(run_id.clone()));
            return Some(WatchAction::Conclude(number, run_id, data));
        }
        let question = about(run_id);
        let operation = match question {
            Question::Steps(_) => Operation::get_steps(&run.run_id, None),
            _ => Operation::get_run(&run.run_id),
        };
        match operation {
            Ok(operation) => Some(WatchAction::Ask(self.number(question), operation)),
            Err(error) => {
                run.end(Err(error), &mut self.news);
                self.runs.remove(at);
                Some(WatchAction::Sleep(0.0))
            }
        }
    }

    fn number(&mut self, question: Question) -> u32 {
        self.last_number = self.last_number.wrapping_add(1);
        self.questions.push((self.last_number, question));
        self.last_number
    }

    /// The next stream that is worth opening.
    fn listen(&mut self, now: f64, wake: &mut f64) -> Option<WatchAction> {
        if !self.offers.stream || self.runs.len() > MOST_STREAMS {
            return None;
        }
        for run in &mut self.runs {
            let after = run.stream_after.max(run.since + STREAM_AFTER_MS);
            if run.stream != Stream::Closed
                || !run.is_seen()
                || matches!(run.next, Next::End | Next::Tasks)
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

    /// Takes the answer to a request. `random` is in `0..1`.
    pub fn answered(&mut self, number: u32, answer: Result<Value>, now: f64, random: f64) {
        let Some(at) = self.questions.iter().position(|(its_number, _)| *its_number == number) else {
            return;
        };
        match self.questions.swap_remove(at).1 {
            Question::Page => {
                self.take_page(answer, now, random);
                self.forget();
            }
            Question::Tasks(run_id) => {
                if let (Some(run), news) = self.run(&run_id) {
                    run.end(answer, news);
                }
                self.tidy(&run_id);
            }
            Question::Run(run_id) => {
                self.take_look(&run_id, answer, now, random);
                self.tidy(&run_id);
            }
            Question::Steps(run_id) => {
                if answer.as_ref().is_err_and(is_not_offered) {
                    self.offers.steps = false;
                }
                if let (Some(run), news) = self.run(&run_id) {
                    run.is_in_flight = false;
                    if let Some(data) = run.unsettled.take() {
                        run.settle(data, answer.ok().map(|steps| step_states(&steps)), news);
                        run.schedule(0.0, now, random);
                    }
                }
                self.tidy(&run_id);
            }
        }
    }

    /// Takes the answer to a look at a run.
    fn take_look(&mut self, run_id: &str, answer: Result<Value>, now: f64, random: f64) {
        let asks_steps = self.offers.steps;
        let (Some(run), news) = self.run(run_id) else { return };
        run.is_in_flight = false;
        let error = match answer {
            Ok(data) if run.wants_tasks() && asks_steps && !has_tasks(&data) => {
                run.unsettled = Some(data);
                return self.unsettled.push(run_id.to_owned());
            }
            Ok(data) => {
                run.settle(data, None, news);
                return run.schedule(0.0, now, random);
            }
            Err(error) => error,
        };
        run.has_answer = true;
        let pause = pause_ms(&error);
        let is_away = is_passing(&error) || error.code() == ErrorCode::ApiCircuitOpen;
        if pause > LONGEST_PAUSE_MS {
            run.end(Err(error), news);
        } else if error.code() == ErrorCode::ApiRateLimited {
            // The pause that the server asked for is about all requests, not about this run.
            run.schedule(pause, now, random);
            self.hold_until = self.hold_until.max(now + pause);
        } else if is_away && now - *run.failing_since.get_or_insert(now) < PATIENCE_MS {
            run.schedule(pause, now, random);
        } else {
            run.end(Err(error), news);
        }
    }

    /// A followed run, and the list for its news.
    fn run(&mut self, run_id: &str) -> (Option<&mut Followed>, &mut Vec<News>) {
        let at = self.position(run_id);
        (at.ok().and_then(|at| self.runs.get_mut(at)).map(|run| &mut **run), &mut self.news)
    }

    /// Removes the run if it has no followers left. Otherwise notes its time limit, which is earlier once the run was
    /// answered.
    fn tidy(&mut self, run_id: &str) {
        let Ok(at) = self.position(run_id) else { return };
        match self.runs.get(at) {
            Some(run) if !run.is_left() => self.expires = self.expires.min(run.deadline()),
            _ => drop(self.runs.remove(at)),
        }
    }

    /// Takes news of an event stream.
    pub fn streamed(&mut self, run_id: &str, news: StreamNews, now: f64) {
        if news == StreamNews::Refused {
            self.offers.stream = false;
        }
        let (Some(run), news_out) = self.run(run_id) else { return };
        match news {
            StreamNews::Refused => run.stream = Stream::Closed,
            StreamNews::Opened => {
                run.stream = Stream::Open(false);
                // No event contains the changes between the last look and now.
                run.due = now;
            }
            StreamNews::Event(event) => {
                run.stream = Stream::Open(true);
                run.stream_failures = 0;
                if run.next == Next::Tasks {
                    // An ended run has no more news.
                } else if !is_run(&event) {
                    if run.wants_tasks() {
                        run.due = run.due.min(now + EVENT_LOOK_MS);
                    }
                } else if run_state(&event).is_final() {
                    // The event may leave out how the run ended.
                    run.end_at(now);
                } else if run.next != Next::End && run.is_seen() {
                    if run.wants_tasks() && !has_tasks(&event) {
                        run.due = run.due.min(now + EVENT_LOOK_MS);
                    }
                    let data = run.overlaid(&event);
                    run.settle(data, None, news_out);
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
        self.tidy(run_id);
    }

    fn position(&self, run_id: &str) -> std::result::Result<usize, usize> {
        self.runs.binary_search_by(|run| run.run_id.as_str().cmp(run_id))
    }

    /// Drops the runs without followers.
    fn forget(&mut self) {
        self.runs.retain(|run| !run.is_left());
    }
}
