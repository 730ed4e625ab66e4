//! The model of a workflow definition: what a workflow consists of, read from and written as Highway's JSON.

mod advice;
mod delays;
pub mod duration;
mod fields;
mod firings;
mod moment;
mod operation;
mod operator;
mod policy;
mod record;
pub mod schedule;
mod spelling;
mod text;
mod wait;
mod workflow;

pub(crate) use delays::OF_DRIVER;
pub use delays::delayed_task;
pub use duration::Duration;
pub(crate) use fields::Reader;
pub use fields::{Float, Named, Reading};
pub use firings::Offset;
pub(crate) use firings::UTC;
pub use moment::Moment;
pub use operation::{
    ChildWorkflow, ChoiceBranch, Condition, EmitEvent, Foreach, Join, JoinMode, MultiChoice, Operation,
    OperatorType, Parallel, Reflexive, Switch, Task, Terminate, TerminateStatus, Wait, WaitForEvent, While,
};
pub use operator::{Operator, TriggerRule};
pub use policy::{CircuitBreakerPolicy, DataGuard, GuardCheck, RetryPolicy, TimeoutPolicy};
#[cfg(feature = "engine")]
pub(crate) use spelling::as_written;
pub(crate) use text::in_text;
pub use text::{Form, check, read_text};
pub use wait::{Until, WaitFor};
pub(crate) use workflow::name_fault;
pub use workflow::{DeadlineAction, Document, Workflow, read, read_with};
