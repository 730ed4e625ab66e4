//! Drawings of a workflow: Mermaid (`stateDiagram-v2`) and Graphviz text, both made from one [`Scene`].
//!
//! The texts equal those of `highway_dsl` 2.2.0 line by line, except for upstream's faults. `tests/graph/drawings.rs`
//! lists every difference from its vectors.
//!
//! | upstream | here |
//! | --- | --- |
//! | Mermaid: `classDef default`, on which Mermaid stops with a syntax error: no drawing can be shown | left out |
//! | Mermaid: containers filled dark with a white title, which is white on white in Mermaid's own theme | only a coloured border |
//! | Mermaid: the classes of nodes in a container are set inside it, where Mermaid ignores them | set after the outermost container |
//! | Mermaid: a line between branches of which one has a loop beside something else, on which Mermaid fails | no line |
//! | Mermaid: an empty container, on which Mermaid fails | a plain state |
//! | Mermaid: fails for tasks with a description in a loaded workflow or a branch | draws the note |
//! | bodies of loops are drawn in the loop and once more around it; bodies of inner loops three times | once, in the innermost loop |
//! | Mermaid: nothing leads to the first operator of a body | `[*] --> first`, and no `loop --> first` from outside |
//! | leaves of a body lead to the end of the whole workflow, and a loop without followers does not | the other way round |
//! | edges between the body of a loop and the nodes around it are drawn to a second copy | to the body itself |
//! | `multi_choice`: branches are not drawn | drawn as those of `parallel`, with their conditions |
//! | `child_workflow`: workflows are not named | named in the label |
//! | an invalid branch gets the edges of the branch before, or makes the drawing fail | is drawn as far as it can be read |
//! | ids that become equal, are words of the language, or hold further characters: one node for several, or a syntax error | unique, valid names |
//! | Graphviz: tasks `start` and `end` are the start and the end of the drawing | have names of their own |
//! | Graphviz: quotes, backslashes, line breaks in labels are syntax errors | escaped |
//! | Mermaid: line breaks, `;`, `<`, Markdown and more in labels are syntax errors or vanish | shown as written |
//! | Graphviz: stops at labels and names longer than 16384 bytes | labels end with `…` after 1000 characters, names after 200 |
//! | Graphviz: the shape `hourglass` does not exist | `octagon` |
//! | a dependency that is listed twice is drawn twice | once |
//! | drawing changes the workflow | it does not |

use super::idents::{Rules, idents};
use super::scene::{Edge, Node, NodeKind, Scene};
use crate::definition::Workflow;

/// A drawing while it is written.
pub(super) struct Page {
    pub(super) scene: Scene,
    /// The name of each node.
    names: Vec<String>,
    /// The numbers of the edges of each scope: first the outermost scope, then one for each node. The scope of an edge
    /// is the innermost container around both ends.
    scopes: Vec<Vec<usize>>,
    pub(super) out: String,
}

/// An arrow of a scope.
pub(super) enum Arrow<'a> {
    /// To a node that starts the scope.
    Start(usize),
    /// From one node to another.
    Edge(&'a Edge),
    /// From a node without followers.
    Leaf(usize),
}

impl Page {
    pub(super) fn new(workflow: &Workflow, rules: &Rules, header: &str) -> Self {
        let scene = Scene::new(workflow);
        let names = idents(&scene, rules);
        let mut scopes = vec![Vec::new(); scene.nodes.len() + 1];
        for (at, edge) in scene.edges.iter().enumerate() {
            if let Some(list) = scopes.get_mut(place_of(scene.scope(edge))) {
                list.push(at);
            }
        }
        Self { scene, names, scopes, out: header.to_owned() }
    }

    pub(super) fn line(&mut self, indent: usize, parts: &[&str]) {
        start_line(&mut self.out, indent);
        for part in parts {
            self.out.push_str(part);
        }
    }

    pub(super) fn name(&self, node: usize) -> String {
        self.names.get(node).cloned().unwrap_or_default()
    }

    /// The nodes in a container, sorted by id.
    pub(super) fn by_id(&self, container: Option<usize>) -> Vec<usize> {
        let mut sorted = self.scene.children(container).to_vec();
        sorted.sort_by_key(|at| self.scene.nodes.get(*at).map(|node| &node.id));
        sorted
    }

    /// Writes the arrows of a scope, each as `text_of` returns it.
    pub(super) fn write_arrows(
        &mut self,
        container: Option<usize>,
        indent: usize,
        text_of: &dyn Fn(&Self, &Arrow<'_>) -> Option<String>,
    ) {
        let mut out = std::mem::take(&mut self.out);
        for arrow in self.arrows(container) {
            if let Some(text) = text_of(self, &arrow) {
                start_line(&mut out, indent);
                out.push_str(&text);
            }
        }
        self.out = out;
    }

    /// The arrows of a scope. First the starts, in the order of the definition. Then for each node, by id, its own
    /// edges and the arrow of a leaf. Then the edges of nodes further inside.
    fn arrows(&self, container: Option<usize>) -> Vec<Arrow<'_>> {
        let scene = &self.scene;
        let is = |at: usize, holds: fn(&Node) -> bool| scene.nodes.get(at).is_some_and(holds);
        let starts = scene.children(container).iter().filter(|at| is(**at, |node| node.is_start));
        let mut arrows: Vec<Arrow<'_>> = starts.map(|at| Arrow::Start(*at)).collect();
        let list = self.scopes.get(place_of(container)).map_or(&[][..], Vec::as_slice);
        let mut edges = list.iter().filter_map(|at| scene.edges.get(*at)).peekable();
        for at in self.by_id(container) {
            while let Some(edge) = edges.next_if(|edge| edge.owner() == at) {
                arrows.push(Arrow::Edge(edge));
            }
            if is(at, |node| node.is_leaf) {
                arrows.push(Arrow::Leaf(at));
            }
        }
        arrows.extend(edges.map(Arrow::Edge));
        arrows
    }
}

/// The longest label that is shown, in characters.
const MAX_LABEL: usize = 1000;

/// The characters of a label that are shown.
pub(super) fn shown(label: &str) -> impl Iterator<Item = char> + '_ {
    let rest = label.chars().nth(MAX_LABEL).map(|_| '…');
    label.chars().take(MAX_LABEL).chain(rest)
}

fn start_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn place_of(scope: Option<usize>) -> usize {
    scope.map_or(0, |scope| scope + 1)
}

/// Whether a container holds branches.
pub(super) fn has_branches(scene: &Scene, container: Option<usize>) -> bool {
    let first = container.and_then(|at| scene.children(Some(at)).first());
    first.and_then(|at| scene.nodes.get(*at)).is_some_and(|node| node.kind == NodeKind::Branch)
}
