//! The state of the layout while containers are laid out from the inside out.

use super::items::{Item, Items};
use super::layers::Layers;
use super::links::{Link, NONE, Place, Plan};
use super::lists::{Groups, at, set};
use super::tree::Tree;

/// The most bends of all links together. Beyond that, the longest links are straight lines.
const MAX_BENDS: usize = 200_000;

#[derive(Debug)]
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) layers: Layers,
    pub(super) items: Items,
    /// The nodes, the links and the ports of each container. Ports count from the first one.
    pub(super) children: Groups,
    pub(super) links: Groups,
    ports: Groups,
    /// For each bundle of links in the present container: how many bends it needs, and the number of the first.
    pub(super) reach: Vec<usize>,
    pub(super) starts: Vec<usize>,
    bends_left: usize,
}

impl Work {
    pub(super) fn new(tree: &Tree, plan: Plan, layers: Layers, mut list: Vec<Item>) -> Self {
        let nodes = tree.root;
        let ports: Vec<usize> = plan.ports.iter().map(|port| port.container).collect();
        let sources = nodes + ports.len();
        list.resize(sources, Item::default());
        Self {
            children: Groups::new(nodes + 1, &tree.parent),
            links: Groups::new(nodes + 1, &plan.containers(tree)),
            ports: Groups::new(nodes + 1, &ports),
            items: Items { list, nodes },
            reach: vec![0; sources * 2],
            starts: vec![NONE; sources * 2],
            bends_left: MAX_BENDS,
            plan,
            layers,
        }
    }

    /// The ports of a container, and whether each is at its bottom.
    pub(super) fn ports_of(&self, container: usize) -> impl Iterator<Item = (usize, bool)> + '_ {
        let bottom = |port: usize| self.plan.ports.get(port).is_some_and(|port| port.bottom);
        self.ports.of(container).iter().map(move |&port| (self.items.nodes + port, bottom(port)))
    }

    /// The place on the border of a node at which links of the port start or end.
    pub(super) fn place(&self, port: usize) -> Place {
        self.plan.place(port, self.items.nodes)
    }

    /// The number of rows between the ends of a link.
    pub(super) fn span(&self, link: &Link) -> usize {
        self.items.get(link.lower).row.saturating_sub(self.items.get(link.upper).row)
    }

    /// Whether a link belongs to a free tree.
    pub(super) fn is_free(&self, link: &Link) -> bool {
        at(&self.layers.free, link.lower)
    }

    /// The longest span of links whose bends still fit. It reserves the room for them.
    pub(super) fn longest_with_bends(&mut self, container: usize) -> usize {
        let mut limit = usize::MAX;
        loop {
            let (bends, longest) = self.count_bends(container, limit);
            if bends <= self.bends_left {
                self.bends_left -= bends;
                return limit;
            }
            limit = longest / 2;
        }
    }

    /// Counts the bends that each bundle needs for links of at most `limit` rows. The result is their sum and the
    /// longest span.
    fn count_bends(&mut self, container: usize, limit: usize) -> (usize, usize) {
        let links = self.links.of(container);
        for &index in links {
            let bundle = self.plan.link(index).bundle();
            set(&mut self.reach, bundle, 0);
            set(&mut self.starts, bundle, NONE);
        }
        let (mut bends, mut longest) = (0, 0);
        for &index in links {
            let link = self.plan.link(index);
            let span = self.span(&link);
            if span > 1 && span <= limit {
                let known = at(&self.reach, link.bundle());
                set(&mut self.reach, link.bundle(), known.max(span - 1));
                bends += (span - 1).saturating_sub(known);
                longest = longest.max(span);
            }
        }
        (bends, longest)
    }
}
