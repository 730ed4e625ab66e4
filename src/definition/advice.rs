//! Advice on words and values that Highway does not know: users bring the words of the driver and of other tools. Each
//! function returns what to write instead.

use crate::json::write_json;
use crate::text::replaced;
use crate::text::suggest::did_you_mean;
use serde_json::{Map, Value};

/// One way to write it in Highway: the field that a reader must accept there, and the advice. `{}` stands for the
/// value.
type Instead = (&'static str, &'static str);

const NEEDS: &[Instead] = &[("dependencies", "write `dependencies: {list}`")];
const LIMIT: &[Instead] = &[
    ("function", "write `timeout_policy: {timeout: {}}`"),
    ("deadline_seconds", "write `deadline_seconds: {}`"),
    ("timeout_seconds", "write `timeout_seconds: {}`"),
];
const RETRIES: &[Instead] = &[
    ("retry_policy", "write `retry_policy: {max_retries: {}}`"),
    ("default_retry_policy", "write `default_retry_policy: {max_retries: {}}`"),
    ("max_retries", "write `max_retries: {}`"),
];
const MOST: &[Instead] = &[("max_retries", "write `max_retries: {}`"), ("timeout", "write `timeout: {}`")];
const ATTEMPTS: &[Instead] = &[
    ("retry_policy", "write `retry_policy: {max_attempts: {}}`"),
    ("default_retry_policy", "write `default_retry_policy: {max_attempts: {}}`"),
    ("max_retries", "write `max_attempts: {}`"),
];
const SHELL: &[Instead] = &[
    ("function", "write `function: tools.shell.run` and `args: [{}]`"),
    ("task_id", "write `operator_type: task`, `function: tools.shell.run` and `args: [{}]`"),
];
const CODE: &[Instead] = &[
    ("function", "write `function: tools.code.exec` and `args: [{}]`"),
    ("task_id", "write `operator_type: task`, `function: tools.code.exec` and `args: [{}]`"),
];
const HTTP: &[Instead] = &[
    ("function", "write `function: tools.http.request` and `kwargs: {url: …}`"),
    ("task_id", "write `operator_type: task`, `function: tools.http.request` and `kwargs: {url: …}`"),
];
const CHOICE: &[Instead] = &[(
    "task_id",
    "a task has no condition: put an operator before it, `operator_type: condition` with `condition`, `if_true` and `if_false`",
)];
const BODY: &[Instead] = &[("loop_body", "write `loop_body`")];
const EACH: &[Instead] = &[
    ("items", "write `items: {}`"),
    ("task_id", "a loop is an operator: `operator_type: foreach` with `items` and `loop_body`"),
];
const RESULT: &[Instead] = &[("result_key", "write `result_key: {}`")];
const PAUSE: &[Instead] = &[
    ("wait_for", "write `wait_for: {}`"),
    ("task_id", "put a wait before it: `operator_type: wait` with `wait_for: {}`"),
];
const STARTS: &[Instead] =
    &[("schedule", "write `schedule`"), ("task_id", "`schedule` is a field of the workflow, not of a task")];
const TASKS: &[Instead] = &[("tasks", "write `tasks`"), ("loop_body", "write `loop_body`")];
const VALUES: &[Instead] = &[
    ("variables", "write `variables: {name: value}`"),
    ("kwargs", "write arguments of the tool as `kwargs: {name: value}`"),
];
const PLACES: &[Instead] =
    &[("variables", "write `variables: {name: value}`"), ("kwargs", "write `kwargs: {env: {NAME: value}}`")];
const ANYWAY: &[Instead] = &[(
    "task_id",
    "give the tasks after it `trigger_rule: all_done`: they start whether it completes or fails",
)];

/// Words of other tools, and what Highway has instead.
const WORDS: &[(&[&str], &[Instead])] = &[
    (
        &["depends", "depends_on", "dependsOn", "needs", "requires", "after", "upstream", "upstream_tasks"],
        NEEDS,
    ),
    (&["timeout", "timeout_seconds", "time_limit", "deadline"], LIMIT),
    (&["retries", "retry", "max_retries"], RETRIES),
    (&["max_attempts", "attempts"], ATTEMPTS),
    (&["retry_policy"], &[("default_retry_policy", "write `default_retry_policy`")]),
    (&["run", "shell", "bash", "sh", "script"], SHELL),
    (&["py", "python"], CODE),
    (&["http", "fetch"], HTTP),
    (&["if", "when", "only_if", "condition", "unless"], CHOICE),
    (&["continue_on_error", "allow_failure", "ignore_errors", "ignore_failure"], ANYWAY),
    (&["max", "limit", "count", "times"], MOST),
    (&["seconds"], &[("timeout", "write `timeout: {}`")]),
    (&["cwd", "working_directory", "working_dir", "workdir"], &[("kwargs", "write `kwargs: {cwd: {}}`")]),
    (&["name", "title"], &[("description", "write `description: {}`")]),
    (&["then"], &[("if_true", "write `if_true: {}`")]),
    (&["else"], &[("if_false", "write `if_false: {}`")]),
    (&["do", "body", "steps", "tasks"], BODY),
    (&["foreach", "for_each", "loop", "in", "with_items"], EACH),
    (&["event", "emit", "wait_for_event"], &[("event_name", "write `event_name: {}`")]),
    (&["data"], &[("payload", "write `payload: {}`")]),
    (&["output", "outputs", "result", "register", "save_as"], RESULT),
    (&["delay", "sleep", "seconds", "duration"], PAUSE),
    (&["cron", "schedule", "every", "on", "triggers", "trigger", "schedule_interval"], STARTS),
    (&["steps", "jobs", "stages"], TASKS),
    (&["inputs", "input", "vars", "params", "parameters", "with", "arguments", "default_args"], VALUES),
    (&["env", "envs", "environment"], PLACES),
    (
        &["timezone", "tz", "time_zone"],
        &[("schedule", "write the zone into it: `schedule: \"CRON_TZ={name} 0 2 * * *\"`")],
    ),
    (&["on_failure", "on_error", "catch"], &[("on_failure_task_id", "write `on_failure_task_id: {}`")]),
    (&["on_success"], &[("on_success_task_id", "write `on_success_task_id: {}`")]),
    (&["tool", "uses", "action"], &[("function", "write `function: {}`")]),
    (&["type", "kind", "operator"], &[("operator_type", "write `operator_type: {}`")]),
    (&["id"], &[("task_id", "write `task_id: {}`")]),
    (&["concurrency", "max_runs"], &[("max_active_runs", "write `max_active_runs: {}`")]),
];

/// The advice on an unknown field `word`, if one of its replacements is among the known `fields`.
pub(super) fn of_word(word: &str, value: &Value, fields: &[&[&str]]) -> Option<String> {
    let is_field = |name: &str| fields.iter().any(|list| list.contains(&name));
    let near = || did_you_mean(word, fields.iter().copied().flatten().copied());
    let spelt = snake(word);
    let is_listed = |words: &[&str]| words.iter().any(|known| *known == word || *known == spelt);
    let mut ways = WORDS.iter().filter(|(words, _)| is_listed(words)).flat_map(|(_, ways)| *ways);
    let known = ways.find(|(field, _)| is_field(field)).map(|(_, text)| filled(text, value));
    known.or_else(near).or_else(|| {
        is_field("kwargs").then(|| {
            let value = short(value);
            format!("write an argument of the tool as `kwargs: {{{word}: {value}}}`; put data of your own into `metadata`")
        })
    })
}

/// The word in snake case, as Highway spells fields: `maxRetries` and `max-retries` become `max_retries`.
fn snake(word: &str) -> String {
    let mut snake = String::new();
    for letter in word.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
    }
    snake
}

/// The advice on an operator type of another tool.
pub(super) fn of_type(word: &str) -> Option<&'static str> {
    const TYPES: [(&[&str], &str); 6] = [
        (
            &["shell", "bash", "sh", "command", "run", "script"],
            "write `operator_type: task`, `function: tools.shell.run` and `args: [command]`",
        ),
        (
            &["python", "py", "code"],
            "write `operator_type: task`, `function: tools.code.exec` and `args: [source]`",
        ),
        (
            &["http", "request", "fetch", "webhook"],
            "write `operator_type: task`, `function: tools.http.request` and `kwargs: {url: …}`",
        ),
        (
            &["approval", "approve", "manual"],
            "write `operator_type: task` and `function: tools.approval.request`",
        ),
        (
            &["if", "branch", "choice"],
            "write `operator_type: condition` with `condition`, `if_true` and `if_false`",
        ),
        (&["for", "loop", "map"], "write `operator_type: foreach` with `items` and `loop_body`"),
    ];
    TYPES.iter().find(|(words, _)| words.contains(&word)).map(|(_, help)| *help)
}

/// The advice on an entry of `tasks` that names no operator type, judged by its fields.
pub(super) fn of_operator(map: &Map<String, Value>) -> Option<String> {
    if map.contains_key("function") {
        return Some("write `operator_type: task`".to_owned());
    }
    map.iter().find_map(|(word, value)| {
        let ways = [SHELL, CODE, HTTP, EACH];
        let known = WORDS.iter().find(|(words, _)| words.contains(&word.as_str()))?.1;
        ways.into_iter().find(|ways| *ways == known).and_then(|ways| Some(filled(ways.last()?.1, value)))
    })
}

/// The advice on a value of the wrong type: how to write it in this field.
pub(super) fn of_value(field: &str, expected: &str, value: &Value) -> Option<String> {
    let is_plain = !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    match (field, expected) {
        ("retry_policy" | "default_retry_policy", "an object") if value.is_number() => {
            Some(format!("write `{field}: {{max_retries: {}}}`", short(value)))
        }
        ("timeout_policy", "an object") if is_plain => {
            Some(format!("write `timeout_policy: {{timeout: {}}}`", short(value)))
        }
        ("circuit_breaker_policy", "an object") if value.is_number() => {
            Some(format!("write `circuit_breaker_policy: {{failure_threshold: {}}}`", short(value)))
        }
        ("tasks", "an object") => {
            Some("write each task under its id: `tasks: {backup: {task_id: backup, …}}`".to_owned())
        }
        ("kwargs" | "variables" | "payload" | "metadata", "an object") => {
            Some(format!("write `{field}: {{name: value}}`"))
        }
        ("schedule", "text") => Some(schedule(value)),
        (_, "a list") if is_plain => Some(format!("write `{field}: [{}]`", short(value))),
        _ => None,
    }
}

/// A schedule of another tool as cron text or `@every`.
fn schedule(value: &Value) -> String {
    const UNITS: [(&str, u64); 4] = [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let part = |(unit, seconds): (&str, u64)| value.get(unit)?.as_u64()?.checked_mul(seconds);
    let all = UNITS.into_iter().filter_map(part).fold(0_u64, u64::saturating_add);
    match value {
        Value::Object(_) if all > 0 && all % 60 == 0 => format!("write `schedule: \"@every {}m\"`", all / 60),
        Value::Object(_) if all > 0 => format!("write `schedule: \"@every {all}s\"`"),
        Value::Number(seconds) => {
            format!(
                "write seconds as `schedule: \"@every {seconds}s\"`, and cron as `schedule: \"0 2 * * *\"`"
            )
        }
        _ => "write cron, `schedule: \"0 2 * * *\"`, or `schedule: \"@every 90s\"`".to_owned(),
    }
}

fn filled(text: &str, value: &Value) -> String {
    let list = if value.is_array() { short(value) } else { format!("[{}]", short(value)) };
    replaced(&replaced(text, "{list}", &list), "{}", &short(value))
}

/// The value, shortened for an example in a message.
fn short(value: &Value) -> String {
    const LONGEST: usize = 40;
    let text = match value {
        Value::Null | Value::Object(_) => "…".to_owned(),
        other => write_json(other),
    };
    if text.len() > LONGEST { "…".to_owned() } else { text }
}
