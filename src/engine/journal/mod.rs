//! The journal: records as JSON text for a store. An entry is a list with the records of one change of the engine,
//! which take effect together.

mod field;
pub(in crate::engine) mod fields;
mod inner;
pub(in crate::engine) mod record;
pub(in crate::engine) mod snapshot;
pub(in crate::engine) mod text;
mod things;
mod whole;

use crate::engine::journal::fields::{FieldReader, invalid};
use crate::engine::journal::record::Record;
use crate::engine::journal::snapshot::read::KeptRun;
use crate::engine::journal::text::text_of;
use crate::engine::state::definitions::Registered;
use crate::error::Result;
use crate::json::parse_json;
use serde_json::Value;
use std::collections::HashMap;

/// Definitions by their hashes.
pub(in crate::engine) type KnownDefinitions = HashMap<String, Registered>;

/// Reads the entries that [`write_records`] wrote, from the first one.
#[derive(Debug, Default)]
pub struct Journal {
    definitions: KnownDefinitions,
    /// A run whose next record is still to come.
    run: Option<Box<KeptRun>>,
}

impl Journal {
    /// The records of an entry.
    ///
    /// # Errors
    ///
    /// `JOURNAL_INVALID` for text that is no entry, or that names something unknown.
    pub fn read(&mut self, text: &str) -> Result<Vec<Record>> {
        let parsed = parse_json(text).map_err(|error| invalid(&format!("it is not JSON: {error}")))?;
        let Value::Array(items) = parsed else { return Err(invalid("it is not a list of records")) };
        items.into_iter().filter_map(|item| self.record(item).transpose()).collect()
    }

    /// Checks that no entry is missing after the last one.
    ///
    /// # Errors
    ///
    /// `JOURNAL_INVALID` if a further record of a run is missing.
    pub fn end(&self) -> Result<()> {
        if self.run.is_some() { Err(invalid("it ends in the middle of a run")) } else { Ok(()) }
    }

    /// A record; `None` while further records of a run are to come.
    fn record(&mut self, mut item: Value) -> Result<Option<Record>> {
        let mut fields = FieldReader(&mut item);
        let record = match self.run.take() {
            None => Record::read(&mut fields, &self.definitions)?,
            Some(mut run) => {
                run.go_on(&mut fields)?;
                Record::RunKept(run)
            }
        };
        if let Record::RunKept(mut run) = record {
            if fields.is_set("goes_on") {
                self.run = Some(run);
                return Ok(None);
            }
            run.finish()?;
            return Ok(Some(Record::RunKept(run)));
        }
        match &record {
            Record::Registered(definition) => {
                self.definitions.insert(definition.hash.clone(), (**definition).clone());
            }
            Record::DefinitionForgotten { hash } => drop(self.definitions.remove(hash)),
            _ => {}
        }
        Ok(Some(record))
    }
}

impl Record {
    /// Whether a snapshot ends with the record.
    pub const fn ends_snapshot(&self) -> bool {
        matches!(self, Self::StateKept(_))
    }
}

/// The text of records: one entry of a journal.
pub fn write_records(records: &[Record]) -> String {
    text_of(records)
}
