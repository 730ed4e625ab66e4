/** Options of operators, and their names in a definition. */

import type { DurationInput } from "../client/options.js";
import type { TaskRef } from "../shared/task-ref.js";
import type { TriggerRule } from "./document.js";

/** How often and after which delay a failed task is tried again. */
export interface RetryPolicyOptions {
  /** Attempts after the first one; default: 3. */
  maxRetries?: number | undefined;
  /** Delay before the second attempt; default: 5 s. */
  delay?: DurationInput | undefined;
  /** Factor by which each further delay grows; default: 2. */
  backoffFactor?: number | undefined;
}

/** Time limit of one attempt. */
export interface TimeoutPolicyOptions {
  /** The time limit. */
  timeout: DurationInput;
  /** Whether the attempt is aborted at the limit; default: true. */
  killOnTimeout?: boolean | undefined;
}

/** When to stop calling a tool that keeps failing. */
export interface CircuitBreakerPolicyOptions {
  /** Failures in a row that open the circuit; default: 5. */
  failureThreshold?: number | undefined;
  /** Successes that close it again; default: 2. */
  successThreshold?: number | undefined;
  /** How long the circuit stays open; default: 30 s. */
  isolationDuration?: DurationInput | undefined;
  /** Names of the exceptions that count as failures; default: all. */
  catchExceptions?: readonly string[] | null | undefined;
  /** Names of the exceptions that do not count as failures. */
  ignoreExceptions?: readonly string[] | null | undefined;
}

/** The check of a guard. */
export type GuardCheck =
  | "exists"
  | "not_null"
  | "equals"
  | "not_equals"
  | "in_range"
  | "matches_regex"
  | "type_check"
  | "in_set";

/** A condition on a variable. */
export interface DataGuard {
  variable: string;
  /** The check that must hold. */
  check: GuardCheck;
  /** The value to compare with: `[min, max]` for a range, a list for a set. */
  value?: unknown;
  /** Text of the error if the condition does not hold. */
  message?: string | undefined;
}

/** Options of tasks, activities and reflexive loops. */
export interface TaskOperatorOptions {
  /**
   * Ids of the operators that must end first. A list, even an empty one, replaces the dependency on the preceding
   * operator.
   */
  dependencies?: readonly (string | TaskRef)[] | undefined;
  /** When the operator starts, by the outcomes of its dependencies; default: `"all_success"`. */
  triggerRule?: TriggerRule | undefined;
  /** When to try again; default: that of the workflow. */
  retryPolicy?: RetryPolicyOptions | null | undefined;
  /** Time limit of one attempt; default: none. */
  timeoutPolicy?: TimeoutPolicyOptions | null | undefined;
  /** When to stop calling the tool; default: never. */
  circuitBreakerPolicy?: CircuitBreakerPolicyOptions | null | undefined;
  /** Attempts with the same key take effect once. May contain templates. */
  idempotencyKey?: string | null | undefined;
  /** Free data about the operator. */
  metadata?: Record<string, unknown> | undefined;
  /** Free text about the operator. */
  description?: string | undefined;
  /** Name by which templates use the result. */
  resultKey?: string | null | undefined;
  /** Id of the operator to run after this one has completed. */
  onSuccessTaskId?: string | null | undefined;
  /** Id of the operator to run after this one has failed. */
  onFailureTaskId?: string | null | undefined;
}

/** Options of all other operators. */
export interface OperatorOptions extends TaskOperatorOptions {
  /** Conditions that must hold before the operator starts. */
  preconditions?: readonly DataGuard[] | undefined;
  /** Conditions on the result of the operator. */
  postconditions?: readonly DataGuard[] | undefined;
}

/** Another name for `dependencies`, for tasks, activities and child workflows. */
export interface DependsOn {
  dependsOn?: readonly (string | TaskRef)[] | undefined;
}

/** Options of a task or an activity. */
export interface ToolTaskOptions extends TaskOperatorOptions, DependsOn {
  /** Positional arguments of the tool. */
  args?: readonly unknown[] | undefined;
  /** Named arguments of the tool. */
  kwargs?: Record<string, unknown> | undefined;
}

/** Options whose fields are renamed too. */
const NESTED = new Set(["retryPolicy", "timeoutPolicy", "circuitBreakerPolicy"]);

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Options with another name in a definition. All others keep their name, since they may be arguments of a tool. */
const RENAMED = new Map(
  [
    "dependsOn",
    "triggerRule",
    "idempotencyKey",
    "resultKey",
    "onSuccessTaskId",
    "onFailureTaskId",
    "timeoutSeconds",
    "joinResultKey",
    "generatorKwargs",
    "verifierKwargs",
    "maxTurns",
    "correctionPromptTemplate",
    "minimumBranches",
    ...NESTED,
  ].map((name) => [name, snake(name)]),
);

/** The options under their names in a definition. */
export function operatorOptions(options: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    out[RENAMED.get(name) ?? name] = NESTED.has(name) ? policy(value) : value;
  }
  return out;
}

/** A policy under its names in a definition. */
export function policy(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [snake(name), item]));
}
