//! Things that are records by themselves: definitions, runs, artifacts, and the state of an engine.

use crate::definition;
use crate::engine::journal::KnownDefinitions;
use crate::engine::journal::field::{Field, Whole};
use crate::engine::journal::fields::{FieldReader, invalid};
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::snapshot::read::KeptRun;
use crate::engine::journal::snapshot::write::run_kept;
use crate::engine::journal::text::FieldWriter;
use crate::engine::plan::read::plan;
use crate::engine::state::artifact::Artifact;
use crate::engine::state::definitions::Registered;
use crate::engine::state::run::RunCreated;
use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// The definition with the hash that a record names.
fn known_in<'a>(fields: &FieldReader<'_>, known: &'a KnownDefinitions) -> Option<&'a Registered> {
    known.get(fields.0.get("hash")?.as_str()?)
}

impl Whole for Registered {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self> {
        if let Some(known) = known_in(fields, known) {
            let read = Self::from_fields(fields, Rc::clone(&known.workflow))?;
            return Ok(Self { definition: Rc::clone(&known.definition), ..read });
        }
        let document = fields.0.get("definition").unwrap_or(&Value::Null);
        let plan = plan(&definition::read(document).workflow).0;
        Self::from_fields(fields, Rc::new(plan))
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        self.write_fields(out);
    }
}

impl Whole for RunCreated {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<RunCreated> {
        let known = known_in(fields, known).ok_or_else(|| invalid("a definition is missing"))?;
        Self::from_fields(fields, known)
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        self.write_fields(out);
    }
}

impl Whole for KeptRun {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self> {
        let created = RunCreated::read(fields, known)?;
        Self::begin(created, fields)
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        run_kept(&self.run, out);
    }
}

impl Whole for Standing {
    fn read(fields: &mut FieldReader<'_>, _: &KnownDefinitions) -> Result<Self> {
        let mut standing = Self::from_fields(fields)?;
        // Earlier versions did not say which run has used a key.
        for (key, result) in HashMap::<String, Value>::read(fields, "once")? {
            standing.once.entry(key).or_insert((None, result));
        }
        Ok(standing)
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        self.write_fields(out);
    }
}

impl Whole for Artifact {
    fn read(fields: &mut FieldReader<'_>, _: &KnownDefinitions) -> Result<Self> {
        Self::from_fields(fields)
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        self.write_fields(out);
    }
}
