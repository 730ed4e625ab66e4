//! Applies all rules to the operators of a definition and to its branches.

use super::Clocks;
use super::branches::branches;
use super::durations::Limit;
use super::hints::Hints;
use super::known::Known;
use super::results::{Around, Level};
use super::scope::Scope;
use super::{
    approvals, arguments, conditions, dependencies, durations, forks, literal, names, pasting, reach,
    results, schedule, targets, templates, waits,
};
use crate::definition::Workflow;
use crate::error::Diagnostic;
use crate::time::Millis;

/// Deeper nesting of branches is not checked. JSON text cannot nest deeper than this.
const DEPTH: usize = 32;

/// All findings about a definition that could be read: errors, warnings and notes.
///
/// `clocks` are the host's clocks, or only the moment after which the next firings of a schedule are shown.
///
/// ```
/// use highway_wasm::{definition::read, validate};
/// use serde_json::json;
///
/// let document = read(&json!({"name": "w", "tasks": {
///     "dump": {"task_id": "dump", "operator_type": "task", "function": "tools.shell.run", "args": ["pg_dump"],
///         "result_key": "dump_result"},
///     "send": {"task_id": "send", "operator_type": "task", "function": "tools.shell.run", "dependencies": ["dmup"],
///         "args": ["mail {{dump_reslt.stdout}}"]},
/// }}));
/// let findings = validate::workflow(&document.workflow, validate::Clocks::default());
/// let found: Vec<_> = findings.iter().map(|it| (it.code.as_str(), it.path.as_str())).collect();
/// assert_eq!(found, [
///     ("DEPENDENCY_UNKNOWN", "/tasks/send/dependencies/0"),
///     ("TEMPLATE_NAME_UNKNOWN", "/tasks/send/args/0"),
/// ]);
/// assert_eq!(findings[1].help.as_deref(), Some("did you mean `{{dump_result.stdout}}`?"));
/// ```
pub fn workflow<'a>(workflow: &Workflow, clocks: impl Into<Clocks<'a>>) -> Vec<Diagnostic> {
    all(workflow, clocks.into(), true)
}

/// The errors that keep a definition from running. The advice on texts is left out: an engine checks every submission,
/// would drop the advice, and reads the templates of a task when the task runs.
#[cfg(feature = "engine")]
pub(crate) fn errors(workflow: &Workflow) -> Vec<Diagnostic> {
    all(workflow, Clocks::default(), false)
}

fn all(workflow: &Workflow, clocks: Clocks<'_>, advises: bool) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    schedule::check(workflow, clocks, &mut findings);
    let hints = Hints::new();
    let rules = Rules { now: clocks.now, advises, ..Rules::new(&hints) };
    rules.check(&Scope::new(workflow, "", None, &hints), &mut findings);
    findings
}

/// The findings inside the operators of a definition that a driver wrote. The driver's own checks cover the rest.
pub(crate) fn inside(workflow: &Workflow) -> Vec<Diagnostic> {
    let (hints, mut findings) = (Hints::new(), Vec::new());
    let rules = Rules::new(&hints);
    rules.inside(&Scope::new(workflow, "", None, &hints), &mut findings);
    findings
}

/// The context of the operators that are checked.
struct Rules<'a> {
    hints: &'a Hints,
    known: Option<&'a Known<'a>>,
    around: Option<&'a Around<'a>>,
    limit: Option<&'a Limit>,
    now: Option<Millis>,
    depth: usize,
    /// Whether texts are checked for advice.
    advises: bool,
}

impl<'a> Rules<'a> {
    /// The context of a whole definition.
    const fn new(hints: &'a Hints) -> Self {
        Self { hints, known: None, around: None, limit: None, now: None, depth: 0, advises: true }
    }

    /// Adds the findings inside operators, without those between operators.
    fn inside(&self, scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
        let level = self.level(scope, findings);
        let branches = branches(scope, &mut Vec::new());
        let known = Known::of_scope(scope, &branches, self.known);
        names::reserved(scope, findings);
        texts(&level, &known, findings);
        for branch in &branches {
            let inner = Scope::new(&branch.workflow, &branch.path, Some((scope, branch.fork)), self.hints);
            let here = Around { level: &level, outer: self.around, fork: branch.fork };
            let rules = Rules { known: Some(&known), around: Some(&here), depth: self.depth + 1, ..*self };
            rules.inside(&inner, findings);
        }
    }

    /// The results of a scope; adds what a branch uses too early.
    fn level<'s>(&self, scope: &'s Scope<'s>, findings: &mut Vec<Diagnostic>) -> Level<'s> {
        let level = Level::new(scope);
        if let Some(around) = self.around {
            results::in_branch(&level, around, findings);
        }
        level
    }

    /// Adds all findings. The result is the longest path through the scope, in seconds.
    fn check(&self, scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) -> f64 {
        let level = self.advises.then(|| self.level(scope, findings));
        let branches = if self.depth < DEPTH { branches(scope, findings) } else { Vec::new() };
        names::check(scope, findings);
        dependencies::check(scope, findings);
        targets::check(scope, &branches, findings);
        reach::check(scope, findings);
        forks::check(scope, findings);
        let known = self.advises.then(|| Known::of_scope(scope, &branches, self.known));
        match (&level, &known) {
            (Some(level), Some(known)) => texts(level, known, findings),
            _ => conditions::check(scope, findings),
        }
        let limit = durations::limit(scope, self.limit);
        durations::check(scope, findings);
        waits::limits(scope, limit.as_ref(), findings);
        let mut forks: Vec<(usize, f64)> = Vec::new();
        for branch in &branches {
            let limit = durations::fork_limit(scope, branch.fork, limit.as_ref());
            let inner = Scope::new(&branch.workflow, &branch.path, Some((scope, branch.fork)), self.hints);
            let here = level.as_ref().map(|level| Around { level, outer: self.around, fork: branch.fork });
            let rules = Rules {
                known: known.as_ref(),
                around: here.as_ref(),
                limit: limit.as_ref(),
                depth: self.depth + 1,
                ..*self
            };
            let longest = rules.check(&inner, findings);
            match forks.last_mut().filter(|(fork, _)| *fork == branch.fork) {
                Some((_, most)) => *most = f64::max(*most, longest),
                None => forks.push((branch.fork, longest)),
            }
        }
        waits::check(scope, &branches, &forks, limit.as_ref(), self.now, findings)
    }
}

/// The rules about the texts of operators.
fn texts(level: &Level<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    let scope = level.scope;
    templates::check(scope, known, findings);
    literal::check(scope, known, findings);
    results::check(level, findings);
    pasting::check(scope, known, findings);
    conditions::check(scope, findings);
    arguments::check(scope, findings);
    approvals::check(scope, findings);
}
