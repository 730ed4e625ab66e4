//! Errors and diagnostics: what is wrong, where, and what to do about it.
//!
//! An [`Error`] ends a call. A [`Diagnostic`] is a finding in a user's document. It is data and never thrown; all
//! findings are reported at once. Both use the closed list [`ErrorCode`].

mod code;
mod diagnostic;

pub use code::{ErrorCode, ErrorKind};
pub use diagnostic::{Diagnostic, Severity};

use crate::json::object;
use serde_json::{Map, Value};
use std::fmt;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<ErrorData>);

#[derive(Clone, Debug, PartialEq)]
struct ErrorData {
    code: ErrorCode,
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    path: Option<String>,
    details: Map<String, Value>,
    diagnostics: Vec<Diagnostic>,
}

/// Result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a message: lower case, no full stop, user input in backticks.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorData {
            code,
            kind: code.kind(),
            message: message.into(),
            help: None,
            path: None,
            details: Map::new(),
            diagnostics: Vec::new(),
        }))
    }

    /// One error that carries all `diagnostics`; `None` if there are none. It has the code, the path and the help of
    /// the first one.
    pub fn from_diagnostics(diagnostics: Vec<Diagnostic>) -> Option<Self> {
        let first = diagnostics.first()?;
        let message = match diagnostics.len() {
            1 => first.message.clone(),
            count => format!("{} (and {} more)", first.message, count - 1),
        };
        let mut error = Self::new(first.code, message).with_path(first.path.clone());
        error.0.help.clone_from(&first.help);
        error.0.diagnostics = diagnostics;
        Some(error)
    }

    /// The error with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The error with advice, if there is any.
    #[must_use]
    pub fn with_any_help(mut self, help: Option<String>) -> Self {
        self.0.help = help.or(self.0.help);
        self
    }

    /// The error with a JSON pointer to the culprit.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// The error with another class.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The error with a machine-readable detail.
    #[must_use]
    pub fn with_detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.into(), value.into());
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The class.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message, without code or advice.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// JSON pointer to the culprit.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Machine-readable details, such as `status` or `retryAfter`.
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// The findings that the error carries.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// `{name, code, message, help?, path?, details?, diagnostics?}`, the form for JavaScript.
    pub fn to_json(&self) -> Value {
        let data = &self.0;
        let mut value = object([
            ("name", data.kind.class_name().into()),
            ("code", data.code.as_str().into()),
            ("message", data.message.as_str().into()),
        ]);
        if let Value::Object(object) = &mut value {
            if let Some(help) = &data.help {
                object.insert("help".into(), help.as_str().into());
            }
            if let Some(path) = &data.path {
                object.insert("path".into(), path.as_str().into());
            }
            if !data.details.is_empty() {
                object.insert("details".into(), Value::Object(data.details.clone()));
            }
            if !data.diagnostics.is_empty() {
                object.insert(
                    "diagnostics".into(),
                    Value::Array(data.diagnostics.iter().map(Diagnostic::to_json).collect()),
                );
            }
        }
        value
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_screaming_snake_text() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} is used twice");
            assert!(text.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{text}");
        }
    }

    #[test]
    fn an_error_for_several_findings_counts_the_others() {
        let findings = vec![
            Diagnostic::error(ErrorCode::DependencySelf, "/tasks/a", "first").with_help("do"),
            Diagnostic::error(ErrorCode::DependencyCycle, "/tasks/b", "second"),
        ];
        let error = Error::from_diagnostics(findings).unwrap();
        assert_eq!(error.message(), "first (and 1 more)");
        assert_eq!(error.code(), ErrorCode::DependencySelf);
        assert_eq!(error.path(), Some("/tasks/a"));
        assert_eq!(error.help(), Some("do"));
        assert_eq!(error.to_json()["diagnostics"].as_array().unwrap().len(), 2);
    }
}
