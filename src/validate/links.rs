//! What an operator names, apart from its dependencies.

use crate::definition::{Operation, Operator};
use crate::json::child_path;

/// An operator that another one names, apart from its dependencies.
pub(super) struct Target<'a> {
    pub(super) id: &'a str,
    pub(super) kind: Kind,
    /// JSON pointer relative to the operator that names it.
    pub(super) path: String,
    pub(super) verb: &'static str,
}

/// Why an operator names another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It starts if it is chosen.
    Route,
    /// It starts when the operator that names it ends.
    Callback,
    /// The operator that names it waits for it.
    Join,
}

/// All operators that an operator names, apart from its dependencies.
pub(super) fn targets<'a>(operator: &'a Operator) -> Vec<Target<'a>> {
    let mut targets = Vec::new();
    let mut add = |id: Option<&'a str>, kind: Kind, path: &str, verb: &'static str| {
        // In Highway, empty text means no id.
        let id = id.filter(|id| !id.is_empty());
        targets.extend(id.map(|id| Target { id, kind, path: path.to_owned(), verb }));
    };
    let success = operator.on_success_task_id.as_deref();
    add(success, Kind::Callback, "/on_success_task_id", "calls, when it succeeds,");
    let failure = operator.on_failure_task_id.as_deref();
    add(failure, Kind::Callback, "/on_failure_task_id", "calls, when it fails,");
    match &operator.operation {
        Operation::Condition(condition) => {
            add(condition.if_true.as_deref(), Kind::Route, "/if_true", "leads to");
            add(condition.if_false.as_deref(), Kind::Route, "/if_false", "leads to");
        }
        Operation::Switch(switch) => {
            for (case, id) in switch.cases.iter() {
                add(Some(id), Kind::Route, &child_path("/cases", case), "leads to");
            }
            add(switch.default.as_deref(), Kind::Route, "/default", "leads to");
        }
        Operation::Join(join) => {
            for (position, id) in join.join_tasks.iter().enumerate() {
                add(Some(id), Kind::Join, &format!("/join_tasks/{position}"), "waits for");
            }
        }
        _ => {}
    }
    targets
}
