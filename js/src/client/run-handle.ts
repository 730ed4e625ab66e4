/** A handle to a run: follow it, talk to it, end it. */

import { checkSignal, type Client, seconds } from "./client.js";
import { errorOf, isHighwayError, makeError } from "../shared/errors.js";
import { listen } from "./host.js";
import { type CallOptions, checkProgress, type DurationInput, type WaitOptions } from "./options.js";
import { checkOptions } from "../shared/options.js";
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

/** Seconds that an update may take when nobody says otherwise; the server's own default. */
const UPDATE_TIMEOUT = 30;
/** Seconds that an answer may be under way beyond that. */
const UPDATE_GRACE = 10;

/** How to watch a run. */
export interface WatchOptions extends Pick<CallOptions, "signal"> {
  /** How long to watch; without end by default. The run goes on when it passes. */
  timeout?: DurationInput | undefined;
}

/** How to send an update. */
export interface UpdateOptions extends CallOptions {
  /** How long the run may take to answer; 30 s by default. */
  timeout?: DurationInput | undefined;
}

interface ResultData {
  readonly status: StatusData;
  readonly tasks: unknown;
}

/** A run to follow, to talk to and to end. */
export class RunHandle {
  /** Id of the run. */
  readonly runId: string;
  /** The `workflowId` it was submitted with, where this handle comes from a submission. */
  readonly workflowId: string | null;
  /** What the server answered to the submission, where this handle comes from one: ids, hash and version of the definition. */
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
      throw errorOf("OPTION_INVALID", "the run id is empty or not text", { path: "/runId" });
    }
    this.#client = client;
    this.runId = runId;
    this.workflowId = workflowId;
    this.submission = submission;
  }

  /**
   * The run as it is now.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id, and as every request.
   */
  async status(options: CallOptions = {}): Promise<RunStatus> {
    return new RunStatus(await this.#call<StatusData>("status", {}, options));
  }

  /**
   * Waits until the run is over. It is looked at after 0.1 s at first, less often later, every 5 s at last; where the server
   * tells changes by itself, it is listened to. Many runs that are followed at the same time share requests. While a page is
   * hidden nothing is asked; afterwards everything is, at once.
   *
   * A run that failed is a result like any other: look at `isSuccess`, or throw `error`.
   *
   * @throws {TimeoutError} `WAIT_TIMEOUT` when `timeout` passes first; the run goes on.
   * @throws {AbortedError} when `signal` fires; the run goes on.
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
   * The changes of the run, with the states of its tasks: first how it is, last how it ended, once. Nothing is asked before
   * the first is wanted, nor after the loop is left.
   *
   * @throws {TimeoutError} `WAIT_TIMEOUT` when `timeout` passes first; the run goes on.
   * @throws {AbortedError} when `signal` fires; the run goes on.
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
   * Ends the run and stops what is running. `false` when it was over already.
   *
   * Permission: `cancel_workflows`.
   *
   * @param reason Shown with the run.
   */
  async cancel(reason?: string, options: CallOptions = {}): Promise<boolean> {
    if (reason != null && typeof reason !== "string") {
      throw errorOf("OPTION_INVALID", "`reason` is not text", { path: "/reason" });
    }
    return await this.#call<boolean>("cancel", { reason }, options);
  }

  /** What the tasks wrote, oldest first. */
  async logs(options: CallOptions = {}): Promise<LogEntry[]> {
    return await this.#call<LogEntry[]>("logs", {}, options);
  }

  /**
   * The tasks as they are now, by name.
   *
   * @param options `delays: true` gives the waits, too, that a driver writes for the option `delay` of a task.
   */
  async steps(
    options: CallOptions & { delays?: boolean } = {},
  ): Promise<Readonly<Record<string, TaskResult>>> {
    const { delays, ...more } = options;
    const parts: NamedTask[] = [];
    return taskMap(parts, await this.#call("steps", {}, more, parts), delays);
  }

  /**
   * Sends a signal, which the workflow takes when it waits for one of that name. Not repeated after a failure, since it
   * could then arrive twice.
   */
  async signal(name: string, payload: unknown = {}, options: CallOptions = {}): Promise<void> {
    await this.#post("signals", { signal_name: name, signal_payload: payload }, options);
  }

  /**
   * Sends an update and waits for what the workflow answers.
   *
   * @returns What the handler in the workflow gave.
   * @throws {TimeoutError} `REQUEST_TIMEOUT` when the workflow does not answer in time.
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
   * The value of a variable of the workflow, as it is now.
   *
   * @throws {ApiError} `API_NOT_FOUND` where the server knows no such variable.
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

  /** Follows the run to its end: the result, where it is wanted. `left` fires where nobody is interested any more. */
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
          // An asynchronous callback may fail later.
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

  /** The error with the id of the run. */
  #named(error: unknown): unknown {
    if (!isHighwayError(error) || error.details["runId"] !== undefined) return error;
    const { message, cause, details } = error;
    return makeError(error.name, { ...error, message, cause, details: { ...details, runId: this.runId } });
  }
}
