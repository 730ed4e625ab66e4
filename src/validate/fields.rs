//! Fields of the results of Highway's own tools.

use crate::definition::{Operation, Operator};
use crate::template::Part;
use crate::text::has;
use crate::text::suggest::nearest;
use serde_json::Value;

/// What the result of a tool has at its top.
pub(super) type Fields = &'static [&'static str];

/// What others call a field; what fits first among the fields of a result is meant.
const USUAL: [(&[&str], Fields); 6] = [
    (&["output", "outputs", "out", "text", "value", "result"], &["stdout", "response"]),
    (&["data", "json", "content"], &["response", "stdout"]),
    (&["error", "errors", "err"], &["stderr"]),
    (&["code", "status", "exit", "rc", "exit_status", "return_code"], &["returncode", "status_code"]),
    (&["decision", "approve", "accepted", "answer"], &["approved"]),
    (&["header"], &["headers"]),
];

/// What stands around the fields of a result elsewhere.
const AROUND: [&str; 6] = ["result", "results", "output", "outputs", "data", "json"];

/// What the result of an operator has at its top, where a tool of Highway gives it and adds nothing of its own.
pub(super) fn fields_of(operator: &Operator) -> Option<Fields> {
    let (Operation::Task(task) | Operation::Activity(task)) = &operator.operation else { return None };
    // A script that gives a value adds the fields of that.
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

/// The way to a field that is meant where a result with these fields has not the first one of the way; none where it has, or where
/// nothing is near.
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
