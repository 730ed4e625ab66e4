/** Options of operators, and their names in a definition. */

import type { DurationInput } from "../client/options.js";
import type { TaskRef } from "../shared/task-ref.js";
import type { TriggerRule } from "./document.js";

/** How often and how fast a failing task is tried again. */
export interface RetryPolicyOptions {
  /** Attempts after the first one; 3 by default. */
  maxRetries?: number | undefined;
  /** Time before the second attempt; 5 s by default. */
  delay?: DurationInput | undefined;
  /** Factor by which each further delay grows; 2 by default. */
  backoffFactor?: number | undefined;
}

/** Time limit of one attempt. */
export interface TimeoutPolicyOptions {
  timeout: DurationInput;
  /** Whether the attempt is ended when the limit passes; `true` by default. */
  killOnTimeout?: boolean | undefined;
}

/** When a tool that keeps failing is left alone for a while. */
export interface CircuitBreakerPolicyOptions {
  /** Failures in a row that open the circuit; 5 by default. */
  failureThreshold?: number | undefined;
  /** Successes that close it again; 2 by default. */
  successThreshold?: number | undefined;
  /** How long it stays open; 30 s by default. */
  isolationDuration?: DurationInput | undefined;
  /** Names of exceptions that count as failures; all by default. */
  catchExceptions?: readonly string[] | null | undefined;
  /** Names of exceptions that do not count. */
  ignoreExceptions?: readonly string[] | null | undefined;
}

/** What a guard checks. */
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
  check: GuardCheck;
  /** What it is compared with; `[min, max]` for a range, a list for a set. */
  value?: unknown;
  /** What to say when it does not hold. */
  message?: string | undefined;
}

/** What tasks, activities and reflexive loops take. */
export interface TaskOperatorOptions {
  /** Ids of operators that come first; an explicit list, even an empty one, ends the implicit chain. */
  dependencies?: readonly (string | TaskRef)[] | undefined;
  /** When it starts, given how its dependencies ended; `"all_success"` by default. */
  triggerRule?: TriggerRule | undefined;
  retryPolicy?: RetryPolicyOptions | null | undefined;
  timeoutPolicy?: TimeoutPolicyOptions | null | undefined;
  circuitBreakerPolicy?: CircuitBreakerPolicyOptions | null | undefined;
  /** Two attempts with one key have one effect; may hold templates. */
  idempotencyKey?: string | null | undefined;
  /** Free data. */
  metadata?: Record<string, unknown> | undefined;
  /** What it is for. */
  description?: string | undefined;
  /** Name under which templates find its result. */
  resultKey?: string | null | undefined;
  /** Id of the operator that runs when this one completed. */
  onSuccessTaskId?: string | null | undefined;
  /** Id of the operator that runs when this one failed. */
  onFailureTaskId?: string | null | undefined;
}

/** What all other operators take. */
export interface OperatorOptions extends TaskOperatorOptions {
  preconditions?: readonly DataGuard[] | undefined;
  postconditions?: readonly DataGuard[] | undefined;
}

/** Second name of `dependencies`, for tasks, activities and child workflows. */
export interface DependsOn {
  dependsOn?: readonly (string | TaskRef)[] | undefined;
}

/** A task or an activity. */
export interface ToolTaskOptions extends TaskOperatorOptions, DependsOn {
  /** Positional arguments of the tool. */
  args?: readonly unknown[] | undefined;
  /** Named arguments of the tool. */
  kwargs?: Record<string, unknown> | undefined;
}

/** Options whose values have names of their own. */
const NESTED = new Set(["retryPolicy", "timeoutPolicy", "circuitBreakerPolicy"]);

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Options whose names differ in a definition; all others keep theirs, as arguments of a tool do. */
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

/** The options under the names of a definition. */
export function operatorOptions(options: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    out[RENAMED.get(name) ?? name] = NESTED.has(name) ? policy(value) : value;
  }
  return out;
}

/** A policy under the names of a definition. */
export function policy(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [snake(name), item]));
}
