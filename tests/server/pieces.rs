//! Long lists are written in pieces: joined they are the whole answer, and no piece is much larger than its bound.

use crate::support::{Server, wait};
use highway_wasm::engine::server::{BYTES, ITEMS, Instruction, Reply, handle, rest};
use highway_wasm::engine::{step_logs, steps_view};
use highway_wasm::http::HttpRequest;
use highway_wasm::json::{parse_json, write_json};
use serde_json::{Value, json};

const SIZES: [usize; 6] = [0, 1, ITEMS - 1, ITEMS, ITEMS + 1, 2 * ITEMS + 300];

fn get(path: &str) -> HttpRequest {
    HttpRequest { method: "GET".into(), url: format!("/api/v1{path}"), headers: Vec::new(), body: None }
}

/// What the next piece is asked for with.
fn token_of(reply: &Reply) -> Option<String> {
    match &reply.instruction {
        Some(Instruction::Rest(token)) => Some(token.clone()),
        None => None,
        Some(other) => panic!("{other:?}"),
    }
}

/// The pieces of an answer.
fn pieces(server: &mut Server, path: &str) -> Vec<String> {
    let request =
        HttpRequest { method: "GET".into(), url: format!("/api/v1{path}"), headers: Vec::new(), body: None };
    let first = handle(&mut server.engine, &request, "", server.now);
    let mut next = token_of(&first);
    let first = first.response;
    assert_eq!(first.status, 200, "{path}: {}", first.body);
    let mut pieces = vec![first.body];
    while let Some(token) = next {
        let (piece, after) = rest(&server.engine, &token).unwrap();
        pieces.push(piece);
        next = after;
    }
    pieces
}

/// Checks the pieces of an answer against the data that it has, `largest` being the bytes of its largest item.
fn check(server: &mut Server, path: &str, expected: &Value, items: usize, largest: usize) {
    let pieces = pieces(server, path);
    let whole = write_json(&json!({"status": "success", "success": true, "data": expected}));
    assert_eq!(pieces.concat(), whole, "{path}");
    check_bounds(&pieces, path, items, largest);
}

fn check_bounds(pieces: &[String], path: &str, items: usize, largest: usize) {
    const AROUND: usize = 400;
    for piece in pieces {
        assert!(piece.len() < BYTES + largest + AROUND, "{path}: {} bytes", piece.len());
    }
    assert!(pieces.len() >= items.div_ceil(ITEMS), "{path}: {items} items in {} pieces", pieces.len());
}

fn now() -> &'static str {
    "2030-01-01T00:00:00.000Z"
}

/// A server with the run `run-1`, which takes a signal `s` after an hour, and waits for ever then.
fn waiting() -> Server {
    let mut server = Server::new();
    let event = |id: &str, after: &str, event: &str| json!({"task_id": id, "operator_type": "wait_for_event", "event_name": event, "dependencies": [after]});
    let tasks = json!({"hour": wait("hour", &[], 3_600), "take": event("take", "hour", "s"),
        "wait": event("wait", "take", "never")});
    let workflow = json!({"name": "waiting", "version": "1.0.0", "tasks": tasks});
    assert_eq!(server.post("/workflows", &json!({"workflow_definition": workflow})).status, 201);
    server
}

fn payload(number: usize, bytes: usize) -> Value {
    json!({"number": number, "text": "x".repeat(bytes), "more": [1.50, null, {"é": "\n"}]})
}

/// Numbers of items and the bytes that each of them has.
fn cases() -> impl Iterator<Item = (usize, usize)> {
    SIZES.into_iter().map(|count| (count, 10)).chain([(9, 100_000), (3, 300_000), (40, BYTES)])
}

#[test]
fn signals() {
    for (count, bytes) in cases() {
        let mut server = waiting();
        let mut expected = Vec::new();
        for number in 0..count {
            let payload = payload(number, bytes);
            let body = json!({"signal_name": "s", "signal_payload": payload});
            server.post("/workflows/run-1/signals", &body).data();
            expected.push(json!({"signal_name": "s", "signal_payload": payload, "created_at": now()}));
        }
        let expected = json!({"workflow_run_id": "run-1", "signals": expected});
        check(&mut server, "/workflows/run-1/signals", &expected, count, bytes + 200);
    }
}

#[test]
fn signals_that_are_taken_meanwhile_hide_no_later_ones() {
    let mut server = waiting();
    for number in 0..ITEMS + 100 {
        server.now += 1;
        let body = json!({"signal_name": "s", "signal_payload": number});
        server.post("/workflows/run-1/signals", &body).data();
    }
    let whole = pieces(&mut server, "/workflows/run-1/signals");
    let token = handle(&mut server.engine, &get("/workflows/run-1/signals"), "", server.now);
    let token = token_of(&token).unwrap();
    server.advance(3_600_000);
    assert_ne!(pieces(&mut server, "/workflows/run-1/signals"), whole, "the first one is taken");
    assert_eq!(rest(&server.engine, &token), Some((whole[1].clone(), None)));
}

#[test]
fn updates_and_their_history() {
    for (count, bytes) in cases() {
        let mut server = waiting();
        let mut expected = Vec::new();
        for number in 0..count {
            let payload = payload(number, bytes);
            let body = json!({"update_name": "u", "update_payload": payload, "timeout_seconds": 600});
            server.post("/workflows/run-1/updates", &body).data();
            expected.push(json!({"update_id": number.to_string(), "update_name": "u", "update_payload": payload,
                "status": "PENDING", "result": null, "error": null, "created_at": now(), "completed_at": null}));
        }
        expected.reverse();
        for (path, limit) in [("updates", count), ("updates/history", 50), ("updates/history?limit=501", 501)]
        {
            let some: Vec<Value> = expected.iter().take(limit).cloned().collect();
            let (path, shown) = (format!("/workflows/run-1/{path}"), some.len());
            let expected = json!({"workflow_run_id": "run-1", "total": shown, "updates": some});
            check(&mut server, &path, &expected, shown, bytes + 400);
        }
    }
}

#[test]
fn steps_logs_and_events() {
    for count in SIZES {
        let mut server = Server::new();
        let task =
            json!({"task_id": "a", "operator_type": "task", "function": "tools.shell.run", "args": ["x"]});
        let items = Value::from((0..count).collect::<Vec<_>>()).to_string();
        let each = json!({"task_id": "each", "operator_type": "foreach", "items": items, "loop_body": [task], "parallel": true});
        let workflow = json!({"name": "many", "version": "1.0.0", "tasks": {"each": each}});
        server.post("/workflows", &json!({"workflow_definition": workflow})).data();
        server.advance(3_600_000);
        let run = server.engine.find("run-1").unwrap().1;
        let (steps, logs) = (steps_view(run, None), step_logs(run, None));
        let one = step_logs(run, Some("each"));
        assert_eq!(logs["logs"].as_array().unwrap().len(), count);
        assert_eq!(steps["total_steps"], count + 1);
        check(&mut server, "/workflows/run-1/steps", &steps, count + 1, 1_000);
        check(&mut server, "/workflows/run-1/steps/logs", &logs, count, 1_000);
        check(&mut server, "/workflows/run-1/steps/each/logs", &one, 0, 1_000);
        let limit = if count % 2 == 0 { 1_000 } else { ITEMS };
        let path = format!("/workflows/run-1/events?limit={limit}");
        let events = pieces(&mut server, &path);
        let whole = parse_json(&events.concat()).unwrap();
        assert_eq!(write_json(&whole), events.concat());
        let shown = whole["data"]["events"].as_array().unwrap();
        assert_eq!(shown.len(), limit.min(2 * count + 4));
        assert_eq!(shown[0]["event_type"], "workflow_created");
        assert!(shown.is_sorted_by_key(|event| event["timestamp"].as_str().unwrap().to_owned()));
        check_bounds(&events, &path, shown.len(), 1_000);
    }
}

#[test]
fn large_logs() {
    let mut server =
        Server::with_tool(|_| Some((500, Ok(json!({"stdout": "\u{1}".repeat(60_000), "stderr": "e"})))));
    let tasks = (0..20).map(|number| {
        let id = format!("t{number}");
        (
            id.clone(),
            json!({"task_id": id, "operator_type": "task", "function": "tools.shell.run", "args": ["x"]}),
        )
    });
    let tasks: serde_json::Map<String, Value> = tasks.collect();
    let workflow = json!({"name": "loud", "version": "1.0.0", "tasks": tasks});
    server.post("/workflows", &json!({"workflow_definition": workflow})).data();
    server.advance(3_600_000);
    let logs = step_logs(server.engine.find("run-1").unwrap().1, None);
    assert_eq!(logs["logs"].as_array().unwrap().len(), 40);
    check(&mut server, "/workflows/run-1/steps/logs", &logs, 40, 400_000);
}

#[test]
fn artifacts() {
    for count in [0, 1, ITEMS / 2, ITEMS / 2 + 1, ITEMS + 7] {
        let mut server = Server::new();
        let (mut ids, mut items) = (Vec::new(), Vec::new());
        for number in 0..count {
            let body = json!({"content": format!("{:04}", 1_000 + number)});
            let kept = server.post("/artifacts", &body).data().clone();
            ids.push(kept["artifact_id"].clone());
            items.push(kept);
        }
        let data = json!({"artifacts": ids, "items": items, "count": count});
        let whole = json!({"artifacts": ids, "items": items, "count": count, "status": "success", "success": true, "data": data});
        let pieces = pieces(&mut server, "/artifacts");
        assert_eq!(pieces.concat(), write_json(&whole));
        check_bounds(&pieces, "/artifacts", 4 * count, 500);
    }
}

#[test]
fn schedules() {
    for (count, bytes) in [(0, 0), (1, 0), (ITEMS + 1, 10), (9, 100_000)] {
        let mut server = waiting();
        let mut expected = Vec::new();
        for number in 0..count {
            let body = json!({"workflow_name": "waiting", "job_name": format!("job-{number}"),
                "schedule_cron": "0 0 1 1 *", "inputs": payload(number, bytes)});
            expected.push(server.post("/schedules", &body).data().clone());
        }
        let expected = json!({"total": count, "schedules": expected});
        check(&mut server, "/schedules", &expected, count, bytes + 1_000);
    }
}

#[test]
fn a_list_that_is_gone_has_no_further_piece() {
    let server = Server::new();
    for token in ["", "[]", "[\"/api/v1/workflows/none/steps\",0,500,0,500]", "[\"/api/v1/health\",0,0,0,0]"]
    {
        assert_eq!(rest(&server.engine, token), None, "{token}");
    }
}
