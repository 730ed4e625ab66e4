/** What a task of a driver is given, and what is known of it. */

import type { PythonPackage } from "../client/artifact.js";
import type { DurationInput } from "../client/options.js";
import type { ResultRef, TaskRef } from "../shared/task-ref.js";

/** What every kind of task takes. */
export interface TaskOptions {
  /** Tasks that must have completed first, by name or reference. What is used as `ref.result` need not be named here. */
  depends?: string | TaskRef | readonly (string | TaskRef)[] | null | undefined;
  /** Time limit of one attempt; 300 s by default. */
  timeout?: DurationInput | undefined;
  /** Attempts after the first one; none by default. */
  retries?: number | undefined;
  /** Time before the second attempt; 1 s by default. */
  retryDelay?: DurationInput | undefined;
  /** Factor by which each further delay grows, at least 1; 2 by default. */
  backoff?: number | undefined;
  /** Sleep durably before the task starts; whole seconds. Not together with `schedule`. */
  delay?: DurationInput | undefined;
  /** Start the workflow regularly: cron text of five fields, or a duration. One schedule a workflow. */
  schedule?: string | DurationInput | undefined;
  /** What the task is for. */
  description?: string | undefined;
}

/** What a task runs: exactly one of these kinds. */
export type TaskKind =
  | ({ shell: string } & WithEnv)
  | ({ py: string } & WithEnv)
  | { http: HttpRequest }
  | { tool: string; kwargs?: Record<string, unknown> | undefined }
  | { workflow: string; inputs?: Record<string, unknown> | undefined }
  | { workflowId: string; inputs?: Record<string, unknown> | undefined }
  | DurableKind;

/** What commands and Python source take. */
export interface WithEnv {
  /**
   * Environment variables by name; values are text, and may be templates. This is the safe way to pass text that others have
   * written: a template inside a command becomes part of the command, while `"$NAME"` in a command, and `os.environ["NAME"]` in
   * Python, are never run.
   */
  env?: Readonly<Record<string, string | ResultRef>> | undefined;
}

/**
 * A Python function with a durable context: its source, or a package of which a function is the entry point. It runs from an
 * artifact, which is made of the source and uploaded when the workflow is submitted, unless the run input `_artifact_id`
 * names one that is there already.
 */
export type DurableKind = (
  | { durable: string }
  | {
      durable: true;
      /** The package: its folder, in Node, Deno and Bun, or its files. */
      package: string | PythonPackage;
      /** `module:function`. */
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
  /** Template of the list. */
  items: string | ResultRef;
  /** Python source of the body, as of a `py` task. */
  py: string;
  /** Time limit of one item; 300 s by default. */
  timeout?: DurationInput | undefined;
}

/** A loop as long as a condition holds. */
export interface WhileSpec extends Depends {
  /** Expression such as `{{counter}} < 5`. */
  condition: string;
  /** Python source of the body. */
  py: string;
  /** Time limit of one round; 300 s by default. */
  timeout?: DurationInput | undefined;
  /** Taken for the sake of the Python driver, which writes it nowhere. */
  maxIterations?: number | undefined;
  /** Whether the body has a durable context, and so runs from an artifact; `true` by default, as in Python. */
  durable?: boolean | undefined;
}

/** An event to emit. */
export interface EmitSpec extends Depends {
  /** Name of the event. */
  event: string;
  /** Its data. */
  payload?: Record<string, unknown> | undefined;
}

/** An event to wait for. */
export interface WaitForSpec extends Depends {
  /** Name of the event. */
  event: string;
  /** 30 s by default. */
  timeout?: DurationInput | undefined;
}

/** Tasks that run side by side. */
export interface ParallelSpec extends Depends {
  /** Registered tasks, each a branch of its own; or branches by name, each with its tasks. */
  branches: readonly (string | TaskRef)[] | Readonly<Record<string, readonly (string | TaskRef)[]>>;
  /** How long to wait for the branches; 300 s by default. */
  timeout?: DurationInput | undefined;
}

/** An HTTP request of a task; any of it may contain templates. */
export interface HttpRequest {
  url: string;
  /** `GET` by default. */
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  /** Query parameters. */
  params?: Record<string, unknown> | undefined;
  /** A JSON body. */
  json?: unknown;
  /** A text body. */
  body?: string | undefined;
  [option: string]: unknown;
}

/** A task as it was registered. */
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
  readonly depends: readonly string[];
  /** Seconds. */
  readonly timeout: number;
  readonly retries: number;
  /** Seconds. */
  readonly retryDelay: number;
  readonly backoff: number;
  /** Seconds. */
  readonly delay: number | null;
  /** Cron text or `@every <n>s`. */
  readonly schedule: string | null;
  readonly description: string;
}
