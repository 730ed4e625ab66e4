//! The embedded engine: runs workflow definitions without a clock, randomness or IO of its own.
//!
//! The host passes in what happened and when ([`Engine::submit`], [`Engine::tool_finished`],
//! [`Engine::tick`], [`Engine::cancel`]); the engine answers with [`Output`]: journal records first, then the
//! effects they permit. The host runs tools, keeps one timer ([`Engine::next_wake`]) and feeds results back.
//! Every change of state is a [`Record`], so replaying the records rebuilds the engine.

mod acting;
mod apply;
mod artifacts;
mod breaker;
mod builtin;
mod checkpoint;
mod definitions;
mod events;
mod guards;
mod hash;
mod inside;
mod joins;
mod journal;
mod limits;
mod meter;
mod missed;
mod output;
mod plan;
mod ready;
mod record;
mod reflexive;
mod retry;
mod run;
mod runs;
mod schedules;
mod scheduling;
mod scope;
mod secrets;
mod starting;
mod state;
mod telling;
mod text;
mod timeline;
mod tools;
mod updates;
mod view;
mod written;
mod zones;

pub use acting::Acts;
pub use artifacts::{Artifact, ArtifactFault, LARGEST_ARTIFACT};
pub use builtin::builtin_tools;
pub use checkpoint::Standing;
pub use hash::{definition_hash, uuid_of};
pub use journal::{Journal, write_records};
pub use limits::{Limit, Limits};
pub use output::{Effect, Failure, Output, ToolCall, write_effects};
pub use plan::{
    Body, Branch, Breaker, Links, Operation, Plan, Planned, Reflexive, Timetable, ToolUse, Wait, plan,
};
pub use record::{Parent, Record, Registered, RunCreated};
pub use retry::Retry;
pub use run::{Attempt, Inner, Run, RunState, Scope, ScopeKind, Signal, Step, StepState};
pub use schedules::{Schedule, ScheduleRequest, ScheduleState};
pub use secrets::Secrets;
pub use state::{Config, Engine, Submission, Submitted};
pub use telling::{Heartbeat, LogLevel, LogLine, Told};
pub use timeline::{Entry, EntryKind, Link};
pub use updates::{Update, UpdateState};
pub use view::{
    RunFilter, run_page, run_summary, run_view, some_steps, step_logs, step_name, step_view, steps_as,
    steps_view,
};
pub use written::Stream;
pub use zones::Zones;
