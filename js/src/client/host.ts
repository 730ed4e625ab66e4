/** The host's part of a client's calls: sending, sleeping, and stopping promptly when the caller's signal fires. */

import { eventsOf, readable } from "./answer.js";
import { loadSpellings } from "./credentials.js";
import { describe, LONGEST_TIMER } from "../shared/environment.js";
import { listen } from "../shared/signals.js";
import { isHighwayError } from "../shared/errors.js";
import { errorOfFacts } from "../wasm/guard.js";
import { parseJson } from "../shared/json.js";
import { type NamedTask, namedTasks } from "./run.js";
import type { Session } from "./session.js";
import type { Authorized, Cut, Events, Host, Limit } from "../wasm/wasm-api.js";

/** @internal What a call adds to its requests. */
export interface CallHostOptions {
  signal?: AbortSignal | undefined;
  /** Makes the body of a request that is no JSON; anew for each attempt. */
  attachment?: (() => BodyInit) | undefined;
  /** Gets the tasks that come in parts. */
  parts?: NamedTask[] | undefined;
}

/** @internal */
export class CallHost implements Host {
  /** Why the latest request did not reach the server, or why there is no credential. */
  lastFailure: unknown;
  /** What ended the call from our side of the boundary: a callback that threw, or a closed engine. */
  thrown: { readonly error: unknown } | undefined;
  /** The body of an answer that is taken as bytes. */
  bytes: Uint8Array | undefined;

  protected readonly session: Session;
  readonly #attachment: (() => BodyInit) | undefined;
  readonly #parts: NamedTask[];
  readonly #signal: AbortSignal | undefined;
  #isStopped = false;
  /** What is to be told when the host stops. */
  readonly #waiting = new Set<() => void>();

  constructor(session: Session, { signal, attachment, parts = [] }: CallHostOptions = {}) {
    this.session = session;
    this.#attachment = attachment;
    this.#parts = parts;
    this.#signal = signal;
  }

  get mostBytes(): number {
    return this.session.maxResponseSize;
  }

  async fetch(request: Request, signal: AbortSignal): Promise<Response> {
    if (signal.aborted) throw signal.reason;
    const response = await this.session.fetch(request, signal);
    // A look-alike may be anything; the core trusts what it is told.
    const { status, headers } = response;
    if (!(Number.isInteger(status) && status >= 0 && status < 1000))
      throw new TypeError("`fetch` did not return a Response");
    this.session.sawHeaders(headers);
    return readable(response);
  }

  limit(timeoutMs: number, controller: AbortController, cut: (isLate: boolean) => void): Limit {
    const end = this.#limit(timeoutMs, (kind) => {
      // Our own controller, aborted with an Error: the caller's reason may be anything, and stays with the caller.
      controller.abort(new DOMException("the request was aborted", "AbortError"));
      cut(kind === "timeout");
    });
    return { end };
  }

  attachment(): BodyInit | undefined {
    return this.#attachment?.();
  }

  failed(error: unknown): string {
    if (isHighwayError(error)) this.fail(error);
    this.lastFailure = this.session.causeOf(error);
    return describe(this.lastFailure);
  }

  async struck(text: string): Promise<string> {
    await loadSpellings();
    return this.session.credentials.struck(text);
  }

  keep(bytes: Uint8Array): void {
    this.bytes = bytes;
  }

  async events(response: Response, controller: AbortController): Promise<Events> {
    const events = await eventsOf(response, this.mostBytes);
    const stop = (): void => {
      controller.abort();
      events.cancel();
    };
    if (this.#isStopped) stop();
    this.#waiting.add(stop);
    const next = async (): Promise<string | undefined> => {
      const data = await events.next();
      if (data === undefined) this.#waiting.delete(stop);
      return data;
    };
    return { next };
  }

  authorize(refused: string | undefined, timeoutMs: number): Promise<Authorized> {
    const ask = async (): Promise<Authorized> => {
      try {
        return { credential: await this.session.credentials.get(refused) };
      } catch (error) {
        // What a page may not send is no failure of `auth`.
        if (isHighwayError(error) && error.code === "API_KEY_EXPOSED") this.fail(error);
        this.lastFailure = error;
        return { kind: "failed", reason: describe(error) };
      }
    };
    return this.#until<Authorized>(timeoutMs, ask, (kind) => ({ kind }));
  }

  judge(error: string, attempt: number): boolean | undefined {
    try {
      return this.session.judge(errorOfFacts(error), attempt);
    } catch (thrown) {
      this.fail(thrown);
      return false;
    }
  }

  sleep(ms: number): Promise<boolean> {
    return this.#until(
      ms,
      () => new Promise<boolean>(() => {}),
      (kind) => kind === "timeout",
    );
  }

  part(_runId: string, _isFirst: boolean, tasks: string): void {
    this.#parts.push(...namedTasks(parseJson(tasks)));
  }

  now(): number {
    return performance.now();
  }

  random(): number {
    return Math.random();
  }

  recall(index: number): number {
    return this.session.memory[index] ?? 0;
  }

  remember(index: number, value: number): void {
    this.session.memory[index] = value;
  }

  /** Ends the call with an error that is not the server's; all requests of this host are given up. */
  protected fail(error: unknown): void {
    this.thrown ??= { error };
    this.stop();
  }

  /** Gives up all requests. */
  stop(): void {
    this.#isStopped = true;
    for (const tell of [...this.#waiting]) tell();
  }

  /** The work's outcome, unless the time passes or the call ends first. Leaves no timer and no listener behind. */
  async #until<T>(ms: number, work: () => Promise<T>, cut: (kind: Cut) => T): Promise<T> {
    let end = (): void => {};
    const ended = new Promise<T>((resolve) => {
      end = this.#limit(ms, (kind) => resolve(cut(kind)));
    });
    try {
      return await (this.#isOver ? ended : Promise.race([ended, work()]));
    } finally {
      end();
    }
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#signal?.aborted === true;
  }

  /** Calls `cut` once, if the time passes or the call ends first. Returns how to stop that. */
  #limit(ms: number, cut: (kind: Cut) => void): () => void {
    if (this.#isOver) {
      cut("aborted");
      return () => {};
    }
    const end = (): void => {
      clearTimeout(timer);
      unlisten?.();
      this.#waiting.delete(abort);
    };
    const abort = (): void => {
      end();
      cut("aborted");
    };
    const late = (): void => {
      end();
      cut("timeout");
    };
    const timer = setTimeout(late, Math.min(ms, LONGEST_TIMER));
    const unlisten = this.#signal && listen(this.#signal, abort);
    this.#waiting.add(abort);
    return end;
  }
}
