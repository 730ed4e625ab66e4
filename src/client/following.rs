//! The loop that follows runs for a host. It never holds a borrow of [`Watches`] across an await.

use super::host::{Events, Host, Session, perform};
use super::{Call, ClientConfig, News, Operation, StreamNews, WatchAction, Watches, result};
use crate::error::Result;
use crate::json::parse_json;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What a host that follows runs has besides requests.
pub trait Followers: Host {
    /// Passes on which followers have joined or left since the last call.
    fn instruct(&self, watches: &mut Watches);

    /// Whether the page is hidden.
    fn is_hidden(&self) -> bool;

    /// Waits for this many milliseconds, or until [`wake`](Self::wake).
    fn rest(&self, ms: f64) -> impl Future<Output = ()>;

    /// Ends the rest.
    fn wake(&self);

    /// Passes news to a follower.
    fn tell(&self, news: News);
}

/// What the loop shares with the requests in flight.
struct Loop<H> {
    host: H,
    config: Rc<ClientConfig>,
    watches: RefCell<Watches>,
    /// When the host's rest ends, in its time.
    rests_until: Cell<f64>,
}

/// Follows runs until no follower is left.
pub async fn follow<H: Followers>(host: H, config: Rc<ClientConfig>) {
    let watches = RefCell::new(Watches::new(host.offers(), host.now()));
    let shared = Rc::new(Loop { host, config, watches, rests_until: Cell::default() });
    while let Some(ms) = shared.turn() {
        shared.rests_until.set(shared.host.now() + ms);
        shared.host.rest(ms).await;
    }
}

impl<H: Followers> Loop<H> {
    /// Starts everything that is due. Returns the milliseconds until there is more; nothing if no follower is left.
    fn turn(self: &Rc<Self>) -> Option<f64> {
        loop {
            match self.step() {
                WatchAction::Conclude(number, run_id, run) => {
                    self.host.spawn(self.clone().conclude(number, run_id, run));
                }
                WatchAction::Ask(number, operation) => self.host.spawn(self.clone().ask(number, operation)),
                WatchAction::Listen(run_id, operation) => {
                    self.host.spawn(self.clone().listen(run_id, operation));
                }
                WatchAction::Sleep(ms) => return Some(ms),
                WatchAction::Done => return None,
            }
        }
    }

    /// Takes new followers, asks for the next action, and passes on the news.
    fn step(&self) -> WatchAction {
        let (action, news) = {
            let mut watches = self.watches.borrow_mut();
            self.host.instruct(&mut watches);
            let action = watches.next_action(self.host.now(), self.host.is_hidden());
            (action, watches.take_news())
        };
        for item in news {
            self.host.tell(item);
        }
        action
    }

    async fn conclude(self: Rc<Self>, number: u32, run_id: String, run: Rc<Value>) {
        let session = Session { host: &self.host, config: self.config.clone(), deadline: None };
        let answer = result(&session, &run_id, &run).await;
        self.answered(number, answer);
    }

    async fn ask(self: Rc<Self>, number: u32, operation: Operation) {
        let call = Call::new(self.config.clone(), operation).once();
        let answer = perform(&self.host, call).await.map(|(data, _)| data);
        self.answered(number, answer);
    }

    async fn listen(self: Rc<Self>, run_id: String, operation: Operation) {
        let call = Call::new(self.config.clone(), operation).once();
        let events = match perform(&self.host, call).await {
            Ok((_, events)) => events,
            Err(error) => return self.streamed(&run_id, StreamNews::not_opened(&error)),
        };
        self.streamed(&run_id, StreamNews::Opened);
        if let Some(events) = events {
            while let Some(text) = events.next().await {
                // An event that is not JSON still shows that the stream works.
                self.streamed(&run_id, StreamNews::Event(parse_json(&text).unwrap_or_default()));
            }
        }
        self.streamed(&run_id, StreamNews::Closed);
    }

    fn answered(self: &Rc<Self>, number: u32, answer: Result<Value>) {
        let (now, random) = (self.host.now(), self.host.random());
        self.report(|watches| watches.answered(number, answer, now, random));
    }

    fn streamed(self: &Rc<Self>, run_id: &str, news: StreamNews) {
        let now = self.host.now();
        self.report(|watches| watches.streamed(run_id, news, now));
    }

    /// Reports something to the state machine and does what follows from it. The host keeps which operations the
    /// server offers.
    fn report(self: &Rc<Self>, report: impl FnOnce(&mut Watches)) {
        let (before, after) = {
            let mut watches = self.watches.borrow_mut();
            let before = watches.offers();
            report(&mut watches);
            (before, watches.offers())
        };
        if before != after {
            self.host.set_offers(after);
        }
        // The loop wakes only if there is something to do before its rest ends, or if its clock has jumped past that.
        let next = self.turn();
        let (now, until) = (self.host.now(), self.rests_until.get());
        match next {
            Some(ms) if (now..=now + ms).contains(&until) => {}
            _ => self.host.wake(),
        }
    }
}
