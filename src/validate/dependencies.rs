//! Dependencies name existing tasks, and tasks do not wait for themselves.

use crate::error::{Diagnostic, ErrorCode};
use crate::graph::cycles;
use crate::json::child_path;
use crate::names::NameIndex;
use crate::suggest::did_you_mean;

/// Circles beyond this number are not listed: the first few are what a person mends.
const MAX_CIRCLES: usize = 20;

/// One task and the names it depends on.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Name of the task.
    pub name: &'a str,
    /// Names it depends on, as written.
    pub dependencies: &'a [String],
}

/// Findings about the dependencies of `nodes`; `key` is what a task calls its list in the document.
pub fn dependencies(nodes: &[Node<'_>], key: &str) -> Vec<Diagnostic> {
    let index = NameIndex::new(nodes.iter().map(|node| node.name));
    let mut findings = Vec::new();
    let mut edges = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let mut targets = Vec::with_capacity(node.dependencies.len());
        for (position, dependency) in node.dependencies.iter().enumerate() {
            let path = || format!("{}/{position}", child_path(&child_path("/tasks", node.name), key));
            match index.get(dependency) {
                None => findings.push(unknown(node.name, dependency, path(), &index)),
                Some(target) if target == at => findings.push(
                    Diagnostic::error(
                        ErrorCode::DependencySelf,
                        path(),
                        format!("task `{}` depends on itself", node.name),
                    )
                    .with_help("remove it from its own dependencies"),
                ),
                Some(target) => targets.push(target),
            }
        }
        edges.push(targets);
    }
    for circle in cycles(&edges, MAX_CIRCLES) {
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .filter_map(|at| nodes.get(*at))
            .map(|node| node.name)
            .collect();
        let first = names.first().copied().unwrap_or_default();
        let shown = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ");
        findings.push(
            Diagnostic::error(
                ErrorCode::DependencyCycle,
                child_path(&child_path("/tasks", first), key),
                format!("tasks depend on each other in a circle: {shown}"),
            )
            .with_help("remove one of these dependencies"),
        );
    }
    findings
}

fn unknown(task: &str, dependency: &str, path: String, index: &NameIndex<'_>) -> Diagnostic {
    let generated = dependency.strip_suffix("_wait").filter(|base| index.get(base).is_some());
    let help = match generated {
        Some(base) => {
            Some(format!("depend on `{base}`: the wait before a delayed task is not a task of its own"))
        }
        None => did_you_mean(dependency, index.names().filter(|name| *name != task)),
    };
    let finding = Diagnostic::error(
        ErrorCode::DependencyUnknown,
        path,
        format!("task `{task}` depends on `{dependency}` which is not registered"),
    );
    match help {
        Some(help) => finding.with_help(help),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(tasks: &[(&str, &[&str])]) -> Vec<Diagnostic> {
        let owned: Vec<Vec<String>> =
            tasks.iter().map(|(_, names)| names.iter().map(|name| (*name).to_owned()).collect()).collect();
        let nodes: Vec<Node<'_>> =
            tasks.iter().zip(&owned).map(|((name, _), dependencies)| Node { name, dependencies }).collect();
        dependencies(&nodes, "depends")
    }

    #[test]
    fn names_the_nearest_task() {
        let found = findings(&[("backup_db", &[]), ("upload", &["bakcup_db"])]);
        assert_eq!(found[0].code, ErrorCode::DependencyUnknown);
        assert_eq!(found[0].path, "/tasks/upload/depends/0");
        assert_eq!(found[0].help.as_deref(), Some("did you mean `backup_db`?"));
    }

    #[test]
    fn names_a_circle_in_full() {
        let found = findings(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &["d"])]);
        let messages: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "task `d` depends on itself",
                "tasks depend on each other in a circle: `a` -> `c` -> `b` -> `a`"
            ]
        );
    }

    #[test]
    fn a_bipartite_fan_is_fine() {
        let left: Vec<String> = (0..500).map(|n| format!("l{n}")).collect();
        let right: Vec<String> = (0..500).map(|n| format!("r{n}")).collect();
        let nodes: Vec<Node<'_>> = left
            .iter()
            .map(|name| Node { name, dependencies: &[] })
            .chain(right.iter().map(|name| Node { name, dependencies: &left }))
            .collect();
        assert!(dependencies(&nodes, "depends").is_empty());
    }
}
