/** The names that belong to the engine: the same list as `OF_ENGINE` in `src/template/names.rs`, which a test compares. */
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
