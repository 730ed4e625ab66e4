//! Writes YAML text: `PyYAML`'s emitter, as far as `dump(value, default_flow_style=False, sort_keys=True)` uses it. Its
//! functions are those of the original, since the bytes must be the same.

use super::number::to_python;
use super::scalar::Kind;
use serde_json::{Map, Value};

const BEST_INDENT: usize = 2;
const BEST_WIDTH: usize = 80;

/// A key with fewer characters than this stands before its colon. `PyYAML`'s limit of 128 includes the `!!str` of a tag
/// that it never writes.
const SIMPLE_KEY: usize = 123;

/// The YAML text of a value, byte for byte what `PyYAML` 6.0.3 writes with `yaml.dump(value, default_flow_style=False,
/// sort_keys=True)`.
///
/// ```
/// use highway_wasm::yaml::write_yaml;
/// use serde_json::json;
///
/// assert_eq!(write_yaml(&json!({"b": ["yes", "é", true], "a": {}})), "a: {}\nb:\n- 'yes'\n- \"\\xE9\"\n- true\n");
/// ```
pub fn write_yaml(value: &Value) -> String {
    let mut emitter =
        Emitter { out: String::new(), column: 0, whitespace: true, indention: true, open_ended: false };
    emitter.node(value, None, Context::Root);
    emitter.write_indent(0);
    if emitter.open_ended {
        emitter.indicator("...", true);
        emitter.write_indent(0);
    }
    emitter.out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Sequence,
    Mapping,
    SimpleKey,
}

struct Emitter {
    out: String,
    column: usize,
    /// Whether the last character was a blank, or the line is still empty.
    whitespace: bool,
    /// Whether the line has only blanks and indicators so far.
    indention: bool,
    /// Whether a bare scalar is the whole document and needs a mark after it.
    open_ended: bool,
}

impl Emitter {
    fn node(&mut self, value: &Value, indent: Option<usize>, context: Context) {
        match value {
            Value::Null => self.plain("null", indent, context),
            Value::Bool(true) => self.plain("true", indent, context),
            Value::Bool(false) => self.plain("false", indent, context),
            Value::Number(number) => self.plain(&to_python(number.as_str()), indent, context),
            Value::String(text) => self.text(text, indent, context),
            Value::Array(items) if items.is_empty() => self.empty("[", "]"),
            Value::Object(map) if map.is_empty() => self.empty("{", "}"),
            Value::Array(items) => self.sequence(items, indent, context),
            Value::Object(map) => self.mapping(map, indent),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true);
        self.indicator(close, false);
    }

    fn sequence(&mut self, items: &[Value], indent: Option<usize>, context: Context) {
        let indentless = context == Context::Mapping && !self.indention;
        let inner = indent.map_or(0, |indent| if indentless { indent } else { indent + BEST_INDENT });
        for item in items {
            self.write_indent(inner);
            self.block_indicator("-");
            self.node(item, Some(inner), Context::Sequence);
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>, indent: Option<usize>) {
        let inner = indent.map_or(0, |indent| indent + BEST_INDENT);
        // UTF-8 sorts like code points, and so does Python.
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries {
            self.write_indent(inner);
            if is_simple_key(key) {
                self.text(key, Some(inner), Context::SimpleKey);
                self.indicator(":", false);
            } else {
                self.block_indicator("?");
                self.text(key, Some(inner), Context::Mapping);
                self.write_indent(inner);
                self.block_indicator(":");
            }
            self.node(value, Some(inner), Context::Mapping);
        }
    }

    /// Writes a string in the style that fits it.
    fn text(&mut self, text: &str, indent: Option<usize>, context: Context) {
        let analysis = Analysis::of(text);
        let split = context != Context::SimpleKey;
        let inner = indent.unwrap_or_default() + BEST_INDENT;
        if Kind::of(text) == Kind::Text && analysis.allow_plain {
            self.plain(text, indent, context);
        } else if analysis.allow_single_quoted && !(context == Context::SimpleKey && analysis.multiline) {
            self.single_quoted(text, inner, split);
        } else {
            self.double_quoted(text, inner, split);
        }
    }

    fn plain(&mut self, text: &str, indent: Option<usize>, context: Context) {
        self.open_ended |= context == Context::Root;
        if !self.whitespace {
            self.write(" ");
        }
        self.whitespace = false;
        self.indention = false;
        let split = context != Context::SimpleKey;
        let inner = indent.unwrap_or_default() + BEST_INDENT;
        for run in runs(text) {
            if self.folds_at(run, split) {
                self.write_indent(inner);
                self.whitespace = false;
                self.indention = false;
            } else {
                self.write(run.text);
            }
        }
    }

    fn single_quoted(&mut self, text: &str, indent: usize, split: bool) {
        self.indicator("'", true);
        for run in runs(text) {
            if run.text.starts_with('\n') {
                self.line_break();
                for _ in run.text.bytes() {
                    self.line_break();
                }
                self.write_indent(indent);
            } else if self.folds_at(run, split) && !run.first && !run.last {
                self.write_indent(indent);
            } else {
                self.write(&run.text.replace('\'', "''"));
            }
        }
        self.indicator("'", false);
    }

    /// Whether a single blank becomes a line break.
    fn folds_at(&self, run: Run<'_>, split: bool) -> bool {
        run.text == " " && self.column > BEST_WIDTH && split
    }

    fn double_quoted(&mut self, text: &str, indent: usize, split: bool) {
        self.indicator("\"", true);
        // Text that is read but not written yet, as in the original: where a line breaks depends on it.
        let mut pending = String::new();
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(char) = chars.next() {
            let inside = split && !first && chars.peek().is_some();
            first = false;
            if matches!(char, ' '..='~') && !matches!(char, '"' | '\\') {
                let is_place = char == ' ' || pending.is_empty();
                if inside && is_place && self.column + pending.len() > BEST_WIDTH {
                    self.continue_line(&mut pending, char, indent);
                }
                pending.push(char);
            } else {
                self.write(&pending);
                pending.clear();
                self.escape(char);
                // One more than the width, because the original counts from the end of the escape back to its start.
                if let Some(next) = chars.peek().filter(|_| inside && self.column > BEST_WIDTH + 1) {
                    self.continue_line(&mut pending, *next, indent);
                }
            }
        }
        self.write(&pending);
        self.indicator("\"", false);
    }

    /// Ends the line within a string. A blank at the start of the next line must be escaped.
    fn continue_line(&mut self, pending: &mut String, next: char, indent: usize) {
        pending.push('\\');
        self.write(pending);
        pending.clear();
        self.write_indent(indent);
        self.whitespace = false;
        self.indention = false;
        if next == ' ' {
            self.write("\\");
        }
    }

    fn escape(&mut self, char: char) {
        let short = match char {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(char);
                let escape = match code {
                    ..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.write(&escape);
            }
        };
        self.out.push('\\');
        self.out.push(short);
        self.column += 2;
    }

    /// Writes `-`, `?` or `:` before a block.
    fn block_indicator(&mut self, indicator: &str) {
        let indention = self.indention;
        self.indicator(indicator, true);
        self.indention = indention;
    }

    fn indicator(&mut self, indicator: &str, need_whitespace: bool) {
        if need_whitespace && !self.whitespace {
            self.write(" ");
        }
        self.write(indicator);
        self.whitespace = false;
        self.indention = false;
        self.open_ended = false;
    }

    fn write_indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.column < indent {
            self.whitespace = true;
            self.write(&" ".repeat(indent - self.column));
        }
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.whitespace = true;
        self.indention = true;
        self.column = 0;
    }

    /// Writes ASCII. Every other character is escaped.
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }
}

/// A part of text that is all blanks, all line breaks, or neither.
#[derive(Clone, Copy)]
struct Run<'a> {
    text: &'a str,
    first: bool,
    last: bool,
}

fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let class = |char: char| if matches!(char, ' ' | '\n') { char } else { 'x' };
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = class(rest.chars().next()?);
        let end = rest.find(|char| class(char) != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end)?;
        let run = Run { text: run, first: rest.len() == text.len(), last: after.is_empty() };
        rest = after;
        Some(run)
    })
}

fn is_simple_key(key: &str) -> bool {
    !key.is_empty() && key.chars().take(SIMPLE_KEY).count() < SIMPLE_KEY && !key.contains(is_break)
}

fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_white(char: char) -> bool {
    is_break(char) || matches!(char, '\0' | ' ' | '\t' | '\r')
}

/// The styles in which a string may be written.
#[derive(Debug, PartialEq, Eq)]
struct Analysis {
    multiline: bool,
    allow_plain: bool,
    allow_single_quoted: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let special = text.chars().any(|char| char != '\n' && !(' '..='~').contains(&char));
        // A blank beside a line break would be lost when the text is read again.
        let is_lost = text.as_bytes().windows(2).any(|pair| matches!(pair, b" \n" | b"\n "));
        let multiline = text.contains(is_break);
        let edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let allow_single_quoted = !is_lost && !special;
        let allow_plain = allow_single_quoted && !multiline && !edge && !has_indicators(text);
        Self { multiline, allow_plain, allow_single_quoted }
    }
}

/// Whether a reader would take part of the text for syntax.
fn has_indicators(text: &str) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let white_follows = chars.peek().is_none_or(|next| is_white(*next));
        let found = match before {
            None if "#,[]{}&*!|>'\"%@`".contains(char) => true,
            None => matches!(char, '?' | ':' | '-') && white_follows,
            Some(before) => (char == ':' && white_follows) || (char == '#' && is_white(before)),
        };
        if found {
            return true;
        }
        before = Some(char);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_laid_out_as_pyyaml_does() {
        for (value, text) in [
            (json!(null), "null\n...\n"),
            (json!("a"), "a\n...\n"),
            (json!("yes"), "'yes'\n"),
            (json!([]), "[]\n"),
            (json!({"b": {}, "a": []}), "a: []\nb: {}\n"),
            (json!({"a": [{"b": 1, "c": [2]}]}), "a:\n- b: 1\n  c:\n  - 2\n"),
            (json!([[1, [2]], []]), "- - 1\n  - - 2\n- []\n"),
            (json!({"": [1]}), "? ''\n: - 1\n"),
            (json!({"a\nb": {"c": 1}}), "? 'a\n\n  b'\n: c: 1\n"),
            (json!(["a\u{e9}\u{2028}\u{1f600}"]), "- \"a\\xE9\\L\\U0001F600\"\n"),
        ] {
            assert_eq!(write_yaml(&value), text);
        }
    }

    #[test]
    fn long_keys_stand_behind_a_question_mark() {
        let key = |length: usize| write_yaml(&json!({"k".repeat(length): 1}));
        assert_eq!(key(122), format!("{}: 1\n", "k".repeat(122)));
        assert_eq!(key(123), format!("? {}\n: 1\n", "k".repeat(123)));
    }

    #[test]
    fn lines_are_folded_behind_column_80() {
        let words = |char: &str| write_yaml(&json!(format!("{char}{}", " word".repeat(20))));
        assert_eq!(words("a").lines().map(str::len).collect::<Vec<_>>(), [81, 21, 3]);
        assert_eq!(words("'").lines().map(str::len).collect::<Vec<_>>(), [83, 22]);
        assert_eq!(words("é").lines().map(str::len).collect::<Vec<_>>(), [86, 24]);
    }
}
