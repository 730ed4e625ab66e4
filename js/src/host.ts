/** The host's part of a client's calls: sending, sleeping, and stopping promptly when the caller's signal fires. */

import { bytesOf, eventsOf, TOO_LARGE } from "./body.js";
import type { Client } from "./client.js";
import { loadSpellings } from "./credentials.js";
import { describe, LONGEST_TIMER } from "./environment.js";
import { isHighwayError } from "./errors.js";
import { errorOfFacts } from "./guard.js";
import { parseJson } from "./json.js";
import { type NamedTask, namedTasks } from "./run.js";
import type { Host, Outcome } from "./wasm-api.js";

/** Headers of a refusal that the core reads as they are. */
const READ_HEADERS = ["retry-after", "x-request-id"];

/** A function with the signature of the global `fetch`. */
export type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

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

  protected readonly client: Client;
  readonly #attachment: (() => BodyInit) | undefined;
  readonly #parts: NamedTask[];
  readonly #signal: AbortSignal | undefined;
  #isStopped = false;
  /** What is to be told when the host stops. */
  readonly #waiting = new Set<() => void>();

  constructor(client: Client, { signal, attachment, parts = [] }: CallHostOptions = {}) {
    this.client = client;
    this.#attachment = attachment;
    this.#parts = parts;
    this.#signal = signal;
  }

  send(
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
    // Redirects are our own affair, since a runtime would take the credential along.
    const init: RequestInit = { method, headers: pairs(headers), redirect: "manual" };
    return this.#until<Outcome>(
      timeoutMs,
      () => {
        if (hasAttachment) init.body = this.#attachment?.() ?? null;
        else if (body !== undefined) init.body = body;
        return this.#exchange(url, init, controller, expects);
      },
      (kind) => {
        controller.abort(new DOMException("the request was given up", "AbortError"));
        return { kind };
      },
    );
  }

  authorize(refused: string | undefined, timeoutMs: number): Promise<Outcome> {
    const ask = async (): Promise<Outcome> => {
      try {
        return { credential: await this.client.credentials.get(refused) };
      } catch (error) {
        // What a page may not send is no failure of `auth`.
        if (isHighwayError(error) && error.code === "API_KEY_EXPOSED") this.fail(error);
        return this.#failed(error);
      }
    };
    return this.#until<Outcome>(timeoutMs, ask, (kind) => ({ kind }));
  }

  judge(error: string, attempt: number): boolean | undefined {
    try {
      return this.client.judge(errorOfFacts(error), attempt);
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
    return this.client.memory[index] ?? 0;
  }

  remember(index: number, value: number): void {
    this.client.memory[index] = value;
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

  #failed(error: unknown): Outcome {
    this.lastFailure = error;
    return { kind: "failed", reason: describe(error) };
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
      return this.#failed(this.client.causeOf(error));
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
    const headers = readHeaders(response.headers, url, isFine);
    if (status === 0 || (status >= 300 && status < 400)) {
      response.body?.cancel().catch(() => {});
      return { status, headers, body: "" };
    }
    if (expects === "events" && isFine && response.headers.get("content-type")?.includes("event-stream")) {
      return { status, headers, body: "", nextEvent: await this.#events(response, limit, controller) };
    }
    const body = await bytesOf(response, limit);
    if (body === TOO_LARGE) return { kind: "too_large", limit };
    if (expects === "bytes" && isFine) {
      this.bytes = body;
      return { status, headers, body: "" };
    }
    try {
      // What is wrong in the text of a refusal is replaced, since the rest is worth reading all the same.
      const text = new TextDecoder("utf-8", { fatal: isFine }).decode(body);
      // Before an error shows a part of it, since a part of a credential could not be told from other text.
      if (!isFine) await loadSpellings();
      return { status, headers, body: isFine ? text : this.client.credentials.struck(text) };
    } catch {
      return { kind: "not_text" };
    }
  }

  async #events(
    response: Response,
    limit: number,
    controller: AbortController,
  ): Promise<() => Promise<string | undefined>> {
    const events = await eventsOf(response, limit);
    const stop = (): void => {
      controller.abort();
      events.cancel();
    };
    if (this.#isStopped) stop();
    this.#waiting.add(stop);
    return async () => {
      const data = await events.next();
      if (data === undefined) this.#waiting.delete(stop);
      return data;
    };
  }

  /** The work's outcome, unless the time passes or the call ends first. Leaves no timer and no listener behind. */
  #until<T>(ms: number, work: () => Promise<T>, cut: (kind: "timeout" | "aborted") => T): Promise<T> {
    if (this.#isStopped || this.#signal?.aborted) return Promise.resolve(cut("aborted"));
    return new Promise<T>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        unlisten?.();
        this.#waiting.delete(abort);
      };
      const abort = (): void => {
        end();
        resolve(cut("aborted"));
      };
      const timer = setTimeout(
        () => {
          end();
          resolve(cut("timeout"));
        },
        Math.min(ms, LONGEST_TIMER),
      );
      const unlisten = this.#signal && listen(this.#signal, abort);
      this.#waiting.add(abort);
      work().then(
        (outcome) => {
          end();
          resolve(outcome);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
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

/** Headers of a request. Most requests have the same ones as the one before. */
const pairs = (lines: string): [string, string][] => {
  if (lines === latest.lines) return latest.pairs;
  const pairs = lines
    .trimEnd()
    .split("\n")
    .map((line): [string, string] => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    });
  latest = { lines, pairs };
  return pairs;
};
let latest: { lines: string; pairs: [string, string][] } = { lines: "", pairs: [] };

/**
 * Headers of a response that the core reads. A redirect says in full where it leads, and who is asked to come back at a certain
 * time is told what time it is.
 */
function readHeaders(headers: Headers, url: string, isFine: boolean): string {
  let lines = "";
  const add = (name: string, value: unknown): void => {
    if (typeof value === "string") lines += `${name}: ${value}\n`;
  };
  add("content-type", headers.get("content-type"));
  if (isFine) return lines;
  for (const name of READ_HEADERS) add(name, headers.get(name));
  const location = headers.get("location");
  if (location !== null)
    add("location", URL.canParse(location, url) ? new URL(location, url).href : location);
  if (headers.get("retry-after") !== null) add("date", headers.get("date") ?? new Date().toUTCString());
  return lines;
}
