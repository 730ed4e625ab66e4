//! The client for programs in Rust, against the embedded server, in virtual time.

use crate::support::{START, Server, failing};
use highway_wasm::builder::Registration;
use highway_wasm::client::{Answer, Circuit, Events, Host, NetworkFailure, Offers, Operation, Outage, State};
use highway_wasm::http::HttpRequest;
use highway_wasm::{Driver, Error, ErrorCode, Highway, Http, Result, WorkflowBuilder};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

type Spawned = Pin<Box<dyn Future<Output = ()>>>;

/// A host whose clock is that of the server.
#[derive(Clone)]
struct Virtual(Rc<World>);

impl std::fmt::Debug for Virtual {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Virtual")
    }
}

struct World {
    server: RefCell<Server>,
    spawned: RefCell<Vec<Spawned>>,
    timers: RefCell<Vec<(f64, Waker)>>,
    circuit: Cell<Circuit>,
    offers: Cell<Offers>,
    sent: RefCell<Vec<HttpRequest>>,
    /// Requests that still get lost.
    losses: Cell<u32>,
}

enum NoEvents {}

impl Events for NoEvents {
    async fn next(&self) -> Option<String> {
        None
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Virtual {
    fn new(server: Server) -> Self {
        Self(Rc::new(World {
            server: RefCell::new(server),
            spawned: RefCell::default(),
            timers: RefCell::default(),
            circuit: Cell::default(),
            offers: Cell::new(Offers { stream: false, ..Offers::default() }),
            sent: RefCell::default(),
            losses: Cell::new(0),
        }))
    }

    fn client(&self) -> Highway<Virtual> {
        highway_wasm::HighwayBuilder::default().endpoint("http://engine").build_with(self.clone()).unwrap()
    }

    /// Carries a future to its end; time passes where everything waits for it.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(flag.clone());
        let context = &mut Context::from_waker(&waker);
        let mut future = pin!(future);
        for _ in 0..100_000 {
            flag.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return value;
            }
            let mut tasks = self.0.spawned.take();
            tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
            let is_busy = flag.0.load(Ordering::Relaxed) || !self.0.spawned.borrow().is_empty();
            self.0.spawned.borrow_mut().extend(tasks);
            if !is_busy {
                self.pass();
            }
        }
        panic!("nothing comes to an end");
    }

    /// Lets time pass until the next timer.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "short positive times")]
    fn pass(&self) {
        let now = self.now();
        let next = self.0.timers.borrow().iter().map(|(when, _)| *when).fold(f64::INFINITY, f64::min);
        assert!(next.is_finite(), "nobody waits for anything");
        self.0.server.borrow_mut().advance((next - now).ceil().max(1.0) as u64);
        let now = self.now();
        let (due, later): (Vec<_>, Vec<_>) =
            self.0.timers.take().into_iter().partition(|(when, _)| *when <= now);
        *self.0.timers.borrow_mut() = later;
        for (_, waker) in due {
            waker.wake();
        }
    }
}

impl Host for Virtual {
    type Events = NoEvents;

    async fn send(
        &self,
        request: HttpRequest,
        _: &Operation,
        _: f64,
    ) -> std::result::Result<Answer<NoEvents>, Outage> {
        self.0.sent.borrow_mut().push(request.clone());
        if self.0.losses.get() > 0 {
            self.0.losses.set(self.0.losses.get() - 1);
            return Err(Outage::Failed(NetworkFailure::Broken("lost".into())));
        }
        let path = request.url.strip_prefix("http://engine").unwrap().to_owned();
        let response = self.0.server.borrow_mut().handle(&HttpRequest { url: path, ..request });
        Ok(Answer { response, events: None })
    }

    async fn authorize(&self, _: Option<String>, _: f64) -> Result<String> {
        unreachable!("no credential is asked for")
    }

    fn judge(&self, _: &Error, _: u32) -> Option<bool> {
        None
    }

    async fn sleep(&self, ms: f64) -> bool {
        let when = self.now() + ms;
        poll_fn(|context| {
            if self.now() >= when {
                return Poll::Ready(true);
            }
            self.0.timers.borrow_mut().push((when, context.waker().clone()));
            Poll::Pending
        })
        .await
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.0.spawned.borrow_mut().push(Box::pin(future));
    }

    #[expect(clippy::cast_precision_loss, reason = "virtual time starts near")]
    fn now(&self) -> f64 {
        (self.0.server.borrow().now - START) as f64
    }

    fn part(&self, _: &str, _: bool, _: &Value) {}

    fn random(&self) -> f64 {
        0.5
    }

    fn circuit(&self) -> Circuit {
        self.0.circuit.get()
    }

    fn set_circuit(&self, circuit: Circuit) {
        self.0.circuit.set(circuit);
    }

    fn offers(&self) -> Offers {
        self.0.offers.get()
    }

    fn set_offers(&self, offers: Offers) {
        self.0.offers.set(offers);
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Output {
    stdout: String,
    returncode: i32,
}

fn report() -> Driver {
    let mut driver = Driver::new("report");
    let count = driver.shell("count", "wc -l < users.csv").unwrap();
    let _ = driver.shell("print", "echo $USERS").unwrap().retries(2).env("USERS", count.result("stdout"));
    driver
}

#[test]
fn a_run_from_the_driver_to_a_typed_result() {
    let host = Virtual::new(Server::new());
    let client = host.client();
    let result = host.block_on(async {
        let run = client.start(&report()).inputs(json!({"day": 1})).await?;
        assert_eq!(run.status().await?.state, State::Running);
        run.result().await
    });
    let result = result.unwrap();
    assert!(result.is_success());
    assert_eq!(result.status.workflow_name.as_deref(), Some("report"));
    let output: Output = result.task("print").unwrap().result().unwrap();
    assert_eq!(output, Output { stdout: "print".into(), returncode: 0 });
    assert_eq!(result.task("count").unwrap().stdout.as_deref(), Some("count"));
    assert_eq!(result.task("other").unwrap_err().code(), ErrorCode::ApiNotFound);
    let wrong: Result<Vec<String>> = result.task("print").unwrap().result();
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::ApiResponseInvalid);
}

#[test]
fn a_failure_keeps_its_code() {
    let server = Server::with_tool(|_| Some((100, failing("EXIT_CODE_NONZERO"))));
    let host = Virtual::new(server);
    let client = host.client();
    let result = host.block_on(client.start(&report()).result()).unwrap();
    assert_eq!(result.status.state, State::Failed);
    let error = result.task("count").unwrap().result::<Output>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::ExitCodeNonzero);
}

#[test]
fn many_runs_are_followed_at_once_and_each_is_told() {
    let host = Virtual::new(Server::new());
    let client = host.client();
    host.block_on(async {
        let mut runs = Vec::new();
        for _ in 0..20 {
            runs.push(client.start(&report()).await.unwrap());
        }
        let seen = Rc::new(RefCell::new(Vec::new()));
        for run in &runs {
            let seen = seen.clone();
            let result = run.watch(move |status| seen.borrow_mut().push(status.state)).await.unwrap();
            assert!(result.is_success());
        }
        assert!(seen.borrow().contains(&State::Running) && seen.borrow().contains(&State::Completed));
    });
    // The loop is over when nobody waits any more.
    host.block_on(host.sleep(60_000.0));
    assert!(host.0.spawned.borrow().is_empty());
}

#[test]
fn a_wait_has_a_limit_and_a_dropped_one_ends_the_loop() {
    let host = Virtual::new(Server::with_tool(|_| None));
    let client = host.client();
    let run = host.block_on(async { client.start(&report()).await }).unwrap();
    let late = host.block_on(run.result_within(Duration::from_secs(5))).unwrap_err();
    assert_eq!(late.code(), ErrorCode::WaitTimeout);
    {
        let mut result = Box::pin(run.result());
        host.block_on(poll_fn(|context| {
            assert!(result.as_mut().poll(context).is_pending());
            Poll::Ready(())
        }));
    }
    host.block_on(host.sleep(60_000.0));
    assert!(host.0.spawned.borrow().is_empty());
    assert!(host.block_on(run.cancel(Some("enough"))).unwrap());
    assert_eq!(host.block_on(run.status()).unwrap().state, State::Cancelled);
}

#[test]
fn lost_requests_are_sent_again_under_one_key() {
    let host = Virtual::new(Server::new());
    host.0.losses.set(2);
    let client = host.client();
    host.block_on(async { client.start(&report()).await }).unwrap();
    let keys: Vec<_> =
        host.0.sent.borrow().iter().map(|it| it.header("x-idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
}

#[test]
fn what_cannot_be_run_is_never_sent() {
    let host = Virtual::new(Server::new());
    let client = host.client();
    let code = |result: Result<highway_wasm::Run<Virtual>>| result.unwrap_err().code();
    assert_eq!(code(host.block_on(async { client.start(&Driver::new("empty")).await })), ErrorCode::NoTasks);
    let mut driver = Driver::new("lost");
    let _ = driver.shell("a", "true").unwrap().depends(["nobody"]);
    assert_eq!(code(host.block_on(async { client.start(&driver).await })), ErrorCode::DependencyUnknown);
    let inputs = host.block_on(async { client.start(&report()).inputs([1]).await });
    assert_eq!(code(inputs), ErrorCode::OptionInvalid);
    let short = host.block_on(async { client.start(&report()).timeout(Duration::from_millis(20)).await });
    assert_eq!(code(short), ErrorCode::OptionInvalid);
    assert!(host.0.sent.borrow().is_empty());
    assert_eq!(driver.shell("a", "again").unwrap_err().code(), ErrorCode::TaskDuplicate);
}

#[test]
fn a_workflow_of_the_builder_runs() {
    let host = Virtual::new(Server::new());
    let client = host.client();
    let definition = WorkflowBuilder::new("branches")
        .task("first", "tools.shell.run", json!({"args": ["true"]}))
        .foreach("each", "{{inputs.items}}", |body| {
            body.task("copy", "tools.shell.run", json!({"args": ["cp {{item}} /backup"]}))
        })
        .build()
        .unwrap();
    let result = host.block_on(client.start(&definition).inputs(json!({"items": [1, 2]})).result()).unwrap();
    assert!(result.is_success(), "{result:?}");
    assert!(result.task("first").is_ok());
}

#[test]
fn a_result_of_many_tasks_comes_in_parts_and_is_whole() {
    let host = Virtual::new(Server::new());
    let client = host.client();
    let items: Vec<u32> = (0..1_200).collect();
    let definition = WorkflowBuilder::new("many")
        .task("first", "tools.shell.run", json!({"args": ["true"]}))
        .foreach("each", "{{inputs.items}}", |body| body.wait("nothing", Duration::from_secs(1)))
        .build()
        .unwrap();
    let start =
        client.start(&definition).inputs(json!({"items": items})).timeout(Duration::from_secs(100_000));
    let result = host.block_on(start.result()).unwrap();
    assert_eq!(result.tasks.len(), 1_202);
    let steps = host.0.sent.borrow().iter().filter(|request| request.url.contains("/steps?cursor=")).count();
    assert!(steps > 1, "{steps}");
}

#[test]
fn a_wrong_call_of_the_builder_is_told_by_build() {
    let error = WorkflowBuilder::new("w").call("tusk", json!({})).build().unwrap_err();
    assert_eq!(error.code(), ErrorCode::MethodUnknown);
    let error = WorkflowBuilder::new("w").task("a", "t", "no object").build().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FieldTypeInvalid);
}

#[test]
fn every_kind_of_task_writes_what_the_driver_for_javascript_writes() {
    let mut driver = Driver::new("kinds");
    let a =
        driver.python("a", "def a():\n    return 1").unwrap().timeout(Duration::from_secs(5)).backoff(3.0);
    let b =
        driver.http("b", Http::get("https://x.example").query("n", a.result("")).header("h", "v")).unwrap();
    let _ = driver.tool("c", "tools.email.send", json!({"to": "x"})).unwrap().depends([&b]);
    let _ = driver.workflow("d", "other", json!({"n": 1})).unwrap().delay(Duration::from_secs(60));
    let _ = driver.emit("e", "done", json!({})).unwrap();
    let _ = driver.wait_for("f", "go").unwrap().depends(["e"]);
    let definition = driver.build().unwrap();
    let mut core = highway_wasm::builder::Driver::new(Some("kinds"));
    for (name, options) in [
        ("a", json!({"py": "def a():\n    return 1", "timeout": 5, "backoff": 3})),
        (
            "b",
            json!({"http": {"url": "https://x.example", "method": "GET", "params": {"n": "{{a_result}}"}, "headers": {"h": "v"}}, "depends": ["a"]}),
        ),
        ("c", json!({"tool": "tools.email.send", "kwargs": {"to": "x"}, "depends": ["b"]})),
        ("d", json!({"workflow": "other", "inputs": {"n": 1}, "delay": 60})),
    ] {
        core.task(name, &options).unwrap();
    }
    core.register(Registration::Emit, "e", &json!({"event": "done", "payload": {}})).unwrap();
    core.register(Registration::WaitFor, "f", &json!({"event": "go", "depends": ["e"]})).unwrap();
    let expected = core.build(&highway_wasm::builder::RunSettings::default(), "").unwrap();
    assert_eq!(definition, expected);
}
