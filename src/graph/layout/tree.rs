//! The tree of containers: which node lies in which container.

use super::Node;
use super::lists::{at, set};

/// The containers of all nodes. The picture as a whole counts as one more container, with the number `root`.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: usize,
    pub(super) parent: Vec<usize>,
    /// Number of containers around each node; 0 for the root.
    depth: Vec<usize>,
    /// All nodes, each container before its content.
    pub(super) outside_in: Vec<usize>,
}

/// How two nodes are related: the containers that an edge between them leaves and enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    /// The ancestors of both that lie in the same container. If one node contains the other, both ends are that node.
    pub(super) ends: (usize, usize),
    /// Number of levels between each node and its ancestor.
    pub(super) climbs: (usize, usize),
}

impl Tree {
    /// An unknown parent means the root. A circle of parents is cut.
    pub(super) fn new(nodes: &[Node]) -> Self {
        const ON_PATH: usize = usize::MAX;
        let root = nodes.len();
        let parent = nodes.iter().map(|node| node.parent.map_or(root, |parent| parent.min(root))).collect();
        let mut tree = Self { root, parent, depth: vec![0; root], outside_in: Vec::with_capacity(root) };
        let mut path = Vec::new();
        for start in 0..root {
            let mut node = start;
            while node < root && tree.depth(node) == 0 {
                set(&mut tree.depth, node, ON_PATH);
                path.push(node);
                let parent = tree.parent(node);
                if tree.depth(parent) == ON_PATH {
                    set(&mut tree.parent, node, root);
                }
                node = tree.parent(node);
            }
            while let Some(node) = path.pop() {
                let depth = tree.depth(tree.parent(node)) + 1;
                set(&mut tree.depth, node, depth);
                tree.outside_in.push(node);
            }
        }
        tree
    }

    pub(super) fn parent(&self, node: usize) -> usize {
        self.parent.get(node).copied().unwrap_or(self.root)
    }

    fn depth(&self, node: usize) -> usize {
        at(&self.depth, node)
    }

    /// Climbs from both nodes to the container in which they meet.
    pub(super) fn meeting(&self, from: usize, to: usize) -> Meeting {
        let (mut a, mut b, mut climbs) = (from, to, (0, 0));
        while self.depth(a) > self.depth(b) {
            (a, climbs.0) = (self.parent(a), climbs.0 + 1);
        }
        while self.depth(b) > self.depth(a) {
            (b, climbs.1) = (self.parent(b), climbs.1 + 1);
        }
        while a != b && self.parent(a) != self.parent(b) {
            (a, b, climbs) = (self.parent(a), self.parent(b), (climbs.0 + 1, climbs.1 + 1));
        }
        Meeting { ends: (a, b), climbs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(parents: &[Option<usize>]) -> Tree {
        let node = |&parent: &Option<usize>| Node { width: 1.0, height: 1.0, parent };
        Tree::new(&parents.iter().map(node).collect::<Vec<_>>())
    }

    #[test]
    fn bad_parents_mean_the_root() {
        assert_eq!(tree(&[Some(9), None]).parent, [2, 2]);
        assert_eq!(tree(&[Some(0)]).parent, [1]);
        let cut = tree(&[Some(1), Some(2), Some(1)]);
        assert_eq!((cut.parent, cut.depth, cut.outside_in), (vec![1, 2, 3], vec![3, 2, 1], vec![2, 1, 0]));
    }

    #[test]
    fn nodes_meet_below_the_container_of_both() {
        // 0 contains 1 contains 2; 3 contains 4.
        let tree = tree(&[None, Some(0), Some(1), None, Some(3)]);
        assert_eq!(tree.meeting(2, 4), Meeting { ends: (0, 3), climbs: (2, 1) });
        assert_eq!(tree.meeting(0, 2), Meeting { ends: (0, 0), climbs: (0, 2) });
        assert_eq!(tree.meeting(2, 2), Meeting { ends: (2, 2), climbs: (0, 0) });
    }
}
