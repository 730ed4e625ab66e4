//! A picture of a workflow: one self-contained SVG, for light and for dark pages.

use super::drawing::shown;
use super::layout::{Direction, Rect, Spacing};
use super::placement::{Placement, length};
use super::scene::{Edge, EdgeKind, Node, NodeKind, Scene};
use crate::definition::{OperatorType, Workflow};
use crate::json::number::clamp;
use std::fmt::Write as _;

/// Distance between the content and the edge of the picture.
const MARGIN: f64 = 24.0;
/// Height of a node without content: two lines of text.
const HEIGHT: f64 = 48.0;
/// The least and the largest width of a node without content.
const WIDTHS: (f64, f64) = (112.0, 288.0);
/// Distance between the border of a node and its text.
const INSET: f64 = 16.0;
/// Font sizes of labels and of smaller text.
const LARGE: f64 = 13.0;
const SMALL: f64 = 11.0;
/// Widest label of an edge.
const EDGE_LABEL: f64 = 160.0;
/// Length and half the width of an arrowhead.
const ARROW: (f64, f64) = (7.0, 3.5);

/// Distances if edges lead down.
const SPACING: Spacing = Spacing { layer: 56.0, node: 32.0, padding: 20.0, header: 20.0 };

/// Each colour has a rule of its own instead of a variable, since converters of SVG do not know variables.
const STYLE: &str = "<style>
.hw text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.hw-label{font-size:13px;font-weight:500}.hw-small{font-size:11px}
.hw-page{fill:#fff}.hw-node{fill:#fff;stroke:#d0d7de}.hw-label{fill:#1f2328}.hw-small{fill:#59636e}
.hw-line{fill:none;stroke:#8c959f;stroke-width:1.5}.hw-head{fill:#8c959f}
.hw-word{font-size:11px;fill:#59636e;stroke:#fff;stroke-width:3;stroke-linejoin:round;paint-order:stroke;text-anchor:middle}
.hw-yes .hw-line{stroke:#2da44e}.hw-yes .hw-head{fill:#2da44e}.hw-yes .hw-word{fill:#1a7f37}
.hw-no .hw-line{stroke:#e5534b}.hw-no .hw-head{fill:#e5534b}.hw-no .hw-word{fill:#cf222e}
.hw-dashed .hw-line{stroke-dasharray:5 4}
.hw-task{fill:#3b82f6;stroke:#3b82f6}.hw-choice{fill:#d29922;stroke:#d29922}.hw-loop{fill:#ea7a2b;stroke:#ea7a2b}
.hw-fork{fill:#0d9488;stroke:#0d9488}.hw-event{fill:#a855f7;stroke:#a855f7}.hw-wait{fill:#8c959f;stroke:#8c959f}
.hw-model{fill:#db2777;stroke:#db2777}.hw-child{fill:#6366f1;stroke:#6366f1}.hw-end{fill:#e5534b;stroke:#e5534b}
.hw-frame{fill-opacity:.06;stroke-opacity:.6}.hw-branch{fill:#8c959f;stroke:#8c959f;stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
.hw-page{fill:#0d1117}.hw-node{fill:#161b22;stroke:#3d444d}.hw-label{fill:#e6edf3}.hw-small{fill:#9198a1}
.hw-line{stroke:#656c76}.hw-head{fill:#656c76}.hw-word{fill:#9198a1;stroke:#0d1117}
.hw-yes .hw-line{stroke:#2ea043}.hw-yes .hw-head{fill:#2ea043}.hw-yes .hw-word{fill:#3fb950}
.hw-no .hw-line{stroke:#da3633}.hw-no .hw-head{fill:#da3633}.hw-no .hw-word{fill:#f85149}
.hw-frame{fill-opacity:.1}
}
</style>";

/// A workflow as an SVG picture, which is light or dark as its viewer prefers. Invalid workflows are drawn too.
///
/// ```
/// use highway_wasm::{definition::read, graph::{layout::Direction, svg}};
/// use serde_json::json;
///
/// let task = json!({"task_id": "a", "operator_type": "task", "function": "f", "description": "1 < 2"});
/// let text = svg(&read(&json!({"name": "w", "tasks": {"a": task}})).workflow, Direction::Down);
/// assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
/// assert!(text.contains(">1 &lt; 2</text>"));
/// ```
pub fn svg(workflow: &Workflow, direction: Direction) -> String {
    let scene = Scene::new(workflow);
    let spacing = spacing(&scene, direction);
    let placement = Placement::of_scene(scene, direction, &spacing, &size);
    let right = placement.layout.width;
    let mut drawing =
        Drawing { out: String::new(), labels: String::new(), words: Vec::new(), left: 0.0, right, direction };
    // Containers lie below their content, and lines above containers and below nodes.
    drawing.nodes(&placement, true);
    drawing.edges(&placement);
    drawing.nodes(&placement, false);
    drawing.finish(&workflow.name, placement.layout.height)
}

/// Distances in the picture. If edges lead to the right, their labels need space between the layers.
fn spacing(scene: &Scene, direction: Direction) -> Spacing {
    let labels = scene.edges.iter().filter_map(|edge| edge.kind.label());
    let widest = labels.map(|label| width_of(label, SMALL)).fold(0.0, f64::max).min(EDGE_LABEL);
    match direction {
        Direction::Right if widest > 0.0 => Spacing { layer: SPACING.layer.max(widest + 36.0), ..SPACING },
        _ => SPACING,
    }
}

/// Width and height of a node; for a container the least size, which its title needs.
fn size(node: &Node) -> (f64, f64) {
    let text = width_of(&node.label, LARGE).max(width_of(&subtitle(node), SMALL));
    let text = if is_container(node) { title_width(node) } else { text };
    let width = clamp(text + 2.0 * INSET, WIDTHS.0, WIDTHS.1);
    // Equal widths look calmer than nearly equal ones.
    ((width / 16.0).ceil() * 16.0, HEIGHT)
}

fn title_width(node: &Node) -> f64 {
    width_of(&node.label, LARGE) + width_of(&subtitle(node), SMALL) + 8.0
}

fn is_container(node: &Node) -> bool {
    !node.children.is_empty() || node.kind == NodeKind::Branch
}

/// The second line of a node: the tool of a task; for other operators their type and summary.
fn subtitle(node: &Node) -> String {
    let words = node.kind.as_str().replace('_', " ");
    if !node.details.is_empty() {
        return node.details.join(", ");
    }
    match node.summary.as_str() {
        "" => words,
        tool if class(node.kind) == "hw-task" => tool.to_owned(),
        summary => format!("{words} {summary}"),
    }
}

/// The class of a node, which decides its colour.
fn class(kind: NodeKind) -> &'static str {
    let NodeKind::Operator(operator_type) = kind else { return "hw-branch" };
    match operator_type {
        OperatorType::Task | OperatorType::Activity => "hw-task",
        OperatorType::Condition | OperatorType::Switch | OperatorType::MultiChoice => "hw-choice",
        OperatorType::Foreach | OperatorType::While => "hw-loop",
        OperatorType::Parallel | OperatorType::Join => "hw-fork",
        OperatorType::EmitEvent | OperatorType::WaitForEvent => "hw-event",
        OperatorType::Wait => "hw-wait",
        OperatorType::Reflexive => "hw-model",
        OperatorType::ChildWorkflow => "hw-child",
        OperatorType::Terminate => "hw-end",
    }
}

/// The classes of an edge.
fn edge_class(kind: &EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Dependency | EdgeKind::Case(_) => "hw-edge",
        EdgeKind::Default => "hw-edge hw-dashed",
        EdgeKind::True => "hw-edge hw-yes",
        EdgeKind::False => "hw-edge hw-no",
        EdgeKind::OnSuccess => "hw-edge hw-yes hw-dashed",
        EdgeKind::OnFailure => "hw-edge hw-no hw-dashed",
    }
}

/// A picture while it is drawn.
struct Drawing {
    out: String,
    /// Labels of edges, which lie above all lines.
    labels: String,
    /// The middle of each label of an edge, and half its width.
    words: Vec<((f64, f64), f64)>,
    /// How far the picture reaches to the left and to the right, labels of edges included.
    left: f64,
    right: f64,
    direction: Direction,
}

impl Drawing {
    fn nodes(&mut self, placement: &Placement, containers: bool) {
        for (node, place) in placement.scene.nodes.iter().zip(&placement.layout.nodes) {
            if is_container(node) != containers {
                continue;
            }
            self.out.push_str("<g><title>");
            escape(&mut self.out, &title(node));
            self.out.push_str("</title>");
            if containers {
                self.container(node, *place);
            } else {
                self.node(node, *place);
            }
            self.out.push_str("</g>\n");
        }
    }

    fn node(&mut self, node: &Node, place: Rect) {
        self.rect("hw-node", place, 6.0);
        let bar = Rect { x: place.x + 6.0, y: place.y + 10.0, width: 3.0, height: place.height - 20.0 };
        self.rect(class(node.kind), bar, 1.5);
        let (x, room) = (place.x + INSET, place.width - 2.0 * INSET);
        self.text("hw-label", (x, place.y + 21.0), &cut(&node.label, LARGE, room));
        self.text("hw-small", (x, place.y + 36.0), &cut(&subtitle(node), SMALL, room));
    }

    /// The title of a container stands above its content, with its type after it.
    fn container(&mut self, node: &Node, place: Rect) {
        let class = format!("hw-frame {}", class(node.kind));
        self.rect(&class, place, 8.0);
        let (x, y, room) = (place.x + INSET, place.y + 23.0, place.width - 2.0 * INSET);
        let label = cut(&node.label, LARGE, room);
        self.text("hw-label", (x, y), &label);
        let used = width_of(&label, LARGE) + 8.0;
        let further = cut(&subtitle(node), SMALL, room - used);
        if further.chars().count() > 2 {
            self.text("hw-small", (x + used, y), &further);
        }
    }

    fn edges(&mut self, placement: &Placement) {
        for (edge, points) in placement.scene.edges.iter().zip(&placement.layout.edges) {
            let name = |at: usize| placement.scene.nodes.get(at).map_or("", |node| node.id.as_str());
            // A container shows that it contains its nodes, so a plain arrow would add nothing.
            let is_plain = edge.kind == EdgeKind::Dependency;
            if points.len() < 2 || (is_plain && placement.scene.is_vertical(edge)) {
                continue;
            }
            draw(&mut self.out, format_args!("<g class=\"{}\"><title>", edge_class(&edge.kind)));
            let mut title = format!("{} → {}", name(edge.from), name(edge.to));
            if let Some(label) = edge.kind.label() {
                title.push_str(": ");
                title.push_str(label);
            }
            escape(&mut self.out, &title);
            self.out.push_str("</title>");
            self.line(points);
            self.out.push_str("</g>\n");
            self.edge_label(edge, points);
        }
        self.out.push_str(&std::mem::take(&mut self.labels));
    }

    /// A line that leaves and enters along the direction of the picture, with an arrowhead at its end.
    fn line(&mut self, points: &[(f64, f64)]) {
        let [.., before, tip] = points else { return };
        let (dx, dy) = (tip.0 - before.0, tip.1 - before.1);
        let along = if self.direction == Direction::Down { dy } else { dx };
        let is_across = along.abs() < 0.5;
        // The unit vector of the line at its end.
        let (ux, uy) = match (self.direction, is_across) {
            (Direction::Down, false) | (Direction::Right, true) => (0.0, dy.signum()),
            _ => (dx.signum(), 0.0),
        };
        let base = (tip.0 - ux * ARROW.0, tip.1 - uy * ARROW.0);
        let mut path = String::new();
        let mut last = None;
        for (at, point) in points.iter().enumerate() {
            let point = if at + 1 == points.len() { base } else { *point };
            self.step(&mut path, last, point);
            last = Some(point);
        }
        draw(&mut self.out, format_args!("<path class=\"hw-line\" d=\"{path}\"/>"));
        let side = (uy * ARROW.1, ux * ARROW.1);
        let corners = [*tip, (base.0 + side.0, base.1 + side.1), (base.0 - side.0, base.1 - side.1)];
        let corners = corners.map(|(x, y)| format!("{},{}", length(x), length(y))).join(" ");
        draw(&mut self.out, format_args!("<polygon class=\"hw-head\" points=\"{corners}\"/>"));
    }

    fn step(&self, path: &mut String, last: Option<(f64, f64)>, (x, y): (f64, f64)) {
        let (to_x, to_y) = (length(x), length(y));
        let Some((from_x, from_y)) = last else {
            draw(path, format_args!("M{to_x} {to_y}"));
            return;
        };
        let (dx, dy) = (x - from_x, y - from_y);
        if dx.abs() < 0.5 || dy.abs() < 0.5 {
            draw(path, format_args!("L{to_x} {to_y}"));
            return;
        }
        let (first, second) = match self.direction {
            Direction::Down => ((from_x, from_y + dy / 2.0), (x, from_y + dy / 2.0)),
            Direction::Right => ((from_x + dx / 2.0, from_y), (from_x + dx / 2.0, y)),
        };
        let pair = |(x, y)| format!("{} {}", length(x), length(y));
        draw(path, format_args!("C{} {} {to_x} {to_y}", pair(first), pair(second)));
    }

    /// The label of an edge: in the middle of its first slanted part, or beside the middle if another label is there.
    fn edge_label(&mut self, edge: &Edge, points: &[(f64, f64)]) {
        let Some(label) = edge.kind.label().filter(|label| !label.trim().is_empty()) else { return };
        let slanting = |pair: &&[(f64, f64)]| match pair {
            [from, to] => (to.0 - from.0).abs() > 0.5 && (to.1 - from.1).abs() > 0.5,
            _ => false,
        };
        let part = points.windows(2).find(slanting).or_else(|| points.windows(2).next());
        let Some([from, to]) = part else { return };
        let label = cut(label, SMALL, EDGE_LABEL);
        let half = width_of(&label, SMALL) / 2.0;
        let places = [0.5, 0.3, 0.7, 0.15, 0.85].map(|part| self.on_curve(*from, *to, part));
        let (x, y) = places.iter().find(|place| self.is_free(**place, half)).copied().unwrap_or(places[0]);
        self.words.push(((x, y), half));
        (self.left, self.right) = (self.left.min(x - half), self.right.max(x + half));
        let lines = std::mem::take(&mut self.out);
        draw(&mut self.out, format_args!("<g class=\"{}\">", edge_class(&edge.kind)));
        self.text("hw-word", (x, y + SMALL / 3.0), &label);
        self.out.push_str("</g>\n");
        self.labels.push_str(&std::mem::replace(&mut self.out, lines));
    }

    /// A point of the curve that `step` draws. `part` runs from 0 at its start to 1 at its end.
    fn on_curve(&self, from: (f64, f64), to: (f64, f64), part: f64) -> (f64, f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let across = part * part * (3.0 - 2.0 * part);
        let along = 1.5 * part * (1.0 - part) + part * part * part;
        match self.direction {
            Direction::Down => (from.0 + dx * across, from.1 + dy * along),
            Direction::Right => (from.0 + dx * along, from.1 + dy * across),
        }
    }

    fn is_free(&self, (x, y): (f64, f64), half: f64) -> bool {
        let overlaps = |((other_x, other_y), other_half): &((f64, f64), f64)| {
            (x - other_x).abs() < half + other_half + 4.0 && (y - other_y).abs() < SMALL + 2.0
        };
        !self.words.iter().any(overlaps)
    }

    fn rect(&mut self, class: &str, Rect { x, y, width, height }: Rect, radius: f64) {
        let [x, y, width, height, radius] = [x, y, width, height, radius].map(length);
        draw(
            &mut self.out,
            format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"
            ),
        );
    }

    fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        draw(&mut self.out, format_args!("<text class=\"{class}\" x=\"{}\" y=\"{}\">", length(x), length(y)));
        escape(&mut self.out, text);
        self.out.push_str("</text>");
    }

    fn finish(self, name: &str, height: f64) -> String {
        let (left, top) = (length(self.left - MARGIN), length(-MARGIN));
        let (width, height) = (length(self.right - self.left + 2.0 * MARGIN), length(height + 2.0 * MARGIN));
        let mut title = String::new();
        escape(&mut title, name);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hw\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{left} {top} {width} {height}\">\n<title>{title}</title>\n{STYLE}\n\
             <rect class=\"hw-page\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            self.out
        )
    }
}

/// The tooltip of a node: all texts that are cut on it.
fn title(node: &Node) -> String {
    let kind = node.kind.as_str().replace('_', " ");
    let mut title = format!("{} ({kind})", node.id);
    for line in node.details.iter().chain(Some(&node.label).filter(|_| node.is_described)) {
        title.push('\n');
        title.push_str(line);
    }
    title
}

/// Writes a part; writing to text cannot fail.
fn draw(out: &mut String, piece: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(piece);
}

/// The text, escaped to stand between tags. Characters that XML cannot carry become blanks.
fn escape(out: &mut String, text: &str) {
    for character in shown(text) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push('\n'),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push(' '),
            other => out.push(other),
        }
    }
}

/// The start of a text as far as it fits into one line.
fn cut(text: &str, size: f64, room: f64) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width_of(&line, size) <= room {
        return line;
    }
    let mut left = room - width_of("…", size);
    let fits = |character: &char| {
        left -= advance(*character) * size;
        left >= 0.0
    };
    let mut short: String = line.chars().take_while(fits).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The estimated width of a text, never below its width in common fonts.
fn width_of(text: &str, size: f64) -> f64 {
    shown(text).map(advance).sum::<f64>() * size
}

/// The width of a character, in parts of the font size.
fn advance(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | ' ' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.98,
        'A'..='Z' => 0.72,
        ' '..='\u{2fff}' => 0.62,
        _ => 1.1,
    }
}
