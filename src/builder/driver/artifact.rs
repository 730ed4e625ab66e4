//! The artifact that durable tasks run from: the Python files that are uploaded before a workflow is submitted.
//!
//! The layout is that of Highway's own driver: `driver_tasks/{__init__,highway_context,tasks}.py` for functions given as
//! source, and each package as it is under its own name.

use super::python::{dedent, entry_function, functions_of};
use super::task::{DriverTask, TaskKind};
use crate::error::{Error, ErrorCode, Result};
use crate::json::child_path;
use crate::text::{has, joined};
use serde_json::{Map, Value};

/// Package of the functions that are given as source.
const PACKAGE: &str = "driver_tasks";

/// What every package has, so that its functions reach the context they run in.
const CONTEXT: &str = r#""""The durable context of the task that is running in this thread."""

import threading

_local = threading.local()


def get_context():
    """The context of the running task. RuntimeError outside of one."""
    ctx = getattr(_local, "ctx", None)
    if ctx is None:
        raise RuntimeError("get_context() works only while a durable task is running")
    return ctx


def _set_context(ctx):
    _local.ctx = ctx


def _clear_context():
    _local.ctx = None
"#;

const INIT: &str = "\"\"\"Made by highway-wasm.\"\"\"\n";

const HEAD: &str = r#""""Durable functions of a workflow. The engine calls `_hw_<name>`, which hands on the context."""

from __future__ import annotations

import inspect as _inspect

from . import highway_context as _context


def _call(function, ctx, args, kwargs):
    parameters = list(_inspect.signature(function).parameters)
    if parameters and parameters[0] in ("ctx", "context"):
        return function(ctx, *args, **kwargs)
    _context._set_context(ctx)
    try:
        return function(*args, **kwargs)
    finally:
        _context._clear_context()
"#;

/// The files of the artifact by path, or `None` where no task needs one. `packages` has the files of each package by the
/// name of its folder.
pub(super) fn files(tasks: &[DriverTask], packages: &Value) -> Result<Option<Map<String, Value>>> {
    let mut files = Map::new();
    let mut sources: Vec<(&DriverTask, &str)> = Vec::new();
    for task in tasks {
        match &task.kind {
            TaskKind::Durable(durable) => match &durable.package {
                Some((folder, _)) => add_package(task, package_name(folder), packages, &mut files)?,
                None => sources.push((task, &durable.source)),
            },
            TaskKind::While { source, is_durable: true, .. } => sources.push((task, source)),
            _ => {}
        }
    }
    if !sources.is_empty() {
        add(&mut files, PACKAGE, "tasks.py", tasks_module(&sources)?);
        complete(PACKAGE, &mut files);
    }
    Ok(Some(files).filter(|files| !files.is_empty()))
}

/// Name of a package by its folder.
pub(super) fn package_name(folder: &str) -> &str {
    folder.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
}

fn add_package(
    task: &DriverTask,
    name: &str,
    packages: &Value,
    files: &mut Map<String, Value>,
) -> Result<()> {
    let Some(given) = packages.get(name).and_then(Value::as_object).filter(|given| !given.is_empty()) else {
        let message =
            format!("task `{}` runs from the package `{name}`, of which there are no files", task.name);
        return Err(Error::new(ErrorCode::PackageInvalid, message)
            .with_help("pass the files as `package: { name, files }`; a folder can only be read in Node, Deno and Bun")
            .with_path(child_path("/tasks", &task.name)));
    };
    for (path, text) in given {
        files.insert(format!("{name}/{path}"), text.clone());
    }
    complete(name, files);
    Ok(())
}

/// Adds what a package needs and does not have.
fn complete(package: &str, files: &mut Map<String, Value>) {
    for (name, text) in [("__init__.py", INIT), ("highway_context.py", CONTEXT)] {
        if !files.contains_key(&format!("{package}/{name}")) {
            add(files, package, name, text.to_owned());
        }
    }
}

fn add(files: &mut Map<String, Value>, package: &str, name: &str, text: String) {
    files.insert(format!("{package}/{name}"), text.into());
}

/// The functions without their decorators, and a wrapper for each that is a task.
fn tasks_module(sources: &[(&DriverTask, &str)]) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut defined: Vec<(String, &DriverTask, &str)> = Vec::new();
    for (task, source) in sources {
        let error = |message: String| {
            Error::new(ErrorCode::PackageInvalid, message).with_path(child_path("/tasks", &task.name))
        };
        let dedented = dedent(source);
        let Some(entry) = entry_function(&task.name, source) else {
            return Err(error(format!("the source of the durable task `{}` defines no function", task.name)));
        };
        let mut is_known = false;
        for name in functions_of(&dedented) {
            match defined.iter().find(|(known, ..)| *known == name) {
                Some((_, _, known)) if known == source => is_known = true,
                Some((_, other, _)) if other.name != task.name => {
                    let message = format!(
                        "tasks `{}` and `{}` both define the function `{name}`",
                        other.name, task.name
                    );
                    return Err(error(message)
                        .with_help("durable functions share one Python module; rename one of them"));
                }
                _ => defined.push((name.to_owned(), task, source)),
            }
        }
        if !is_known {
            text.push_str("\n\n");
            text.push_str(&without_decorators(&dedented, &entry));
            text.push('\n');
        }
        let wrapper =
            format!("def _hw_{entry}(ctx, *args, **kwargs):\n    return _call({entry}, ctx, args, kwargs)\n");
        if !has(&text, &wrapper) {
            text.push_str("\n\n");
            text.push_str(&wrapper);
        }
    }
    Ok(text)
}

/// Source without the decorators of one function: they belong to whoever registers it. Imports from `__future__` go too,
/// since they are only allowed where a file begins.
fn without_decorators(source: &str, function: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    // Where decorators began that may be those of the function.
    let mut decorated = None;
    for line in source.lines() {
        let is_top = line.starts_with(|c: char| !c.is_whitespace() && c != ')' && c != '#');
        if line.starts_with("from __future__ import") {
            continue;
        }
        if is_top && line.starts_with('@') {
            decorated.get_or_insert(kept.len());
        } else if is_top
            && let Some(from) = decorated.take()
            && functions_of(line).next() == Some(function)
        {
            kept.truncate(from);
        }
        kept.push(line);
    }
    joined(&kept, "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Driver;
    use serde_json::json;

    fn artifact(tasks: &[(&str, Value)], packages: Value) -> Result<Option<Map<String, Value>>> {
        let mut driver = Driver::new(None);
        for (name, options) in tasks {
            driver.task(name, options).unwrap();
        }
        driver.artifact(&packages)
    }

    #[test]
    fn functions_become_a_package_like_that_of_the_python_driver() {
        let source = "\n  import time\n\n  @driver.task(\n      durable=True,\n  )\n  @other\n  def pay(ctx, order):\n      return order\n\n  @cache\n  def helper():\n      pass\n";
        let files = artifact(&[("pay", json!({"durable": source}))], Value::Null).unwrap().unwrap();
        let names: Vec<&String> = files.keys().collect();
        assert_eq!(
            names,
            ["driver_tasks/tasks.py", "driver_tasks/__init__.py", "driver_tasks/highway_context.py"]
        );
        let tasks = files["driver_tasks/tasks.py"].as_str().unwrap();
        assert!(
            tasks
                .contains("\nimport time\n\ndef pay(ctx, order):\n    return order\n\n@cache\ndef helper():"),
            "{tasks}"
        );
        assert!(
            tasks.contains(
                "\n\ndef _hw_pay(ctx, *args, **kwargs):\n    return _call(pay, ctx, args, kwargs)\n"
            )
        );
        assert!(!tasks.contains("driver.task"));
    }

    #[test]
    fn only_durable_tasks_need_one() {
        assert_eq!(artifact(&[("a", json!({"shell": "true"}))], Value::Null).unwrap(), None);
    }

    #[test]
    fn a_package_is_taken_as_it_is() {
        let task = json!({"durable": true, "package": "./my/orders/", "entrypoint": "main:run"});
        let packages =
            json!({"orders": {"main.py": "def run(ctx): pass", "__init__.py": "x = 1", "sub/a.py": ""}});
        let files = artifact(&[("a", task.clone()), ("b", task.clone())], packages).unwrap().unwrap();
        let names: Vec<&String> = files.keys().collect();
        assert_eq!(
            names,
            ["orders/main.py", "orders/__init__.py", "orders/sub/a.py", "orders/highway_context.py"]
        );
        assert_eq!(files["orders/__init__.py"], "x = 1");
        let error = artifact(&[("a", task)], json!({})).unwrap_err();
        assert_eq!((error.code(), error.path()), (ErrorCode::PackageInvalid, Some("/tasks/a")));
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        let script = artifact(&[("a", json!({"durable": "print(1)"}))], Value::Null).unwrap_err();
        assert!(script.message().contains("no function"), "{script}");
        let (first, second) = ("def help(): pass\ndef a(): pass", "def help(): return 1\ndef b(): pass");
        let clash =
            artifact(&[("a", json!({"durable": first})), ("b", json!({"durable": second}))], Value::Null);
        assert!(clash.unwrap_err().message().contains("`help`"));
        let shared =
            artifact(&[("a", json!({"durable": first})), ("b", json!({"durable": first}))], Value::Null);
        let files = shared.unwrap().unwrap();
        assert_eq!(files["driver_tasks/tasks.py"].as_str().unwrap().matches("def help").count(), 1);
    }
}
