//! The timeline as plain data.

use crate::definition::delayed_task;
use crate::engine::plan::{Body, Operation};
use crate::engine::state::State;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, ScopeIx};
use crate::engine::state::timeline::{Entry, Link};
use crate::engine::view::{full_name, results, run_summary, step_name};
use crate::json::object;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

fn row<const COUNT: usize>(cells: [Value; COUNT]) -> Value {
    Value::Array(cells.into())
}

/// Adds the ids of the operators of a body, and of those inside them.
fn ids_of<'a>(body: &'a Body, ids: &mut BTreeSet<&'a str>) {
    for operator in &body.operators {
        ids.insert(&operator.id);
        match &operator.operation {
            Operation::Foreach { body, .. } | Operation::While { body, .. } => ids_of(body, ids),
            Operation::Fork { branches, .. } => {
                for (_, branch) in branches {
                    ids_of(&branch.body, ids);
                }
            }
            _ => {}
        }
    }
}

impl State {
    /// The timeline as plain data: `{entries, runs}`. Times are milliseconds since the start of 1970.
    ///
    /// An entry is a list: run, step, task, kind, tool, attempt, about, start, end, outcome, failure. A run has its
    /// result, its critical path (positions of entries, or two moments), the ids of the operators that never started,
    /// and its steps as lists: name, status, result, failure, retries, start, end.
    pub fn timeline_view(&self) -> Value {
        let entries = self.entries().iter().map(|entry| self.entry_view(entry)).collect();
        let mut began: HashMap<RunIx, BTreeSet<&str>> = HashMap::new();
        for entry in self.entries() {
            if let Some(operator) = self.operator(entry.run, entry.step) {
                began.entry(entry.run).or_default().insert(&operator.id);
            }
        }
        let nothing = BTreeSet::new();
        let runs = self.runs.placed().map(|(at, run)| {
            let began = began.get(&at).unwrap_or(&nothing);
            let path = self.critical_path(at).into_iter().map(|link| match link {
                Link::Entry(position) => position.into(),
                Link::Run(start, end) => row([start.into(), end.into()]),
            });
            let mut all = BTreeSet::new();
            ids_of(&run.created.workflow.body, &mut all);
            let mut view = run_summary(run);
            view.insert("result".into(), results(run));
            view.insert("start".into(), run.created.at.into());
            view.insert("end".into(), run.ended_at.into());
            view.insert("path".into(), path.collect());
            view.insert("unreached".into(), all.difference(began).map(|id| Value::from(*id)).collect());
            let steps = run.steps.placed();
            let steps = steps.filter_map(|(at, step)| Some((step_name(run, at)?, step)));
            // The wait that a driver writes for a delay counts as part of its task, as everywhere.
            let steps = steps.filter(|(name, step)| {
                step.scope != ScopeIx::WORKFLOW || delayed_task(&run.created.definition, name).is_none()
            });
            let steps = steps.map(|(name, step)| {
                row([
                    name.into(),
                    step.state.word().into(),
                    step.result.clone().unwrap_or_default(),
                    step.failure().map_or(Value::Null, Failure::to_json),
                    step.attempts.len().saturating_sub(1).into(),
                    step.started_at.into(),
                    step.ended_at.into(),
                ])
            });
            view.insert("steps".into(), steps.collect());
            Value::Object(view)
        });
        object([("entries", entries), ("runs", runs.collect())])
    }

    fn entry_view(&self, entry: &Entry) -> Value {
        let Entry { run, step, kind, attempt, about, start, end, outcome, failure, .. } = entry;
        let found = self.runs.get(*run);
        let operator = self.operator(*run, *step);
        let tool = match operator.map(|operator| &operator.operation) {
            Some(Operation::Task { function, .. }) => Some(function.as_str()),
            _ => None,
        };
        row([
            run.get().into(),
            found.and_then(|run| full_name(run, *step)).into(),
            operator.map(|operator| operator.id.as_str()).into(),
            kind.word().into(),
            tool.into(),
            (*attempt).into(),
            about.as_deref().into(),
            (*start).into(),
            (*end).into(),
            (*outcome).into(),
            failure.as_ref().map_or(Value::Null, Failure::to_json),
        ])
    }
}
