//! Definitions, by hash and by name.

use crate::engine::plan::Plan;
use crate::engine::plan::hash::uuid_of;
use crate::engine::state::State;
use crate::json::{size, to_text};
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A definition that the engine keeps, so that runs can be started by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// SHA-256 of its JSON text, as hex.
    pub hash: String,
    /// The definition.
    pub workflow: Rc<Plan>,
    /// The definition as it was submitted.
    pub definition: Rc<Value>,
    /// When it was submitted.
    pub at: Millis,
    /// Its version among the definitions of its name, from 1; 0 before it is kept.
    pub version: usize,
    /// Whether it was registered without a run, to be found by its name, its version or its id.
    pub is_named: bool,
}

impl Registered {
    /// A definition with its [hash](crate::engine::plan::hash::definition_hash) and its plan. It must have been
    /// checked.
    pub fn new(hash: String, workflow: Plan, definition: Value, at: Millis) -> Self {
        Self {
            hash,
            workflow: Rc::new(workflow),
            definition: Rc::new(definition),
            at,
            version: 0,
            is_named: false,
        }
    }
}

/// All definitions, without duplicates.
#[derive(Debug, Default)]
pub(in crate::engine) struct Definitions {
    /// Definitions by number, the oldest first.
    kept: BTreeMap<usize, Registered>,
    /// The number of definitions there ever were.
    count: usize,
    /// Numbers by hash.
    by_hash: HashMap<String, usize>,
    by_name: HashMap<String, Versions>,
    /// The number of runs of each definition, by hash.
    uses: HashMap<String, usize>,
}

/// The numbers of two definitions with one name.
#[derive(Clone, Copy, Debug)]
struct Versions {
    /// The one that was submitted or registered last. Runs of the name use it.
    latest: usize,
    /// The one with the highest version.
    newest: usize,
}

impl Definitions {
    pub(in crate::engine) fn iter(&self) -> impl DoubleEndedIterator<Item = &Registered> {
        self.kept.values()
    }

    /// All definitions, in an order in which keeping them again gives the same state. A definition that is the latest
    /// but not the newest comes twice.
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

    /// Keeps a definition as the latest of its name. The result is whether it is new.
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

    pub(in crate::engine) fn forget(&mut self, hash: &str) -> Option<Registered> {
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

    /// Whether a definition can be dropped: it has no run, is not the latest or newest of its name, and was not
    /// registered.
    pub(in crate::engine) fn is_free(&self, hash: &str) -> bool {
        let Some((at, known)) = self.by_hash.get(hash).and_then(|at| Some((at, self.kept.get(at)?))) else {
            return false;
        };
        let versions = self.by_name.get(&known.workflow.name);
        let is_of_name = versions.is_some_and(|versions| versions.latest == *at || versions.newest == *at);
        !known.is_named && !is_of_name && !self.uses.contains_key(hash)
    }

    /// The hashes of the latest and the newest definition of a name.
    pub(in crate::engine) fn of_name(&self, name: &str) -> Vec<String> {
        let versions = self.by_name.get(name).map(|versions| [versions.latest, versions.newest]);
        let found = versions.into_iter().flatten().filter_map(|at| self.kept.get(&at));
        found.map(|known| known.hash.clone()).collect()
    }
}

/// The bytes of a definition. Its plan takes about as much as its document.
pub(in crate::engine) fn size_of_definition(document: &Value) -> usize {
    size(document).saturating_mul(2)
}

impl State {
    /// The Python source from which a definition was made, by the hash of the definition.
    pub fn source(&self, hash: &str) -> Option<&str> {
        self.sources.get(hash).map(|source| &**source)
    }

    /// The definition with this hash. It need not be read and checked again.
    pub fn definition_of(&self, hash: &str) -> Option<&Registered> {
        self.definitions.of_hash(hash)
    }

    /// The definition with this id, which the API gives to each.
    pub fn definition_with_id(&self, id: &str) -> Option<&Registered> {
        self.definitions.iter().rfind(|known| uuid_of(&known.hash) == id)
    }

    /// The latest definition of the document's name, if it equals the document. Comparing them is faster than hashing.
    pub fn latest_if(&self, document: &Value) -> Option<&Registered> {
        let latest = self.latest(document.get("name")?.as_str()?)?;
        is_same_text(&latest.definition, document).then_some(latest)
    }

    /// The definition that a task names by id or by name. The error is the name or id for which there is none.
    pub(in crate::engine) fn requested_definition(
        &self,
        request: &Map<String, Value>,
    ) -> Result<&Registered, String> {
        let text = |name: &&str| request.get(*name).filter(|value| !value.is_null()).map(to_text);
        if let Some(id) = IDS.iter().find_map(text) {
            return self.definition_with_id(&id).or_else(|| self.latest(&id)).ok_or(id);
        }
        let name = text(&"workflow_name").unwrap_or_default();
        self.latest(&name).ok_or(name)
    }
}

/// Whether two values have the same JSON text, including the order of fields.
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

/// Arguments that name a definition by its id. An unknown id is read as a name, since some clients send names there.
pub(in crate::engine) const IDS: [&str; 3] = ["definition_id", "workflow_definition_id", "workflow_id"];
