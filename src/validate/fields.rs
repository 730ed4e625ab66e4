//! The fields that the results of Highway's own tools have.

use crate::definition::{Operation, Operator};
use crate::template::Part;
use crate::text::has;
use crate::text::suggest::nearest;
use serde_json::Value;

/// The names of the fields at the top of a tool's result.
pub(super) type Fields = &'static [&'static str];

/// Other names for a field. The first of the listed fields that the result has is meant.
const USUAL: [(&[&str], Fields); 6] = [
    (&["output", "outputs", "out", "text", "value", "result"], &["stdout", "response"]),
    (&["data", "json", "content"], &["response", "stdout"]),
    (&["error", "errors", "err"], &["stderr"]),
    (&["code", "status", "exit", "rc", "exit_status", "return_code"], &["returncode", "status_code"]),
    (&["decision", "approve", "accepted", "answer"], &["approved"]),
    (&["header"], &["headers"]),
];

/// Names that other engines put around the fields of a result.
const AROUND: [&str; 6] = ["result", "results", "output", "outputs", "data", "json"];

/// The fields of the result of an operator; `None` unless it calls a tool of Highway that adds no fields of its own.
pub(super) fn fields_of(operator: &Operator) -> Option<Fields> {
    let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { return None };
    // The result of a script that returns a value has the fields of that value as well.
    let gives_a_value = || {
        let code = task.args.first().or_else(|| task.kwargs.get("code")).and_then(Value::as_str);
        code.is_none_or(|code| {
            let code = code.to_ascii_lowercase();
            ["return", "result", "{{"].iter().any(|word| has(&code, word))
        })
    };
    Some(match task.function.as_str() {
        "tools.shell.run" => &["stdout", "stderr", "returncode", "exit_code"],
        "tools.code.exec" if !gives_a_value() => {
            &["stdout", "stderr", "returncode", "exit_code", "result", "success"]
        }
        "tools.http.request" => &["status_code", "headers", "response", "body", "url"],
        "tools.llm.call" => &["response", "provider", "model", "usage", "finish_reason"],
        "tools.email.send" => &["success", "to", "subject", "task_id", "message_id", "message"],
        "tools.approval.request" => {
            &["status", "approved", "approval_key", "comment", "approver", "timestamp"]
        }
        _ => return None,
    })
}

/// The path to the field that was meant, in a result with the given `fields`. `None` if the first part of `way` is one
/// of them, or if no field is near.
pub(super) fn meant(fields: Fields, way: &[Part]) -> Option<Vec<Part>> {
    let (Part::Key(field), rest) = way.split_first()? else { return None };
    if fields.contains(&field.as_str()) {
        return None;
    }
    if let Some((Part::Key(inner), after)) = rest.split_first()
        && AROUND.contains(&field.as_str())
    {
        if fields.contains(&inner.as_str()) {
            return Some(rest.to_vec());
        }
        if let Some(inner) = near(inner, fields) {
            return Some(with(inner, after));
        }
    }
    near(field, fields).map(|field| with(field, rest))
}

fn near(word: &str, fields: Fields) -> Option<&'static str> {
    let usual = USUAL.iter().filter(|(words, _)| words.contains(&word)).flat_map(|(_, ours)| *ours);
    usual.copied().find(|field| fields.contains(field)).or_else(|| nearest(word, fields.iter().copied()))
}

fn with(field: &str, rest: &[Part]) -> Vec<Part> {
    std::iter::once(Part::Key(field.to_owned())).chain(rest.iter().cloned()).collect()
}
