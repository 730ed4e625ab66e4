//! The names that templates of a workflow know.

use super::branches::Branch;
use super::fields::{self, Fields, fields_of};
use super::hints::Hints;
use super::scope::{Scope, result_names};
use crate::definition::Operation;
use crate::template::names::{OF_ENGINE, OF_HANDLER, OF_UPDATE};
use crate::template::{Part, Syntax, paths};
use crate::text::names::NameIndex;

/// The input that the driver adds for a task with uploaded Python.
const ARTIFACT: &str = "_artifact_id";

/// The names that templates of a workflow can use.
pub(super) struct Known<'a> {
    variables: NameIndex<'a>,
    /// Names of results, with the positions of the operators that give them.
    results: NameIndex<'a>,
    /// For the first position of each of these names, the fields of the result if all operators that give it have the
    /// same.
    fields: Vec<Option<Fields>>,
    /// Whether the definition lists the items of all loops, here and around.
    pub(super) are_items_written: bool,
    outer: Option<&'a Self>,
    pub(super) hints: &'a Hints,
}

impl<'a> Known<'a> {
    /// The names of a scope, of its branches (whose results can be read after a join), and of everything around it.
    pub(super) fn of_scope(scope: &'a Scope<'_>, branches: &'a [Branch], outer: Option<&'a Self>) -> Self {
        let inside = branches.iter().flat_map(|branch| branch.workflow.tasks.values());
        let operators = scope.items.iter().map(|item| (item.id, item.operator));
        let operators = operators.chain(inside.map(|operator| (operator.task_id.as_str(), operator)));
        let (mut names, mut fields): (Vec<&str>, Vec<Option<Fields>>) = (Vec::new(), Vec::new());
        for (id, operator) in operators {
            let own = fields_of(operator);
            for name in result_names(id, operator) {
                names.push(name);
                fields.push(own);
            }
        }
        let results = NameIndex::new(names.into_iter());
        for (first, other) in results.repeated() {
            if fields.get(first) != fields.get(other)
                && let Some(fields) = fields.get_mut(first)
            {
                *fields = None;
            }
        }
        let are_items_written = outer.is_none_or(|outer| outer.are_items_written) && are_items_written(scope);
        Self {
            variables: NameIndex::new(scope.workflow.variables.keys().map(String::as_str)),
            results,
            fields,
            are_items_written,
            outer,
            hints: scope.hints,
        }
    }

    /// The path that was meant, if the result lacks the one that a template names.
    pub(super) fn fields_meant(&self, name: &str, way: &[Part]) -> Option<Vec<Part>> {
        fields::meant(self.fields_of(name)?, way)
    }

    /// The fields of the result with this name, if all operators that may give it have the same.
    fn fields_of(&self, name: &str) -> Option<Fields> {
        for known in self.chain() {
            if known.variables.get(name).is_some() {
                return None;
            }
            if let Some(at) = known.results.get(name) {
                return *known.fields.get(at)?;
            }
        }
        None
    }

    /// The most telling field of a result, as a template without braces; the name of the result if its fields are
    /// unknown.
    pub(super) fn first_field(&self, name: &str) -> Option<String> {
        let field = |fields: Fields| fields.iter().find(|field| **field != "status_code");
        self.is_result(name).then(|| match self.fields_of(name).and_then(field) {
            Some(field) => format!("{name}.{field}"),
            None => name.to_owned(),
        })
    }

    fn has_own(&self, name: &str) -> bool {
        self.variables.get(name).is_some() || self.results.get(name).is_some()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        [&OF_ENGINE[..], &OF_HANDLER, &OF_UPDATE, &[ARTIFACT]].iter().any(|names| names.contains(&name))
            || self.is_given(name)
    }

    /// Whether a variable or a result has this name.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.chain().any(|known| known.has_own(name))
    }

    pub(super) fn is_result(&self, name: &str) -> bool {
        self.chain().any(|known| known.results.get(name).is_some())
    }

    pub(super) fn is_variable(&self, name: &str) -> bool {
        self.chain().any(|known| known.variables.get(name).is_some())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.chain().flat_map(|known| known.variables.names())
    }

    pub(super) fn results(&self) -> impl Iterator<Item = &str> {
        self.chain().flat_map(|known| known.results.names())
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |known| known.outer)
    }
}

/// Whether the definition lists the items of all loops of a scope.
fn are_items_written(scope: &Scope<'_>) -> bool {
    scope.operators().all(|(_, operator)| match &operator.operation {
        Operation::Foreach(each) => paths(&each.items, Syntax::BracesAndDollar).is_empty(),
        _ => true,
    })
}
