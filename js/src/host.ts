/** The host's part of a client's calls: sending, sleeping, and stopping promptly when the caller's signal fires. */

import { eventsOf, NOT_TEXT, TOO_LARGE, bytesOf, textOf } from "./body.js";
import type { Client } from "./client.js";
import { describe, LONGEST_TIMER } from "./environment.js";
import { isHighwayError } from "./errors.js";
import { errorOfFacts } from "./guard.js";
import type { Host, Outcome } from "./wasm-api.js";

/** Headers of a response that the core reads as they are. */
const READ_HEADERS = ["content-type", "retry-after", "x-request-id"];

/** A function with the signature of the global `fetch`. */
export type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

/** @internal What a call adds to its requests. */
export interface CallHostOptions {
  signal?: AbortSignal | undefined;
  /** Makes the body of a request that is no JSON; anew for each attempt. */
  attachment?: (() => BodyInit) | undefined;
}

/** @internal */
export class CallHost implements Host {
  /** Why the latest request did not reach the server, or why there is no credential. */
  lastFailure: unknown;
  /** What ended the call from our side of the boundary: a callback that threw, or a closed engine. */
  thrown: { readonly error: unknown } | undefined;
  /** The body of an answer that is taken as bytes. */
  bytes: Uint8Array | undefined;

  protected readonly client: Client;
  readonly #attachment: (() => BodyInit) | undefined;
  readonly #signals: readonly AbortSignal[];
  readonly #stop = new AbortController();

  constructor(client: Client, { signal, attachment }: CallHostOptions = {}) {
    this.client = client;
    this.#attachment = attachment;
    this.#signals = signal ? [signal, this.#stop.signal] : [this.#stop.signal];
  }

  async send(
    method: string,
    url: string,
    headers: string,
    body: string | undefined,
    timeoutMs: number,
    expects: string,
    hasAttachment: boolean,
  ): Promise<Outcome> {
    // Our own controller, aborted with an Error: the caller's reason may be anything, and stays with the caller.
    const controller = new AbortController();
    const init: RequestInit = {
      method,
      headers: pairs(headers),
      // Redirects are our own affair, since a runtime would take the credential along.
      redirect: "manual",
      ...(hasAttachment ? { body: this.#attachment?.() ?? null } : body === undefined ? {} : { body }),
    };
    return await this.#until<Outcome>(
      timeoutMs,
      () => this.#exchange(url, init, controller, expects),
      (kind) => {
        controller.abort(new DOMException("the request was given up", "AbortError"));
        return { kind };
      },
    );
  }

  async authorize(refused: string | undefined): Promise<Outcome> {
    const ask = async (): Promise<Outcome> => {
      try {
        return { kind: "credential", body: await this.client.credentials.get(refused) };
      } catch (error) {
        if (isHighwayError(error)) this.fail(error);
        this.lastFailure = error;
        return { kind: "failed", reason: describe(error) };
      }
    };
    return await this.#until<Outcome>(LONGEST_TIMER, ask, (kind) => ({ kind }));
  }

  judge(error: string, attempt: number): boolean | undefined {
    try {
      return this.client.judge(errorOfFacts(error), attempt);
    } catch (thrown) {
      this.fail(thrown);
      return false;
    }
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

  recall(): Float64Array {
    return this.client.memory;
  }

  remember(memory: Float64Array): void {
    // It lies in the memory of the module, which may move.
    this.client.memory = memory.slice();
  }

  /** Ends the call with an error that is not the server's; all requests of this host are given up. */
  protected fail(error: unknown): void {
    this.thrown ??= { error };
    this.stop();
  }

  /** Gives up all requests. */
  stop(): void {
    this.#stop.abort();
  }

  async #exchange(
    url: string,
    init: RequestInit,
    controller: AbortController,
    expects: string,
  ): Promise<Outcome> {
    try {
      const response = await this.client.fetch(url, init, controller.signal);
      this.client.sawHeaders(response.headers);
      return await this.#read(response, url, expects, controller);
    } catch (error) {
      if (isHighwayError(error)) this.fail(error);
      this.lastFailure = error;
      return { kind: "failed", reason: describe(error) };
    }
  }

  async #read(
    response: Response,
    url: string,
    expects: string,
    controller: AbortController,
  ): Promise<Outcome> {
    const limit = this.client.maxResponseSize;
    const { status } = response;
    // A look-alike may be anything; the core trusts what it is told.
    if (!(Number.isInteger(status) && status >= 0 && status < 1000))
      throw new TypeError("`fetch` gave no Response");
    const isFine = status >= 200 && status < 300;
    const seen = { kind: "response", status, headers: readHeaders(response.headers, url), body: "" } as const;
    if (status === 0 || (status >= 300 && status < 400)) {
      response.body?.cancel().catch(() => {});
      return seen;
    }
    if (expects === "events" && isFine && response.headers.get("content-type")?.includes("event-stream")) {
      this.#stop.signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal });
      return { ...seen, nextEvent: await eventsOf(response, limit, this.#stop.signal) };
    }
    if (expects === "bytes" && isFine) {
      const bytes = await bytesOf(response, limit);
      if (bytes === TOO_LARGE) return { kind: "too_large", limit };
      this.bytes = bytes;
      return seen;
    }
    const body = await textOf(response, limit, isFine);
    if (body === TOO_LARGE) return { kind: "too_large", limit };
    return body === NOT_TEXT ? { kind: "not_text" } : { ...seen, body };
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
    const unlisten = this.#signals.map((signal) => listen(signal, onAbort));
    try {
      return await Promise.race([work(), ended]);
    } finally {
      clearTimeout(timer);
      for (const stop of unlisten) stop();
    }
  }
}

/** Who waits for a signal. One listener serves all, since runtimes warn of a leak where many calls share a signal. */
const listeners = new WeakMap<
  AbortSignal,
  { readonly waiting: Set<() => void>; readonly tell: () => void }
>();

/** @internal Has a function called when a signal fires; gives back how to stop. */
export function listen(signal: AbortSignal, onAbort: () => void): () => void {
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
  const { waiting, tell } = shared;
  waiting.add(onAbort);
  return () => {
    waiting.delete(onAbort);
    if (waiting.size === 0) {
      signal.removeEventListener("abort", tell);
      listeners.delete(signal);
    }
  };
}

/** Headers of a request. */
const pairs = (lines: string): [string, string][] =>
  lines
    .trimEnd()
    .split("\n")
    .map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    });

/**
 * Headers of a response that the core reads. A redirect says in full where it leads, and who is asked to come back at a certain
 * time is told what time it is.
 */
function readHeaders(headers: Headers, url: string): string {
  let lines = "";
  const add = (name: string, value: unknown): void => {
    if (typeof value === "string") lines += `${name}: ${value}\n`;
  };
  for (const name of READ_HEADERS) add(name, headers.get(name));
  const location = headers.get("location");
  if (location !== null)
    add("location", URL.canParse(location, url) ? new URL(location, url).href : location);
  if (headers.get("retry-after") !== null) add("date", headers.get("date") ?? new Date().toUTCString());
  return lines;
}
