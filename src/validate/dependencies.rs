//! Dependencies must name existing tasks, and a task must not wait for itself.

use super::hints::Hints;
use super::scope::{NOBODY, Scope};
use crate::error::{Diagnostic, ErrorCode};
use crate::graph::cycles;
use crate::json::child_path;
use crate::text::joined;
use crate::text::names::NameIndex;

/// The most circles that are reported: a user fixes the first few.
const MAX_CIRCLES: usize = 20;
/// The most names of one circle that a message shows.
const SHOWN: usize = 12;

/// A task and the names of its dependencies.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Name of the task.
    pub name: &'a str,
    /// Names of its dependencies, as written.
    pub dependencies: &'a [String],
}

/// Findings about the operators of a definition.
pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    let graph = Graph {
        needs: &scope.needs,
        key: "dependencies",
        id: &|at| scope.id(at),
        path: &|at| scope.path(at),
    };
    let unknown = |at: usize, position: usize, path: String| {
        let dependency = scope.items.get(at)?.operator.dependencies.get(position)?;
        let message = format!("task `{}` depends on `{dependency}` which does not exist", scope.id(at));
        let finding = Diagnostic::error(ErrorCode::DependencyUnknown, path, message);
        Some(finding.with_any_help(scope.advice(dependency, scope.id(at))))
    };
    graph.check(&unknown, findings);
}

/// Findings about the dependencies of `nodes`; `key` is the field that lists them in the document.
pub fn dependencies(nodes: &[Node<'_>], key: &str) -> Vec<Diagnostic> {
    let index = NameIndex::new(nodes.iter().map(|node| node.name));
    let position = |name: &String| index.get(name).unwrap_or(NOBODY);
    let needs: Vec<Vec<usize>> =
        nodes.iter().map(|node| node.dependencies.iter().map(position).collect()).collect();
    let id = |at: usize| nodes.get(at).map_or("", |node| node.name);
    let graph = Graph { needs: &needs, key, id: &id, path: &|at| child_path("/tasks", id(at)) };
    let hints = Hints::new();
    let unknown = |at: usize, position: usize, path: String| {
        let (name, dependency) = (id(at), nodes.get(at)?.dependencies.get(position)?);
        let message = format!("task `{name}` depends on `{dependency}` which is not registered");
        let generated = dependency.strip_suffix("_wait").filter(|base| index.get(base).is_some());
        let help = match generated {
            Some(base) => {
                Some(format!("depend on `{base}`: the wait before a delayed task is not a task of its own"))
            }
            None => hints.nearest_id(dependency, &mut index.names().filter(|other| *other != name)),
        };
        Some(Diagnostic::error(ErrorCode::DependencyUnknown, path, message).with_any_help(help))
    };
    let mut findings = Vec::new();
    graph.check(&unknown, &mut findings);
    findings
}

/// Tasks and the positions of their dependencies.
struct Graph<'a> {
    needs: &'a [Vec<usize>],
    /// The field that lists the dependencies in the document.
    key: &'a str,
    id: &'a dyn Fn(usize) -> &'a str,
    path: &'a dyn Fn(usize) -> String,
}

impl Graph<'_> {
    fn check(
        &self,
        unknown: &dyn Fn(usize, usize, String) -> Option<Diagnostic>,
        findings: &mut Vec<Diagnostic>,
    ) {
        for (at, needs) in self.needs.iter().enumerate() {
            for (position, need) in needs.iter().enumerate() {
                if *need != NOBODY && *need != at {
                    continue;
                }
                let path = format!("{}/{}/{position}", (self.path)(at), self.key);
                if *need == at {
                    let message = format!("task `{}` depends on itself", (self.id)(at));
                    let finding = Diagnostic::error(ErrorCode::DependencySelf, path, message);
                    findings.push(finding.with_help("remove it from its own dependencies"));
                } else {
                    findings.extend(unknown(at, position, path));
                }
            }
        }
        findings.extend(cycles(self.needs, MAX_CIRCLES).iter().map(|circle| self.circle(circle)));
    }

    fn circle(&self, circle: &[usize]) -> Diagnostic {
        let mut shown: Vec<String> =
            circle.iter().take(SHOWN).map(|at| format!("`{}`", (self.id)(*at))).collect();
        if circle.len() > SHOWN {
            shown.push(format!("{} more", circle.len() - SHOWN));
        }
        shown.extend(shown.first().cloned());
        let mut places = circle.iter().take(SHOWN).map(|at| format!("{}/{}", (self.path)(*at), self.key));
        let message = format!("tasks depend on each other in a circle: {}", joined(&shown, " -> "));
        let path = places.next().unwrap_or_default();
        let finding = Diagnostic::error(ErrorCode::DependencyCycle, path, message);
        let finding = finding.with_help("remove one of these dependencies");
        places.fold(finding, Diagnostic::with_related)
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
