//! The names that belong to the engine. The engine, the checks of a definition and the documentation use this one list.

/// Names that every template knows. An input, a variable, a result or a task of the same name does not replace them;
/// templates read it as `{{inputs.NAME}}`, `{{variables.NAME}}` or `{{results.NAME}}`.
pub const OF_ENGINE: [&str; 11] = [
    "inputs",
    "variables",
    "results",
    "workflow",
    "run",
    "ENV",
    "secrets",
    "workflow_run_id",
    "run_id",
    "idempotency_key",
    "ds",
];

/// Names of the engine in a task that handles a failure, and inside it. Elsewhere they are ordinary names.
pub const OF_HANDLER: [&str; 2] = ["failed_task_id", "error_message"];

/// Names of the engine in the `response_kwargs` of `tools.update.handle`. Elsewhere they are ordinary names.
pub const OF_UPDATE: [&str; 2] = ["update_name", "update_payload"];

/// Names of the engine in the body of a loop. Elsewhere they are ordinary names.
pub const OF_LOOP: [&str; 5] = [ITEM, CURRENT_ITEM, "index", "iteration", "loop_context"];

/// The item of a round; [`CURRENT_ITEM`] is its other name.
pub const ITEM: &str = "item";
/// See [`ITEM`].
pub const CURRENT_ITEM: &str = "current_item";

/// The fields of `workflow` besides all variables.
pub const OF_WORKFLOW: [&str; 4] = ["name", "version", "run_id", "run_date"];

/// The fields of `run`.
pub const OF_RUN: [&str; 2] = ["id", "started_at"];

/// Whether a name belongs to the engine in every template.
pub fn is_of_engine(name: &str) -> bool {
    OF_ENGINE.contains(&name)
}
