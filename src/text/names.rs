//! Positions of names. A sorted list with binary search makes a smaller module than a hash table.

/// Finds names in a list.
#[derive(Clone, Debug)]
pub(crate) struct NameIndex<'a> {
    sorted: Vec<(&'a str, usize)>,
}

impl<'a> NameIndex<'a> {
    /// An index of `names`, whose positions count from 0.
    pub(crate) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        let in_order = sorted_positions(&names).into_iter();
        Self { sorted: in_order.filter_map(|at| Some((*names.get(at)?, at))).collect() }
    }

    /// The position of a name; the first one if it occurs several times.
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        let at = self.sorted.partition_point(|(known, _)| *known < name);
        self.sorted.get(at).filter(|(known, _)| *known == name).map(|(_, position)| *position)
    }

    /// All positions of a name.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = usize> + 's {
        let from = self.sorted.partition_point(|(known, _)| *known < name);
        let found = self.sorted.get(from..).into_iter().flatten();
        found.take_while(move |(known, _)| *known == name).map(|(_, position)| *position)
    }

    /// The positions of names that occur again: the first one of the name, and each later one.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let groups = self.sorted.chunk_by(|left, right| left.0 == right.0);
        groups
            .filter_map(<[_]>::split_first)
            .flat_map(|((_, first), others)| others.iter().map(move |(_, other)| (*first, *other)))
    }

    /// The names in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.sorted.iter().map(|(name, _)| *name)
    }
}

/// The names in alphabetical order, without duplicates.
pub(crate) fn sorted_names(mut names: Vec<String>) -> Vec<String> {
    let order = sorted_positions(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut sorted: Vec<String> = Vec::with_capacity(names.len());
    for at in order {
        let name = names.get_mut(at).map(std::mem::take);
        sorted.extend(name.filter(|name| sorted.last() != Some(name)));
    }
    sorted
}

/// Positions of the names in alphabetical order; equal names keep their order. This is a merge sort of our own, since
/// the standard library's sort would add 3 KB to the module for each further type.
pub(crate) fn sorted_positions(names: &[&str]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let mut merged = Vec::with_capacity(names.len());
    let mut width = 1;
    while width < names.len() {
        merged.clear();
        for pair in order.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some((first, left_rest)), Some((second, right_rest))) =
                (left.split_first(), right.split_first())
            {
                if names.get(*second) < names.get(*first) {
                    merged.push(*second);
                    right = right_rest;
                } else {
                    merged.push(*first);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_a_name() {
        let index = NameIndex::new(["b", "a", "b", "c", "b"].into_iter());
        assert_eq!((index.get("a"), index.get("b"), index.get("d")), (Some(1), Some(0), None));
        assert_eq!(index.names().collect::<Vec<_>>(), ["a", "b", "b", "b", "c"]);
        assert_eq!(index.all("b").collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(index.all("d").count(), 0);
        assert_eq!(index.repeated().collect::<Vec<_>>(), [(0, 2), (0, 4)]);
    }

    #[test]
    fn sorts_as_the_standard_library_does() {
        for length in 0..70_usize {
            let names: Vec<String> = (0..length).map(|at| format!("n{}", at * 7 % 13)).collect();
            let mut expected = names.clone();
            expected.sort();
            expected.dedup();
            assert_eq!(sorted_names(names), expected);
        }
    }
}
