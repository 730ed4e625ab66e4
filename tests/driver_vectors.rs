//! Replays the golden vectors of the Python driver 0.9.1 through the native builder.

use highway_wasm::builder::{Driver, RunSettings};
use highway_wasm::error::{Error, ErrorKind};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Vectors that need durable functions, loops or events; a reason stands in the skip line.
const NOT_YET: [(&str, &str); 3] =
    [("durable", "durable Python"), ("foreach while_loop", "loops"), ("emit wait_for", "events")];

#[test]
fn every_driver_vector_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().get(3..).unwrap().starts_with("-driver-"))
        .collect();
    names.sort();
    let (mut replayed, mut skipped) = (0, 0);
    for path in &names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        if let Some(reason) = skip_reason(&case) {
            println!("skipped {name}: needs {reason}");
            skipped += 1;
        } else {
            replay(name, &case);
            replayed += 1;
        }
    }
    println!("driver vectors: {replayed} replayed, {skipped} skipped");
    assert!(replayed >= 50, "only {replayed} vectors were found");
}

fn skip_reason(case: &Value) -> Option<&'static str> {
    let calls = case["calls"].as_array().unwrap();
    // A durable task whose own options are refused needs nothing more to be replayed.
    let refused_at_task = case["error"]["at"]
        .as_u64()
        .is_some_and(|at| calls[usize::try_from(at).unwrap()]["method"] == "task");
    NOT_YET.iter().find_map(|(words, reason)| {
        calls
            .iter()
            .any(|call| {
                words.split(' ').any(|word| {
                    call["method"] == *word || (call["params"][word] == json!(true) && !refused_at_task)
                })
            })
            .then_some(*reason)
    })
}

fn replay(name: &str, case: &Value) {
    let mut driver = Driver::new(None);
    let mut built = None;
    for (at, call) in case["calls"].as_array().unwrap().iter().enumerate() {
        let failure = match call["method"].as_str().unwrap() {
            "new" => {
                driver = Driver::new(call["params"]["name"].as_str());
                None
            }
            "clear" => {
                driver = Driver::new(None);
                None
            }
            "task" => driver.task(call["name"].as_str().unwrap(), &task_options(call)).err(),
            "build" => {
                let inputs = call["params"]["inputs"].as_object().cloned().unwrap_or_default();
                let timeout = call["params"]["workflow_timeout"].as_f64();
                built = Some(driver.build(&RunSettings { timeout, inputs }, "12345678").to_driver_json());
                None
            }
            "run" => driver.check().err(),
            // Needs a key: the client's part, replayed through the npm package.
            "status" | "cancel" | "logs" | "schedules" => None,
            other => panic!("{name}: unknown method {other}"),
        };
        if let Some(error) = failure {
            check_error(name, case, at, &error);
            return;
        }
    }
    if let Some(expected) = case.get("expect") {
        let built = built.unwrap_or_else(|| panic!("{name}: nothing was built"));
        let mut expected = expected.clone();
        expected.as_object_mut().unwrap().remove("schedules");
        assert_eq!(by_value(&built), by_value(&expected), "{name}");
        assert_eq!(keys(&built), keys(&expected), "{name}: order of keys");
    } else {
        let kind = case["error"]["type"].as_str().unwrap();
        assert_eq!(kind, "ConfigurationError", "{name}: no error was raised");
    }
}

fn check_error(name: &str, case: &Value, at: usize, error: &Error) {
    let expected = case.get("error").unwrap_or_else(|| panic!("{name}: {error}"));
    assert_eq!(expected["at"], at, "{name}: {error}");
    let kind = expected["type"].as_str().unwrap();
    // Python's plain ValueError marks an option out of range; ours is a definition error with a code.
    let allowed: &[ErrorKind] = match kind {
        "TaskDefinitionError" | "ValueError" => &[ErrorKind::TaskDefinition],
        other => panic!("{name}: unexpected {other}"),
    };
    assert!(allowed.contains(&error.kind()), "{name}: {:?} instead of {kind}", error.kind());
    // Whatever Python's message quotes, ours quotes too.
    let message = expected["message"].as_str().unwrap();
    for quoted in
        message.split('\'').skip(1).step_by(2).filter(|text| !text.contains([':', '.']) && !text.is_empty())
    {
        assert!(error.message().contains(quoted), "{name}: `{quoted}` is missing in: {error}");
    }
}

/// The options as JavaScript passes them: Python's switch and the value its function returns become one.
fn task_options(call: &Value) -> Value {
    let mut options = Map::new();
    let returned = call.get("returns").cloned().unwrap_or(Value::Null);
    for (key, value) in call["params"].as_object().unwrap() {
        let value = value.get("$timedelta").unwrap_or(value).clone();
        match key.as_str() {
            "shell" | "http" => drop(options.insert(key.clone(), returned.clone())),
            "py" => {
                let source = call["python"]["normalized"].as_str().unwrap_or_default();
                options.insert(key.clone(), source.into());
            }
            "tool" => {
                options.insert("kwargs".into(), returned.clone());
                options.insert(key.clone(), value);
            }
            "workflow" | "workflow_id" => {
                if let Some(inputs) = returned.get("inputs") {
                    options.insert("inputs".into(), inputs.clone());
                }
                options.insert(camel_case(key), value);
            }
            _ => drop(options.insert(camel_case(key), value)),
        }
    }
    Value::Object(options)
}

fn camel_case(key: &str) -> String {
    let mut parts = key.split('_');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.extend(part.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }));
    }
    out
}

/// Numbers by value: `2` and `2.0` are the same.
fn by_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(by_value).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), by_value(value))).collect(),
        other => other.clone(),
    }
}

fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| std::iter::once(key.clone()).chain(keys(value))).collect()
        }
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}
