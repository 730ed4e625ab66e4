/** The proxy's requests to the Highway server. */

import { bytesOf } from "../client/body.js";
import { EACH, isLargeJson } from "../shared/json-size.js";
import { decoded, jsonOf } from "../shared/reading.js";
import { inTurns } from "../shared/turns.js";
import { isObject } from "../shared/plain.js";
import { Redaction } from "./redaction.js";
import type { Body } from "./request-body.js";
import { SAFE_HEADERS, Refusal } from "./respond.js";
import type { Settings } from "./settings.js";
import { isStream } from "./streams.js";
import { TimeLimit } from "./time-limit.js";
import { bigJson } from "../shared/json.js";

/** Headers of an answer that are passed on. */
const PASSED = [
  "content-type",
  "retry-after",
  "x-request-id",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
];

/**
 * The most values in an answer that is parsed, the same as in a result on an engine. Parsing more would block the
 * thread, however short they are.
 */
const MOST_VALUES = 1 << 20;

/** Options of a request to the server. */
export interface RequestExtras {
  query?: URLSearchParams;
  /** Media types to accept, if not JSON. */
  accept?: string;
  body?: object;
  /** The idempotency key. */
  key?: string | null;
  /** Seconds in addition to the usual time limit. */
  timeout?: number;
}

/** An object that the server sent. */
export interface Found {
  /** The data, without its envelope. */
  readonly data: Body;
  /** The answer to pass on, with `data` in place of its own if it is given. */
  response(data?: object): Promise<Response>;
}

/** The server, for one request of a page. */
export class Upstream {
  readonly #settings: Settings;
  readonly #key: string;
  readonly #page: AbortSignal;
  readonly #redaction: Redaction;

  constructor(settings: Settings, key: string, page: AbortSignal) {
    this.#settings = settings;
    this.#key = key;
    this.#page = page;
    this.#redaction = new Redaction(key, settings.maxResponseSize);
  }

  /**
   * Requests an object. `refused` checks the body of a refusal.
   *
   * @throws {Response} with the server's own answer, if it refuses.
   * @throws {Refusal} for any other answer.
   */
  async find(
    method: string,
    segments: readonly string[],
    extras: RequestExtras = {},
    refused?: (body: unknown) => Promise<void>,
  ): Promise<Found> {
    const { answer, text } = await this.#exchange(method, segments, extras, async (answer) => ({
      answer,
      text: await this.#textOf(answer),
    }));
    const isLarge = await inTurns(isLargeJson(text, text.length + MOST_VALUES * EACH));
    if (isLarge && answer.ok) throw tooLarge();
    const body = isLarge ? undefined : await jsonOf(text);
    if (!answer.ok) {
      await refused?.(body);
      throw await this.#passed(answer, text);
    }
    if (!isObject(body)) throw unexpected("an object");
    const data = isObject(body["data"]) ? body["data"] : body;
    const response = (other?: object): Promise<Response> =>
      this.#passed(answer, other ? bigJson({ status: "success", success: true, data: other }) : text);
    return { data, response };
  }

  /** Sends a request and passes the answer on: events as they arrive, anything else when it is complete. */
  async pass(method: string, segments: readonly string[], extras: RequestExtras): Promise<Response> {
    return await this.#exchange(method, segments, extras, async (answer) => {
      if (!answer.ok || !isStream(answer)) return await this.#passed(answer, await this.#textOf(answer));
      // A stream has no time limit, and ends when the page leaves.
      const events = answer.body?.pipeThrough(this.#redaction.events(), { signal: this.#page });
      return new Response(events ?? null, this.#head(answer));
    });
  }

  async #exchange<T>(
    method: string,
    segments: readonly string[],
    extras: RequestExtras,
    read: (answer: Response) => Promise<T>,
  ): Promise<T> {
    if (this.#page.aborted) throw gone();
    const request = this.#request(method, segments, extras);
    const send = this.#settings.fetch ?? ((input, init) => globalThis.fetch(input, init));
    const limit = new TimeLimit(this.#page, this.#settings.timeout + (extras.timeout ?? 0));
    try {
      const answer = await limit.race(send(request, { signal: limit.signal }));
      checkServed(answer);
      return await limit.race(read(answer));
    } catch (error) {
      if (error instanceof Refusal || error instanceof Response) throw error;
      if (limit.isOver) throw new Refusal(504, "UPSTREAM_TIMEOUT", "the server did not answer in time");
      if (this.#page.aborted) throw gone();
      throw new Refusal(502, "UPSTREAM_UNREACHABLE", "the server could not be reached");
    } finally {
      limit.release();
    }
  }

  #request(
    method: string,
    segments: readonly string[],
    { query, accept = "application/json", body, key }: RequestExtras,
  ): Request {
    const headers = new Headers({ accept, authorization: `Bearer ${this.#key}` });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (key) headers.set("x-idempotency-key", key);
    const path = segments.map(encodeURIComponent).join("/");
    const search = query?.toString() ? `?${query}` : "";
    return new Request(`${this.#settings.base}/api/v1/${path}${search}`, {
      method,
      headers,
      redirect: "manual",
      ...(body === undefined ? {} : { body: bigJson(body) }),
    });
  }

  async #textOf(answer: Response): Promise<string> {
    const bytes = await bytesOf(answer, this.#settings.maxResponseSize);
    if (typeof bytes === "symbol") throw tooLarge();
    return await decoded(bytes);
  }

  async #passed(answer: Response, text: string): Promise<Response> {
    const isEmpty = answer.status === 204 || answer.status === 205;
    return new Response(isEmpty ? null : await this.#redaction.body(text), this.#head(answer));
  }

  #head(answer: Response): ResponseInit {
    const headers = new Headers(SAFE_HEADERS);
    for (const name of PASSED) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, this.#redaction.header(name, value));
    }
    return { status: answer.status, headers };
  }
}

/** The refusal for an answer that is not what the proxy requested. */
export function unexpected(wanted: string): Refusal {
  return new Refusal(502, "UPSTREAM_ANSWER_INVALID", `the server sent something else than ${wanted}`);
}

/** Refuses answers that concern the proxy and not the page. */
function checkServed(answer: Response): void {
  const isElsewhere = answer.status === 0 || (answer.status >= 300 && answer.status < 400);
  if (!isElsewhere && answer.status !== 401) return;
  answer.body?.cancel().catch(() => {});
  if (isElsewhere) throw new Refusal(502, "UPSTREAM_REDIRECTED", "the server redirects elsewhere");
  // A page would look for the mistake in its own credential.
  throw new Refusal(502, "UPSTREAM_UNAUTHORIZED", "the server does not accept the proxy's key");
}

const tooLarge = (): Refusal => new Refusal(502, "ANSWER_TOO_LARGE", "the server sent too much");

/** The answer to a page that has left; nobody reads it. */
const gone = (): Refusal => new Refusal(499, "PAGE_GONE", "the page went away");
