//! The edges of one workflow, and the starts and ends of its scopes.

use super::scene::{Edge, EdgeKind, Placed, Scene};
use crate::definition::{Operation, Operator};

/// Adds the edges of a workflow, and marks where its scopes start and end. The operators are sorted by scope and id;
/// `root` is the outermost scope.
pub(super) fn add_links(
    scene: &mut Scene,
    placed: &[Placed<'_>],
    start_task: Option<&str>,
    root: Option<usize>,
) {
    let ids = Ids::new(placed);
    let first = scene.edges.len();
    for task in placed {
        let has_dependency = add_dependencies(scene, &ids, task, root);
        for (id, kind) in targets(task.operator) {
            if let Some(to) = ids.get(scene, id, task.scope) {
                scene.edges.push(Edge { from: task.node, to, kind });
            }
        }
        if let Some(node) = scene.nodes.get_mut(task.node) {
            node.is_start = !has_dependency;
            node.is_leaf = !routes(&task.operator.operation);
        }
    }
    let start = start_task.filter(|id| !id.is_empty()).and_then(|id| ids.get(scene, id, root));
    mark_start(scene, start, root);
    mark_leaves(scene, first);
}

/// Adds the edges from the dependencies of an operator. The result is whether something in its scope comes before it:
/// at the top any dependency counts, in the body of a loop only one inside the body.
fn add_dependencies(scene: &mut Scene, ids: &Ids<'_>, task: &Placed<'_>, root: Option<usize>) -> bool {
    let mut names: Vec<&str> = task.operator.dependencies.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut waits = task.scope == root && !names.is_empty();
    for name in names {
        let Some(from) = ids.get(scene, name, task.scope) else { continue };
        waits |= task.scope.is_some_and(|scope| scene.is_inside(from, scope));
        scene.edges.push(Edge { from, to: task.node, kind: EdgeKind::Dependency });
    }
    waits
}

/// The nodes of the ids of one workflow: id, scope and node, sorted.
struct Ids<'a>(Vec<(&'a str, Option<usize>, usize)>);

impl<'a> Ids<'a> {
    fn new(placed: &[Placed<'a>]) -> Self {
        let mut sorted: Vec<_> = placed.iter().map(|task| (task.id, task.scope, task.node)).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// The first node with the id whose scope is `scope` or a later one.
    fn first(&self, id: &str, scope: Option<usize>) -> Option<(Option<usize>, usize)> {
        let at = self.0.partition_point(|(known, lies_in, _)| (*known, *lies_in) < (id, scope));
        self.0.get(at).filter(|(known, ..)| *known == id).map(|(_, lies_in, node)| (*lies_in, *node))
    }

    /// The node with the id as seen from a scope: the one in it, else one in the scopes around it, else any.
    fn get(&self, scene: &Scene, id: &str, scope: Option<usize>) -> Option<usize> {
        let (_, any) = self.first(id, None)?;
        let around = std::iter::successors(scope, |at| scene.parent(*at)).map(Some);
        around
            .chain([None])
            .find_map(|scope| self.first(id, scope).filter(|(lies_in, _)| *lies_in == scope))
            .map_or(Some(any), |(_, node)| Some(node))
    }
}

/// The operators that follow an operator by its own fields, in the order in which they are drawn.
fn targets(operator: &Operator) -> Vec<(&str, EdgeKind)> {
    let mut targets = match &operator.operation {
        Operation::Condition(condition) => {
            vec![(&condition.if_true, EdgeKind::True), (&condition.if_false, EdgeKind::False)]
        }
        _ => Vec::new(),
    };
    let mut cases = Vec::new();
    if let Operation::Switch(switch) = &operator.operation {
        cases = switch.cases.iter().map(|(case, id)| (id.as_str(), EdgeKind::Case(case.into()))).collect();
        targets.push((&switch.default, EdgeKind::Default));
    }
    targets.push((&operator.on_success_task_id, EdgeKind::OnSuccess));
    targets.push((&operator.on_failure_task_id, EdgeKind::OnFailure));
    cases.extend(targets.into_iter().filter_map(|(id, kind)| Some((id.as_deref()?, kind))));
    cases
}

/// Whether an operator chooses the next one. An empty text names no operator.
fn routes(operation: &Operation) -> bool {
    let is_named = |id: &Option<String>| id.as_deref().is_some_and(|id| !id.is_empty());
    match operation {
        Operation::Condition(condition) => is_named(&condition.if_true) || is_named(&condition.if_false),
        Operation::Switch(switch) => !switch.cases.0.is_empty() || is_named(&switch.default),
        _ => false,
    }
}

/// Marks the start that the definition names: the outermost scope then starts with only that operator, or with the loop
/// around it.
fn mark_start(scene: &mut Scene, start: Option<usize>, root: Option<usize>) {
    let Some(start) = start else { return };
    let outermost =
        std::iter::once(start).chain(scene.containers(start)).find(|at| scene.parent(*at) == root);
    for at in scene.children(root).to_vec() {
        if let Some(node) = scene.nodes.get_mut(at) {
            node.is_start = Some(at) == outermost;
        }
    }
}

/// Unmarks as leaves the nodes with a follower in their scope. The body of a loop does not count as a follower of the
/// loop.
fn mark_leaves(scene: &mut Scene, first: usize) {
    let mut followed = Vec::new();
    for edge in scene.edges.iter().skip(first) {
        if edge.kind == EdgeKind::Dependency
            && scene.scope(edge) == scene.parent(edge.from)
            && !scene.is_inside(edge.to, edge.from)
        {
            followed.push(edge.from);
        }
    }
    for at in followed {
        if let Some(node) = scene.nodes.get_mut(at) {
            node.is_leaf = false;
        }
    }
}
