//! The last improvement of the order within rows: two neighbours change places if fewer links then cross, or if they
//! then stand in the given order and no more links cross.

use super::grid::{Grid, Segment};
use super::items::Items;
use super::lists::{at, set, sort};

/// The most passes over all rows.
const MAX_ROUNDS: usize = 4;

/// Exchanges neighbours until no exchange helps.
pub(super) fn exchange(grid: &mut Grid, items: &mut Items) {
    let (mut above, mut below, mut spare) = (Vec::new(), Vec::new(), Vec::new());
    let mut active = vec![true; grid.rows.len()];
    for _ in 0..MAX_ROUNDS {
        for (index, row) in grid.rows.iter_mut().enumerate() {
            if !at(&active, index) {
                continue;
            }
            set(&mut active, index, false);
            let gap = |index: Option<usize>| {
                index.and_then(|index| grid.gaps.get(index)).map_or(&[][..], Vec::as_slice)
            };
            links(gap(index.checked_sub(1)), items, false, &mut above, &mut spare);
            links(gap(Some(index)), items, true, &mut below, &mut spare);
            if exchange_row(row, &above, &below, items.nodes) {
                items.number(row);
                // An exchange may make further ones useful in the rows next to it.
                active.iter_mut().skip(index.saturating_sub(1)).take(3).for_each(|row| *row = true);
            }
        }
    }
}

/// One pass over a row. The links refer to the places that the items had before the pass.
fn exchange_row(row: &mut [usize], above: &[u64], below: &[u64], nodes: usize) -> bool {
    let mut changed = false;
    let mut slots = (0_u64..).zip(row.iter_mut());
    let Some((mut left_slot, mut left_item)) = slots.next() else { return false };
    for (slot, item) in slots {
        let (now, then) = crossings(of(above, left_slot), of(above, slot));
        let (now_below, then_below) = crossings(of(below, left_slot), of(below, slot));
        let (now, then) = (now + now_below, then + then_below);
        let restores = *item < *left_item && *left_item < nodes;
        if then < now || then == now && restores {
            core::mem::swap(item, left_item);
            changed = true;
        } else {
            left_slot = slot;
        }
        left_item = item;
    }
    changed
}

/// Lists the links of the items of a row as packed numbers: the place of the item in the upper half, the place of the
/// neighbour in the lower half.
fn links(gap: &[Segment], items: &Items, down: bool, pairs: &mut Vec<u64>, spare: &mut Vec<u64>) {
    pairs.clear();
    pairs.extend(gap.iter().map(|segment| {
        let (upper, lower) = segment.ends(items);
        let (item, other) = if down { (segment.upper.item, lower) } else { (segment.lower.item, upper) };
        (items.get(item).slot as u64) << 32 | other
    }));
    sort(pairs, spare);
}

/// The links of one item.
fn of(links: &[u64], slot: u64) -> &[u64] {
    let start = links.partition_point(|pair| pair >> 32 < slot);
    let end = links.partition_point(|pair| pair >> 32 <= slot);
    links.get(start..end).unwrap_or_default()
}

/// How many links of two neighbours cross now, and how many would cross after an exchange.
fn crossings(left: &[u64], right: &[u64]) -> (usize, usize) {
    const LOW: u64 = 0xffff_ffff;
    let (mut now, mut then) = (0, 0);
    let (mut less, mut not_greater) = (0, 0);
    for pair in left {
        let place = pair & LOW;
        while right.get(less).is_some_and(|other| other & LOW < place) {
            less += 1;
        }
        while right.get(not_greater).is_some_and(|other| other & LOW <= place) {
            not_greater += 1;
        }
        now += less;
        then += right.len() - not_greater;
    }
    (now, then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_change_places_for_fewer_crossings() {
        // The first item leads to places 5 and 7, the second to 6, the third to 1.
        let below = [5, 7, 1 << 32 | 6, 2 << 32 | 1];
        assert_eq!(crossings(of(&below, 0), of(&below, 2)), (2, 0));
        assert_eq!(crossings(of(&below, 0), of(&below, 1)), (1, 1));
        let mut row = [10, 11, 12];
        assert!(exchange_row(&mut row, &[], &below, 20));
        assert_eq!(row, [10, 12, 11]);
    }

    #[test]
    fn nodes_come_back_to_the_order_given() {
        let mut row = [3, 1, 2, 9, 8];
        assert!(exchange_row(&mut row, &[], &[], 5));
        assert_eq!(row, [1, 2, 3, 9, 8]);
    }
}
