//! Replays the golden vectors of the Python driver 0.9.1 through the native builder.

use crate::support::vectors::{Vector, by_value, keys, vectors};
use highway_wasm::builder::{Driver, Registration, RunSettings};
use highway_wasm::error::{Error, ErrorKind};
use serde_json::{Map, Value, json};

#[test]
fn every_driver_vector_replays() {
    let vectors = vectors("-driver-");
    for vector in &vectors {
        replay(vector);
    }
    println!("driver vectors: {} replayed", vectors.len());
    assert!(vectors.len() >= 70, "only {} vectors were found", vectors.len());
}

fn replay(Vector { name, case }: &Vector) {
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
            "build" => {
                let inputs = call["params"]["inputs"].as_object().cloned().unwrap_or_default();
                let timeout = call["params"]["workflow_timeout"].as_number().cloned();
                match driver.build(&RunSettings { timeout, inputs }, "12345678") {
                    Ok(document) => {
                        built = Some(document);
                        None
                    }
                    Err(error) => Some(error),
                }
            }
            "run" => driver.check().err(),
            // Needs a key: the client's part, replayed through the npm package.
            "status" | "cancel" | "logs" | "schedules" => None,
            method => {
                let registration = Registration::of_method(&camel_case(method));
                let registration = registration.unwrap_or_else(|| panic!("{name}: unknown method {method}"));
                driver.register(registration, call["name"].as_str().unwrap(), &task_options(call)).err()
            }
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
    let source = call["python"]["normalized"].as_str().unwrap_or_default();
    if ["foreach", "while_loop"].iter().any(|method| call["method"] == *method) {
        options.insert("py".into(), source.into());
    }
    for (key, value) in call["params"].as_object().unwrap() {
        let value = value.get("$timedelta").unwrap_or(value).clone();
        match key.as_str() {
            "shell" | "http" => drop(options.insert(key.clone(), returned.clone())),
            "py" => drop(options.insert(key.clone(), source.into())),
            "durable" if call["method"] == "task" && value == true && !source.is_empty() => {
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

/// The document of one task with these options.
fn task_of(options: &Value) -> Value {
    let mut driver = Driver::new(None);
    driver.task("a", options).unwrap();
    driver.build(&RunSettings::default(), "").unwrap()["tasks"]["a"].clone()
}

#[test]
fn numbers_keep_their_digits() {
    for digits in ["0.3333333333333333", "1e-10", "1e16", "5e-324", "1.7976931348623157e308", "0.1", "3"] {
        let number: Value = serde_json::from_str(digits).unwrap();
        let task = task_of(&json!({"shell": "true", "retries": 1, "retryDelay": number, "timeout": number}));
        assert_eq!(task["retry_policy"]["initial_interval_seconds"], number);
        assert_eq!(task["timeout_seconds"], number);
    }
    let timeout = Some(serde_json::from_str("1e300").unwrap());
    let settings = RunSettings { timeout, ..RunSettings::default() };
    assert_eq!(Driver::new(None).build(&settings, "").unwrap()["timeout_seconds"].to_string(), "1e+300");
}

#[test]
fn durations_are_rounded_to_microseconds_first() {
    let mut driver = Driver::new(None);
    driver.task("late", &json!({"shell": "true", "delay": {"days": 0.7}})).unwrap();
    driver.task("often", &json!({"shell": "true", "schedule": {"days": 2.675}})).unwrap();
    let document = driver.build(&RunSettings::default(), "").unwrap();
    assert_eq!(document["tasks"]["late_wait"]["wait_for"], "PT60480S");
    assert_eq!(document["schedule"], "@every 231120s");
    let none = Driver::new(None).task("a", &json!({"shell": "true", "delay": 1e-7})).unwrap_err();
    assert_eq!(none.path(), Some("/delay"));
}

#[test]
fn a_package_without_a_name_is_none() {
    let options = json!({"durable": "def a(ctx): pass", "package": "", "entrypoint": "x:y"});
    assert_eq!(task_of(&options)["args"], json!(["driver_tasks.tasks._hw_a"]));
}

#[test]
fn commands_and_python_source_take_an_environment() {
    let env = json!({"NAME": "{{inputs.name}}"});
    assert_eq!(task_of(&json!({"shell": "echo $NAME", "env": env}))["kwargs"], json!({"env": env}));
    assert_eq!(task_of(&json!({"py": "print(1)", "env": env}))["kwargs"]["env"], env);
    assert_eq!(task_of(&json!({"shell": "true", "env": {}}))["kwargs"], json!({}));
    for (options, path) in [
        (json!({"shell": "true", "env": {"A": 1}}), "/env/A"),
        (json!({"shell": "true", "env": ["A=1"]}), "/env"),
        (json!({"http": {"url": "http://x"}, "env": env}), "/env"),
    ] {
        assert_eq!(Driver::new(None).task("a", &options).unwrap_err().path(), Some(path));
    }
}
