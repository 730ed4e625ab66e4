//! Builds a value from the events of the parser.

use super::YamlError;
use super::advice::advise;
use super::scalar::{Kind, is_misread, tagged, untagged};
use crate::json::{Places, child_path};
use crate::text::Place;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The deepest nesting, so that hostile text cannot exhaust the stack.
const DEPTH: usize = 128;

/// The most values that anchors and aliases may copy. Long text counts as several values.
const COPIES: usize = 1_000_000;

/// The bytes of text that count as one further value.
const PIECE: usize = 64;

const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

/// The value of YAML text, as `PyYAML`'s `safe_load` reads it: YAML 1.1, in which a bare `yes` is a boolean, `010` is
/// eight and `1:30` is ninety. Numbers keep their digits. A bare date becomes text in ISO 8601.
///
/// It is stricter than `safe_load`: a repeated key is an error, and so is a key that is not text. It knows only the
/// standard tags of JSON's types and `!!timestamp`. By the grammar of YAML 1.2 it is also looser: tabs may separate, an
/// anchor may be defined again, and U+0085, U+2028 and U+2029 are not line breaks.
///
/// # Errors
///
/// If the text is not YAML or has no JSON value, has more than one document or more than 128 levels, or if its aliases
/// expand to too many values.
///
/// ```
/// use highway_wasm::yaml::parse_yaml;
/// use serde_json::json;
///
/// let value = parse_yaml("on_time: yes\nsteps: [a, 1_000]\n").unwrap();
/// assert_eq!(value, json!({"on_time": true, "steps": ["a", 1000]}));
/// assert_eq!(parse_yaml("a: 1\na: 2\n").unwrap_err().to_string(), "duplicate key `a` at line 2, column 1");
/// ```
pub fn parse_yaml(text: &str) -> Result<Value, YamlError> {
    read_yaml(text, &mut Places::default()).map(|(value, _)| value)
}

/// A bare word that the user may have meant as text: `no`, `12:30`, `1_000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// JSON pointer to the value.
    pub path: String,
    /// The word.
    pub word: String,
    /// Whether it is an anchor (`&x`) without any alias, which is then lost.
    pub is_anchor: bool,
}

/// The most such words that are reported.
const MAX_MISREAD: usize = 20;

/// Works as [`parse_yaml`], and also returns words that are easily misread and fills in `places`.
///
/// # Errors
///
/// The errors of [`parse_yaml`].
///
/// ```
/// use highway_wasm::json::Places;
/// use highway_wasm::yaml::read_yaml;
///
/// let mut places = Places::of(["/tasks/a"].into_iter());
/// let (_, misread) = read_yaml("name: w\ntasks:\n  a: {at: 12:30}\n", &mut places).unwrap();
/// assert_eq!(places.find("/tasks/a").map(|place| place.line), Some(3));
/// assert_eq!(misread[0].path, "/tasks/a/at");
/// ```
pub fn read_yaml(text: &str, places: &mut Places) -> Result<(Value, Vec<Misread>), YamlError> {
    check_characters(text)?;
    let unended = !text.is_empty() && !text.ends_with(['\n', '\r']);
    let end = unended.then(|| text.chars().count());
    let (anchors, trail, misread, unused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let events = Parser::new_from_str(text);
    let mut reader = Reader { events, anchors, copies: COPIES, end, trail, places, misread, unused };
    match reader.document() {
        Ok(value) => {
            let unused = reader.unused.into_iter().map(|anchor| Misread {
                path: anchor.path,
                word: name_of(text, anchor.at).to_owned(),
                is_anchor: true,
            });
            reader.misread.extend(unused.take(MAX_MISREAD));
            Ok((value, reader.misread))
        }
        Err(mut error) => {
            error.path = reader.pointer();
            if error.help.as_deref() == Some("") {
                advise(text, &mut error);
            }
            Err(error)
        }
    }
}

/// The anchor of the scalar after this many characters.
fn name_of(text: &str, at: usize) -> &str {
    let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let from = if after.starts_with('&') {
        after
    } else {
        before.rfind('&').and_then(|at| text.get(at..)).unwrap_or("&")
    };
    from.split([' ', '\t', '\r', '\n', ',', ']', '}']).next().unwrap_or("&")
}

/// YAML allows control characters only as escapes. The parser does not check that, and stops at U+0000.
fn check_characters(text: &str) -> Result<(), YamlError> {
    let Some((at, char)) = text.char_indices().find(|(_, char)| !is_printable(*char)) else {
        return Ok(());
    };
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let message = format!(
        "the character U+{:04X} is not allowed: write it as an escape in double quotes",
        u32::from(char)
    );
    let line = before.matches('\n').count() + 1;
    Err(YamlError { message, line, column, path: String::new(), is_duplicate: false, help: None })
}

fn is_printable(char: char) -> bool {
    let is_ascii = matches!(char, '\t' | '\n' | '\r' | ' '..='~');
    is_ascii || matches!(char, '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

type Step<T> = Result<T, YamlError>;
type EventTag<'a> = Option<Cow<'a, Tag>>;

/// A value, its weight, and its number of levels. Aliases multiply both numbers.
#[derive(Clone)]
struct Node {
    value: Value,
    weight: usize,
    height: usize,
}

impl Node {
    fn scalar(value: Value) -> Self {
        let weight = 1 + value.as_str().map_or(0, |text| text.len() / PIECE);
        Self { value, weight, height: 0 }
    }
}

enum Key {
    Text(String),
    Merge,
}

/// The entries of a mapping so far.
#[derive(Default)]
struct Entries {
    /// Entries from `<<`. They come first, and the mapping's own entries replace them.
    merged: Map<String, Value>,
    own: Map<String, Value>,
    weight: usize,
    height: usize,
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// Values by the parser's number of the anchor. `None` while the value is read.
    anchors: Vec<Option<Node>>,
    copies: usize,
    /// The number of characters of the text, if its last line does not end.
    end: Option<usize>,
    /// Keys and positions down to the present value, each with its node among the places.
    trail: Vec<(String, Option<usize>)>,
    places: &'a mut Places,
    misread: Vec<Misread>,
    /// Anchors of scalars without an alias so far.
    unused: Vec<Unused>,
}

struct Unused {
    anchor: usize,
    path: String,
    /// The number of characters before the scalar.
    at: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Step<Value> {
        let mut value = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(value.unwrap_or_default()),
                Event::DocumentStart(_) if value.is_some() => {
                    let help =
                        "put each workflow into a file of its own, and remove a `---` that nothing follows";
                    return Err(YamlError {
                        help: Some(help.to_owned()),
                        ..error(span.start, "more than one document")
                    });
                }
                Event::DocumentStart(_) => {
                    let first = self.next()?;
                    self.places.set(0, place(first.1.start));
                    value = Some(self.node(first, 0)?.value);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Step<Node> {
        let at = span.start;
        match event {
            Event::Alias(anchor) => self.alias(anchor, at, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.without_invented_end(&text, style, span);
                let is_bare = style == ScalarStyle::Plain && tag.is_none();
                let value = scalar(text, style, tag).map_err(|message| {
                    // A user rarely means `!x` as a tag, but does mean `!!x` as one.
                    let is_text = message.starts_with("the tag `!") && !message.starts_with("the tag `!!");
                    if is_text { advised(at, message) } else { error(at, message) }
                })?;
                if anchor > 0 && self.unused.len() < MAX_MISREAD {
                    self.unused.push(Unused { anchor, path: self.pointer(), at: at.index() });
                }
                if is_bare && is_misread(text) && self.misread.len() < MAX_MISREAD {
                    let misread = Misread { path: self.pointer(), word: text.to_owned(), is_anchor: false };
                    self.misread.push(misread);
                }
                self.anchored(anchor, at, Node::scalar(value))
            }
            Event::SequenceStart(anchor, tag) => {
                open(at, depth, tag, "seq")?;
                let node = self.sequence(depth)?;
                self.anchored(anchor, at, node)
            }
            Event::MappingStart(anchor, tag) => {
                open(at, depth, tag, "map")?;
                let node = self.mapping(at, depth)?;
                self.anchored(anchor, at, node)
            }
            _ => Err(error(at, "expected a value")),
        }
    }

    /// The text of a block scalar without the line end that the parser adds if the text ends without one; `PyYAML` adds
    /// none. It matters for text inside a program's source, whose last line may be the indentation before the closing
    /// quote.
    fn without_invented_end<'t>(&self, text: &'t str, style: ScalarStyle, span: Span) -> &'t str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let is_last = self.end == Some(span.end.index()) && span.end.col() >= span.start.col();
        if is_block && is_last { text.strip_suffix('\n').unwrap_or(text) } else { text }
    }

    fn sequence(&mut self, depth: usize) -> Step<Node> {
        let (mut items, mut weight, mut height) = (Vec::new(), 1, 0);
        loop {
            let next = self.next()?;
            if next.0 == Event::SequenceEnd {
                return Ok(Node { value: Value::Array(items), weight, height: height + 1 });
            }
            self.enter(items.len().to_string(), next.1.start);
            let item = self.node(next, depth + 1)?;
            self.trail.pop();
            weight += item.weight;
            height = height.max(item.height);
            items.push(item.value);
        }
    }

    fn mapping(&mut self, start: Marker, depth: usize) -> Step<Node> {
        let mut entries = Entries::default();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries.into_node());
            }
            // An omitted key has no place.
            let at = if span.start.line() == 0 { start } else { span.start };
            let key = self.key(event, at)?;
            let name = match &key {
                Key::Text(key) => key.as_str(),
                Key::Merge => "<<",
            };
            self.enter(name.to_owned(), at);
            if let Key::Text(key) = &key
                && entries.own.contains_key(key)
            {
                let help = Some("keep one of the two".to_owned());
                let message = format!("duplicate key `{key}`");
                return Err(YamlError { is_duplicate: true, help, ..error(at, message) });
            }
            let next = self.next()?;
            let value_at = next.1.start;
            let node = self.node(next, depth + 1)?;
            self.trail.pop();
            entries.add(key, node).map_err(|message| error(value_at, message))?;
        }
    }

    fn key(&mut self, event: Event<'a>, at: Marker) -> Step<Key> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let key = key(&text, style, tag).map_err(|message| error(at, message))?;
                if let Key::Text(key) = &key {
                    self.anchored(anchor, at, Node::scalar(Value::String(key.clone())))?;
                }
                Ok(key)
            }
            Event::Alias(anchor) => match self.alias(anchor, at, 0)?.value {
                Value::String(key) => Ok(Key::Text(key)),
                _ => Err(error(at, "a key must be text: this alias stands for something else")),
            },
            _ => Err(advised(at, "a key must be text: a list or a mapping cannot be one")),
        }
    }

    /// Enters a value of a mapping or a list.
    fn enter(&mut self, key: String, at: Marker) {
        let around = self.trail.last().map_or(Some(0), |(_, node)| *node);
        let node = around.and_then(|node| self.places.child(node, &key));
        if let Some(node) = node {
            self.places.set(node, place(at));
        }
        self.trail.push((key, node));
    }

    fn pointer(&self) -> String {
        self.trail.iter().fold(String::new(), |path, (key, _)| child_path(&path, key))
    }

    fn anchored(&mut self, anchor: usize, at: Marker, node: Node) -> Step<Node> {
        // The parser counts anchors from 1; 0 means none.
        if anchor > 0 {
            self.pay(node.weight, at)?;
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            if let Some(place) = self.anchors.get_mut(anchor) {
                *place = Some(node.clone());
            }
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, at: Marker, depth: usize) -> Step<Node> {
        let Some(Some(node)) = self.anchors.get(anchor) else {
            return Err(error(at, "the alias stands for a value that contains it"));
        };
        if depth + node.height > DEPTH {
            return Err(error(at, "too deeply nested"));
        }
        let (node, weight) = (node.clone(), node.weight);
        self.unused.retain(|unused| unused.anchor != anchor);
        self.pay(weight, at)?;
        Ok(node)
    }

    /// Counts copies. A few nested aliases, or anchors within anchors, expand to any number of values.
    fn pay(&mut self, weight: usize, at: Marker) -> Step<()> {
        self.copies =
            self.copies.checked_sub(weight).ok_or_else(|| error(at, "aliases expand to too many values"))?;
        Ok(())
    }

    fn next(&mut self) -> Step<(Event<'a>, Span)> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(failure)) => Err(advised(*failure.marker(), reason(failure.info()))),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }
}

impl Entries {
    fn add(&mut self, key: Key, node: Node) -> Result<(), &'static str> {
        self.weight += node.weight + 1;
        self.height = self.height.max(node.height);
        match (key, node.value) {
            (Key::Text(key), value) => {
                self.weight += key.len() / PIECE;
                self.own.insert(key, value);
            }
            (Key::Merge, Value::Object(map)) => self.merged.extend(map),
            (Key::Merge, Value::Array(maps)) => {
                // Of several merged mappings, the first one counts.
                for map in maps.into_iter().rev() {
                    let Value::Object(map) = map else {
                        return Err("`<<` takes a mapping or a list of mappings");
                    };
                    self.merged.extend(map);
                }
            }
            _ => return Err("`<<` takes a mapping or a list of mappings"),
        }
        Ok(())
    }

    fn into_node(self) -> Node {
        let mut map = self.merged;
        if map.is_empty() {
            map = self.own;
        } else {
            map.extend(self.own);
        }
        Node { value: Value::Object(map), weight: self.weight + 1, height: self.height + 1 }
    }
}

/// Checks whether a collection may begin.
fn open(at: Marker, depth: usize, tag: EventTag<'_>, kind: &str) -> Step<()> {
    if depth >= DEPTH {
        return Err(error(at, "too deeply nested"));
    }
    match standard_tag(tag).map_err(|message| error(at, message))? {
        Some(tag) if tag != kind => {
            let found = if kind == "seq" { "list" } else { "mapping" };
            Err(error(at, format!("the tag `!!{tag}` does not go with a {found}")))
        }
        _ => Ok(()),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: EventTag<'_>) -> Result<Value, String> {
    match standard_tag(tag)? {
        Some(tag) => tagged(text, &tag),
        None => untagged(text, style == ScalarStyle::Plain),
    }
}

fn key(text: &str, style: ScalarStyle, tag: EventTag<'_>) -> Result<Key, String> {
    let kind = match standard_tag(tag)?.as_deref() {
        None if style == ScalarStyle::Plain => Kind::of(text),
        None | Some("str") => Kind::Text,
        Some(tag) => {
            return Err(format!("a key must be text: the tag `!!{tag}` makes `{text}` something else"));
        }
    };
    match kind {
        Kind::Text | Kind::Default => Ok(Key::Text(text.to_owned())),
        Kind::Merge => Ok(Key::Merge),
        _ if text.is_empty() => Err("a key must be text: this one is empty".to_owned()),
        _ => Err(format!(
            "a key must be text: write it in quotes, `\"{text}\"` (without them it is {})",
            kind.name()
        )),
    }
}

/// The name of a standard tag: `str` for `!!str`. Every other tag is an error.
fn standard_tag(tag: EventTag<'_>) -> Result<Option<String>, String> {
    let Some(tag) = tag else {
        return Ok(None);
    };
    let full = format!("{}{}", tag.handle, tag.suffix);
    match full.strip_prefix(STANDARD_TAGS) {
        Some(name @ ("str" | "int" | "float" | "bool" | "null" | "map" | "seq" | "timestamp")) => {
            Ok(Some(name.to_owned()))
        }
        Some(name) => Err(format!("the tag `!!{name}` is not known")),
        None => Err(format!("the tag `{full}` is not known")),
    }
}

/// The parser looks ahead, so it may report its own limit for nested flow collections before ours.
fn reason(info: &str) -> &str {
    if info.starts_with("recursion limit") { "too deeply nested" } else { info }
}

fn place(at: Marker) -> Place {
    Place { line: at.line().max(1), column: at.col() + 1 }
}

fn error(at: Marker, message: impl Into<String>) -> YamlError {
    let (Place { line, column }, message) = (place(at), message.into());
    YamlError { message, line, column, path: String::new(), is_duplicate: false, help: None }
}

/// An error of the grammar. When the reader is done, help for it is looked up in the text.
fn advised(at: Marker, message: impl Into<String>) -> YamlError {
    YamlError { help: Some(String::new()), ..error(at, message) }
}
