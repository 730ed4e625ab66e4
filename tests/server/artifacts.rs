//! Artifacts, and the Python of definitions, as the REST API has them.

use crate::support::{START, Scenario, Server, graph, independent, with};
use highway_wasm::engine::{Acts, Config, Journal, LARGEST_ARTIFACT, write_records};
use highway_wasm::http::HttpRequest;
use serde_json::{Value, json};

fn kept(server: &mut Server, content: &str) -> String {
    let reply = server.post("/artifacts", &json!({"content": content, "name": "tasks.zip"}));
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.body["artifact_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_upload_names_the_artifact_at_the_top_level_and_in_the_envelope() {
    let mut server = Server::new();
    let reply = server.post("/artifacts", &json!({"content": "TWFu", "name": "tasks.zip"}));
    assert_eq!(reply.status, 201);
    let id = reply.body["artifact_id"].as_str().unwrap();
    assert_eq!((id.len(), &reply.body["size"]), (64, &json!(3)));
    assert_eq!(reply.data()["artifact_id"], id);
    assert_eq!(reply.body["content_type"], "application/zip");
    // The same content is kept once.
    assert_eq!(kept(&mut server, "TWFu"), id);
    let other = kept(&mut server, "TWE=");
    assert_ne!(other, id);
    let list = server.get("/artifacts");
    assert_eq!(list.body["artifacts"], json!([id, other]));
    assert_eq!((&list.body["count"], &list.data()["count"]), (&json!(2), &json!(2)));
}

#[test]
fn a_download_has_the_bytes_until_they_are_deleted() {
    let mut server = Server::new();
    let id = kept(&mut server, "TWFu");
    let request = HttpRequest {
        method: "GET".into(),
        url: format!("/api/v1/artifacts/{id}"),
        headers: Vec::new(),
        body: None,
    };
    let response = server.handle(&request);
    assert_eq!((response.status, response.body.as_str()), (200, "TWFu"));
    assert_eq!(response.header("content-type"), Some("application/zip"));
    assert_eq!(response.header("content-transfer-encoding"), Some("base64"));
    assert_eq!(response.header("content-disposition"), Some("attachment; filename=\"tasks.zip\""));
    let exists = |server: &mut Server| server.get(&format!("/artifacts/{id}/exists")).body["exists"].clone();
    assert_eq!(exists(&mut server), true);
    let deleted = server.request("DELETE", &format!("/artifacts/{id}"), &[], None);
    assert_eq!(deleted.status, 200);
    assert!(deleted.body["message"].is_string());
    assert_eq!(exists(&mut server), false);
    for method in ["GET", "DELETE"] {
        let reply = server.request(method, &format!("/artifacts/{id}"), &[], None);
        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"));
    }
}

#[test]
fn what_is_no_artifact_is_refused() {
    let mut server = Server::new();
    for body in [json!({}), json!({"content": ""}), json!({"content": 7}), json!({"content": "T=="})] {
        let reply = server.post("/artifacts", &body);
        assert_eq!((reply.status, reply.code()), (400, "BODY_INVALID"), "{body}");
    }
    let fits = "AAAA".repeat(LARGEST_ARTIFACT / 3) + "AAA=";
    assert_eq!(server.post("/artifacts", &json!({"content": fits})).status, 201);
    for content in ["AAAA".repeat(LARGEST_ARTIFACT / 3 + 1), "AAAA".repeat(LARGEST_ARTIFACT)] {
        let reply = server.post("/artifacts", &json!({"content": content}));
        assert_eq!((reply.status, reply.code()), (413, "ARTIFACT_TOO_LARGE"));
        assert!(reply.body["message"].as_str().unwrap().contains("8388608 bytes"));
        assert!(reply.body["help"].as_str().unwrap().contains("leave out"));
        assert_eq!(reply.body["details"], json!({"limit": "artifact", "allowed": LARGEST_ARTIFACT}));
    }
    let quoted = server.post("/artifacts", &json!({"content": "TWFu", "name": "a\"\r\nx: y.zip"}));
    let url = format!("/api/v1/artifacts/{}", quoted.body["artifact_id"].as_str().unwrap());
    let response = server.handle(&HttpRequest { method: "GET".into(), url, headers: vec![], body: None });
    assert_eq!(response.header("content-disposition"), Some("attachment; filename=\"a___x_ y.zip\""));
}

#[test]
fn artifacts_and_sources_survive_a_restart() {
    let mut server = Server::new();
    let id = kept(&mut server, "TWFu");
    let gone = kept(&mut server, "TWE=");
    server.request("DELETE", &format!("/artifacts/{gone}"), &[], None);
    let body = with(
        json!({"workflow_definition": independent(&["a"]), "execute": false}),
        "/python_dsl",
        "def get_workflow(): ...",
    );
    let definition = server.post("/workflows", &body).data()["definition_id"].clone();
    server.restart(Config::default());
    assert_eq!(server.get("/artifacts").body["artifacts"], json!([id]));
    assert_eq!(server.engine.artifact(&id).unwrap().content.as_ref(), "TWFu");
    let path = format!("/workflows/definitions/dsl/python/{}", definition.as_str().unwrap());
    assert_eq!(server.get(&path).data()["python_dsl"], "def get_workflow(): ...");
}

#[test]
fn a_definition_that_was_sent_as_json_has_no_python() {
    let mut server = Server::new();
    let body = json!({"workflow_definition": independent(&["a"]), "execute": false});
    let definition = server.post("/workflows", &body).data()["definition_id"].clone();
    let path = format!("/workflows/definitions/dsl/python/{}", definition.as_str().unwrap());
    assert_eq!(server.get(&path).data()["python_dsl"], Value::Null);
    assert_eq!(server.get("/workflows/definitions/dsl/python/none").status, 404);
}

#[test]
fn python_alone_is_not_read_here() {
    let mut server = Server::new();
    let reply = server.post("/workflows", &json!({"python_dsl": "def get_workflow(): ..."}));
    assert_eq!((reply.status, reply.code()), (501, "NOT_IMPLEMENTED"));
    assert!(reply.body["help"].as_str().unwrap().contains("--python-dsl"));
}

#[test]
fn records_of_artifacts_are_read_as_they_were_written() {
    let mut server = Server::new();
    kept(&mut server, "TWFu");
    let id = kept(&mut server, "TWE=");
    server.engine.delete_artifact(&id);
    server.engine.keep_source("h", "source \u{1f600}");
    let records = server.engine.take_output().records;
    assert_eq!(records.len(), 2);
    assert_eq!(Journal::default().read(&write_records(&records)).unwrap(), records);
}

#[test]
fn what_a_tool_does_to_its_run_counts_with_its_result() {
    let mut document = graph(&[("a", &[][..]), ("b", &["a"])]);
    document["variables"] = json!({"counter": 0, "kept": "x"});
    document["tasks"]["b"]["kwargs"] = json!({"seen": "{{counter}}"});
    document["tasks"]["heard"] = json!({"task_id": "heard", "operator_type": "wait_for_event",
        "dependencies": [], "event_name": "counted", "timeout_seconds": 60, "result_key": "heard_result"});
    let mut scenario = Scenario::of(&document);
    let call = scenario.expect_start("a");
    assert_eq!(
        scenario.engine.variables_of_call(call.call),
        *json!({"counter": 0, "kept": "x"}).as_object().unwrap()
    );
    let acts = json!({"variables": {"counter": 1}, "events": [["counted", {"n": 1}]]});
    scenario.engine.tool_acted(call.call, Acts::from_json(acts.clone()), START).unwrap();
    scenario.finish(&call, Ok(json!("done")));
    let next = scenario.expect_start("b");
    assert_eq!(next.kwargs["seen"], 1);
    assert_eq!(scenario.engine.variables_of_call(next.call)["counter"], 1);
    // A call that is over does nothing any more.
    scenario.engine.tool_acted(call.call, Acts::from_json(acts), START).unwrap();
    assert!(scenario.engine.variables_of_call(call.call).is_empty());
    scenario.finish(&next, Ok(json!("done")));
    scenario.assert_status("completed");
    assert_eq!(scenario.step("heard")["result"]["n"], 1);
}
