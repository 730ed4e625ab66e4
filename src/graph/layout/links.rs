//! Links, the parts of an edge. A link joins two items in one container: two nodes, or a node and a port. A port is the
//! point at which edges of an inner node cross the border of the container.

use super::Edge;
use super::lists::at;
use super::tree::Tree;

/// The most steps out of containers for all edges together. Further edges are straight lines.
const MAX_CLIMBS: usize = 1_000_000;

/// Stands for no item.
pub(super) const NONE: usize = usize::MAX;

/// The part of an edge within one container. Items are numbered: nodes first, then ports, then bends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) upper: usize,
    pub(super) lower: usize,
    /// The port of `upper` at which the link starts, or `NONE` for the middle of its border.
    pub(super) upper_port: usize,
    /// The port of `lower` at which it ends.
    pub(super) lower_port: usize,
    /// The node or port at the upper end of the edge, which may lie further inside.
    pub(super) source: usize,
    /// The number of its first bend.
    pub(super) bends: usize,
    /// Whether it points against its edge.
    pub(super) turned: bool,
    /// Whether it is too long for bends and is drawn as a straight line.
    pub(super) straight: bool,
}

impl Link {
    pub(super) fn new(upper: usize, lower: usize, source: usize) -> Self {
        Self {
            upper,
            lower,
            source,
            upper_port: NONE,
            lower_port: NONE,
            bends: 0,
            turned: false,
            straight: false,
        }
    }
}

impl Link {
    /// The number of its bundle. Links of one source in the same direction are a bundle and share their bends.
    pub(super) fn bundle(&self) -> usize {
        self.source * 2 + usize::from(self.turned)
    }
}

/// How an edge is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    /// Not at all: an end does not exist.
    Nothing,
    /// From a node to itself.
    Loop,
    /// As a straight line across everything.
    Straight,
    /// Through ports of the containers around both ends, and one link between them.
    Across { link: usize, climbs: (usize, usize) },
    /// Between a container and a node inside of it.
    Inside { climb: usize, outward: bool },
}

/// The point at which edges cross the border of a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) container: usize,
    /// The part of the edge inside the container.
    pub(super) link: usize,
    /// Whether it is below the content of the container; otherwise it is above.
    pub(super) bottom: bool,
    pub(super) place: Place,
}

/// The point on the border of a node at which links start or end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Distance from the middle of the node.
    pub(super) shift: f64,
    /// The distance from the left end in 256ths of the node's share of a row. It follows from the number of ports
    /// before it, so it does not change with sizes.
    pub(super) part: u8,
}

/// The place of a link without a port.
pub(super) const MIDDLE: Place = Place { shift: 0.0, part: 128 };

/// The side on which edges leave the containers around a node: above or below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) node: usize,
    pub(super) bottom: bool,
    pub(super) turned: bool,
}

impl Exit {
    fn index(self) -> usize {
        self.node * 4 + usize::from(self.bottom) * 2 + usize::from(self.turned)
    }
}

/// All parts of all edges.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) paths: Vec<Path>,
    pub(super) links: Vec<Link>,
    pub(super) ports: Vec<Port>,
    /// For each exit, its ports from the inside out.
    exits: Vec<Vec<usize>>,
    /// Whether a node has a port, or contains a node with one.
    pub(super) pinned: Vec<bool>,
}

impl Plan {
    /// The links between nodes. Ports are added when the directions of the links are known.
    pub(super) fn new(tree: &Tree, edges: &[Edge]) -> Self {
        let mut plan = Self {
            paths: Vec::with_capacity(edges.len()),
            pinned: vec![false; tree.root],
            exits: vec![Vec::new(); tree.root * 4],
            ..Self::default()
        };
        let mut left = MAX_CLIMBS;
        for edge in edges {
            let path = plan.path(tree, edge, &mut left);
            plan.paths.push(path);
        }
        plan
    }

    fn path(&mut self, tree: &Tree, edge: &Edge, left: &mut usize) -> Path {
        if edge.from.max(edge.to) >= tree.root {
            return Path::Nothing;
        }
        if edge.from == edge.to {
            return Path::Loop;
        }
        if *left == 0 {
            return Path::Straight;
        }
        let meeting = tree.meeting(edge.from, edge.to);
        *left = left.saturating_sub(meeting.climbs.0 + meeting.climbs.1);
        self.pin(tree, edge.from, meeting.climbs.0);
        self.pin(tree, edge.to, meeting.climbs.1);
        let (a, b) = meeting.ends;
        if a == b {
            let (out, inwards) = meeting.climbs;
            return Path::Inside { climb: out.max(inwards), outward: out > 0 };
        }
        self.links.push(Link::new(a, b, NONE));
        Path::Across { link: self.links.len() - 1, climbs: meeting.climbs }
    }

    fn pin(&mut self, tree: &Tree, mut node: usize, climb: usize) {
        for _ in 0..climb {
            if let Some(pinned) = self.pinned.get_mut(node) {
                *pinned = true;
            }
            node = tree.parent(node);
        }
    }

    /// Adds the ports, and the links that lead to them.
    pub(super) fn add_ports(&mut self, tree: &Tree, edges: &[Edge]) {
        for (index, edge) in edges.iter().enumerate() {
            match self.paths.get(index).copied() {
                Some(Path::Inside { climb, outward }) => {
                    let node = if outward { edge.from } else { edge.to };
                    self.climb(tree, Exit { node, bottom: outward, turned: false }, climb);
                }
                Some(Path::Across { link, climbs }) => {
                    let turned = self.link(link).turned;
                    let from = self.climb(tree, Exit { node: edge.from, bottom: !turned, turned }, climbs.0);
                    let to = self.climb(tree, Exit { node: edge.to, bottom: turned, turned }, climbs.1);
                    if let Some(link) = self.links.get_mut(link) {
                        (link.upper_port, link.lower_port) = if turned { (to, from) } else { (from, to) };
                        link.source = if turned { edge.to } else { edge.from };
                    }
                }
                _ => {}
            }
        }
    }

    /// The port of `node` on the container `climb` levels outside it. Missing ports on the way are added.
    fn climb(&mut self, tree: &Tree, exit: Exit, climb: usize) -> usize {
        let (mut inner, mut inner_port) = (exit.node, NONE);
        for step in 0..climb {
            let known = self.exits(exit).get(step).copied();
            inner_port = known.unwrap_or_else(|| self.add_port(tree, exit, inner, inner_port));
            inner = tree.parent(inner);
        }
        inner_port
    }

    /// Adds a port to the container around `inner`, and the link between them.
    fn add_port(&mut self, tree: &Tree, exit: Exit, inner: usize, inner_port: usize) -> usize {
        let port = tree.root + self.ports.len();
        let container = tree.parent(inner);
        self.ports.push(Port { container, link: self.links.len(), bottom: exit.bottom, place: MIDDLE });
        let turned = exit.turned;
        self.links.push(if exit.bottom {
            Link { upper_port: inner_port, turned, ..Link::new(inner, port, exit.node) }
        } else {
            Link { lower_port: inner_port, turned, ..Link::new(port, inner, port) }
        });
        if let Some(exits) = self.exits.get_mut(exit.index()) {
            exits.push(port);
        }
        port
    }

    /// The ports of an exit, from the inside out.
    pub(super) fn exits(&self, exit: Exit) -> &[usize] {
        self.exits.get(exit.index()).map_or(&[], Vec::as_slice)
    }

    /// The container of each link.
    pub(super) fn containers(&self, tree: &Tree) -> Vec<usize> {
        let container =
            |link: &Link| tree.parent(if link.upper < tree.root { link.upper } else { link.lower });
        self.links.iter().map(container).collect()
    }

    /// The place of a port on the border of its node.
    pub(super) fn place(&self, port: usize, root: usize) -> Place {
        self.ports.get(port.wrapping_sub(root)).filter(|_| port != NONE).map_or(MIDDLE, |port| port.place)
    }

    /// The port that has this number among the items.
    pub(super) fn port_mut(&mut self, item: usize, root: usize) -> Option<&mut Port> {
        self.ports.get_mut(item.checked_sub(root)?)
    }

    /// The link `index`.
    pub(super) fn link(&self, index: usize) -> Link {
        at(&self.links, index)
    }
}
