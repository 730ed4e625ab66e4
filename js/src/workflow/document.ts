/** The JSON form of a workflow definition, as `highway_dsl` 2.2.0 writes it: Highway's own names, in snake_case. */

/** When an operator starts, by the outcomes of its dependencies. */
export type TriggerRule = "all_success" | "all_done" | "one_success" | "one_done" | "none_failed";

/** What a join waits for. */
export type JoinMode = "all_of" | "any_of" | "all_success" | "one_success";

/** The type of an operator. */
export type OperatorType =
  | "task"
  | "condition"
  | "wait"
  | "parallel"
  | "foreach"
  | "switch"
  | "while"
  | "emit_event"
  | "wait_for_event"
  | "join"
  | "activity"
  | "reflexive"
  | "multi_choice"
  | "terminate"
  | "child_workflow";

/** A retry policy in a definition. */
export interface RetryPolicyDocument {
  /** Attempts after the first one. */
  readonly max_retries: number;
  /** Delay before the second attempt, as an ISO 8601 duration. */
  readonly delay: string;
  /** Factor by which each further delay grows. */
  readonly backoff_factor: number;
}

/** A guard in a definition. */
export interface DataGuardDocument {
  readonly variable: string;
  readonly check: string;
  readonly value: unknown;
  /** Text of the error if the condition does not hold. */
  readonly message: string;
}

/** One operator of a workflow, with the fields of all types. Each type has additional fields. */
export interface OperatorDocument {
  readonly task_id: string;
  readonly operator_type: OperatorType;
  /** Ids of the operators that must end first. */
  readonly dependencies: readonly string[];
  readonly trigger_rule: TriggerRule;
  readonly retry_policy: RetryPolicyDocument | null;
  readonly timeout_policy: { readonly timeout: string; readonly kill_on_timeout: boolean } | null;
  readonly circuit_breaker_policy: Readonly<Record<string, unknown>> | null;
  readonly idempotency_key: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly description: string;
  /** Name by which templates use the result; null if there is none. */
  readonly result_key: string | null;
  /** Id of the operator to run after this one has completed. */
  readonly on_success_task_id: string | null;
  /** Id of the operator to run after this one has failed. */
  readonly on_failure_task_id: string | null;
  readonly is_internal_loop_task: boolean;
  readonly is_internal_parallel_task: boolean;
  /** Conditions that must hold before the operator starts. */
  readonly preconditions: readonly DataGuardDocument[];
  /** Conditions on the result of the operator. */
  readonly postconditions: readonly DataGuardDocument[];
  readonly [field: string]: unknown;
}

/** A workflow definition in Highway's DSL. */
export interface WorkflowDocument {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** The operators by id. */
  readonly tasks: Readonly<Record<string, OperatorDocument>>;
  /** Default values of the run inputs. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly start_task: string | null;
  /** Cron expression; null without a schedule. */
  readonly schedule: string | null;
  /** ISO 8601 text, with or without an offset. */
  readonly start_date: string | null;
  /** Whether missed starts of the schedule are run later. */
  readonly catchup: boolean;
  /** Whether the schedule is paused. */
  readonly is_paused: boolean;
  readonly tags: readonly string[];
  /** Number of runs that may be active at the same time. */
  readonly max_active_runs: number;
  readonly default_retry_policy: RetryPolicyDocument | null;
  /** Time limit of a run, in seconds. */
  readonly deadline_seconds: number | null;
  /** State of a run that exceeds `deadline_seconds`: failed or cancelled. */
  readonly deadline_action: "fail" | "cancel";
  /** Time limit of a run in seconds, in the driver's dialect. Absent unless it was given. */
  readonly timeout_seconds?: number;
}
