//! Findings name fields as the document does: the driver spells some of them differently. What cannot be read is told once.

use crate::error::{Diagnostic, ErrorCode};
use crate::names::NameIndex;
use serde_json::Value;

/// Fields of the model and what else they may be called in a document.
const SPELLINGS: [(&str, &str); 5] = [
    ("/timeout_policy/timeout", "/timeout_seconds"),
    ("/isolation_duration", "/isolation_duration_seconds"),
    ("/max_retries", "/max_attempts"),
    ("/delay", "/initial_interval_seconds"),
    ("/backoff_factor", "/backoff_coefficient"),
];

/// Points the findings about a document, those of its reader first, at the fields that it has. Rules see a default where a
/// value could not be read: what they say about that is left out.
pub(crate) fn as_written(mut findings: Vec<Diagnostic>, document: &Value) -> Vec<Diagnostic> {
    for finding in &mut findings {
        let other = SPELLINGS
            .iter()
            .find_map(|(model, written)| Some(format!("{}{written}", finding.path.strip_suffix(model)?)));
        if let Some(other) = other.filter(|other| document.pointer(other).is_some())
            && document.pointer(&finding.path).is_none()
        {
            finding.path = other;
        }
    }
    let is_unread = |finding: &Diagnostic| {
        finding.is_error() && matches!(finding.code, ErrorCode::FieldTypeInvalid | ErrorCode::FieldMissing)
    };
    let unread: Vec<String> =
        findings.iter().filter(|finding| is_unread(finding)).map(|finding| finding.path.clone()).collect();
    let unread = NameIndex::new(unread.iter().map(String::as_str));
    findings.retain(|finding| is_unread(finding) || unread.get(&finding.path).is_none());
    findings
}
