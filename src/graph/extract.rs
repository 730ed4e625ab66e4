//! Makes the scene of a workflow: first the nodes of the workflow and its loops, then their edges, then the branches,
//! which are workflows of their own.

use super::copies::copies;
use super::links::add_links;
use super::scene::{Node, NodeKind, Placed, Scene};
use crate::definition::{Named, Operation, Operator, Reading, Workflow, read_with};
use crate::json::child_path;
use serde_json::{Map, Value};

/// The deepest nesting of containers that is drawn. Any text that can be read is nested less deeply.
const MAX_DEPTH: usize = 64;

/// The most children that the label of a `child_workflow` names.
const MAX_NAMED: usize = 12;

impl Scene {
    /// The scene of a workflow. Unreadable parts are left out.
    ///
    /// The body of a loop is drawn only in the loop, although a document lists it once more at the top. Ids are looked
    /// up within one workflow; a branch is a workflow of its own.
    pub fn new(workflow: &Workflow) -> Self {
        let mut scene = Self::default();
        add_workflow(&mut scene, workflow, None, "", 0);
        scene
    }
}

fn add_workflow(scene: &mut Scene, workflow: &Workflow, root: Option<usize>, base: &str, depth: usize) {
    let tasks: Vec<(&str, &Operator)> = workflow.tasks.iter().collect();
    let base = format!("{base}/tasks");
    let mut placed = Vec::with_capacity(tasks.len());
    let path = |at: usize| child_path(&base, tasks.get(at).map_or("", |(id, _)| *id));
    Placing { scene, placed: &mut placed }.place(&tasks, root, depth, &path);
    placed.sort_by_key(|task| (task.scope, task.id));
    add_links(scene, &placed, workflow.start_task.as_deref(), root);
    for task in placed {
        add_branches(scene, &task, depth + 1);
    }
}

/// The operators of one workflow while they get their nodes.
struct Placing<'a, 's> {
    scene: &'s mut Scene,
    placed: &'s mut Vec<Placed<'a>>,
}

impl<'a> Placing<'a, '_> {
    /// Adds the operators of a scope, and the bodies of its loops.
    fn place(
        &mut self,
        tasks: &[(&'a str, &'a Operator)],
        scope: Option<usize>,
        depth: usize,
        path: &dyn Fn(usize) -> String,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        let copies = copies(tasks);
        for (at, (&(id, operator), is_copy)) in tasks.iter().zip(copies).enumerate() {
            if is_copy {
                continue;
            }
            let node = add_node(self.scene, node_of(id, operator, path(at), scope));
            self.placed.push(Placed { id, scope, node, operator });
            let Some(body) = operator.operation.loop_body() else { continue };
            let base = format!("{}/loop_body", path(at));
            let items: Vec<(&str, &Operator)> =
                body.iter().map(|item| (item.task_id.as_str(), item)).collect();
            self.place(&items, Some(node), depth + 1, &|at| format!("{base}/{at}"));
        }
    }
}

/// Adds the branches of an operator, each with its workflow.
fn add_branches(scene: &mut Scene, task: &Placed<'_>, depth: usize) {
    let Some(workflows) = task.operator.operation.branch_workflows() else { return };
    if depth > MAX_DEPTH {
        return;
    }
    let base = scene.nodes.get(task.node).map_or("", |node| &node.path).to_owned();
    for (name, value) in workflows {
        let path = child_path(&format!("{base}/branch_workflows"), name);
        let branch = add_branch(scene, task, name, path.clone());
        // Validation reports the errors of a branch. A drawing shows as much of it as can be read.
        let document = read_with(value, &path, Reading::default());
        add_workflow(scene, &document.workflow, Some(branch), &path, depth);
    }
    if let Operation::MultiChoice(choice) = &task.operator.operation {
        let base = format!("{base}/branches");
        for (name, _) in choice.branches.iter().filter(|(name, _)| !workflows.contains_key(*name)) {
            add_branch(scene, task, name, child_path(&base, name));
        }
    }
}

fn add_branch(scene: &mut Scene, task: &Placed<'_>, name: &str, path: String) -> usize {
    let condition = match &task.operator.operation {
        Operation::MultiChoice(choice) => choice.branches.get(name).map(|branch| branch.condition.clone()),
        _ => None,
    };
    let details = condition.into_iter().collect();
    let node = Node::new(name, path);
    add_node(scene, Node { label: name.to_owned(), details, parent: Some(task.node), ..node })
}

fn node_of(id: &str, operator: &Operator, path: String, parent: Option<usize>) -> Node {
    let is_described = !operator.description.is_empty();
    let details = match &operator.operation {
        Operation::ChildWorkflow(child) => named_children(id, &child.children),
        _ => Vec::new(),
    };
    let label = if is_described { operator.description.clone() } else { id.to_owned() };
    let kind = NodeKind::Operator(operator.operator_type);
    let summary = summary_of(&operator.operation).to_owned();
    Node { label, details, summary, is_described, kind, parent, ..Node::new(id, path) }
}

/// The field of an operator that tells most about it.
fn summary_of(operation: &Operation) -> &str {
    match operation {
        Operation::Task(task) | Operation::Activity(task) => &task.function,
        Operation::Condition(condition) => &condition.condition,
        Operation::While(body) => &body.condition,
        Operation::Foreach(body) => &body.items,
        Operation::Switch(switch) => &switch.switch_on,
        Operation::Wait(wait) => wait.wait_for.as_str(),
        Operation::EmitEvent(event) => &event.event_name,
        Operation::WaitForEvent(event) => &event.event_name,
        Operation::Reflexive(reflexive) => &reflexive.generator,
        _ => "",
    }
}

/// The workflows that an operator runs, each with the name of the child.
fn named_children(id: &str, children: &Named<Map<String, Value>>) -> Vec<String> {
    let mut lines: Vec<String> = children
        .iter()
        .take(MAX_NAMED)
        .map(|(name, child)| match child.get("workflow_name").and_then(Value::as_str) {
            Some(workflow) if workflow == name || name == id => workflow.to_owned(),
            Some(workflow) => format!("{name}: {workflow}"),
            None => name.to_owned(),
        })
        .collect();
    let further = children.0.len().saturating_sub(MAX_NAMED);
    if further > 0 {
        lines.push(format!("and {further} more"));
    }
    lines
}

fn add_node(scene: &mut Scene, node: Node) -> usize {
    let at = scene.nodes.len();
    match node.parent.and_then(|parent| scene.nodes.get_mut(parent)) {
        Some(parent) => parent.children.push(at),
        None => scene.roots.push(at),
    }
    scene.nodes.push(node);
    at
}
