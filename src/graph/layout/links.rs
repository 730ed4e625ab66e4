//! Links: what an edge is made of. A link joins two things in one container: two nodes, or a node and a port, the
//! point where edges of a node inside leave or enter the container.

use super::Edge;
use super::lists::at;
use super::tree::Tree;

/// Steps out of containers that all edges together may take. Edges beyond are drawn as straight lines.
const MAX_CLIMBS: usize = 1_000_000;

/// No item.
pub(super) const NONE: usize = usize::MAX;

/// A piece of an edge within one container. Items are numbered: nodes first, then ports, then bends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) upper: usize,
    pub(super) lower: usize,
    /// The port of `upper` at which the link starts, or `NONE` for the middle of its border.
    pub(super) upper_port: usize,
    /// The port of `lower` at which it ends.
    pub(super) lower_port: usize,
    /// The node or port at its upper end, be it further inside.
    pub(super) source: usize,
    /// The first of its bends.
    pub(super) bends: usize,
    /// Whether it leads against its edge.
    pub(super) turned: bool,
    /// Whether it is too long for bends.
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
    /// Links with the same number share their bends: those of one source that lead the same way.
    pub(super) fn bundle(&self) -> usize {
        self.source * 2 + usize::from(self.turned)
    }
}

/// What becomes of an edge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    /// It leads nowhere.
    Nothing,
    /// A node to itself.
    Loop,
    /// A line across everything.
    Straight,
    /// Through ports of the containers around both ends, and one link between them.
    Across { link: usize, climbs: (usize, usize) },
    /// Between a container and a node inside of it.
    Inside { climb: usize, outward: bool },
}

/// Where edges cross the border of a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) container: usize,
    /// The piece of the edge inside of the container.
    pub(super) link: usize,
    /// Below the container's content, else above.
    pub(super) bottom: bool,
    pub(super) place: Place,
}

/// Where on the border of a node links start or end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Distance from the middle of the node.
    pub(super) shift: f64,
    /// The same in 256ths of the node's share of a row, by the number of ports before: it does not change with sizes.
    pub(super) part: u8,
}

/// Where links go that have no port.
pub(super) const MIDDLE: Place = Place { shift: 0.0, part: 128 };

/// A way out of the containers around a node: above or below, for edges that lead down or up.
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

/// All pieces of all edges.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) paths: Vec<Path>,
    pub(super) links: Vec<Link>,
    pub(super) ports: Vec<Port>,
    /// For each exit: its ports, from the inside out.
    exits: Vec<Vec<usize>>,
    /// Whether a node has a port, or contains one that has.
    pub(super) pinned: Vec<bool>,
}

impl Plan {
    /// The links between neighbours. The ports come later, when it is known which way the links lead.
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

    /// The port of `node` on the container `climb` steps outside of it, made with all on the way.
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

    /// Where on the border of its node a port is.
    pub(super) fn place(&self, port: usize, root: usize) -> Place {
        self.ports.get(port.wrapping_sub(root)).filter(|_| port != NONE).map_or(MIDDLE, |port| port.place)
    }

    /// The port with the number of an item, if it is one.
    pub(super) fn port_mut(&mut self, item: usize, root: usize) -> Option<&mut Port> {
        self.ports.get_mut(item.checked_sub(root)?)
    }

    /// The link `index`.
    pub(super) fn link(&self, index: usize) -> Link {
        at(&self.links, index)
    }
}
