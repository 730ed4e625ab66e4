/** A handle to a run: to follow it, communicate with it and cancel it. */

import { checkSignal, type Client, seconds } from "./client.js";
import { errorOf, isHighwayError, makeError } from "../shared/errors.js";
import { listen } from "../shared/signals.js";
import { type CallOptions, checkProgress, type DurationInput, type WaitOptions } from "./options.js";
import { checkOptions, invalid } from "../shared/options.js";
import { parseJson } from "../shared/json.js";
import { isObject } from "../shared/plain.js";
import type { Finished } from "./watching.js";
import {
  type LogEntry,
  type NamedTask,
  RunResult,
  RunStatus,
  type StatusData,
  taskMap,
  type TaskResult,
} from "./run.js";

/** Default time limit of an update in seconds, equal to the server's own. */
const UPDATE_TIMEOUT = 30;
/** Additional seconds for the answer to arrive. */
const UPDATE_GRACE = 10;

/** How to watch a run. */
export interface WatchOptions extends Pick<CallOptions, "signal"> {
  /** How long to watch; default: without limit. The run continues after the limit. */
  timeout?: DurationInput | undefined;
}

/** How to send an update. */
export interface UpdateOptions extends CallOptions {
  /** How long the workflow may take to answer; default: 30 s. */
  timeout?: DurationInput | undefined;
}

interface ResultData {
  readonly status: StatusData;
  readonly tasks: unknown;
}

/** A run that can be followed, sent signals and updates, and cancelled. */
export class RunHandle {
  /** Id of the run. */
  readonly runId: string;
  /** The `workflowId` of the submission; null if the handle does not come from a submission. */
  readonly workflowId: string | null;
  /**
   * The server's answer to the submission (ids, hash and version of the definition); null if the handle does not come
   * from one.
   */
  readonly submission: Readonly<Record<string, unknown>> | null;

  readonly #client: Client;

  /** @internal */
  constructor(
    client: Client,
    runId: string,
    workflowId: string | null = null,
    submission: Readonly<Record<string, unknown>> | null = null,
  ) {
    if (typeof runId !== "string" || runId === "") {
      throw invalid("the run id is empty or not text", "/runId");
    }
    this.#client = client;
    this.runId = runId;
    this.workflowId = workflowId;
    this.submission = submission;
  }

  /**
   * The present status of the run.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id; the errors of every request.
   */
  async status(options: CallOptions = {}): Promise<RunStatus> {
    return new RunStatus(await this.#call<StatusData>("status", {}, options));
  }

  /**
   * Waits until the run has ended. Reads its status after 0.1 s, then less often, at last every 5 s. If the server
   * offers an event stream, the client listens to it instead. Runs that are followed at the same time share requests. A
   * hidden page sends no requests; when it is shown again, it reads all runs at once.
   *
   * A run that failed is a normal result: check `isSuccess`, or throw `error`.
   *
   * @throws {TimeoutError} `WAIT_TIMEOUT` if `timeout` passes first; the run continues.
   * @throws {AbortedError} if `signal` fires; the run continues.
   */
  async result(options: WaitOptions = {}): Promise<RunResult> {
    checkOptions(options, ["timeout", "signal", "onProgress"], "result");
    const { onProgress } = options;
    checkProgress(onProgress);
    const { result, parts } = await this.#followed(options, true, onProgress);
    const { status, tasks } = parseJson(result) as ResultData;
    return new RunResult(status, taskMap(parts, tasks), this.workflowId);
  }

  /**
   * The status of the run after each change, with the states of its tasks. The first is the present status; the last,
   * given once, is final. No request is sent before the loop starts or after it is left.
   *
   * @throws {TimeoutError} `WAIT_TIMEOUT` if `timeout` passes first; the run continues.
   * @throws {AbortedError} if `signal` fires; the run continues.
   *
   * @example
   * ```js
   * import { Driver } from "highway-wasm";
   * import { LocalEngine } from "highway-wasm/engine";
   *
   * const engine = new LocalEngine({ tools: { "notes.add": () => "noted" } });
   * const driver = new Driver({ engine });
   * driver.tool("note", "notes.add");
   * const handle = await driver.start();
   * for await (const { state, progress } of handle.watch()) {
   *   if (state === "completed") console.log(state, progress.tasks); // completed { note: 'completed' }
   * }
   * await engine.close();
   * ```
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<RunStatus, void, undefined> {
    checkOptions(options, ["timeout", "signal"], "watch");
    const waiting: RunStatus[] = [];
    let wake = (): void => {};
    const controller = new AbortController();
    let failure: { readonly error: unknown } | undefined;
    let isOver = false;
    const onUpdate = (status: RunStatus): void => {
      waiting.push(status);
      wake();
    };
    const following = this.#followed(options, false, onUpdate, controller.signal).then(
      () => {},
      (error: unknown) => {
        failure = { error };
      },
    );
    void following.then(() => {
      isOver = true;
      wake();
    });
    try {
      for (;;) {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
        if (failure) throw failure.error;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      controller.abort();
    }
  }

  /**
   * Cancels the run and aborts its running tasks. Gives `false` if it had already ended.
   *
   * Permission: `cancel_workflows`.
   *
   * @param reason Shown with the run.
   */
  async cancel(reason?: string, options: CallOptions = {}): Promise<boolean> {
    if (reason != null && typeof reason !== "string") {
      throw invalid("`reason` is not text", "/reason");
    }
    return await this.#call<boolean>("cancel", { reason }, options);
  }

  /** The log entries of all tasks, oldest first. */
  async logs(options: CallOptions = {}): Promise<LogEntry[]> {
    return await this.#call<LogEntry[]>("logs", {}, options);
  }

  /**
   * The tasks in their present state, by name.
   *
   * @param options With `delays: true`, the waits are included that a driver writes for the option `delay` of a task.
   */
  async steps(
    options: CallOptions & { delays?: boolean } = {},
  ): Promise<Readonly<Record<string, TaskResult>>> {
    const { delays, ...more } = options;
    const parts: NamedTask[] = [];
    return taskMap(parts, await this.#call("steps", {}, more, parts), delays);
  }

  /**
   * Sends a signal. The workflow receives it when it waits for a signal of that name. Not repeated after a failure,
   * because the signal could then arrive twice.
   */
  async signal(name: string, payload: unknown = {}, options: CallOptions = {}): Promise<void> {
    await this.#post("signals", { signal_name: name, signal_payload: payload }, options);
  }

  /**
   * Sends an update and waits for the workflow's answer.
   *
   * @returns The result of the workflow's handler.
   * @throws {TimeoutError} `REQUEST_TIMEOUT` if the workflow does not answer in time.
   */
  async update<T = unknown>(name: string, payload: unknown = {}, options: UpdateOptions = {}): Promise<T> {
    checkOptions(options, ["signal", "timeout"], "update");
    const { signal, timeout = UPDATE_TIMEOUT } = options;
    const limit = seconds("/timeout", timeout, 0.001);
    const body = { update_name: name, update_payload: payload, timeout_seconds: limit };
    const answer = await this.#post("updates", body, { signal, timeout: limit + UPDATE_GRACE });
    return (isObject(answer) && "result" in answer ? answer["result"] : answer) as T;
  }

  /**
   * The present value of a variable of the workflow.
   *
   * @throws {ApiError} `API_NOT_FOUND` if the server does not know the variable.
   */
  async query<T = unknown>(variable: string, options: CallOptions = {}): Promise<T> {
    const query = { variable };
    const answer = await this.#request("GET", "query", { query }, options);
    if (!isObject(answer)) return answer as T;
    const key = ["value", variable, "result"].find((name) => Object.hasOwn(answer, name));
    return (key === undefined ? answer : answer[key]) as T;
  }

  #call<T>(op: string, args: object, options: CallOptions, parts?: NamedTask[]): Promise<T> {
    checkOptions(options, ["signal", "timeout"], op);
    return this.#client.call<T>(op, { runId: this.runId, ...args }, { ...options, parts });
  }

  #post(what: string, body: object, options: CallOptions): Promise<unknown> {
    return this.#request("POST", what, { body }, options);
  }

  #request(method: string, what: string, args: object, options: CallOptions): Promise<unknown> {
    checkOptions(options, ["signal", "timeout"], what);
    const request = { method, path: `workflows/{runId}/${what}`, params: { runId: this.runId }, ...args };
    return this.#client.call("request", request, options);
  }

  /**
   * Follows the run to its end. With `whole`, the outcome has the result. `left` fires when the caller has stopped
   * following.
   */
  #followed(
    options: WatchOptions,
    whole: boolean,
    onUpdate: ((status: RunStatus) => unknown) | undefined,
    left?: AbortSignal,
  ): Promise<Finished> {
    const { timeout, signal } = options;
    this.#client.requireKey("result()");
    checkSignal(signal);
    const timeoutMs = timeout === undefined ? undefined : seconds("/timeout", timeout, 0) * 1000;
    return new Promise<Finished>((resolve, reject) => {
      const cleanups: (() => void)[] = [];
      const stop = (): void => {
        for (const cleanup of cleanups) cleanup();
      };
      const fail = (error: unknown): void => {
        stop();
        reject(error);
      };
      const aborted = (): void => fail(this.#aborted(signal?.reason));
      if (signal?.aborted) {
        aborted();
        return;
      }
      const update = (text: string): void => {
        try {
          const returned = onUpdate?.(new RunStatus(JSON.parse(text) as StatusData));
          // The callback may be asynchronous and fail later.
          Promise.resolve(returned).catch(fail);
        } catch (error) {
          fail(error);
        }
      };
      const leave = this.#client.watching.follow(this.runId, {
        timeoutMs,
        whole,
        onUpdate: onUpdate && update,
        onEnd: (outcome) => {
          stop();
          if ("result" in outcome) resolve(outcome);
          else reject(this.#named(outcome.error));
        },
      });
      cleanups.push(leave);
      if (signal) cleanups.push(listen(signal, aborted));
      if (left) cleanups.push(listen(left, stop));
    });
  }

  #aborted(cause: unknown): Error {
    return errorOf("ABORTED", "the operation was aborted", { cause, details: { runId: this.runId } });
  }

  /** The error with the run's id in its details. */
  #named(error: unknown): unknown {
    if (!isHighwayError(error) || error.details["runId"] !== undefined) return error;
    const { message, cause, details } = error;
    return makeError(error.name, { ...error, message, cause, details: { ...details, runId: this.runId } });
  }
}
