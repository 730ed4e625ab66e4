//! The client of the Highway REST API. It writes requests and reads responses, without IO: time and randomness are
//! arguments.

mod call;
mod circuit;
mod config;
mod endpoint;
mod expects;
mod following;
mod host;
mod methods;
mod operation;
mod response;
mod run;
mod state;
mod tasks;
mod watch;

pub use crate::http::encode_segment;
pub use call::{Action, Call, NetworkFailure};
pub use circuit::{Circuit, CircuitPolicy};
pub use config::{ClientConfig, Credential, RetryPolicy};
pub use endpoint::Endpoint;
pub use expects::Expects;
pub use following::{Followers, follow};
pub use host::{Answer, Events, Host, Outage, Session, aborted, perform};
pub use methods::{Transport, call, result};
pub use operation::Operation;
pub use run::{is_run, run_id_of, run_list, run_status};
pub use state::State;
pub use tasks::{log_entries, task_results};
pub use watch::{Follow, News, Offers, StreamNews, WatchAction, Watches};
