//! The order within rows: the given order, changed only if fewer links then cross.

use super::exchange::exchange;
use super::grid::{Grid, Segment};
use super::items::Items;
use super::lists::{at, set, sort};

/// The most sweeps over all rows.
const MAX_SWEEPS: usize = 8;
/// The most sweeps in a row that gain nothing.
const PATIENCE: usize = 3;
/// The most segments that all sweeps together read. Dense graphs get fewer sweeps, or none.
const MAX_WORK: usize = 1_000_000;
/// The lower half of a packed pair.
const LOW: u64 = 0xffff_ffff;

/// Reduces the number of crossings. It moves items to the middle of their neighbours, row by row, while that helps;
/// then it exchanges neighbours.
pub(super) fn reduce(grid: &mut Grid, items: &mut Items) {
    let work = grid.gaps.iter().map(Vec::len).sum::<usize>().max(1);
    let sweeps = (MAX_WORK / work).min(MAX_SWEEPS);
    if sweeps == 0 {
        return;
    }
    let mut sorter = Sorter::default();
    let mut fewest = sorter.crossings(grid, items);
    if fewest == 0 {
        return;
    }
    let mut best = grid.rows.clone();
    let mut failures = 0;
    for number in 0..sweeps {
        if fewest == 0 || failures == PATIENCE {
            break;
        }
        sorter.sweep(grid, items, number % 2 == 0);
        let crossings = sorter.crossings(grid, items);
        failures += 1;
        if crossings < fewest {
            (fewest, failures) = (crossings, 0);
            best.clone_from(&grid.rows);
        }
    }
    grid.rows = best;
    grid.number(items);
    exchange(grid, items);
}

/// Lists that are kept to save allocations.
#[derive(Default)]
pub(super) struct Sorter {
    pairs: Vec<u64>,
    spare: Vec<u64>,
    sums: Vec<(u64, u64)>,
}

impl Sorter {
    fn crossings(&mut self, grid: &Grid, items: &Items) -> u64 {
        grid.gaps.iter().map(|gap| self.crossings_between(gap, items)).sum()
    }

    fn crossings_between(&mut self, gap: &[Segment], items: &Items) -> u64 {
        self.pairs.clear();
        self.pairs.extend(gap.iter().map(|segment| {
            let (upper, lower) = segment.ends(items);
            upper << 32 | lower
        }));
        sort(&mut self.pairs, &mut self.spare);
        self.pairs.iter_mut().for_each(|pair| *pair &= LOW);
        sort(&mut self.pairs, &mut self.spare)
    }

    /// Sorts each row by the row next to it.
    fn sweep(&mut self, grid: &mut Grid, items: &mut Items, down: bool) {
        let count = grid.rows.len();
        for step in 1..count {
            let (row, gap) = if down { (step, step - 1) } else { (count - 1 - step, count - 1 - step) };
            if let (Some(row), Some(gap)) = (grid.rows.get_mut(row), grid.gaps.get(gap)) {
                self.sort_row(row, gap, items, down);
                items.number(row);
            }
        }
    }

    /// Sorts the items of a row by the middle of their neighbours. Items without neighbours keep their places.
    fn sort_row(&mut self, row: &mut [usize], gap: &[Segment], items: &Items, down: bool) {
        self.sums.clear();
        self.sums.resize(row.len(), (0, 0));
        for segment in gap {
            let (upper, lower) = segment.ends(items);
            let (item, key) = if down { (segment.lower.item, upper) } else { (segment.upper.item, lower) };
            let slot = items.get(item).slot;
            let (sum, count) = at(&self.sums, slot);
            set(&mut self.sums, slot, (sum + key, count + 1));
        }
        self.pairs.clear();
        for (slot, &(sum, count)) in (0..).zip(&self.sums) {
            if let Some(middle) = (sum * 16).checked_div(count) {
                self.pairs.push(middle.min(LOW) << 32 | slot);
            }
        }
        sort(&mut self.pairs, &mut self.spare);
        let before = row.to_vec();
        let places = row.iter_mut().zip(&self.sums).filter(|(_, (_, count))| *count > 0);
        for ((place, _), pair) in places.zip(&self.pairs) {
            *place = at(&before, low(*pair));
        }
    }
}

/// The lower half of a packed pair: a place in a list.
pub(super) fn low(pair: u64) -> usize {
    usize::try_from(pair & LOW).unwrap_or(usize::MAX)
}
