//! Definitions as text: JSON, and YAML where the full artefact is loaded.

use super::{Document, Reading, Workflow, read_with};
#[cfg(feature = "engine")]
use crate::codec::JsonWriter;
use crate::codec::parse_json_strict;
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::time::Millis;
use crate::validate;
use serde_json::Value;

/// A text form of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// YAML 1.1, as `highway_dsl` reads and writes it.
    #[cfg(feature = "engine")]
    Yaml,
}

impl Form {
    /// The form of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "json" => Some(Self::Json),
            #[cfg(feature = "engine")]
            "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// Reads a definition from text. Findings in the definition are diagnostics of the document.
///
/// # Errors
///
/// `JSON_INVALID`, `YAML_INVALID` or `KEY_DUPLICATE`, with line and column, where the text is not of this form.
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
    let value = value_of(text, form)?;
    let rules = Reading { nulls_dropped: form != Form::Json, ..Reading::default() };
    Ok(read_with(&value, "", rules))
}

/// Everything there is to say about text that should be a definition; see [`validate::workflow`] for `now`.
///
/// ```
/// use highway_wasm::definition::{Form, validate_text};
///
/// let findings = validate_text("{\"name\": \"Bad\", \"tasks\": []}", Form::Json, None);
/// let paths: Vec<_> = findings.iter().map(|finding| finding.path.as_str()).collect();
/// assert_eq!(paths, ["/tasks", "/name"]);
/// ```
pub fn validate_text(text: &str, form: Form, now: Option<Millis>) -> Vec<Diagnostic> {
    match read_text(text, form) {
        Ok(document) => findings(&document, text, form, now),
        Err(error) => vec![Diagnostic::from(&error)],
    }
}

/// The same for a document that was read from the text.
pub fn findings(document: &Document, text: &str, form: Form, now: Option<Millis>) -> Vec<Diagnostic> {
    let found = document.validate(now);
    // A sound document, which most are, is not read again.
    if found.is_empty() {
        return found;
    }
    value_of(text, form).map(|value| validate::as_written(found.clone(), &value)).unwrap_or(found)
}

fn value_of(text: &str, form: Form) -> Result<Value> {
    match form {
        Form::Json => parse_json_strict(text).map_err(|error| {
            let code = if error.is_duplicate { ErrorCode::KeyDuplicate } else { ErrorCode::JsonInvalid };
            let help = error.is_duplicate.then(|| "keep one of the two".to_owned());
            Error::new(code, format!("the text is not valid JSON: {error}"))
                .with_any_help(help)
                .with_path(error.path.clone())
                .with_detail("line", error.line)
                .with_detail("column", error.column)
        }),
        #[cfg(feature = "engine")]
        Form::Yaml => crate::codec::parse_yaml(text).map_err(|error| {
            Error::new(ErrorCode::YamlInvalid, format!("the text is not valid YAML: {error}"))
                .with_detail("line", error.line)
                .with_detail("column", error.column)
        }),
    }
}

impl Workflow {
    /// YAML text as `highway_dsl` 2.2.0 writes it: keys sorted, fields without a value left out.
    #[cfg(feature = "engine")]
    pub fn to_yaml(&self) -> String {
        let text = self.written(JsonWriter::without_nulls());
        // What is written here is JSON.
        crate::codec::write_yaml(&crate::codec::parse_json(&text).unwrap_or(Value::Null))
    }
}
