//! The arguments of Highway's own tools, as the embedded engine implements them.

mod table;
mod values;

use crate::json::{child_path, kind_of};
use crate::text::suggest::{did_you_mean, nearest};
use serde_json::{Map, Value};
pub(crate) use values::refused;

use table::{Kind, Takes, kind, takes, usual};

/// The tool that waits for an update.
pub(crate) const HANDLE_UPDATE: &str = "tools.update.handle";

/// Whether a tool is part of the engine. Its arguments are then written to the journal.
pub(crate) fn is_builtin(tool: &str) -> bool {
    let families = ["workflow", "simple_counter", "approval", "cron", "update"];
    let name = tool.strip_prefix("tools.").unwrap_or(tool);
    name.split_once('.').is_some_and(|(family, _)| families.contains(&family)) && takes(tool).is_some()
}

/// A fault in the arguments of a call.
pub(crate) struct Fault {
    /// JSON pointer relative to the operator; empty if an argument is missing.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Names of Highway's tools without `tools.`, including the tools for which the Python driver writes code.
const NAMES: [&str; 19] = [
    "shell.run",
    "code.exec",
    "python.run",
    "http.request",
    "llm.call",
    "email.send",
    "secrets.get_secret",
    "secrets.set_secret",
    "secrets.delete_secret",
    "secrets.list_secrets",
    "workflow.wait_for_parallel_branches",
    "workflow.wait_for_branch",
    "workflow.cancel_branch",
    "workflow.execute",
    "simple_counter.init_counter",
    "simple_counter.increment_counter",
    "approval.request",
    "cron.durable_cron",
    "update.handle",
];

/// The tool of Highway that a misspelt name means; `None` if the name is near to none.
pub(crate) fn meant(tool: &str) -> Option<String> {
    let name = tool.strip_prefix("tools.").filter(|name| !NAMES.contains(name))?;
    nearest(name, NAMES).map(|name| format!("tools.{name}"))
}

/// The faults in the arguments of a call in a definition: unknown arguments (of the positional ones, only the first),
/// values of the wrong kind, and missing arguments. `named` is the field with the named arguments.
pub(crate) fn faults(tool: &str, args: &[Value], kwargs: &Map<String, Value>, named: &str) -> Vec<Fault> {
    let Some(takes) = takes(tool) else { return Vec::new() };
    let surplus = (args.len() > takes.positional).then(|| surplus(tool, &takes, args));
    let strange: Vec<Fault> =
        kwargs.keys().filter_map(|name| strange(tool, &takes, args, name, named)).collect();
    let by_position = args.iter().zip(takes.names).take(takes.positional).enumerate();
    let by_position = by_position.map(|(at, (value, name))| (format!("/args/{at}"), *name, value));
    let by_name = kwargs.iter().map(|(name, value)| (child_path(named, name), name.as_str(), value));
    let of_wrong_kind =
        by_position.chain(by_name).filter_map(|(path, name, value)| of_wrong_kind(tool, path, name, value));
    // An argument may only seem to be missing because it has a wrong name or a wrong position.
    let missing =
        if strange.is_empty() && surplus.is_none() { missing(tool, &takes, args, kwargs) } else { None };
    surplus.into_iter().chain(strange).chain(of_wrong_kind).chain(missing).collect()
}

/// The arguments that a tool takes, as advice.
fn all(takes: &Takes) -> String {
    let quoted: Vec<String> = takes.names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "it takes no arguments".into() } else { format!("it takes {}", quoted.join(", ")) }
}

fn surplus(tool: &str, takes: &Takes, args: &[Value]) -> Fault {
    let Takes { positional, .. } = takes;
    let plural = if *positional == 1 { "" } else { "s" };
    let one = (tool == "tools.shell.run").then(|| words(args)).flatten();
    Fault {
        path: format!("/args/{positional}"),
        message: format!("`{tool}` takes {positional} positional argument{plural}, not {}", args.len()),
        help: one.map_or_else(|| all(takes), |command| format!("give one text: `{command}`")),
    }
}

/// The command as one text, if each of its words was given as an argument of its own.
fn words(args: &[Value]) -> Option<String> {
    let word = |arg: &Value| {
        let text = arg.as_str()?;
        let is_one = !text.contains(char::is_whitespace);
        Some(if is_one { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) })
    };
    args.iter().map(word).collect::<Option<Vec<String>>>().map(|words| words.join(" "))
}

fn strange(tool: &str, takes: &Takes, args: &[Value], name: &str, named: &str) -> Option<Fault> {
    if takes.names.contains(&name) {
        return None;
    }
    // The user cannot have meant an argument that is already given.
    let is_given = |ours: &&str| !args.is_empty() && takes.names.first() == Some(ours);
    let usual =
        usual(tool, name).filter(|ours| !is_given(ours)).map(|ours| format!("did you mean `{ours}`?"));
    let help = usual.or_else(|| did_you_mean(name, takes.names.iter().copied()));
    Some(Fault {
        path: child_path(named, name),
        message: format!("`{tool}` of the embedded engine has no argument `{name}`"),
        help: help.unwrap_or_else(|| {
            let own = if name == "timeout" { "; the limit of the task is its `timeout`" } else { "" };
            all(takes) + own
        }),
    })
}

fn of_wrong_kind(tool: &str, path: String, name: &str, value: &Value) -> Option<Fault> {
    let (wanted, help) = match (kind(tool, name)?, value) {
        (_, Value::Null) | (Kind::Text, Value::String(_)) | (Kind::Object, Value::Object(_)) => return None,
        // A template may give an object.
        (Kind::Object, Value::String(text)) if text.contains("{{") || text.contains("${") => return None,
        (Kind::Object, _) => ("an object", format!("give names and values: `{name}: {{NAME: value}}`")),
        (Kind::Text, Value::Object(_)) => ("text", "in YAML a text with `: ` stands in quotes".to_owned()),
        (Kind::Text, Value::Array(items)) => {
            let one = words(items).filter(|_| name == "command");
            (
                "text",
                one.map_or_else(|| "give one text".to_owned(), |text| format!("give one text: `{text}`")),
            )
        }
        (Kind::Text, scalar) => ("text", format!("write it in quotes: `\"{scalar}\"`")),
    };
    let message = format!("the `{name}` of `{tool}` is {}, not {wanted}", kind_of(value));
    Some(Fault { path, message, help })
}

fn missing(tool: &str, takes: &Takes, args: &[Value], kwargs: &Map<String, Value>) -> Option<Fault> {
    let is_given = |at: usize, names: &[&str]| {
        let named = || names.iter().any(|name| kwargs.get(*name).is_some_and(|value| !value.is_null()));
        args.get(at).is_some_and(|value| !value.is_null()) || named()
    };
    let lacks = |(at, names): &(usize, &&[&str])| !is_given(*at, names);
    let missing: Vec<String> = takes
        .required
        .iter()
        .enumerate()
        .filter(lacks)
        .filter_map(|(_, names)| names.first())
        .map(|name| format!("`{name}`"))
        .collect();
    (!missing.is_empty()).then(|| Fault {
        path: String::new(),
        message: format!("`{tool}` is called without {}", missing.join(", ")),
        help: all(takes),
    })
}

#[cfg(all(test, feature = "engine"))]
mod tests {
    use super::*;

    #[test]
    fn the_tools_of_the_engine_are_known() {
        for tool in crate::engine::builtin_tools() {
            assert!(is_builtin(tool), "{tool}");
        }
        for tool in
            ["tools.shell.run", "tools.secrets.get_secret", "tools.workflow.other", "cron", "x.update.handle"]
        {
            assert!(!is_builtin(tool), "{tool}");
        }
    }
}
