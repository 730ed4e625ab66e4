//! What is fuzzed, and what must hold.

use crate::mutate::{self, Rng};
use highway_wasm::builder::{Driver, Registration, RunSettings, WorkflowBuilder};
use highway_wasm::definition::duration::{Duration, parse_iso};
use highway_wasm::definition::schedule::Schedule;
use highway_wasm::definition::{Form, Moment, read, read_text};
use highway_wasm::engine::plan;
use highway_wasm::error::Diagnostic;
use highway_wasm::expr;
use highway_wasm::json::{parse_json, parse_json_strict, write_json};
use highway_wasm::template::{Path, Syntax, paths};
use highway_wasm::validate::{self, validate_text};
use highway_wasm::yaml::parse_yaml;
use serde_json::{Map, Value, json};

/// What the cases start from.
pub(crate) struct Corpus {
    definitions: Vec<Value>,
    yaml: Vec<String>,
    calls: Vec<Value>,
    driver: Vec<Value>,
}

/// One case of a target.
type Target = fn(&Corpus, &mut Rng);

/// The targets by name.
pub(crate) const TARGETS: [(&str, Target); 9] = [
    ("json text", json_text),
    ("plain data", plain_data),
    ("yaml text", yaml_text),
    ("conditions and templates", conditions),
    ("calls of a workflow builder", calls),
    ("tasks of a driver", driver),
    ("schedules", schedules),
    ("durations", durations),
    ("moments", moments),
];

impl Corpus {
    /// The vectors.
    pub(crate) fn load() -> Self {
        let mut corpus =
            Self { definitions: Vec::new(), yaml: Vec::new(), calls: Vec::new(), driver: Vec::new() };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "json")) {
            let text = std::fs::read_to_string(path).unwrap();
            // The largest would leave little time for the others.
            if text.len() < 100_000 {
                corpus.add(&parse_json(&text).unwrap());
            }
        }
        assert!(corpus.definitions.len() > 100 && corpus.calls.len() > 80 && corpus.driver.len() > 40);
        corpus
    }

    fn add(&mut self, vector: &Value) {
        self.definitions.extend(vector.get("expect").filter(|it| it.get("tasks").is_some()).cloned());
        self.yaml.extend(vector.get("yaml").and_then(Value::as_str).map(str::to_owned));
        let (Some(api), Some(calls)) = (vector["api"].as_str(), vector["calls"].as_array()) else { return };
        match api {
            "dsl" => self
                .calls
                .push(calls.iter().map(|call| json!([call["method"], plain(&call["params"])])).collect()),
            "driver" => self.driver.push(calls.iter().map(task).collect()),
            _ => {}
        }
    }
}

/// A registration as `[method, name, options]`.
fn task(call: &Value) -> Value {
    let mut options = plain(&call["params"]);
    for key in ["shell", "http", "py", "durable"] {
        if options.get(key).is_some() {
            options[key] = call.get("returns").unwrap_or(&call["python"]["normalized"]).clone();
        }
    }
    json!([call["method"], call["name"], options])
}

/// Parameters with policies, times and callbacks as plain data.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let wrapped = map.iter().find(|(key, _)| key.starts_with('$') && *key != "$sub");
            if let Some((_, inner)) = wrapped {
                return plain(inner);
            }
            let entry = |(key, item): (&String, &Value)| match item {
                Value::Array(calls) if key == "$sub" => (
                    key.clone(),
                    calls.iter().map(|call| json!([call["method"], plain(&call["params"])])).collect(),
                ),
                other => (key.clone(), plain(other)),
            };
            Value::Object(map.iter().map(entry).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn check(findings: &[Diagnostic]) {
    for finding in findings {
        assert!(!finding.message.is_empty() && finding.help.as_deref() != Some(""), "{}", finding.to_json());
        assert!(finding.path.is_empty() || finding.path.starts_with('/'), "{}", finding.to_json());
    }
}

/// What holds of any document.
fn document(value: &Value) {
    let before = value.clone();
    let read_once = read(value);
    assert_eq!(*value, before);
    check(&read_once.diagnostics);
    check(&validate::workflow(&read_once.workflow, Some(0)));
    check(&plan(&read_once.workflow).1);
    let text = read_once.workflow.to_json();
    let again = read_text(&text, Form::Json).unwrap();
    assert_eq!(again.workflow.to_json(), text);
    if read_once.is_valid() {
        assert!(again.is_valid(), "{:?} in {text}", again.diagnostics);
        assert_eq!(again.workflow, read_once.workflow);
        let yaml = read_once.workflow.to_yaml();
        let again = read_text(&yaml, Form::Yaml).unwrap_or_else(|error| panic!("{error} in {yaml}"));
        assert_eq!(again.workflow.to_yaml(), yaml);
    }
}

fn json_text(corpus: &Corpus, rng: &mut Rng) {
    let (one, other) = (rng.pick(&corpus.definitions), rng.pick(&corpus.definitions));
    let text = mutate::text(&write_json(one), &write_json(other), rng);
    check(&validate_text(&text, Form::Json, Some(0)));
    if let Ok(value) = parse_json_strict(&text) {
        assert_eq!(parse_json(&write_json(&value)).unwrap(), value);
        document(&value);
    }
}

fn plain_data(corpus: &Corpus, rng: &mut Rng) {
    let mut value = rng.pick(&corpus.definitions).clone();
    mutate::value(&mut value, rng.pick(&corpus.definitions), rng);
    check(&validate_text(&write_json(&value), Form::Json, None));
    document(&value);
}

fn yaml_text(corpus: &Corpus, rng: &mut Rng) {
    let text = changed(&corpus.yaml, rng);
    check(&validate_text(&text, Form::Yaml, None));
    if let Ok(value) = parse_yaml(&text) {
        document(&value);
    }
}

/// One of the texts, with changes and parts of another one.
fn changed<T: AsRef<str>>(texts: &[T], rng: &mut Rng) -> String {
    let (one, other) = (rng.pick(texts).as_ref(), rng.pick(texts).as_ref());
    mutate::text(one, other, rng)
}

fn conditions(_: &Corpus, rng: &mut Rng) {
    const TEXTS: [&str; 5] = [
        "{{a.stdout}} == '200' and not ({{b[0].c}} > 5 or x in [1, 'y'])",
        "contains({{list}}, 'a') and -1.5e3 < n <= 10",
        "${a.b} is not none",
        "true",
        "'it\\'s {{a}}' != \"x\"",
    ];
    let text = changed(&TEXTS, rng);
    match expr::parse(&text) {
        Ok(parsed) => drop(format!("{parsed:?}")),
        Err(error) => assert!(text.is_char_boundary(error.offset) && !error.message.is_empty(), "{text}"),
    }
    for path in paths(&text, Syntax::BracesAndDollar) {
        // A key with both kinds of quotes cannot be written.
        if let Some(again) = Path::parse(&path.to_string()) {
            assert_eq!(again.to_string(), path.to_string());
        }
    }
}

fn calls(corpus: &Corpus, rng: &mut Rng) {
    let mut calls = rng.pick(&corpus.calls).clone();
    mutate::value(&mut calls, rng.pick(&corpus.calls), rng);
    let mut builder = WorkflowBuilder::new(&json!({"name": "w"})).unwrap();
    for call in calls.as_array().into_iter().flatten() {
        // What is refused is left out.
        let _ = builder.calls(json!([call]));
    }
    let Ok(built) = builder.build() else { return };
    check(&built.notes);
    document(&built.workflow.to_value());
}

fn driver(corpus: &Corpus, rng: &mut Rng) {
    let mut tasks = rng.pick(&corpus.driver).clone();
    mutate::value(&mut tasks, rng.pick(&corpus.driver), rng);
    let mut driver = Driver::new(None);
    for task in tasks.as_array().into_iter().flatten() {
        let part = |at: usize| task.get(at).and_then(Value::as_str).unwrap_or_default();
        let method = Registration::of_method(part(0)).unwrap_or(Registration::Task);
        let _ = driver.register(method, part(1), task.get(2).unwrap_or(&Value::Null));
    }
    check(&driver.validate(Some(0)));
    if let Ok(built) = driver.build(&RunSettings::default(), "0") {
        document(&built);
    }
}

fn schedules(_: &Corpus, rng: &mut Rng) {
    const TEXTS: [&str; 5] =
        ["*/15 8-18 1,15 jan-jun mon-fri", "@every 1h30m", "@daily", "0 0 29 2 *", "5/20 22-4 ? * 7"];
    let text = changed(&TEXTS, rng);
    match Schedule::parse(&text) {
        Ok(schedule) => {
            let firings = schedule.firings(1_767_225_600_000, 4);
            assert!(firings.windows(2).all(|pair| pair[0] < pair[1]), "{text}");
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
}

fn durations(_: &Corpus, rng: &mut Rng) {
    const TEXTS: [&str; 4] = ["P1DT2H3M4.5S", "-PT90S", "2 days, 1:00:00.5", "P1Y2M3W4D"];
    let text = changed(&TEXTS, rng);
    let _ = parse_iso(&text);
    if let Some(duration) = Duration::parse(&text) {
        assert_eq!(Duration::parse(&duration.to_string()), Some(duration), "{text}");
    }
}

fn moments(_: &Corpus, rng: &mut Rng) {
    const TEXTS: [&str; 4] =
        ["2030-01-31T12:00:00.5Z", "2030-W05-4 12:00+05:30", "20300131", "1969-12-31T23:59:59-0030"];
    let text = changed(&TEXTS, rng);
    if let Some(moment) = Moment::parse(&text) {
        assert_eq!(Moment::parse(moment.as_str()).as_ref(), Some(&moment), "{text}");
        let _ = moment.millis();
    }
}
