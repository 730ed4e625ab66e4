//! Drawings of the workflows of the golden vectors: the texts of `highway_dsl` 2.2.0 but for the listed differences.

use crate::support::graphviz::{Drawn, check_dot, leave_for_mermaid};
use crate::support::vectors::{Vector, replay, vectors};
use highway_wasm::graph::dot_of;
use highway_wasm::json::parse_json;
use serde_json::Value;
use std::path::PathBuf;

/// Why a drawing differs, for all vectors alike: what upstream has, what we have.
const EVERYWHERE: [(&str, &str, &str); 4] = [
    (
        "Mermaid: a syntax error",
        "    classDef default fill:#1a1a1a,stroke:#333,stroke-width:1px,color:white,font-family:\"JetBrains Mono\";\n",
        "",
    ),
    (
        "Mermaid: white on white",
        "classDef parallel fill:#2c3e50,stroke:#3498db,stroke-width:2px,color:white;",
        "classDef parallel stroke:#3498db,stroke-width:2px;",
    ),
    (
        "Mermaid: white on white",
        "classDef loop fill:#2c3e50,stroke:#e67e22,stroke-width:2px,color:white;",
        "classDef loop stroke:#e67e22,stroke-width:2px;",
    ),
    ("Graphviz: there is no such shape", "shape=hourglass", "shape=octagon"),
];

/// Drawings with a text of their own in `tests/drawings`: vector, kinds, reason.
const DIFFERENT: [(&str, &str, &str); 21] = [
    ("231", "dot", "a task `end`"),
    ("233", "mmd", "Mermaid fails on empty containers"),
    ("235", "mmd dot", "bodies of loops are drawn once"),
    ("238", "mmd", "upstream fails on a description in a branch"),
    ("242", "mmd dot", "bodies of loops are drawn once"),
    ("243", "mmd", "Mermaid fails on empty containers"),
    ("245", "mmd dot", "bodies of loops are drawn once, in the innermost one"),
    ("246", "mmd dot", "bodies of loops are drawn once; the start is the loop around `start_task`"),
    ("247", "mmd dot", "bodies of loops are drawn once; a task `end`"),
    ("248", "mmd dot", "bodies of loops are drawn once"),
    ("249", "mmd dot", "bodies of loops are drawn once"),
    ("252", "dot", "a task `end`"),
    ("254", "dot", "a task `end`"),
    ("255", "dot", "a task `end`"),
    ("263", "dot", "a task `end`"),
    ("266", "mmd dot", "branches of multi_choice are drawn"),
    ("269", "mmd dot", "child workflows are named"),
    ("277", "dot", "quotes in labels"),
    ("278", "dot", "quotes in labels; tasks `start` and `end`"),
    ("292", "mmd", "upstream fails on a description in a loaded workflow"),
    ("339", "mmd dot", "upstream refuses a callback that returns nothing"),
];

#[test]
fn every_vector_is_drawn_as_upstream_but_for_the_listed_differences() {
    let mut drawn = Vec::new();
    let mut equal = 0;
    for vector in vectors("-dsl-") {
        let Ok(Some(workflow)) = replay(&vector) else { continue };
        let drawing = Drawn::new(&vector.name, &workflow);
        equal += usize::from(check(&vector, "mermaid", "mmd", &drawing.mermaid));
        equal += usize::from(check(&vector, "graphviz", "dot", &drawing.dot));
        drawn.push(drawing);
    }
    let seen = check_dot(drawn.iter().map(|it| (it.name.as_str(), it.dot.as_str())));
    leave_for_mermaid("vectors.json", &drawn);
    println!("{} drawn twice, {equal} texts as upstream, {seen} seen by Graphviz", drawn.len());
    assert!(drawn.len() >= 75 && equal >= 120, "{} drawn, {equal} equal", drawn.len());
}

/// Compares a drawing with upstream's, or with ours where that differs. Whether it is upstream's.
fn check(vector: &Vector, key: &str, ending: &str, text: &str) -> bool {
    let name = &vector.name;
    let upstream = vector.case.get(key).and_then(Value::as_str).map(mended);
    let number = name.get(..3).unwrap();
    if !DIFFERENT.iter().any(|(vector, kinds, _)| *vector == number && kinds.contains(ending)) {
        assert_eq!(text, upstream.unwrap_or_else(|| panic!("{name}: upstream has no {key}")), "{name}");
        return true;
    }
    let path = ours(&format!("{name}.{ending}"));
    if std::env::var_os("WRITE_DRAWINGS").is_some() {
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    assert_eq!(format!("{text}\n"), std::fs::read_to_string(&path).unwrap(), "{name}");
    assert_ne!(Some(text), upstream.as_deref(), "{name} is listed as different, and is not");
    false
}

fn ours(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/drawings").join(file)
}

/// Upstream's text without what is wrong everywhere.
fn mended(upstream: &str) -> String {
    let text =
        EVERYWHERE.iter().fold(upstream.to_owned(), |text, (_, theirs, ours)| text.replace(theirs, ours));
    // Mermaid does not read classes within containers: they move behind the outermost one and its own class.
    let mut lines: Vec<&str> = Vec::new();
    let mut inner: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with("     ") && line.trim_start().starts_with("class ") {
            inner.push(line);
            continue;
        }
        lines.push(line);
        if line.starts_with("    class ") {
            lines.append(&mut inner);
        }
    }
    let unindented = lines
        .iter()
        .map(|line| if line.trim_start().starts_with("class ") { line.trim_start() } else { line });
    let unindented = unindented
        .map(|line| if line.starts_with("class ") { format!("    {line}") } else { line.to_owned() });
    unindented.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_listed_text_belongs_to_a_vector() {
    let listed = DIFFERENT.iter().map(|(_, kinds, _)| kinds.split_whitespace().count()).sum::<usize>();
    assert_eq!(std::fs::read_dir(ours("")).unwrap().count(), listed);
}

#[test]
fn a_document_that_does_not_validate_is_drawn_as_its_faults() {
    let definition = |number: &str| {
        let vectors = vectors("-dsl-generate-dot-");
        let vector = vectors.iter().find(|vector| vector.name.starts_with(number)).unwrap();
        let text = vector.calls().last().unwrap()["params"]["definition"].to_string();
        (parse_json(&text).unwrap(), vector.case["generate_dot"].as_str().unwrap().to_owned())
    };
    let (valid, upstream) = definition("294");
    assert_eq!(dot_of(&valid), upstream);
    let (invalid, upstream) = definition("293");
    let ours = dot_of(&invalid);
    assert!(upstream.starts_with("digraph error {") && ours.starts_with("digraph error {"), "{ours}");
    assert!(ours.contains("/name: `name` is missing"), "{ours}");
    check_dot([("invalid", ours.as_str())].into_iter());
}
