//! Tests typical pictures, and that large graphs are drawn. `tests/graph/layout.rs` tests properties of any graph.

use super::*;

const TASK: Node = Node { width: 90.0, height: 36.0, parent: None };

fn draw(nodes: &[Node], pairs: &[(usize, usize)]) -> Layout {
    let edges: Vec<Edge> = pairs.iter().map(|&(from, to)| Edge { from, to }).collect();
    layout(nodes, &edges, Direction::Down, &Spacing::default())
}

/// The horizontal middles of nodes.
fn middles(picture: &Layout) -> Vec<f64> {
    picture.nodes.iter().map(|rect| (rect.x + rect.width / 2.0) * 1e6).map(|x| x.round() / 1e6).collect()
}

fn inside(parent: usize) -> Node {
    Node { parent: Some(parent), ..TASK }
}

#[test]
fn nothing_makes_an_empty_picture() {
    assert_eq!(draw(&[], &[(0, 1)]), Layout { nodes: vec![], edges: vec![vec![]], width: 0.0, height: 0.0 });
}

#[test]
fn a_chain_is_a_straight_line() {
    let picture = draw(&[TASK; 4], &[(0, 1), (1, 2), (2, 3)]);
    assert_eq!(middles(&picture), [45.0; 4]);
    assert_eq!((picture.width, picture.height), (90.0, 4.0 * 36.0 + 3.0 * 60.0));
    assert_eq!(picture.edges[1], [(45.0, 132.0), (45.0, 192.0)]);
}

#[test]
fn forks_and_joins_are_symmetric() {
    let picture = draw(&[TASK; 5], &[(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)]);
    assert_eq!(middles(&picture), [175.0, 45.0, 175.0, 305.0, 175.0]);
}

#[test]
fn a_parent_stands_above_the_middle_of_its_children() {
    let picture = draw(&[TASK; 7], &[(0, 1), (0, 2), (1, 3), (1, 4), (1, 5), (2, 6)]);
    assert_eq!(middles(&picture), [305.0, 175.0, 435.0, 45.0, 175.0, 305.0, 435.0]);
}

#[test]
fn long_edges_pass_beside_nodes_and_leave_them_straight() {
    let picture = draw(&[TASK; 4], &[(0, 1), (1, 2), (2, 3), (0, 3)]);
    assert_eq!(middles(&picture), [45.0; 4]);
    assert_eq!(picture.edges[3], [(45.0, 36.0), (110.0, 96.0), (110.0, 228.0), (45.0, 288.0)]);
}

#[test]
fn crossings_are_resolved_and_ties_keep_the_order_given() {
    let picture = draw(&[TASK; 4], &[(0, 3), (1, 2)]);
    assert_eq!(middles(&picture), [45.0, 175.0, 175.0, 45.0]);
    let tangle = draw(&[TASK; 6], &[(0, 3), (0, 4), (1, 3), (1, 4), (2, 5), (2, 3)]);
    assert_eq!(middles(&tangle).iter().map(|x| *x < 130.0).collect::<Vec<_>>()[..2], [true, false]);
}

#[test]
fn circles_are_drawn_against_the_direction_only_where_they_close() {
    let picture = draw(&[TASK; 3], &[(0, 1), (1, 2), (2, 0)]);
    assert_eq!(picture.nodes.iter().map(|rect| rect.y).collect::<Vec<_>>(), [0.0, 96.0, 192.0]);
    assert_eq!(picture.edges[2], [(45.0, 192.0), (110.0, 132.0), (110.0, 96.0), (45.0, 36.0)]);
}

#[test]
fn a_container_has_room_for_its_title() {
    let picture = draw(&[TASK, inside(0)], &[]);
    assert_eq!(picture.nodes[0], Rect { x: 0.0, y: 0.0, width: 130.0, height: 104.0 });
    assert_eq!(picture.nodes[1], Rect { x: 20.0, y: 48.0, width: 90.0, height: 36.0 });
    let wide = [Node { width: 300.0, height: 200.0, parent: None }, inside(0)];
    assert_eq!(draw(&wide, &[]).nodes[1], Rect { x: 105.0, y: 96.0, width: 90.0, height: 36.0 });
    let right = layout(&[TASK, inside(0)], &[], Direction::Right, &Spacing::default());
    assert_eq!((right.nodes[1].x, right.nodes[1].y), (20.0, 48.0));
}

#[test]
fn edges_cross_the_borders_of_containers() {
    // 0 contains 1 → 2, 3 contains 4.
    let nodes = [TASK, inside(0), inside(0), TASK, inside(3)];
    let picture = draw(&nodes, &[(1, 2), (2, 4), (0, 1), (4, 3)]);
    assert_eq!(picture.edges[1], [(65.0, 180.0), (65.0, 308.0)]);
    assert_eq!(picture.edges[2], [(65.0, 0.0), (65.0, 48.0)]);
    assert_eq!(picture.edges[3], [(65.0, 344.0), (65.0, 364.0)]);
    assert_eq!(picture.nodes[3].y, 260.0);
}

#[test]
fn a_loop_stays_beside_its_node() {
    let picture = draw(&[TASK], &[(0, 0)]);
    let line = &picture.edges[0];
    assert_eq!((line[0], line[3]), ((90.0, 9.0), (90.0, 27.0)));
    assert_eq!(picture.width, line[1].0);
}

#[test]
fn deep_graphs_need_no_stack() {
    let pairs: Vec<(usize, usize)> = (1..100_000).map(|next| (next - 1, next)).collect();
    let chain = draw(&vec![TASK; 100_000], &pairs);
    assert_eq!((chain.width, chain.nodes[99_999].y), (90.0, 96.0 * 99_999.0));
    let nest: Vec<Node> =
        (0..1000).map(|depth: usize| Node { parent: depth.checked_sub(1), ..TASK }).collect();
    let nested = draw(&nest, &[(0, 999), (999, 0), (500, 700)]);
    assert_eq!(nested.width, 90.0 + 999.0 * 40.0);
    assert_eq!(nested.edges[0][0].1, 0.0);
    assert_eq!(nested.edges[1][0].1, nested.nodes[999].y + 36.0);
}

#[test]
fn dense_and_long_edges_are_drawn_without_great_care() {
    let full: Vec<(usize, usize)> = (0..500 * 500).map(|pair| (pair / 500, 500 + pair % 500)).collect();
    assert_eq!(draw(&vec![TASK; 1000], &full).edges.len(), 250_000);
    let mut long: Vec<(usize, usize)> = (1..2000).map(|next| (next - 1, next)).collect();
    long.extend((0..900).map(|near| (near, 1999 - near)));
    let picture = draw(&vec![TASK; 2000], &long);
    assert_eq!(picture.edges[1999].len(), 2);
    assert_eq!(picture.edges[2898].len(), 4);
}
