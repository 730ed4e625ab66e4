//! The boundary to JavaScript in a page, and a request that the page's own `fetch` sends.
#![cfg(all(target_arch = "wasm32", feature = "bindings", feature = "client"))]

#[path = "../wasm/mod.rs"]
mod wasm;

use highway_wasm::{ErrorCode, Highway};
use serde_json::json;
use wasm::{Object, eval, facts, settled};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// What the facade's host does, with the page's `fetch`.
const HOST: &str = "({
    mostBytes: 1000000,
    fetch: (request, signal) => fetch(request, { signal }),
    failed: String,
    struck: async (text) => text,
    limit: () => ({ end() {} }),
    sleep: async () => true,
    now: () => performance.now(),
    random: () => 0,
    recall: () => 0,
    remember() {},
})";

async fn status_from(endpoint: &str) -> serde_json::Value {
    let config = json!({"endpoint": endpoint, "credential": "k", "retry": {"attempts": 1}}).to_string();
    let arguments: [JsValue; 4] =
        [eval(HOST), config.into(), "status".into(), json!({"runId": "r"}).to_string().into()];
    let promise = Object::glue().await.call("clientCall", &arguments).unwrap();
    facts(&settled(promise).await.unwrap_err())
}

#[wasm_bindgen_test]
async fn a_request_through_the_pages_own_fetch() {
    // The server of these tests knows no such path.
    let origin = eval("location.origin").as_string().unwrap();
    let error = status_from(&origin).await;
    assert_eq!((&error["code"], &error["details"]["status"]), (&json!("API_NOT_FOUND"), &json!(404)));
}

#[wasm_bindgen_test]
async fn a_server_that_cannot_be_reached() {
    let error = status_from("http://127.0.0.1:1").await;
    assert_eq!(error["code"], "API_UNREACHABLE");
    assert!(error["message"].as_str().unwrap().contains("127.0.0.1:1"));
}

/// The client for programs in Rust, over the page's own `fetch`.
fn client(endpoint: &str) -> Highway {
    Highway::builder().endpoint(endpoint).attempts(1).build().unwrap()
}

#[wasm_bindgen_test]
async fn the_client_for_rust_over_the_pages_own_fetch() {
    let origin = eval("location.origin").as_string().unwrap();
    let error = client(&origin).run("r").status().await.unwrap_err();
    assert_eq!((error.code(), &error.details()["status"]), (ErrorCode::ApiNotFound, &json!(404)));
    let error = client("http://127.0.0.1:1").run("r").status().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ApiUnreachable);
}
