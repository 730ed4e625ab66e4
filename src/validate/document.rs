//! All findings of a definition, from text or from a value.

use super::{Clocks, workflow};
use crate::definition::{Document, Form, in_text, read_text};
use crate::error::{Diagnostic, ErrorCode};

impl Document {
    /// The findings about its parts, and those of [`workflow`](fn@super::workflow) about the whole.
    pub fn validate<'a>(&self, clocks: impl Into<Clocks<'a>>) -> Vec<Diagnostic> {
        let mut findings = self.diagnostics.clone();
        // A part that could not be read is already reported as such.
        let is_unread = |it: &Diagnostic| it.path.is_empty() || it.path.starts_with("/tasks");
        if self.workflow.tasks.0.is_empty() && !findings.iter().any(is_unread) {
            let message = "the workflow has no tasks";
            let finding = Diagnostic::warning(ErrorCode::DocumentInvalid, "/tasks", message);
            findings.push(finding.with_help("write at least one task: without one, it does not run"));
        }
        findings.extend(workflow(&self.workflow, clocks));
        findings
    }
}

/// All findings about text that should be a definition. For `clocks` see [`workflow`](fn@super::workflow).
///
/// ```
/// use highway_wasm::definition::Form;
/// use highway_wasm::validate::validate_text;
///
/// let findings = validate_text("{\"name\": \"Bad\",\n \"tasks\": []}", Form::Json, None);
/// let found: Vec<_> = findings.iter().map(|it| (it.path.as_str(), it.line)).collect();
/// assert_eq!(found, [("/tasks", Some(2)), ("/name", Some(1))]);
/// ```
pub fn validate_text<'a>(text: &str, form: Form, clocks: impl Into<Clocks<'a>>) -> Vec<Diagnostic> {
    match read_text(text, form) {
        Ok(document) => findings(&document, text, form, clocks),
        Err(error) => vec![Diagnostic::from(&error)],
    }
}

/// All findings about a document that was read from `text`.
pub fn findings<'a>(
    document: &Document,
    text: &str,
    form: Form,
    clocks: impl Into<Clocks<'a>>,
) -> Vec<Diagnostic> {
    in_text(document.validate(clocks), text, form)
}
