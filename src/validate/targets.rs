//! Routes, callbacks, joins, branches and the start must name operators that exist, and every case of a switch must be
//! possible.

use super::branches::Branch;
use super::hints::meant;
use super::links::{Kind, Target, targets};
use super::scope::Scope;
use crate::definition::{MultiChoice, Operation, Switch};
use crate::error::{Diagnostic, ErrorCode};
use crate::json::child_path;
use crate::template::{Path, Syntax, paths};
use crate::text::names::NameIndex;

pub(super) fn check(scope: &Scope<'_>, branches: &[Branch], findings: &mut Vec<Diagnostic>) {
    let inside =
        NameIndex::new(branches.iter().flat_map(|branch| branch.workflow.tasks.iter().map(|(key, _)| key)));
    findings.extend(start(scope));
    for (at, operator) in scope.operators() {
        for target in targets(operator) {
            let is_known = scope.index.get(target.id).is_some()
                || match target.kind {
                    Kind::Route => false,
                    // A callback may name an operator outside the branch.
                    Kind::Callback => scope.is_outside(target.id),
                    // A join may name an operator of a branch.
                    Kind::Join => inside.get(target.id).is_some(),
                };
            if !is_known {
                findings.push(unknown(scope, at, &target));
            }
        }
        match &operator.operation {
            Operation::Switch(switch) => cases(switch, &scope.path(at), findings),
            Operation::Parallel(fork) => {
                let mut lists = fork.branches.iter().map(|(name, ids)| (name, ids.as_slice()));
                members(scope, branches, at, &mut lists, "", findings);
            }
            Operation::MultiChoice(choice) => {
                let mut lists = choice.branches.iter().map(|(name, branch)| (name, branch.tasks.as_slice()));
                members(scope, branches, at, &mut lists, "/tasks", findings);
                findings.extend(too_few(scope, at, choice));
            }
            _ => {}
        }
    }
}

/// The number of branches of a choice that can never be enough. A warning, since the number may be Highway's default
/// and Highway accepts it.
fn too_few(scope: &Scope<'_>, at: usize, choice: &MultiChoice) -> Option<Diagnostic> {
    let (least, count) = (choice.minimum_branches, choice.branches.iter().len());
    usize::try_from(least).ok().filter(|least| *least > count)?;
    let message =
        format!("`{}` always fails: it must take at least {least} of {count} branches", scope.id(at));
    let finding = Diagnostic::warning(ErrorCode::FieldValueInvalid, scope.path(at), message);
    Some(finding.with_help("add branches, or lower `minimum_branches`"))
}

fn start(scope: &Scope<'_>) -> Option<Diagnostic> {
    let start = scope.workflow.start_task.as_deref().filter(|start| !start.is_empty())?;
    if scope.index.get(start).is_some() {
        return None;
    }
    let message = format!("the workflow starts with `{start}` which does not exist");
    let path = format!("{}/start_task", scope.base);
    let finding = Diagnostic::error(ErrorCode::TargetUnknown, path, message);
    Some(finding.with_any_help(scope.advice(start, "")))
}

fn unknown(scope: &Scope<'_>, at: usize, target: &Target<'_>) -> Diagnostic {
    let (id, own) = (target.id, scope.id(at));
    let code = match target.kind {
        Kind::Join => ErrorCode::JoinTaskUnknown,
        _ => ErrorCode::TargetUnknown,
    };
    let message = format!("task `{own}` {} `{id}` which does not exist", target.verb);
    let path = format!("{}{}", scope.path(at), target.path);
    Diagnostic::error(code, path, message).with_any_help(scope.advice(id, own))
}

/// A branch that lists ids has a workflow. The ids are operators of that workflow or, in older definitions, of the
/// workflow around it.
fn members<'a>(
    scope: &Scope<'_>,
    branches: &[Branch],
    fork: usize,
    lists: &mut dyn Iterator<Item = (&'a str, &'a [String])>,
    key: &str,
    findings: &mut Vec<Diagnostic>,
) {
    // Branches are sorted by their forks.
    let (_, own) = branches.split_at(branches.partition_point(|branch| branch.fork < fork));
    let names = NameIndex::new(own.iter().take_while(|it| it.fork == fork).map(|it| it.name.as_str()));
    for (name, ids) in lists {
        let place = child_path(&format!("{}/branches", scope.path(fork)), name);
        let Some(branch) = names.get(name).and_then(|at| own.get(at)) else {
            let workflows = scope.items.get(fork).and_then(|item| item.operator.operation.branch_workflows());
            // Branches that are nested too deeply exist but were not read.
            if !ids.is_empty() && workflows.is_none_or(|it| !it.contains_key(name)) {
                let message = format!(
                    "branch `{name}` of `{}` names tasks, but has no workflow to run",
                    scope.id(fork)
                );
                let help = format!("put its tasks into `branch_workflows` as `{name}`");
                findings.push(Diagnostic::warning(ErrorCode::TargetUnknown, place, message).with_help(help));
            }
            continue;
        };
        let tasks = NameIndex::new(branch.workflow.tasks.iter().map(|(key, _)| key));
        for (position, id) in ids.iter().enumerate() {
            if tasks.get(id).is_some() || scope.index.get(id).is_some() {
                continue;
            }
            let message =
                format!("branch `{name}` of `{}` names `{id}` which does not exist", scope.id(fork));
            let path = format!("{place}{key}/{position}");
            let finding = Diagnostic::warning(ErrorCode::TargetUnknown, path, message);
            findings.push(finding.with_any_help(scope.hints.nearest(id, &mut tasks.names()).map(meant)));
        }
    }
}

/// Reports a value without a template: it never changes, so at most one case is ever chosen.
fn cases(switch: &Switch, path: &str, findings: &mut Vec<Diagnostic>) {
    let value = &switch.switch_on;
    if value.contains("{{") || !paths(value, Syntax::BracesAndDollar).is_empty() {
        return;
    }
    for (case, _) in switch.cases.iter().filter(|(case, _)| case != value) {
        let message = format!("case `{case}` never matches: the value is always `{value}`");
        let path = child_path(&format!("{path}/cases"), case);
        let example = if Path::parse(value).is_some() { value } else { "check.status" };
        let help = format!("write the value as a template: `{{{{{example}}}}}`");
        findings.push(Diagnostic::warning(ErrorCode::CaseUnreachable, path, message).with_help(help));
    }
}
