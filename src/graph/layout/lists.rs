//! Lists without indexing, grouped lists, and the one sorting function of the layout.

/// The element at `index`, or the default value.
pub(super) fn at<T: Copy + Default>(list: &[T], index: usize) -> T {
    list.get(index).copied().unwrap_or_default()
}

/// Sets the element at `index` if it exists.
pub(super) fn set<T>(list: &mut [T], index: usize, value: T) {
    if let Some(slot) = list.get_mut(index) {
        *slot = value;
    }
}

/// Adds one to the element at `index`.
pub(super) fn count(list: &mut [usize], index: usize) {
    if let Some(slot) = list.get_mut(index) {
        *slot += 1;
    }
}

/// The numbers `0..keys.len()`, grouped by their keys and in order within a group.
#[derive(Debug)]
pub(super) struct Groups {
    starts: Vec<usize>,
    members: Vec<usize>,
}

impl Groups {
    /// Groups by keys below `count`. Numbers with larger keys are left out.
    pub(super) fn new(count: usize, keys: &[usize]) -> Self {
        let mut starts = vec![0; count + 1];
        for &key in keys.iter().filter(|&&key| key < count) {
            self::count(&mut starts, key + 1);
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut members = vec![0; total];
        for (member, &key) in keys.iter().enumerate().filter(|&(_, &key)| key < count) {
            let place = at(&next, key);
            set(&mut members, place, member);
            set(&mut next, key, place + 1);
        }
        Self { starts, members }
    }

    /// The members of the group `key`.
    pub(super) fn of(&self, key: usize) -> &[usize] {
        self.members.get(at(&self.starts, key)..at(&self.starts, key + 1)).unwrap_or_default()
    }
}

/// Sorts the values, and returns how many pairs stood in the wrong order. The spare list saves allocations.
pub(super) fn sort(values: &mut Vec<u64>, spare: &mut Vec<u64>) -> u64 {
    let mut inversions = 0;
    let mut width = 1;
    while width < values.len() {
        spare.clear();
        for pair in values.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            if right.first().is_none_or(|first| left.last() <= Some(first)) {
                spare.extend_from_slice(pair);
            } else {
                inversions += merge(left, right, spare);
            }
        }
        core::mem::swap(values, spare);
        width *= 2;
    }
    inversions
}

/// Merges two sorted lists, appends the result, and returns how many pairs stood in the wrong order.
fn merge(mut left: &[u64], mut right: &[u64], merged: &mut Vec<u64>) -> u64 {
    let mut inversions = 0;
    while let (Some((first, rest)), Some((second, others))) = (left.split_first(), right.split_first()) {
        if second < first {
            inversions += left.len() as u64;
            merged.push(*second);
            right = others;
        } else {
            merged.push(*first);
            left = rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    inversions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_counts_what_stood_wrong() {
        for (mut values, inversions) in
            [(vec![], 0), (vec![1, 2, 2, 3], 0), (vec![3, 2, 1], 3), (vec![2, 1, 2, 1, 5, 0], 8)]
        {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            assert_eq!(sort(&mut values, &mut Vec::new()), inversions);
            assert_eq!(values, sorted);
        }
    }

    #[test]
    fn groups_keep_the_order_of_their_members() {
        let groups = Groups::new(3, &[2, 0, 2, 9, 2]);
        assert_eq!(
            (groups.of(0), groups.of(1), groups.of(2), groups.of(3)),
            (&[1][..], &[][..], &[0, 2, 4][..], &[][..])
        );
    }
}
