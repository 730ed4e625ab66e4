//! A task must wait for the results that it uses, and must not use its own.

use super::links::Kind;
use super::scope::{Item, Scope, result_names};
use super::texts::{POSTCONDITIONS, filled_in, texts};
use crate::definition::{Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::template::names::is_of_engine;
use crate::template::{Part, Path, paths};
use crate::text::names::NameIndex;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// The most steps that all searches together take. The rest is not searched.
const WORK: usize = 2_000_000;

pub(super) fn check(level: &Level<'_>, findings: &mut Vec<Diagnostic>) {
    let scope = level.scope;
    if level.makers.is_empty() {
        return;
    }
    let mut before_maker = Search::default();
    let is_variable = |name: &str| scope.workflow.variables.contains_key(name);
    let called = scope.links.iter().flatten().filter(|(_, kind)| *kind == Kind::Callback);
    let handlers: BTreeSet<usize> = called.map(|(handler, _)| *handler).collect();
    for (at, operator) in scope.operators() {
        let mut uses: Vec<(usize, String, Path)> = Vec::new();
        let mut own: Option<(String, String, Early)> = None;
        let runs_once = runs_once(scope, at) && !handlers.contains(&at);
        texts(operator, &mut |text, path, _| {
            for template in paths(text, filled_in(operator, path)) {
                let makers = level.makers(&template, at);
                let runs_once = runs_once && !path.starts_with(POSTCONDITIONS);
                if own.is_none()
                    && let Some(early) = too_early(scope, &makers, at, path, runs_once)
                    && is_result(scope, &template)
                {
                    own = Some((path.to_owned(), template.to_string(), early));
                }
                let is_awaited = makers.is_empty() || makers.contains(&at);
                let Some(maker) = makers.first().filter(|_| !is_awaited) else { continue };
                if uses.iter().any(|(known, ..)| known == maker)
                    || makers.iter().any(|maker| level.is_before(*maker, at))
                {
                    continue;
                }
                // A task that runs before all of them reads the variable of that name.
                let mut is_first = |maker: &usize| {
                    level.search(&mut before_maker, *maker);
                    before_maker.has(at)
                };
                if !is_variable(&template.root) || !makers.iter().all(&mut is_first) {
                    uses.push((*maker, path.to_owned(), template));
                }
            }
        });
        if let Some((path, template, early)) = own {
            let (message, help) = early.message_and_help(scope, at, &template);
            let path = format!("{}{path}", scope.path(at));
            let finding = Diagnostic::warning(ErrorCode::DependencyMissing, path, message);
            findings.push(finding.with_help(help));
        }
        for (maker, path, template) in uses {
            let (id, needed) = (scope.id(at), scope.id(maker));
            let message = format!(
                "task `{id}` uses `{{{{{template}}}}}`, but does not wait for `{needed}`, whose result it is"
            );
            let finding = Diagnostic::warning(
                ErrorCode::DependencyMissing,
                format!("{}{path}", scope.path(at)),
                message,
            );
            let or = if is_variable(&template.root) {
                format!(", or write `{{{{variables.{template}}}}}` for the variable")
            } else {
                String::new()
            };
            let help = format!("add `{needed}` to the dependencies of `{id}`{or}");
            findings.push(finding.with_help(help).with_related(scope.path(maker)));
        }
    }
}

/// A result that is used before it can exist.
enum Early {
    /// The task's own result.
    Own,
    /// The result of a loop around the task.
    OfLoop(usize),
    /// In the condition of a loop, the result of a task in its body.
    OfBody,
}

/// Why a result cannot exist yet where it is used; `None` if it can.
fn too_early(scope: &Scope<'_>, makers: &[usize], at: usize, path: &str, runs_once: bool) -> Option<Early> {
    let (maker, others) = makers.split_first()?;
    if others.iter().any(|other| other != maker) {
        return None;
    }
    let is_while =
        scope.items.get(at).is_some_and(|item| matches!(item.operator.operation, Operation::While(_)));
    let is_in_loop = |at: usize| scope.items.get(at).is_some_and(|item| item.in_loop);
    if *maker == at {
        let is_condition = is_while && path == "/condition" && !is_in_loop(at);
        return if is_condition { Some(Early::OfBody) } else { runs_once.then_some(Early::Own) };
    }
    (scope.is_around(*maker, at) && !is_in_loop(*maker)).then_some(Early::OfLoop(*maker))
}

impl Early {
    /// The message and the advice.
    fn message_and_help(&self, scope: &Scope<'_>, at: usize, template: &str) -> (String, String) {
        let id = scope.id(at);
        let used = format!("task `{id}` uses `{{{{{template}}}}}`");
        match self {
            Self::Own => (
                format!("{used}, its own result, which exists only when it has ended"),
                "name the result of a task before it, or an input".to_owned(),
            ),
            Self::OfLoop(owner) => (
                format!(
                    "{used}, the result of `{}`, which exists only when all its rounds have ended",
                    scope.id(*owner)
                ),
                "name `{{item}}`, the result of a task of the round, or one of a task before the loop"
                    .to_owned(),
            ),
            Self::OfBody => {
                let name = template.split(['.', '[']).next().unwrap_or(template);
                (
                    format!(
                        "the condition of `{id}` reads `{{{{{template}}}}}`, which does not exist before the first round"
                    ),
                    format!("give it a first value: `variables: {{{name}: …}}`"),
                )
            }
        }
    }
}

/// Reports results that a branch uses but its fork does not wait for. A branch sees the names that were known when its
/// fork started.
pub(super) fn in_branch(own: &Level<'_>, around: &Around<'_>, findings: &mut Vec<Diagnostic>) {
    if around.outwards().all(|around| around.level.makers.is_empty()) {
        return;
    }
    let branch = own.scope;
    let is_own = |template: &Path| {
        let around = branch.around().map(|(scope, _)| scope.workflow);
        let mut workflows = std::iter::once(branch.workflow).chain(around);
        own.names.get(name_of(template)).is_some()
            || workflows.any(|workflow| workflow.variables.contains_key(&template.root))
    };
    let mut reported: Vec<(&str, usize)> = Vec::new();
    for (at, operator) in branch.operators() {
        texts(operator, &mut |text, path, _| {
            for template in paths(text, filled_in(operator, path)) {
                let Some((Around { level, fork, .. }, maker)) = around.not_awaited(&template) else {
                    continue;
                };
                let scope = level.scope;
                if is_own(&template) || reported.contains(&(scope.base, maker)) {
                    continue;
                }
                reported.push((scope.base, maker));
                let (id, needed, fork) = (branch.id(at), scope.id(maker), scope.id(*fork));
                let message = format!(
                    "task `{id}` uses `{{{{{template}}}}}`, but `{fork}`, which starts its branch, does not wait for `{needed}`"
                );
                let path = format!("{}{path}", branch.path(at));
                let finding = Diagnostic::warning(ErrorCode::DependencyMissing, path, message)
                    .with_help(format!("add `{needed}` to the dependencies of `{fork}`"));
                findings.push(finding.with_related(scope.path(maker)));
            }
        });
    }
}

/// A workflow around a branch.
pub(super) struct Around<'a> {
    pub(super) level: &'a Level<'a>,
    pub(super) outer: Option<&'a Self>,
    /// Position of the fork.
    pub(super) fork: usize,
}

impl Around<'_> {
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |around| around.outer)
    }

    /// The operator that gives what a template in a branch names, with its workflow; `None` if a fork waits for one of
    /// them.
    fn not_awaited(&self, template: &Path) -> Option<(&Self, usize)> {
        let mut found = None;
        for around in self.outwards() {
            let makers = around.level.makers(template, around.fork);
            if makers.iter().any(|maker| around.level.is_before(*maker, around.fork)) {
                return None;
            }
            found = found.or_else(|| Some((around, *makers.first()?)));
        }
        found
    }
}

/// Whether an operator runs only once, so that it has no earlier result of its own to read.
fn runs_once(scope: &Scope<'_>, at: usize) -> bool {
    scope.items.get(at).is_some_and(|item| {
        !item.in_loop && !matches!(item.operator.operation, Operation::While(_) | Operation::Reflexive(_))
    })
}

/// Whether a template can only mean a result: no variable has its name, and nothing around the branch.
fn is_result(scope: &Scope<'_>, template: &Path) -> bool {
    let is_given = |name: &str| {
        let gives = |item: &Item<'_>| result_names(item.id, item.operator).any(|own| own == name);
        scope.workflow.variables.contains_key(name)
            || scope.around().any(|(scope, _)| scope.items.iter().any(gives))
    };
    !is_given(name_of(template))
}

/// The name of the result that a template may mean.
fn name_of(template: &Path) -> &str {
    match (template.root.as_str(), template.parts.first()) {
        ("results", Some(Part::Key(name))) => name,
        (root, _) => root,
    }
}

/// The results of a scope, and the order of its operators.
pub(super) struct Level<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// Names of results.
    names: NameIndex<'a>,
    /// The operators that give them, by the position of the name.
    makers: Vec<usize>,
    /// For each operator, those that have ended, or have chosen it, before it starts.
    before: Vec<Vec<usize>>,
    /// The latest search.
    search: RefCell<Search>,
    /// Steps of all searches so far.
    work: Cell<usize>,
}

impl<'a> Level<'a> {
    pub(super) fn new(scope: &'a Scope<'a>) -> Self {
        let (mut names, mut makers): (Vec<&'a str>, Vec<usize>) = (Vec::new(), Vec::new());
        // An operator of a loop that does not exist never runs.
        let are_known = |(_, item): &(usize, &Item<'_>)| !item.in_body || item.owner.is_some();
        for (at, item) in scope.items.iter().enumerate().filter(are_known) {
            for name in result_names(item.id, item.operator).filter(|name| !is_of_engine(name)) {
                names.push(name);
                makers.push(at);
            }
        }
        Self {
            scope,
            names: NameIndex::new(names.into_iter()),
            makers,
            before: before(scope),
            search: RefCell::default(),
            work: Cell::new(0),
        }
    }

    /// The operators that must end before `reader` can read the result that its template names. None once the searches
    /// have taken too many steps.
    fn makers(&self, template: &Path, reader: usize) -> Vec<usize> {
        if self.work.get() >= WORK {
            return Vec::new();
        }
        let found = self.names.all(name_of(template)).filter_map(|at| self.makers.get(at));
        let makers: Vec<usize> = found.map(|at| self.scope.beside(*at, reader)).collect();
        self.spend(makers.len().saturating_sub(1));
        makers
    }

    /// Whether an operator ends before another one starts, or is that one.
    fn is_before(&self, earlier: usize, at: usize) -> bool {
        let mut search = self.search.borrow_mut();
        self.search(&mut search, at);
        search.has(earlier)
    }

    /// Finds the operators that end before `at`.
    fn search(&self, search: &mut Search, at: usize) {
        self.spend(search.run(&self.before, at));
    }

    fn spend(&self, steps: usize) {
        self.work.set(self.work.get().saturating_add(steps));
    }
}

/// For each operator, those that have ended, or have chosen it, before it starts.
fn before(scope: &Scope<'_>) -> Vec<Vec<usize>> {
    let mut before = scope.needs.clone();
    let mut add = |from: usize, to: usize| {
        if let Some(list) = before.get_mut(from) {
            list.push(to);
        }
    };
    for (at, links) in scope.links.iter().enumerate() {
        for (other, kind) in links {
            match kind {
                Kind::Join => add(at, *other),
                _ => add(*other, at),
            }
        }
    }
    for (at, operator) in scope.operators() {
        let body: &[Operator] = operator.operation.loop_body().unwrap_or_default();
        for inner in body.iter().filter_map(|inner| scope.index.get(&inner.task_id)) {
            add(inner, at);
        }
    }
    before
}

/// A search for the operators that end before one.
#[derive(Default)]
struct Search {
    /// That one.
    of: Option<usize>,
    /// How many searches there were. Operators that this one found have this number.
    turn: usize,
    found: Vec<usize>,
}

impl Search {
    /// Searches, unless the latest search was for the same operator. The result is the number of steps this took.
    fn run(&mut self, before: &[Vec<usize>], at: usize) -> usize {
        if self.of.replace(at) == Some(at) {
            return 0;
        }
        self.turn += 1;
        self.found.resize(before.len(), 0);
        let (mut pending, mut steps) = (vec![at], 0);
        while let Some(next) = pending.pop() {
            let Some(found) = self.found.get_mut(next).filter(|found| **found != self.turn) else { continue };
            *found = self.turn;
            let earlier = before.get(next).map(Vec::as_slice).unwrap_or_default();
            steps += earlier.len();
            pending.extend(earlier);
        }
        steps
    }

    fn has(&self, at: usize) -> bool {
        self.found.get(at) == Some(&self.turn)
    }
}
