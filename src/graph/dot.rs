//! Graphviz text of a workflow.

use super::drawing::{Arrow, Page, shown};
use super::idents::Rules;
use super::scene::{EdgeKind, Node, NodeKind};
use crate::definition::{OperatorType, Workflow, read};
use serde_json::Value;

const HEADER: &str = r##"digraph workflow {
    bgcolor=transparent;
    rankdir=TB;
    node [shape=box, style="filled,rounded", fontname="Arial", fontsize=10, fontcolor=white, fillcolor="#1a1a1a", color="#444444", penwidth=1];
    edge [fontname="Arial", fontsize=9, color="#666666", arrowsize=0.7];

    start [label="START", shape=circle, fillcolor="#2ecc71", width=0.5, style=filled];
    end [label="END", shape=doublecircle, fillcolor="#e74c3c", width=0.5, style=filled];
"##;

/// A workflow as a Graphviz graph, as `to_graphviz` of `highway_dsl` draws it, without its faults (see
/// `src/graph/drawing.rs`). Invalid workflows are drawn too.
///
/// ```
/// use highway_wasm::{definition::read, graph::dot};
/// use serde_json::json;
///
/// let task = json!({"task_id": "a", "operator_type": "task", "function": "f", "description": "Say \"hi\""});
/// let text = dot(&read(&json!({"name": "w", "tasks": {"a": task}})).workflow);
/// assert!(text.ends_with("    a [label=\"Say \\\"hi\\\"\"];\n    start -> a;\n    a -> end;\n}"));
/// ```
pub fn dot(workflow: &Workflow) -> String {
    let mut text = Text(Page::new(workflow, &RULES, HEADER));
    text.scope(None, 4);
    text.0.out.push_str("\n}");
    text.0.out
}

/// The drawing of a document, or a drawing that shows its errors.
///
/// ```
/// use highway_wasm::graph::dot_of;
/// use serde_json::json;
///
/// assert!(dot_of(&json!({"name": "w"})).starts_with("digraph workflow {"));
/// assert!(dot_of(&json!({"nome": "w"})).contains("`name` is missing"));
/// ```
pub fn dot_of(document: &Value) -> String {
    let document = read(document);
    if document.is_valid() {
        return dot(&document.workflow);
    }
    let mut label = "Error parsing workflow definition:".to_owned();
    for finding in document.diagnostics.iter().filter(|finding| finding.is_error()) {
        label.push('\n');
        label.push_str(&finding.path);
        label.push_str(": ");
        label.push_str(&finding.message);
    }
    format!("digraph error {{\n    error [label=\"{}\"];\n}}", escaped(&label))
}

const RULES: Rules = Rules {
    is_reserved: |name| {
        ["digraph", "edge", "graph", "node", "strict", "subgraph"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
    },
    is_ascii: |_| false,
    endings: &[],
    taken: &["start", "end"],
};

/// How a container is drawn: the text after its label, the colour of its border, and the node at which edges to it end.
struct Frame {
    suffix: &'static str,
    colour: &'static str,
    prefix: &'static str,
    node: &'static str,
}

/// The frame of a node that may contain others.
fn frame(node: &Node) -> Option<Frame> {
    let NodeKind::Operator(operator_type) = node.kind else { return None };
    Some(match operator_type {
        OperatorType::Parallel => Frame {
            suffix: "",
            colour: "#3498db",
            prefix: "FORK: ",
            node: r##", shape=diamond, fillcolor="#3498db", style=filled"##,
        },
        OperatorType::MultiChoice if !node.children.is_empty() => Frame {
            suffix: "",
            colour: "#f1c40f",
            prefix: "CHOICE: ",
            node: r##", shape=diamond, fillcolor="#f1c40f", fontcolor=black, style=filled"##,
        },
        OperatorType::Foreach | OperatorType::While => Frame {
            suffix: " Loop",
            colour: "#e67e22",
            prefix: "",
            node: r##", shape=hexagon, fillcolor="#e67e22", style=filled"##,
        },
        _ => return None,
    })
}

/// Attributes of a node that cannot contain others.
fn attributes(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Operator(OperatorType::Condition | OperatorType::Switch) => {
            r##", shape=diamond, fillcolor="#f1c40f", fontcolor=black"##
        }
        NodeKind::Operator(OperatorType::EmitEvent | OperatorType::WaitForEvent) => {
            r##", shape=cds, fillcolor="#9b59b6""##
        }
        NodeKind::Operator(OperatorType::Wait) => r##", shape=octagon, fillcolor="#95a5a6""##,
        NodeKind::Operator(OperatorType::Reflexive) => r##", shape=component, fillcolor="#ff00ff""##,
        _ => "",
    }
}

/// Attributes of an edge besides its label.
fn edge_attributes(kind: &EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Dependency | EdgeKind::Case(_) => "",
        EdgeKind::True => r##", color="#2ecc71", fontcolor="#2ecc71""##,
        EdgeKind::False => r##", color="#e74c3c", fontcolor="#e74c3c""##,
        EdgeKind::Default => ", style=dashed",
        EdgeKind::OnSuccess => r##", color="#2ecc71", style=dotted"##,
        EdgeKind::OnFailure => r##", color="#e74c3c", style=dotted"##,
    }
}

struct Text(Page);

impl Text {
    /// Writes the content of a container: nodes, then edges.
    fn scope(&mut self, container: Option<usize>, indent: usize) {
        for at in self.0.by_id(container) {
            self.node(at, indent);
        }
        let is_outermost = container.is_none();
        self.0.write_arrows(container, indent, &|page, it| arrow(page, it, is_outermost));
    }

    fn node(&mut self, at: usize, indent: usize) {
        let name = self.0.name(at);
        let Some(node) = self.0.scene.nodes.get(at) else { return };
        let (label, kind, branches) = (label(node), node.kind, node.children.clone());
        let Some(frame) = frame(node) else {
            return self.0.line(indent, &[&name, " [label=\"", &label, "\"", attributes(kind), "];"]);
        };
        self.open(indent, &name, &[&label, frame.suffix]);
        self.0.line(indent + 4, &["style=\"dashed,rounded\";"]);
        self.colour(indent + 4, frame.colour);
        if kind.is_loop() {
            self.scope(Some(at), indent + 4);
        } else {
            for branch in branches {
                self.branch(branch, indent + 4);
            }
        }
        self.0.line(indent, &["}"]);
        self.0.line(indent, &[&name, " [label=\"", frame.prefix, &label, "\"", frame.node, "];"]);
    }

    fn branch(&mut self, at: usize, indent: usize) {
        let label = self.0.scene.nodes.get(at).map(label).unwrap_or_default();
        self.open(indent, &self.0.name(at), &[&label]);
        self.colour(indent + 4, "#95a5a6");
        self.scope(Some(at), indent + 4);
        self.0.line(indent, &["}"]);
    }

    fn open(&mut self, indent: usize, name: &str, label: &[&str]) {
        self.0.line(indent, &["subgraph cluster_", name, " {"]);
        self.0.line(indent + 4, &["label=\"", &label.concat(), "\";"]);
    }

    fn colour(&mut self, indent: usize, colour: &str) {
        self.0.line(indent, &["color=\"", colour, "\";"]);
        self.0.line(indent, &["fontcolor=\"", colour, "\";"]);
    }
}

fn arrow(page: &Page, arrow: &Arrow<'_>, is_outermost: bool) -> Option<String> {
    let attributes = match arrow {
        Arrow::Edge(edge) => edge.kind.label().map(|label| (escaped(label), edge_attributes(&edge.kind))),
        // Only the whole drawing has a start and an end.
        Arrow::Start(_) | Arrow::Leaf(_) if !is_outermost => return None,
        _ => None,
    };
    let attributes = attributes.map(|(label, further)| format!(" [label=\"{label}\"{further}]"));
    let (from, to) = match arrow {
        Arrow::Start(at) => ("start".to_owned(), page.name(*at)),
        Arrow::Leaf(at) => (page.name(*at), "end".to_owned()),
        Arrow::Edge(edge) => (page.name(edge.from), page.name(edge.to)),
    };
    Some(format!("{from} -> {to}{};", attributes.unwrap_or_default()))
}

fn label(node: &Node) -> String {
    let mut label = escaped(&node.label);
    for detail in &node.details {
        label.push_str("\\n");
        label.push_str(&escaped(detail));
    }
    label
}

/// The text, escaped to stand between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in shown(text) {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Graphviz replaces HTML entities in every text.
            '&' => out.push_str("&amp;"),
            '\r' => {}
            '\0'..='\x1f' | '\x7f' | '\u{fffe}' | '\u{ffff}' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
