//! Objects written as JSON text, field by field, without a tree in between.

use crate::codec::JsonWriter;
use serde_json::{Map, Value};
use std::rc::Rc;

/// What can stand behind a field.
pub(in crate::engine) trait Written {
    /// Writes it.
    fn write(&self, writer: &mut JsonWriter);
}

/// The JSON text of a value.
pub(in crate::engine) fn text_of<T: Written + ?Sized>(value: &T) -> String {
    let mut writer = JsonWriter::compact();
    value.write(&mut writer);
    writer.finish()
}

/// Writes the fields of an object.
pub(in crate::engine) struct Fields<'a>(&'a mut JsonWriter);

impl<'a> Fields<'a> {
    /// Writes an object with what `fill` sets.
    pub(in crate::engine) fn object(writer: &'a mut JsonWriter, fill: impl FnOnce(&mut Fields<'_>)) {
        writer.open('{');
        fill(&mut Fields(writer));
        writer.close('}');
    }

    pub(in crate::engine) fn set<T: Written + ?Sized>(&mut self, name: &'static str, value: &T) -> &mut Self {
        self.0.field(name);
        value.write(self.0);
        self
    }

    /// Sets what there is, and leaves the field out where there is nothing.
    pub(in crate::engine) fn set_some<T: Written>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.set(name, value);
        }
        self
    }

    /// Sets a list, and leaves the field out where it is empty.
    pub(in crate::engine) fn set_list<T: Written>(&mut self, name: &'static str, items: &[T]) -> &mut Self {
        self.set_some(name, Some(&items).filter(|items| !items.is_empty()))
    }

    /// Sets a flag, and leaves the field out where it is not.
    pub(in crate::engine) fn set_true(&mut self, name: &'static str, flag: bool) -> &mut Self {
        self.set_some(name, Some(&flag).filter(|flag| **flag))
    }

    /// Sets an object with what `fill` sets.
    pub(in crate::engine) fn nest(
        &mut self,
        name: &'static str,
        fill: impl FnOnce(&mut Fields<'_>),
    ) -> &mut Self {
        self.0.field(name);
        Fields::object(self.0, fill);
        self
    }
}

/// Lists of records, each a string of its own.
#[derive(Debug, Default)]
pub(in crate::engine) struct Entries {
    done: Vec<String>,
    open: Option<JsonWriter>,
}

impl Entries {
    /// Bytes after which a list is closed: enough to be worth a line, little enough for any store.
    const LENGTH: usize = 64 * 1_024;

    pub(in crate::engine) fn push<T: Written>(&mut self, record: &T) {
        let writer = self.open.get_or_insert_with(|| {
            let mut writer = JsonWriter::compact();
            writer.open('[');
            writer
        });
        item(writer, record);
        if writer.len() >= Self::LENGTH {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(mut writer) = self.open.take() {
            writer.close(']');
            self.done.push(writer.finish());
        }
    }

    pub(in crate::engine) fn finish(mut self) -> Vec<String> {
        self.close();
        self.done
    }
}

impl Written for str {
    fn write(&self, writer: &mut JsonWriter) {
        writer.text(self);
    }
}

impl Written for String {
    fn write(&self, writer: &mut JsonWriter) {
        writer.text(self);
    }
}

impl Written for u64 {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number(*self);
    }
}

impl Written for u32 {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number((*self).into());
    }
}

impl Written for usize {
    fn write(&self, writer: &mut JsonWriter) {
        writer.number(*self as u64);
    }
}

impl Written for i64 {
    fn write(&self, writer: &mut JsonWriter) {
        if *self < 0 {
            writer.raw("-");
        }
        writer.number(self.unsigned_abs());
    }
}

impl Written for bool {
    fn write(&self, writer: &mut JsonWriter) {
        writer.raw(if *self { "true" } else { "false" });
    }
}

impl Written for Value {
    fn write(&self, writer: &mut JsonWriter) {
        writer.value(self);
    }
}

impl Written for Map<String, Value> {
    fn write(&self, writer: &mut JsonWriter) {
        writer.object(self);
    }
}

impl<T: Written + ?Sized> Written for Rc<T> {
    fn write(&self, writer: &mut JsonWriter) {
        (**self).write(writer);
    }
}

impl<T: Written + ?Sized> Written for &T {
    fn write(&self, writer: &mut JsonWriter) {
        (**self).write(writer);
    }
}

/// Writes an item of a list.
pub(in crate::engine) fn item<T: Written + ?Sized>(writer: &mut JsonWriter, value: &T) {
    writer.item();
    value.write(writer);
}

impl<A: Written, B: Written> Written for (A, B) {
    fn write(&self, writer: &mut JsonWriter) {
        writer.open('[');
        item(writer, &self.0);
        item(writer, &self.1);
        writer.close(']');
    }
}

impl<A: Written, B: Written, C: Written> Written for (A, B, C) {
    fn write(&self, writer: &mut JsonWriter) {
        writer.open('[');
        item(writer, &self.0);
        item(writer, &self.1);
        item(writer, &self.2);
        writer.close(']');
    }
}

impl<T: Written> Written for [T] {
    fn write(&self, writer: &mut JsonWriter) {
        writer.open('[');
        for value in self {
            item(writer, value);
        }
        writer.close(']');
    }
}

impl<T: Written> Written for Vec<T> {
    fn write(&self, writer: &mut JsonWriter) {
        self.as_slice().write(writer);
    }
}

impl<T: Written> Written for Option<T> {
    fn write(&self, writer: &mut JsonWriter) {
        match self {
            Some(value) => value.write(writer),
            None => writer.raw("null"),
        }
    }
}
