//! The operators that a rule looks at: those of a workflow or of a branch with their paths, bodies of loops included.

use super::hints::Hints;
use super::links::{Kind, targets};
use crate::definition::{Operator, Workflow};
use crate::json::child_path;
use crate::text::names::NameIndex;

/// One operator.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) operator: &'a Operator,
    /// The id; the key if the id is missing, so that one slip is reported once.
    pub(super) id: &'a str,
    place: Place<'a>,
    /// Whether it runs inside a loop.
    pub(super) in_loop: bool,
    /// Whether that loop is in this scope too.
    pub(super) in_body: bool,
    /// Position of the innermost loop of this scope around it.
    pub(super) owner: Option<usize>,
    /// Whether another operator calls it on failure.
    pub(super) is_handler: bool,
}

/// The key among the tasks, or the path of an operator that stands only in a body.
#[derive(Debug)]
enum Place<'a> {
    Key(&'a str),
    Path(String),
}

/// The names under which templates find the result of an operator.
pub(super) fn result_names<'a>(id: &'a str, operator: &'a Operator) -> impl Iterator<Item = &'a str> {
    std::iter::once(id).chain(operator.result_key.as_deref().filter(move |key| *key != id))
}

/// Deeper nesting of loops and forks is not checked. JSON text cannot nest deeper than this.
const DEPTH: usize = 128;

/// The position of a dependency that names no operator.
pub(super) const NOBODY: usize = usize::MAX;

/// The operators that can name each other.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) workflow: &'a Workflow,
    /// JSON pointer to the workflow.
    pub(super) base: &'a str,
    /// For a branch, the workflow around it and the position of its fork there.
    pub(super) outer: Option<(&'a Self, usize)>,
    pub(super) hints: &'a Hints,
    pub(super) items: Vec<Item<'a>>,
    /// Positions in `items`, by id.
    pub(super) index: NameIndex<'a>,
    /// The dependencies of each item as positions, in their order; [`NOBODY`] for an unknown id.
    pub(super) needs: Vec<Vec<usize>>,
    /// For each operator, the positions of those that it routes to, calls or joins.
    pub(super) links: Vec<Vec<(usize, Kind)>>,
}

impl<'a> Scope<'a> {
    /// The scope of a workflow at a JSON pointer. A branch gets the scope around it as `outer`.
    pub(super) fn new(
        workflow: &'a Workflow,
        base: &'a str,
        outer: Option<(&'a Self, usize)>,
        hints: &'a Hints,
    ) -> Self {
        let fork = outer.and_then(|(outer, fork)| outer.items.get(fork));
        let mut items = items(workflow, base, fork.is_some_and(|fork| fork.in_loop));
        let index = NameIndex::new(items.iter().map(|item| item.id));
        link(&mut items, &index);
        let position = |id: &String| index.get(id).unwrap_or(NOBODY);
        let needs = items.iter().map(|item| item.operator.dependencies.iter().map(position).collect());
        let needs = needs.collect();
        let links = items.iter().map(|item| {
            let named = targets(item.operator).into_iter();
            named.filter_map(|target| Some((index.get(target.id)?, target.kind))).collect()
        });
        let links = links.collect();
        Self { workflow, base, outer, hints, items, index, needs, links }
    }

    /// JSON pointer to an operator.
    pub(super) fn path(&self, at: usize) -> String {
        self.items.get(at).map(|item| item.path(self.base)).unwrap_or_default()
    }

    /// The id of an operator.
    pub(super) fn id(&self, at: usize) -> &'a str {
        self.items.get(at).map_or("", |item| item.id)
    }

    /// The operators with their positions.
    pub(super) fn operators(&self) -> impl Iterator<Item = (usize, &'a Operator)> + '_ {
        self.items.iter().enumerate().map(|(at, item)| (at, item.operator))
    }

    /// The workflows around a branch, and the positions of the forks in them, from the inside out.
    pub(super) fn around(&self) -> impl Iterator<Item = (&'a Self, usize)> + use<'a> {
        std::iter::successors(self.outer, |(scope, _)| scope.outer)
    }

    /// The operator at a position, then the loops around it, then the fork around these, and so on.
    pub(super) fn outwards(&self, at: usize) -> impl Iterator<Item = &Item<'_>> {
        fn next<'s>((scope, at): &(&'s Scope<'s>, usize)) -> Option<(&'s Scope<'s>, usize)> {
            match scope.items.get(*at)?.owner {
                Some(owner) => Some((*scope, owner)),
                None => scope.outer,
            }
        }
        let places = std::iter::successors(Some((self, at)), next).take(DEPTH);
        places.filter_map(|(scope, at)| scope.items.get(at))
    }

    /// The loops of this scope around an operator, from the inside out.
    fn loops(&self, at: usize) -> impl Iterator<Item = usize> {
        let owner = |at: &usize| self.items.get(*at)?.owner;
        std::iter::successors(owner(&at), owner).take(DEPTH)
    }

    /// Whether `owner` is a loop around the operator `at`.
    pub(super) fn is_around(&self, owner: usize, at: usize) -> bool {
        self.loops(at).any(|around| around == owner)
    }

    /// The operator that must end before `reader` can read the result of `maker`: `maker` itself, or the outermost loop
    /// around it that does not contain `reader`.
    pub(super) fn beside(&self, maker: usize, reader: usize) -> usize {
        let mut beside = maker;
        for owner in self.loops(maker) {
            if self.is_around(owner, reader) {
                break;
            }
            beside = owner;
        }
        beside
    }

    /// Whether a workflow around this one has an operator with the id.
    pub(super) fn is_outside(&self, id: &str) -> bool {
        self.around().any(|(scope, _)| scope.index.get(id).is_some())
    }

    /// Advice on an unknown id that the operator `own` of this scope names.
    pub(super) fn advice(&self, id: &str, own: &str) -> Option<String> {
        if self.is_outside(id) {
            return Some(format!("`{id}` is outside of the branch, which runs as a workflow of its own"));
        }
        self.hints.nearest_id(id, &mut self.index.names().filter(|name| *name != own))
    }
}

/// All operators. The builder lists operators of a loop body among the tasks too; other definitions have them in the
/// body alone.
fn items<'a>(workflow: &'a Workflow, base: &str, in_loop: bool) -> Vec<Item<'a>> {
    let bodies = workflow.tasks.values().flat_map(|task| task.operation.loop_body().unwrap_or_default());
    let in_bodies = NameIndex::new(bodies.map(|inner| inner.task_id.as_str()));
    let listed = workflow.tasks.iter().map(|(key, operator)| {
        let id = if operator.task_id.is_empty() { key } else { &operator.task_id };
        let in_body = operator.is_internal_loop_task || in_bodies.get(id).is_some();
        Item {
            operator,
            id,
            place: Place::Key(key),
            in_loop: in_loop || in_body,
            in_body,
            owner: None,
            is_handler: false,
        }
    });
    let mut items: Vec<Item<'a>> = listed.collect();
    let known = NameIndex::new(workflow.tasks.values().map(|operator| operator.task_id.as_str()));
    let mut at = 0;
    while let Some(item) = items.get(at) {
        let body = item.operator.operation.loop_body().unwrap_or_default();
        let path = if body.is_empty() { String::new() } else { item.path(base) };
        for (position, operator) in body.iter().enumerate() {
            if known.get(&operator.task_id).is_none() {
                let place = Place::Path(format!("{path}/loop_body/{position}"));
                items.push(Item {
                    operator,
                    id: &operator.task_id,
                    place,
                    in_loop: true,
                    in_body: true,
                    owner: None,
                    is_handler: false,
                });
            }
        }
        at += 1;
    }
    // The outer body lists the body of an inner loop as well.
    if items.len() > workflow.tasks.0.len() {
        let index = NameIndex::new(items.iter().map(|item| item.id));
        let first = |item: &Item<'a>| items.get(index.get(item.id)?).map(|first| first.operator);
        let is_again = |item: &Item<'a>| {
            first(item).is_some_and(|first| !std::ptr::eq(first, item.operator) && first == item.operator)
        };
        let again: Vec<bool> = items.iter().map(is_again).collect();
        let mut again = again.into_iter();
        items.retain(|item| !again.next().unwrap_or_default() || matches!(item.place, Place::Key(_)));
    }
    items
}

/// Finds the loop around each item, and the items that handle failures. Of the loops that list an item, the innermost
/// one has the shortest list.
fn link(items: &mut [Item<'_>], index: &NameIndex<'_>) {
    let mut bodies = vec![usize::MAX; items.len()];
    for at in 0..items.len() {
        let Some(operator) = items.get(at).map(|item| item.operator) else { continue };
        let body = operator.operation.loop_body().unwrap_or_default();
        for inner in body.iter().filter_map(|inner| index.get(&inner.task_id)).filter(|inner| *inner != at) {
            if let (Some(item), Some(least)) = (items.get_mut(inner), bodies.get_mut(inner))
                && body.len() < *least
            {
                *least = body.len();
                item.owner = Some(at);
            }
        }
        let handler = operator.on_failure_task_id.as_ref().and_then(|id| index.get(id));
        if let Some(handler) = handler.and_then(|handler| items.get_mut(handler)) {
            handler.is_handler = true;
        }
    }
}

impl Item<'_> {
    fn path(&self, base: &str) -> String {
        match &self.place {
            Place::Key(key) => child_path(&format!("{base}/tasks"), key),
            Place::Path(path) => path.clone(),
        }
    }
}
