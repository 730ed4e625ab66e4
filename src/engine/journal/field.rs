//! How the fields of a record are read and written, by their types.

use crate::engine::journal::KnownDefinitions;
use crate::engine::journal::fields::{FieldReader, lacking, list_of};
use crate::engine::journal::text::FieldWriter;
use crate::engine::journal::values::{inner_of, run_state, run_state_of, scope_kind, scope_kind_of};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, ScheduleIx, ScopeIx, StepIx, UpdateIx};
use crate::engine::state::reports::LogLevel;
use crate::engine::state::run::RunState;
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::Inner;
use crate::engine::state::update::UpdateState;
use crate::error::Result;
use serde_json::{Map, Value};
use std::rc::Rc;

/// A field of a record.
pub(in crate::engine) trait Field: Sized {
    /// Takes it out of an object; nothing where it is not there, or something else.
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self>;

    /// Takes it out of an object that must have it.
    fn read(fields: &mut FieldReader<'_>, name: &str) -> Result<Self> {
        Self::find(fields, name).ok_or_else(|| lacking(name))
    }

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>);
}

/// A thing that is a record by itself: its fields stand in that.
pub(in crate::engine) trait Whole: Sized {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self>;

    fn write(&self, out: &mut FieldWriter<'_>);
}

/// Left out where there is none.
impl<T: Field> Field for Option<T> {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
        Some(T::find(fields, name))
    }

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        if let Some(value) = self {
            value.write(name, out);
        }
    }
}

macro_rules! fields {
    ($($type:ty = $find:expr;)+) => {$(
        impl Field for $type {
            fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
                let find: fn(&mut FieldReader<'_>, &str) -> Option<Self> = $find;
                find(fields, name)
            }

            fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
                out.set(name, self);
            }
        }
    )+};
}

fields! {
    usize = |fields, name| fields.some_position(name);
    RunIx = |fields, name| fields.some_position(name);
    StepIx = |fields, name| fields.some_position(name);
    ScheduleIx = |fields, name| fields.some_position(name);
    UpdateIx = |fields, name| fields.some_position(name);
    ScopeIx = |fields, name| fields.some_position(name);
    CallId = |fields, name| fields.some_call(name);
    u64 = |fields, name| fields.some_millis(name);
    u32 = |fields, name| fields.some_number(name);
    String = |fields, name| fields.some_text(name);
    Rc<str> = |fields, name| fields.some_text(name).map(Rc::from);
    Failure = |fields, name| fields.failure(name);
}

/// What is empty where it is missing.
macro_rules! lenient_fields {
    ($($type:ty = $find:expr;)+) => {$(
        impl Field for $type {
            fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
                let find: fn(Value) -> Option<Self> = $find;
                fields.optional(name).and_then(find)
            }

            fn read(fields: &mut FieldReader<'_>, name: &str) -> Result<Self> {
                Ok(Self::find(fields, name).unwrap_or_default())
            }

            fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
                out.set(name, self);
            }
        }
    )+};
}

lenient_fields! {
    Value = Some;
    Vec<Value> = list_of;
    Map<String, Value> = |value| match value {
        Value::Object(map) => Some(map),
        _ => None,
    };
}

/// Left out where there are none.
impl Field for Vec<usize> {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
        Some(fields.positions(name))
    }

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.set_list(name, self);
    }
}

impl Field for Inner {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
        Self::read(fields, name).ok()
    }

    fn read(fields: &mut FieldReader<'_>, name: &str) -> Result<Self> {
        inner_of(&mut fields.value(name))
    }

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.set(name, self);
    }
}

/// `round` or `branch`, with its number.
impl Field for ScopeKind {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
        Self::read(fields, name).ok()
    }

    fn read(fields: &mut FieldReader<'_>, _: &str) -> Result<Self> {
        scope_kind_of(fields)
    }

    fn write(&self, _: &'static str, out: &mut FieldWriter<'_>) {
        scope_kind(*self, out);
    }
}

macro_rules! words {
    ($($type:ty = $of_word:expr, $word:expr;)+) => {$(
        impl Field for $type {
            fn find(fields: &mut FieldReader<'_>, name: &str) -> Option<Self> {
                fields.some_text(name).as_deref().map($of_word)
            }

            fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
                out.set(name, $word(*self));
            }
        }
    )+};
}

words! {
    LogLevel = Self::of_word, Self::word;
    UpdateState = Self::of_word, Self::word;
    RunState = run_state_of, run_state;
}
