//! Golden vectors, and how documents are compared with them.

use highway_wasm::builder::WorkflowBuilder;
use highway_wasm::definition::{Workflow, read};
use highway_wasm::error::Error;
use highway_wasm::json::parse_json;
use serde_json::{Map, Value, json};
use std::path::Path;

/// One vector.
pub(crate) struct Vector {
    /// Name of its file, without the ending.
    pub(crate) name: String,
    /// Its content.
    pub(crate) case: Value,
}

impl Vector {
    /// The calls to make.
    pub(crate) fn calls(&self) -> &[Value] {
        self.case["calls"].as_array().unwrap()
    }
}

/// The vectors whose names have `kind` behind their number, in order.
pub(crate) fn vectors(kind: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name().unwrap().to_str().unwrap().get(3..).is_some_and(|rest| rest.starts_with(kind))
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| Vector {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            case: serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        })
        .collect()
}

/// Numbers by value: `2` and `2.0` are the same.
pub(crate) fn by_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(by_value).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), by_value(value))).collect(),
        other => other.clone(),
    }
}

/// All keys at every depth, in order.
pub(crate) fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| std::iter::once(key.clone()).chain(keys(value))).collect()
        }
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

/// The workflow of the calls, or the call that failed.
pub(crate) fn replay(vector: &Vector) -> Result<Option<Workflow>, (usize, Error)> {
    let mut builder: Option<WorkflowBuilder> = None;
    let mut workflow: Option<Workflow> = None;
    for (at, call) in vector.calls().iter().enumerate() {
        let params = plain(&call["params"]);
        let failed = |error: Error| (at, error);
        match call["method"].as_str().unwrap() {
            "new" => builder = Some(WorkflowBuilder::new(&params).map_err(failed)?),
            "build" => workflow = Some(builder.take().unwrap().build().map_err(failed)?.workflow),
            "from_json" => {
                let text = params["json"].to_string();
                let document = read(&parse_json(&text).unwrap());
                let errors: Vec<_> =
                    document.diagnostics.iter().filter(|it| it.is_error()).cloned().collect();
                Error::from_diagnostics(errors).map_or(Ok(()), Err).map_err(failed)?;
                workflow = Some(document.workflow);
            }
            "generate_dot" => return Ok(None),
            method => match method.strip_prefix("workflow.") {
                Some(setter) => {
                    let existing = json!({ "existing_workflow": workflow.as_ref().unwrap().to_value() });
                    let mut builder = WorkflowBuilder::new(&existing).unwrap();
                    builder.call(setter, params).map_err(failed)?;
                    workflow = Some(builder.build().unwrap().workflow);
                }
                None => builder.as_mut().unwrap().call(method, params).map_err(failed)?,
            },
        }
    }
    Ok(workflow)
}

/// The parameters as plain data: policies as objects, durations as seconds, callbacks as lists of calls.
fn plain(value: &Value) -> Value {
    let Value::Object(map) = value else {
        return match value {
            Value::Array(items) => items.iter().map(plain).collect(),
            other => other.clone(),
        };
    };
    for key in ["$timedelta", "$datetime", "$retry_policy", "$timeout_policy", "$circuit_breaker_policy"] {
        if let Some(inner) = map.get(key) {
            return plain(inner);
        }
    }
    if map.contains_key("$return_none") {
        return json!({ "$sub": [] });
    }
    let mut out = Map::new();
    for (key, item) in map {
        let item = match item {
            Value::Array(calls) if key == "$sub" => {
                calls.iter().map(|call| json!([call["method"], plain(&call["params"])])).collect()
            }
            other => plain(other),
        };
        out.insert(key.clone(), item);
    }
    Value::Object(out)
}
