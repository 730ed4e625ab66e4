//! Definitions as text: JSON, and YAML in the full artefact.

use super::{Document, Reading, Workflow, read_with, spelling};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
#[cfg(feature = "engine")]
use crate::json::JsonWriter;
use crate::json::{JsonFault, Places, parse_json_strict};
use serde_json::Value;

/// A text form of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// JSON that a program wrote: findings about it carry no line.
    Data,
    /// YAML 1.1, as `highway_dsl` reads and writes it.
    #[cfg(feature = "engine")]
    Yaml,
}

impl Form {
    /// The form with this name.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "json" => Some(Self::Json),
            "data" => Some(Self::Data),
            #[cfg(feature = "engine")]
            "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// Whether it is JSON.
    pub fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Data)
    }
}

/// Reads a definition from text, with or without a byte order mark. Findings about the definition are in the document's
/// diagnostics, without lines: see [`check`] and [`validate::findings`](crate::validate::findings).
///
/// # Errors
///
/// `JSON_INVALID`, `YAML_INVALID`, `KEY_DUPLICATE` or `VALUE_NOT_JSON` (an unpaired surrogate), with line and column,
/// if the text is not of this form.
///
/// ```
/// use highway_wasm::definition::{Form, read_text};
///
/// let text = r#"{"name": "w", "tasks": {}}"#;
/// assert_eq!(read_text(text, Form::Json).unwrap().workflow.name, "w");
/// let error = read_text("{\"name\": \"w\",\n \"name\": \"v\"}", Form::Json).unwrap_err();
/// assert_eq!(error.path(), Some("/name"));
/// assert_eq!(error.details()["line"], 2);
/// ```
pub fn read_text(text: &str, form: Form) -> Result<Document> {
    let (value, misread) = value_of(text, form)?;
    let rules = Reading { nulls_dropped: !form.is_json(), ..Reading::default() };
    let mut document = read_with(&value, "", rules);
    document.diagnostics.extend(misread);
    Ok(document)
}

/// Refuses a document that was read from `text` and has errors.
///
/// # Errors
///
/// One error that carries all findings that are errors.
pub fn check(document: &Document, text: &str, form: Form) -> Result<()> {
    Error::from_diagnostics(in_text(document.errors(), text, form)).map_or(Ok(()), Err)
}

/// The findings with the field names and the lines of the text.
pub(crate) fn in_text(found: Vec<Diagnostic>, text: &str, form: Form) -> Vec<Diagnostic> {
    // Most documents are sound, and are not read a second time.
    if found.is_empty() {
        return found;
    }
    let Ok((value, _)) = value_of(text, form) else { return found };
    let mut found = spelling::as_written(found, &value);
    #[cfg(feature = "engine")]
    if form == Form::Yaml {
        advise(&mut found, &value);
    }
    let mut places = Places::of(found.iter().map(|finding| finding.path.as_str()));
    match form {
        Form::Data => return found,
        Form::Json => places.look_in_json(bare(text)),
        // This text was read without an error before.
        #[cfg(feature = "engine")]
        Form::Yaml => drop(crate::yaml::read_yaml(bare(text), &mut places)),
    }
    for finding in &mut found {
        let place = places.find(&finding.path);
        (finding.line, finding.column) = place.map(|place| (place.line, place.column)).unzip();
    }
    found
}

/// Adds advice about slips that YAML reads as something else: a list without a blank after the dash is one text, and a
/// no-break space is part of a key.
#[cfg(feature = "engine")]
fn advise(found: &mut [Diagnostic], value: &Value) {
    for finding in found {
        let key = finding.path.rsplit('/').next().unwrap_or_default();
        let help = match finding.code {
            ErrorCode::FieldUnknown => crate::yaml::start(&key.replace("~1", "/")),
            ErrorCode::FieldTypeInvalid => {
                value.pointer(&finding.path).and_then(Value::as_str).and_then(crate::yaml::item)
            }
            _ => None,
        };
        finding.help = help.or_else(|| finding.help.take());
    }
}

/// Whether a text holds only blanks, or, in YAML, comments.
fn is_empty(text: &str, form: Form) -> bool {
    let is_bare =
        |line: &str| line.is_empty() || (!form.is_json() && (line.starts_with('#') || line == "---"));
    text.lines().all(|line| is_bare(line.trim()))
}

/// The text without a byte order mark in front.
fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The value of the text, and findings about words in it that YAML reads in an unexpected way.
fn value_of(text: &str, form: Form) -> Result<(Value, Vec<Diagnostic>)> {
    let text = bare(text);
    if is_empty(text, form) {
        let code = if form.is_json() { ErrorCode::JsonInvalid } else { ErrorCode::YamlInvalid };
        return Err(Error::new(code, "the text is empty: it holds no definition").with_path(""));
    }
    match form {
        Form::Json | Form::Data => {
            let value = parse_json_strict(text).map_err(|error| {
                let (code, help) = match error.fault {
                    JsonFault::Syntax => (ErrorCode::JsonInvalid, None),
                    JsonFault::Duplicate => (ErrorCode::KeyDuplicate, Some("keep one of the two")),
                    JsonFault::Surrogate => (ErrorCode::ValueNotJson, Some("write whole characters")),
                };
                Error::new(code, format!("the text is not valid JSON: {error}"))
                    .with_any_help(help.map(str::to_owned))
                    .with_path(error.path.clone())
                    .with_detail("line", error.line)
                    .with_detail("column", error.column)
            })?;
            Ok((value, Vec::new()))
        }
        #[cfg(feature = "engine")]
        Form::Yaml => {
            let (value, misread) = crate::yaml::read_yaml(text, &mut Places::default()).map_err(|error| {
                let code = if error.is_duplicate { ErrorCode::KeyDuplicate } else { ErrorCode::YamlInvalid };
                Error::new(code, format!("the text is not valid YAML: {error}"))
                    .with_any_help(error.help)
                    .with_path(error.path)
                    .with_detail("line", error.line)
                    .with_detail("column", error.column)
            })?;
            let misread = misread.iter().filter_map(|word| misread_word(word, &value)).collect();
            Ok((value, misread))
        }
    }
}

/// Fields that take any value, so that no other rule notices a word that YAML read as something else.
#[cfg(feature = "engine")]
const FREE: [&str; 8] =
    ["args", "kwargs", "variables", "payload", "result", "children", "generator_kwargs", "verifier_kwargs"];

/// The finding about one bare word of YAML.
#[cfg(feature = "engine")]
fn misread_word(misread: &crate::yaml::Misread, document: &Value) -> Option<Diagnostic> {
    let crate::yaml::Misread { path, word, is_anchor } = misread;
    if *is_anchor {
        let message = format!("`{word}` is read as an anchor that nothing refers to, and left out");
        let finding = Diagnostic::warning(ErrorCode::ValueConverted, path, message);
        return Some(finding.with_help("put the value in quotes if the `&` belongs to it"));
    }
    if !path.split('/').any(|key| FREE.contains(&key)) {
        return None;
    }
    let value = document.pointer(path)?;
    let message = format!("the bare word `{word}` is read as `{value}`");
    let finding = Diagnostic::warning(ErrorCode::ValueConverted, path, message);
    Some(finding.with_help(format!("write `\"{word}\"` for text, or `{value}`")))
}

impl Workflow {
    /// YAML text as `highway_dsl` 2.2.0 writes it: keys sorted, fields without a value left out.
    #[cfg(feature = "engine")]
    pub fn to_yaml(&self) -> String {
        let text = self.written(JsonWriter::without_nulls());
        // The text was written here, so it is valid JSON.
        crate::yaml::write_yaml(&crate::json::parse_json(&text).unwrap_or(Value::Null))
    }
}
