//! Highway for programs in Rust: front ends (Leptos, Yew, Dioxus) and workers define and run workflows with it.
//!
//! ```no_run
//! # use highway_wasm::{Driver, Highway, Http, Result};
//! # #[cfg(target_arch = "wasm32")]
//! # async fn run(key: &str) -> Result<()> {
//! #[derive(serde::Deserialize)]
//! struct Report {
//!     users: u32,
//! }
//!
//! let mut driver = Driver::new("nightly_report");
//! let users = driver.http("users", Http::get("https://api.example.org/users?since={{inputs.since}}"))?;
//! let publish = driver.shell("publish", "./publish.sh")?.retries(3).env("COUNT", users.result("response.length"));
//!
//! let highway = Highway::builder().endpoint("https://highway.example").api_key(key).build()?;
//! let run = highway.start(&driver).inputs(serde_json::json!({"since": "2026-01-01"})).await?;
//! let report: Report = run.result().await?.task(&publish)?.result()?;
//! # Ok(())
//! # }
//! ```

mod driver;
#[cfg(target_arch = "wasm32")]
mod fetch_host;
mod following;
mod highway;
mod http;
mod run;
mod task;
mod workflow;

pub use driver::{Definition, Driver};
#[cfg(target_arch = "wasm32")]
pub use fetch_host::FetchHost;
pub use highway::{Highway, HighwayBuilder, Start};
pub use http::Http;
pub use run::{Failure, LogEntry, Progress, Run, RunResult, RunStatus, TaskResult};
pub use task::{Task, TaskName, Text};
pub use workflow::WorkflowBuilder;

use crate::error::{Error, ErrorCode, Result};
use serde::Serialize;
use serde_json::Value;

/// The default host of a client.
#[cfg(target_arch = "wasm32")]
type DefaultHost = FetchHost;
/// Outside WebAssembly there is no `fetch`: the program must bring a host of its own.
#[cfg(not(target_arch = "wasm32"))]
type DefaultHost = std::convert::Infallible;

/// The value as plain data. `path` names the option in an error.
fn plain(value: impl Serialize, path: &str) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()).with_path(path))
}
