//! Things that are records by themselves: definitions, runs, artifacts, schedules, and the state of an engine.

use crate::definition;
use crate::engine::journal::KnownDefinitions;
use crate::engine::journal::field::{Field, Whole};
use crate::engine::journal::fields::{FieldReader, invalid};
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::snapshot::read::KeptRun;
use crate::engine::journal::snapshot::write::{run_kept, state_kept};
use crate::engine::journal::text::FieldWriter;
use crate::engine::plan::read::plan;
use crate::engine::state::artifact::Artifact;
use crate::engine::state::definitions::Registered;
use crate::engine::state::run::{Parent, RunCreated};
use crate::engine::state::schedule::{Schedule, ScheduleState};
use crate::error::{Error, Result};
use std::rc::Rc;

impl Whole for Registered {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self> {
        let hash = fields.text("hash")?;
        let known = known.get(&hash).map(|known| (Rc::clone(&known.workflow), Rc::clone(&known.definition)));
        let (workflow, definition) = known.unwrap_or_else(|| {
            let document = fields.value("definition");
            (Rc::new(plan(&definition::read(&document).workflow).0), Rc::new(document))
        });
        Ok(Self {
            hash,
            workflow,
            definition,
            at: fields.millis("at")?,
            version: fields.some_position("version").unwrap_or_default(),
            is_named: fields.is_set("is_named"),
        })
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        out.set("hash", &self.hash)
            .set("definition", &*self.definition)
            .set("at", &self.at)
            .set_some("version", Some(&self.version).filter(|version| **version > 0))
            .set_true("is_named", self.is_named);
    }
}

impl Whole for RunCreated {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<RunCreated> {
        let hash = fields.text("hash")?;
        let known = known.get(&hash).ok_or_else(|| invalid("a definition is missing"))?;
        let parent = fields.nested("parent").map(|mut fields| {
            Ok::<_, Error>(Parent {
                run: fields.position("run")?,
                run_id: fields.text("run_id")?,
                step: fields.position("step")?,
                attempt: fields.position("attempt")?,
                name: fields.text("name")?,
            })
        });
        Ok(RunCreated {
            parent: parent.transpose()?,
            run_id: fields.text("run_id")?,
            hash,
            workflow: Rc::clone(&known.workflow),
            definition: Rc::clone(&known.definition),
            inputs: Rc::new(fields.map("inputs")),
            key: fields.some_text("key"),
            schedule: fields.some_position("schedule").zip(fields.some_millis("slot")),
            is_late: fields.is_set("is_late"),
            at: fields.millis("at")?,
        })
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        out.set("run_id", &self.run_id)
            .set("hash", &self.hash)
            .set("inputs", &self.inputs)
            .set_some("key", self.key.as_ref());
        if let Some(parent) = &self.parent {
            out.nest("parent", |out| {
                out.set("run", &parent.run)
                    .set("run_id", &parent.run_id)
                    .set("step", &parent.step)
                    .set("attempt", &parent.attempt)
                    .set("name", &parent.name);
            });
        }
        if let Some((schedule, slot)) = &self.schedule {
            out.set("schedule", schedule).set("slot", slot).set_true("is_late", self.is_late);
        }
        out.set("at", &self.at);
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
        Self::from_fields(fields)
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        state_kept(self, out);
    }
}

impl Whole for Artifact {
    fn read(fields: &mut FieldReader<'_>, _: &KnownDefinitions) -> Result<Self> {
        Ok(Self {
            id: fields.text("id")?,
            name: fields.text("name")?,
            mime: fields.text("mime")?,
            size: fields.position("size")?,
            content: fields.text("content")?.into(),
            at: fields.millis("at")?,
        })
    }

    fn write(&self, out: &mut FieldWriter<'_>) {
        out.set("id", &self.id)
            .set("name", &self.name)
            .set("mime", &self.mime)
            .set("size", &self.size)
            .set("content", &*self.content)
            .set("at", &self.at);
    }
}

/// Its fields stand in the record.
impl Field for Box<Schedule> {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
        Self::read(fields, name).ok()
    }

    fn read(fields: &mut FieldReader<'_>, _: &str) -> Result<Self> {
        let text = fields.text("text")?;
        Ok(Box::new(Schedule {
            id: fields.text("id")?,
            name: fields.text("name")?,
            rule: definition::schedule::Schedule::parse(&text)?,
            text,
            workflow: fields.text("workflow")?,
            hash: fields.some_text("hash"),
            inputs: fields.map("inputs"),
            start: fields.some_millis("start"),
            catches_up: fields.is_set("catches_up"),
            most_active: fields.some_position("most_active").unwrap_or(usize::MAX),
            is_own: fields.is_set("is_own"),
            state: ScheduleState::of_word(&fields.text("state")?),
            at: fields.millis("at")?,
            next: fields.some_millis("next"),
            last: fields.some_millis("last"),
            fired: fields.millis("fired")?,
        }))
    }

    fn write(&self, _: &'static str, out: &mut FieldWriter<'_>) {
        out.set("id", &self.id)
            .set("name", &self.name)
            .set("text", &self.text)
            .set("workflow", &self.workflow)
            .set_some("hash", self.hash.as_ref())
            .set("inputs", &self.inputs)
            .set_some("start", self.start.as_ref())
            .set("catches_up", &self.catches_up)
            .set_some("most_active", Some(&self.most_active).filter(|most| **most != usize::MAX))
            .set("is_own", &self.is_own)
            .set("state", self.state.word())
            .set("at", &self.at)
            .set_some("next", self.next.as_ref())
            .set_some("last", self.last.as_ref())
            .set("fired", &self.fired);
    }
}
