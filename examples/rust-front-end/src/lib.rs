//! A front end in Rust: it defines a workflow, runs it on a Highway server, and shows what comes of it. The same with Leptos,
//! Yew or Dioxus: `report` is an ordinary async function.

use highway_wasm::{Driver, Error, Highway, RunStatus};
use serde::Deserialize;
use serde_json::json;
use wasm_bindgen::prelude::*;

/// What the task `report` gives.
#[derive(Deserialize)]
struct Report {
    greeting: String,
}

fn workflow() -> Result<Driver, Error> {
    let mut driver = Driver::new("front_end_report");
    let greet = driver.tool("greet", "test.greet", json!({"name": "{{inputs.name}}"}))?;
    let _ = driver.tool("report", "test.report", json!({"text": greet.result("text").to_string()}))?.depends([&greet]).retries(1);
    Ok(driver)
}

async fn report(endpoint: &str, name: &str, show: impl FnMut(RunStatus) + 'static) -> Result<Report, Error> {
    let highway = Highway::builder().endpoint(endpoint).build()?;
    let run = highway.start(&workflow()?).inputs(json!({"name": name})).await?;
    run.watch(show).await?.task("report")?.result()
}

/// Runs the workflow; `show` is called with each state. Gives the greeting; throws an error whose `code` is stable.
///
/// # Errors
///
/// What goes wrong on the way.
#[wasm_bindgen]
pub async fn run(endpoint: String, name: String, show: js_sys::Function) -> Result<String, JsValue> {
    let tell = move |status: RunStatus| {
        // What the page does with it is its own affair.
        let _ = show.call1(&JsValue::NULL, &status.state.as_str().into());
    };
    match report(&endpoint, &name, tell).await {
        Ok(report) => Ok(report.greeting),
        Err(error) => {
            let thrown = js_sys::Error::new(error.message());
            thrown.set_name(error.code().as_str());
            Err(thrown.into())
        }
    }
}
