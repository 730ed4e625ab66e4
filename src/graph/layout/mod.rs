//! Layered pictures of directed graphs with nested containers.
//!
//! Nodes get layers so that edges lead from one layer to a later one (`layers`). Layers are ordered so that few edges
//! cross (`order`, `trees`). Nodes move to the middle of their neighbours (`place`). Each container is laid out by
//! itself, the innermost first (`tree`, `frame`). Edges cross the borders of containers through ports (`links`, `grid`,
//! `routes`). The module knows nothing about workflows. It never recurses and never fails, whatever the graph.

mod exchange;
mod frame;
mod grid;
mod items;
mod layers;
mod links;
mod lists;
mod order;
mod place;
mod routes;
#[cfg(test)]
mod tests;
mod tree;
mod trees;
mod work;

use crate::json::number::clamp;
use frame::Padding;
use items::Item;
use lists::at;
use routes::{Point, Router};
use tree::Tree;
use work::Work;

/// The longest side of a node; longer ones are cut to it.
const MAX_LENGTH: f64 = 1e6;

/// A node of the graph: a box with a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The width; for a container the least width. Negative values and NaN count as 0.
    pub width: f64,
    /// The height, by the same rules.
    pub height: f64,
    /// The number of the node that contains it. An invalid number means no container.
    pub parent: Option<usize>,
}

/// An arrow between any two nodes, also between containers or across their borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The number of the node at which it starts.
    pub from: usize,
    /// The number of the node at which it ends.
    pub to: usize,
}

/// The distances in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Between layers.
    pub layer: f64,
    /// Between nodes of a layer.
    pub node: f64,
    /// Between the border of a container and its content.
    pub padding: f64,
    /// Above the content of a container, for its title.
    pub header: f64,
}

impl Default for Spacing {
    fn default() -> Self {
        Self { layer: 60.0, node: 40.0, padding: 20.0, header: 28.0 }
    }
}

/// The direction of edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From top to bottom.
    #[default]
    Down,
    /// From left to right.
    Right,
}

/// The place of a node; x and y are its upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Distance from the left edge of the picture.
    pub x: f64,
    /// Distance from the upper edge of the picture.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A finished picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The nodes, in the given order.
    pub nodes: Vec<Rect>,
    /// For each edge, the points of its line from the border of one node to that of the other. Empty if an end does not
    /// exist.
    pub edges: Vec<Vec<(f64, f64)>>,
    /// Width of the picture.
    pub width: f64,
    /// Height of the picture.
    pub height: f64,
}

/// Lays out a graph.
///
/// Nodes never overlap, and stay inside their containers. All edges lead in the same direction, except those that close
/// a circle. Nodes keep the given order unless another order has fewer crossings. Adding a node with one predecessor,
/// in the same container, does not change the order of the others.
///
/// ```
/// use highway_wasm::graph::layout::{Direction, Edge, Node, Spacing, layout};
///
/// let task = Node { width: 100.0, height: 40.0, parent: None };
/// let edges = [Edge { from: 0, to: 1 }, Edge { from: 0, to: 2 }];
/// let picture = layout(&[task, task, task], &edges, Direction::Down, &Spacing::default());
/// assert_eq!((picture.width, picture.height), (240.0, 140.0));
/// assert_eq!((picture.nodes[0].x, picture.nodes[1].x, picture.nodes[2].x), (70.0, 0.0, 140.0));
/// assert_eq!(picture.edges[1], [(120.0, 40.0), (190.0, 100.0)]);
/// ```
pub fn layout(nodes: &[Node], edges: &[Edge], direction: Direction, spacing: &Spacing) -> Layout {
    let length = |value: f64| clamp(value, 0.0, MAX_LENGTH);
    let spacing = Spacing {
        layer: length(spacing.layer),
        node: length(spacing.node),
        padding: length(spacing.padding),
        header: length(spacing.header),
    };
    let items = nodes.iter().map(|node| {
        let (width, height) = turn((length(node.width), length(node.height)), direction);
        Item { half: width / 2.0, height, ..Item::default() }
    });
    let tree = Tree::new(nodes);
    let mut plan = links::Plan::new(&tree, edges);
    let layers = layers::assign(nodes.len(), &mut plan.links, &plan.pinned);
    plan.add_ports(&tree, edges);
    let mut work = Work::new(&tree, plan, layers, items.collect());
    for &container in tree.outside_in.iter().rev() {
        arrange(&mut work, container, inside(direction, &spacing), &spacing);
    }
    arrange(&mut work, tree.root, Padding::default(), &spacing);
    draw(&tree, &work, edges, direction, &spacing)
}

/// Swaps the coordinates of a point if edges lead to the right, so that the algorithm only knows edges that lead down.
/// A second turn undoes it.
fn turn((x, y): Point, direction: Direction) -> Point {
    match direction {
        Direction::Down => (x, y),
        Direction::Right => (y, x),
    }
}

/// The padding of containers in the turned picture, in which edges lead down.
fn inside(direction: Direction, spacing: &Spacing) -> Padding {
    let (padding, title) = (spacing.padding, spacing.padding + spacing.header);
    let (left, top) = turn((padding, title), direction);
    Padding { left, right: padding, top, bottom: padding }
}

/// Lays out the content of a container.
fn arrange(work: &mut Work, container: usize, padding: Padding, spacing: &Spacing) {
    if work.children.of(container).is_empty() {
        return;
    }
    let mut grid = grid::Grid::new(work, container);
    order::reduce(&mut grid, &mut work.items);
    trees::insert(&mut grid, work, container);
    place::place(&grid, &mut work.items, spacing);
    frame::fit(&grid, work, container, padding, spacing);
}

fn draw(tree: &Tree, work: &Work, edges: &[Edge], direction: Direction, spacing: &Spacing) -> Layout {
    let mut corners = vec![(0.0, 0.0); tree.root + 1];
    for &node in &tree.outside_in {
        let (around, item): (Point, Item) = (at(&corners, tree.parent(node)), work.items.get(node));
        lists::set(&mut corners, node, (around.0 + item.x - item.half, around.1 + item.upper_edge()));
    }
    let router = Router { work, spacing, corners: &corners, containers: &work.plan.containers(tree) };
    let mut layout = Layout { nodes: Vec::new(), edges: Vec::new(), width: 0.0, height: 0.0 };
    for (node, &corner) in corners.iter().enumerate().take(tree.root) {
        let item = work.items.get(node);
        let ((x, y), (width, height)) =
            (turn(corner, direction), turn((item.half * 2.0, item.height), direction));
        layout.nodes.push(Rect { x, y, width, height });
        layout.cover((x + width, y + height));
    }
    for (edge, &path) in edges.iter().zip(&work.plan.paths) {
        let mut route = router.route(edge, path);
        for point in &mut route {
            *point = turn(*point, direction);
            layout.cover(*point);
        }
        layout.edges.push(route);
    }
    layout
}

impl Layout {
    /// Grows the picture until it contains a point.
    fn cover(&mut self, (x, y): Point) {
        (self.width, self.height) = (self.width.max(x), self.height.max(y));
    }
}
