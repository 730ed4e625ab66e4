/** The host's part of one client call: sending, sleeping, and stopping promptly when the caller's signal fires. */

import { describe, LONGEST_TIMER } from "./environment.js";
import { isHighwayError } from "./errors.js";
import type { Host, Outcome } from "./wasm-api.js";

/** The headers of a response that the client reads. */
const READ_HEADERS = ["content-type", "date", "retry-after", "x-request-id"];

/** A function with the signature of the global `fetch`. */
export type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

/** @internal */
export class CallHost implements Host {
  /** Why the latest request did not reach the server. */
  lastFailure: unknown;
  /** What ended the call from our side of the boundary: a progress callback that threw, or a closed engine. */
  thrown: { readonly error: unknown } | undefined;

  readonly #fetch: Fetch;
  readonly #signals: readonly AbortSignal[];
  readonly #stop = new AbortController();
  readonly #onProgress: ((status: unknown) => void) | undefined;

  constructor(fetch: Fetch, signal: AbortSignal | undefined, onProgress?: (status: unknown) => void) {
    this.#fetch = fetch;
    this.#signals = signal ? [signal, this.#stop.signal] : [this.#stop.signal];
    this.#onProgress = onProgress;
  }

  async send(request: Request, timeoutMs: number): Promise<Outcome> {
    // Our own controller, aborted with an Error: the caller's reason may be anything, and stays with the caller.
    const controller = new AbortController();
    return await this.#until<Outcome>(
      timeoutMs,
      () => this.#exchange(request, controller.signal),
      (kind) => {
        controller.abort(new DOMException("the request was given up", "AbortError"));
        return { kind };
      },
    );
  }

  async sleep(ms: number): Promise<boolean> {
    return await this.#until(
      ms,
      () => new Promise<boolean>(() => {}),
      (kind) => kind === "timeout",
    );
  }

  now(): number {
    return performance.now();
  }

  random(): number {
    return Math.random();
  }

  progress(status: string): void {
    try {
      const returned: unknown = this.#onProgress?.(JSON.parse(status));
      // An asynchronous callback may fail later.
      Promise.resolve(returned).catch((error: unknown) => this.#end(error));
    } catch (error) {
      this.#end(error);
    }
  }

  /** Ends the call with an error that is not the server's. */
  #end(error: unknown): void {
    this.thrown ??= { error };
    this.#stop.abort();
  }

  async #exchange(request: Request, signal: AbortSignal): Promise<Outcome> {
    try {
      // Called as a plain function: a page's own `fetch` refuses any other `this`.
      const fetch = this.#fetch;
      const response = await fetch(request, { signal });
      const body: unknown = await response.text();
      if (typeof body !== "string") throw new TypeError("`fetch` gave no Response");
      return { kind: "response", response: genuine(response), body };
    } catch (error) {
      if (isHighwayError(error)) this.#end(error);
      this.lastFailure = error;
      return { kind: "failed", reason: describe(error) };
    }
  }

  /** The work's outcome, unless the time passes or the signal fires first. Leaves no timer and no listener behind. */
  async #until<T>(ms: number, work: () => Promise<T>, cut: (kind: "timeout" | "aborted") => T): Promise<T> {
    if (this.#signals.some((signal) => signal.aborted)) return cut("aborted");
    let end = (_kind: "timeout" | "aborted"): void => {};
    const ended = new Promise<T>((resolve) => {
      end = (kind) => resolve(cut(kind));
    });
    const onAbort = (): void => end("aborted");
    const timer = setTimeout(() => end("timeout"), Math.min(ms, LONGEST_TIMER));
    for (const signal of this.#signals) listen(signal, onAbort);
    try {
      return await Promise.race([work(), ended]);
    } finally {
      clearTimeout(timer);
      for (const signal of this.#signals) unlisten(signal, onAbort);
    }
  }
}

/** Who waits for a signal. One listener serves all, since runtimes warn of a leak where many calls share a signal. */
const listeners = new WeakMap<
  AbortSignal,
  { readonly waiting: Set<() => void>; readonly tell: () => void }
>();

function listen(signal: AbortSignal, onAbort: () => void): void {
  let shared = listeners.get(signal);
  if (shared === undefined) {
    const waiting = new Set<() => void>();
    const tell = (): void => {
      for (const call of [...waiting]) call();
    };
    shared = { waiting, tell };
    listeners.set(signal, shared);
    signal.addEventListener("abort", shared.tell, { once: true });
  }
  shared.waiting.add(onAbort);
}

function unlisten(signal: AbortSignal, onAbort: () => void): void {
  const shared = listeners.get(signal);
  shared?.waiting.delete(onAbort);
  if (shared?.waiting.size === 0) {
    signal.removeEventListener("abort", shared.tell);
    listeners.delete(signal);
  }
}

/** What we read of a response as one of this realm: the module below trusts it not to throw. */
function genuine(response: Pick<Response, "status" | "headers">): Response {
  if (response instanceof Response) return response;
  const headers = new Headers();
  for (const name of READ_HEADERS) {
    const value: unknown = response.headers.get(name);
    if (typeof value === "string") headers.set(name, value);
  }
  return new Response(null, { status: response.status, headers });
}
