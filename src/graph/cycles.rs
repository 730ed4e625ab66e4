//! Finds circles of dependencies, and the heaviest path along dependencies.

/// Up to `limit` circles among the nodes `0..edges.len()`, each as the list of its nodes. A node that points at itself
/// does not count, and edges to unknown nodes are ignored. The time is linear in nodes and edges; there is no
/// recursion.
pub fn cycles(edges: &[Vec<usize>], limit: usize) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    walk(edges, &mut |_| {}, &mut |circle| {
        found.push(circle.iter().map(|(node, _)| *node).collect());
        found.len() < limit
    });
    found
}

/// For each node, the weight of the heaviest path that starts with it, and the next node on that path. Edges that close
/// a circle are ignored.
pub(crate) fn heaviest(edges: &[Vec<usize>], weights: &[f64]) -> Vec<(f64, Option<usize>)> {
    let mut ways: Vec<(f64, Option<usize>)> = vec![(0.0, None); edges.len()];
    walk(
        edges,
        &mut |node| {
            let mut way = (0.0, None);
            for target in edges.get(node).into_iter().flatten() {
                let weight = ways.get(*target).map_or(0.0, |way| way.0);
                if weight > way.0 {
                    way = (weight, Some(*target));
                }
            }
            if let Some(slot) = ways.get_mut(node) {
                *slot = (way.0 + weights.get(node).copied().unwrap_or_default(), way.1);
            }
        },
        &mut |_| true,
    );
    ways
}

/// A node on a path, and the number of its next edge.
type Step = (usize, usize);

/// A depth-first search. `done` gets each node after all nodes that it points at. `circle` gets each circle, as the
/// part of the path that closes it, and returns whether the search goes on.
fn walk(edges: &[Vec<usize>], done: &mut dyn FnMut(usize), circle: &mut dyn FnMut(&[Step]) -> bool) {
    let mut states = vec![State::New; edges.len()];
    for root in 0..edges.len() {
        // The path from the root to the present node.
        let mut path: Vec<Step> = vec![(root, 0)];
        if states.get(root) != Some(&State::New) {
            continue;
        }
        set(&mut states, root, State::OnPath);
        while let Some((node, next_edge)) = path.last_mut() {
            let node = *node;
            let Some(&target) = edges.get(node).and_then(|targets| targets.get(*next_edge)) else {
                set(&mut states, node, State::Done);
                done(node);
                path.pop();
                continue;
            };
            *next_edge += 1;
            match states.get(target) {
                Some(State::New) => {
                    set(&mut states, target, State::OnPath);
                    path.push((target, 0));
                }
                Some(State::OnPath) if target != node => {
                    let start = path.iter().rposition(|(on_path, _)| *on_path == target).unwrap_or(0);
                    if !circle(path.get(start..).unwrap_or_default()) {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnPath,
    Done,
}

fn set(states: &mut [State], node: usize, state: State) {
    if let Some(slot) = states.get_mut(node) {
        *slot = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_circle_along_its_edges() {
        let edges = vec![vec![1], vec![2], vec![0, 3], vec![4], vec![3], vec![5]];
        assert_eq!(cycles(&edges, 10), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(cycles(&edges, 1).len(), 1);
    }

    #[test]
    fn the_heaviest_way_is_found() {
        let edges = vec![vec![1, 2], vec![3], vec![3], vec![], vec![0, 5], vec![4]];
        let ways = heaviest(&edges, &[1.0, 5.0, 2.0, 4.0, 1.0, 1.0]);
        assert_eq!(ways[0], (10.0, Some(1)));
        assert_eq!(ways[2], (6.0, Some(3)));
        assert_eq!(ways[3], (4.0, None));
        assert_eq!(ways[4], (11.0, Some(0)));
    }

    #[test]
    fn a_diamond_has_none() {
        assert!(cycles(&[vec![1, 2], vec![3], vec![3], vec![]], 10).is_empty());
    }

    #[test]
    fn a_chain_of_100_000_does_not_overflow() {
        let mut edges: Vec<Vec<usize>> = (1..100_000).map(|next| vec![next]).collect();
        edges.push(vec![0]);
        assert_eq!(cycles(&edges, 10).first().map(Vec::len), Some(100_000));
    }
}
