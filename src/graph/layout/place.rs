//! Positions within rows: every item as close to the middle of its neighbours as the other items allow.

use super::Spacing;
use super::grid::{Grid, Segment};
use super::items::Items;
use super::lists::{at, set};

/// The most rounds over all rows, and the most segments that all rounds together read. Large graphs get fewer rounds.
const MAX_ROUNDS: usize = 8;
const MAX_WORK: usize = 2_000_000;

/// A weighted mean while it is summed up.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }
}

/// The position that an item should get. Nodes follow nodes and bends follow bends if they can. A wish between nodes
/// overrides all others.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    alike: Mean,
    other: Mean,
}

/// Items that touch each other and move together. The `strong` wishes decide; without any, the `weak` ones do.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    strong: Mean,
    weak: Mean,
    members: usize,
}

impl Block {
    fn position(&self) -> f64 {
        let mean = if self.strong.weight > 0.0 { self.strong } else { self.weak };
        mean.sum / mean.weight
    }
}

/// The items that move during a sweep; all others stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Movers {
    Everyone,
    /// Nodes without followers that had to make room.
    Leaves,
    /// Bends, so that long lines become straight.
    Bends,
}

/// Places the items in all rows.
pub(super) fn place(grid: &Grid, items: &mut Items, spacing: &Spacing) {
    let mut placer = Placer { spacing, wishes: Vec::new(), blocks: Vec::new(), offsets: Vec::new() };
    for row in &grid.rows {
        placer.wishes.clear();
        placer.wishes.resize(row.len(), Wish::default());
        placer.settle(row, items, Movers::Everyone, true);
    }
    let work = grid.gaps.iter().map(Vec::len).sum::<usize>() + grid.rows.len();
    let rounds = (MAX_WORK / work).clamp(2, MAX_ROUNDS);
    for round in 0..rounds {
        let movers = if round * 2 < rounds { Movers::Everyone } else { Movers::Leaves };
        placer.sweep(grid, items, true, movers);
        placer.sweep(grid, items, false, Movers::Everyone);
    }
    placer.sweep(grid, items, true, Movers::Leaves);
    placer.sweep(grid, items, true, Movers::Bends);
    placer.sweep(grid, items, false, Movers::Bends);
}

struct Placer<'a> {
    spacing: &'a Spacing,
    wishes: Vec<Wish>,
    blocks: Vec<Block>,
    offsets: Vec<f64>,
}

impl Placer<'_> {
    /// Moves each row towards the row above, from the second row down, or towards the row below, from the last row but
    /// one up.
    fn sweep(&mut self, grid: &Grid, items: &mut Items, down: bool, movers: Movers) {
        let count = grid.rows.len();
        for step in 1..count {
            let row = if down { step } else { count - 1 - step };
            let gap = if down { row - 1 } else { row };
            let after =
                grid.gaps.get(row).filter(|_| movers == Movers::Leaves).map_or(&[][..], Vec::as_slice);
            if let (Some(row), Some(gap)) = (grid.rows.get(row), grid.gaps.get(gap)) {
                self.wish(row.len(), gap, after, items, down);
                self.settle(row, items, movers, down);
            }
        }
    }

    /// Finds the wishes of a row from the gap on one side. Items whose links lead to a node on the other side (`after`)
    /// get none.
    fn wish(&mut self, count: usize, gap: &[Segment], after: &[Segment], items: &Items, down: bool) {
        self.wishes.clear();
        self.wishes.resize(count, Wish::default());
        for segment in gap {
            let (end, other) =
                if down { (segment.lower, segment.upper) } else { (segment.upper, segment.lower) };
            if let Some(wish) = self.wishes.get_mut(items.get(end.item).slot) {
                let alike = (end.item < items.nodes) == (other.item < items.nodes);
                let mean = if alike { &mut wish.alike } else { &mut wish.other };
                mean.add(items.get(other.item).x + other.place.shift - end.place.shift, 1.0);
            }
        }
        for segment in after.iter().filter(|segment| segment.lower.item < items.nodes) {
            set(&mut self.wishes, items.get(segment.upper.item).slot, Wish::default());
        }
    }

    /// Places the items of a row with the least sum of squared distances from their wishes. Items that would overlap
    /// are joined to a block, from left to right.
    fn settle(&mut self, row: &[usize], items: &mut Items, movers: Movers, down: bool) {
        self.blocks.clear();
        self.offsets.clear();
        let mut offset = 0.0;
        let mut before = None;
        for (slot, &item) in row.iter().enumerate() {
            if let Some(before) = before.replace(item) {
                offset += self.distance(before, item, items);
            }
            self.offsets.push(offset);
            let Wish { alike, other } = at(&self.wishes, slot);
            let node = item < items.nodes;
            let wanted = match movers {
                Movers::Everyone => true,
                Movers::Leaves => node && alike.weight > 0.0,
                Movers::Bends => !node && (down || alike.weight > 0.0),
            };
            let own = Mean { sum: items.get(item).x, weight: 1.0 };
            let wish = [alike, other].into_iter().find(|mean| wanted && mean.weight > 0.0).unwrap_or(own);
            let strong = if movers == Movers::Everyone { node && alike.weight > 0.0 } else { !wanted };
            let wish = Mean { sum: wish.sum - offset * wish.weight, weight: wish.weight };
            let (strong, weak) = if strong { (wish, Mean::default()) } else { (Mean::default(), wish) };
            self.join(Block { strong, weak, members: 1 });
        }
        self.write(row, items);
    }

    fn join(&mut self, mut block: Block) {
        while let Some(last) = self.blocks.pop_if(|last| last.position() > block.position()) {
            block.strong.merge(last.strong);
            block.weak.merge(last.weak);
            block.members += last.members;
        }
        self.blocks.push(block);
    }

    fn write(&self, row: &[usize], items: &mut Items) {
        let mut slot = 0;
        for block in &self.blocks {
            for _ in 0..block.members {
                let x = block.position() + at(&self.offsets, slot);
                items.edit(at(row, slot), |item| item.x = x);
                slot += 1;
            }
        }
    }

    /// The distance between the middles of two neighbours.
    fn distance(&self, left: usize, right: usize, items: &Items) -> f64 {
        let gap = match (left < items.nodes, right < items.nodes) {
            (true, true) => self.spacing.node,
            (false, false) => self.spacing.node / 3.0,
            _ => self.spacing.node / 2.0,
        };
        items.get(left).half + gap + items.get(right).half
    }
}
