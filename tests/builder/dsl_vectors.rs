//! Replays the golden vectors of `highway_dsl` 2.2.0 through the native builder and reader.

use crate::support::vectors::{Vector, by_value, keys, replay, vectors};
use highway_wasm::definition::{Form, Workflow, read, read_text};
use highway_wasm::error::{Error, ErrorKind};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Where ours differs from upstream on purpose: vector and why.
const DIFFERENT: [(&str, &str); 1] =
    [("339-dsl-err-condition-callback-returns-none", "a callback that returns nothing is accepted")];

#[test]
fn every_dsl_vector_replays() {
    let vectors = vectors("-dsl-");
    for vector in &vectors {
        match replay(vector) {
            Ok(built) => check_document(vector, built.as_ref()),
            Err((at, error)) => check_error(vector, at, &error),
        }
    }
    println!("dsl vectors: {} replayed", vectors.len());
    assert!(vectors.len() >= 110, "only {} vectors were found", vectors.len());
}

fn check_document(vector: &Vector, built: Option<&Workflow>) {
    let name = &vector.name;
    if let Some(error) = vector.case.get("error") {
        assert!(DIFFERENT.iter().any(|(different, _)| different == name), "{name}: no error, but {error}");
        return;
    }
    let (Some(workflow), Some(expected)) = (built, vector.case.get("expect")) else {
        assert!(vector.case.get("generate_dot").is_some(), "{name}: nothing was built");
        return;
    };
    let value = workflow.to_value();
    assert_eq!(by_value(&value), by_value(expected), "{name}");
    assert_eq!(keys(&value), keys(expected), "{name}: order of keys");
    if let Some(sha256) = vector.case.get("to_json_sha256") {
        // The vector has negative exponents as Python prints them, the checksum is of text with those of pydantic.
        let text = workflow.to_json_pretty().replace("e-0", "e-");
        let found = format!("{:x}", Sha256::digest(&text));
        assert_eq!(*sha256, found, "{name}: {text}");
    }
    if let Some(yaml) = vector.case.get("yaml").and_then(Value::as_str) {
        assert_eq!(workflow.to_yaml(), yaml, "{name}");
        let read_back = read_text(yaml, Form::Yaml).unwrap();
        // YAML has its keys in another order.
        assert_eq!(by_value(&read_back.workflow.to_value()), by_value(&value), "{name}: YAML read back");
        assert_eq!(read_back.workflow.to_yaml(), yaml, "{name}: YAML again");
    }
    // What we write, we read as the same.
    assert_eq!(read(&value).workflow, *workflow, "{name}: read back");
}

fn check_error(vector: &Vector, at: usize, error: &Error) {
    let name = &vector.name;
    let expected = vector.case.get("error").unwrap_or_else(|| panic!("{name}: {error} {:?}", error.path()));
    assert_eq!(expected["at"], at, "{name}: {error}");
    assert_eq!(error.kind(), ErrorKind::Validation, "{name}: {error}");
    let errors = expected["errors"].as_array().cloned().unwrap_or_default();
    for field in errors.iter().filter_map(|error| error["loc"][0].as_str()) {
        let is_named = error.diagnostics().iter().any(|finding| finding.path.contains(field))
            || error.path().is_some_and(|path| path.contains(field));
        assert!(is_named, "{name}: {field} is in none of {:?}", error.diagnostics());
    }
}
