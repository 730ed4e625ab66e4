//! The rows of one container, and the segments of links between one row and the next.

use super::items::{Item, Items};
use super::links::{MIDDLE, NONE, Place};
use super::lists::{at, set};
use super::work::Work;

/// The part of a link between an item and one in the next row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) upper: End,
    pub(super) lower: End,
}

impl Segment {
    /// The horizontal positions of both ends, in 256ths of a place.
    pub(super) fn ends(&self, items: &Items) -> (u64, u64) {
        let place = |end: &End| (items.get(end.item).slot as u64) << 8 | u64::from(end.place.part);
        (place(&self.upper), place(&self.lower))
    }
}

/// One end of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) item: usize,
    pub(super) place: Place,
}

impl End {
    /// The end at the middle of an item.
    pub(super) fn middle(item: usize) -> Self {
        Self { item, place: MIDDLE }
    }
}

/// Items in rows, and the segments below each row.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<usize>>,
    pub(super) gaps: Vec<Vec<Segment>>,
}

impl Grid {
    /// The rows of a container: its nodes, its ports and the bends of its links. Free trees are added later.
    pub(super) fn new(work: &mut Work, container: usize) -> Self {
        let above = usize::from(work.ports_of(container).any(|(_, bottom)| !bottom));
        let mut last = 0;
        for &node in work.children.of(container) {
            let row = at(&work.layers.layer, node) + above;
            work.items.edit(node, |item| item.row = row);
            last = last.max(row);
        }
        let mut rows = vec![Vec::new(); last + 1];
        for &node in work.children.of(container).iter().filter(|&&node| !at(&work.layers.free, node)) {
            push(&mut rows, work.items.get(node).row, node);
        }
        let ports: Vec<(usize, bool)> = work.ports_of(container).collect();
        for (port, bottom) in ports {
            let row = if bottom { last + 1 } else { 0 };
            work.items.edit(port, |item| item.row = row);
            push(&mut rows, row, port);
        }
        let mut grid = Self { gaps: vec![Vec::new(); rows.len()], rows };
        grid.add_links(work, container);
        grid.number(&mut work.items);
        grid
    }

    fn add_links(&mut self, work: &mut Work, container: usize) {
        let limit = work.longest_with_bends(container);
        for at_link in 0..work.links.of(container).len() {
            let index = at(work.links.of(container), at_link);
            let mut link = work.plan.link(index);
            let span = work.span(&link);
            link.straight = span > limit;
            if !link.straight {
                let mut upper = End { item: link.upper, place: work.place(link.upper_port) };
                let lower = End { item: link.lower, place: work.place(link.lower_port) };
                if span > 1 && at(&work.starts, link.bundle()) == NONE {
                    self.add_bends(work, link.bundle(), upper);
                }
                link.bends = at(&work.starts, link.bundle());
                if span > 1 {
                    upper = End::middle(link.bends + span - 2);
                }
                if !work.is_free(&link) {
                    self.connect(&work.items, Segment { upper, lower });
                }
            }
            set(&mut work.plan.links, index, link);
        }
    }

    /// Adds the bends of a bundle of links, as many as its longest link needs.
    fn add_bends(&mut self, work: &mut Work, bundle: usize, mut upper: End) {
        set(&mut work.starts, bundle, work.items.list.len());
        let mut row = work.items.get(upper.item).row;
        for _ in 0..at(&work.reach, bundle) {
            row += 1;
            let lower = End::middle(work.items.list.len());
            work.items.list.push(Item { row, ..Item::default() });
            push(&mut self.rows, row, lower.item);
            self.connect(&work.items, Segment { upper, lower });
            upper = lower;
        }
    }

    /// Adds a segment.
    pub(super) fn connect(&mut self, items: &Items, segment: Segment) {
        push(&mut self.gaps, items.get(segment.upper.item).row, segment);
    }

    /// Writes the place of every item into it.
    pub(super) fn number(&self, items: &mut Items) {
        for row in &self.rows {
            items.number(row);
        }
    }
}

fn push<T: Clone>(lists: &mut Vec<Vec<T>>, index: usize, value: T) {
    if index >= lists.len() {
        lists.resize(index + 1, Vec::new());
    }
    if let Some(list) = lists.get_mut(index) {
        list.push(value);
    }
}
