//! Follows the runs of a client. One loop serves all of them, and ends when no follower is left.

use crate::client::{
    Answer, Circuit, ClientConfig, Follow, Followers, Host, News, Offers, Operation, Outage, Session,
    Watches, follow,
};
use crate::error::{Error, Result};
use crate::http::HttpRequest;
use serde_json::{Map, Value};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// Is called with the status of a run after each change.
type OnUpdate = Box<dyn FnMut(Value)>;

/// The host of a client, its settings, and its followers. A clone is the same client.
#[derive(Debug)]
pub(super) struct Following<H> {
    host: H,
    config: Rc<ClientConfig>,
    shared: Rc<Shared>,
}

impl<H: Clone> Clone for Following<H> {
    fn clone(&self) -> Self {
        Self { host: self.host.clone(), config: self.config.clone(), shared: self.shared.clone() }
    }
}

#[derive(Default)]
struct Shared {
    tickets: Cell<u32>,
    commands: RefCell<Vec<Command>>,
    followers: RefCell<BTreeMap<u32, Follower>>,
    /// By run, the tasks of finished runs that were received before the result.
    parts: RefCell<BTreeMap<String, Map<String, Value>>>,
    is_running: Cell<bool>,
    is_awake: Cell<bool>,
    sleeper: RefCell<Option<Waker>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

enum Command {
    Follow(u32, Follow),
    Leave(u32),
}

#[derive(Default)]
struct Follower {
    run_id: String,
    on_update: Option<OnUpdate>,
    outcome: Option<Result<Value>>,
    waker: Option<Waker>,
}

/// Follows a run until it is dropped.
struct Ticket<'a> {
    number: u32,
    shared: &'a Shared,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let follower = self.shared.followers.borrow_mut().remove(&self.number);
        if follower.is_some_and(|follower| follower.outcome.is_none()) {
            self.shared.command(Command::Leave(self.number));
        }
    }
}

impl Shared {
    fn command(&self, command: Command) {
        self.commands.borrow_mut().push(command);
        self.wake();
    }

    fn wake(&self) {
        self.is_awake.set(true);
        if let Some(waker) = self.sleeper.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl<H: Host> Following<H> {
    pub(super) fn new(host: H, config: ClientConfig) -> Self {
        Self { host, config: Rc::new(config), shared: Rc::default() }
    }

    /// The session for the requests of one call.
    pub(super) fn session(&self) -> Session<'_, H> {
        Session { host: &self.host, config: self.config.clone(), deadline: None }
    }

    /// A random number in `0..1`.
    pub(super) fn random(&self) -> f64 {
        self.host.random()
    }

    /// Waits for the end of a run: `{status, tasks}`.
    pub(super) async fn end_of(
        &self,
        run_id: &str,
        limit: Option<Duration>,
        on_update: OnUpdate,
    ) -> Result<Value> {
        let number = self.shared.tickets.get() + 1;
        self.shared.tickets.set(number);
        let follower =
            Follower { run_id: run_id.to_owned(), on_update: Some(on_update), ..Follower::default() };
        self.shared.followers.borrow_mut().insert(number, follower);
        let ticket = Ticket { number, shared: &self.shared };
        let timeout_ms = limit.map(|limit| limit.as_secs_f64() * 1_000.0);
        let run_id = run_id.to_owned();
        let follow = Follow { run_id, timeout_ms, wants_updates: true, wants_whole: true };
        self.shared.command(Command::Follow(number, follow));
        self.start();
        let outcome = poll_fn(|context| {
            let mut followers = self.shared.followers.borrow_mut();
            let Some(follower) = followers.get_mut(&number) else { return Poll::Ready(None) };
            if let Some(outcome) = &follower.outcome {
                return Poll::Ready(Some(outcome.clone()));
            }
            follower.waker = Some(context.waker().clone());
            Poll::Pending
        });
        let outcome = outcome.await;
        drop(ticket);
        outcome.unwrap_or_else(|| Err(crate::client::aborted()))
    }

    /// The result of a run, with the tasks that were received before it.
    fn whole(&self, run_id: &str, mut result: Value) -> Value {
        let parts = self.shared.parts.borrow();
        if let (Some(parts), Some(Value::Object(tasks))) = (parts.get(run_id), result.get_mut("tasks")) {
            let rest = std::mem::replace(tasks, parts.clone());
            tasks.extend(rest);
        }
        result
    }

    /// Starts the loop unless it is running.
    fn start(&self) {
        if self.shared.is_running.replace(true) {
            return;
        }
        let this = self.clone();
        self.host.spawn(async move {
            while this.shared.followers.borrow().values().any(|follower| follower.outcome.is_none()) {
                follow(this.clone(), this.config.clone()).await;
            }
            this.shared.commands.borrow_mut().clear();
            this.shared.parts.borrow_mut().clear();
            this.shared.is_running.set(false);
        });
    }
}

impl<H: Host> Host for Following<H> {
    type Events = H::Events;

    async fn send(
        &self,
        request: HttpRequest,
        operation: &Operation,
        timeout_ms: f64,
    ) -> std::result::Result<Answer<H::Events>, Outage> {
        self.host.send(request, operation, timeout_ms).await
    }

    async fn authorize(&self, refused: Option<String>, timeout_ms: f64) -> Result<String> {
        self.host.authorize(refused, timeout_ms).await
    }

    fn judge(&self, error: &Error, attempt: u32) -> Option<bool> {
        self.host.judge(error, attempt)
    }

    async fn sleep(&self, ms: f64) -> bool {
        self.host.sleep(ms).await
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.host.spawn(future);
    }

    fn part(&self, run_id: &str, is_first: bool, tasks: &Value) {
        let mut parts = self.shared.parts.borrow_mut();
        let kept = parts.entry(run_id.to_owned()).or_default();
        if is_first {
            kept.clear();
        }
        if let Value::Object(tasks) = tasks {
            kept.extend(tasks.clone());
        }
    }

    fn now(&self) -> f64 {
        self.host.now()
    }

    fn random(&self) -> f64 {
        self.host.random()
    }

    fn circuit(&self) -> Circuit {
        self.host.circuit()
    }

    fn set_circuit(&self, circuit: Circuit) {
        self.host.set_circuit(circuit);
    }

    fn offers(&self) -> Offers {
        self.host.offers()
    }

    fn set_offers(&self, offers: Offers) {
        self.host.set_offers(offers);
    }
}

impl<H: Host> Followers for Following<H> {
    fn instruct(&self, watches: &mut Watches) {
        for command in self.shared.commands.take() {
            match command {
                Command::Follow(ticket, follow) => watches.follow(ticket, &follow, self.host.now()),
                Command::Leave(ticket) => watches.leave(ticket),
            }
        }
    }

    fn is_hidden(&self) -> bool {
        false
    }

    async fn rest(&self, ms: f64) {
        let mut sleep = pin!(self.host.sleep(ms));
        poll_fn(|context| {
            if self.shared.is_awake.replace(false) || sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            *self.shared.sleeper.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn wake(&self) {
        self.shared.wake();
    }

    fn tell(&self, news: News) {
        match news {
            News::Update { ticket, status } => {
                // Taken out during the call, since the callback may use the client.
                let taken =
                    self.shared.followers.borrow_mut().get_mut(&ticket).and_then(|it| it.on_update.take());
                let Some(mut on_update) = taken else { return };
                on_update(status);
                if let Some(follower) = self.shared.followers.borrow_mut().get_mut(&ticket) {
                    follower.on_update = Some(on_update);
                }
            }
            News::End { ticket, outcome } => {
                let waker = self.shared.followers.borrow_mut().get_mut(&ticket).and_then(|follower| {
                    follower.outcome = Some(outcome.map(|result| self.whole(&follower.run_id, result)));
                    follower.waker.take()
                });
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
    }
}
