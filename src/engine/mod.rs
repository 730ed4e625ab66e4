//! The embedded engine: it runs workflow definitions without a clock, randomness or IO of its own.
//!
//! The host reports what has happened and when ([`Engine::submit`], [`Engine::tool_finished`], [`Engine::tick`],
//! [`Engine::cancel`]). The engine returns [`Output`]: first the records for the journal, then the effects that the
//! host may carry out once the records are kept. The host runs tools, keeps one timer
//! ([`next_wake`](State::next_wake)), and reports the results. Every change of the state is a [`Record`], so replaying
//! the records rebuilds the engine.
//!
//! Each room uses only rooms that come before it in this list, which `tests/rooms` checks:
//!
//! | room | what |
//! | --- | --- |
//! | `config` | how an engine behaves: limits, secrets, clocks of time zones |
//! | `plan` | a definition with all policies in force |
//! | `state` | runs, scopes, steps, schedules, …: data, and questions to it |
//! | `journal` | records, their text, the snapshot |
//! | `apply` | what each record changes: the only writer of the state |
//! | `effects` | what the engine asks of its host |
//! | `machine` | [`Engine`]: the state, and the output that is due |
//! | `tools` | which tools there are, what they report, what they write |
//! | `view` | objects of the API, the timeline |
//! | `decide` | what follows from the state, and from what the host says |
//! | `server` | routes and answers of the REST API |

mod apply;
mod config;
mod decide;
mod effects;
mod journal;
mod machine;
mod plan;
pub mod server;
mod state;
mod tools;
mod view;

pub use config::Config;
pub use config::limits::{Limit, Limits};
pub use config::secrets::Secrets;
pub use config::zones::Zones;
pub use decide::acts::Acts;
pub use decide::artifacts::{ArtifactFault, LARGEST_ARTIFACT};
pub use decide::schedules::ScheduleRequest;
pub use effects::{Effect, Output, ToolCall, write_effects};
pub use journal::record::Record;
pub use journal::snapshot::read::KeptRun;
pub use journal::snapshot::{Snapshot, Standing};
pub use journal::{Journal, write_records};
pub use machine::{Engine, Submission, Submitted};
pub use plan::hash::{definition_hash, uuid_of};
pub use plan::read::plan;
pub use plan::retry::Retry;
pub use plan::{Body, Branch, Breaker, Links, Operation, Plan, Planned, Reflexive, Timetable, ToolUse, Wait};
pub use state::State;
pub use state::artifact::Artifact;
pub use state::definitions::Registered;
pub use state::failure::Failure;
pub use state::output::Stream;
pub use state::positions::{CallId, Placed, RunIx, ScheduleIx, ScopeIx, StepIx, UpdateIx};
pub use state::reports::{Heartbeat, LogLevel, LogLine, Reports};
pub use state::run::{Firing, Parent, Run, RunCreated, RunState, Signal};
pub use state::schedule::{Schedule, ScheduleState};
pub use state::scope::{Scope, ScopeKind};
pub use state::step::{Attempt, Inner, Step, StepState};
pub use state::timeline::{Entry, EntryKind, Link};
pub use state::update::{Update, UpdateState};
pub use tools::builtin::builtin_tools;
pub use view::logs::step_logs;
pub use view::{run_summary, run_view, step_name, steps_view};
