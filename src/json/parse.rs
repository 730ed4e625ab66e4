//! Reads JSON text.

use super::number::from_digits;
use super::pointer::child_path;
use serde_json::{Map, Value};
use std::fmt;

/// The deepest nesting, so that hostile text cannot exhaust the stack.
const DEPTH: usize = 128;

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// What is wrong.
    pub message: &'static str,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer to the value or the key at fault.
    pub path: String,
    /// The kind of the fault.
    pub fault: JsonFault,
}

/// The kind of a fault in JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFault {
    /// The text is not JSON.
    Syntax,
    /// An object has the same key twice.
    Duplicate,
    /// A string contains half of a surrogate pair, which is not a character.
    Surrogate,
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// The value of JSON text. Numbers keep their digits. Of repeated keys the last one counts, as in JavaScript. An
/// unpaired surrogate becomes U+FFFD.
///
/// # Errors
///
/// If the text is not JSON (RFC 8259), or has more than 128 levels.
///
/// ```
/// use highway_wasm::json::parse_json;
///
/// assert_eq!(parse_json("[1, \"\\u00e9\"]").unwrap(), serde_json::json!([1, "é"]));
/// assert_eq!(parse_json("{\n  oops}").unwrap_err().to_string(), "expected a key at line 2, column 3");
/// ```
pub fn parse_json(text: &str) -> Result<Value, JsonError> {
    Reader::new(text, Strictness::Lenient).read()
}

/// Works as [`parse_json`], but an unpaired surrogate is an error: text of a user must not be changed silently.
///
/// # Errors
///
/// The errors of [`parse_json`], and unpaired surrogates.
pub fn parse_json_input(text: &str) -> Result<Value, JsonError> {
    Reader::new(text, Strictness::Characters).read()
}

/// Works as [`parse_json_input`], but a repeated key in an object is an error too.
///
/// # Errors
///
/// The errors of [`parse_json_input`], and repeated keys.
///
/// ```
/// use highway_wasm::json::parse_json_strict;
///
/// let error = parse_json_strict("{\"a\": [{\"b\": 1, \"b\": 2}]}").unwrap_err();
/// assert_eq!((error.path.as_str(), error.column), ("/a/0/b", 17));
/// ```
pub fn parse_json_strict(text: &str) -> Result<Value, JsonError> {
    Reader::new(text, Strictness::Keys).read()
}

const DUPLICATE: &str = "the key stands twice in one object";
const SURROGATE: &str = "half of a surrogate pair is not a character";

/// What a reader refuses besides text that is not JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strictness {
    Lenient,
    /// Unpaired surrogates.
    Characters,
    /// Unpaired surrogates and repeated keys.
    Keys,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    strictness: Strictness,
    /// Keys and positions of the fault, the innermost first.
    trail: Vec<String>,
    /// The number of entries of the last object at each depth. The next one there probably has as many.
    sizes: Vec<usize>,
}

type Step<T> = Result<T, &'static str>;

#[expect(
    clippy::inline_always,
    reason = "one call for each character costs a sixth of the time, and no bytes are saved"
)]
impl<'a> Reader<'a> {
    const fn new(text: &'a str, strictness: Strictness) -> Self {
        Self { text, at: 0, strictness, trail: Vec::new(), sizes: Vec::new() }
    }

    fn read(mut self) -> Result<Value, JsonError> {
        let value = self.value(0).and_then(|value| {
            self.blanks();
            if self.at == self.text.len() { Ok(value) } else { Err("unexpected text after the value") }
        });
        value.map_err(|message| self.error(message))
    }

    fn value(&mut self, depth: usize) -> Step<Value> {
        self.blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err("expected a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Step<Value> {
        self.open(depth)?;
        if self.take(b'}') {
            return Ok(Value::Object(Map::new()));
        }
        let mut map = Map::with_capacity(self.expected_size(depth));
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err("expected a key");
            }
            let start = self.at;
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return Err("expected `:`");
            }
            let earlier = match self.value(depth + 1) {
                Ok(value) => map.insert(key, value),
                Err(message) => {
                    self.trail.push(key);
                    return Err(message);
                }
            };
            if earlier.is_some() && self.strictness == Strictness::Keys {
                self.at = start;
                let key = self.string()?;
                self.at = start;
                self.trail.push(key);
                return Err(DUPLICATE);
            }
            self.blanks();
            if self.take(b'}') {
                if let Some(size) = self.sizes.get_mut(depth) {
                    *size = map.len();
                }
                return Ok(Value::Object(map));
            }
            if !self.take(b',') {
                return Err("expected `,` or `}`");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Step<Value> {
        let mut items = Vec::new();
        self.open(depth)?;
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            match self.value(depth + 1) {
                Ok(item) => items.push(item),
                Err(message) => {
                    self.trail.push(items.len().to_string());
                    return Err(message);
                }
            }
            self.blanks();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err("expected `,` or `]`");
            }
        }
    }

    fn expected_size(&mut self, depth: usize) -> usize {
        const MOST: usize = 32;
        while self.sizes.len() <= depth {
            self.sizes.push(0);
        }
        self.sizes.get(depth).copied().unwrap_or(0).min(MOST)
    }

    /// Reads an opening bracket.
    fn open(&mut self, depth: usize) -> Step<()> {
        if depth >= DEPTH {
            return Err("too deeply nested");
        }
        self.at += 1;
        self.blanks();
        Ok(())
    }

    fn string(&mut self) -> Step<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.next() {
                Some(b'"') => return Ok(out),
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => {
                    self.at -= 1;
                    return Err("unescaped control character in a string");
                }
                None => return Err("the string does not end"),
            }
        }
    }

    fn escape(&mut self) -> Step<char> {
        Ok(match self.next() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let first = self.four_digits()?;
                let is_high = (0xd800..0xdc00).contains(&first);
                if is_high && self.rest().starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let second = self.four_digits()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = before;
                }
                match char::from_u32(first) {
                    None if self.strictness > Strictness::Lenient => return Err(SURROGATE),
                    char => char.unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => return Err("unknown escape in a string"),
        })
    }

    fn four_digits(&mut self) -> Step<u32> {
        let digits =
            self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or("expected four hex digits")?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Step<Value> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value::Number(from_digits(text.to_owned())))
    }

    fn digits(&mut self) -> Step<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err("expected a digit") } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Value) -> Step<Value> {
        if !self.rest().starts_with(word) {
            return Err("expected a value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: &'static str) -> JsonError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let path = self.trail.iter().rev().fold(String::new(), |path, step| child_path(&path, step));
        let line = before.matches('\n').count() + 1;
        let fault = match message {
            DUPLICATE => JsonFault::Duplicate,
            SURROGATE => JsonFault::Surrogate,
            _ => JsonFault::Syntax,
        };
        JsonError { message, line, column, path, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        for text in [
            "null",
            " true ",
            "[]",
            "{}",
            "[ 1 , -0 , 0.5e-3 , 12e+4 ]",
            "{\"a\":{\"b\":[null,false]}}",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83c\\udf89 ☃\"",
            "{\"a\":1,\"a\":2}",
            "123456789012345678901234567890",
        ] {
            assert_eq!(parse_json(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not() {
        for text in [
            "",
            " ",
            "nul",
            "tru",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "--1",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\n\"",
            "1 2",
            "[",
            "{",
            "NaN",
            "'a'",
            "\u{feff}1",
        ] {
            assert!(parse_json(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unpaired_surrogates_become_replacement_characters() {
        assert_eq!(
            parse_json("\"\\ud83c x \\udf89 \\ud83c\\u0041\"").unwrap(),
            "\u{fffd} x \u{fffd} \u{fffd}A"
        );
    }

    #[test]
    fn strict_reading_refuses_them_with_their_place() {
        for (text, path) in [
            (r#"{"a": ["x", "\ud83c"]}"#, "/a/1"),
            (r#"{"a": {"\udf89": 1}}"#, "/a"),
            (r#"["\ud83c\u0041"]"#, "/0"),
        ] {
            let error = parse_json_strict(text).unwrap_err();
            assert_eq!((error.fault, error.path.as_str()), (JsonFault::Surrogate, path));
            assert_eq!(parse_json_input(text).unwrap_err(), error);
        }
        assert!(parse_json_input(r#"{"a": 1, "a": 2}"#).is_ok());
        assert_eq!(parse_json_strict(r#""\ud83c\udf89""#).unwrap(), "🎉");
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(128)).is_ok());
        assert_eq!(parse_json(&nested(129)).unwrap_err().message, "too deeply nested");
        assert!(parse_json(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn errors_say_where() {
        let error = parse_json("{\n  \"é\": x}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
    }
}
