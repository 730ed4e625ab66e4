//! Tools that are part of the engine.

use crate::arguments::HANDLE_UPDATE;

/// A tool of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Builtin {
    WaitForBranches,
    WaitForBranch,
    CancelBranch,
    RunWorkflow,
    InitCounter,
    IncrementCounter,
    RequestApproval,
    Schedule,
    HandleUpdate,
}

/// All tools of the engine, by name.
const NAMES: [(&str, Builtin); 13] = [
    ("tools.workflow.wait_for_parallel_branches", Builtin::WaitForBranches),
    ("tools.workflow.wait_for_branch", Builtin::WaitForBranch),
    ("tools.workflow.cancel_branch", Builtin::CancelBranch),
    ("tools.workflow.execute", Builtin::RunWorkflow),
    // The latest Python driver spells `tools.workflow.wait_for_parallel_branches` so.
    ("workflow.wait_for_parallel_branches", Builtin::WaitForBranches),
    ("workflow.wait_for_branch", Builtin::WaitForBranch),
    ("workflow.cancel_branch", Builtin::CancelBranch),
    ("workflow.execute", Builtin::RunWorkflow),
    ("tools.simple_counter.init_counter", Builtin::InitCounter),
    ("tools.simple_counter.increment_counter", Builtin::IncrementCounter),
    ("tools.approval.request", Builtin::RequestApproval),
    ("tools.cron.durable_cron", Builtin::Schedule),
    (HANDLE_UPDATE, Builtin::HandleUpdate),
];

pub(in crate::engine) fn find(name: &str) -> Option<Builtin> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
}

/// Names of the tools that every engine has.
pub fn builtin_tools() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}
