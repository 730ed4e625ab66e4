//! Findings in a user's document.

use super::{Error, ErrorCode};
use serde::Serialize;
use serde_json::{Map, Value};

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The workflow is not accepted, or cannot run as written.
    Error,
    /// The workflow runs, but probably not as intended.
    Warning,
    /// A fact worth knowing.
    Info,
}

impl Severity {
    /// `"error"`, `"warning"` or `"info"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One finding in a workflow definition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    /// The kind of the finding.
    pub code: ErrorCode,
    /// How serious it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, user input in backticks.
    pub message: String,
    /// JSON pointer to the culprit, `""` for the whole document.
    pub path: String,
    /// The line of the culprit in the text of the document, from 1: of the key of a field, or of an item of a list. `None`
    /// without a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Its column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What the user can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// JSON pointers to other places that belong to the finding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

impl Diagnostic {
    /// A finding that keeps the workflow from running.
    pub fn error(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            path: path.into(),
            help: None,
            related: Vec::new(),
            line: None,
            column: None,
        }
    }

    /// A finding that does not keep the workflow from running.
    pub fn warning(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// A fact worth knowing.
    pub fn info(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(code, path, message) }
    }

    /// Whether it keeps the workflow from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Whether any of the findings is an error.
    pub fn any_error(findings: &[Self]) -> bool {
        findings.iter().any(Self::is_error)
    }

    /// The finding with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The finding with advice, if there is any.
    #[must_use]
    pub fn with_any_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The finding with a JSON pointer to another place that belongs to it.
    #[must_use]
    pub fn with_related(mut self, path: impl Into<String>) -> Self {
        self.related.push(path.into());
        self
    }

    /// `{code, severity, message, path, line?, column?, help?, related?}`.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("code".into(), self.code.as_str().into());
        object.insert("severity".into(), self.severity.as_str().into());
        object.insert("message".into(), self.message.as_str().into());
        object.insert("path".into(), self.path.as_str().into());
        if let (Some(line), Some(column)) = (self.line, self.column) {
            object.insert("line".into(), line.into());
            object.insert("column".into(), column.into());
        }
        if let Some(help) = &self.help {
            object.insert("help".into(), help.as_str().into());
        }
        if !self.related.is_empty() {
            let related = self.related.iter().map(|path| Value::from(path.as_str())).collect();
            object.insert("related".into(), Value::Array(related));
        }
        Value::Object(object)
    }
}

impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Self {
        let finding = Self::error(error.code(), error.path().unwrap_or_default(), error.message());
        let number = |key: &str| usize::try_from(error.details().get(key)?.as_u64()?).ok();
        let (line, column) = (number("line"), number("column"));
        Self { line, column, ..finding.with_any_help(error.help().map(str::to_owned)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_the_same_by_serde() {
        let bare = Diagnostic::info(ErrorCode::ScheduleInvalid, "", "a fact");
        let full = Diagnostic {
            line: Some(3),
            column: Some(7),
            ..Diagnostic::warning(ErrorCode::DependencyUnknown, "/tasks/a", "a slip")
                .with_help("do")
                .with_related("/b")
        };
        for finding in [bare, full] {
            let by_serde = serde_json::to_string(&finding).unwrap();
            assert_eq!(by_serde, finding.to_json().to_string());
        }
    }
}
