//! Every operator must be able to start.

use super::links::Kind;
use super::scope::Scope;
use crate::definition::{JoinMode, Operation, Operator, TriggerRule};
use crate::error::{Diagnostic, ErrorCode};
use crate::graph::cycles;

/// The most steps that the search along dependencies takes in one workflow. The rest of the workflow is not searched.
const WORK: usize = 2_000_000;
/// The most circles that are reported.
const MAX_CIRCLES: usize = 20;

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    let routers = Routers::new(scope);
    for (at, operator) in scope.operators().filter(|(_, operator)| is_strict(operator)) {
        followers(scope, &routers, at, operator, findings);
    }
    if scope.links.iter().all(Vec::is_empty) {
        return;
    }
    circles(scope, &routers, findings);
    Ways::new(scope).check(&routers, findings);
}

/// Whether the operator starts only after its dependencies succeeded.
fn is_strict(operator: &Operator) -> bool {
    operator.trigger_rule == TriggerRule::AllSuccess
}

fn is_choice(operator: &Operator) -> bool {
    matches!(operator.operation, Operation::Condition(_) | Operation::Switch(_))
}

fn joins_all(operator: &Operator) -> bool {
    matches!(&operator.operation, Operation::Join(join) if matches!(join.join_mode, JoinMode::AllOf | JoinMode::AllSuccess))
}

fn unreachable(path: String, message: String) -> Diagnostic {
    Diagnostic::warning(ErrorCode::TaskUnreachable, path, message)
}

/// Stands for several routers.
const MANY: usize = usize::MAX;

/// For each operator, the one that starts it by a route or a callback; [`MANY`] for several.
struct Routers(Vec<Option<usize>>);

impl Routers {
    fn new(scope: &Scope<'_>) -> Self {
        let mut routers = vec![None; scope.items.len()];
        for (at, links) in scope.links.iter().enumerate() {
            for (target, _) in links.iter().filter(|(_, kind)| *kind != Kind::Join) {
                if let Some(slot) = routers.get_mut(*target) {
                    *slot = Some(if slot.is_none_or(|known| known == at) { at } else { MANY });
                }
            }
        }
        Self(routers)
    }

    fn of(&self, at: usize) -> Option<usize> {
        self.0.get(at).copied().flatten()
    }
}

/// Reports operators that depend on the end of the run, or on the success of the task that calls them on failure.
fn followers(
    scope: &Scope<'_>,
    routers: &Routers,
    at: usize,
    operator: &Operator,
    findings: &mut Vec<Diagnostic>,
) {
    let needs = scope.needs.get(at).map(Vec::as_slice).unwrap_or_default();
    let found = |on: usize| scope.items.get(on).map(|item| item.operator);
    let is_end =
        |on: usize| found(on).is_some_and(|other| matches!(other.operation, Operation::Terminate(_)));
    let end = needs.iter().copied().find(|on| is_end(*on));
    for (position, on) in needs.iter().copied().enumerate() {
        let Some(other) = found(on) else { continue };
        let path = || format!("{}/dependencies/{position}", scope.path(at));
        // If a choice leads past the end, the end may have been skipped.
        let before_end = |choice: &usize| scope.needs.get(on).is_some_and(|needs| needs.contains(choice));
        let is_left_out = |on: &usize| found(*on).is_some_and(is_choice) && before_end(on);
        if end == Some(on) && needs.iter().all(|on| is_end(*on) || is_left_out(on)) {
            let message = format!("task `{}` never starts: `{}` ends the run", scope.id(at), scope.id(on));
            findings.push(unreachable(path(), message).with_related(scope.path(on)));
        }
        let is_handler = other.on_failure_task_id.as_deref() == Some(operator.task_id.as_str())
            && other.on_success_task_id != other.on_failure_task_id;
        if is_handler && routers.of(at) == Some(on) {
            let message = format!(
                "task `{}` never starts: it is called when `{}` fails, but depends on its success",
                scope.id(at),
                scope.id(on)
            );
            let help = format!("leave `{}` out of its dependencies", scope.id(on));
            findings.push(unreachable(path(), message).with_help(help).with_related(scope.path(on)));
        }
    }
}

/// Reports an operator that needs the one that starts it, or one that it joins, to wait for itself.
fn circles(scope: &Scope<'_>, routers: &Routers, findings: &mut Vec<Diagnostic>) {
    let mut needs = scope.needs.clone();
    for (at, (list, targets)) in needs.iter_mut().zip(&scope.links).enumerate() {
        let waits = |operator: &Operator| {
            !matches!(operator.trigger_rule, TriggerRule::OneSuccess | TriggerRule::OneDone)
        };
        if scope.items.get(at).is_some_and(|item| !waits(item.operator)) {
            list.clear();
        }
        list.extend(routers.of(at).filter(|router| *router != MANY));
        if scope.items.get(at).is_some_and(|item| joins_all(item.operator)) {
            list.extend(targets.iter().filter(|(_, kind)| *kind == Kind::Join).map(|(target, _)| *target));
        }
    }
    for circle in cycles(&needs, MAX_CIRCLES) {
        let steps = circle.iter().zip(circle.iter().cycle().skip(1));
        let is_known =
            |(from, to): &(&usize, &usize)| scope.needs.get(**from).is_some_and(|needs| needs.contains(*to));
        let Some((from, to)) = steps.into_iter().find(|step| !is_known(step)) else { continue };
        let (first, second) = (scope.id(*from), scope.id(*to));
        let is_route = routers.of(*from) == Some(*to);
        let (message, help) = if is_route {
            let help = format!("define `{second}` first, or give both their own `dependencies`");
            (format!("task `{second}` never starts: it needs `{first}`, which it starts itself"), help)
        } else {
            let help = format!("leave `{second}` out of `join_tasks`");
            (format!("task `{second}` never starts: it needs `{first}`, which waits for it"), help)
        };
        let finding = unreachable(scope.path(*to), message).with_help(help);
        findings.push(finding.with_related(scope.path(*from)));
    }
    for (at, targets) in scope.links.iter().enumerate() {
        let joins_itself = targets.iter().any(|(target, kind)| *target == at && *kind == Kind::Join)
            && scope.items.get(at).is_some_and(|item| joins_all(item.operator));
        if joins_itself || routers.of(at) == Some(at) {
            let message = format!("task `{}` never starts: it waits for itself", scope.id(at));
            findings.push(unreachable(scope.path(at), message));
        }
    }
}

/// Finds operators that need one target of a choice and are another target of it themselves. A choice starts one
/// target; an operator whose dependencies are all skipped is skipped too.
struct Ways<'a> {
    scope: &'a Scope<'a>,
    /// For each operator, those that depend on it.
    dependents: Vec<Vec<usize>>,
    /// For each operator, the search that saw it last, and how many of its dependencies that search has not skipped.
    seen: Vec<(usize, usize)>,
    work: usize,
    searches: usize,
}

impl<'a> Ways<'a> {
    fn new(scope: &'a Scope<'a>) -> Self {
        let mut dependents = vec![Vec::new(); scope.items.len()];
        for (at, needs) in scope.needs.iter().enumerate() {
            for on in needs {
                if let Some(list) = dependents.get_mut(*on) {
                    list.push(at);
                }
            }
        }
        Self { scope, dependents, seen: vec![(0, 0); scope.items.len()], work: 0, searches: 0 }
    }

    fn check(&mut self, routers: &Routers, findings: &mut Vec<Diagnostic>) {
        let mut found = vec![false; self.scope.items.len()];
        for (at, operator) in self.scope.operators().filter(|(_, operator)| is_choice(operator)) {
            let ways = self.scope.links.get(at).map(Vec::as_slice).unwrap_or_default();
            let ways = ways.iter().filter(|(_, kind)| *kind == Kind::Route);
            for first in ways.map(|(way, _)| *way).filter(|way| routers.of(*way) == Some(at)) {
                if found.get(first) == Some(&true) {
                    continue;
                }
                for way in self.skipped(first, at) {
                    let is_way = routers.of(way) == Some(at) && !is_called(operator, self.scope.id(way));
                    let Some(slot) = found.get_mut(way).filter(|found| is_way && !**found) else { continue };
                    *slot = true;
                    findings.push(self.finding(at, first, way));
                }
            }
        }
    }

    fn finding(&self, at: usize, first: usize, way: usize) -> Diagnostic {
        let scope = self.scope;
        let message = format!(
            "task `{}` never starts: it needs `{}`, and `{}` takes one of the two",
            scope.id(way),
            scope.id(first),
            scope.id(at)
        );
        let finding = unreachable(format!("{}/dependencies", scope.path(way)), message);
        finding.with_help("give each way its own `dependencies`").with_related(scope.path(at))
    }

    /// The operators that are skipped if `first` is skipped, except `choice`.
    fn skipped(&mut self, first: usize, choice: usize) -> Vec<usize> {
        self.searches += 1;
        let mut skipped = Vec::new();
        let mut pending = vec![first];
        while let Some(at) = pending.pop() {
            for next in self.dependents.get(at).into_iter().flatten().copied() {
                self.work += 1;
                let Some(slot) = self.seen.get_mut(next).filter(|_| self.work <= WORK) else { continue };
                if slot.0 != self.searches {
                    let needs = self.scope.needs.get(next).map(Vec::as_slice).unwrap_or_default();
                    self.work += needs.len();
                    *slot = (self.searches, needs.iter().filter(|on| **on != choice).count());
                }
                slot.1 = slot.1.saturating_sub(1);
                let is_strict = self.scope.items.get(next).is_some_and(|item| is_strict(item.operator));
                if slot.1 == 0 && is_strict && next != choice {
                    skipped.push(next);
                    pending.push(next);
                }
            }
        }
        skipped
    }
}

/// Whether an operator also starts another one by a callback.
fn is_called(operator: &Operator, id: &str) -> bool {
    [&operator.on_success_task_id, &operator.on_failure_task_id]
        .into_iter()
        .any(|callback| callback.as_deref() == Some(id))
}
