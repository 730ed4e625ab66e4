//! Writes pictures of typical graphs to look at: `cargo run --example layout_svg DIRECTORY`.

use std::fmt::Write as _;

use highway_wasm::graph::layout::{Direction, Edge, Layout, Node, Spacing, layout};

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for (name, nodes, edges) in graphs() {
        for (suffix, direction) in [("", Direction::Down), ("-right", Direction::Right)] {
            let picture = layout(&nodes, &edges, direction, &Spacing::default());
            std::fs::write(format!("{directory}/layout-{name}{suffix}.svg"), svg(&nodes, &picture))?;
        }
    }
    Ok(())
}

fn svg(nodes: &[Node], picture: &Layout) -> String {
    let (width, height) = (picture.width + 40.0, picture.height + 40.0);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-20 -20 {width} {height}' width='{width}' height='{height}' \
         font-family='sans-serif' font-size='12'><defs><marker id='a' markerWidth='8' markerHeight='8' refX='7' refY='4' \
         orient='auto'><path d='M0 0L8 4L0 8z' fill='#456'/></marker></defs><rect x='-20' y='-20' width='100%' \
         height='100%' fill='white'/>\n"
    );
    let mut depths = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        depths[index] = node.parent.map_or(0, |parent| depths[parent] + 1);
    }
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|&index| depths[index]);
    for index in order {
        let rect = picture.nodes[index];
        let container = nodes.iter().any(|node| node.parent == Some(index));
        let fill = if container { "#eef3f8" } else { "#fff" };
        let y = if container { rect.y + 18.0 } else { rect.y + rect.height / 2.0 + 4.0 };
        let _ = writeln!(
            svg,
            "<rect x='{}' y='{}' width='{}' height='{}' rx='6' fill='{fill}' stroke='#789'/><text x='{}' y='{y}'>{index}</text>",
            rect.x,
            rect.y,
            rect.width,
            rect.height,
            rect.x + 10.0
        );
    }
    for line in &picture.edges {
        let points: Vec<String> = line.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points='{}' fill='none' stroke='#456' stroke-width='1.5' marker-end='url(#a)'/>",
            points.join(" ")
        );
    }
    svg + "</svg>\n"
}

type Graph = (&'static str, Vec<Node>, Vec<Edge>);

fn graphs() -> Vec<Graph> {
    let mut layered = Vec::new();
    for task in 4..20 {
        let above = task / 4 * 4 - 4;
        layered.extend([(above + task % 4, task), (above + (task + 1) % 4, task)]);
    }
    let fan: Vec<(usize, usize)> = (1..8).flat_map(|task| [(0, task), (task, 8)]).collect();
    vec![
        graph("chain", &[None; 5], &[(0, 1), (1, 2), (2, 3), (3, 4)]),
        graph("diamond", &[None; 4], &[(0, 1), (0, 2), (1, 3), (2, 3)]),
        graph("fan", &[None; 9], &fan),
        graph("layered", &[None; 20], &layered),
        graph(
            "skip",
            &[None; 7],
            &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5), (1, 4), (0, 3), (6, 5), (5, 1)],
        ),
        graph(
            "tree",
            &[None; 12],
            &[(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6), (1, 7), (3, 8), (3, 9), (9, 10), (9, 11)],
        ),
        graph(
            "loop",
            &[None, None, Some(1), Some(1), Some(1), Some(1), Some(1), Some(6), Some(6), Some(6), None, None],
            &[
                (0, 1),
                (2, 3),
                (2, 4),
                (3, 5),
                (4, 5),
                (5, 6),
                (7, 8),
                (7, 9),
                (1, 10),
                (10, 11),
                (0, 11),
                (8, 8),
            ],
        ),
        graph(
            "cross",
            &[
                None,
                None,
                Some(1),
                Some(1),
                Some(1),
                None,
                Some(5),
                Some(5),
                Some(5),
                Some(8),
                Some(8),
                None,
                None,
            ],
            &[
                (0, 2),
                (2, 3),
                (2, 4),
                (3, 6),
                (6, 7),
                (4, 10),
                (9, 10),
                (7, 8),
                (10, 11),
                (2, 12),
                (1, 12),
                (0, 11),
                (11, 12),
                (5, 12),
                (6, 9),
            ],
        ),
        workflow(),
        pipeline(),
        branches(),
        random(),
    ]
}

/// Something like a nightly job.
fn workflow() -> Graph {
    let parents = [
        None,
        None,
        None,
        None,
        None,
        Some(4),
        Some(4),
        Some(4),
        None,
        Some(8),
        Some(8),
        None,
        None,
        None,
        Some(8),
    ];
    let edges = [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 4),
        (2, 4),
        (3, 8),
        (5, 6),
        (5, 7),
        (9, 10),
        (4, 11),
        (8, 11),
        (11, 12),
        (3, 12),
        (0, 13),
        (9, 14),
        (13, 12),
    ];
    graph("workflow", &parents, &edges)
}

/// Three sources, cleaned side by side, joined, reported in several ways, with some uneven branches.
fn pipeline() -> Graph {
    let edges = [
        (0, 3),
        (1, 4),
        (2, 5),
        (3, 6),
        (4, 6),
        (4, 7),
        (5, 7),
        (6, 8),
        (7, 8),
        (8, 9),
        (8, 10),
        (8, 11),
        (10, 12),
        (12, 13),
        (9, 14),
        (13, 14),
        (11, 14),
        (0, 15),
        (15, 16),
        (16, 14),
        (2, 17),
        (14, 18),
        (14, 19),
        (1, 19),
    ];
    graph("pipeline", &[None; 20], &edges)
}

/// Branches in containers of different sizes side by side, with edges out of their insides.
fn branches() -> Graph {
    let parents = [
        None,
        None,
        Some(1),
        Some(1),
        Some(1),
        None,
        Some(5),
        Some(5),
        Some(5),
        Some(5),
        None,
        Some(10),
        None,
        None,
        None,
    ];
    let edges = [
        (0, 1),
        (0, 5),
        (0, 10),
        (2, 3),
        (3, 4),
        (6, 7),
        (6, 8),
        (6, 9),
        (1, 12),
        (5, 12),
        (10, 12),
        (3, 13),
        (12, 13),
        (7, 14),
        (9, 14),
        (13, 14),
        (14, 0),
    ];
    graph("branches", &parents, &edges)
}

fn random() -> Graph {
    let mut state = 7_usize;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let edges: Vec<(usize, usize)> =
        (1..25).flat_map(|task| [(next(task), task), (next(task), task)]).take(36).collect();
    graph("random", &[None; 25], &edges)
}

fn graph(name: &'static str, parents: &[Option<usize>], edges: &[(usize, usize)]) -> Graph {
    let nodes = parents.iter().map(|&parent| Node { width: 90.0, height: 36.0, parent }).collect();
    (name, nodes, edges.iter().map(|&(from, to)| Edge { from, to }).collect())
}
