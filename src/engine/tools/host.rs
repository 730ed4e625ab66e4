//! The tools of the host. A definition is checked against them before it runs.

use crate::arguments::{Fault, faults};
use crate::engine::machine::Engine;
use crate::engine::plan::{Plan, ToolUse};
use crate::engine::tools::builtin;
use crate::engine::tools::builtin::builtin_tools;
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::text::suggest::did_you_mean;
use serde_json::{Map, Value};

impl Engine {
    /// Adds a tool of the host, or replaces the one with this name. `is_own` says whether the tool comes with this
    /// package. An engine that was created without a list of tools does not check names, and still does not.
    pub fn add_tool(&mut self, name: &str, is_own: bool) {
        if let Some(tools) = &mut self.state.config.tools {
            tools.insert(name.to_owned());
        }
        if is_own {
            self.state.config.own_tools.insert(name.to_owned());
        } else {
            self.state.config.own_tools.remove(name);
        }
    }

    /// Checks the arguments that a definition gives to a tool, if the engine knows the tool. `named` is the field with
    /// the named arguments.
    pub(in crate::engine) fn check_arguments(
        &self,
        tool: &str,
        args: &[Value],
        kwargs: &Map<String, Value>,
        named: &str,
    ) -> Result<()> {
        if builtin::find(tool).is_none() && !self.config.own_tools.contains(tool) {
            return Ok(());
        }
        match faults(tool, args, kwargs, named).into_iter().next() {
            None => Ok(()),
            Some(Fault { path, message, help }) => {
                let error = Error::new(ErrorCode::ToolArgumentsInvalid, message).with_help(help);
                Err(if path.is_empty() { error } else { error.with_path(path) })
            }
        }
    }

    /// The tasks of a definition that call an unregistered tool, each with advice.
    pub fn unknown_tools(&self, plan: &Plan) -> Vec<Diagnostic> {
        let Some(tools) = &self.config.tools else { return Vec::new() };
        let is_unknown = |tool: &&ToolUse| {
            !tools.contains(&tool.name) && builtin_tools().all(|builtin| builtin != tool.name)
        };
        let known = || builtin_tools().map(|name| -> &str { name }).chain(tools.iter().map(String::as_str));
        let finding = |tool: &ToolUse| {
            let ToolUse { path, task, name } = tool;
            let message = format!("task `{task}` calls the tool `{name}`, which is not registered");
            let help = registration_advice(name).map(str::to_owned);
            let help = help.or_else(|| did_you_mean(name, known()));
            let help = help.unwrap_or_else(|| format!("register it: `engine.tool(\"{name}\", handler)`"));
            Diagnostic::error(ErrorCode::ToolNotRegistered, path, message).with_help(help)
        };
        plan.tools.iter().filter(is_unknown).map(finding).collect()
    }
}

/// Advice on how to register a tool that every Highway server has, but not every machine.
fn registration_advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "tools.shell.run" => {
            "in Node, Deno or Bun pass `tools: nodeTools()` of `highway-wasm/node`; a page or a worker has no shell: \
             register a tool of this name, or run on a Highway server"
        }
        "tools.code.exec" | "tools.python.run" => {
            "in Node, Deno or Bun pass `tools: nodeTools()` of `highway-wasm/node`; a page or a worker has no shell and \
             no Python of its own: pass `pyodideTools()` of `highway-wasm/engine`, or run on a Highway server"
        }
        "tools.llm.call" => {
            "register it with `llmTool({ provider, model, apiKey })` of `highway-wasm/engine`"
        }
        "tools.email.send" => "register it with `emailTool({ send })` of `highway-wasm/engine`",
        "tools.secrets.get_secret"
        | "tools.secrets.set_secret"
        | "tools.secrets.delete_secret"
        | "tools.secrets.list_secrets" => "pass `secretTools(store)` of `highway-wasm/engine` as tools",
        _ => return None,
    })
}
