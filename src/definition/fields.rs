//! Reads and writes the fields of a definition, one implementation for each type of value. The rules are those of
//! Highway's own reader (pydantic in lax mode): a value that Highway converts is converted here too, with a warning.

use super::advice;
use crate::error::{Diagnostic, ErrorCode};
use crate::json::JsonWriter;
use crate::json::number::{as_json_float, from_digits, integer, too_large, too_large_as_float};
use crate::json::{child_path, kind_of};
use serde_json::{Map, Number, Value};

/// A value of a definition.
pub(super) trait Field: Sized {
    /// Whether `null` is a valid value of the type.
    const NULLABLE: bool = false;

    /// The value; `None` if it is of another type, and then the reader has a finding about it.
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self>;

    /// Whether the value is written as `null`.
    fn is_null(&self) -> bool {
        false
    }

    /// Writes the value as Highway does.
    fn write(&self, out: &mut JsonWriter);
}

/// Rules in which a reading differs from Highway's own reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Does not read the driver's spelling of policies and time limits, as upstream's `WorkflowBuilder`.
    pub dsl_only: bool,
    /// Accepts a condition without targets, since YAML leaves out fields that are `null`.
    pub nulls_dropped: bool,
}

/// Reads values and collects findings with their paths.
pub(crate) struct Reader<'a> {
    base: String,
    path: Vec<Step<'a>>,
    pub(super) rules: Reading,
    pub(crate) findings: Vec<Diagnostic>,
}

/// One step of a path: a key or a position.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Reader<'a> {
    /// A reader of a value that stands at the pointer `base` of its document.
    pub(crate) fn new(base: &str, rules: Reading) -> Self {
        Self { base: base.to_owned(), path: Vec::new(), rules, findings: Vec::new() }
    }

    pub(crate) fn enter(&mut self, step: Step<'a>) {
        self.path.push(step);
    }

    pub(crate) fn leave(&mut self) {
        self.path.pop();
    }

    /// Whether the value is an item of a list.
    pub(super) fn in_list(&self) -> bool {
        matches!(self.path.last(), Some(Step::Index(_)))
    }

    /// The pointer to the value that is being read.
    pub(crate) fn pointer(&self) -> String {
        self.path.iter().fold(self.base.clone(), |path, step| match step {
            Step::Key(key) => child_path(&path, key),
            Step::Index(index) => child_path(&path, &index.to_string()),
        })
    }

    pub(super) fn error(&mut self, code: ErrorCode, message: impl Into<String>) {
        let finding = Diagnostic::error(code, self.pointer(), message);
        self.findings.push(finding);
    }

    pub(super) fn warning(&mut self, code: ErrorCode, message: impl Into<String>) {
        let finding = Diagnostic::warning(code, self.pointer(), message);
        self.findings.push(finding);
    }

    /// Adds advice to the last finding.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        if let Some(finding) = self.findings.last_mut() {
            finding.help = Some(help.into());
        }
    }

    pub(super) fn wrong_type(&mut self, expected: &str, found: &Value) {
        self.error(ErrorCode::FieldTypeInvalid, format!("expected {expected}, found {}", kind_of(found)));
        let Some(Step::Key(field)) = self.path.last() else { return };
        if let Some(help) = advice::of_value(field, expected, found) {
            self.help(help);
        }
    }

    fn too_large(&mut self, message: Option<String>) {
        if let Some(message) = message {
            self.error(ErrorCode::FieldValueInvalid, message);
            self.help("write it as text, or as an integer with all its digits, at most 4,300");
        }
    }

    /// A number of free data as Highway writes it: integers keep their digits, floats have Python's form.
    fn number(&mut self, number: &Number) -> Number {
        self.too_large(too_large(number));
        let digits = number.as_str();
        if digits == "-0" {
            return 0.into();
        }
        let float = digits.contains(['.', 'e', 'E']).then(|| as_json_float(digits)).flatten();
        float.map_or_else(|| number.clone(), from_digits)
    }

    /// Reports that the value was converted to another type.
    pub(super) fn converted(&mut self, to: &str, found: &Value) {
        let shown = crate::json::write_json(found);
        self.warning(ErrorCode::ValueConverted, format!("{shown} is read as {to}"));
    }

    /// The value as an object; `None` with a finding if it is none.
    pub(super) fn object(&mut self, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.wrong_type("an object", value);
        }
        map
    }

    /// The value of a field; `None` if it is missing, or, with a finding, of another type.
    pub(super) fn field<T: Field>(&mut self, map: &'a Map<String, Value>, key: &'static str) -> Option<T> {
        let value = get(map, key)?;
        self.enter(Step::Key(key));
        let read = T::read(value, self);
        self.leave();
        read
    }

    /// The value of a field that must be present. Without it, the result is the default and there is a finding.
    pub(super) fn required<T: Field + Default>(
        &mut self,
        map: &'a Map<String, Value>,
        key: &'static str,
    ) -> T {
        if get(map, key).is_none() && !(T::NULLABLE && self.rules.nulls_dropped) {
            self.enter(Step::Key(key));
            self.error(ErrorCode::FieldMissing, format!("`{key}` is missing"));
            self.leave();
        }
        self.field(map, key).unwrap_or_default()
    }

    /// Reports keys that are in no list of `known`: Highway drops them.
    pub(super) fn unknown(&mut self, map: &'a Map<String, Value>, known: &[&[&'static str]]) {
        for (key, value) in map {
            if known.iter().any(|list| list.contains(&key.as_str())) {
                continue;
            }
            self.enter(Step::Key(key));
            self.warning(ErrorCode::FieldUnknown, format!("there is no field `{key}` here: it is dropped"));
            if let Some(help) = advice::of_word(key, value, known) {
                self.help(help);
            }
            self.leave();
        }
    }

    /// Reports an integer outside `low..=high`.
    pub(super) fn in_range(&mut self, key: &'static str, value: i64, low: i64, high: i64) {
        if (low..=high).contains(&value) {
            return;
        }
        self.enter(Step::Key(key));
        let rule =
            if high == i64::MAX { format!("at least {low}") } else { format!("between {low} and {high}") };
        self.error(ErrorCode::FieldValueInvalid, format!("`{key}` must be {rule}, got `{value}`"));
        self.leave();
    }
}

/// The value of a key. Most operators have few fields, so comparing a few entries is faster than hashing twenty keys.
fn get<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    const FEW: usize = 12;
    if map.len() > FEW {
        return map.get(key);
    }
    map.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
}

impl Field for String {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let text = value.as_str();
        if text.is_none() {
            reader.wrong_type("text", value);
            let has_help = reader.findings.last().is_some_and(|finding| finding.help.is_some());
            if !has_help && !matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
                reader.help("write it in quotes");
            }
        }
        text.map(str::to_owned)
    }

    fn write(&self, out: &mut JsonWriter) {
        out.text(self);
    }
}

impl Field for bool {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let word = match value {
            Value::Bool(value) => return Some(*value),
            Value::String(text) => text.to_ascii_lowercase(),
            Value::Number(number) => number.as_str().to_owned(),
            _ => String::new(),
        };
        let converted = match word.as_str() {
            "1" | "1.0" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "0.0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        };
        match converted {
            Some(converted) => reader.converted(if converted { "`true`" } else { "`false`" }, value),
            None => reader.wrong_type("a boolean", value),
        }
        converted
    }

    fn write(&self, out: &mut JsonWriter) {
        out.raw(if *self { "true" } else { "false" });
    }
}

impl Field for i64 {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let found = match value {
            Value::Number(number) => integer(number.as_str()),
            Value::String(text) => {
                let found = integer(text.trim());
                if found.is_some() {
                    reader.converted("a number", value);
                }
                found
            }
            Value::Bool(flag) => {
                reader.converted("a number", value);
                Some(Self::from(*flag))
            }
            _ => None,
        };
        match value {
            Value::Number(number) if found.is_none() && !number.as_str().contains(['.', 'e', 'E']) => {
                reader.error(ErrorCode::FieldValueInvalid, format!("`{}` is too large", number.as_str()));
            }
            _ if found.is_none() => {
                reader.wrong_type("a whole number", value);
                if value.is_number() {
                    reader.help("leave out the fraction");
                }
            }
            _ => {}
        }
        found
    }

    fn write(&self, out: &mut JsonWriter) {
        out.raw(&self.to_string());
    }
}

/// A number that Highway keeps as a float, as the text that Highway writes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Float(String);

impl Float {
    /// Reads decimal text; `None` if it is no number or has no finite double.
    pub(super) fn of(digits: &str) -> Option<Self> {
        as_json_float(digits).map(Self)
    }

    /// A small whole number.
    pub(super) fn small(whole: u8) -> Self {
        Self(format!("{whole}.0"))
    }

    /// The number as a double.
    pub fn value(&self) -> f64 {
        crate::json::number::nearest(&self.0).unwrap_or(0.0)
    }
}

impl Field for Float {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let digits = match value {
            Value::Number(number) => number.as_str(),
            Value::String(text) => text,
            Value::Bool(true) => "1",
            Value::Bool(false) => "0",
            _ => "",
        };
        let read = Self::of(digits);
        match value {
            Value::Number(number) if read.is_none() => reader.too_large(too_large_as_float(number)),
            Value::Number(_) => {}
            _ if read.is_none() => reader.wrong_type("a number", value),
            _ => reader.converted("a number", value),
        }
        read
    }

    fn write(&self, out: &mut JsonWriter) {
        out.raw(&self.0);
    }
}

/// Free data, with numbers in the form in which Highway writes them.
impl Field for Value {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        Some(match value {
            Self::Number(number) => Self::Number(reader.number(number)),
            Self::Array(items) => Self::Array(read_items(items, reader)),
            Self::Object(map) => Self::Object(free(map, reader)),
            other => other.clone(),
        })
    }

    fn is_null(&self) -> bool {
        Self::is_null(self)
    }

    fn write(&self, out: &mut JsonWriter) {
        out.value(self);
    }
}

/// Reads an object of free data.
fn free<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Map<String, Value> {
    let mut read = Map::with_capacity(map.len());
    for (key, item) in map {
        reader.enter(Step::Key(key));
        read.insert(key.clone(), Value::read(item, reader).unwrap_or_default());
        reader.leave();
    }
    read
}

impl Field for Map<String, Value> {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let map = reader.object(value)?;
        Some(free(map, reader))
    }

    fn write(&self, out: &mut JsonWriter) {
        out.object(self);
    }
}

impl<T: Field> Field for Option<T> {
    const NULLABLE: bool = true;

    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value, reader).map(Some) }
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }

    fn write(&self, out: &mut JsonWriter) {
        match self {
            Some(value) => value.write(out),
            None => out.raw("null"),
        }
    }
}

fn read_items<'a, T: Field>(items: &'a [Value], reader: &mut Reader<'a>) -> Vec<T> {
    let mut read = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        reader.enter(Step::Index(index));
        read.extend(T::read(item, reader));
        reader.leave();
    }
    read
}

impl<T: Field> Field for Vec<T> {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let Value::Array(items) = value else {
            reader.wrong_type("a list", value);
            return None;
        };
        Some(read_items(items, reader))
    }

    fn write(&self, out: &mut JsonWriter) {
        out.open('[');
        for item in self {
            out.item();
            item.write(out);
        }
        out.close(']');
    }
}

/// Values by name, in order of definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Names with their values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The values, in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<T: Field> Field for Named<T> {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let map = reader.object(value)?;
        let mut read = Vec::with_capacity(map.len());
        for (key, item) in map {
            reader.enter(Step::Key(key));
            read.extend(T::read(item, reader).map(|item| (key.clone(), item)));
            reader.leave();
        }
        Some(Self(read))
    }

    fn write(&self, out: &mut JsonWriter) {
        out.open('{');
        for (key, item) in &self.0 {
            out.key(key);
            item.write(out);
        }
        out.close('}');
    }
}
