//! Whether findings point at something.

use highway_wasm::error::Diagnostic;
use serde_json::Value;

/// Every finding has a message and points at something in the document, or at what is missing in something.
pub(crate) fn check(document: &Value, findings: &[Diagnostic], about: &str) {
    for finding in findings {
        let shown = finding.to_json();
        assert!(!finding.message.is_empty() && finding.help.as_deref() != Some(""), "{about}: {shown}");
        for path in std::iter::once(&finding.path).chain(&finding.related) {
            assert!(path.is_empty() || path.starts_with('/'), "{about}: {shown}");
            let is_there = |path: &str| document.pointer(path).is_some();
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(is_there(path) || is_there(parent), "{about}: {shown} in {document}");
        }
    }
}
