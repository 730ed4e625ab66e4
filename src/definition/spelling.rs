//! Makes findings name fields as the document spells them, since the driver spells some differently, and drops findings
//! that follow from a value that could not be read.

use crate::error::{Diagnostic, ErrorCode};
use crate::text::names::NameIndex;
use serde_json::Value;

/// Fields of the model, and their other name in a document.
const SPELLINGS: [(&str, &str); 5] = [
    ("/timeout_policy/timeout", "/timeout_seconds"),
    ("/isolation_duration", "/isolation_duration_seconds"),
    ("/max_retries", "/max_attempts"),
    ("/delay", "/initial_interval_seconds"),
    ("/backoff_factor", "/backoff_coefficient"),
];

/// Changes the paths of the findings to the fields that the document has; the findings of the reader come first. Where
/// a value could not be read, rules saw a default, so their findings about it are dropped.
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
