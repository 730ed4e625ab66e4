//! Advice on misspelt names. The work for one document is bounded.

use crate::text::suggest::{nearest, nearest_id};
use std::cell::Cell;

/// The most names that are compared for one document. Later findings have no advice.
const COMPARED: usize = 300_000;

/// Gives advice until the budget of comparisons is spent.
#[derive(Debug)]
pub(super) struct Hints(Cell<usize>);

impl Hints {
    pub(super) fn new() -> Self {
        Self(Cell::new(COMPARED))
    }

    /// The name nearest to `wanted`; `None` if none is near.
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
