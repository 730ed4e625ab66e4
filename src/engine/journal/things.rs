//! The structs of `state` that are part of records and snapshots: each is declared here once, and reading and writing
//! follow.

use crate::definition::schedule::Schedule as Rule;
use crate::engine::journal::field::{Item, read_field, write_field};
use crate::engine::journal::fields::FieldReader;
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::text::{FieldWriter, WriteJson, item};
use crate::engine::plan::Plan;
use crate::engine::state::artifact::Artifact;
use crate::engine::state::circuit::Circuit;
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{StepIx, StepRef};
use crate::engine::state::reports::{Heartbeat, LogLine, Reports};
use crate::engine::state::run::{Parent, Run, RunCreated, Signal};
use crate::engine::state::schedule::Schedule;
use crate::engine::state::scope::Scope;
use crate::engine::state::step::{Counts, Step};
use crate::engine::state::update::Update;
use crate::error::Result;
use crate::json::JsonWriter;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Declares which fields of a struct are in the journal, in their order there. A field with `= default` is left out if
/// it has that value. `field as "word"` has another name in the journal.
///
/// - `whole`: every field is in the journal, except for those behind the `+`, which follow from the others or from what
///   the reader knows. A field in neither list does not compile.
/// - `part`: the other fields of the struct come from elsewhere.
macro_rules! things {
    (
        whole { $(
            $whole:ident $(($($known:ident: $known_type:ty),+))? {
                $($field:ident $(as $word:literal)? $(= $default:expr)?,)*
            }
            $(+ { $($other:ident: $value:expr,)* })?
        )* }
        part { $(
            $part:ident $(($given:ident: $given_type:ty))? {
                $($some:ident $(as $some_word:literal)? $(= $some_default:expr)?,)*
            }
        )* }
    ) => {
        $(impl $whole {
            /// Reads it from the fields of an object.
            pub(in crate::engine) fn from_fields(
                fields: &mut FieldReader<'_>,
                $($($known: $known_type,)+)?
            ) -> Result<Self> {
                $(let $field = read_field!(fields, $field $(as $word)? $(= $default)?);)*
                $($(let $other = $value;)*)?
                Ok(Self { $($field,)* $($($other,)*)? })
            }

            /// Writes its fields.
            pub(in crate::engine) fn write_fields(&self, out: &mut FieldWriter<'_>) {
                $(write_field!(&self.$field, out, $field $(as $word)? $(= $default)?);)*
            }
        })*
        $(impl $part {
            /// Sets the declared fields from those of an object.
            pub(in crate::engine) fn take_fields(
                &mut self,
                fields: &mut FieldReader<'_>,
                $($given: $given_type,)?
            ) -> Result<()> {
                $(self.$some = read_field!(fields, $some $(as $some_word)? $(= $some_default)?);)*
                Ok(())
            }

            /// Writes the declared fields.
            pub(in crate::engine) fn write_fields(
                &self,
                out: &mut FieldWriter<'_>,
                $($given: $given_type,)?
            ) {
                $(write_field!(&self.$some, out, $some $(as $some_word)? $(= $some_default)?);)*
            }
        })*
    };
}

things! {
    whole {
        Registered(plan: Rc<Plan>) { hash, definition, at, version = 0, is_named = false, } + { workflow: plan, }
        RunCreated(known: &Registered) {
            run_id, hash, inputs, key, parent, schedule, is_late = false, at,
        } + {
            workflow: Rc::clone(&known.workflow),
            definition: Rc::clone(&known.definition),
        }
        Parent { run, run_id, step, attempt, name, }
        Artifact { id, name, mime, size, content, at, }
        Schedule {
            id, name, text, workflow, hash, inputs, start, catches_up, most_active = usize::MAX, is_own, state, at,
            next, last, fired,
        } + {
            rule: Rule::parse(String::as_str(&text))?,
        }
        Failure { code, message, help, retryable, details, } + { retry_after: None, message_limit: None, }
        Update { name, payload, state, result, failure, at, deadline, ended_at, }
        Signal { name, payload, at, }
        Reports { lines = VecDeque::new(), dropped = 0, heartbeat, }
        LogLine { attempt, level, message, at, }
        Heartbeat { attempt, details, at, }
        Standing {
            last_call, last_event, events = HashMap::new(), once as "used" = HashMap::new(),
            circuits = HashMap::new(), listening = HashMap::new(), parked = HashMap::new(),
            ready_tasks = Vec::new(), undecided = Vec::new(),
        }
    }
    part {
        // Scopes, steps, updates and signals are written in pieces; the other fields follow from these.
        Run { state, failure, result, started_at, ended_at, }
        // In front of these are the arguments of `Run::open`. Mostly, the order is that of the definition.
        Scope(usual_order: Vec<StepIx>) {
            variables = Map::new(), known = Vec::new(), order = usual_order, readable = Vec::new(),
            is_waited_for = false, is_cancelled = false, is_replaced = false,
        }
        // State, attempts and result are items of a list, and moments count from the start of the run.
        Step {
            inner, scopes = Vec::new(), reports as "told", key, cause,
            dependencies as "counts" = Counts::default(), is_chosen = false, ways_over as "asked" = 0,
            is_in_line = false,
        }
    }
}

/// Things that are objects of their own: the value of a field, or an item of a list.
macro_rules! objects {
    ($($name:ident)+) => {$(
        impl WriteJson for $name {
            fn write(&self, writer: &mut JsonWriter) {
                FieldWriter::object(writer, |out| self.write_fields(out));
            }
        }

        impl Item for $name {
            fn of(mut value: Value) -> Result<Option<Self>> {
                value.is_object().then(|| Self::from_fields(&mut FieldReader(&mut value))).transpose()
            }
        }
    )+};
}

objects! { Parent Failure Update Signal Reports LogLine Heartbeat }

/// Things that are written as the list of their fields.
macro_rules! lists {
    ($($name:ident [$($field:ident),+])+) => {$(
        impl WriteJson for $name {
            fn write(&self, writer: &mut JsonWriter) {
                writer.open('[');
                $(item(writer, &self.$field);)+
                writer.close(']');
            }
        }

        impl Item for $name {
            fn of(value: Value) -> Result<Option<Self>> {
                let Value::Array(items) = value else { return Ok(None) };
                let mut items = items.into_iter();
                $(let Some($field) = items.next().map_or(Ok(None), Item::of)? else { return Ok(None) };)+
                Ok(Some(Self { $($field),+ }))
            }
        }
    )+};
}

lists! {
    StepRef [run, step]
    Counts [over, succeeded, worked, failed, passed_by, upstream_failed]
}

/// `[failures, successes, [open_until, probe]]`: by hand, since `lists!` has neither nested lists nor nulls.
impl WriteJson for Circuit {
    fn write(&self, writer: &mut JsonWriter) {
        (self.failures, self.successes, (self.open_until, self.probe)).write(writer);
    }
}

impl Item for Circuit {
    fn of(value: Value) -> Result<Option<Self>> {
        let part = |at: &str| value.pointer(at).cloned().unwrap_or_default();
        let (failures, successes) = (u32::of(part("/0"))?, u32::of(part("/1"))?);
        let (open_until, probe) = (Millis::of(part("/2/0"))?, StepRef::of(part("/2/1"))?);
        Ok(failures.zip(successes).map(|(failures, successes)| Self {
            failures,
            successes,
            open_until,
            probe,
        }))
    }
}
