//! The forms of all secrets as a tree of bytes, so that one search finds all of them.

use std::collections::BTreeMap;

/// Sequences of bytes, as a tree of their beginnings.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// One beginning of sequences.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Node {
    next: BTreeMap<u8, usize>,
    /// The number of bytes from the root.
    pub(super) depth: usize,
    /// Whether a sequence ends here.
    pub(super) ends: bool,
    /// The byte that leads here.
    pub(super) byte: u8,
}

/// The node at which every search begins.
pub(super) const ROOT: usize = 0;

impl Trie {
    /// Whether the tree has no sequences.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a sequence, which must not be empty.
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

    /// The node after one further byte.
    pub(super) fn step(&self, at: usize, byte: u8) -> Option<usize> {
        self.nodes.get(at)?.next.get(&byte).copied()
    }

    /// A node by its number.
    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The node after several further bytes.
    pub(super) fn walk(&self, at: usize, bytes: &[u8]) -> Option<usize> {
        bytes.iter().try_fold(at, |at, byte| self.step(at, *byte))
    }
}
