//! Finds what a template that names nothing should have named: a similar name, or the counterpart of another engine's
//! name.

use super::known::Known;
use crate::template::names::{OF_ENGINE, OF_LOOP, OF_RUN, OF_WORKFLOW};
use crate::template::{Part, Path};

/// Names of the engine whose value is only a group of further names.
const SPACES: [&str; 7] = ["inputs", "variables", "results", "workflow", "run", "ENV", "secrets"];

/// Names of other engines and their counterparts here. A longer name stands before any name that it starts with.
const ELSEWHERE: [(&str, &str); 39] = [
    // Argo
    ("inputs.parameters", "inputs"),
    ("workflow.parameters", "inputs"),
    ("workflow.uid", "run_id"),
    // GitHub Actions
    ("github.event.inputs", "inputs"),
    ("github.run_id", "run_id"),
    ("matrix", "item"),
    // Airflow
    ("dag_run.conf", "inputs"),
    ("dag_run.run_id", "run_id"),
    ("dag.dag_id", "workflow.name"),
    ("var.value", "inputs"),
    ("var.json", "inputs"),
    // Prefect, Kestra
    ("flow_run.parameters", "inputs"),
    ("flow_run.id", "run_id"),
    ("flow.id", "workflow.name"),
    ("execution.id", "run_id"),
    ("taskrun.value", "item"),
    // Jinja, Ansible, Handlebars
    ("loop.index0", "index"),
    ("loop.index", "iteration"),
    ("loop.item", "item"),
    ("loop.value", "item"),
    ("each.value", "item"),
    ("this", "item"),
    // Names that are nearly ours, in any case
    ("inputs", "inputs"),
    ("input", "inputs"),
    ("params", "inputs"),
    ("parameters", "inputs"),
    ("args", "inputs"),
    ("variables", "variables"),
    ("vars", "variables"),
    ("var", "variables"),
    ("results", "results"),
    ("workflow", "workflow"),
    ("run", "run"),
    ("env", "ENV"),
    ("environ", "ENV"),
    ("secrets", "secrets"),
    ("secret", "secrets"),
    ("item", "item"),
    ("current_item", "current_item"),
];

/// What other engines write before the id of a task.
const TASKS: [&str; 13] = [
    "tasks", "task", "steps", "step", "jobs", "job", "needs", "nodes", "node", "outputs", "output", "result",
    "activity",
];
/// What other engines write after the id of a task.
const OUTPUTS: [&str; 2] = ["outputs", "output"];

/// Fields that only results of tools have.
const RESULT_FIELDS: [&str; 5] = ["stdout", "stderr", "returncode", "exit_code", "status_code"];

/// What should stand in place of a template.
pub(super) enum Meant {
    /// Nothing else can be meant.
    Surely(Path),
    /// A similar name.
    Perhaps(Path),
}

impl Meant {
    pub(super) fn help(self) -> String {
        match self {
            Self::Surely(path) => format!("write `{{{{{path}}}}}`"),
            Self::Perhaps(path) => format!("did you mean `{{{{{path}}}}}`?"),
        }
    }
}

impl Known<'_> {
    /// What was meant by a template whose first name is unknown. `task` is the name of the task that contains it.
    pub(super) fn meant(&self, template: &Path, task: &str, in_loop: bool) -> Option<Meant> {
        let root = template.root.as_str();
        let elsewhere = self.of_result(template).or_else(|| elsewhere(template, in_loop));
        elsewhere.map(Meant::Surely).or_else(|| {
            let names = self.variables().chain(self.results()).filter(|name| *name != task);
            // A namespace alone is rarely meant. In a list, several items may fit.
            let is_way = !template.parts.is_empty();
            let of_engine = OF_ENGINE
                .into_iter()
                .filter(|name| if SPACES.contains(name) { is_way && name.len() > 3 } else { name.len() > 2 });
            let of_loop = OF_LOOP.into_iter().filter(|name| in_loop && root.strip_suffix('s') != Some(*name));
            let near = self.hints.nearest(root, &mut names.chain(of_engine).chain(of_loop))?;
            Some(Meant::Perhaps(Path { root: near.to_owned(), parts: template.parts.clone() }))
        })
    }

    /// What was meant by a template whose first name is a namespace that has no such name.
    pub(super) fn meant_within(&self, template: &Path) -> Option<Meant> {
        let (part, rest) = template.parts.split_first()?;
        let Part::Key(name) = part else { return None };
        let is_variable = || self.is_variable(name);
        let near = |names: &mut dyn Iterator<Item = &str>| {
            let near = self.hints.nearest(name, names)?;
            let parts = std::iter::once(Part::Key(near.to_owned())).chain(rest.iter().cloned()).collect();
            Some(Meant::Perhaps(Path { root: template.root.clone(), parts }))
        };
        match template.root.as_str() {
            "run" if !OF_RUN.contains(&name.as_str()) => near(&mut OF_RUN.into_iter()),
            "results" if !self.is_result(name) => near(&mut self.results()),
            "workflow" if !OF_WORKFLOW.contains(&name.as_str()) && !is_variable() => {
                let elsewhere = elsewhere(template, false).map(Meant::Surely);
                elsewhere.or_else(|| near(&mut OF_WORKFLOW.into_iter().chain(self.variables())))
            }
            "inputs" | "variables" if !is_variable() => {
                elsewhere(template, false).map(Meant::Surely).or_else(|| near(&mut self.variables()))
            }
            _ => None,
        }
    }

    /// The slip in the field of a result that a template names: the message and the advice.
    pub(super) fn field_slip(&self, template: &Path) -> Option<(String, String)> {
        let (name, way) = match (template.root.as_str(), template.parts.split_first()?) {
            ("results", (Part::Key(name), rest)) => (name.as_str(), rest),
            (root, _) => (root, template.parts.as_slice()),
        };
        let mut parts = self.fields_meant(name, way)?;
        if template.root == "results" {
            parts.insert(0, Part::Key(name.to_owned()));
        }
        let meant = Path { root: template.root.clone(), parts };
        let field = Path { root: String::new(), parts: way.get(..1)?.to_vec() }.to_string();
        let field = field.trim_start_matches('.');
        let message =
            format!("the result of `{name}` has no field `{field}`, so `{{{{{template}}}}}` is null");
        Some((message, Meant::Surely(meant).help()))
    }

    /// Whether a template of a task names nothing and is reported as a slip.
    pub(super) fn is_slip(&self, template: &Path, task: &str, in_loop: bool) -> bool {
        let root = template.root.as_str();
        if OF_LOOP.contains(&root) {
            return false;
        }
        if self.has(root) {
            return self.field_slip(template).is_some() || self.meant_within(template).is_some();
        }
        is_of_result(template) || self.meant(template, task, in_loop).is_some()
    }

    /// The result that a template names in the way of another tool: `a_result`, as the driver names it, or
    /// `steps.a.outputs`.
    fn of_result(&self, template: &Path) -> Option<Path> {
        let (name, parts) = match template.parts.split_first() {
            Some((Part::Key(name), rest)) if TASKS.contains(&template.root.as_str()) => {
                let inside = match rest.split_first() {
                    Some((Part::Key(outputs), inside)) if OUTPUTS.contains(&outputs.as_str()) => inside,
                    _ => rest,
                };
                (name.as_str(), inside)
            }
            _ => (template.root.strip_suffix("_result")?, template.parts.as_slice()),
        };
        let parts = self.fields_meant(name, parts).unwrap_or_else(|| parts.to_vec());
        self.is_result(name).then(|| Path { root: name.to_owned(), parts })
    }
}

/// Whether it looks like a field of a result.
pub(super) fn is_of_result(template: &Path) -> bool {
    template.root.ends_with("_result")
        || matches!(template.parts.first(), Some(Part::Key(key)) if RESULT_FIELDS.contains(&key.as_str()))
}

/// The counterpart here of another engine's name.
fn elsewhere(template: &Path, in_loop: bool) -> Option<Path> {
    let meant = ELSEWHERE.iter().find_map(|(other, ours)| {
        let mut words = other.split('.');
        let mut rest = template.parts.as_slice();
        words.next().filter(|root| root.eq_ignore_ascii_case(&template.root))?;
        for word in words {
            let (_, after) = rest.split_first().filter(|(part, _)| **part == Part::Key(word.to_owned()))?;
            rest = after;
        }
        let is_whole =
            if OF_LOOP.contains(ours) { in_loop } else { !SPACES.contains(ours) || !rest.is_empty() };
        let mut path = Path::parse(ours).filter(|_| is_whole)?;
        path.parts.extend(rest.iter().cloned());
        Some(path)
    });
    meant.filter(|path| path != template)
}
