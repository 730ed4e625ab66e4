//! Assigns layers, such that every link leads to a later layer. This is done for all containers at once, since links
//! never leave a container.

use super::links::Link;
use super::lists::{Groups, at, count, set};

/// The layer of every node within its container.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) layer: Vec<usize>,
    /// Whether a node and all its followers form a tree below its only predecessor. Such a tree does not influence the
    /// positions of other nodes, so adding one moves nothing else.
    pub(super) free: Vec<bool>,
}

/// Turns the links that close a circle, and finds the layers of the nodes `0..count`. Nodes that are `pinned` have
/// links to other containers.
pub(super) fn assign(count: usize, links: &mut [Link], pinned: &[bool]) -> Layers {
    let order = order(count, links);
    let mut ranks = vec![0; count];
    for (rank, &node) in order.iter().enumerate() {
        set(&mut ranks, node, rank);
    }
    for link in links.iter_mut() {
        if at(&ranks, link.upper) > at(&ranks, link.lower) {
            core::mem::swap(&mut link.upper, &mut link.lower);
            link.turned = true;
        }
    }
    let below = below(count, links);
    let free = free(&order, &below, pinned);
    let mut layer = vec![0; count];
    push_down(&order, &below, &mut layer);
    let late = late(&order, &below, &free, pinned);
    for &node in order.iter().rev().filter(|&&node| at(&late, node)) {
        let bound = below.of(node).filter(|&lower| !at(&free, lower)).map(|lower| at(&layer, lower)).min();
        if let Some(bound) = bound {
            set(&mut layer, node, bound.saturating_sub(1));
        }
    }
    push_down(&order, &below, &mut layer);
    Layers { layer, free }
}

/// The followers of each node.
struct Below {
    groups: Groups,
    lowers: Vec<usize>,
}

impl Below {
    fn of(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.groups.of(node).iter().map(|&link| at(&self.lowers, link))
    }
}

fn below(count: usize, links: &[Link]) -> Below {
    let uppers: Vec<usize> = links.iter().map(|link| link.upper).collect();
    Below { groups: Groups::new(count, &uppers), lowers: links.iter().map(|link| link.lower).collect() }
}

/// An order of all nodes in which only links that close a circle lead back: the reverse of the order in which a
/// depth-first search leaves them. The search starts at the nodes without predecessors, in their order.
fn order(count: usize, links: &[Link]) -> Vec<usize> {
    let below = below(count, links);
    let mut first = vec![true; count];
    for link in links {
        set(&mut first, link.lower, false);
    }
    let starts = (0..count).filter(|&node| at(&first, node)).chain(0..count);
    let mut seen = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let mut path: Vec<(usize, usize)> = Vec::new();
    for start in starts {
        if !at(&seen, start) {
            set(&mut seen, start, true);
            path.push((start, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let (&mut node, link) = (node, *next);
            *next += 1;
            match below.groups.of(node).get(link).map(|&link| at(&below.lowers, link)) {
                Some(lower) if !at(&seen, lower) => {
                    set(&mut seen, lower, true);
                    path.push((lower, 0));
                }
                Some(_) => {}
                None => {
                    order.push(node);
                    path.pop();
                }
            }
        }
    }
    order.reverse();
    order
}

fn push_down(order: &[usize], below: &Below, layer: &mut [usize]) {
    for &node in order {
        let next = at(layer, node) + 1;
        for lower in below.of(node) {
            let deepest = at(layer, lower).max(next);
            set(layer, lower, deepest);
        }
    }
}

fn free(order: &[usize], below: &Below, pinned: &[bool]) -> Vec<bool> {
    let mut incoming = vec![0_usize; pinned.len()];
    for &lower in &below.lowers {
        count(&mut incoming, lower);
    }
    let mut free = vec![false; pinned.len()];
    for &node in order.iter().rev() {
        let tree = below.of(node).all(|lower| at(&free, lower));
        set(&mut free, node, tree && !at(pinned, node) && at(&incoming, node) <= 1);
    }
    free
}

/// Nodes that look better in a late layer: side inputs, all of whose predecessors lead to them alone.
fn late(order: &[usize], below: &Below, free: &[bool], pinned: &[bool]) -> Vec<bool> {
    let mut late: Vec<bool> = pinned.iter().map(|pinned| !pinned).collect();
    for &node in order {
        if !at(&late, node) || below.of(node).filter(|&lower| !at(free, lower)).count() > 1 {
            for lower in below.of(node) {
                set(&mut late, lower, false);
            }
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(count: usize, edges: &[(usize, usize)]) -> Layers {
        let mut links: Vec<Link> = edges.iter().map(|&(from, to)| Link::new(from, to, from)).collect();
        assign(count, &mut links, &vec![false; count])
    }

    #[test]
    fn a_link_spans_at_least_one_layer() {
        assert_eq!(layers(4, &[(0, 1), (1, 2), (0, 2), (2, 3)]).layer, [0, 1, 2, 3]);
        assert_eq!(layers(3, &[(0, 1), (1, 2), (2, 0)]).layer, [0, 1, 2]);
        assert_eq!(layers(4, &[(3, 1), (1, 2), (2, 1)]).layer, [0, 1, 2, 0]);
    }

    #[test]
    fn side_inputs_stand_above_what_they_lead_to() {
        // 0 → 1 → 2 → 3, and 4 → 5 → 3; a tree below 4 changes nothing.
        let edges = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 3), (4, 6), (6, 7)];
        assert_eq!(layers(6, &edges[..5]).layer, [0, 1, 2, 3, 1, 2]);
        assert_eq!(layers(8, &edges).layer, [0, 1, 2, 3, 1, 2, 2, 3]);
    }

    #[test]
    fn branches_start_at_their_fork() {
        assert_eq!(layers(5, &[(0, 1), (1, 2), (2, 3), (0, 4), (4, 3)]).layer, [0, 1, 2, 3, 1]);
    }

    #[test]
    fn trees_are_free() {
        assert_eq!(
            layers(5, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]).free,
            [false, false, false, false, true]
        );
    }
}
