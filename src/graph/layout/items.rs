//! The items that are placed: nodes, ports and bends. Every item belongs to one container, and positions are relative
//! to that container.

use super::lists::at;

/// A rectangle in a row, or a point at which a link crosses the row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    /// Half of the width.
    pub(super) half: f64,
    pub(super) height: f64,
    /// The horizontal middle.
    pub(super) x: f64,
    /// The upper and the lower edge of the row.
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The number of the row in the container, and the place in the row.
    pub(super) row: usize,
    pub(super) slot: usize,
}

impl Item {
    /// The upper edge of a node, which stands in the middle of its row.
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
    /// The number of nodes.
    pub(super) nodes: usize,
}

impl Items {
    pub(super) fn get(&self, item: usize) -> Item {
        at(&self.list, item)
    }

    pub(super) fn edit(&mut self, item: usize, change: impl FnOnce(&mut Item)) {
        self.list.get_mut(item).map(change);
    }

    /// Writes its place into each item of a row.
    pub(super) fn number(&mut self, row: &[usize]) {
        for (slot, &item) in row.iter().enumerate() {
            self.edit(item, |item| item.slot = slot);
        }
    }
}
