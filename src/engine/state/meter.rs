//! Counts the bytes that a run keeps.

use crate::json::size;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;

/// Bytes that a run keeps. They are only ever added: what is replaced counts until the run is forgotten or its state is
/// read again.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Meter {
    own: usize,
    /// Bytes of all runs of the engine; of none where the run is in no engine.
    all: Option<Rc<Cell<usize>>>,
}

/// What is counted follows from what is there.
impl PartialEq for Meter {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Meter {
    /// Bytes of the run alone.
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

    /// Counts to the bytes of all from now on.
    pub(in crate::engine) fn join(&mut self, all: &Rc<Cell<usize>>) {
        all.set(all.get() + self.own);
        self.all = Some(Rc::clone(all));
    }

    /// Does not count to them any more.
    pub(in crate::engine) fn leave(&mut self) {
        if let Some(all) = self.all.take() {
            all.set(all.get().saturating_sub(self.own));
        }
    }
}
