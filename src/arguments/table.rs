//! The arguments that each tool takes, and their names in other engines.

/// The arguments of a tool. The first `positional` names can also be given by position.
pub(super) struct Takes {
    pub(super) positional: usize,
    pub(super) names: &'static [&'static str],
    /// The arguments that must be given, in their positions, each with all its names.
    pub(super) required: &'static [&'static [&'static str]],
}

/// The arguments that a tool takes; `None` for unknown tools, and for tools that pass on every argument.
pub(super) fn takes(tool: &str) -> Option<Takes> {
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
        // Highway's examples give both arguments to either tool.
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
        super::HANDLE_UPDATE => (0, &["update_name", "response_tool", "response_kwargs", "timeout_seconds"]),
        _ => return None,
    };
    Some(Takes { positional, names, required: required(tool) })
}

/// The arguments that must be given, in their positions, each with all its names.
fn required(tool: &str) -> &'static [&'static [&'static str]] {
    match tool {
        "tools.shell.run" => &[&["command"]],
        "tools.code.exec" => &[&["code"]],
        "tools.http.request" => &[&["url"]],
        "tools.llm.call" => &[&["prompt"]],
        "tools.email.send" => &[&["to"], &["subject"], &["body"]],
        "tools.secrets.get_secret" | "tools.secrets.delete_secret" => &[&["name"]],
        "tools.secrets.set_secret" => &[&["name"], &["value"]],
        "tools.workflow.wait_for_parallel_branches" | "workflow.wait_for_parallel_branches" => {
            &[&["fork", "fork_data", "parallel_result"]]
        }
        "tools.workflow.wait_for_branch"
        | "workflow.wait_for_branch"
        | "tools.workflow.cancel_branch"
        | "workflow.cancel_branch" => &[&["fork", "fork_data", "parallel_result"], &["branch_name", "name"]],
        "tools.workflow.execute" | "workflow.execute" => {
            &[&["workflow_name", "definition_id", "workflow_definition_id", "workflow_id"]]
        }
        _ => &[],
    }
}

/// The type that an argument must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Object,
}

/// The type of an argument; `None` if the tool takes several.
pub(super) fn kind(tool: &str, name: &str) -> Option<Kind> {
    let texts: &[&str] = match tool {
        "tools.shell.run" => &["command", "cwd"],
        "tools.code.exec" => &["code"],
        "tools.http.request" => &["url", "method"],
        "tools.llm.call" => &["prompt", "provider", "route", "model", "system_prompt", "base_url", "api_key"],
        "tools.email.send" => &["to", "subject", "body"],
        "tools.secrets.get_secret" | "tools.secrets.delete_secret" | "tools.secrets.set_secret" => {
            &["name", "value"]
        }
        _ => return None,
    };
    if texts.contains(&name) {
        return Some(Kind::Text);
    }
    ["env", "headers", "params"].contains(&name).then_some(Kind::Object)
}

/// Other names of arguments: the tool, the names elsewhere, and ours.
const USUAL: [(&str, &[&str], &str); 24] = [
    ("tools.shell.run", &["cmd", "cmdline", "command_line", "script", "run", "shell", "code"], "command"),
    ("tools.shell.run", &["dir", "directory", "workdir", "working_dir", "working_directory"], "cwd"),
    ("tools.shell.run", &["environment", "environ", "variables", "vars"], "env"),
    ("tools.code.exec", &["script", "source", "python", "program", "command"], "code"),
    ("tools.code.exec", &["environment", "environ", "variables", "vars"], "env"),
    ("tools.http.request", &["uri", "link", "address", "endpoint", "href"], "url"),
    ("tools.http.request", &["data", "payload"], "json` or `body"),
    ("tools.http.request", &["content", "text"], "body"),
    ("tools.http.request", &["query", "query_params", "parameters", "search"], "params"),
    ("tools.http.request", &["verb", "type"], "method"),
    ("tools.llm.call", &["message", "question", "input", "text", "query", "user_prompt"], "prompt"),
    ("tools.llm.call", &["system", "instructions"], "system_prompt"),
    ("tools.llm.call", &["max_output_tokens"], "max_completion_tokens"),
    ("tools.llm.call", &["url", "endpoint"], "base_url"),
    ("tools.llm.call", &["key", "token"], "api_key"),
    ("tools.email.send", &["recipient", "recipients", "receiver", "address", "email"], "to"),
    ("tools.email.send", &["title"], "subject"),
    ("tools.email.send", &["message", "text", "content"], "body"),
    ("tools.secrets.get_secret", &["key", "secret", "secret_name"], "name"),
    ("tools.secrets.delete_secret", &["key", "secret", "secret_name"], "name"),
    ("tools.secrets.set_secret", &["key", "secret_name"], "name"),
    ("tools.secrets.set_secret", &["secret", "secret_value"], "value"),
    ("tools.workflow.execute", &["workflow", "name"], "workflow_name"),
    ("tools.workflow.execute", &["params", "parameters", "variables", "args", "kwargs"], "inputs"),
];

/// The tool's name of an argument that other engines call `name`.
pub(super) fn usual(tool: &str, name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    USUAL.iter().find(|(of, names, _)| *of == tool && names.contains(&&*name)).map(|(.., ours)| *ours)
}
