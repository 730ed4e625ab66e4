//! The rules for a whole definition, as the server applies them to what it is sent.

use super::dependencies::{Node, dependencies};
use crate::definition::Workflow;
use crate::definition::schedule::Schedule;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;
use crate::names::NameIndex;

/// Everything that is wrong with a definition that could be read.
pub fn workflow(workflow: &Workflow) -> Vec<Diagnostic> {
    let ids = NameIndex::new(workflow.operators.iter().map(|operator| operator.id.as_str()));
    let mut findings: Vec<Diagnostic> = ids
        .repeated()
        .map(|id| {
            let message = format!("two tasks have the id `{id}`");
            Diagnostic::error(ErrorCode::TaskDuplicate, child_path("/tasks", id), message)
        })
        .collect();
    let nodes: Vec<Node<'_>> = workflow
        .operators
        .iter()
        .map(|operator| Node { name: &operator.id, dependencies: &operator.dependencies })
        .collect();
    findings.extend(dependencies(&nodes, "dependencies"));
    if let Some(Err(error)) = workflow.schedule.as_deref().map(Schedule::parse) {
        let finding = Diagnostic::error(error.code(), "/schedule", error.message());
        findings.push(finding.with_help(error.help().unwrap_or_default()));
    }
    findings
}
