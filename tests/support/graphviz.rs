//! The real Graphviz, and the list of texts for the real Mermaid.

use highway_wasm::definition::Workflow;
use highway_wasm::graph::{Scene, dot, mermaid};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Draws each text. What Graphviz says, warnings too, is a failure; without Graphviz there is nothing to check.
pub(crate) fn check_dot<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    if Command::new("dot").arg("-V").output().is_err() {
        println!("skipped: there is no `dot` on the PATH");
        return 0;
    }
    let mut count = 0;
    for (name, text) in texts {
        let mut dot = Command::new("dot")
            .arg("-Tsvg")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = dot.stdin.take().unwrap();
        // Graphviz reads all before it writes.
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let output = dot.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}\n{text}");
        count += 1;
    }
    count
}

/// A drawing with what is to be seen in it.
pub(crate) struct Drawn {
    pub(crate) name: String,
    pub(crate) mermaid: String,
    pub(crate) dot: String,
    scene: Scene,
}

impl Drawn {
    pub(crate) fn new(name: &str, workflow: &Workflow) -> Self {
        let before = workflow.clone();
        let scene = Scene::new(workflow);
        let drawn = Self { name: name.to_owned(), mermaid: mermaid(workflow), dot: dot(workflow), scene };
        assert_eq!(*workflow, before, "{name}: changed by drawing");
        drawn
    }

    /// Labels of nodes and edges as a reader sees them.
    fn to_json(&self) -> Value {
        let is_blank = |character: char| character.is_whitespace() || character.is_control();
        let shown =
            |text: &str| text.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let nodes = self.scene.nodes.iter().flat_map(|node| node.details.iter().chain([&node.label]));
        let nodes = nodes.flat_map(|label| label.lines()).map(|line| shown(&line.replace('"', "'")));
        let edges = self.scene.edges.iter().filter(|edge| !self.scene.is_vertical(edge));
        let edges = edges.filter_map(|edge| edge.kind.label()).flat_map(str::lines).map(&shown);
        let arrows = self.mermaid.lines().map(str::trim);
        let arrows = arrows.filter(|line| line.contains(" --> ") || line.starts_with("note right of"));
        json!({
            "name": self.name,
            "text": self.mermaid,
            "nodes": self.scene.nodes.len(),
            "arrows": arrows.count(),
            "labels": nodes.chain(edges).collect::<Vec<_>>(),
        })
    }
}

/// Leaves the texts where `tests/js/workflow/mermaid.test.mjs` finds them.
pub(crate) fn leave_for_mermaid(file: &str, drawn: &[Drawn]) {
    let list: Vec<Value> = drawn.iter().map(Drawn::to_json).collect();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("mermaid");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(file), serde_json::to_string_pretty(&list).unwrap()).unwrap();
}
