//! The arguments of Highway's own tools, as far as the embedded engine has them.

use crate::suggest::{did_you_mean, nearest};
use serde_json::Value;

/// Names of the arguments of a tool; the first `positional` of them can be given by position, too.
struct Takes {
    positional: usize,
    names: &'static [&'static str],
}

/// An argument that a tool does not have.
pub(crate) struct Unknown {
    /// JSON pointer from the operator.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Names of Highway's tools behind `tools.`, and of those that the Python of a driver is written for.
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

/// The tool of Highway that a name is meant for, where it is nearly one.
pub(crate) fn meant(tool: &str) -> Option<String> {
    let name = tool.strip_prefix("tools.").filter(|name| !NAMES.contains(name))?;
    nearest(name, NAMES).map(|name| format!("tools.{name}"))
}

/// What a tool takes; none for tools of others, and for those that pass every argument on.
fn takes(tool: &str) -> Option<Takes> {
    let (positional, names): (usize, &[&str]) = match tool {
        "tools.shell.run" => (1, &["command", "cwd", "env", "check"]),
        "tools.code.exec" => (1, &["code", "timeout", "env", "check"]),
        "tools.http.request" => (
            1,
            &[
                "url",
                "method",
                "headers",
                "params",
                "json",
                "json_data",
                "body",
                "timeout",
                "check",
                "allow_internal",
                "verify",
            ],
        ),
        "tools.llm.call" => (
            1,
            &[
                "prompt",
                "provider",
                "route",
                "model",
                "system_prompt",
                "temperature",
                "max_tokens",
                "max_completion_tokens",
                "base_url",
                "api_key",
                "use_agentic_prompt",
            ],
        ),
        "tools.email.send" => (3, &["to", "subject", "body"]),
        "tools.secrets.get_secret" | "tools.secrets.delete_secret" => (1, &["name"]),
        "tools.secrets.set_secret" => (2, &["name", "value"]),
        "tools.secrets.list_secrets" => (0, &[]),
        "tools.workflow.wait_for_parallel_branches" | "workflow.wait_for_parallel_branches" => {
            (2, &["fork", "timeout_seconds", "fork_data", "parallel_result"])
        }
        "tools.workflow.wait_for_branch" | "workflow.wait_for_branch" => {
            (3, &["fork", "branch_name", "timeout_seconds", "fork_data", "parallel_result", "name"])
        }
        "tools.workflow.cancel_branch" | "workflow.cancel_branch" => {
            (2, &["fork", "branch_name", "fork_data", "parallel_result", "name"])
        }
        "tools.workflow.execute" | "workflow.execute" => {
            (1, &["workflow_name", "inputs", "definition_id", "workflow_definition_id", "workflow_id"])
        }
        // Highway's examples give both to either.
        "tools.simple_counter.init_counter" | "tools.simple_counter.increment_counter" => {
            (1, &["start", "max_value"])
        }
        "tools.approval.request" => (
            3,
            &[
                "approval_key",
                "title",
                "description",
                "key",
                "message",
                "approval_data",
                "timeout_seconds",
                "expires_in_hours",
            ],
        ),
        "tools.cron.durable_cron" => (
            0,
            &[
                "job_name",
                "cron_expression",
                "definition_id",
                "workflow_name",
                "timezone",
                "inputs",
                "target_params",
                "target_task_name",
                "target_queue",
                "workflow_version",
            ],
        ),
        "tools.update.handle" => (0, &["update_name", "response_tool", "response_kwargs", "timeout_seconds"]),
        _ => return None,
    };
    Some(Takes { positional, names })
}

/// The arguments of a call that its tool does not have; of positional ones, the first. `named` is the field of the named ones.
pub(crate) fn unknown<'a>(
    tool: &str,
    args: &[Value],
    kwargs: impl Iterator<Item = &'a String>,
    named: &str,
) -> Vec<Unknown> {
    let Some(Takes { positional, names }) = takes(tool) else { return Vec::new() };
    let all = || {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        if quoted.is_empty() {
            "it takes no arguments".into()
        } else {
            format!("it takes {}", quoted.join(", "))
        }
    };
    let surplus = (args.len() > positional).then(|| Unknown {
        path: format!("/args/{positional}"),
        message: format!("`{tool}` takes {positional} positional arguments, not {}", args.len()),
        help: all(),
    });
    let strange = kwargs.filter(|name| !names.contains(&name.as_str())).map(|name| Unknown {
        path: crate::json::child_path(named, name),
        message: format!("`{tool}` of the embedded engine has no argument `{name}`"),
        help: did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
            let own = if name == "timeout" { "; the limit of the task is its `timeout`" } else { "" };
            all() + own
        }),
    });
    surplus.into_iter().chain(strange).collect()
}
