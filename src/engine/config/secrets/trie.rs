//! What is looked for: bytes, as paths of a tree, so that all are looked for at once.

use std::collections::BTreeMap;

/// Sequences of bytes by their beginnings.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// What follows one beginning.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Node {
    next: BTreeMap<u8, usize>,
    /// How many bytes lead here.
    pub(super) depth: usize,
    /// Whether a sequence ends here.
    pub(super) ends: bool,
    /// The byte that leads here.
    pub(super) byte: u8,
}

/// Where every search begins.
pub(super) const ROOT: usize = 0;

impl Trie {
    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a sequence, which is not empty.
    pub(super) fn insert(&mut self, bytes: &[u8]) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = ROOT;
        for (place, byte) in bytes.iter().enumerate() {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.next.entry(*byte).or_insert(new);
            if at == new {
                self.nodes.push(Node { depth: place + 1, byte: *byte, ..Node::default() });
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends = true;
        }
    }

    /// The node that one byte leads to from another one.
    pub(super) fn step(&self, at: usize, byte: u8) -> Option<usize> {
        self.nodes.get(at)?.next.get(&byte).copied()
    }

    /// A node by its number.
    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The node that bytes lead to from another one.
    pub(super) fn behind(&self, at: usize, bytes: &[u8]) -> Option<usize> {
        bytes.iter().try_fold(at, |at, byte| self.step(at, *byte))
    }
}
