/**
 * The objects in the API's answers. Fields keep the server's names: nothing is renamed or dropped. A field is optional
 * if the API does not promise it.
 */

/** An object of the API. It may have more fields than are declared. */
export interface ApiObject {
  readonly [field: string]: unknown;
}

/** The answer to a submission or a registration. */
export interface Submission extends ApiObject {
  /** Id of the run; absent after a registration. */
  readonly workflow_run_id?: string | null;
  /** Id of the run in the queue engine. */
  readonly run_id?: string | null;
  readonly definition_id?: string;
  /** SHA-256 of the definition, as hex. */
  readonly definition_hash?: string;
  readonly workflow_name?: string;
  /** Version number of the definition among those of the same name. */
  readonly version?: number;
}

/** An entry of the audit log of a run. */
export interface WorkflowEvent extends ApiObject {
  readonly event_type?: string;
  /** ISO 8601 text. */
  readonly timestamp?: string;
  readonly payload?: unknown;
}

/** State that a run stored at some point, from which it can continue. */
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

/** The sagas of a run and their compensations. */
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

/** Statistics about all runs, or those of one workflow. Durations are in seconds. */
export interface WorkflowStats extends ApiObject {
  readonly total_workflows?: number;
  /** Number of runs by status. */
  readonly status_breakdown?: Readonly<Record<string, number>>;
  readonly success_rate?: number;
  readonly avg_duration_seconds?: number;
  readonly p50_duration_seconds?: number;
  readonly p95_duration_seconds?: number;
  readonly p99_duration_seconds?: number;
  readonly total_duration_seconds?: number;
  readonly time_range?: { readonly since?: string | null; readonly until?: string | null };
}

/** Counts and durations of one run. */
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

/** The outcome of a simulation: a run that is repeated with its recorded side effects. */
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

/** The record of one step of a run. */
export interface Step extends ApiObject {
  readonly step_name: string;
  /** `succeeded`, `failed`, `sleeping`, `running`. */
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  readonly duration_seconds?: number | null;
  readonly retry_count?: number;
  readonly has_checkpoint?: boolean;
  /** Only if a single step was requested. */
  readonly checkpoint_data?: unknown;
  /** Only if a single step was requested. */
  readonly events?: readonly WorkflowEvent[];
}

/** A definition that the server keeps. It keeps the same content once. */
export interface Definition extends ApiObject {
  readonly definition_id: string;
  readonly workflow_name?: string;
  readonly version?: number;
  readonly tenant_id?: string;
  /** SHA-256 of the content, as hex, with or without the prefix `sha256:`. */
  readonly definition_hash?: string;
  readonly definition_json?: ApiObject;
  /** The Python source that was submitted; null if the definition was submitted as JSON. */
  readonly python_dsl?: string | null;
}

/** The state of each task in the latest runs of a definition. */
export interface ExecutionGrid extends ApiObject {
  readonly definition_id?: string;
  readonly workflow_name?: string;
  readonly runs?: readonly (ApiObject & {
    readonly workflow_run_id?: string;
    readonly status?: string;
    readonly created_at?: string;
    /** Duration in milliseconds. */
    readonly duration_ms?: number | null;
  })[];
  readonly tasks?: readonly string[];
  /** For each task, one cell per run. */
  readonly grid?: Readonly<Record<string, readonly (ApiObject & { readonly status?: string })[]>>;
}

/** A task that waits for the approval of a person. */
export interface Approval extends ApiObject {
  readonly approval_key: string;
  /** `pending`, `approved` or `rejected`. */
  readonly status?: string;
  readonly title?: string;
  readonly description?: string | null;
  readonly approval_data?: unknown;
  readonly workflow_run_id?: string;
}

/** Starts a workflow at regular times. */
export interface Schedule extends ApiObject {
  readonly schedule_id: string;
  readonly workflow_name?: string;
  /** Cron expression with five fields. */
  readonly schedule_cron?: string;
  readonly is_active?: boolean;
  /** ISO 8601 text. */
  readonly last_run_at?: string | null;
  /** ISO 8601 text. */
  readonly next_run_at?: string | null;
  readonly created_at?: string;
  /** Time zone of the cron expression, such as `Europe/Berlin`. */
  readonly timezone?: string;
  readonly execution_count?: number;
  readonly last_error?: string | null;
}

/** A run that a schedule started. */
export interface ScheduleExecution extends ApiObject {
  readonly workflow_run_id?: string;
  readonly run_id?: string;
  /** The status of the run. `timed_out` stands for a run that exceeded its time limit, which servers call `failed`. */
  readonly status?: string;
  /** Code of the error, if the server sends it. */
  readonly error_code?: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  readonly duration_seconds?: number | null;
}

/** A schedule that a workflow created with `tools.cron.durable_cron`. */
export interface ScheduleJob extends ApiObject {
  readonly job_name?: string;
}

/** Whether inputs match the schema of a workflow. */
export interface InputCheck extends ApiObject {
  readonly valid: boolean;
  readonly errors?: readonly unknown[];
}

/** A template of the Python DSL. */
export interface DslTemplate extends ApiObject {
  readonly name?: string;
  /** Python source. Only if a single template was requested. */
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

/** Work that a worker does outside the workflow's own process. */
export interface Activity extends ApiObject {
  readonly activity_id?: string;
  readonly activity_name?: string;
  readonly function_name?: string;
  /** `pending`, `running`, `completed`, `failed` or `cancelled`. */
  readonly status?: string;
  readonly worker_id?: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Duration in milliseconds. */
  readonly duration_ms?: number | null;
  readonly attempt?: number;
  readonly max_attempts?: number;
}

/** The log of a finished run. */
export interface WorkflowLog extends ApiObject {
  readonly workflow_run_id: string;
  readonly workflow_name?: string;
  /** `success` or `failure`. */
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Duration in milliseconds. */
  readonly duration_ms?: number | null;
  readonly worker_id?: string | null;
  readonly error_message?: string | null;
  readonly event_count?: number;
  readonly logged_at?: string;
}

/** The output and the outcome of a task. */
export interface TaskLog extends ApiObject {
  readonly workflow_run_id?: string;
  readonly task_id?: string;
  readonly task_name?: string;
  readonly task_function?: string;
  readonly status?: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
  /** Duration in milliseconds. */
  readonly duration_ms?: number | null;
  readonly retry_count?: number;
  readonly error_message?: string | null;
  readonly output_stdout?: string | null;
  readonly output_stderr?: string | null;
  readonly output_return_code?: number | null;
}

/** A circuit breaker of the server around a resource that tasks use. */
export interface CircuitBreaker extends ApiObject {
  readonly resource_key: string;
  /** `OPEN`, `CLOSED` or `HALF_OPEN`. */
  readonly state?: string;
  readonly failure_count?: number;
  readonly open_until?: string | null;
  readonly seconds_until_reopen?: number | null;
}

/** The health of the server. */
export interface Health extends ApiObject {
  /** `healthy`, `degraded` or `unhealthy`. */
  readonly status?: string;
  readonly checks?: ApiObject;
}

/** An API key. Its secret text is not included. */
export interface ApiKey extends ApiObject {
  readonly api_key_id: string;
  readonly name: string;
  readonly key_prefix: string;
  /** Requests per minute. */
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

/** A new API key. Only this answer has its secret text. */
export interface CreatedApiKey extends ApiObject {
  readonly api_key: string;
  readonly api_key_id: string;
  readonly key_prefix: string;
  readonly name: string;
  readonly expires_at?: string | null;
}

/** A key that replaces another. Only this answer has its secret text. */
export interface RotatedApiKey extends ApiObject {
  readonly api_key_id: string;
  readonly new_api_key: string;
  readonly new_key_prefix: string;
  readonly old_key_expires_at?: string | null;
}

/** A token of a user. Its secret text is not included. */
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

/** A new token. Only this answer has its secret text. */
export interface IssuedToken extends ApiObject {
  readonly token: string;
  readonly token_id: string;
  readonly name?: string;
  readonly expires_at: string;
}
