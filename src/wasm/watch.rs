//! Follows the runs of a client, all of them in one loop. The state machine is borrowed only between two awaits.

use super::convert::{JsResult, give};
use super::error::to_js_error;
use super::host::{Host, Outcome, recalled_offers, remember_offers};
use super::transport::{ClientTransport, config_of, perform, resolved};
use crate::api::{Call, ClientConfig, Follow, News, Operation, StreamNews, WatchAction, Watches, result};
use crate::codec::{parse_json, write_json};
use crate::error::Result;
use crate::number::to_f64;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What the loop and the questions under way share.
#[derive(Clone)]
struct Shared {
    host: Host,
    config: Rc<ClientConfig>,
    watches: Rc<RefCell<Watches>>,
}

/// Follows runs as the host's commands say, until nobody follows one.
#[wasm_bindgen(js_name = clientWatch)]
pub async fn client_watch(host: Host, config: String) -> JsResult<()> {
    let config = give(config_of(&config))?;
    let watches = Watches::new(recalled_offers(&host), host.now());
    let shared = Shared { host, config, watches: Rc::new(RefCell::new(watches)) };
    loop {
        match shared.step() {
            WatchAction::Conclude(number, run_id, run) => {
                spawn_local(conclude(shared.clone(), number, run_id, run));
            }
            WatchAction::Ask(number, operation) => spawn_local(ask(shared.clone(), number, operation)),
            WatchAction::Listen(run_id, operation) => spawn_local(listen(shared.clone(), run_id, operation)),
            WatchAction::Sleep(ms) => drop(resolved(shared.host.sleep(ms)).await),
            WatchAction::Done => return Ok(()),
        }
    }
}

impl Shared {
    /// Takes the commands, asks what to do, and tells the news.
    fn step(&self) -> WatchAction {
        let now = self.host.now();
        let commands = self.host.commands().and_then(|text| parse_json(&text).ok()).unwrap_or_default();
        let (action, news) = {
            let mut watches = self.watches.borrow_mut();
            for command in commands.as_array().into_iter().flatten() {
                take(&mut watches, command, now);
            }
            let action = watches.next_action(now, self.host.is_hidden());
            (action, watches.take_news())
        };
        for item in news {
            match item {
                News::Update { ticket, status } => self.host.tell(ticket, &write_json(&status)),
                News::End { ticket, outcome: Ok(result) } => {
                    self.host.end(ticket, &write_json(&result).into(), false);
                }
                News::End { ticket, outcome: Err(error) } => {
                    self.host.end(ticket, &to_js_error(&error), true);
                }
            }
        }
        action
    }

    fn answered(&self, number: u32, answer: Result<Value>) {
        let (now, random) = (self.host.now(), self.host.random());
        self.took(|watches| watches.answered(number, answer, now, random));
    }

    fn streamed(&self, run_id: &str, news: StreamNews) {
        let now = self.host.now();
        self.took(|watches| watches.streamed(run_id, news, now));
    }

    /// Goes on after some news; the client remembers what the server was found to lack.
    fn took(&self, take: impl FnOnce(&mut Watches)) {
        let (before, after) = {
            let mut watches = self.watches.borrow_mut();
            let before = watches.offers();
            take(&mut watches);
            (before, watches.offers())
        };
        if before != after {
            remember_offers(&self.host, after);
        }
        self.host.wake();
    }
}

fn take(watches: &mut Watches, command: &Value, now: f64) {
    let Some([ticket, more @ ..]) = command.as_array().map(Vec::as_slice) else {
        return;
    };
    let Some(ticket) = ticket.as_u64().and_then(|ticket| u32::try_from(ticket).ok()) else {
        return;
    };
    match more {
        [Value::String(run_id), timeout, updates, whole] => {
            let follow = Follow {
                run_id: run_id.clone(),
                timeout_ms: to_f64(timeout),
                wants_updates: *updates == Value::Bool(true),
                wants_whole: *whole == Value::Bool(true),
            };
            watches.follow(ticket, &follow, now);
        }
        _ => watches.leave(ticket),
    }
}

async fn conclude(shared: Shared, number: u32, run_id: String, run: Rc<Value>) {
    let Shared { host, config, .. } = shared.clone();
    let answer = result(&ClientTransport { host: &host, config, deadline: None }, &run_id, &run).await;
    shared.answered(number, answer);
}

async fn ask(shared: Shared, number: u32, operation: Operation) {
    let call = Call::new(shared.config.clone(), operation).once();
    let answer = perform(&shared.host, call).await.map(|(data, _)| data);
    shared.answered(number, answer);
}

async fn listen(shared: Shared, run_id: String, operation: Operation) {
    let call = Call::new(shared.config.clone(), operation).once();
    let outcome: Option<Outcome> = match perform(&shared.host, call).await {
        Ok((_, outcome)) => outcome,
        Err(error) => {
            return shared.streamed(&run_id, StreamNews::not_opened(&error));
        }
    };
    shared.streamed(&run_id, StreamNews::Opened);
    while let Some(outcome) = &outcome {
        let Some(text) = resolved(outcome.next_event()).await.as_string() else { break };
        // What is no JSON is still a sign of life.
        shared.streamed(&run_id, StreamNews::Event(parse_json(&text).unwrap_or_default()));
    }
    shared.streamed(&run_id, StreamNews::Closed);
}
