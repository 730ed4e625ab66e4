//! The lines of edges, composed of their links.

use super::items::Item;
use super::links::{Exit, NONE, Path};
use super::lists::at;
use super::work::Work;
use super::{Edge, Spacing};

/// x and y.
pub(super) type Point = (f64, f64);

/// Draws edges.
pub(super) struct Router<'a> {
    pub(super) work: &'a Work,
    pub(super) spacing: &'a Spacing,
    /// Upper left corners of all nodes, and of the whole picture as the last.
    pub(super) corners: &'a [Point],
    /// The container of each link.
    pub(super) containers: &'a [usize],
}

impl Router<'_> {
    /// The line of an edge.
    pub(super) fn route(&self, edge: &Edge, path: Path) -> Vec<Point> {
        let mut line = Line { points: Vec::new() };
        match path {
            Path::Nothing => {}
            Path::Loop => self.add_loop(&mut line, edge.from),
            Path::Straight => {
                let (from, to) = (self.corner(edge.from), self.corner(edge.to));
                let (start, end) = (self.work.items.get(edge.from), self.work.items.get(edge.to));
                let up = from.1 > to.1;
                line.to((from.0 + start.half, if up { from.1 } else { from.1 + start.height }));
                line.to((to.0 + end.half, if up { to.1 + end.height } else { to.1 }));
            }
            Path::Inside { climb, outward } => {
                let node = if outward { edge.from } else { edge.to };
                self.add_ports(&mut line, Exit { node, bottom: outward, turned: false }, climb);
            }
            Path::Across { link, climbs } => {
                let turned = self.work.plan.link(link).turned;
                let (mut upper, mut lower) = ((edge.from, climbs.0), (edge.to, climbs.1));
                if turned {
                    core::mem::swap(&mut upper, &mut lower);
                }
                self.add_ports(&mut line, Exit { node: upper.0, bottom: true, turned }, upper.1);
                self.add_link(&mut line, link);
                self.add_ports(&mut line, Exit { node: lower.0, bottom: false, turned }, lower.1);
                if turned {
                    line.points.reverse();
                }
            }
        }
        line.points
    }

    fn corner(&self, node: usize) -> Point {
        at(self.corners, node)
    }

    /// A loop at the side of a node.
    fn add_loop(&self, route: &mut Line, node: usize) {
        let (corner, item) = (self.corner(node), self.work.items.get(node));
        let reach = self.spacing.node / 3.0;
        let half = (item.height / 4.0).min(reach);
        let (x, y) = (corner.0 + item.half * 2.0, corner.1 + item.height / 2.0);
        route.points.extend([(x, y - half), (x + reach, y - half), (x + reach, y + half), (x, y + half)]);
    }

    /// Adds the ports of the containers around a node.
    fn add_ports(&self, route: &mut Line, exit: Exit, climb: usize) {
        let ports = self.work.plan.exits(exit);
        let count = climb.min(ports.len());
        for step in 0..count {
            self.add_port(route, at(ports, if exit.bottom { step } else { count - 1 - step }));
        }
    }

    fn add_port(&self, route: &mut Line, port: usize) {
        if let Some(port) =
            port.checked_sub(self.work.items.nodes).and_then(|port| self.work.plan.ports.get(port))
        {
            self.add_link(route, port.link);
        }
    }

    /// Adds a link: vertical within rows and slanted only between them, so that no line crosses a node.
    fn add_link(&self, route: &mut Line, index: usize) {
        let link = self.work.plan.link(index);
        let origin = self.corner(at(self.containers, index));
        let mut draw = |x: f64, y: f64| route.to((origin.0 + x, origin.1 + y));
        let (upper, lower) = (self.work.items.get(link.upper), self.work.items.get(link.lower));
        let start = upper.x + self.work.place(link.upper_port).shift;
        let end = lower.x + self.work.place(link.lower_port).shift;
        draw(start, upper.lower_edge());
        if !link.straight {
            draw(start, upper.bottom);
            let bends = self.work.span(&link).saturating_sub(1);
            for bend in (0..bends).filter(|_| link.bends != NONE) {
                let Item { x, top, bottom, .. } = self.work.items.get(link.bends + bend);
                draw(x, top);
                draw(x, bottom);
            }
            draw(end, lower.top);
        }
        draw(end, lower.upper_edge());
    }
}

/// A line without redundant points.
struct Line {
    points: Vec<Point>,
}

impl Line {
    fn to(&mut self, point: Point) {
        const CLOSE: f64 = 1e-6;
        while let Some(&last) = self.points.last() {
            let same = (last.0 - point.0).abs() < CLOSE && (last.1 - point.1).abs() < CLOSE;
            let before = self.points.len().checked_sub(2).and_then(|before| self.points.get(before));
            let on_the_way = before.is_some_and(|before| {
                let (ax, ay) = (last.0 - before.0, last.1 - before.1);
                let (bx, by) = (point.0 - last.0, point.1 - last.1);
                (ax * by - ay * bx).abs() < CLOSE && ax * bx + ay * by >= 0.0
            });
            if !same && !on_the_way {
                break;
            }
            if same && self.points.len() == 1 {
                return;
            }
            self.points.pop();
        }
        self.points.push(point);
    }
}
