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
  /** Time limit of one attempt, in seconds; the body of a loop has none. */
  readonly timeout_seconds?: number;
  /** Whether it is the body of a loop, which it depends on. */
  readonly is_internal_loop_task?: true;
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

/** Runs its body for each item of a list. */
export interface ForeachDefinition extends OperatorBase {
  readonly operator_type: "foreach";
  /** Template of the list. */
  readonly items: string;
  readonly loop_body: readonly TaskDefinition[];
  readonly parallel: boolean;
  readonly result_key: string;
}

/** Runs its body as long as a condition holds. */
export interface WhileDefinition extends OperatorBase {
  readonly operator_type: "while";
  readonly condition: string;
  readonly loop_body: readonly TaskDefinition[];
  readonly result_key: string;
}

/** Emits an event. */
export interface EmitEventDefinition extends OperatorBase {
  readonly operator_type: "emit_event";
  readonly event_name: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly result_key: string;
}

/** Waits for an event. */
export interface WaitForEventDefinition extends OperatorBase {
  readonly operator_type: "wait_for_event";
  readonly event_name: string;
  readonly timeout_seconds: number;
  readonly result_key: string;
}

/** Starts branches side by side. */
export interface ParallelDefinition extends OperatorBase {
  readonly operator_type: "parallel";
  /** Ids of the tasks of each branch. */
  readonly branches: Readonly<Record<string, readonly string[]>>;
  /** The branches as workflows of their own. */
  readonly branch_workflows: Readonly<Record<string, unknown>>;
  readonly result_key: string;
}

/** One node of a workflow. */
export type OperatorDefinition =
  | TaskDefinition
  | WaitDefinition
  | ForeachDefinition
  | WhileDefinition
  | EmitEventDefinition
  | WaitForEventDefinition
  | ParallelDefinition;
