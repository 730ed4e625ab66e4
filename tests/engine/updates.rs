//! Requests to a run that wait for its answer.

use crate::support::{self, Scenario, Server, independent, with};
use highway_wasm::engine::{RunIx, UpdateIx, UpdateState};
use serde_json::{Value, json};

/// A workflow that waits for an update `ask`; `kwargs` are added to those of the tool.
fn handler(kwargs: Value) -> Value {
    let mut all = json!({"update_name": "ask"});
    all.as_object_mut().unwrap().extend(kwargs.as_object().unwrap().clone());
    json!({"name": "chat", "tasks": {"handle": {"task_id": "handle", "operator_type": "task",
        "function": "tools.update.handle", "result_key": "handled", "kwargs": all}}})
}

fn answering() -> Value {
    handler(json!({"response_tool": "tools.test.answer",
        "response_kwargs": {"text": "{{update_payload.message}}", "to": "{{update_name}}"}}))
}

fn send(scenario: &mut Scenario, name: &str, limit: f64) -> Option<UpdateIx> {
    let update = scenario.engine.update(RunIx::new(0), name, json!({"message": "hi"}), limit, scenario.now);
    scenario.tick();
    update
}

fn state(scenario: &Scenario, update: UpdateIx) -> UpdateState {
    scenario.run().updates.get(update).unwrap().state
}

#[test]
fn a_tool_answers_with_what_the_update_says() {
    let mut run = Scenario::of(&answering());
    run.assert_status("sleeping");
    let update = send(&mut run, "ask", 30.0).unwrap();
    assert_eq!(state(&run, update), UpdateState::Processing);
    let call = run.expect_start("handle");
    assert_eq!(
        (call.tool.as_str(), &call.kwargs),
        ("tools.test.answer", &json!({"text": "hi", "to": "ask"}))
    );
    run.finish(&call, Ok(json!({"response": "hello"})));
    assert_eq!(state(&run, update), UpdateState::Completed);
    let result = run.run().updates.get(update).unwrap().result.clone().unwrap();
    assert_eq!((&result["status"], &result["response"]["response"]), (&json!("success"), &json!("hello")));
    run.assert_status("completed");
    assert_eq!(run.view()["result"]["handled"], result);
    assert_eq!(run.answered, [("run-1".to_owned(), update)]);
}

#[test]
fn an_update_waits_for_its_handler_and_one_without_a_tool_is_answered_at_once() {
    let mut document = handler(json!({}));
    document["tasks"]["before"] = support::task("before", &[]);
    document["tasks"]["handle"]["dependencies"] = json!(["before"]);
    let mut run = Scenario::of(&document);
    let first = send(&mut run, "ask", 30.0).unwrap();
    let second = send(&mut run, "ask", 30.0).unwrap();
    let other = send(&mut run, "tell", 30.0).unwrap();
    assert_eq!(state(&run, first), UpdateState::Pending);
    run.reopen();
    run.succeed("before", json!({}));
    assert_eq!(state(&run, first), UpdateState::Completed, "the oldest comes first");
    assert_eq!(
        run.run().updates.get(first).unwrap().result.as_ref().unwrap()["update_payload"]["message"],
        "hi"
    );
    run.assert_status("completed");
    for left in [second, other] {
        assert_eq!(state(&run, left), UpdateState::Failed, "nobody answers any more");
    }
    assert_eq!(send(&mut run, "ask", 30.0), None);
}

#[test]
fn an_update_that_nobody_answers_in_time_is_told_so_and_the_work_goes_on() {
    let mut run = Scenario::of(&answering());
    let update = send(&mut run, "ask", 5.0).unwrap();
    let late = send(&mut run, "ask", 5.0).unwrap();
    let call = run.expect_start("handle");
    run.advance(5.0);
    assert_eq!((state(&run, update), state(&run, late)), (UpdateState::TimedOut, UpdateState::TimedOut));
    run.finish(&call, Ok(json!({"response": "late"})));
    assert_eq!(state(&run, update), UpdateState::TimedOut, "what has ended stays as it is");
    run.assert_status("completed");
}

#[test]
fn a_handler_that_fails_fails_the_update_and_takes_the_next_one_when_it_is_tried_again() {
    let mut run =
        Scenario::of(&with(answering(), "/tasks/handle/retry_policy", support::attempts(2, 1.0, 1.0)));
    let first = send(&mut run, "ask", 30.0).unwrap();
    run.fail("handle", "TOOL_FAILED");
    assert_eq!(state(&run, first), UpdateState::Failed);
    let second = send(&mut run, "ask", 30.0).unwrap();
    run.advance(1.0);
    run.succeed("handle", json!({}));
    assert_eq!(state(&run, second), UpdateState::Completed);
    run.assert_status("completed");
}

#[test]
fn answers_to_different_updates_have_different_keys() {
    let twice = support::attempts(3, 1.0, 1.0);
    let mut run = Scenario::of(&with(answering(), "/tasks/handle/retry_policy", twice));
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..2 {
        send(&mut run, "ask", 30.0).unwrap();
        keys.insert(run.fail("handle", "TOOL_FAILED").idempotency_key);
        run.advance(1.0);
    }
    assert_eq!(
        keys.len(),
        2,
        "a service that knows the first answer by its key would keep the second: {keys:?}"
    );
}

#[test]
fn a_handler_waits_for_so_long_only() {
    let mut run = Scenario::of(&handler(json!({"timeout_seconds": 60})));
    run.advance(60.0);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
    let message = run.step("handle")["error_details"]["message"].clone();
    assert_eq!(message, "the update `ask` did not come within 60 s");
    let run = Scenario::of(&handler(json!({"update_name": ""})));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TOOL_ARGUMENTS_INVALID");
    let mut run = Scenario::of(&with(answering(), "/tasks/handle/kwargs/response_kwargs/text", "{{ghost}}"));
    let update = send(&mut run, "ask", 30.0).unwrap();
    assert_eq!(state(&run, update), UpdateState::Failed);
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn updates_outlive_the_engine() {
    let mut run = Scenario::of(&answering());
    run.reopen();
    let update = send(&mut run, "ask", 30.0).unwrap();
    let call = run.expect_start("handle");
    run.reopen();
    run.engine.resume(run.now);
    let again = run.engine.take_output().effects;
    let again = again.iter().find_map(|effect| match effect {
        highway_wasm::engine::Effect::StartTool(call) => Some(call.clone()),
        _ => None,
    });
    assert_eq!(again.as_deref(), Some(&call), "the tool is called again, as it was");
    run.advance(30.0);
    assert_eq!(state(&run, update), UpdateState::TimedOut);
    run.finish(&call, Ok(json!({})));
    run.assert_status("completed");
}

#[test]
fn a_cancelled_run_answers_nothing() {
    let mut run = Scenario::of(&answering());
    let update = send(&mut run, "ask", 30.0).unwrap();
    let call = run.expect_start("handle");
    assert!(run.cancel(None));
    run.expect_abort(&call);
    assert_eq!(state(&run, update), UpdateState::Failed);
    run.assert_status("cancelled");
}

#[test]
fn the_api_lists_updates_and_refuses_what_makes_no_sense() {
    let mut server = Server::new();
    server.post("/workflows", &json!({"workflow_definition": answering()}));
    let sent = server
        .post("/workflows/run-1/updates", &json!({"update_name": "ask", "update_payload": {"message": "x"}}));
    assert_eq!(sent.status, 202);
    assert_eq!((&sent.data()["status"], &sent.data()["update_id"]), (&json!("PROCESSING"), &json!("0")));
    let waiting =
        server.post("/workflows/run-1/updates", &json!({"update_name": "tell", "timeout_seconds": 0.1}));
    assert_eq!(waiting.data()["status"], "PENDING");
    assert_eq!(server.get("/workflows/run-1/updates").data()["total"], 2);
    assert_eq!(server.get("/workflows/run-1/updates?update_name=tell").data()["total"], 1);
    server.advance(200);
    assert_eq!(server.get("/workflows/run-1/updates/1").code(), "UPDATE_TIMED_OUT");
    server.advance(800);
    let answer = server.get("/workflows/run-1/updates/0");
    assert_eq!((answer.status, &answer.data()["result"]["response"]["stdout"]), (200, &json!("handle")));
    let history = server.get("/workflows/run-1/updates/history");
    let states: Vec<&Value> =
        history.data()["updates"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(states, ["TIMEOUT", "COMPLETED"]);
    assert_eq!(server.get("/workflows/run-1/updates/history?status=completed&limit=1").data()["total"], 1);
    for (path, body, status, code) in [
        ("/workflows/run-1/updates", json!({"update_name": "ask"}), 409, "RUN_FINISHED"),
        ("/workflows/run-1/updates", json!({}), 400, "BODY_INVALID"),
        (
            "/workflows/run-1/updates",
            json!({"update_name": "ask", "timeout_seconds": 0}),
            400,
            "BODY_INVALID",
        ),
        ("/workflows/ghost/updates", json!({"update_name": "ask"}), 404, "NOT_FOUND"),
    ] {
        let reply = server.post(path, &body);
        assert_eq!((reply.status, reply.code()), (status, code), "{path} {body}");
    }
    assert_eq!(server.get("/workflows/run-1/updates/9").code(), "NOT_FOUND");
    server.post("/workflows", &json!({"workflow_definition": independent(&["a"])}));
}
