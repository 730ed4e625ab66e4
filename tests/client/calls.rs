//! The client against the embedded server, without IO: requests, faults and time are scripted.

use crate::support::{
    START, Server, attempts, exchanges, failing_with, graph, independent, wait, wire_names, with,
};
use highway_wasm::client::{
    Action, Call, Circuit, ClientConfig, Follow, NetworkFailure, News, Offers, Operation, State, Transport,
    WatchAction, Watches, call, log_entries, result, run_id_of, run_list, run_status, task_results,
};
use highway_wasm::error::{ErrorCode, Result};
use highway_wasm::http::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// What goes wrong with one request.
#[derive(Clone, Debug)]
enum Fault {
    /// Nothing.
    None,
    /// It does not arrive.
    Lost,
    /// It arrives, but its answer does not.
    AnswerLost,
    /// Something in between answers instead.
    Answer(u16, &'static str, &'static str),
}

/// A client, a server, and the line between them.
struct Line {
    server: Server,
    config: ClientConfig,
    faults: VecDeque<Fault>,
    sent: Vec<HttpRequest>,
    slept: Vec<f64>,
}

impl Line {
    fn new(server: Server) -> Self {
        Self {
            server,
            config: ClientConfig::new("http://engine/", "hw_k1_local").unwrap(),
            faults: VecDeque::new(),
            sent: Vec::new(),
            slept: Vec::new(),
        }
    }

    fn fault(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    #[expect(clippy::cast_precision_loss, reason = "virtual time starts near")]
    fn clock(&self) -> f64 {
        (self.server.now - START) as f64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "delays are positive and short"
    )]
    fn sleep(&mut self, millis: f64) {
        assert!(millis >= 0.0);
        self.slept.push(millis);
        self.server.advance(millis.ceil() as u64);
    }

    /// Sends an operation to its end, as a host does.
    fn call(&mut self, operation: Operation) -> Result<Value> {
        self.perform(Call::new(self.config.clone(), operation))
    }

    fn perform(&mut self, mut call: Call) -> Result<Value> {
        let circuit = &mut Circuit::default();
        loop {
            let now = self.clock();
            match call.next_action(now, circuit) {
                Action::Done(outcome) => return outcome,
                Action::Sleep(millis) => self.sleep(millis),
                Action::Authorize(..) | Action::Judge(..) => panic!("the key is fixed, and nobody judges"),
                Action::Send(request, _) => {
                    self.sent.push(request.clone());
                    let broken = NetworkFailure::Broken("connection reset".into());
                    match self.faults.pop_front().unwrap_or(Fault::None) {
                        Fault::None => call.received(&self.deliver(request), now, 1.0, circuit),
                        Fault::Lost => call.lost(&broken, now, 1.0, circuit),
                        Fault::AnswerLost => {
                            self.deliver(request);
                            call.lost(&NetworkFailure::TimedOut, now, 1.0, circuit);
                        }
                        Fault::Answer(status, kind, body) => {
                            let headers = vec![
                                ("content-type".into(), kind.into()),
                                ("retry-after".into(), "7".into()),
                            ];
                            let response = HttpResponse { status, headers, body: body.into() };
                            call.received(&response, now, 1.0, circuit);
                        }
                    }
                }
            }
        }
    }

    /// Carries out an operation of the facade.
    fn operate(self, op: &str, args: &Value) -> (Self, Result<Value>) {
        let wire = Wire(RefCell::new(self), RefCell::default());
        let outcome = now_or_never(call(&wire, op, args));
        (wire.0.into_inner(), outcome)
    }

    /// Reads what became of a run.
    fn conclude(self, run_id: &str, run: &Value) -> (Self, Result<Value>) {
        let wire = Wire(RefCell::new(self), RefCell::default());
        let outcome = now_or_never(result(&wire, run_id, run));
        (wire.0.into_inner(), outcome)
    }

    fn deliver(&mut self, mut request: HttpRequest) -> HttpResponse {
        assert!(request.header("Authorization").is_some());
        request.url = request.url.strip_prefix("http://engine").unwrap().to_owned();
        self.server.handle(&request)
    }

    fn submit(&mut self, definition: &Value, key: &str) -> Result<String> {
        let body = json!({"workflow_definition": definition, "inputs": {}});
        self.call(Operation::submit(body.to_string(), key)).map(|data| run_id_of(&data).unwrap().to_owned())
    }

    /// Follows a run to its end; the states on the way.
    fn watch(&mut self, run_id: &str, timeout_ms: Option<f64>) -> (Vec<String>, Result<Value>) {
        let mut watches = Watches::new(Offers { stream: false, ..Offers::default() }, self.clock());
        let follow = Follow { run_id: run_id.to_owned(), timeout_ms, wants_updates: true, wants_whole: true };
        watches.follow(1, &follow, self.clock());
        let mut states: Vec<String> = Vec::new();
        loop {
            let action = watches.next_action(self.clock(), false);
            for news in watches.take_news() {
                match news {
                    News::Update { status, .. } => {
                        let state = status["state"].as_str().unwrap().to_owned();
                        if states.last() != Some(&state) {
                            states.push(state);
                        }
                    }
                    News::End { outcome, .. } => return (states, outcome),
                }
            }
            match action {
                WatchAction::Sleep(millis) => self.sleep(millis),
                WatchAction::Ask(number, operation) => {
                    let answer = self.perform(Call::new(self.config.clone(), operation).once());
                    watches.answered(number, answer, self.clock(), 0.5);
                }
                WatchAction::Conclude(number, run_id, run) => {
                    let steps = self.call(Operation::get_steps(&run_id, None).unwrap()).unwrap();
                    let tasks = task_results(&run, Some(&steps), None);
                    let answer = Ok(json!({"status": run_status(&run, &run_id), "tasks": tasks}));
                    watches.answered(number, answer, self.clock(), 0.5);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A line that several requests of one operation go over, and the tasks that came in parts.
struct Wire(RefCell<Line>, RefCell<Vec<(bool, usize)>>);

impl Transport for Wire {
    async fn perform(&self, operation: Operation) -> Result<Value> {
        self.0.borrow_mut().call(operation)
    }

    fn part(&self, run_id: &str, is_first: bool, tasks: &Value) {
        assert_eq!(run_id, "run-1");
        self.1.borrow_mut().push((is_first, tasks.as_object().unwrap().len()));
    }
}

fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("this line never waits"),
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    outcome.unwrap_err().code()
}

#[test]
fn a_workflow_from_submission_to_results() {
    let mut line = Line::new(Server::new());
    let mut document = graph(&[("a", &[][..]), ("b", &["nap"])]);
    document["tasks"]["nap"] = wait("nap", &["a"], 3);
    let run_id = line.submit(&document, "k").unwrap();
    assert_eq!(run_id, "run-1");
    let (seen, outcome) = line.watch(&run_id, None);
    // `b` begins and ends between two polls.
    assert_eq!(seen, ["running", "sleeping", "completed"]);
    let ended = outcome.unwrap();
    let (status, tasks) = (&ended["status"], &ended["tasks"]);
    assert_eq!(status["error"], Value::Null);
    assert_eq!(status["result"]["output"]["stdout"], "b");
    assert_eq!(status["progress"]["percent"], 100);
    assert_eq!(status["completedAt"], "2030-01-01T00:00:04.000Z");
    let late = line.clock() - 4_000.0;
    assert!((0.0..2_600.0).contains(&late), "seen {late} ms after the end");
    let names: Vec<&String> = tasks.as_object().unwrap().keys().collect();
    assert_eq!(names, ["a", "b", "nap"]);
    for (name, state, stdout) in
        [("a", "completed", json!("a")), ("b", "completed", json!("b")), ("nap", "completed", Value::Null)]
    {
        assert_eq!((&tasks[name]["state"], &tasks[name]["stdout"]), (&json!(state), &stdout), "{name}");
    }
    assert_eq!((&tasks["a"]["returncode"], &tasks["a"]["error"]), (&json!(0), &Value::Null));
    let logs = log_entries(&line.call(Operation::get_logs(&run_id).unwrap()).unwrap());
    assert_eq!(
        (&logs[0]["task"], &logs[0]["content"], &logs[1]["task"]),
        (&json!("a"), &json!("a"), &json!("b"))
    );
    let runs = run_list(
        &line.call(Operation::list_runs(&json!({"page": 1, "pageSize": 5, "status": "completed"}))).unwrap(),
    );
    assert_eq!((&runs["total"], &runs["runs"][0]["runId"]), (&json!(1), &json!("run-1")));
}

#[test]
fn many_steps_come_in_parts() {
    let names: Vec<String> = (0..1_100).map(|at| format!("t{at}")).collect();
    let mut line = Line::new(Server::new());
    let run_id =
        line.submit(&independent(&names.iter().map(String::as_str).collect::<Vec<_>>()), "k").unwrap();
    line.server.advance(60_000);
    let run = line.call(Operation::get_run(&run_id).unwrap()).unwrap();
    assert_eq!(run["status"], "completed");
    let wire = Wire(RefCell::new(line), RefCell::default());
    let steps = now_or_never(call(&wire, "steps", &json!({"runId": run_id}))).unwrap();
    assert_eq!(steps.as_object().unwrap().len(), 100);
    assert_eq!(wire.1.take(), [(true, 500), (false, 500)]);
    let ended = now_or_never(result(&wire, &run_id, &run)).unwrap();
    assert_eq!(ended["status"]["state"], "completed");
    assert!(ended["tasks"].get("t1099").is_some());
    assert_eq!(wire.1.take(), [(true, 500), (false, 500)]);
}

#[test]
fn a_failed_task_shows_its_output_and_what_was_skipped() {
    let server = Server::with_tool(|_| {
        let result = json!({"stdout": "", "stderr": "no disk", "returncode": 28});
        Some((100, failing_with(result)))
    });
    let mut line = Line::new(server);
    let document =
        with(graph(&[("a", &[][..]), ("b", &["a"])]), "/tasks/a/retry_policy", attempts(3, 1.0, 2.0));
    let run_id = line.submit(&document, "k").unwrap();
    let (seen, outcome) = line.watch(&run_id, None);
    assert_eq!(seen.last().map(String::as_str), Some("failed"));
    let ended = outcome.unwrap();
    let (status, tasks) = (&ended["status"], &ended["tasks"]);
    assert_eq!(status["error"]["code"], "EXIT_CODE_NONZERO");
    assert_eq!((&tasks["a"]["state"], &tasks["b"]["state"]), (&json!("failed"), &json!("skipped")));
    assert_eq!((&tasks["a"]["stderr"], &tasks["a"]["returncode"]), (&json!("no disk"), &json!(28)));
    assert_eq!(tasks["a"]["error"]["message"], "boom");
    let logs = log_entries(&line.call(Operation::get_logs(&run_id).unwrap()).unwrap());
    let attempts: Vec<&Value> = logs.as_array().unwrap().iter().map(|log| &log["attempt"]).collect();
    assert_eq!(attempts, [1, 1, 2, 2, 3, 3]);
}

#[test]
fn the_time_limit_of_a_run_is_the_state_timed_out() {
    let mut line = Line::new(Server::with_tool(|_| None));
    let run_id = line.submit(&with(independent(&["a"]), "/timeout_seconds", 2), "k").unwrap();
    let (seen, outcome) = line.watch(&run_id, None);
    assert_eq!(seen, ["running", "timed_out"]);
    let ended = outcome.unwrap();
    let (status, tasks) = (&ended["status"], &ended["tasks"]);
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("timed_out"), &json!("RUN_TIMED_OUT")));
    assert_eq!(tasks["a"]["state"], "cancelled");
}

#[test]
fn the_caller_may_stop_waiting_and_cancel() {
    let mut line = Line::new(Server::with_tool(|_| None));
    let run_id = line.submit(&independent(&["a"]), "k").unwrap();
    let (seen, outcome) = line.watch(&run_id, Some(1_000.0));
    assert_eq!(seen, ["running"]);
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), ErrorCode::WaitTimeout);
    assert_eq!((&error.details()["runId"], &error.details()["state"]), (&json!("run-1"), &json!("running")));
    assert!((1_000.0..1_010.0).contains(&line.clock()), "waited {} ms", line.clock());
    line.call(Operation::cancel_run(&run_id, Some("enough")).unwrap()).unwrap();
    let (seen, outcome) = line.watch(&run_id, None);
    assert_eq!(seen, ["cancelled"]);
    assert_eq!(outcome.unwrap()["status"]["error"]["message"], "enough");
    let again = line.call(Operation::cancel_run(&run_id, None).unwrap()).unwrap_err();
    assert_eq!((again.code(), &again.details()["status"]), (ErrorCode::ApiConflict, &json!(409)));
}

#[test]
fn a_submission_whose_answer_is_lost_begins_one_run() {
    let unavailable = Fault::Answer(503, "text/html", "<h1>busy</h1>");
    let mut line = Line::new(Server::new()).fault([Fault::AnswerLost, Fault::Lost, unavailable]);
    let run_id = line.submit(&independent(&["a"]), "order-7").unwrap();
    assert_eq!(run_id, "run-1");
    assert_eq!(line.server.engine.runs().len(), 1);
    assert_eq!(line.sent.len(), 4);
    assert!(line.sent.iter().all(|request| *request == line.sent[0]));
    assert_eq!(line.sent[0].header("x-idempotency-key"), Some("order-7"));
    assert!(line.slept.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", line.slept);
}

#[test]
fn a_server_that_stays_away_is_an_error_with_its_cause() {
    let html = Fault::Answer(502, "text/html", "<h1>Bad Gateway</h1>");
    for (fault, expected) in [
        (Fault::Lost, ErrorCode::ApiUnreachable),
        (Fault::AnswerLost, ErrorCode::RequestTimeout),
        (html, ErrorCode::ApiServerError),
    ] {
        let mut line = Line::new(Server::new()).fault(vec![fault; 20]);
        let error = line.submit(&independent(&["a"]), "k").unwrap_err();
        assert_eq!(error.code(), expected);
        assert_eq!(error.details()["attempts"], 4);
        assert_eq!(line.sent.len(), 4);
        assert!(!format!("{error:?}").contains("hw_k1_local"), "the key is shown");
    }
}

#[test]
fn a_refused_submission_is_not_sent_again() {
    for (fault, expected) in [
        (
            Fault::Answer(401, "application/json", r#"{"status":"error","message":"no"}"#),
            ErrorCode::ApiUnauthorized,
        ),
        (Fault::Answer(403, "application/json", "{}"), ErrorCode::ApiForbidden),
        (Fault::Answer(404, "text/html", "<html>"), ErrorCode::ApiNotFound),
        (Fault::Answer(422, "application/json", r#"[{"loc":["name"],"msg":"m"}]"#), ErrorCode::ApiBadRequest),
        (Fault::Answer(200, "text/html", "<html>Sign in</html>"), ErrorCode::ApiResponseInvalid),
        (Fault::Answer(200, "application/json", ""), ErrorCode::ApiResponseInvalid),
        (
            Fault::Answer(201, "application/json", r#"{"status":"success","data":{}}"#),
            ErrorCode::ApiResponseInvalid,
        ),
        (Fault::Answer(302, "text/html", ""), ErrorCode::ApiRedirected),
        (Fault::Answer(501, "application/json", "{}"), ErrorCode::ApiNotImplemented),
    ] {
        let mut line = Line::new(Server::new()).fault([fault.clone()]);
        assert_eq!(code(line.submit(&independent(&["a"]), "k")), expected, "{fault:?}");
        assert_eq!(line.sent.len(), 1, "{fault:?}");
    }
    let mut line = Line::new(Server::new());
    let error = line.submit(&graph(&[("a", &["ghost"][..])]), "k").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ApiBadRequest);
    assert_eq!(error.details()["serverDetails"][0]["code"], "DEPENDENCY_UNKNOWN");
}

#[test]
fn a_conflict_names_the_run_to_follow() {
    let mut line = Line::new(Server::new());
    let first = line.submit(&independent(&["a"]), "größe 7").unwrap();
    assert_eq!(line.submit(&independent(&["a"]), "größe 7").unwrap(), first);
    let error = line.submit(&independent(&["b"]), "größe 7").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ApiConflict);
    let existing = error.details()["existingRunId"].as_str().unwrap().to_owned();
    assert_eq!(existing, first);
    assert_eq!(line.watch(&existing, None).1.unwrap()["status"]["state"], "completed");
}

#[test]
fn a_watch_rides_out_an_outage_and_a_rate_limit() {
    let busy = Fault::Answer(429, "application/json", "{}");
    let down = Fault::Answer(500, "application/json", "{}");
    let mut faults = vec![Fault::None, busy];
    faults.extend(vec![down; 6]);
    let mut line = Line::new(Server::new()).fault(faults);
    let run_id = line.submit(&independent(&["a"]), "k").unwrap();
    let (seen, outcome) = line.watch(&run_id, None);
    assert_eq!(outcome.unwrap()["status"]["state"], "completed");
    assert_eq!(seen, ["completed"]);
    assert!(line.slept.contains(&7_000.0), "Retry-After is kept: {:?}", line.slept);
}

#[test]
fn a_watch_ends_where_waiting_cannot_help() {
    for (answer, expected) in [
        (Fault::Answer(401, "application/json", "{}"), ErrorCode::ApiUnauthorized),
        (Fault::Answer(200, "text/html", "<html>"), ErrorCode::ApiResponseInvalid),
    ] {
        let mut line = Line::new(Server::new()).fault([Fault::None, answer]);
        let run_id = line.submit(&independent(&["a"]), "k").unwrap();
        let error = line.watch(&run_id, None).1.unwrap_err();
        assert_eq!((error.code(), &error.details()["runId"]), (expected, &json!("run-1")));
    }
    let mut line = Line::new(Server::new());
    assert_eq!(code(line.watch("no/such run", None).1), ErrorCode::ApiNotFound);
    let mut line = Line::new(Server::with_tool(|_| None));
    let run_id = line.submit(&independent(&["a"]), "k").unwrap();
    line.faults.extend(vec![Fault::Lost; 1_000]);
    assert_eq!(code(line.watch(&run_id, None).1), ErrorCode::ApiUnreachable);
    assert!((60_000.0..120_000.0).contains(&line.clock()), "gave up after {} ms", line.clock());
}

#[test]
fn the_limit_of_a_watch_holds_while_the_server_is_away() {
    let mut line = Line::new(Server::with_tool(|_| None));
    let run_id = line.submit(&independent(&["a"]), "k").unwrap();
    line.faults.extend(vec![Fault::Answer(429, "application/json", "{}"); 1_000]);
    assert_eq!(code(line.watch(&run_id, Some(10_000.0)).1), ErrorCode::WaitTimeout);
    assert!(line.clock() <= 10_010.0, "waited {} ms", line.clock());
}

#[test]
fn what_the_facade_asks_for_by_name() {
    let definition = with(independent(&["a"]), "/tasks/a/result_key", "a_result");
    let body = json!({"workflow_definition": definition, "inputs": {}});
    let (line, submitted) =
        Line::new(Server::new()).operate("submit", &json!({"bodyText": body.to_string(), "key": "k"}));
    let submitted = submitted.unwrap();
    assert_eq!(
        (&submitted["runId"], &submitted["data"]["workflow_run_id"]),
        (&json!("run-1"), &json!("run-1"))
    );
    let run = json!({"runId": "run-1"});
    let (mut line, status) = line.operate("status", &run);
    assert_eq!(status.unwrap()["state"], "running");
    line.sleep(1_000.0);
    let (line, page) = line.operate("list", &json!({"pageSize": 5}));
    let page = page.unwrap();
    assert_eq!((&page["total"], &page["raw"]["page_size"]), (&json!(1), &json!(5)));
    let (line, steps) = line.operate("steps", &run);
    assert_eq!(steps.unwrap()["a"]["stdout"], "a");
    let (line, cancelled) = line.operate("cancel", &run);
    assert_eq!(cancelled.unwrap(), false);
    let ended = json!({"status": "completed", "result": {"a_result": {"stdout": "a"}}});
    let (line, result) = line.conclude("run-1", &ended);
    assert_eq!(result.unwrap()["tasks"]["a"]["returncode"], 0);
    let (line, missing) = line.operate("status", &json!({"runId": ""}));
    assert_eq!(missing.unwrap_err().code(), ErrorCode::OptionInvalid);
    let (_, unknown) = line.operate("fly", &run);
    assert_eq!(unknown.unwrap_err().code(), ErrorCode::NotSupported);
}

#[test]
fn a_result_survives_servers_that_keep_less() {
    let ended = json!({"status": "completed", "result": {"a_result": {"stdout": "x"}}});
    let refused = |status| Fault::Answer(status, "application/json", "{}");
    for faults in [vec![refused(404)], vec![refused(403)], vec![refused(501)], vec![refused(500); 4]] {
        let (_, result) = Line::new(Server::new()).fault(faults).conclude("r", &ended);
        assert_eq!(result.unwrap()["tasks"]["a"]["stdout"], "x");
    }
    // Steps without results, and logs that have the output.
    let steps =
        Fault::Answer(200, "application/json", r#"{"steps": [{"step_name": "b", "status": "failed"}]}"#);
    let logs = Fault::Answer(200, "application/json", r#"[{"task_name": "b", "output_stderr": "no"}]"#);
    let (_, result) = Line::new(Server::new()).fault([steps, logs]).conclude("r", &ended);
    let tasks = &result.unwrap()["tasks"];
    assert_eq!((&tasks["b"]["state"], &tasks["b"]["stderr"]), (&json!("failed"), &json!("no")));
}

#[test]
fn a_cancellation_whose_answer_was_lost_was_ours() {
    let mut line = Line::new(Server::with_tool(|_| None));
    let run_id = line.submit(&independent(&["a"]), "k").unwrap();
    line.faults.push_back(Fault::AnswerLost);
    let (_, cancelled) = line.operate("cancel", &json!({"runId": run_id}));
    assert_eq!(cancelled.unwrap(), true);
}

/// Reads a recorded answer as the client does.
fn read(response: &HttpResponse) -> Result<Value> {
    let circuit = &mut Circuit::default();
    let config = ClientConfig::new("http://h", "").unwrap();
    let mut call = Call::new(config, Operation::get_run("r").unwrap()).once();
    call.received(response, 0.0, 0.0, circuit);
    match call.next_action(0.0, circuit) {
        Action::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_answers_of_the_happy_path_are_read() {
    let (mut submitted, mut completed) = (0, 0);
    let happy = wire_names().into_iter().filter(|name| name.contains("happy"));
    for exchange in happy.flat_map(|name| exchanges(&name)) {
        let data = read(&exchange.response).unwrap();
        if exchange.definition().is_some() {
            assert_eq!(run_id_of(&data).unwrap().len(), 36);
            submitted += 1;
        } else if exchange.is_status() {
            let status = run_status(&data, "asked");
            assert_eq!(status["state"], data["status"], "{}", exchange.file);
            assert_eq!(status["error"], Value::Null);
            if State::read(status["state"].as_str().unwrap()) == State::Completed {
                assert_eq!(status["result"], data["result"]);
                assert!(status["result"]["output"]["stdout"].is_string(), "{}", exchange.file);
                assert!(task_results(&data, None, None).is_object());
                completed += 1;
            }
        }
    }
    assert!(submitted >= 4 && completed >= 4, "{submitted} submissions, {completed} ends");
}

#[test]
fn a_recorded_run_of_one_task_gives_the_result_of_that_task() {
    let recorded = exchanges("highway-0.1.1__wait_true_happy.json");
    let last = recorded.iter().rfind(|exchange| exchange.is_status()).unwrap();
    let tasks = task_results(&read(&last.response).unwrap(), None, None);
    assert_eq!(tasks["a"]["result"]["parsed_result"], json!({"z": 1}), "{tasks}");
}

#[test]
fn every_recorded_status_is_read_or_refused_with_a_code() {
    let mut seen = 0;
    for exchange in wire_names().iter().flat_map(|name| exchanges(name)) {
        let answer = read(&exchange.response);
        if !exchange.is_status() {
            continue;
        }
        seen += 1;
        match answer {
            Ok(data) => {
                let status = run_status(&data, "asked");
                let said = data.get("status").or_else(|| data.get("state")).and_then(Value::as_str);
                let state = State::read(said.unwrap_or_default());
                assert_eq!(status["state"], state.as_str(), "{}", exchange.file);
                let must_fail = matches!(state, State::Failed | State::TimedOut);
                let has_error = status["error"].is_object();
                assert!(has_error == must_fail || state == State::Cancelled, "{}: {status}", exchange.file);
                assert!(task_results(&data, None, None).is_object());
            }
            // One server answers a question for a run with nothing.
            Err(error) => assert!(
                exchange.response.status >= 300 || error.code() == ErrorCode::ApiResponseInvalid,
                "{}: {error}",
                exchange.file
            ),
        }
    }
    assert!(seen > 50, "{seen}");
}
