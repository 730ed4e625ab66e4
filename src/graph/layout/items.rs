//! What is placed: nodes, ports and bends. Every item belongs to one container, and positions are relative to it.

use super::lists::at;

/// A rectangle within a row, or a point where a link goes through one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    /// Half of the width.
    pub(super) half: f64,
    pub(super) height: f64,
    /// The middle.
    pub(super) x: f64,
    /// Where the item's row starts and ends.
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// Number of the row within the container, and place within the row.
    pub(super) row: usize,
    pub(super) slot: usize,
}

impl Item {
    /// Upper edge of a node, which stands in the middle of its row.
    pub(super) fn upper_edge(&self) -> f64 {
        (self.top + self.bottom - self.height) / 2.0
    }

    pub(super) fn lower_edge(&self) -> f64 {
        (self.top + self.bottom + self.height) / 2.0
    }
}

/// All items: nodes first, then ports, then bends.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) list: Vec<Item>,
    /// Number of nodes.
    pub(super) nodes: usize,
}

impl Items {
    pub(super) fn get(&self, item: usize) -> Item {
        at(&self.list, item)
    }

    pub(super) fn edit(&mut self, item: usize, change: impl FnOnce(&mut Item)) {
        self.list.get_mut(item).map(change);
    }

    /// Gives the items of a row their places.
    pub(super) fn number(&mut self, row: &[usize]) {
        for (slot, &item) in row.iter().enumerate() {
            self.edit(item, |item| item.slot = slot);
        }
    }
}
