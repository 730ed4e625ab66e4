//! Definitions that the engine keeps: runs are started from them by name.

use super::record::Registered;
use super::{Engine, Limit, Plan, Record, Run, uuid_of};
use crate::error;
use crate::json::{size, to_text};
use crate::time::Millis;
use serde_json::{Map, Value};

/// Arguments that name a definition by its id. What is the id of none is taken for a name, as some clients send it.
pub(super) const IDS: [&str; 3] = ["definition_id", "workflow_definition_id", "workflow_id"];

impl Engine {
    /// Whether a document is of a size that can be read as a definition, and kept.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_define(&self, document: &Value) -> error::Result<()> {
        self.config.limits.check(Limit::DefinitionBytes, size(document))?;
        self.config.limits.check(Limit::DefinitionTasks, tasks_in(document))?;
        self.has_memory(size_of_definition(document))
    }

    /// Whether the engine can keep one more run of a workflow with these inputs, beside so many other bytes.
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

    /// Whether a name, or an idempotency key, is short enough.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_name(&self, name: &str) -> error::Result<()> {
        self.config.limits.check(Limit::NameBytes, name.len())
    }

    /// Whether a definition can be kept, and its schedule be in force with these inputs; how many bytes that takes.
    pub(super) fn may_keep(
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
            bytes = super::schedules::size_of_schedule(name, &timetable.text, name, inputs);
        }
        if self.latest(&definition.workflow.name).is_none_or(|known| known.hash != definition.hash) {
            self.may_name(&definition.workflow.name)?;
            self.may_define(&definition.definition)?;
            bytes += size_of_definition(&definition.definition);
        }
        self.has_memory(bytes)?;
        Ok(bytes)
    }

    /// Keeps a definition under its name, as the latest one of it, without a run. Its schedule is in force from now on.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`; `SCHEDULE_INVALID` for a schedule whose time zone is not known here.
    pub fn register(&mut self, definition: Registered, now: Millis) -> error::Result<Registered> {
        self.may_keep(&definition, &Map::new(), now)?;
        let kept = self.keep(definition);
        self.follow_definition(&kept, &Map::new(), now);
        self.advance(now);
        Ok(kept)
    }

    /// Keeps the Python that a definition was made of, under its hash, where there is memory for it.
    pub fn keep_source(&mut self, hash: &str, source: &str) {
        let is_new = self.source(hash).is_none_or(|known| known != source);
        if is_new && self.has_memory(source.len()).is_ok() {
            self.commit(Record::SourceKept { hash: hash.into(), source: source.into() });
        }
    }

    /// The Python that a definition was made of, by its hash.
    pub fn source(&self, hash: &str) -> Option<&str> {
        self.sources.get(hash).map(|source| &**source)
    }

    /// The definition of a hash, which need not be read and checked again.
    pub fn definition_of(&self, hash: &str) -> Option<&Registered> {
        self.definitions.get(*self.by_hash.get(hash)?)
    }

    /// The definition of an id, as the API gives one to each.
    pub fn definition_with_id(&self, id: &str) -> Option<&Registered> {
        self.definitions.iter().rfind(|known| uuid_of(&known.hash) == id)
    }

    /// The definition that a task asks for, by its id or by its name; and what it asks for, where there is none.
    pub(super) fn definition_asked_for(&self, asked: &Map<String, Value>) -> Result<&Registered, String> {
        let text = |name: &&str| asked.get(*name).filter(|value| !value.is_null()).map(to_text);
        if let Some(id) = IDS.iter().find_map(text) {
            return self.definition_with_id(&id).or_else(|| self.latest(&id)).ok_or(id);
        }
        let name = text(&"workflow_name").unwrap_or_default();
        self.latest(&name).ok_or(name)
    }

    /// The latest definition of a document's name, if it is that very document: found in the time that it takes to look at it.
    pub fn latest_if(&self, document: &Value) -> Option<&Registered> {
        let latest = self.latest(document.get("name")?.as_str()?)?;
        is_same_text(&latest.definition, document).then_some(latest)
    }

    /// Keeps a definition; what is the latest one already is not kept twice. One copy serves all runs.
    pub(super) fn keep(&mut self, definition: Registered) -> Registered {
        if let Some(known) =
            self.latest(&definition.workflow.name).filter(|known| known.hash == definition.hash)
        {
            return known.clone();
        }
        self.commit(Record::Registered(Box::new(definition.clone())));
        definition
    }
}

/// Bytes of a definition: its plan takes about as much as its document.
pub(super) fn size_of_definition(document: &Value) -> usize {
    size(document).saturating_mul(2)
}

/// Tasks of a document, wherever they stand in it.
fn tasks_in(document: &Value) -> usize {
    match document {
        Value::Array(items) => items.iter().map(tasks_in).sum(),
        Value::Object(map) => {
            usize::from(map.contains_key("operator_type")) + map.values().map(tasks_in).sum::<usize>()
        }
        _ => 0,
    }
}

/// Whether two values are written as the same text: the order of fields counts.
fn is_same_text(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_same = |((key, value), (other_key, other_value))| {
                let (key, other_key): (&String, &String) = (key, other_key);
                key == other_key && is_same_text(value, other_value)
            };
            one.len() == other.len() && one.iter().zip(other).all(is_same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same_text(one, other))
        }
        _ => one == other,
    }
}
