/**
 * What the API answers with. Fields have the server's own names, and are there as the server sends them: nothing is renamed,
 * nothing is dropped. A field is optional where the API does not promise it.
 */

/** An object of the API; it may have more fields than are declared. */
export interface ApiObject {
  readonly [field: string]: unknown;
}

/** What a submission or a registration gives. */
export interface Submission extends ApiObject {
  /** Id of the run; absent where nothing was to be run. */
  readonly workflow_run_id?: string | null;
  /** Id of the run in the queue engine. */
  readonly run_id?: string | null;
  readonly definition_id?: string;
  /** SHA-256 of the content, as hex. */
  readonly definition_hash?: string;
  readonly workflow_name?: string;
  /** Number of this content among the definitions of that name. */
  readonly version?: number;
}

/** An entry of the audit log of a run. */
export interface WorkflowEvent extends ApiObject {
  readonly event_type?: string;
  /** ISO 8601. */
  readonly timestamp?: string;
  readonly payload?: unknown;
}

/** What was read or written at a point of a run, from which it can go on. */
export interface Checkpoint extends ApiObject {
  readonly name?: string;
}

/** The distributed locks of a run. */
export interface LockHistory extends ApiObject {
  readonly locks?: readonly (ApiObject & {
    readonly event_type?: string;
    readonly lock_name?: string;
    readonly timestamp?: string;
    readonly details?: ApiObject;
  })[];
  readonly total_locks?: number;
  readonly active_locks?: readonly unknown[];
}

/** The sagas of a run, and what was compensated. */
export interface SagaHistory extends ApiObject {
  readonly sagas?: readonly (ApiObject & {
    readonly saga_name?: string;
    readonly status?: string;
    readonly started_at?: string;
    readonly completed_at?: string | null;
    readonly compensated?: boolean;
    readonly steps?: readonly unknown[];
  })[];
  readonly compensation_events?: readonly ApiObject[];
  readonly total_sagas?: number;
  readonly compensated_sagas?: number;
}

/** How runs went, all of them or those of one workflow. Durations in seconds. */
export interface WorkflowStats extends ApiObject {
  readonly total_workflows?: number;
  /** Runs by status. */
  readonly status_breakdown?: Readonly<Record<string, number>>;
  readonly success_rate?: number;
  readonly avg_duration_seconds?: number;
  readonly p50_duration_seconds?: number;
  readonly p95_duration_seconds?: number;
  readonly p99_duration_seconds?: number;
  readonly total_duration_seconds?: number;
  readonly time_range?: { readonly since?: string | null; readonly until?: string | null };
}

/** Counts and times of one run. */
export interface RunMetrics extends ApiObject {
  readonly workflow_run_id?: string;
  readonly workflow_name?: string;
  readonly status?: string;
  readonly duration_seconds?: number | null;
  readonly created_at?: string;
  readonly updated_at?: string;
  readonly step_count?: number;
  readonly event_count?: number;
  readonly retry_count?: number;
  readonly checkpoint_count?: number;
}

/** The outcome of a simulation: a run done again with the side effects that were recorded. */
export interface Simulation extends ApiObject {
  readonly simulation_status?: string;
  readonly workflow_run_id?: string;
  readonly workflow_name?: string;
  readonly executed_steps?: readonly unknown[];
  readonly skipped_steps?: readonly unknown[];
  readonly divergences?: readonly unknown[];
  readonly replay_logs?: readonly unknown[];
  readonly original_result?: unknown;
  readonly simulated_result?: unknown;
  readonly resume_from?: string | null;
}

/** The execution record of a task. */
export interface Step extends ApiObject {
  readonly step_name: string;
  /** `succeeded`, `failed`, `sleeping`, `running`. */
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  readonly duration_seconds?: number | null;
  readonly retry_count?: number;
  readonly has_checkpoint?: boolean;
  /** In the record of a single step. */
  readonly checkpoint_data?: unknown;
  /** In the record of a single step. */
  readonly events?: readonly WorkflowEvent[];
}

/** A workflow as the server keeps it; the same content is kept once. */
export interface Definition extends ApiObject {
  readonly definition_id: string;
  readonly workflow_name?: string;
  readonly version?: number;
  readonly tenant_id?: string;
  /** SHA-256 of the content, as hex, with or without `sha256:` in front. */
  readonly definition_hash?: string;
  readonly definition_json?: ApiObject;
  /** The Python source it was submitted as; null where it was submitted as JSON. */
  readonly python_dsl?: string | null;
}

/** The latest runs of a definition against its tasks. */
export interface ExecutionGrid extends ApiObject {
  readonly definition_id?: string;
  readonly workflow_name?: string;
  readonly runs?: readonly (ApiObject & {
    readonly workflow_run_id?: string;
    readonly status?: string;
    readonly created_at?: string;
    /** Milliseconds. */
    readonly duration_ms?: number | null;
  })[];
  readonly tasks?: readonly string[];
  /** For each task one cell a run. */
  readonly grid?: Readonly<Record<string, readonly (ApiObject & { readonly status?: string })[]>>;
}

/** A task that waits for a person. */
export interface Approval extends ApiObject {
  readonly approval_key: string;
  /** `pending`, `approved` or `rejected`. */
  readonly status?: string;
  readonly title?: string;
  readonly description?: string | null;
  readonly approval_data?: unknown;
  readonly workflow_run_id?: string;
}

/** What starts a workflow regularly. */
export interface Schedule extends ApiObject {
  readonly schedule_id: string;
  readonly workflow_name?: string;
  /** Cron text of five fields. */
  readonly schedule_cron?: string;
  readonly is_active?: boolean;
  /** ISO 8601. */
  readonly last_run_at?: string | null;
  /** ISO 8601. */
  readonly next_run_at?: string | null;
  readonly created_at?: string;
  /** Name of the time zone. */
  readonly timezone?: string;
  readonly execution_count?: number;
  readonly last_error?: string | null;
}

/** A run that a schedule started. */
export interface ScheduleExecution extends ApiObject {
  readonly workflow_run_id?: string;
  readonly run_id?: string;
  /** As that of a run elsewhere: `timed_out` for one that passed its time limit, which servers call `failed`. */
  readonly status?: string;
  /** Why it did not complete, where the server tells. */
  readonly error_code?: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  readonly duration_seconds?: number | null;
}

/** A schedule by the name of its job, as a workflow makes one with `tools.cron.durable_cron`. */
export interface ScheduleJob extends ApiObject {
  readonly job_name?: string;
}

/** Whether inputs are what a workflow takes. */
export interface InputCheck extends ApiObject {
  readonly valid: boolean;
  readonly errors?: readonly unknown[];
}

/** A template of the Python DSL. */
export interface DslTemplate extends ApiObject {
  readonly name?: string;
  /** Python source, where a single template was asked for. */
  readonly code?: string;
}

/** A task in the queue. */
export interface QueueTask extends ApiObject {
  readonly task_id?: string;
  readonly state?: string;
  readonly queue?: string;
}

/** A run of the queue engine: one attempt at a workflow. */
export interface EngineRun extends ApiObject {
  readonly run_id?: string;
  readonly state?: string;
}

/** Work that a worker does outside of the workflow's own process. */
export interface Activity extends ApiObject {
  readonly activity_id?: string;
  readonly activity_name?: string;
  readonly function_name?: string;
  /** `pending`, `running`, `completed`, `failed` or `cancelled`. */
  readonly status?: string;
  readonly worker_id?: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Milliseconds. */
  readonly duration_ms?: number | null;
  readonly attempt?: number;
  readonly max_attempts?: number;
}

/** An entry of the index of finished runs. */
export interface WorkflowLog extends ApiObject {
  readonly workflow_run_id: string;
  readonly workflow_name?: string;
  /** `success` or `failure`. */
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Milliseconds. */
  readonly duration_ms?: number | null;
  readonly worker_id?: string | null;
  readonly error_message?: string | null;
  readonly event_count?: number;
  readonly logged_at?: string;
}

/** What a task wrote, and how it went. */
export interface TaskLog extends ApiObject {
  readonly workflow_run_id?: string;
  readonly task_id?: string;
  readonly task_name?: string;
  readonly task_function?: string;
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Milliseconds. */
  readonly duration_ms?: number | null;
  readonly retry_count?: number;
  readonly error_message?: string | null;
  readonly output_stdout?: string | null;
  readonly output_stderr?: string | null;
  readonly output_return_code?: number | null;
}

/** A circuit breaker of the server, around something that tasks use. */
export interface CircuitBreaker extends ApiObject {
  readonly resource_key: string;
  /** `OPEN`, `CLOSED` or `HALF_OPEN`. */
  readonly state?: string;
  readonly failure_count?: number;
  readonly open_until?: string | null;
  readonly seconds_until_reopen?: number | null;
}

/** Whether the server is well. */
export interface Health extends ApiObject {
  /** `healthy`, `degraded` or `unhealthy`. */
  readonly status?: string;
  readonly checks?: ApiObject;
}

/** An API key, without the key itself. */
export interface ApiKey extends ApiObject {
  readonly api_key_id: string;
  readonly name: string;
  readonly key_prefix: string;
  /** Requests a minute. */
  readonly rate_limit?: number;
  /** `active`, `revoked` or `expired`. */
  readonly status?: string;
  readonly permissions?: readonly string[];
  readonly allowed_ips?: readonly string[];
  readonly created_at?: string;
  readonly created_by?: string;
  readonly expires_at?: string | null;
  readonly last_used_at?: string | null;
}

/** A key that was just made; it is shown this once. */
export interface CreatedApiKey extends ApiObject {
  readonly api_key: string;
  readonly api_key_id: string;
  readonly key_prefix: string;
  readonly name: string;
  readonly expires_at?: string | null;
}

/** A key that replaces another; it is shown this once. */
export interface RotatedApiKey extends ApiObject {
  readonly api_key_id: string;
  readonly new_api_key: string;
  readonly new_key_prefix: string;
  readonly old_key_expires_at?: string | null;
}

/** A token of a user, without the token itself. */
export interface Token extends ApiObject {
  readonly token_id: string;
  readonly name?: string;
  readonly status?: string;
  readonly user_email?: string;
  readonly permissions?: readonly string[];
  readonly created_at?: string;
  readonly expires_at?: string | null;
  readonly last_used_at?: string | null;
}

/** A token that was just issued; it is shown this once. */
export interface IssuedToken extends ApiObject {
  readonly token: string;
  readonly token_id: string;
  readonly name?: string;
  readonly expires_at: string;
}
