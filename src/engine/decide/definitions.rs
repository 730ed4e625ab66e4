//! Definitions that the engine keeps: runs are started from them by name.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::journal::record::Registered;
use crate::engine::plan::Plan;
use crate::engine::plan::hash::uuid_of;
use crate::engine::state::Engine;
use crate::engine::state::run::Run;
use crate::error;
use crate::json::{size, to_text};
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// Arguments that name a definition by its id. What is the id of none is taken for a name, as some clients send it.
pub(in crate::engine) const IDS: [&str; 3] = ["definition_id", "workflow_definition_id", "workflow_id"];

/// All definitions, each content once.
#[derive(Debug, Default)]
pub(in crate::engine) struct Definitions {
    /// By their numbers, the oldest first.
    kept: BTreeMap<usize, Registered>,
    /// How many there ever were.
    count: usize,
    /// Their numbers by their hashes.
    by_hash: HashMap<String, usize>,
    by_name: HashMap<String, Versions>,
    /// Runs of each, by its hash.
    uses: HashMap<String, usize>,
}

/// Two numbers of definitions that have one name.
#[derive(Clone, Copy, Debug)]
struct Versions {
    /// The one that was submitted or registered last, which runs of that name are started from.
    latest: usize,
    /// The one with the highest version.
    newest: usize,
}

impl Definitions {
    pub(in crate::engine) fn iter(&self) -> impl DoubleEndedIterator<Item = &Registered> {
        self.kept.values()
    }

    /// All of them so that keeping them in that order gives the same: one that is the latest, but not the newest, comes once more.
    pub(in crate::engine) fn in_order_of_names(&self) -> impl Iterator<Item = &Registered> {
        let mut again: Vec<usize> = self
            .by_name
            .values()
            .filter(|versions| versions.latest != versions.newest)
            .map(|versions| versions.latest)
            .collect();
        again.sort_unstable();
        self.kept.values().chain(again.into_iter().filter_map(|at| self.kept.get(&at)))
    }

    pub(in crate::engine) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    fn of_hash(&self, hash: &str) -> Option<&Registered> {
        self.kept.get(self.by_hash.get(hash)?)
    }

    pub(in crate::engine) fn latest(&self, name: &str) -> Option<&Registered> {
        self.kept.get(&self.by_name.get(name)?.latest)
    }

    /// Keeps a definition as the latest of its name; whether it is a new one.
    pub(in crate::engine) fn keep(&mut self, mut definition: Registered) -> bool {
        let name = &definition.workflow.name;
        let known = self.by_hash.get(&definition.hash).copied();
        if let Some(at) = known {
            if let Some(known) = self.kept.get_mut(&at) {
                known.is_named |= definition.is_named;
            }
            if let Some(versions) = self.by_name.get_mut(name) {
                versions.latest = at;
            }
            return false;
        }
        let newest = self.by_name.get(name).and_then(|versions| self.kept.get(&versions.newest));
        let version = newest.map_or(0, |newest| newest.version) + 1;
        definition.version = definition.version.max(version);
        let at = self.count;
        self.count += 1;
        self.by_name.insert(name.clone(), Versions { latest: at, newest: at });
        self.by_hash.insert(definition.hash.clone(), at);
        self.kept.insert(at, definition);
        true
    }

    fn forget(&mut self, hash: &str) -> Option<Registered> {
        self.kept.remove(&self.by_hash.remove(hash)?)
    }

    pub(in crate::engine) fn is_used(&mut self, hash: &str) {
        *self.uses.entry(hash.to_owned()).or_default() += 1;
    }

    pub(in crate::engine) fn is_used_less(&mut self, hash: &str) {
        if let Some(uses) = self.uses.get_mut(hash) {
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.uses.remove(hash);
            }
        }
    }

    /// Whether nothing leads to a definition: no run, no name, and nobody has registered it.
    fn is_free(&self, hash: &str) -> bool {
        let Some((at, known)) = self.by_hash.get(hash).and_then(|at| Some((at, self.kept.get(at)?))) else {
            return false;
        };
        let versions = self.by_name.get(&known.workflow.name);
        let is_of_name = versions.is_some_and(|versions| versions.latest == *at || versions.newest == *at);
        !known.is_named && !is_of_name && !self.uses.contains_key(hash)
    }

    /// Those that are the latest or the newest of a name.
    fn of_name(&self, name: &str) -> Vec<String> {
        let versions = self.by_name.get(name).map(|versions| [versions.latest, versions.newest]);
        let found = versions.into_iter().flatten().filter_map(|at| self.kept.get(&at));
        found.map(|known| known.hash.clone()).collect()
    }
}

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
            bytes = crate::engine::decide::schedules::size_of_schedule(name, &timetable.text, name, inputs);
        }
        if self.definition_of(&definition.hash).is_none() {
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
        let kept = self.keep(Registered { is_named: true, ..definition });
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
        self.definitions.of_hash(hash)
    }

    /// The definition of an id, as the API gives one to each.
    pub fn definition_with_id(&self, id: &str) -> Option<&Registered> {
        self.definitions.iter().rfind(|known| uuid_of(&known.hash) == id)
    }

    /// The definition that a task asks for, by its id or by its name; and what it asks for, where there is none.
    pub(in crate::engine) fn definition_asked_for(
        &self,
        asked: &Map<String, Value>,
    ) -> Result<&Registered, String> {
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

    /// Keeps a definition as the latest of its name. Each content is kept once: one copy serves all runs.
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

    /// Forgets a definition to which nothing leads any more, no schedule either.
    pub(in crate::engine) fn forget_definition(&mut self, hash: &str) {
        let is_free = self.definitions.is_free(hash);
        if is_free && !self.schedules().any(|(_, known)| known.hash.as_deref() == Some(hash)) {
            self.commit(Record::DefinitionForgotten { hash: hash.to_owned() });
        }
    }

    pub(in crate::engine) fn apply_definition_forgotten(&mut self, hash: &str) {
        if let Some(gone) = self.definitions.forget(hash) {
            self.lets_go(size_of_definition(&gone.definition));
        }
        if let Some(source) = self.sources.remove(hash) {
            self.lets_go(source.len());
        }
    }
}

/// Bytes of a definition: its plan takes about as much as its document.
pub(in crate::engine) fn size_of_definition(document: &Value) -> usize {
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
