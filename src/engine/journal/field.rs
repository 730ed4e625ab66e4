//! How fields are read and written, by their types.

use crate::engine::journal::KnownDefinitions;
use crate::engine::journal::fields::{FieldReader, lacking};
use crate::engine::journal::text::{FieldWriter, WriteJson};
use crate::engine::state::positions::{CallId, RunIx, ScheduleIx, ScopeIx, StepIx, UpdateIx};
use crate::engine::state::reports::LogLevel;
use crate::engine::state::run::{Firing, RunState};
use crate::engine::state::schedule::{Schedule, ScheduleState};
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::update::UpdateState;
use crate::error::Result;
use crate::json::JsonWriter;
use serde_json::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// A field of a record or of a thing.
pub(in crate::engine) trait Field: Sized {
    /// Takes the field out of an object; `None` if it is missing or has a value of another type.
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Result<Option<Self>>;

    /// Takes the field out of an object that must have it.
    fn read(fields: &mut FieldReader<'_>, name: &str) -> Result<Self> {
        Self::find(fields, name)?.ok_or_else(|| lacking(name))
    }

    /// Writes the field into an object.
    fn write_as(&self, name: &'static str, out: &mut FieldWriter<'_>);
}

/// The value of a field, or an item of a list.
pub(in crate::engine) trait Item: WriteJson + Sized {
    /// Reads a value; `None` if it has another type.
    fn of(value: Value) -> Result<Option<Self>>;

    /// The value of a missing field; `None` if the field must be there.
    fn missing() -> Option<Self> {
        None
    }
}

/// A thing that is a record by itself: its fields stand in that.
pub(in crate::engine) trait Whole: Sized {
    fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self>;

    fn write(&self, out: &mut FieldWriter<'_>);
}

/// Whether two values are equal. One type for both lets the compiler infer the type of a default.
pub(in crate::engine::journal) fn is_same<T: PartialEq>(one: &T, other: &T) -> bool {
    one == other
}

/// Reads a field: `name`, which must be there; `name = default`; `name as "word"` for another name in the journal.
macro_rules! read_field {
    ($fields:ident, $field:ident as $word:literal $(= $default:expr)?) => {
        read_field!(@named $fields, $word $(, $default)?)
    };
    ($fields:ident, $field:ident $(= $default:expr)?) => {
        read_field!(@named $fields, stringify!($field) $(, $default)?)
    };
    (@named $fields:ident, $name:expr) => {
        $crate::engine::journal::field::Field::read($fields, $name)?
    };
    (@named $fields:ident, $name:expr, $default:expr) => {
        $crate::engine::journal::field::Field::find($fields, $name)?.unwrap_or_else(|| $default)
    };
}

/// Writes a field as `read_field!` reads it. A field with its default value is left out.
macro_rules! write_field {
    ($value:expr, $out:ident, $field:ident as $word:literal $(= $default:expr)?) => {
        write_field!(@named $value, $out, $word $(, $default)?)
    };
    ($value:expr, $out:ident, $field:ident $(= $default:expr)?) => {
        write_field!(@named $value, $out, stringify!($field) $(, $default)?)
    };
    (@named $value:expr, $out:ident, $name:expr) => {
        $crate::engine::journal::field::Field::write_as($value, $name, $out)
    };
    (@named $value:expr, $out:ident, $name:expr, $default:expr) => {
        if !$crate::engine::journal::field::is_same($value, &$default) {
            $crate::engine::journal::field::Field::write_as($value, $name, $out);
        }
    };
}

pub(in crate::engine::journal) use {read_field, write_field};

impl<T: Item> Field for T {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Result<Option<Self>> {
        fields.optional(name).map_or(Ok(None), T::of)
    }

    fn read(fields: &mut FieldReader<'_>, name: &str) -> Result<Self> {
        Self::find(fields, name)?.or_else(T::missing).ok_or_else(|| lacking(name))
    }

    fn write_as(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.set(name, self);
    }
}

/// `None` is left out.
impl<T: Field> Field for Option<T> {
    fn find(fields: &mut FieldReader<'_>, name: &str) -> Result<Option<Self>> {
        T::find(fields, name).map(Some)
    }

    fn write_as(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        if let Some(value) = self {
            value.write_as(name, out);
        }
    }
}

/// The field `round` or `branch`, with its number; neither for the workflow itself.
impl Field for ScopeKind {
    fn find(fields: &mut FieldReader<'_>, _: &str) -> Result<Option<Self>> {
        Ok(match (Field::find(fields, "round")?, Field::find(fields, "branch")?) {
            (Some(round), _) => Some(Self::Round(round)),
            (_, Some(branch)) => Some(Self::Branch(branch)),
            _ => None,
        })
    }

    fn write_as(&self, _: &'static str, out: &mut FieldWriter<'_>) {
        match self {
            Self::Round(round) => round.write_as("round", out),
            Self::Branch(branch) => branch.write_as("branch", out),
            Self::Workflow => {}
        }
    }
}

/// The fields of the schedule are fields of the record.
impl Field for Box<Schedule> {
    fn find(fields: &mut FieldReader<'_>, _: &str) -> Result<Option<Self>> {
        Schedule::from_fields(fields).map(Box::new).map(Some)
    }

    fn write_as(&self, _: &'static str, out: &mut FieldWriter<'_>) {
        self.write_fields(out);
    }
}

/// The fields `schedule` and `slot` of the record.
impl Field for Firing {
    fn find(fields: &mut FieldReader<'_>, _: &str) -> Result<Option<Self>> {
        let (schedule, slot) = (Field::find(fields, "schedule")?, Field::find(fields, "slot")?);
        Ok(schedule.zip(slot).map(|(schedule, slot)| Self { schedule, slot }))
    }

    fn write_as(&self, _: &'static str, out: &mut FieldWriter<'_>) {
        out.set("schedule", &self.schedule).set("slot", &self.slot);
    }
}

macro_rules! items {
    ($($type:ty = $of:expr $(, or $missing:expr)?;)+) => {$(
        impl Item for $type {
            fn of(value: Value) -> Result<Option<Self>> {
                let of: fn(Value) -> Option<Self> = $of;
                Ok(of(value))
            }

            $(
                fn missing() -> Option<Self> {
                    Some($missing)
                }
            )?
        }
    )+};
}

items! {
    Value = Some, or Value::Null;
    bool = |value| value.as_bool(), or false;
    u64 = |value| value.as_u64();
    u32 = |value| value.as_u64().and_then(|number| number.try_into().ok());
    i64 = |value| value.as_i64();
    usize = |value| value.as_u64().and_then(|number| number.try_into().ok());
    String = |value| if let Value::String(text) = value { Some(text) } else { None };
    Rc<str> = |value| value.as_str().map(Rc::from);
    Map<String, Value> = |value| if let Value::Object(map) = value { Some(map) } else { None }, or Map::new();
}

macro_rules! positions {
    ($($type:ty = $number:ty;)+) => {$(
        impl WriteJson for $type {
            fn write(&self, writer: &mut JsonWriter) {
                self.get().write(writer);
            }
        }

        impl Item for $type {
            fn of(value: Value) -> Result<Option<Self>> {
                Ok(<$number>::of(value)?.map(Self::new))
            }
        }
    )+};
}

positions! {
    RunIx = usize;
    StepIx = usize;
    ScopeIx = usize;
    ScheduleIx = usize;
    UpdateIx = usize;
    CallId = u64;
}

macro_rules! words {
    ($($type:ty)+) => {$(
        impl WriteJson for $type {
            fn write(&self, writer: &mut JsonWriter) {
                writer.text(self.word());
            }
        }

        impl Item for $type {
            fn of(value: Value) -> Result<Option<Self>> {
                Ok(value.as_str().map(Self::of_word))
            }
        }
    )+};
}

words! { LogLevel UpdateState ScheduleState RunState }

impl<T: Item> Item for Box<T> {
    fn of(value: Value) -> Result<Option<Self>> {
        Ok(T::of(value)?.map(Self::new))
    }

    fn missing() -> Option<Self> {
        T::missing().map(Self::new)
    }
}

impl<T: Item> Item for Rc<T> {
    fn of(value: Value) -> Result<Option<Self>> {
        Ok(T::of(value)?.map(Self::new))
    }

    fn missing() -> Option<Self> {
        T::missing().map(Self::new)
    }
}

/// Items of another type are skipped.
fn items_of<T: Item, L: FromIterator<T>>(value: Value) -> Result<Option<L>> {
    let Value::Array(items) = value else { return Ok(None) };
    items.into_iter().filter_map(|item| T::of(item).transpose()).collect::<Result<_>>().map(Some)
}

impl<T: Item> Item for Vec<T> {
    fn of(value: Value) -> Result<Option<Self>> {
        items_of(value)
    }

    fn missing() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Item> Item for VecDeque<T> {
    fn of(value: Value) -> Result<Option<Self>> {
        items_of(value)
    }

    fn missing() -> Option<Self> {
        Some(Self::new())
    }
}

/// A list of `[name, value]`.
impl<T: Item> Item for HashMap<String, T> {
    fn of(value: Value) -> Result<Option<Self>> {
        items_of::<(String, T), _>(value)
    }

    fn missing() -> Option<Self> {
        Some(Self::new())
    }
}

/// The first two values of a list.
fn pair_of(value: Value) -> Option<(Value, Value)> {
    let Value::Array(items) = value else { return None };
    let mut items = items.into_iter();
    items.next().zip(items.next())
}

impl<A: Item, B: Item> Item for (A, B) {
    fn of(value: Value) -> Result<Option<Self>> {
        let Some((one, other)) = pair_of(value) else { return Ok(None) };
        Ok(A::of(one)?.zip(B::of(other)?))
    }
}

/// A missing first value is null.
impl<A: Item, B: Item> Item for (Option<A>, B) {
    fn of(value: Value) -> Result<Option<Self>> {
        let Some((one, other)) = pair_of(value) else { return Ok(None) };
        let one = A::of(one)?;
        Ok(B::of(other)?.map(|other| (one, other)))
    }
}
