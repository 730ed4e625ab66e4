//! The places of a document's values in its text.

use super::parse::parse_json;
use super::pointer::keys;
use crate::text::Place;
use serde_json::{Map, Value};

/// The places of some values: a tree of their JSON pointers. A reader of the text fills the places in.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root is the first node.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Positions of the child nodes, by key.
    children: Map<String, Value>,
    place: Option<Place>,
}

impl Default for Places {
    /// Finds no places.
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Places {
    /// Will find the places of the values at these JSON pointers, and of the values around them.
    pub fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut places = Self::default();
        for path in paths {
            let mut at = 0;
            for key in keys(path) {
                at = places.child(at, &key).unwrap_or_else(|| places.add(at, key));
            }
        }
        places
    }

    fn add(&mut self, parent: usize, key: String) -> usize {
        let at = self.nodes.len();
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.children.insert(key, at.into());
        }
        self.nodes.push(Node::default());
        at
    }

    /// The node of a value inside another one, if its place is wanted.
    pub(crate) fn child(&self, node: usize, key: &str) -> Option<usize> {
        self.nodes.get(node)?.children.get(key)?.as_u64()?.try_into().ok()
    }

    /// Fills in the place of a node's value.
    pub(crate) fn set(&mut self, node: usize, place: Place) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.place = Some(place);
        }
    }

    /// The place at which the value of a pointer begins: at its key in an object, at itself in a list. For a missing
    /// value, it is the place of the nearest value around it.
    pub fn find(&self, path: &str) -> Option<Place> {
        let (mut at, mut found) = (0, self.nodes.first()?.place);
        for key in keys(path) {
            let Some(child) = self.child(at, &key) else { break };
            let Some(place) = self.nodes.get(child).and_then(|node| node.place) else { break };
            (at, found) = (child, Some(place));
        }
        found
    }

    /// Finds the places in JSON text that is known to be valid.
    ///
    /// ```
    /// use highway_wasm::json::Places;
    ///
    /// let mut places = Places::of(["/a/1", "/b/c"].into_iter());
    /// places.look_in_json("{\n  \"a\": [0, 1],\n  \"b\": {}\n}");
    /// let at = |path| places.find(path).map(|place| (place.line, place.column));
    /// assert_eq!((at("/a/1"), at("/b/c")), (Some((2, 12)), Some((3, 3))));
    /// ```
    pub fn look_in_json(&mut self, text: &str) {
        let mut scanner = Scanner { text, at: 0, seen: 0, place: Place { line: 1, column: 1 } };
        scanner.blanks();
        let start = scanner.here();
        self.set(0, start);
        scanner.value(Some(0), self);
    }
}

/// Steps through JSON text without building values.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The byte to which `place` belongs.
    seen: usize,
    place: Place,
}

impl Scanner<'_> {
    fn value(&mut self, node: Option<usize>, places: &mut Places) {
        match self.peek() {
            Some(open @ (b'{' | b'[')) => self.inside(open, node, places),
            Some(b'"') => self.string(),
            _ => {
                let is_part = |byte: u8| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                self.at += 1;
                while self.peek().is_some_and(is_part) {
                    self.at += 1;
                }
            }
        }
    }

    /// Steps over the content of an object or a list, and its closing bracket.
    fn inside(&mut self, open: u8, node: Option<usize>, places: &mut Places) {
        let mut index = 0_usize;
        self.at += 1;
        loop {
            self.blanks();
            let start = self.at;
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                Some(b'}' | b']') | None => break,
                _ => {}
            }
            let key = if open == b'{' {
                self.string();
                decoded(self.text.get(start..self.at).unwrap_or_default())
            } else {
                index += 1;
                (index - 1).to_string()
            };
            let inner = node.and_then(|node| places.child(node, &key));
            self.found(inner, start, places);
            if open == b'{' {
                self.blanks();
                self.at += 1;
                self.blanks();
            }
            self.value(inner, places);
        }
        self.at += 1;
    }

    fn found(&mut self, node: Option<usize>, start: usize, places: &mut Places) {
        if let Some(node) = node {
            let after = std::mem::replace(&mut self.at, start);
            let place = self.here();
            places.set(node, place);
            self.at = after;
        }
    }

    /// The present line and column. The scanner never goes back.
    fn here(&mut self) -> Place {
        for char in self.text.get(self.seen..self.at).unwrap_or_default().chars() {
            if char == '\n' {
                self.place = Place { line: self.place.line + 1, column: 1 };
            } else {
                self.place.column += 1;
            }
        }
        self.seen = self.at;
        self.place
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// The text of a string literal.
fn decoded(literal: &str) -> String {
    parse_json(literal).ok().and_then(|key| key.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_items_and_what_is_around_them() {
        let text = "\n {\"é\": 1, \"a/b~\": [\n\"x\\\"]\", {\"k\\u0065y\": -1.5e3}, [[]]], \"ü\" : null }";
        let mut places =
            Places::of(["", "/a~1b~0/0", "/a~1b~0/1/key", "/a~1b~0/2/0/9", "/ü", "/none/deeper"].into_iter());
        places.look_in_json(text);
        for (path, line, column) in [
            ("", 2, 2),
            ("/a~1b~0", 2, 11),
            ("/a~1b~0/0", 3, 1),
            ("/a~1b~0/1", 3, 9),
            ("/a~1b~0/1/key", 3, 10),
            ("/a~1b~0/2/0/9", 3, 32),
            ("/ü", 3, 38),
            ("/none/deeper", 2, 2),
        ] {
            assert_eq!(places.find(path), Some(Place { line, column }), "{path}");
        }
    }
}
