//! Advice on misspelt names, within a bound for one document.

use crate::text::suggest::{nearest, nearest_id};
use std::cell::Cell;

/// Names that are compared for the advice in one document; findings beyond that come without.
const COMPARED: usize = 300_000;

/// Gives advice as long as it does not cost too much.
#[derive(Debug)]
pub(super) struct Hints(Cell<usize>);

impl Hints {
    pub(super) fn new() -> Self {
        Self(Cell::new(COMPARED))
    }

    /// The candidate nearest to `wanted`, if one is near.
    pub(super) fn nearest<'a>(
        &self,
        wanted: &str,
        names: &mut dyn Iterator<Item = &'a str>,
    ) -> Option<&'a str> {
        nearest(wanted, names.take_while(|_| self.spend()))
    }

    /// Advice that names the nearest id of a task.
    pub(super) fn nearest_id(&self, wanted: &str, ids: &mut dyn Iterator<Item = &str>) -> Option<String> {
        nearest_id(wanted, ids.take_while(|_| self.spend())).map(meant)
    }

    fn spend(&self) -> bool {
        self.0.replace(self.0.get().saturating_sub(1)) > 0
    }
}

pub(super) fn meant(name: &str) -> String {
    format!("did you mean `{name}`?")
}
