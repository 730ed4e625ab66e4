//! Positions of names, found by binary search. A sorted list instead of a hash table keeps the artefact small.

/// An index of names.
#[derive(Clone, Debug)]
pub(crate) struct NameIndex<'a> {
    sorted: Vec<(&'a str, usize)>,
}

impl<'a> NameIndex<'a> {
    /// The positions of `names`, counted from 0.
    pub(crate) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let mut sorted: Vec<(&str, usize)> = names.enumerate().map(|(at, name)| (name, at)).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    /// The position of a name; the first one where it occurs more than once.
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        let at = self.sorted.partition_point(|(known, _)| *known < name);
        self.sorted.get(at).filter(|(known, _)| *known == name).map(|(_, position)| *position)
    }

    /// The names in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.sorted.iter().map(|(name, _)| *name)
    }

    /// Names that occur more than once, each for every further time.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.names().zip(self.names().skip(1)).filter(|(name, next)| name == next).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_a_name_and_its_repetitions() {
        let index = NameIndex::new(["b", "a", "b", "c", "b"].into_iter());
        assert_eq!((index.get("a"), index.get("b"), index.get("d")), (Some(1), Some(0), None));
        assert_eq!(index.repeated().collect::<Vec<_>>(), ["b", "b"]);
    }
}
