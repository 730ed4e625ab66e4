//! The embedded engine: runs workflow definitions without a clock, randomness or IO of its own.
//!
//! The host passes in what happened and when ([`Engine::submit`], [`Engine::tool_finished`],
//! [`Engine::tick`], [`Engine::cancel`]); the engine answers with [`Output`]: journal records first, then the
//! effects they permit. The host runs tools, keeps one timer ([`Engine::next_wake`]) and feeds results back.
//! Every change of state is a [`Record`], so replaying the records rebuilds the engine.

mod apply;
mod config;
mod decide;
mod journal;
mod output;
mod plan;
pub mod server;
mod state;
mod tools;
mod view;

pub use config::limits::{Limit, Limits};
pub use config::secrets::Secrets;
pub use config::zones::Zones;
pub use decide::acts::Acts;
pub use decide::artifacts::{Artifact, ArtifactFault, LARGEST_ARTIFACT};
pub use decide::builtin::builtin_tools;
pub use decide::schedules::{Schedule, ScheduleRequest, ScheduleState};
pub use decide::updates::{Update, UpdateState};
pub use journal::checkpoint::Standing;
pub use journal::record::{Parent, Record, Registered, RunCreated};
pub use journal::{Journal, write_records};
pub use output::{Effect, Failure, Output, ToolCall, write_effects};
pub use plan::hash::{definition_hash, uuid_of};
pub use plan::retry::Retry;
pub use plan::{
    Body, Branch, Breaker, Links, Operation, Plan, Planned, Reflexive, Timetable, ToolUse, Wait, plan,
};
pub use state::run::{Attempt, Inner, Run, RunState, Scope, ScopeKind, Signal, Step, StepState};
pub use state::{Config, Engine, Submission, Submitted};
pub use tools::output::Stream;
pub use tools::reports::{Heartbeat, LogLevel, LogLine, Told};
pub use view::timeline::{Entry, EntryKind, Link};
pub use view::{
    RunFilter, run_page, run_summary, run_view, some_steps, step_logs, step_name, step_view, steps_as,
    steps_view,
};
