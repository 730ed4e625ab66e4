//! What a host asks of the engine, and what replies tell it to do.

use crate::support::{START, Server, independent, wait};
use highway_wasm::engine::Engine;
use highway_wasm::engine::server::{self, HEALTH, Instruction, Kind, Reply, kind};
use highway_wasm::http::HttpRequest;
use serde_json::{Value, json};

fn request(method: &str, path: &str, body: Option<&Value>) -> HttpRequest {
    let body = body.map(ToString::to_string);
    HttpRequest { method: method.into(), url: format!("/api/v1{path}"), headers: Vec::new(), body }
}

fn ask(server: &mut Server, method: &str, path: &str, body: Option<&Value>) -> Reply {
    server::handle(&mut server.engine, &request(method, path, body), "run-1", START)
}

/// A server with `run-1`, which waits for an hour.
fn waiting() -> Server {
    let mut server = Server::new();
    let workflow = json!({"name": "w", "version": "1.0.0", "tasks": {"hour": wait("hour", &[], 3_600)}});
    assert_eq!(server.post("/workflows", &json!({"workflow_definition": workflow})).status, 201);
    server
}

#[test]
fn a_request_has_a_kind() {
    let of = |method, path: &str| kind(method, &format!("/api/v1{path}"));
    for path in ["/artifacts", "/artifacts/", "/artifacts?a=b"] {
        assert_eq!(of("POST", path), Kind::Upload, "{path}");
    }
    assert_eq!((of("POST", "/workflows/"), of("GET", "/workflows?page=2")), (Kind::Submission, Kind::Runs));
    assert_eq!(of("GET", "/workflows/a%2Fb/"), Kind::Run("a/b".into()));
    for (method, path) in [
        ("GET", "/artifacts"),
        ("PUT", "/artifacts"),
        ("POST", "/artifacts/id"),
        ("HEAD", "/workflows"),
        ("GET", "/workflows/stats"),
        ("GET", "/workflows/run-1/stream"),
        ("GET", "/nothing"),
    ] {
        assert_eq!(of(method, path), Kind::Other, "{method} {path}");
    }
    assert_eq!(Kind::Run("a".into()).to_json(), json!({"kind": "run", "runId": "a"}));
}

#[test]
fn health_has_the_paths_that_are_listed() {
    for path in HEALTH {
        let request = HttpRequest { method: "GET".into(), url: path.into(), headers: vec![], body: None };
        assert_eq!(Server::new().send(&request).data()["status"], "healthy", "{path}");
    }
}

#[test]
fn a_stream_is_of_a_run_that_is_there() {
    let mut server = waiting();
    for method in ["GET", "HEAD"] {
        let reply = ask(&mut server, method, "/workflows/run-1/stream", None);
        assert_eq!(reply.instruction, Some(Instruction::Stream("run-1".into())), "{method}");
        assert_eq!(reply.response.status, 501, "a host without streams sends this");
    }
    let reply = ask(&mut server, "GET", "/workflows/none/stream", None);
    assert_eq!((reply.response.status, reply.instruction), (404, None));
    let reply = ask(&mut server, "POST", "/workflows/run-1/stream", None);
    assert_eq!((reply.response.status, reply.instruction), (405, None));
    let (run, is_over) = server::run(&server.engine, "run-1").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&run).unwrap(), *server.get("/workflows/run-1").data());
    assert!(!is_over);
    server.advance(3_600_000);
    assert!(server::run(&server.engine, "run-1").unwrap().1);
    assert_eq!(server::run(&server.engine, "none"), None);
}

#[test]
fn an_update_is_waited_for_until_it_has_ended() {
    let mut server = waiting();
    let body = json!({"update_name": "u", "timeout_seconds": 10});
    for path in ["/workflows/run-1/updates", "/workflows/run-1/updates/"] {
        let reply = ask(&mut server, "POST", path, Some(&body));
        assert_eq!(reply.response.status, 202);
        let Some(Instruction::Wait { run_id, update, url }) = reply.instruction else { panic!("{path}") };
        assert_eq!((run_id.as_str(), url), ("run-1", format!("/api/v1/workflows/run-1/updates/{update}")));
    }
    server.advance(20_000);
    let reply = ask(&mut server, "GET", "/workflows/run-1/updates/0", None);
    assert_eq!((reply.response.status, reply.instruction), (408, None));
}

#[test]
fn python_is_compiled_by_the_host_and_goes_on_with_the_rest_of_the_request() {
    let mut engine = Engine::default();
    let source = "def get_workflow(): ...";
    let body = json!({"workflow_definition": null, "python_dsl": source, "inputs": {"a": 1}});
    let request = request("POST", "/workflows", Some(&body));
    let reply = server::handle(&mut engine, &request, "run-1", START);
    assert_eq!(reply.response.status, 501, "a host that cannot compile sends this");
    assert_eq!(reply.instruction, Some(Instruction::Compile(Some(source.into()))));
    assert_eq!(engine.find("run-1").map(|(_, run)| run.id()), None);
    let definition = independent(&["a"]).to_string();
    let reply = server::handle_compiled(&mut engine, &request, &definition, "run-1", START);
    assert_eq!((reply.response.status, reply.instruction), (201, None), "{}", reply.response.body);
    let (_, run) = engine.find("run-1").unwrap();
    assert_eq!(run.created.inputs["a"], 1);
    let reply = server::handle_compiled(&mut engine, &request, "{", "run-2", START);
    assert_eq!(reply.response.status, 400);
}

#[test]
fn python_on_its_own_gives_its_definition() {
    let mut server = Server::new();
    let path = "/dsl_to_json";
    // A host that cannot compile says so, whatever the body is.
    let reply = ask(&mut server, "POST", path, Some(&json!({})));
    assert_eq!((reply.response.status, reply.instruction), (501, Some(Instruction::Compile(None))));
    let empty = request("POST", path, Some(&json!({})));
    let reply = server::handle_compiled(&mut server.engine, &empty, "null", "", START);
    assert!(reply.response.body.contains("BODY_INVALID"), "{}", reply.response.body);
    let body = json!({"code": "c", "workflow_definition": {"not": "this"}});
    let reply = ask(&mut server, "POST", path, Some(&body));
    assert_eq!(
        (reply.response.status, reply.instruction),
        (501, Some(Instruction::Compile(Some("c".into()))))
    );
    let request = request("POST", path, Some(&body));
    let reply = server::handle_compiled(&mut server.engine, &request, r#"{"n":1.50}"#, "", START);
    let (answer, definition) = (reply.response, r#"{"workflow_definition":{"n":1.50}"#);
    assert_eq!((answer.status, answer.body.matches(definition).count()), (200, 2), "{}", answer.body);
}

#[test]
fn operations_of_the_host_have_no_address() {
    let mut engine = Engine::default();
    let mut operate = |operation, subject: &str, body: Option<Value>| {
        let body = body.map(|body| body.to_string());
        let answer = server::operate(&mut engine, (operation, subject), body, "a/b", START);
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    let body = json!({"workflow_definition": independent(&["a"])});
    assert_eq!(operate("submit", "", Some(body)).0, 201);
    assert_eq!(operate("signal", "a/b", Some(json!({"signal_name": "s"}))).0, 200);
    let (_, answer) = operate("signals", "a/b", None);
    assert_eq!(answer["data"]["signals"][0]["signal_name"], "s");
    assert_eq!(operate("approvals", "", None).1["data"]["approvals"], json!([]));
    for operation in ["approve", "reject"] {
        let (status, answer) = operate(operation, "no/key", Some(json!({})));
        assert_eq!((status, answer["code"].as_str()), (404, Some("NOT_FOUND")));
        assert!(answer["message"].as_str().unwrap().contains("`no/key`"), "{answer}");
    }
    for number in 0..600 {
        let mut workflow = independent(&["a"]);
        workflow["name"] = json!(format!("w{number}"));
        workflow["schedule"] = json!("@daily");
        let body = json!({"workflow_definition": workflow, "execute": false});
        assert_eq!(operate("submit", "", Some(body)).0, 201, "{number}");
    }
    let (_, answer) = operate("schedules", "", None);
    let schedules = answer["data"]["schedules"].as_array().unwrap().clone();
    assert_eq!(schedules.len(), 600, "a list is whole");
    let id = schedules[0]["schedule_id"].as_str().unwrap();
    assert_eq!(operate("delete_schedule", id, None).0, 200);
    assert_eq!(operate("fly", "", None).0, 404);
}
