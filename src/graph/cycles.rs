//! Finds circles of dependencies.

/// Up to `limit` circles among nodes `0..edges.len()`, each as the nodes along it; a node that points at itself
/// is left out. Edges to unknown nodes are ignored. Takes time linear in nodes and edges, and no recursion.
pub fn cycles(edges: &[Vec<usize>], limit: usize) -> Vec<Vec<usize>> {
    let mut states = vec![State::New; edges.len()];
    let mut found = Vec::new();
    for root in 0..edges.len() {
        // The path from the root, each node with the number of its next edge.
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        if states.get(root) != Some(&State::New) {
            continue;
        }
        set(&mut states, root, State::OnPath);
        while let Some((node, next_edge)) = path.last_mut() {
            let node = *node;
            let Some(&target) = edges.get(node).and_then(|targets| targets.get(*next_edge)) else {
                set(&mut states, node, State::Done);
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
                    found.push(path.iter().skip(start).map(|(on_path, _)| *on_path).collect());
                    if found.len() >= limit {
                        return found;
                    }
                }
                _ => {}
            }
        }
    }
    found
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
