/** The workflow definition as JSON: Highway's own names, in snake_case. */

/** A workflow definition in the dialect of the Python driver. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly start_task: string | null;
  /** The tasks and operators by id. */
  readonly tasks: Readonly<Record<string, OperatorDefinition>>;
  /** Default values of the run inputs. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Number of runs that may be active at the same time. */
  readonly max_active_runs: number;
  /** Time limit of a run, in seconds. */
  readonly timeout_seconds?: number;
  /** Cron expression, or `@every <n>s`. */
  readonly schedule?: string;
}

interface OperatorBase {
  readonly task_id: string;
  readonly dependencies: readonly string[];
  readonly trigger_rule: "all_success";
  readonly description?: string;
}

/** A task that calls a tool. */
export interface TaskDefinition extends OperatorBase {
  readonly operator_type: "task";
  /** Name by which templates use the result. */
  readonly result_key: string;
  /** Time limit of one attempt, in seconds. The body of a loop has none. */
  readonly timeout_seconds?: number;
  /** `true` for a task in the body of a loop; the task depends on the loop. */
  readonly is_internal_loop_task?: true;
  readonly retry_policy?: {
    /** All attempts, the first included. */
    readonly max_attempts: number;
    readonly initial_interval_seconds: number;
    readonly backoff_coefficient: number;
  };
  /** Name of the tool, such as `tools.shell.run`. */
  readonly function: string;
  /** Positional arguments of the tool. */
  readonly args?: readonly unknown[];
  /** Named arguments of the tool. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** A durable wait. */
export interface WaitDefinition extends OperatorBase {
  readonly operator_type: "wait";
  /** How long to wait, as an ISO 8601 duration such as `PT5M`. */
  readonly wait_for: string;
}

/** A loop that runs its body once for each item of a list. */
export interface ForeachDefinition extends OperatorBase {
  readonly operator_type: "foreach";
  /** Template of the list, such as `{{users_result.response}}`. */
  readonly items: string;
  /** The tasks of one round. */
  readonly loop_body: readonly TaskDefinition[];
  /** Whether the rounds run at the same time. */
  readonly parallel: boolean;
  readonly result_key: string;
}

/** A loop that runs its body as long as a condition holds. */
export interface WhileDefinition extends OperatorBase {
  readonly operator_type: "while";
  /** Expression, such as `{{counter}} < 5`. */
  readonly condition: string;
  /** The tasks of one round. */
  readonly loop_body: readonly TaskDefinition[];
  readonly result_key: string;
}

/** An operator that emits an event. */
export interface EmitEventDefinition extends OperatorBase {
  readonly operator_type: "emit_event";
  readonly event_name: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly result_key: string;
}

/** An operator that waits for an event. */
export interface WaitForEventDefinition extends OperatorBase {
  readonly operator_type: "wait_for_event";
  readonly event_name: string;
  /** How long to wait, in seconds. */
  readonly timeout_seconds: number;
  readonly result_key: string;
}

/** Branches that run at the same time. */
export interface ParallelDefinition extends OperatorBase {
  readonly operator_type: "parallel";
  /** The ids of the tasks of each branch, by the branch's name. */
  readonly branches: Readonly<Record<string, readonly string[]>>;
  /** Each branch as a workflow, by the branch's name. */
  readonly branch_workflows: Readonly<Record<string, unknown>>;
  readonly result_key: string;
}

/** One node of a workflow: a task or an operator. */
export type OperatorDefinition =
  | TaskDefinition
  | WaitDefinition
  | ForeachDefinition
  | WhileDefinition
  | EmitEventDefinition
  | WaitForEventDefinition
  | ParallelDefinition;
