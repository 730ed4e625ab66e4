//! The artifact of durable tasks: Python files that the client uploads before it submits a workflow.
//!
//! The layout is that of Highway's own driver: `driver_tasks/{__init__,highway_context,tasks}.py` for functions given
//! as source, with further modules where there are several sources, and each package as it is under its own name.

use super::functions::modules;
use super::task::{DriverTask, TaskKind};
use crate::error::{Error, ErrorCode, Result};
use crate::json::child_path;
use serde_json::{Map, Value};

/// The package of the functions whose source is an option.
const PACKAGE: &str = "driver_tasks";

/// A module in every package, through which functions reach their context. As with Highway's own driver, the context is
/// gone before an asynchronous function is awaited: such a function takes the context as its first parameter. `_share`
/// lets functions of tasks in different modules call each other. Pages load the text only if they upload.
pub(super) const CONTEXT: &str = include_str!("highway_context.py");

const INIT: &str = "\"\"\"Made by highway-wasm.\"\"\"\n";

/// The files of the artifact by path; `None` if no task needs one. `packages` has the files of each package by the name
/// of its folder; `context` is the source of the module through which functions reach their context.
pub(super) fn files(
    tasks: &[DriverTask],
    packages: &Value,
    context: &str,
) -> Result<Option<Map<String, Value>>> {
    let mut files = Map::new();
    let mut sources: Vec<(&DriverTask, &str)> = Vec::new();
    for task in tasks {
        match &task.kind {
            TaskKind::Durable(durable) => match &durable.package {
                Some((folder, _)) => add_package(task, package_name(folder), packages, context, &mut files)?,
                None => sources.push((task, &durable.source)),
            },
            TaskKind::While { source, is_durable: true, .. } => sources.push((task, source)),
            _ => {}
        }
    }
    if !sources.is_empty() {
        for (name, text) in modules(&sources)? {
            add(&mut files, PACKAGE, &name, text);
        }
        complete(PACKAGE, context, &mut files);
    }
    Ok(Some(files).filter(|files| !files.is_empty()))
}

/// The name of the package in a folder.
pub(super) fn package_name(folder: &str) -> &str {
    folder.rsplit(['/', '\\']).find(|part| !matches!(*part, "" | ".")).unwrap_or_default()
}

fn add_package(
    task: &DriverTask,
    name: &str,
    packages: &Value,
    context: &str,
    files: &mut Map<String, Value>,
) -> Result<()> {
    let Some(given) = packages.get(name).and_then(Value::as_object).filter(|given| !given.is_empty()) else {
        let message = format!("task `{}` runs from the package `{name}`, which has no files", task.name);
        return Err(Error::new(ErrorCode::PackageInvalid, message)
            .with_help("pass the files as `package: { name, files }`; a folder can only be read in Node, Deno and Bun")
            .with_path(child_path("/tasks", &task.name)));
    };
    for (path, text) in given {
        add(files, name, path, text.clone());
    }
    complete(name, context, files);
    Ok(())
}

/// Adds the files that a package needs and lacks.
fn complete(package: &str, context: &str, files: &mut Map<String, Value>) {
    for (name, text) in [("__init__.py", INIT), ("highway_context.py", context)] {
        if !files.contains_key(&format!("{package}/{name}")) {
            add(files, package, name, text.into());
        }
    }
}

fn add(files: &mut Map<String, Value>, package: &str, name: &str, text: Value) {
    files.insert(format!("{package}/{name}"), text);
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
        let source = "def pay(ctx, order):\n    return order";
        let files = artifact(&[("pay", json!({"durable": source}))], Value::Null).unwrap().unwrap();
        let names: Vec<&String> = files.keys().collect();
        assert_eq!(
            names,
            ["driver_tasks/tasks.py", "driver_tasks/__init__.py", "driver_tasks/highway_context.py"]
        );
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
    fn a_package_is_named_like_its_folder() {
        for folder in ["orders", "./my/orders", "orders//", "/my/orders/.", "my\\orders\\"] {
            assert_eq!(package_name(folder), "orders", "{folder}");
        }
        assert_eq!(package_name("./"), "");
    }
}
