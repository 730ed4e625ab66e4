//! Counts the bytes that a run keeps.

use crate::json::size;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;

/// The bytes that a run keeps. They only grow: a replaced value counts until the run is dropped or the state is
/// restored.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Meter {
    own: usize,
    /// The bytes of all runs of the engine; `None` for a run outside an engine.
    all: Option<Rc<Cell<usize>>>,
}

/// The count follows from the state, so it does not matter for equality.
impl PartialEq for Meter {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Meter {
    /// The bytes of this run.
    pub(in crate::engine) const fn bytes(&self) -> usize {
        self.own
    }

    pub(in crate::engine) fn add(&mut self, bytes: usize) {
        self.own += bytes;
        if let Some(all) = &self.all {
            all.set(all.get() + bytes);
        }
    }

    pub(in crate::engine) fn add_value(&mut self, value: Option<&Value>) {
        self.add(value.map_or(0, size));
    }

    /// Adds the bytes to those of all runs, from now on.
    pub(in crate::engine) fn join(&mut self, all: &Rc<Cell<usize>>) {
        all.set(all.get() + self.own);
        self.all = Some(Rc::clone(all));
    }

    /// Takes the bytes out of those of all runs.
    pub(in crate::engine) fn leave(&mut self) {
        if let Some(all) = self.all.take() {
            all.set(all.get().saturating_sub(self.own));
        }
    }
}
