//! The embedded engine: runs workflow definitions without a clock, randomness or IO of its own.
//!
//! The host passes in what happened and when ([`Engine::submit`], [`Engine::tool_finished`],
//! [`Engine::tick`], [`Engine::cancel`]); the engine answers with [`Output`]: journal records first, then the
//! effects they permit. The host runs tools, keeps one timer ([`Engine::next_wake`]) and feeds results back.
//! Every change of state is a [`Record`], so replaying the records rebuilds the engine.

mod output;
mod plan;
mod record;
mod retry;
mod run;
mod scheduling;
mod scope;
mod state;
mod view;

pub use output::{Effect, Failure, Output, ToolCall};
pub use plan::{Operation, Plan, Planned, Wait, plan};
pub use record::Record;
pub use retry::Retry;
pub use run::{Attempt, Run, RunState, Step, StepState};
pub use state::{Config, Engine, Submission, Submitted};
pub use view::{RunFilter, run_page, run_view, step_logs, step_view, steps_view};
