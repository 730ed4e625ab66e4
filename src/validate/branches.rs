//! The branches of forks: workflows inside a workflow.

use super::scope::Scope;
use crate::definition::{Reading, Workflow, read_with};
use crate::error::{Diagnostic, Severity};
use crate::json::child_path;

/// A branch of a fork.
pub(super) struct Branch {
    /// Position of the fork.
    pub(super) fork: usize,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) workflow: Workflow,
}

/// The branches of all forks. Their parts are read here, since a definition keeps branches unread.
pub(super) fn branches(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) -> Vec<Branch> {
    let mut branches = Vec::new();
    for (fork, operator) in scope.operators() {
        for (name, branch) in operator.operation.branch_workflows().into_iter().flatten() {
            // The reader has reported a branch that is no object.
            if !branch.is_object() {
                continue;
            }
            let path = child_path(&format!("{}/branch_workflows", scope.path(fork)), name);
            let document = read_with(branch, &path, Reading::default());
            // No rule needs the name of a branch's workflow.
            let name_path = format!("{path}/name");
            findings.extend(document.diagnostics.into_iter().map(|finding| match finding.severity {
                Severity::Error if finding.path == name_path => {
                    Diagnostic { severity: Severity::Warning, ..finding }
                }
                _ => finding,
            }));
            branches.push(Branch { fork, name: name.clone(), path, workflow: document.workflow });
        }
    }
    branches
}
