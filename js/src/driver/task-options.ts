/** Options and properties of a driver's tasks. */

import type { PythonPackage } from "../client/artifact.js";
import type { DurationInput } from "../client/options.js";
import type { ResultRef, TaskRef } from "../shared/task-ref.js";

/** Options of every kind of task. */
export interface TaskOptions {
  /**
   * Tasks that must complete first, by name or reference. Tasks whose `ref.result` is used are included automatically.
   */
  depends?: string | TaskRef | readonly (string | TaskRef)[] | null | undefined;
  /** Time limit of one attempt; default: 300 s. */
  timeout?: DurationInput | undefined;
  /** Attempts after the first one; default: 0. */
  retries?: number | undefined;
  /** Delay before the second attempt; default: 1 s. */
  retryDelay?: DurationInput | undefined;
  /** Factor by which each further delay grows, at least 1; default: 2. */
  backoff?: number | undefined;
  /** Durable wait before the task starts, in whole seconds. Cannot be combined with `schedule`. */
  delay?: DurationInput | undefined;
  /** Starts the workflow regularly: a cron expression with five fields, or a duration. A workflow has one schedule. */
  schedule?: string | DurationInput | undefined;
  /** Free text about the task. */
  description?: string | undefined;
}

/** What a task does: exactly one of these kinds. */
export type TaskKind =
  | ({ shell: string } & WithEnv)
  | ({ py: string } & WithEnv)
  | { http: HttpRequest }
  | { tool: string; kwargs?: Record<string, unknown> | undefined }
  | { workflow: string; inputs?: Record<string, unknown> | undefined }
  | { workflowId: string; inputs?: Record<string, unknown> | undefined }
  | DurableKind;

/** Options of commands and Python source. */
export interface WithEnv {
  /**
   * Environment variables by name. Values are text and may be templates. Pass untrusted text this way: a template
   * inside a command becomes part of the command, but `"$NAME"` in a command and `os.environ["NAME"]` in Python are
   * never executed.
   */
  env?: Readonly<Record<string, string | ResultRef>> | undefined;
}

/**
 * A Python function with a durable context: its source, or a package and the function to call in it. It runs from an
 * artifact. The source is uploaded as one when the workflow is submitted, unless the run input `_artifact_id` names an
 * existing artifact.
 */
export type DurableKind = (
  | { durable: string }
  | {
      durable: true;
      /** The package: its files, or in Node, Deno and Bun the path of its folder. */
      package: string | PythonPackage;
      /** The function to call, as `module:function`. */
      entrypoint: string;
    }
) & {
  /** Positional arguments after the context. */
  funcArgs?: readonly unknown[] | undefined;
  /** Named arguments. */
  funcKwargs?: Record<string, unknown> | undefined;
};

type Depends = Pick<TaskOptions, "depends" | "description">;

/** A loop over a list. */
export interface ForeachSpec extends Depends {
  /** Template of the list, such as `{{users_result.response}}`. */
  items: string | ResultRef;
  /** Python source of the body, as for a `py` task. */
  py: string;
  /** Time limit of one item; default: 300 s. */
  timeout?: DurationInput | undefined;
}

/** A loop that runs as long as a condition holds. */
export interface WhileSpec extends Depends {
  /** Expression, such as `{{counter}} < 5`. */
  condition: string;
  /** Python source of the body. */
  py: string;
  /** Time limit of one round; default: 300 s. */
  timeout?: DurationInput | undefined;
  /** Accepted as in the Python driver, which does not write it into the definition. */
  maxIterations?: number | undefined;
  /** Whether the body has a durable context and runs from an artifact; default: true, as in Python. */
  durable?: boolean | undefined;
}

/** Emits an event. */
export interface EmitSpec extends Depends {
  /** Name of the event. */
  event: string;
  /** Data of the event. */
  payload?: Record<string, unknown> | undefined;
}

/** Waits for an event. */
export interface WaitForSpec extends Depends {
  /** Name of the event. */
  event: string;
  /** How long to wait; default: 30 s. */
  timeout?: DurationInput | undefined;
}

/** Runs tasks at the same time, in branches. */
export interface ParallelSpec extends Depends {
  /** Registered tasks, each in a branch of its own; or the tasks of each branch, by the branch's name. */
  branches: readonly (string | TaskRef)[] | Readonly<Record<string, readonly (string | TaskRef)[]>>;
  /** How long to wait for the branches; default: 300 s. */
  timeout?: DurationInput | undefined;
}

/** The HTTP request of a task. Every field may contain templates. */
export interface HttpRequest {
  /** The absolute URL. */
  url: string;
  /** HTTP method; default: `GET`. */
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  /** Query parameters. */
  params?: Record<string, unknown> | undefined;
  /** Body, sent as JSON. */
  json?: unknown;
  /** Body, sent as text. */
  body?: string | undefined;
  [option: string]: unknown;
}

/** A registered task. */
export interface TaskInfo {
  readonly name: string;
  readonly type:
    | "shell"
    | "py"
    | "http"
    | "tool"
    | "workflow"
    | "durable"
    | "foreach"
    | "while"
    | "emit"
    | "wait_for"
    | "parallel";
  /** Names of the tasks that must complete first. */
  readonly depends: readonly string[];
  /** Time limit of one attempt in seconds. */
  readonly timeout: number;
  /** Attempts after the first one. */
  readonly retries: number;
  /** Delay before the second attempt in seconds. */
  readonly retryDelay: number;
  /** Factor by which each further delay grows. */
  readonly backoff: number;
  /** Durable wait before the task starts, in seconds. */
  readonly delay: number | null;
  /** Cron expression, or `@every <n>s`. */
  readonly schedule: string | null;
  readonly description: string;
}
