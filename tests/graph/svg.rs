//! SVG pictures of the golden vectors and of odd texts: every node and edge is in them, and nothing that is not text of the
//! picture. `tests/js/workflow/svg.test.mjs` looks at them in a browser.

use crate::support::vectors::{replay, vectors};
use highway_wasm::definition::{Workflow, read};
use highway_wasm::graph::layout::Direction;
use highway_wasm::graph::{Edge, EdgeKind, Placement, PlacementOptions, svg};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Writes pictures for the browser.
fn leave(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tmp/svg");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.svg")), text).unwrap();
}

/// The parts of a picture that stand in `<title>`, unescaped.
fn titles(text: &str) -> Vec<String> {
    let parts = text.split("<title>").skip(1).map(|part| part.split("</title>").next().unwrap());
    parts.map(|part| part.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).collect()
}

fn check(name: &str, workflow: &Workflow) {
    let placement = Placement::new(workflow, &PlacementOptions::default());
    for (direction, ending) in [(Direction::Down, ""), (Direction::Right, "-right")] {
        let text = svg(workflow, direction);
        let titles = titles(&text);
        let scene = &placement.scene;
        let is_shown = |edge: &&Edge| edge.kind != EdgeKind::Dependency || !scene.is_vertical(edge);
        let lines = scene.edges.iter().filter(is_shown).count();
        assert_eq!(titles.len(), 1 + placement.scene.nodes.len() + lines, "{name}");
        let shown = |text: &str| text.replace(|it: char| it.is_control() && it != '\n', " ");
        assert_eq!(titles[0], shown(&workflow.name), "{name}");
        for node in &placement.scene.nodes {
            let kind = node.kind.as_str().replace('_', " ");
            let title = shown(&format!("{} ({kind})", node.id));
            assert!(titles.iter().any(|it| it.starts_with(&title)), "{name}: {title}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{name}");
        leave(&format!("{name}{ending}"), &text);
    }
}

#[test]
fn every_vector_has_a_picture_with_all_nodes_and_edges() {
    let drawn =
        vectors("-dsl-").into_iter().filter_map(|vector| Some((vector.name.clone(), replay(&vector).ok()??)));
    let count = drawn.inspect(|(name, workflow)| check(name, workflow)).count();
    assert!(count >= 75, "{count} drawn");
}

#[test]
fn any_text_is_shown_as_text() {
    for (at, text) in [
        "<script>alert(1)</script>",
        "]]> & &amp; \"quotes\" 'single'",
        "line\nbreak\ttab\r\u{0}\u{1b}[31m\u{9b}\u{7f}",
        "\u{fffe}\u{ffff}",
        "日本語のとても長い説明がここに続きます。日本語のとても長い説明がここに続きます。",
        "</style></svg><svg onload='x'>",
        "שלום עולם",
        "👩‍👩‍👧‍👦 e\u{301}",
        &"W".repeat(3000),
        "",
        "   ",
    ]
    .into_iter()
    .enumerate()
    {
        let task = |before: &[&str]| json!({"task_id": text, "operator_type": "task", "function": "f", "description": text, "dependencies": before});
        let condition = json!({"task_id": "c", "operator_type": "condition", "condition": text, "if_true": text, "if_false": null});
        let switch =
            json!({"task_id": "s", "operator_type": "switch", "switch_on": "{{x}}", "cases": {text: text}});
        let value = json!({"name": text, "tasks": {text: task(&[]), "c": condition, "s": switch}});
        let text = svg(&read(&value).workflow, Direction::Down);
        let outside =
            text.replace(text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap(), "");
        for tag in outside.split('<').skip(1) {
            let tag = tag.split([' ', '>', '/']).find(|part| !part.is_empty()).unwrap();
            let known = ["svg", "title", "style", "rect", "g", "path", "polygon", "text"];
            assert!(known.contains(&tag), "{tag}");
        }
        assert!(!text.contains(|it: char| it.is_control() && it != '\n'));
        leave(&format!("odd-{at}"), &text);
    }
}

#[test]
fn what_cannot_be_read_is_left_out() {
    for value in [json!({}), json!({"name": "w", "tasks": {}}), Value::Null] {
        let text = svg(&read(&value).workflow, Direction::Down);
        assert!(text.ends_with("</svg>\n") && !text.contains("<g>"), "{text}");
    }
}
