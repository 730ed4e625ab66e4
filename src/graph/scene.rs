//! The content of a drawing: nodes, containers, and edges between them.

use crate::definition::{Operator, OperatorType};

/// A workflow as nodes and edges. Nodes are known by their numbers; a container has a lower number than its content.
///
/// ```
/// use highway_wasm::definition::read;
/// use highway_wasm::graph::{EdgeKind, Scene};
/// use serde_json::json;
///
/// let task = |id: &str, before: &[&str]| {
///     json!({"task_id": id, "operator_type": "task", "function": "f", "dependencies": before})
/// };
/// let loop_of = |body| json!({"task_id": "each", "operator_type": "foreach", "items": "{{ xs }}", "loop_body": [body],
///     "dependencies": ["a"]});
/// let tasks = json!({"a": task("a", &[]), "each": loop_of(task("inner", &["each"]))});
/// let scene = Scene::new(&read(&json!({"name": "w", "tasks": tasks})).workflow);
///
/// let ids: Vec<&str> = scene.nodes.iter().map(|node| node.id.as_str()).collect();
/// assert_eq!(ids, ["a", "each", "inner"]);
/// assert_eq!(scene.nodes[2].parent, Some(1));
/// assert_eq!(scene.nodes[2].path, "/tasks/each/loop_body/0");
/// assert_eq!((scene.edges[0].from, scene.edges[0].to), (0, 1));
/// assert_eq!(scene.edges[0].kind, EdgeKind::Dependency);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Numbers of the nodes outside all containers, in the order of the definition.
    pub roots: Vec<usize>,
    /// All edges, scope by scope. The edges of a scope are sorted by the id of the node that owns them.
    pub edges: Vec<Edge>,
}

/// An operator, or a branch of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// JSON pointer to it in the document; unique.
    pub path: String,
    /// Id of the operator, or name of the branch.
    pub id: String,
    /// Its description; its id without one.
    pub label: String,
    /// Further lines for the label: the condition of a branch, the workflows that an operator runs.
    pub details: Vec<String>,
    /// Its operation in a few words: the tool, the condition or the waiting time. May be empty.
    pub summary: String,
    /// Whether the label is a description.
    pub is_described: bool,
    /// What the node stands for.
    pub kind: NodeKind,
    /// The number of the container around it.
    pub parent: Option<usize>,
    /// The numbers of its content, in the order of the definition.
    pub children: Vec<usize>,
    /// Whether its scope starts with it.
    pub is_start: bool,
    /// Whether it has no follower in its scope.
    pub is_leaf: bool,
}

impl Node {
    /// A node of which only the id and the place in the document are known.
    pub(super) fn new(id: &str, path: String) -> Self {
        Self {
            path,
            id: id.to_owned(),
            label: String::new(),
            details: Vec::new(),
            summary: String::new(),
            is_described: false,
            kind: NodeKind::Branch,
            parent: None,
            children: Vec::new(),
            is_start: false,
            is_leaf: false,
        }
    }
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An operator. Loops contain their bodies; `parallel` and `multi_choice` contain branches.
    Operator(OperatorType),
    /// A branch, which contains the operators of a workflow of its own.
    Branch,
}

impl NodeKind {
    /// Whether it is an operator of the given type.
    pub fn is(self, operator_type: OperatorType) -> bool {
        self == Self::Operator(operator_type)
    }

    /// Its operator type, or `branch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator(operator_type) => operator_type.as_str(),
            Self::Branch => "branch",
        }
    }

    /// Whether it is a loop.
    pub fn is_loop(self) -> bool {
        self.is(OperatorType::Foreach) || self.is(OperatorType::While)
    }
}

/// An arrow from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The number of the node at which it starts.
    pub from: usize,
    /// The number of the node at which it ends.
    pub to: usize,
    /// The reason for it.
    pub kind: EdgeKind,
}

/// The reason for an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// The node at its end depends on the node at its start.
    Dependency,
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The value of a switch.
    Case(String),
    /// No case of the switch fits.
    Default,
    /// The operator succeeded.
    OnSuccess,
    /// The operator failed.
    OnFailure,
}

impl EdgeKind {
    /// The reason as one word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::True => "true",
            Self::False => "false",
            Self::Case(_) => "case",
            Self::Default => "default",
            Self::OnSuccess => "success",
            Self::OnFailure => "failure",
        }
    }

    /// Text on the edge.
    ///
    /// ```
    /// use highway_wasm::graph::EdgeKind;
    /// assert_eq!(EdgeKind::OnSuccess.label(), Some("On Success"));
    /// assert_eq!(EdgeKind::Dependency.label(), None);
    /// ```
    pub fn label(&self) -> Option<&str> {
        Some(match self {
            Self::Dependency => return None,
            Self::True => "True",
            Self::False => "False",
            Self::Case(value) => value,
            Self::Default => "Default",
            Self::OnSuccess => "On Success",
            Self::OnFailure => "On Failure",
        })
    }
}

impl Edge {
    /// The node whose definition contains the edge.
    pub fn owner(&self) -> usize {
        if self.kind == EdgeKind::Dependency { self.to } else { self.from }
    }
}

impl Scene {
    /// The nodes in a container; with `None`, the nodes outside all containers.
    pub fn children(&self, container: Option<usize>) -> &[usize] {
        match container {
            None => &self.roots,
            Some(at) => self.nodes.get(at).map_or(&[], |node| &node.children),
        }
    }

    /// The container of a node.
    pub fn parent(&self, node: usize) -> Option<usize> {
        self.nodes.get(node)?.parent
    }

    /// The containers around a node, the innermost first.
    pub fn containers(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parent(node), |at| self.parent(*at))
    }

    /// Whether a node lies in a container, at any depth.
    pub fn is_inside(&self, node: usize, container: usize) -> bool {
        self.containers(node).any(|at| at == container)
    }

    /// The innermost container around both ends of an edge.
    pub fn scope(&self, edge: &Edge) -> Option<usize> {
        let parent = self.parent(edge.from);
        if parent == self.parent(edge.to) {
            return parent;
        }
        self.containers(edge.from).find(|at| self.is_inside(edge.to, *at))
    }

    /// Whether one end of an edge contains the other.
    pub fn is_vertical(&self, edge: &Edge) -> bool {
        self.is_inside(edge.to, edge.from) || self.is_inside(edge.from, edge.to)
    }
}

/// An operator and its node.
pub(super) struct Placed<'a> {
    pub(super) id: &'a str,
    /// The container around it.
    pub(super) scope: Option<usize>,
    pub(super) node: usize,
    pub(super) operator: &'a Operator,
}
