//! The Highway REST API. The client side writes requests and reads responses; the server side, for the
//! embedded engine, does the reverse. Neither does IO: time and randomness come in as arguments.

mod call;
mod config;
mod endpoint;
mod http;
mod operations;
mod response;
mod run;
#[cfg(feature = "engine")]
pub mod server;
mod state;
mod watch;

pub use call::{Action, Call, NetworkFailure};
pub use config::{ClientConfig, RetryPolicy};
pub use endpoint::{Endpoint, encode_segment};
pub use http::{HttpRequest, HttpResponse};
pub use operations::{Operation, run_id_of};
pub use run::{is_run, log_entries, no_run, run_list, run_status, task_results};
pub use state::State;
pub use watch::{Watch, WatchAction};
