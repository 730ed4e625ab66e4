//! Following runs, in virtual time: a server that a test scripts, and a host that asks, sleeps and listens as it is told.

use highway_wasm::client::{Follow, News, Offers, Operation, StreamNews, WatchAction, Watches, run_status};
use highway_wasm::error::{Error, ErrorCode, Result};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a scripted server knows, and how it answers.
struct Server {
    /// Each run with the states it passes through: from when on, in milliseconds, it has which.
    runs: BTreeMap<String, Vec<(f64, &'static str)>>,
    offers: Offers,
    /// Whether runs come with the states of their tasks, alone and in lists.
    tells_tasks: bool,
    /// Milliseconds that an answer takes.
    latency: f64,
    /// Milliseconds that reading what became of the tasks takes.
    conclusion: f64,
    /// Answers instead of the server, while there are any.
    faults: Vec<ErrorCode>,
}

impl Server {
    fn new(runs: &[(&str, &[(f64, &'static str)])]) -> Self {
        let runs = runs.iter().map(|(id, states)| ((*id).to_owned(), states.to_vec())).collect();
        let offers = Offers { stream: false, ..Offers::default() };
        Self { runs, offers, tells_tasks: true, latency: 5.0, conclusion: 5.0, faults: Vec::new() }
    }

    fn many(count: usize, ends: f64) -> Self {
        let mut server = Self::new(&[]);
        for at in 0..count {
            server.runs.insert(format!("run-{at:05}"), vec![(0.0, "running"), (ends, "completed")]);
        }
        server
    }

    fn state(&self, run_id: &str, now: f64) -> Option<&'static str> {
        self.runs.get(run_id)?.iter().rfind(|(from, _)| *from <= now).map(|(_, state)| *state)
    }

    fn view(&self, run_id: &str, now: f64) -> Option<Value> {
        let status = self.state(run_id, now)?;
        let mut view =
            json!({"workflow_run_id": run_id, "status": status, "started_at": "2030-01-01T00:00:00Z"});
        if self.tells_tasks {
            view["progress"] = json!({"tasks": {"a": status}});
        }
        Some(view)
    }

    fn answer(&mut self, operation: &Operation, now: f64) -> Result<Value> {
        if let Some(code) = self.faults.pop() {
            let retry_after = if code == ErrorCode::ApiRateLimited { 3 } else { 0 };
            return Err(Error::new(code, "scripted").with_detail("retryAfter", retry_after));
        }
        let missing = || Error::new(ErrorCode::ApiNotFound, "no such thing");
        let below = operation.path.strip_prefix("/api/v1/workflows").unwrap();
        if let Some(query) = below.strip_prefix('?') {
            assert!(query.contains("page_size=100"), "{query}");
            let page: usize =
                query.split('&').find_map(|part| part.strip_prefix("page=")).unwrap().parse().unwrap();
            if !self.offers.list {
                return Err(missing());
            }
            // Newest first.
            let ids = self.runs.keys().rev().skip((page - 1) * 100).take(100);
            let runs: Vec<Value> = ids.filter_map(|id| self.view(id, now)).collect();
            return Ok(json!({"workflows": runs, "total": self.runs.len()}));
        }
        let mut parts = below.trim_start_matches('/').split('/');
        let (run_id, what) = (parts.next().unwrap(), parts.next());
        match what {
            None => self.view(run_id, now).map(|mut view| {
                view["result"] = json!({"whole": true});
                view
            }),
            Some("steps") if self.offers.steps => {
                self.state(run_id, now).map(|state| json!({"steps": [{"step_name": "a", "status": state}]}))
            }
            _ => None,
        }
        .ok_or_else(missing)
    }
}

/// What a follower heard, and when.
#[derive(Debug, Default)]
struct Heard {
    updates: Vec<(f64, Value)>,
    ends: Vec<(f64, Result<Value>)>,
}

impl Heard {
    fn states(&self) -> Vec<&str> {
        self.updates.iter().map(|(_, status)| status["state"].as_str().unwrap()).collect()
    }

    fn end(&self) -> &Result<Value> {
        assert_eq!(self.ends.len(), 1, "{self:?}");
        &self.ends[0].1
    }
}

/// A host in virtual time.
struct Host {
    server: Server,
    watches: Watches,
    now: f64,
    is_hidden: bool,
    asked: Vec<(f64, String)>,
    listened: Vec<String>,
    pending: Vec<(f64, u32, Operation)>,
    concluded: Vec<(f64, u32, String, Rc<Value>)>,
    /// What event streams tell, and when.
    events: Vec<(f64, String, StreamNews)>,
    heard: BTreeMap<u32, Heard>,
}

impl Host {
    fn new(server: Server) -> Self {
        let offers = Offers { stream: true, ..Offers::default() };
        Self {
            server,
            watches: Watches::new(offers, 0.0),
            now: 0.0,
            is_hidden: false,
            asked: Vec::new(),
            listened: Vec::new(),
            pending: Vec::new(),
            concluded: Vec::new(),
            events: Vec::new(),
            heard: BTreeMap::new(),
        }
    }

    fn follow(&mut self, ticket: u32, run_id: &str, wants_updates: bool) {
        self.follow_for(ticket, run_id, wants_updates, None);
    }

    fn follow_for(&mut self, ticket: u32, run_id: &str, wants_updates: bool, timeout_ms: Option<f64>) {
        let follow =
            Follow { run_id: run_id.to_owned(), timeout_ms, wants_updates, wants_whole: !wants_updates };
        self.heard.entry(ticket).or_default();
        self.watches.follow(ticket, &follow, self.now);
    }

    /// Lets time pass; `false` when nobody follows anything any more.
    fn run_until(&mut self, end: f64) -> bool {
        loop {
            let action = self.watches.next_action(self.now, self.is_hidden);
            for news in self.watches.take_news() {
                match news {
                    News::Update { ticket, status } => {
                        self.heard.get_mut(&ticket).unwrap().updates.push((self.now, status));
                    }
                    News::End { ticket, outcome } => {
                        self.heard.get_mut(&ticket).unwrap().ends.push((self.now, outcome));
                    }
                }
            }
            let sleep = match action {
                WatchAction::Done => return false,
                WatchAction::Ask(number, operation) => {
                    self.asked.push((self.now, operation.path.clone()));
                    self.pending.push((self.now + self.server.latency, number, operation));
                    continue;
                }
                WatchAction::Conclude(number, run_id, run) => {
                    self.concluded.push((self.now + self.server.conclusion, number, run_id, run));
                    continue;
                }
                WatchAction::Listen(run_id, _) => {
                    self.listened.push(run_id.clone());
                    if !self.server.offers.stream {
                        self.events.push((self.now + self.server.latency, run_id, StreamNews::Refused));
                    }
                    continue;
                }
                WatchAction::Sleep(ms) => ms,
            };
            assert!(sleep >= 0.0);
            let answer = self.pending.iter().map(|(at, ..)| *at).fold(f64::INFINITY, f64::min);
            let conclusion = self.concluded.iter().map(|(at, ..)| *at).fold(f64::INFINITY, f64::min);
            let event = self.events.iter().map(|(at, ..)| *at).fold(f64::INFINITY, f64::min);
            let next = (self.now + sleep).min(answer).min(conclusion).min(event);
            if next > end {
                self.now = end;
                return true;
            }
            self.now = self.now.max(next);
            if answer <= self.now {
                let at = self.pending.iter().position(|(at, ..)| *at <= self.now).unwrap();
                let (_, number, operation) = self.pending.remove(at);
                let answer = self.server.answer(&operation, self.now);
                self.watches.answered(number, answer, self.now, 0.5);
            } else if conclusion <= self.now {
                let at = self.concluded.iter().position(|(at, ..)| *at <= self.now).unwrap();
                let (_, number, run_id, run) = self.concluded.remove(at);
                let tasks = json!({"a": {"name": "a"}});
                let result = json!({"status": run_status(&run, &run_id), "tasks": tasks});
                self.watches.answered(number, Ok(result), self.now, 0.5);
            } else if event <= self.now {
                let at = self.events.iter().position(|(at, ..)| *at <= self.now).unwrap();
                let (_, run_id, news) = self.events.remove(at);
                self.watches.streamed(&run_id, news, self.now);
            }
        }
    }

    fn asked(&self, part: &str) -> usize {
        self.asked.iter().filter(|(_, path)| path.contains(part)).count()
    }
}

const LONG: f64 = 3_600_000.0;

#[test]
fn looks_at_one_run_grow_rare() {
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (100_000.0, "completed")])]));
    host.follow(1, "r", false);
    assert!(!host.run_until(LONG));
    let times: Vec<f64> = host.asked.iter().map(|(at, _)| *at).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..3], [105.0, 155.0, 230.0]);
    assert_eq!(gaps.last(), Some(&5_005.0));
    assert_eq!(host.heard[&1].end().as_ref().unwrap()["status"]["result"], json!({"whole": true}));
    assert_eq!(host.heard[&1].updates.len(), 0, "who wants no updates hears none");
}

#[test]
fn changes_are_told_once_and_the_end_is_the_last_word() {
    let states = [(0.0, "pending"), (50.0, "running"), (900.0, "sleeping"), (5_000.0, "failed")];
    let mut host = Host::new(Server::new(&[("r", &states)]));
    host.follow(1, "r", true);
    assert!(!host.run_until(LONG));
    let heard = &host.heard[&1];
    assert_eq!(heard.states(), ["pending", "running", "sleeping", "failed"]);
    for (_, status) in &heard.updates {
        assert_eq!(status["progress"]["tasks"]["a"], status["state"], "the tasks are in every update");
        assert!(status.get("result").is_none());
    }
    assert!(heard.end().is_ok());
}

#[test]
fn the_states_of_tasks_are_read_from_the_steps_where_the_run_does_not_tell_them() {
    let mut server = Server::new(&[("r", &[(0.0, "running"), (1_000.0, "completed")])]);
    server.tells_tasks = false;
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    host.run_until(LONG);
    let tasks: Vec<&Value> =
        host.heard[&1].updates.iter().map(|(_, status)| &status["progress"]["tasks"]["a"]).collect();
    assert_eq!(tasks, ["running", "completed"]);
    // Not for who wants the end alone, and once where the server has none.
    let mut server = Server::new(&[("r", &[(0.0, "running"), (1_000.0, "completed")])]);
    (server.tells_tasks, server.offers.steps) = (false, false);
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    host.run_until(LONG);
    assert_eq!(host.heard[&1].states(), ["running", "completed"]);
    assert_eq!(host.asked("/steps"), 1);
    assert!(!host.watches.offers().steps);
}

#[test]
fn who_joins_late_hears_at_once_what_is_known_and_who_leaves_hears_nothing() {
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (9_000.0, "completed")])]));
    host.follow(1, "r", true);
    host.run_until(4_000.0);
    host.follow(2, "r", true);
    host.run_until(4_000.0);
    assert_eq!(host.heard[&2].updates[0].0, 4_000.0);
    host.watches.leave(1);
    assert!(!host.run_until(LONG));
    assert_eq!((host.heard[&1].ends.len(), host.heard[&1].states()), (0, vec!["running"]));
    assert_eq!(host.heard[&2].states(), ["running", "completed"]);
    host.watches.leave(2);
    assert!(!host.run_until(LONG), "leaving twice does no harm");
}

#[test]
fn a_follower_gives_up_in_time_and_the_others_go_on() {
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (9_000.0, "completed")])]));
    host.follow_for(1, "r", false, Some(2_000.0));
    host.follow(2, "r", false);
    host.follow_for(3, "r", false, Some(0.0));
    host.run_until(LONG);
    for (ticket, at) in [(1, 2_000.0), (3, 5.0)] {
        let heard = &host.heard[&ticket];
        let error = heard.end().as_ref().unwrap_err();
        assert_eq!((error.code(), &error.details()["state"]), (ErrorCode::WaitTimeout, &json!("running")));
        assert_eq!(heard.ends[0].0, at, "{ticket}");
    }
    assert!(host.heard[&2].end().is_ok());
}

#[test]
fn who_has_no_time_to_hear_of_the_tasks_hears_how_the_run_ended() {
    let mut server = Server::new(&[("r", &[(0.0, "completed")])]);
    server.conclusion = 10_000.0;
    let mut host = Host::new(server);
    host.follow_for(1, "r", false, Some(2_000.0));
    host.follow(2, "r", false);
    host.follow(3, "r", true);
    host.run_until(1_000.0);
    host.follow(4, "r", true);
    assert!(!host.run_until(LONG));
    let tasks = |ticket: u32| &host.heard[&ticket].end().as_ref().unwrap()["tasks"];
    assert_eq!((host.heard[&1].ends[0].0, tasks(1)), (2_000.0, &json!({})));
    assert_eq!((host.heard[&2].ends[0].0, tasks(2)), (10_005.0, &json!({"a": {"name": "a"}})));
    for (ticket, at) in [(3, 5.0), (4, 1_000.0)] {
        let heard = &host.heard[&ticket];
        assert_eq!((heard.states(), heard.ends[0].0), (vec!["completed"], at), "changes need no result");
    }
}

#[test]
fn nobody_waits_for_a_server_that_does_not_answer_longer_than_asked_for() {
    let mut server = Server::new(&[("r", &[(0.0, "running")])]);
    server.latency = 30_000.0;
    let mut host = Host::new(server);
    host.follow_for(1, "r", true, Some(300.0));
    assert!(!host.run_until(LONG));
    assert_eq!(host.heard[&1].ends[0].0, 550.0);
}

#[test]
fn many_runs_share_pages_and_cost_less_than_ten_requests_a_second() {
    for tells_tasks in [true, false] {
        let mut server = Server::many(1_000, f64::INFINITY);
        server.tells_tasks = tells_tasks;
        let mut host = Host::new(server);
        for at in 0..1_000 {
            host.follow(at, &format!("run-{at:05}"), true);
        }
        assert!(host.run_until(60_000.0));
        assert!(host.asked.len() <= 600, "{}", host.asked.len());
        assert!(host.heard.values().all(|heard| heard.states() == ["running"] || !tells_tasks));
        assert!(host.heard.values().all(|heard| !heard.updates.is_empty()));
        // In no second more than the burst allows.
        let busiest = (0..60).map(|s| {
            let from = f64::from(s) * 1_000.0;
            host.asked.iter().filter(|(at, _)| *at >= from && *at < from + 1_000.0).count()
        });
        assert!(busiest.max().unwrap() <= 30);
    }
}

#[test]
fn a_thousand_runs_that_end_are_each_read_once_at_their_end() {
    let mut host = Host::new(Server::many(1_000, 20_000.0));
    for at in 0..1_000 {
        host.follow(at, &format!("run-{at:05}"), false);
    }
    assert!(!host.run_until(LONG));
    for heard in host.heard.values() {
        assert_eq!(heard.end().as_ref().unwrap()["status"]["result"], json!({"whole": true}));
        assert!(heard.ends[0].0 < 30_000.0, "{}", heard.ends[0].0);
    }
    assert_eq!(host.asked("/workflows/run-"), 1_000);
    assert!(host.asked("/workflows?") < 250, "{}", host.asked("/workflows?"));
}

#[test]
fn a_crowd_never_falls_apart_into_single_looks() {
    // Runs that are over early, ones behind others that nobody follows, and ones whose tasks no list tells.
    for (ends, newer, tells_tasks) in [(3_000.0, 0, true), (3_000.0, 250, true), (7_000.0, 0, false)] {
        let mut server = Server::many(1_000, ends);
        server.tells_tasks = tells_tasks;
        server.latency = 2.0;
        for at in 0..newer {
            server.runs.insert(format!("run-newer-{at}"), vec![(0.0, "running")]);
        }
        let mut host = Host::new(server);
        for at in 0..1_000 {
            host.follow(at, &format!("run-{at:05}"), !tells_tasks);
        }
        assert!(!host.run_until(LONG));
        let last = host.heard.values().map(|heard| heard.ends[0].0).fold(0.0, f64::max);
        assert!(last < ends + 8_000.0, "{newer} {tells_tasks}: {last}");
    }
}

#[test]
fn reading_what_is_over_keeps_no_other_run_waiting() {
    let mut server = Server::many(300, 6_000.0);
    server.tells_tasks = false;
    server.runs.insert("run-later".into(), vec![(0.0, "running"), (9_000.0, "completed")]);
    let mut host = Host::new(server);
    for at in 0..300 {
        host.follow(at, &format!("run-{at:05}"), true);
    }
    host.follow(300, "run-later", true);
    assert!(!host.run_until(LONG));
    assert!(host.heard[&300].ends[0].0 < 15_000.0, "{}", host.heard[&300].ends[0].0);
}

#[test]
fn followers_of_changes_need_no_look_of_their_own_where_the_list_says_enough() {
    let mut host = Host::new(Server::many(250, 10_000.0));
    for at in 0..250 {
        host.follow(at, &format!("run-{at:05}"), true);
    }
    assert!(!host.run_until(LONG));
    assert_eq!(host.asked("/workflows/run-"), 0);
    for heard in host.heard.values() {
        assert_eq!(heard.states(), ["running", "completed"]);
        assert!(heard.end().is_ok());
    }
}

#[test]
fn runs_that_the_list_does_not_have_are_looked_at_one_by_one() {
    // Ten old runs among a thousand newer ones, and a server that has no list at all.
    for has_list in [true, false] {
        let mut server = Server::many(1_000, f64::INFINITY);
        server.offers.list = has_list;
        for at in 0..10 {
            server.runs.insert(format!("old-{at}"), vec![(0.0, "running"), (8_000.0, "completed")]);
        }
        let mut host = Host::new(server);
        for at in 0..10 {
            host.follow(at, &format!("old-{at}"), true);
        }
        assert!(!host.run_until(LONG));
        assert!(host.heard.values().all(|heard| heard.states() == ["running", "completed"]));
        assert!(host.asked("/workflows?") <= 2, "{}", host.asked("/workflows?"));
        assert_eq!(host.watches.offers().list, has_list);
    }
}

#[test]
fn a_hidden_page_asks_nothing_and_looks_at_once_when_it_is_seen_again() {
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (20_000.0, "completed")])]));
    host.is_hidden = true;
    host.follow(1, "r", true);
    host.follow_for(2, "r", false, Some(30_000.0));
    host.run_until(60_000.0);
    assert_eq!(host.asked.len(), 1, "a first look is allowed");
    assert!(host.listened.is_empty(), "a stream is a question, too");
    assert_eq!(host.heard[&2].ends[0].0, 30_000.0, "time passes all the same");
    host.is_hidden = false;
    assert!(!host.run_until(60_100.0));
    assert_eq!((host.asked.len(), host.asked[1].0), (2, 60_000.0));
    assert_eq!(host.heard[&1].states(), ["running", "completed"]);
}

#[test]
fn outages_and_rate_limits_are_ridden_out_and_a_refusal_ends_it() {
    let away = [
        ErrorCode::ApiUnreachable,
        ErrorCode::ApiServerError,
        ErrorCode::RequestTimeout,
        ErrorCode::ApiCircuitOpen,
    ];
    let mut server = Server::new(&[("r", &[(0.0, "running"), (1_000.0, "completed")])]);
    server.faults = away.into_iter().chain([ErrorCode::ApiRateLimited]).collect();
    let mut host = Host::new(server);
    host.follow(1, "r", false);
    host.run_until(LONG);
    assert!(host.heard[&1].end().is_ok());
    assert_eq!(host.asked[1].0, 3_005.0, "Retry-After is kept");
    for code in [ErrorCode::ApiUnauthorized, ErrorCode::ApiForbidden, ErrorCode::ApiResponseInvalid] {
        let mut server = Server::new(&[("r", &[(0.0, "running")])]);
        server.faults = vec![code];
        let mut host = Host::new(server);
        host.follow(1, "r", false);
        assert!(!host.run_until(LONG));
        let error = host.heard[&1].end().as_ref().unwrap_err();
        assert_eq!((error.code(), &error.details()["runId"]), (code, &json!("r")));
    }
    let mut host = Host::new(Server::new(&[]));
    host.follow(1, "no/such", false);
    host.follow(2, "..", false);
    assert!(!host.run_until(LONG));
    assert_eq!(host.heard[&1].end().as_ref().unwrap_err().code(), ErrorCode::ApiNotFound);
    assert_eq!(host.heard[&2].end().as_ref().unwrap_err().code(), ErrorCode::OptionInvalid);
}

#[test]
fn a_server_that_stays_away_for_a_minute_is_given_up() {
    let mut server = Server::new(&[("r", &[(0.0, "running")])]);
    server.faults = vec![ErrorCode::ApiUnreachable; 10_000];
    let mut host = Host::new(server);
    host.follow(1, "r", false);
    assert!(!host.run_until(LONG));
    assert!((60_000.0..70_000.0).contains(&host.heard[&1].ends[0].0));
}

fn event(state: &str) -> StreamNews {
    StreamNews::Event(json!({"status": state, "progress": {"tasks": {"a": state}}}))
}

#[test]
fn a_stream_tells_changes_and_looks_grow_rare() {
    let states = [(0.0, "running"), (2_000.0, "sleeping"), (40_000.0, "running"), (41_000.0, "completed")];
    let mut server = Server::new(&[("r", &states)]);
    server.offers.stream = true;
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    host.follow(2, "r", false);
    let say = |at: f64, news: StreamNews| (at, "r".to_owned(), news);
    host.events = vec![
        say(1_100.0, StreamNews::Opened),
        say(2_000.0, event("sleeping")),
        say(40_000.0, event("running")),
        say(41_000.0, StreamNews::Event(json!({"status": "completed"}))),
    ];
    assert!(!host.run_until(LONG));
    let heard = &host.heard[&1];
    assert_eq!(heard.states(), ["running", "sleeping", "running", "completed"]);
    assert_eq!(heard.updates[2].0, 40_000.0, "told when it happened");
    assert_eq!(
        host.heard[&2].end().as_ref().unwrap()["status"]["result"],
        json!({"whole": true}),
        "the end is read in full"
    );
    assert_eq!(host.listened, ["r"]);
    let after = host.asked.iter().filter(|(at, _)| *at >= 5_000.0).count();
    assert_eq!(after, 2, "one after half a minute, one for the end: {:?}", host.asked);
}

#[test]
fn looks_go_on_as_ever_where_a_stream_tells_nothing() {
    let mut server = Server::new(&[("r", &[(0.0, "running"), (60_000.0, "completed")])]);
    server.offers.stream = true;
    let mut host = Host::new(server);
    host.follow(1, "r", false);
    // Comments are no events.
    host.events = vec![(1_100.0, "r".to_owned(), StreamNews::Opened)];
    assert!(!host.run_until(LONG));
    let looks: Vec<f64> = host.asked.iter().map(|(at, _)| *at).filter(|at| *at >= 20_000.0).collect();
    assert!(looks.windows(2).all(|pair| pair[1] - pair[0] <= 5_600.0), "{looks:?}");
    assert!(host.heard[&1].ends[0].0 <= 66_000.0, "{}", host.heard[&1].ends[0].0);
}

#[test]
fn a_stream_that_breaks_loses_nothing() {
    let states = [(0.0, "running"), (3_000.0, "sleeping"), (9_000.0, "completed")];
    let mut server = Server::new(&[("r", &states)]);
    server.offers.stream = true;
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    let say = |at: f64, news: StreamNews| (at, "r".to_owned(), news);
    // It opens, and breaks before it has told the change; then it is never open again.
    host.events = vec![say(1_100.0, StreamNews::Opened), say(3_500.0, StreamNews::Closed)];
    assert!(!host.run_until(LONG));
    let heard = &host.heard[&1];
    assert_eq!(heard.states(), ["running", "sleeping", "completed"]);
    assert!(heard.updates[1].0 < 3_600.0, "looked at at once: {:?}", heard.updates[1].0);
    assert!(heard.ends[0].0 < 15_000.0);
}

#[test]
fn an_end_that_a_stream_tells_is_read_even_where_the_server_itself_does_not_know_it_yet() {
    // An older answer is under way, the server's own view lags behind, or the look fails.
    for (latency, ends, fault) in [(300.0, 5_000.0, None), (5.0, 5_400.0, None), (5.0, 5_000.0, Some(()))] {
        for wants_updates in [true, false] {
            let mut server = Server::new(&[("r", &[(0.0, "running"), (ends, "completed")])]);
            server.offers.stream = true;
            server.tells_tasks = false;
            server.latency = latency;
            let mut host = Host::new(server);
            host.follow(1, "r", wants_updates);
            let say = |at: f64, news: StreamNews| (at, "r".to_owned(), news);
            host.events = vec![
                say(4_600.0, StreamNews::Opened),
                say(5_000.0, StreamNews::Event(json!({"status": "completed"}))),
            ];
            host.run_until(4_999.0);
            host.server.faults = fault.iter().map(|()| ErrorCode::ApiServerError).collect();
            assert!(!host.run_until(7_000.0), "{latency} {ends} {fault:?} {wants_updates}");
            assert!(host.heard[&1].end().is_ok());
        }
    }
}

#[test]
fn events_that_follow_each_other_closely_do_not_put_off_the_look() {
    for said in [json!({"event_type": "log"}), json!({"status": "running"})] {
        let mut server = Server::new(&[("r", &[(0.0, "running"), (9_000.0, "completed")])]);
        server.offers.stream = true;
        server.tells_tasks = false;
        let mut host = Host::new(server);
        host.follow(1, "r", true);
        host.events.push((1_100.0, "r".to_owned(), StreamNews::Opened));
        for at in 0..400 {
            host.events.push((
                1_200.0 + f64::from(at) * 50.0,
                "r".to_owned(),
                StreamNews::Event(said.clone()),
            ));
        }
        assert!(!host.run_until(LONG));
        assert!(host.heard[&1].ends[0].0 < 9_300.0, "{said}: {}", host.heard[&1].ends[0].0);
    }
}

#[test]
fn a_change_between_the_last_look_and_the_opening_is_seen() {
    let mut server = Server::new(&[("r", &[(0.0, "running"), (1_080.0, "completed")])]);
    server.offers.stream = true;
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    host.events = vec![(1_090.0, "r".to_owned(), StreamNews::Opened)];
    assert!(!host.run_until(1_200.0), "no event will come");
}

#[test]
fn a_server_without_streams_is_asked_once() {
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (30_000.0, "completed")])]));
    host.follow(1, "r", false);
    host.run_until(LONG);
    assert_eq!(host.listened, ["r"]);
    assert!(!host.watches.offers().stream);
    // Nor is a run that is over in a moment, nor one of many.
    let mut host = Host::new(Server::new(&[("r", &[(0.0, "running"), (500.0, "completed")])]));
    host.follow(1, "r", false);
    host.run_until(LONG);
    assert!(host.listened.is_empty());
}

#[test]
fn events_that_say_little_cause_a_look() {
    let states = [(0.0, "running"), (5_000.0, "sleeping"), (20_000.0, "completed")];
    let mut server = Server::new(&[("r", &states)]);
    server.offers.stream = true;
    server.tells_tasks = false;
    let mut host = Host::new(server);
    host.follow(1, "r", true);
    let say = |at: f64, news: StreamNews| (at, "r".to_owned(), news);
    host.events = vec![
        say(1_100.0, StreamNews::Opened),
        say(5_000.0, StreamNews::Event(json!({"event_type": "task_started"}))),
        say(20_000.0, StreamNews::Event(json!({"state": "COMPLETED"}))),
    ];
    assert!(!host.run_until(LONG));
    let heard = &host.heard[&1];
    let seen: Vec<_> =
        heard.updates.iter().map(|(at, s)| (*at, s["progress"]["tasks"]["a"].clone())).collect();
    assert_eq!(seen[1], (5_210.0, json!("sleeping")));
    assert_eq!(seen[2].1, "completed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever goes wrong on the way: everybody hears of the end exactly once, and it is the last thing they hear.
    #[test]
    fn everybody_hears_of_the_end_once(
        runs in 1_usize..30,
        followers in prop::collection::vec((0_usize..30, any::<bool>(), prop::option::of(0.0..40_000.0_f64)), 1..60),
        ends in prop::collection::vec(0.0..30_000.0_f64, 30),
        faults in prop::collection::vec(0_usize..6, 0..40),
        offers in (any::<bool>(), any::<bool>(), any::<bool>()),
        latency in 0.0..2_000.0_f64,
        hidden in any::<bool>(),
    ) {
        const FAULTS: [ErrorCode; 6] = [
            ErrorCode::ApiUnreachable, ErrorCode::ApiServerError, ErrorCode::RequestTimeout,
            ErrorCode::ApiRateLimited, ErrorCode::ApiCircuitOpen, ErrorCode::ApiUnreachable,
        ];
        let mut server = Server::new(&[]);
        for (at, end) in ends.iter().enumerate().take(runs) {
            let states = vec![(0.0, "running"), (end / 2.0, "sleeping"), (*end, "completed")];
            server.runs.insert(format!("run-{at}"), states);
        }
        server.offers = Offers { list: offers.0, steps: offers.1, stream: false };
        server.tells_tasks = offers.2;
        server.latency = latency;
        server.faults = faults.iter().map(|at| FAULTS[*at]).collect();
        let mut host = Host::new(server);
        for (ticket, (run, wants_updates, timeout)) in (0..).zip(&followers) {
            host.follow_for(ticket, &format!("run-{}", run % runs), *wants_updates, *timeout);
            if ticket % 7 == 0 {
                host.is_hidden = hidden;
                host.run_until(host.now + 300.0);
                host.is_hidden = false;
            }
        }
        prop_assert!(!host.run_until(LONG));
        for (ticket, heard) in &host.heard {
            prop_assert_eq!(heard.ends.len(), 1, "{}", ticket);
            let (ended, outcome) = &heard.ends[0];
            prop_assert!(heard.updates.iter().all(|(at, _)| at <= ended));
            let finals = heard.updates.iter().filter(|(_, status)| status["state"] == "completed").count();
            match outcome {
                Ok(_) if followers[*ticket as usize].1 => prop_assert_eq!(finals, 1),
                _ => prop_assert_eq!(finals, 0),
            }
        }
    }
}
