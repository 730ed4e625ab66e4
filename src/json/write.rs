//! Writes JSON text.

use serde_json::{Map, Value};

/// Compact JSON text of a value.
///
/// ```
/// use highway_wasm::json::write_json;
///
/// assert_eq!(write_json(&serde_json::json!({"a": [1, null, "é\n"]})), "{\"a\":[1,null,\"é\\n\"]}");
/// ```
pub fn write_json(value: &Value) -> String {
    let mut out = JsonWriter::compact();
    out.value(value);
    out.finish()
}

/// Writes JSON text piece by piece, either compact or with two blanks of indentation.
#[derive(Clone, Debug, Default)]
pub struct JsonWriter {
    out: String,
    is_pretty: bool,
    /// Whether null fields are left out.
    pub(crate) drops_null: bool,
    depth: usize,
    /// Whether the innermost list or object has no entries yet.
    is_empty: bool,
}

impl JsonWriter {
    /// A writer of compact text.
    pub fn compact() -> Self {
        Self::default()
    }

    /// A writer of indented text.
    pub fn pretty() -> Self {
        Self { is_pretty: true, ..Self::default() }
    }

    /// A writer of compact text that leaves out null fields.
    #[cfg(feature = "engine")]
    pub(crate) fn without_nulls() -> Self {
        Self { drops_null: true, ..Self::default() }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.out
    }

    /// Opens a list or an object.
    pub fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth += 1;
        self.is_empty = true;
    }

    /// Closes the innermost list or object.
    pub fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        if !self.is_empty {
            self.new_line();
        }
        self.out.push(bracket);
        self.is_empty = false;
    }

    /// The number of bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// The text from a byte on.
    pub(crate) fn written(&self, from: usize) -> &str {
        self.out.get(from..).unwrap_or_default()
    }

    /// Begins an item of a list.
    pub fn item(&mut self) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.new_line();
    }

    /// Begins an entry of an object.
    pub fn key(&mut self, key: &str) {
        self.item();
        write_string(&mut self.out, key);
        self.out.push_str(if self.is_pretty { ": " } else { ":" });
    }

    /// Begins an entry whose key needs no escaping.
    pub fn field(&mut self, key: &'static str) {
        self.item();
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str(if self.is_pretty { "\": " } else { "\":" });
    }

    /// Writes text as a string.
    pub fn text(&mut self, text: &str) {
        write_string(&mut self.out, text);
    }

    /// Writes a list of strings.
    pub fn texts(&mut self, texts: &[String]) {
        self.open('[');
        for text in texts {
            self.item();
            self.text(text);
        }
        self.close(']');
    }

    /// Writes a whole number.
    #[cfg(feature = "engine")]
    pub(crate) fn number(&mut self, number: u64) {
        use std::fmt::Write;
        // Writing to text cannot fail.
        let _ = write!(self.out, "{number}");
    }

    /// Writes text that is already JSON: a number or a word.
    pub fn raw(&mut self, json: &str) {
        self.out.push_str(json);
    }

    /// Writes an object.
    pub fn object(&mut self, map: &Map<String, Value>) {
        self.open('{');
        for (key, item) in map {
            self.key(key);
            self.value(item);
        }
        self.close('}');
    }

    /// Writes any value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.raw("null"),
            Value::Bool(flag) => self.raw(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.raw(number.as_str()),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.open('[');
                for item in items {
                    self.item();
                    self.value(item);
                }
                self.close(']');
            }
            Value::Object(map) => self.object(map),
        }
    }

    fn new_line(&mut self) {
        if self.is_pretty {
            const BLANKS: &str = "                                ";
            self.out.push('\n');
            match BLANKS.get(..self.depth * 2) {
                Some(blanks) => self.out.push_str(blanks),
                None => (0..self.depth).for_each(|_| self.out.push_str("  ")),
            }
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let byte = special.bytes().next().unwrap_or_default();
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                out.push_str("\\u00");
                for digit in [byte >> 4, byte & 15] {
                    out.push(HEX.get(usize::from(digit)).copied().map_or('0', char::from));
                }
            }
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_json;

    #[test]
    fn what_is_written_reads_as_the_same() {
        let value = serde_json::json!({
            "": [0.5, -1, 1e300, true, false, null],
            "a\"b\\c\n\r\t\u{8}\u{0}\u{1f}\u{7f} é 🎉": {"nested": [[], {}]},
        });
        let text = write_json(&value);
        assert_eq!(parse_json(&text).unwrap(), value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
