//! Adds free trees to rows whose order is final, so that a further leaf never changes the order of the others.

use super::grid::{End, Grid, Segment};
use super::items::Items;
use super::lists::{at, sort};
use super::order::low;
use super::work::Work;

/// Adds the free trees of a container and their links. Each node stands next to the other nodes with the same
/// predecessor.
pub(super) fn insert(grid: &mut Grid, work: &mut Work, container: usize) {
    let mut twigs: Vec<Vec<Segment>> = vec![Vec::new(); grid.rows.len()];
    for &index in work.links.of(container) {
        let link = work.plan.link(index);
        if work.is_free(&link)
            && let Some(list) = twigs.get_mut(work.items.get(link.lower).row)
        {
            list.push(Segment { upper: End::middle(link.upper), lower: End::middle(link.lower) });
        }
    }
    let is_root = |node: usize| at(&work.layers.free, node) && at(&work.layers.layer, node) == 0;
    let roots: Vec<usize> =
        work.children.of(container).iter().copied().filter(|&node| is_root(node)).collect();
    if let Some(row) = roots.first().and_then(|&root| grid.rows.get_mut(work.items.get(root).row)) {
        let key = |&node: &usize| (0, node);
        *row =
            merge(row, &row.iter().map(key).collect::<Vec<_>>(), &roots.iter().map(key).collect::<Vec<_>>());
        work.items.number(row);
    }
    for (above, segments) in twigs.into_iter().skip(1).enumerate() {
        if let (Some(row), Some(gap)) = (grid.rows.get_mut(above + 1), grid.gaps.get_mut(above)) {
            add_twigs(row, gap, segments, &work.items);
            work.items.number(row);
        }
    }
}

fn add_twigs(row: &mut Vec<usize>, gap: &mut Vec<Segment>, twigs: Vec<Segment>, items: &Items) {
    if twigs.is_empty() {
        return;
    }
    let mut pairs: Vec<u64> =
        twigs.iter().map(|twig| twig.ends(items).0 << 32 | twig.lower.item as u64).collect();
    sort(&mut pairs, &mut Vec::new());
    let nodes: Vec<Key> = pairs.iter().map(|&pair| (pair >> 32, low(pair))).collect();
    *row = merge(row, &keys(row, gap, items), &nodes);
    gap.extend(twigs);
}

/// The position of an item in its row: the place of its predecessor in the row above, then its number.
type Key = (u64, usize);

/// The keys of a row, from the middle one of the neighbours above. Items without neighbours stay with the item before
/// them.
fn keys(row: &[usize], gap: &[Segment], items: &Items) -> Vec<Key> {
    let place = |segment: &Segment| (items.get(segment.lower.item).slot as u64) << 32 | segment.ends(items).0;
    let mut pairs: Vec<u64> = gap.iter().map(place).collect();
    sort(&mut pairs, &mut Vec::new());
    let mut groups = pairs.chunk_by(|a, b| a >> 32 == b >> 32).peekable();
    let mut key = (0, 0);
    let mut keys = Vec::with_capacity(row.len());
    for (slot, &item) in (0_u64..).zip(row) {
        let group = groups.next_if(|group| group.first().is_some_and(|pair| pair >> 32 == slot));
        if let Some(middle) = group.and_then(|group| group.get(group.len() / 2)) {
            key = (middle & 0xffff_ffff, item);
        }
        keys.push(key);
    }
    keys
}

/// The items of a row with further nodes, each before the first item with a larger key. Both keep their order, and the
/// place of a node does not depend on other new nodes.
fn merge(row: &[usize], keys: &[Key], nodes: &[Key]) -> Vec<usize> {
    let mut merged = Vec::with_capacity(row.len() + nodes.len());
    let mut nodes = nodes.iter().peekable();
    for (item, key) in row.iter().zip(keys) {
        while let Some((_, node)) = nodes.next_if(|node| *node < key) {
            merged.push(*node);
        }
        merged.push(*item);
    }
    merged.extend(nodes.map(|(_, node)| *node));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_put_where_their_neighbours_are() {
        let keys = [(10, 5), (10, 5), (30, 9)];
        assert_eq!(merge(&[5, 3, 9], &keys, &[(10, 6), (20, 4), (30, 7), (30, 10)]), [5, 3, 6, 4, 7, 9, 10]);
    }
}
