//! Definitions that the engine keeps. Runs can be started from them by name.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::Plan;
use crate::engine::state::definitions::{Registered, size_of_definition};
use crate::engine::state::run::Run;
use crate::engine::state::schedule::size_of_schedule;
use crate::error;
use crate::json::size;
use crate::time::Millis;
use serde_json::{Map, Value};

impl Engine {
    /// Checks whether a document is small enough to be read as a definition and kept.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_define(&self, document: &Value) -> error::Result<()> {
        self.config.limits.check(Limit::DefinitionBytes, size(document))?;
        self.config.limits.check(Limit::DefinitionTasks, tasks_in(document))?;
        self.has_memory(size_of_definition(document))
    }

    /// Checks whether the engine can keep one more run of a workflow with these inputs, besides a number of other
    /// bytes.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_keep_run(
        &self,
        workflow: &Plan,
        inputs: &Map<String, Value>,
        beside: usize,
    ) -> error::Result<()> {
        let bytes = Run::size_of_new(workflow, inputs);
        self.config.limits.check(Limit::RunBytes, bytes)?;
        self.has_memory(bytes.saturating_add(beside))
    }

    /// Checks whether a name or an idempotency key is short enough.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_name(&self, name: &str) -> error::Result<()> {
        self.config.limits.check(Limit::NameBytes, name.len())
    }

    /// The bytes of a definition and its schedule, if the engine can keep both.
    pub(in crate::engine) fn may_keep(
        &self,
        definition: &Registered,
        inputs: &Map<String, Value>,
        now: Millis,
    ) -> error::Result<usize> {
        let mut bytes = 0;
        if let Some(timetable) = &definition.workflow.timetable {
            self.check_zone(&timetable.rule, now)?;
            let name = &definition.workflow.name;
            self.may_schedule(&[name])?;
            bytes = size_of_schedule(name, &timetable.text, name, inputs);
        }
        if self.definition_of(&definition.hash).is_none() {
            self.may_name(&definition.workflow.name)?;
            self.may_define(&definition.definition)?;
            bytes += size_of_definition(&definition.definition);
        }
        self.has_memory(bytes)?;
        Ok(bytes)
    }

    /// Keeps a definition without a run, as the latest of its name. Its schedule holds from now on.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`; `SCHEDULE_INVALID` if the time zone of its schedule is unknown here.
    pub fn register(&mut self, definition: Registered, now: Millis) -> error::Result<Registered> {
        self.may_keep(&definition, &Map::new(), now)?;
        let kept = self.keep(Registered { is_named: true, ..definition });
        self.follow_definition(&kept, &Map::new(), now);
        self.advance(now);
        Ok(kept)
    }

    /// Keeps the Python source from which a definition was made, by the hash of the definition, if there is memory for
    /// it.
    pub fn keep_source(&mut self, hash: &str, source: &str) {
        let is_new = self.source(hash).is_none_or(|known| known != source);
        if is_new && self.has_memory(source.len()).is_ok() {
            self.commit(Record::SourceKept { hash: hash.into(), source: source.into() });
        }
    }

    /// Keeps a definition as the latest of its name. Equal content is kept once and shared by all runs.
    pub(in crate::engine) fn keep(&mut self, definition: Registered) -> Registered {
        let name = definition.workflow.name.clone();
        let is_as_wanted =
            |known: &&Registered| known.hash == definition.hash && (known.is_named || !definition.is_named);
        if let Some(known) = self.latest(&name).filter(is_as_wanted) {
            return known.clone();
        }
        let before = self.definitions.of_name(&name);
        let hash = definition.hash.clone();
        self.commit(Record::Registered(Box::new(definition.clone())));
        for before in before {
            self.forget_definition(&before);
        }
        self.definition_of(&hash).cloned().unwrap_or(definition)
    }

    /// Drops a definition that nothing refers to any more, not even a schedule.
    pub(in crate::engine) fn forget_definition(&mut self, hash: &str) {
        let is_free = self.definitions.is_free(hash);
        if is_free && !self.schedules().any(|(_, known)| known.hash.as_deref() == Some(hash)) {
            self.commit(Record::DefinitionForgotten { hash: hash.to_owned() });
        }
    }
}

/// The number of tasks in a document, at any depth.
fn tasks_in(document: &Value) -> usize {
    match document {
        Value::Array(items) => items.iter().map(tasks_in).sum(),
        Value::Object(map) => {
            usize::from(map.contains_key("operator_type")) + map.values().map(tasks_in).sum::<usize>()
        }
        _ => 0,
    }
}
