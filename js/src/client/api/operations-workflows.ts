/**
 * The API's operations about workflows and their runs: parameters, bodies and answers. `Codes` are the HTTP
 * status codes that the API reference lists. Only types, so nothing of it is loaded.
 */

import type {
  ApiObject,
  Approval,
  Definition,
  ExecutionGrid,
  InputCheck,
  LockHistory,
  RunMetrics,
  SagaHistory,
  Schedule,
  ScheduleExecution,
  Simulation,
  Step,
  Submission,
  TaskLog,
  WorkflowLog,
  WorkflowStats,
} from "./types.js";

/** Operations about workflows, runs, steps, schedules and artifacts. */
export interface WorkflowOperations {
  // Workflows (core)
  /** Submit / register a workflow. Permission: `submit_workflows`. Codes: 201, 400, 403, 429, 500. */
  "POST /api/v1/workflows": {
    body?: { workflow_definition?: object; python_dsl?: string; inputs?: object; execute?: boolean };
    data: Submission;
  };
  /** List runs. Permission: `view_workflows`. Codes: 200, 400, 500. */
  "GET /api/v1/workflows": {
    query?: {
      page?: number;
      page_size?: number;
      status?: "pending" | "running" | "sleeping" | "completed" | "failed";
      days?: number;
    };
    data: unknown;
  };
  /** One run. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}": { data: unknown };
  /** Cancel run. Permission: `cancel_workflows`. Codes: 200, 400, 404, 409, 500. */
  "POST /api/v1/workflows/{workflow_run_id}/cancel": { body?: { reason?: string }; data: unknown };
  /** Start a fresh run of a failed one. Permission: `retry_workflows`. Codes: 200, 400, 404, 500. */
  "POST /api/v1/workflows/{workflow_run_id}/retry": { data: Submission };
  /** Audit-log events of the run. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/events": { query?: { limit?: number }; data: unknown };
  /** Mermaid text of the definition. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/graph": { data: unknown };
  /** Graphviz DOT incl. executed steps (green ok, red failed, orange sleeping, blue running; tasks as clusters). Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/graph/dot": { data: unknown };
  /** Step checkpoints of the run. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/checkpoints": { data: unknown };
  /** Distributed-lock history. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/locks": { data: LockHistory };
  /** Saga / compensation history. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/sagas": { data: SagaHistory };

  // Definitions
  /** Definition by content hash (64 hex; the primary identity). Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/by-hash/{definition_hash}": { data: Definition };
  /** Definition by UUID. Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/definitions/{definition_id}": { data: Definition };
  /** Compiled JSON only. Permission: `view_workflows`. Codes: 200, 404. */
  "GET /api/v1/workflows/definitions/json/{definition_id}": { data: Definition };
  /** Original Python DSL only (null if submitted as JSON). Permission: `view_workflows`. Codes: 200, 404. */
  "GET /api/v1/workflows/definitions/dsl/python/{definition_id}": { data: Definition };
  /** Recent runs × task status grid. Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/definitions/{definition_id}/executions/grid": {
    query?: { days?: number };
    data: ExecutionGrid;
  };
  /** Definition by name + integer version. Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_name}/versions/{version}": {
    query?: { tenant_id?: string };
    data: Definition;
  };

  // Queries, signals, updates
  /** Read workflow variables. */
  "GET /api/v1/workflows/{workflow_run_id}/query": {
    query?: { variable?: string; all?: boolean; include_version?: boolean };
    data: unknown;
  };
  /** Pending signals. */
  "GET /api/v1/workflows/{workflow_run_id}/signals": { data: unknown };
  /** Send a signal. */
  "POST /api/v1/workflows/{workflow_run_id}/signals": {
    body: { signal_name: string; signal_payload: unknown };
    data: unknown;
  };
  /** Pending updates. Codes: 200. */
  "GET /api/v1/workflows/{workflow_run_id}/updates": { query?: { update_name?: string }; data: unknown };
  /** Blocking update (RPC). Codes: 200, 408, 500. */
  "POST /api/v1/workflows/{workflow_run_id}/updates": {
    body: { update_name: string; update_payload?: unknown; timeout_seconds?: number };
    data: unknown;
  };
  /** All updates. Codes: 200. */
  "GET /api/v1/workflows/{workflow_run_id}/updates/history": {
    query?: { limit?: number; status?: "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "TIMEOUT" };
    data: unknown;
  };

  // Steps
  /** Steps with status. With a `cursor`, 0 at first, the embedded engine gives them in parts. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/steps": {
    query?: { status?: "succeeded" | "failed" | "sleeping"; cursor?: number };
    data: { steps: Step[]; next_cursor?: number };
  };
  /** One step. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/steps/{step_name}": { data: Step };
  /** Checkpoints of a step. Permission: `view_workflows`. */
  "GET /api/v1/workflows/{workflow_run_id}/steps/{step_name}/checkpoints": { data: unknown };
  /** Stored logs of all steps. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/steps/logs": { query?: { step_name?: string }; data: unknown };
  /** Stored log of one step. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/steps/{step_name}/logs": { data: unknown };

  // Replay / simulate
  /** Execution replay for debugging. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/replay": {
    query?: { format?: "json" | "text"; verbose?: boolean; include_children?: boolean };
    data: unknown;
  };
  /** Checkpoint names usable as resume point. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/replay/steps": { data: unknown };
  /** Re-run with cached side effects. Codes: 200, 400, 404, 500. */
  "POST /api/v1/workflows/{workflow_run_id}/simulate": { body?: { resume_from?: string }; data: Simulation };

  // Statistics
  /** Global statistics. Codes: 200, 400, 404, 500. */
  "GET /api/v1/workflows/stats": {
    query?: { workflow_name?: string; since?: string; until?: string; hours?: number };
    data: WorkflowStats;
  };
  /** Metrics of one run. Codes: 200, 404, 500. */
  "GET /api/v1/workflows/{workflow_run_id}/metrics": { data: RunMetrics };

  // Runs (engine-level attempts)
  /** Active runs. Permission: `view_workflows`. Codes: 200, 400, 500. */
  "GET /api/v1/runs": {
    query?: { page?: number; page_size?: number; state?: "pending" | "running" | "sleeping" };
    data: unknown;
  };
  /** Run status (run_id ≠ workflow_run_id). Permission: `view_workflow_status`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/runs/{run_id}": { data: unknown };
  /** Checkpoints. Permission: `view_workflows`. */
  "GET /api/v1/runs/{run_id}/checkpoints": { data: unknown };

  // Tasks (queue level)
  /** Queue tasks. Permission: `view_workflows`. Codes: 200, 400, 500. */
  "GET /api/v1/tasks": {
    query?: {
      state?: "pending" | "running" | "sleeping" | "completed" | "failed" | "cancelled";
      queue?: "highway_default" | "highway_internal" | "highway_activity";
      page?: number;
      page_size?: number;
    };
    data: unknown;
  };
  /** Counts by state and queue. Permission: `view_workflows`. Codes: 200, 500. */
  "GET /api/v1/tasks/summary": { data: unknown };
  /** Task definition, current run state, attempts, checkpoints. Permission: `view_workflows`. Codes: 200, 400, 404, 500. */
  "GET /api/v1/tasks/{task_id}": { data: unknown };

  // Activities
  /** All activities. Codes: 200. */
  "GET /api/v1/activities": {
    query?: {
      status?: "pending" | "running" | "completed" | "failed" | "cancelled";
      worker_id?: string;
      function_name?: string;
      workflow_run_id?: string;
      limit?: number;
      offset?: number;
    };
    data: unknown;
  };
  /** Running without heartbeat. Codes: 200. */
  "GET /api/v1/activities/stale": { query?: { threshold?: number }; data: unknown };
  /** Workers + queue overview. Codes: 200. */
  "GET /api/v1/activities/status": { query?: { stale_threshold?: number }; data: unknown };
  /** One activity. Codes: 200, 404. */
  "GET /api/v1/activities/{activity_id}": {
    query?: { include_heartbeats?: boolean; heartbeat_limit?: number };
    data: unknown;
  };
  /** Heartbeat history. Codes: 200, 404. */
  "GET /api/v1/activities/{activity_id}/heartbeats": { query?: { limit?: number }; data: unknown };
  /** Activities of a run, creation order. Codes: 200, 404. */
  "GET /api/v1/workflows/{workflow_run_id}/activities": {
    query?: { include_completed?: boolean };
    data: unknown;
  };
  /** Prune heartbeat rows. Codes: 200. */
  "POST /api/v1/activities/cleanup-heartbeats": { body?: { retention_hours?: number }; data: unknown };

  // Approvals
  /** All approvals. */
  "GET /api/v1/approvals": {
    query?: { workflow_run_id?: string; status?: string };
    data: { approvals: Approval[] };
  };
  /** One approval. */
  "GET /api/v1/approvals/{approval_key}": { data: Approval };
  /** Approve. */
  "POST /api/v1/approvals/{approval_key}/approve": { body: { comment: string }; data: Approval };
  /** Reject. */
  "POST /api/v1/approvals/{approval_key}/reject": { body: { comment: string }; data: Approval };

  // Schedules
  /** All schedules. Permission: `view_workflows`. */
  "GET /api/v1/schedules": { data: unknown };
  /** Create (spawns a durable-cron run). Permission: `submit_workflows`. Codes: 201, 400, 500. */
  "POST /api/v1/schedules": {
    body: {
      definition_id?: string;
      definition_hash?: string;
      workflow_name?: string;
      workflow_definition?: object;
      schedule_cron: string;
      version_pin?: number;
      inputs?: object;
      timezone?: string;
    };
    data: Schedule;
  };
  /** One schedule. Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/schedules/{schedule_id}": { data: Schedule };
  /** Pause / resume. Permission: `manage_workflows`. Codes: 200, 400, 404, 500. */
  "PATCH /api/v1/schedules/{schedule_id}": { body: { is_active: boolean }; data: unknown };
  /** Deactivate + cancel cron tasks. Permission: `manage_workflows`. */
  "DELETE /api/v1/schedules/{schedule_id}": { data: unknown };
  /** Executions. Permission: `view_workflows`. Codes: 200, 404, 500. */
  "GET /api/v1/schedules/{schedule_id}/history": {
    query?: { limit?: number; offset?: number };
    data: { executions: ScheduleExecution[]; total: number };
  };
  /** Deprecated no-op. Permission: `manage_workflows`. Codes: 200. */
  "POST /api/v1/schedules/scan": { data: unknown };

  // Schemas
  /** List, or versions of one. Codes: 200. */
  "GET /api/v1/schemas": { query?: { workflow_name?: string }; data: unknown };
  /** Statistics. Codes: 200. */
  "GET /api/v1/schemas/stats": { data: unknown };
  /** One schema. Codes: 200, 404. */
  "GET /api/v1/schemas/{workflow_name}": { query?: { version?: number }; data: unknown };
  /** Validate inputs. Codes: 200, 400. */
  "POST /api/v1/schemas/{workflow_name}/validate": {
    body: { input_data: object; version?: number };
    data: InputCheck;
  };
  /** Mark version deprecated. Codes: 200, 404. */
  "DELETE /api/v1/schemas/{workflow_name}/versions/{version}": { data: unknown };

  // DSL
  /** List templates. Codes: 200, 500. */
  "GET /api/v1/dsl_templates": { data: unknown };
  /** One template (name without .py). Codes: 200, 404. */
  "GET /api/v1/dsl_templates/{template_name}": { data: unknown };
  /** Compile Python DSL. Codes: 200, 400, 500. */
  "POST /api/v1/dsl_to_json": { body: { code: string }; data: { workflow_definition: ApiObject } };

  // Artifacts
  /** Upload zip. Codes: 400, 500. */
  "POST /api/v1/artifacts": { data: { artifact_id: string; size: number } };
  /** List ids. Codes: 500. */
  "GET /api/v1/artifacts": { data: { artifacts: string[]; count: number } };
  /** Download. Codes: 404, 500. */
  "GET /api/v1/artifacts/{artifact_id}": { data: unknown };
  /** Existence. Codes: 500. */
  "GET /api/v1/artifacts/{artifact_id}/exists": { data: { exists: boolean; artifact_id: string } };
  /** Delete. Codes: 404, 500. */
  "DELETE /api/v1/artifacts/{artifact_id}": { data: unknown };

  // Logs
  /** Finished-run log index. Codes: 200, 400, 404, 500. */
  "GET /api/v1/logs/workflows": {
    query?: {
      workflow_name?: string;
      status?: "success" | "failure";
      since?: string;
      until?: string;
      limit?: number;
      offset?: number;
    };
    data: { workflows: WorkflowLog[]; total: number };
  };
  /** One run log. Codes: 200, 404, 500. */
  "GET /api/v1/logs/workflows/{workflow_run_id}": { data: WorkflowLog };
  /** Task stdout/stderr. Codes: 200, 404, 500. */
  "GET /api/v1/logs/workflows/{workflow_run_id}/tasks/{task_id}": { data: TaskLog };
  /** Activity logs of a run. Codes: 200, 404, 500. */
  "GET /api/v1/logs/workflows/{workflow_run_id}/activities": {
    query?: { include_logs?: boolean };
    data: unknown;
  };
  /** Activity log with captured lines. Codes: 200, 404, 500. */
  "GET /api/v1/logs/workflows/{workflow_run_id}/activities/{activity_id}": { data: unknown };
  /** Recent activity logs, all runs. Codes: 200, 500. */
  "GET /api/v1/logs/activities": { query?: { limit?: number }; data: unknown };
  /** Aggregated log statistics. Codes: 200, 404, 500. */
  "GET /api/v1/logs/stats": {
    query?: { workflow_name?: string; since?: string; until?: string };
    data: unknown;
  };
}
