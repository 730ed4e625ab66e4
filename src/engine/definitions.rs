//! Definitions that the engine keeps: runs are started from them by name.

use super::record::Registered;
use super::{Engine, Plan, Record, hash};
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

impl Engine {
    /// Keeps a definition under its name, as the latest one of it, without a run. Its schedule is in force from now on.
    pub fn register(&mut self, workflow: &Plan, definition: &Value, now: Millis) -> Registered {
        let registered = self.keep(workflow, definition, now);
        self.follow_definition(&registered, &Map::new(), now);
        self.advance(now);
        registered
    }

    /// Keeps the Python that a definition was made of.
    pub fn keep_source(&mut self, definition: &Value, source: &str) {
        let hash = hash::of_definition(definition);
        if self.source(&hash).is_none_or(|known| known != source) {
            self.commit(Record::SourceKept { hash, source: source.into() });
        }
    }

    /// The Python that a definition was made of, by its hash.
    pub fn source(&self, hash: &str) -> Option<&str> {
        self.sources.get(hash).map(|source| &**source)
    }

    /// Keeps a definition; what is the latest one already is not kept twice.
    pub(super) fn keep(&mut self, workflow: &Plan, definition: &Value, now: Millis) -> Registered {
        let hash = hash::of_definition(definition);
        if let Some(known) = self.latest(&workflow.name).filter(|known| known.hash == hash) {
            return known.clone();
        }
        let (workflow, definition) = (Rc::new(workflow.clone()), Rc::new(definition.clone()));
        let registered = Registered { hash, workflow, definition, at: now };
        self.commit(Record::Registered(Box::new(registered.clone())));
        registered
    }
}
