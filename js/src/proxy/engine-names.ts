/** The names that belong to the engine. A test compares the list with `OF_ENGINE` in `src/template/names.rs`. */
export const OF_ENGINE: readonly string[] = [
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
