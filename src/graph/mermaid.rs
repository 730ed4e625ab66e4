//! Mermaid text of a workflow.

use super::drawing::{Arrow, Page, has_branches, shown};
use super::idents::Rules;
use super::scene::{Node, NodeKind, Scene};
use crate::definition::{OperatorType, Workflow};

const HEADER: &str = "stateDiagram-v2
    classDef condition fill:#2c3e50,stroke:#f1c40f,stroke-width:2px,color:white;
    classDef parallel stroke:#3498db,stroke-width:2px;
    classDef loop stroke:#e67e22,stroke-width:2px;
    classDef event fill:#2c3e50,stroke:#9b59b6,stroke-width:2px,color:white;
    classDef wait fill:#2c3e50,stroke:#95a5a6,stroke-width:2px,color:white;
    classDef error fill:#c0392b,stroke:#e74c3c,stroke-width:2px,color:white;
    classDef reflexive fill:#2c3e50,stroke:#ff00ff,stroke-width:2px,color:white;";

/// A workflow as a Mermaid state diagram, as `to_mermaid` of `highway_dsl` draws it, without its faults (see
/// `src/graph/drawing.rs`). Invalid workflows are drawn too.
///
/// ```
/// use highway_wasm::{definition::read, graph::mermaid};
/// use serde_json::json;
///
/// let task = json!({"task_id": "a", "operator_type": "task", "function": "f", "description": "Say \"hi\""});
/// let text = mermaid(&read(&json!({"name": "w", "tasks": {"a": task}})).workflow);
/// assert!(text.starts_with("stateDiagram-v2\n"));
/// assert!(text.ends_with(
///     "    state \"Say 'hi'\" as a\n    note right of a: task\n    [*] --> a\n    a --> [*]"
/// ));
/// ```
pub fn mermaid(workflow: &Workflow) -> String {
    let mut text = Text { page: Page::new(workflow, &RULES, HEADER), classes: String::new() };
    text.scope(None, INDENT);
    text.page.out
}

/// Blanks before a line, for each container around it.
const INDENT: usize = 4;

const RULES: Rules = Rules {
    is_reserved,
    // `class` accepts only ASCII names.
    is_ascii: |node| class(node).is_some(),
    // Mermaid names the start and the end of a container so.
    endings: &["_start", "_end"],
    taken: &["root", "root_start", "root_end"],
};

/// Words that Mermaid's parser takes as keywords wherever they stand, in any case.
const WORDS: [&str; 11] = [
    "accdescr", "acctitle", "class", "classdef", "click", "default", "href", "note", "scale", "state",
    "style",
];

/// Names that every JavaScript object inherits. Mermaid's layout would find those in place of its nodes.
const INHERITED: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

fn is_reserved(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // A keyword ends before any character that is not an ASCII letter or digit.
    let is_first_word = |word: &&str| {
        lower.strip_prefix(*word).is_some_and(|rest| rest.chars().next().is_none_or(|next| !next.is_ascii()))
    };
    WORDS.iter().any(is_first_word)
        || INHERITED.contains(&name)
        || lower == "statediagram"
        // With the next line, the end of this one could read as `direction LR`.
        || lower.ends_with("direction")
}

/// The class of a node.
fn class(node: &Node) -> Option<&'static str> {
    let NodeKind::Operator(operator_type) = node.kind else { return None };
    Some(match operator_type {
        OperatorType::Parallel => "parallel",
        OperatorType::MultiChoice if !node.children.is_empty() => "parallel",
        OperatorType::Foreach | OperatorType::While => "loop",
        OperatorType::Condition | OperatorType::Switch => "condition",
        OperatorType::EmitEvent | OperatorType::WaitForEvent => "event",
        OperatorType::Wait => "wait",
        OperatorType::Reflexive => "reflexive",
        _ => return None,
    })
}

/// The text after the label of an operator.
fn suffix(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Operator(OperatorType::Condition) => "?",
        NodeKind::Operator(OperatorType::Switch) => " (Switch)",
        NodeKind::Operator(OperatorType::Foreach) => " (ForEach)",
        NodeKind::Operator(OperatorType::While) => " (While)",
        NodeKind::Operator(OperatorType::Reflexive) => " (Reflexive)",
        _ => "",
    }
}

/// Whether a branch has a loop beside another node. Mermaid fails on a separator line between such branches. Branches
/// are states with names, so the picture loses nothing without the line.
fn has_mixed_branch(scene: &Scene, container: Option<usize>) -> bool {
    scene.children(container).iter().any(|branch| {
        let inside = scene.children(Some(*branch));
        let is_loop = |at: &usize| {
            scene.nodes.get(*at).is_some_and(|node| node.kind.is_loop() && !node.children.is_empty())
        };
        inside.len() > 1 && inside.iter().any(is_loop)
    })
}

struct Text {
    page: Page,
    /// Lines with classes that are written after the outermost container.
    classes: String,
}

impl Text {
    /// Writes the content of a container: states, then edges.
    fn scope(&mut self, container: Option<usize>, indent: usize) {
        let scene = &self.page.scene;
        let has_regions = has_branches(scene, container) && !has_mixed_branch(scene, container);
        for (number, at) in self.page.by_id(container).into_iter().enumerate() {
            if has_regions && number > 0 {
                self.page.line(indent, &["--"]);
            }
            self.state(at, indent);
        }
        self.page.write_arrows(container, indent, &arrow);
    }

    fn state(&mut self, at: usize, indent: usize) {
        let name = self.page.name(at);
        let Some(node) = self.page.scene.nodes.get(at) else { return };
        let label = label(node, &name);
        let (class, has_children) = (class(node), !node.children.is_empty());
        let described = Some(node.kind).filter(|_| node.is_described);
        self.page.line(indent, &["state \"", &label, "\" as ", &name]);
        if has_children {
            self.page.out.push_str(" {");
            self.scope(Some(at), indent + INDENT);
            self.page.line(indent, &["}"]);
        }
        if let Some(class) = class {
            self.class(&name, class, indent);
        }
        if indent == INDENT {
            self.page.out.push_str(&std::mem::take(&mut self.classes));
        }
        if let Some(NodeKind::Operator(operator_type)) = described {
            self.page.line(indent, &["note right of ", &name, ": ", operator_type.as_str()]);
        }
    }

    /// Gives a node its class. Mermaid reads classes only outside all containers.
    fn class(&mut self, name: &str, class: &str, indent: usize) {
        let line = format!("\n    class {name} {class}");
        let out = if indent > INDENT { &mut self.classes } else { &mut self.page.out };
        out.push_str(&line);
    }
}

fn arrow(page: &Page, arrow: &Arrow<'_>) -> Option<String> {
    Some(match arrow {
        Arrow::Start(at) => format!("[*] --> {}", page.name(*at)),
        Arrow::Leaf(at) => format!("{} --> [*]", page.name(*at)),
        // Mermaid has no arrows between a container and its content. The start and the end of the container stand for
        // them.
        Arrow::Edge(edge) if page.scene.is_vertical(edge) => return None,
        Arrow::Edge(edge) => {
            let mut line = format!("{} --> {}", page.name(edge.from), page.name(edge.to));
            if let Some(label) = edge.kind.label() {
                line.push_str(" : ");
                escape(&mut line, if label.trim().is_empty() { "''" } else { label }, false);
            }
            line
        }
    })
}

/// The label of a node; its name if the label has nothing visible.
fn label(node: &Node, name: &str) -> String {
    let mut label = String::new();
    escape(&mut label, &node.label, true);
    label.push_str(suffix(node.kind));
    for detail in &node.details {
        label.push_str("<br/>");
        escape(&mut label, detail, true);
    }
    if label.trim().is_empty() { name.to_owned() } else { label }
}

/// Adds text so that the label shows it as it is. Characters with a meaning in Mermaid are written as numbers.
fn escape(out: &mut String, text: &str, is_quoted: bool) {
    let has_colon_rules = !is_quoted || ["style", "classDef", ":fa-"].iter().any(|it| text.contains(it));
    let mut before = ' ';
    let mut characters = shown(text).peekable();
    let mut recent = Recent::default();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let is_number = match character {
            '#' | ';' | '<' | '>' | '&' | '*' | '`' | '\\' | '~' => true,
            ':' => has_colon_rules,
            // Markdown ignores an underscore between letters.
            '_' => !(before.is_ascii_alphanumeric() && next.is_ascii_alphanumeric()),
            '%' | '[' | '$' => before == character || next == character,
            _ => recent.ends_direction(character),
        };
        match character {
            '"' if is_quoted => out.push('\''),
            '\n' => out.push_str("<br/>"),
            '\r' if next == '\n' => {}
            '\0'..='\x1f' | '\x7f' | '\u{fffe}' | '\u{ffff}' => out.push(' '),
            _ if is_number => {
                out.push('#');
                out.push_str(&u32::from(character).to_string());
                out.push(';');
            }
            _ => out.push(character),
        }
        before = character;
    }
}

/// Finds `direction`, which Mermaid takes as a command wherever it stands.
#[derive(Default)]
struct Recent(usize);

impl Recent {
    /// Whether `character` is the last one of `direction`.
    fn ends_direction(&mut self, character: char) -> bool {
        let word = b"direction";
        let fits = |at: usize| {
            word.get(at).is_some_and(|letter| character.eq_ignore_ascii_case(&char::from(*letter)))
        };
        self.0 = if fits(self.0) { self.0 + 1 } else { usize::from(fits(0)) };
        self.0 == word.len()
    }
}
