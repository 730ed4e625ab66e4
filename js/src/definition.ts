/** The workflow definition, as it goes over the wire: Highway's own names, in snake_case. */

/** A workflow definition in the dialect of the Python driver. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly start_task: string | null;
  readonly tasks: Readonly<Record<string, OperatorDefinition>>;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly max_active_runs: number;
  /** Time limit of a run, in seconds. */
  readonly timeout_seconds?: number;
  readonly schedule?: string;
}

interface OperatorBase {
  readonly task_id: string;
  readonly dependencies: readonly string[];
  readonly trigger_rule: "all_success";
  readonly description?: string;
}

/** Runs a tool. */
export interface TaskDefinition extends OperatorBase {
  readonly operator_type: "task";
  readonly result_key: string;
  /** Time limit of one attempt, in seconds. */
  readonly timeout_seconds: number;
  readonly retry_policy?: {
    /** Attempts in all. */
    readonly max_attempts: number;
    readonly initial_interval_seconds: number;
    readonly backoff_coefficient: number;
  };
  /** Name of the tool. */
  readonly function: string;
  readonly args?: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** Sleeps durably. */
export interface WaitDefinition extends OperatorBase {
  readonly operator_type: "wait";
  /** ISO 8601 duration. */
  readonly wait_for: string;
}

/** One node of a workflow. */
export type OperatorDefinition = TaskDefinition | WaitDefinition;
