//! The layout of a workflow: the scene with coordinates.

use super::layout::{Direction, Edge as Line, Node as Frame, Spacing, layout};
use super::scene::{EdgeKind, Node, Scene};
use crate::definition::Workflow;
use crate::error::{Error, ErrorCode, Result};
use crate::json::child_path;
use crate::json::number::{digits, to_f64};
use crate::text::names::NameIndex;
use crate::text::suggest::did_you_mean;
use serde::Serialize;
use serde_json::Value;

/// The lengths that a caller may set.
const LENGTHS: [&str; 6] = ["nodeWidth", "nodeHeight", "layerGap", "nodeGap", "padding", "header"];

/// How a workflow is laid out. Lengths are in the unit of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacementOptions {
    /// The direction of edges.
    pub direction: Direction,
    /// Width of a node without content.
    pub node_width: f64,
    /// Height of a node without content.
    pub node_height: f64,
    /// Distances.
    pub spacing: Spacing,
}

impl Default for PlacementOptions {
    fn default() -> Self {
        Self { direction: Direction::Down, node_width: 160.0, node_height: 48.0, spacing: Spacing::default() }
    }
}

impl PlacementOptions {
    /// Reads `{direction, nodeWidth, nodeHeight, layerGap, nodeGap, padding, header}`, all optional.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID`, with the path of the option.
    pub fn read(options: &Value) -> Result<Self> {
        let invalid = |key: &str, message: String| {
            Error::new(ErrorCode::OptionInvalid, message).with_path(child_path("", key))
        };
        let mut read = Self::default();
        for (key, value) in options.as_object().into_iter().flatten() {
            if key == "direction" {
                read.direction = match value.as_str() {
                    Some("down") => Direction::Down,
                    Some("right") => Direction::Right,
                    _ => return Err(invalid(key, "`direction` is neither `down` nor `right`".into())),
                };
                continue;
            }
            let slot = match key.as_str() {
                "nodeWidth" => &mut read.node_width,
                "nodeHeight" => &mut read.node_height,
                "layerGap" => &mut read.spacing.layer,
                "nodeGap" => &mut read.spacing.node,
                "padding" => &mut read.spacing.padding,
                "header" => &mut read.spacing.header,
                _ => {
                    let error = invalid(key, format!("a layout has no option `{key}`"));
                    return Err(error.with_any_help(did_you_mean(key, LENGTHS)));
                }
            };
            *slot = to_f64(value)
                .filter(|length| (0.0..=10_000.0).contains(length))
                .ok_or_else(|| invalid(key, format!("`{key}` is not a number from 0 to 10000")))?;
        }
        Ok(read)
    }
}

/// The scene of a workflow, with the places of its nodes and the routes of its edges.
///
/// ```
/// use highway_wasm::definition::read;
/// use highway_wasm::graph::{Placement, PlacementOptions};
/// use serde_json::json;
///
/// let task = |id: &str, before: &[&str]| {
///     json!({"task_id": id, "operator_type": "task", "function": "f", "dependencies": before})
/// };
/// let document = read(&json!({"name": "w", "tasks": {"a": task("a", &[]), "b": task("b", &["a"])}}));
/// let placed = Placement::new(&document.workflow, &PlacementOptions::default());
/// assert_eq!(placed.layout.nodes[1].y - placed.layout.nodes[0].y, 48.0 + 60.0);
/// let drawing = placed.drawing();
/// assert_eq!((drawing.width, drawing.height), (160.0, 156.0));
/// assert_eq!((drawing.nodes[0].id, drawing.nodes[0].name), ("/tasks/a", "a"));
/// assert_eq!(drawing.edges[0].points, [[80.0, 48.0], [80.0, 108.0]]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The nodes and edges.
    pub scene: Scene,
    /// Their coordinates. Nodes and edges have the numbers of the scene.
    pub layout: super::layout::Layout,
}

impl Placement {
    /// The layout of a workflow.
    pub fn new(workflow: &Workflow, options: &PlacementOptions) -> Self {
        let size = |_: &Node| (options.node_width, options.node_height);
        Self::of_scene(Scene::new(workflow), options.direction, &options.spacing, &size)
    }

    /// The layout of a scene whose nodes have given sizes (width, height).
    pub(super) fn of_scene(
        mut scene: Scene,
        direction: Direction,
        spacing: &Spacing,
        size: &dyn Fn(&Node) -> (f64, f64),
    ) -> Self {
        drop_doubles(&mut scene);
        let frame = |node: &Node| {
            let (width, height) = size(node);
            Frame { width, height, parent: node.parent }
        };
        let frames: Vec<Frame> = scene.nodes.iter().map(frame).collect();
        let lines: Vec<Line> = scene.edges.iter().map(|edge| Line { from: edge.from, to: edge.to }).collect();
        let layout = layout(&frames, &lines, direction, spacing);
        Self { scene, layout }
    }

    /// The layout in the form for callers.
    pub fn drawing(&self) -> Drawing<'_> {
        let path = |node: usize| self.scene.nodes.get(node).map(|node| node.path.as_str());
        let nodes = self.scene.nodes.iter().zip(&self.layout.nodes).map(|(node, place)| DrawnNode {
            id: &node.path,
            name: &node.id,
            label: &node.label,
            kind: node.kind.as_str(),
            parent: node.parent.and_then(path),
            x: rounded(place.x),
            y: rounded(place.y),
            width: rounded(place.width),
            height: rounded(place.height),
        });
        let edges = self.scene.edges.iter().zip(&self.layout.edges).map(|(edge, points)| DrawnEdge {
            from: path(edge.from).unwrap_or_default(),
            to: path(edge.to).unwrap_or_default(),
            kind: edge.kind.as_str(),
            label: edge.kind.label().unwrap_or_default(),
            points: points.iter().map(|(x, y)| [rounded(*x), rounded(*y)]).collect(),
        });
        Drawing {
            width: rounded(self.layout.width),
            height: rounded(self.layout.height),
            nodes: nodes.collect(),
            edges: edges.collect(),
        }
    }
}

/// A layout in the form for callers. Lengths are in the unit of the drawing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawing<'a> {
    /// Width of the drawing.
    pub width: f64,
    /// Height of the drawing.
    pub height: f64,
    /// All nodes, each container before its content.
    pub nodes: Vec<DrawnNode<'a>>,
    /// All edges.
    pub edges: Vec<DrawnEdge<'a>>,
}

/// A node with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawnNode<'a> {
    /// JSON pointer to the operator or branch in the definition.
    pub id: &'a str,
    /// Id of the task, or name of the branch.
    pub name: &'a str,
    /// Its description, or its name.
    pub label: &'a str,
    /// Its operator type, or `branch`.
    pub kind: &'static str,
    /// The `id` of the container around it.
    pub parent: Option<&'a str>,
    /// Left border.
    pub x: f64,
    /// Upper border.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// An edge with its route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawnEdge<'a> {
    /// The `id` of the node at which it starts.
    pub from: &'a str,
    /// The `id` of the node at which it ends.
    pub to: &'a str,
    /// The reason for the edge, as one word.
    pub kind: &'static str,
    /// Text at the edge; may be empty.
    pub label: &'a str,
    /// The points of its line as `[x, y]`, both ends included.
    pub points: Vec<[f64; 2]>,
}

/// Drops dependencies that a second edge between the same nodes shows as well: the target of a condition also depends
/// on it.
fn drop_doubles(scene: &mut Scene) {
    let pairs: Vec<String> = scene
        .edges
        .iter()
        .filter(|edge| edge.kind != EdgeKind::Dependency)
        .map(|edge| format!("{} {}", edge.from, edge.to))
        .collect();
    let routed = NameIndex::new(pairs.iter().map(String::as_str));
    scene.edges.retain(|edge| {
        edge.kind != EdgeKind::Dependency || routed.get(&format!("{} {}", edge.from, edge.to)).is_none()
    });
}

/// A length as text.
pub(super) fn length(value: f64) -> String {
    digits(rounded(value))
}

/// Rounded to a hundredth of a pixel, which is finer than an eye sees.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_are_read_or_refused_with_their_path() {
        let read = PlacementOptions::read(&json!({"direction": "right", "nodeGap": 8.5})).unwrap();
        assert_eq!((read.direction, read.spacing.node), (Direction::Right, 8.5));
        for (options, path) in [
            (json!({"direction": "up"}), "/direction"),
            (json!({"nodeWidth": -1}), "/nodeWidth"),
            (json!({"nodeWidth": "wide"}), "/nodeWidth"),
            (json!({"nodewidth": 3}), "/nodewidth"),
        ] {
            let error = PlacementOptions::read(&options).unwrap_err();
            assert_eq!((error.code(), error.path()), (ErrorCode::OptionInvalid, Some(path)), "{options}");
        }
    }
}
