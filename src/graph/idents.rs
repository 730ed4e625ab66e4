//! Names of nodes in a drawing. They are upstream's names where those are valid and unique.

use super::scene::{Node, NodeKind, Scene};
use crate::json::number::integer;
use serde_json::{Map, Value};

/// The rules of a drawing language about names.
pub(super) struct Rules {
    /// Whether a name has another meaning in the language.
    pub(super) is_reserved: fn(&str) -> bool,
    /// Whether the name of a node must be ASCII.
    pub(super) is_ascii: fn(&Node) -> bool,
    /// Endings of the further names that the name of a container reserves.
    pub(super) endings: &'static [&'static str],
    /// Names that the drawing itself uses.
    pub(super) taken: &'static [&'static str],
}

/// A unique name for each node of the drawing.
///
/// Names are given in three rounds: to ids that are valid names, to ids that have to be changed, and to branches, which
/// have no id.
pub(super) fn idents(scene: &Scene, rules: &Rules) -> Vec<String> {
    let mut names = Names { taken: Map::new(), rules };
    for name in rules.taken {
        names.take(name);
    }
    let mut idents = vec![String::new(); scene.nodes.len()];
    for turn in 0..4 {
        for (at, node) in scene.nodes.iter().enumerate() {
            let is_done = idents.get(at).is_none_or(|ident| !ident.is_empty());
            if is_done || turn < first_turn(node) {
                continue;
            }
            let mut wanted = sanitised(&node.id);
            if let (NodeKind::Branch, Some(parent)) = (node.kind, node.parent.and_then(|at| idents.get(at))) {
                wanted = format!("{parent}_{wanted}");
            }
            if (rules.is_ascii)(node) {
                wanted = ascii(&wanted);
            }
            let is_container = !node.children.is_empty();
            let keeps_id =
                wanted == node.id && !(rules.is_reserved)(&wanted) && names.is_free(&wanted, is_container);
            if let Some(ident) = idents.get_mut(at).filter(|_| keeps_id || turn >= CHANGED) {
                *ident = names.unique(&wanted, is_container);
            }
        }
    }
    idents
}

/// The first turn in which ids are changed.
const CHANGED: usize = 2;

/// The turn of a node among the ids that stay. Containers come first, since they reserve further names.
fn first_turn(node: &Node) -> usize {
    match node.kind {
        NodeKind::Branch => CHANGED + 1,
        NodeKind::Operator(_) => usize::from(node.children.is_empty()),
    }
}

/// Names that are taken. This is the map type of JSON objects, since the module contains that code anyway.
struct Names<'r> {
    /// Each name, and the last number that was tried after it.
    taken: Map<String, Value>,
    rules: &'r Rules,
}

impl Names<'_> {
    fn take(&mut self, name: &str) {
        if !self.taken.contains_key(name) {
            self.taken.insert(name.to_owned(), Value::from(1));
        }
    }

    /// The name, or the name with a number after it.
    fn unique(&mut self, wanted: &str, is_container: bool) -> String {
        let is_reserved = self.rules.is_reserved;
        let mut wanted = wanted.to_owned();
        if is_reserved(&wanted) {
            wanted.push('_');
        }
        if is_reserved(&wanted) {
            wanted.insert(0, '_');
        }
        let mut number = self.taken.get(&wanted).and_then(Value::as_number);
        let mut tried = number.take().and_then(|number| integer(number.as_str())).unwrap_or(1);
        let mut name = wanted.clone();
        while !self.is_free(&name, is_container) {
            tried += 1;
            name = format!("{wanted}_{tried}");
        }
        if tried > 1 {
            self.taken.insert(wanted, Value::from(tried));
        }
        self.take(&name);
        if is_container {
            for ending in self.rules.endings {
                self.take(&format!("{name}{ending}"));
            }
        }
        name
    }

    fn is_free(&self, name: &str, is_container: bool) -> bool {
        let is_taken = |ending: &&str| self.taken.contains_key(&format!("{name}{ending}"));
        let endings: &[&str] = if is_container { self.rules.endings } else { &[] };
        !self.taken.contains_key(name) && !endings.iter().any(is_taken)
    }
}

/// The longest name, in characters of the id. Graphviz stops at names of more than 16384 bytes.
const MAX_NAME: usize = 200;

/// The id with `_` in place of characters that a name cannot have, and before a leading digit.
fn sanitised(id: &str) -> String {
    let mut out = String::new();
    if id.is_empty() || id.starts_with(|first: char| first.is_ascii_digit()) {
        out.push('_');
    }
    out.extend(id.chars().take(MAX_NAME).map(|character| if is_plain(character) { character } else { '_' }));
    out
}

fn ascii(name: &str) -> String {
    name.chars().map(|character| if character.is_ascii() { character } else { '_' }).collect()
}

/// Whether it is a letter, a digit, or a visible character beyond ASCII.
fn is_plain(character: char) -> bool {
    match character {
        '\0'..='\x7f' => character.is_ascii_alphanumeric() || character == '_',
        '\u{80}'..='\u{a0}'
        | '\u{ad}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200f}'
        | '\u{3000}'
        | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}' => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        is_reserved: |name| name == "node" || name.starts_with("noße"),
        is_ascii: |node| node.label == "ascii",
        endings: &["_start"],
        taken: &["root"],
    };

    fn idents_of(ids: &[&str], containers: &[usize]) -> Vec<String> {
        let operator = NodeKind::Operator(crate::definition::OperatorType::Task);
        let mut scene = Scene::default();
        for (at, id) in ids.iter().enumerate() {
            let children = if containers.contains(&at) { vec![99] } else { Vec::new() };
            scene.nodes.push(Node { kind: operator, children, ..Node::new(id, String::new()) });
        }
        idents(&scene, &RULES)
    }

    #[test]
    fn what_is_a_name_keeps_it_wherever_it_stands() {
        assert_eq!(
            idents_of(&["a-b", "a.b", "a_b", "a_b_2", "größe", "2 x"], &[]),
            ["a_b_3", "a_b_4", "a_b", "a_b_2", "größe", "_2_x"]
        );
    }

    #[test]
    fn no_name_is_reserved_or_empty_or_made_by_a_container() {
        assert_eq!(
            idents_of(&["node", "noße", "root", "", "p_start", "p", "p_start_2"], &[5]),
            ["node_", "_noße_", "root_2", "_", "p_start_3", "p", "p_start_2"]
        );
        assert_eq!(idents_of(&["a\"; b\n{}%%#<", "\u{a0}\u{2028}x"], &[]), ["a___b_______", "__x"]);
    }

    #[test]
    fn many_of_one_name_take_linear_time() {
        let ids = vec!["x"; 100_000];
        assert_eq!(idents_of(&ids, &[]).last().map(String::as_str), Some("x_100000"));
    }
}
