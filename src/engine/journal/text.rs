//! Objects written as JSON text, field by field, without a tree in between.

use crate::json::JsonWriter;
use serde_json::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// A value that can be written.
pub(in crate::engine) trait WriteJson {
    /// Writes the value.
    fn write(&self, writer: &mut JsonWriter);
}

/// The JSON text of a value.
pub(in crate::engine) fn text_of<T: WriteJson + ?Sized>(value: &T) -> String {
    let mut writer = JsonWriter::compact();
    value.write(&mut writer);
    writer.finish()
}

/// Writes the fields of an object.
pub(in crate::engine) struct FieldWriter<'a>(&'a mut JsonWriter);

impl<'a> FieldWriter<'a> {
    /// Writes an object with what `fill` sets.
    pub(in crate::engine) fn object(writer: &'a mut JsonWriter, fill: impl FnOnce(&mut FieldWriter<'_>)) {
        writer.open('{');
        fill(&mut FieldWriter(writer));
        writer.close('}');
    }

    pub(in crate::engine) fn set<T: WriteJson + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> &mut Self {
        self.0.field(name);
        value.write(self.0);
        self
    }

    /// Sets a field, or leaves it out if there is no value.
    pub(in crate::engine) fn set_some<T: WriteJson>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.set(name, value);
        }
        self
    }

    /// Sets a list of the items after the first `written` ones, until the text has `most` bytes. Counts the items in
    /// `written`. Returns whether no item is left. Leaves the field out if there is none to write.
    pub(in crate::engine) fn go_on<'i, T, W: WriteJson>(
        &mut self,
        name: &'static str,
        items: &'i [T],
        written: &mut usize,
        most: usize,
        form: impl Fn(&'i T) -> W,
    ) -> bool {
        let left = items.get(*written..).unwrap_or_default();
        if !left.is_empty() {
            self.0.field(name);
            self.0.open('[');
            for value in left {
                item(self.0, &form(value));
                *written += 1;
                if self.0.len() >= most {
                    break;
                }
            }
            self.0.close(']');
        }
        *written == items.len()
    }
}

impl WriteJson for str {
    fn write(&self, writer: &mut JsonWriter) {
        writer.text(self);
    }
}

impl WriteJson for String {
    fn write(&self, writer: &mut JsonWriter) {
        writer.text(self);
    }
}

impl WriteJson for u64 {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number(*self);
    }
}

impl WriteJson for u32 {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number((*self).into());
    }
}

impl WriteJson for usize {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number(*self as u64);
    }
}

impl WriteJson for i64 {
    fn write(&self, writer: &mut JsonWriter) {
        if *self < 0 {
            writer.raw("-");
        }
        writer.number(self.unsigned_abs());
    }
}

impl WriteJson for bool {
    fn write(&self, writer: &mut JsonWriter) {
        writer.raw(if *self { "true" } else { "false" });
    }
}

impl WriteJson for Value {
    fn write(&self, writer: &mut JsonWriter) {
        writer.value(self);
    }
}

impl WriteJson for Map<String, Value> {
    fn write(&self, writer: &mut JsonWriter) {
        writer.object(self);
    }
}

impl<T: WriteJson + ?Sized> WriteJson for Rc<T> {
    fn write(&self, writer: &mut JsonWriter) {
        (**self).write(writer);
    }
}

impl<T: WriteJson> WriteJson for Box<T> {
    fn write(&self, writer: &mut JsonWriter) {
        (**self).write(writer);
    }
}

impl<T: WriteJson + ?Sized> WriteJson for &T {
    fn write(&self, writer: &mut JsonWriter) {
        (**self).write(writer);
    }
}

/// Writes an item of a list.
pub(in crate::engine) fn item<T: WriteJson + ?Sized>(writer: &mut JsonWriter, value: &T) {
    writer.item();
    value.write(writer);
}

impl<A: WriteJson, B: WriteJson> WriteJson for (A, B) {
    fn write(&self, writer: &mut JsonWriter) {
        writer.open('[');
        item(writer, &self.0);
        item(writer, &self.1);
        writer.close(']');
    }
}

impl<A: WriteJson, B: WriteJson, C: WriteJson> WriteJson for (A, B, C) {
    fn write(&self, writer: &mut JsonWriter) {
        writer.open('[');
        item(writer, &self.0);
        item(writer, &self.1);
        item(writer, &self.2);
        writer.close(']');
    }
}

fn write_list<T: WriteJson>(items: impl IntoIterator<Item = T>, writer: &mut JsonWriter) {
    writer.open('[');
    for value in items {
        item(writer, &value);
    }
    writer.close(']');
}

impl<T: WriteJson> WriteJson for [T] {
    fn write(&self, writer: &mut JsonWriter) {
        write_list(self, writer);
    }
}

impl<T: WriteJson> WriteJson for VecDeque<T> {
    fn write(&self, writer: &mut JsonWriter) {
        write_list(self, writer);
    }
}

/// A list of `[name, value]` in order of the names: the same state is the same text.
impl<T: WriteJson> WriteJson for HashMap<String, T> {
    fn write(&self, writer: &mut JsonWriter) {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        write_list(entries, writer);
    }
}

impl<T: WriteJson> WriteJson for Vec<T> {
    fn write(&self, writer: &mut JsonWriter) {
        self.as_slice().write(writer);
    }
}

impl<T: WriteJson> WriteJson for Option<T> {
    fn write(&self, writer: &mut JsonWriter) {
        match self {
            Some(value) => value.write(writer),
            None => writer.raw("null"),
        }
    }
}
