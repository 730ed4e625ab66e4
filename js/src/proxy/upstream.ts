/** The proxy's own requests to the Highway server. */

import { bytesOf } from "../client/body.js";
import { EACH, isLargeJson } from "../shared/json-size.js";
import { decoded, jsonOf } from "../shared/reading.js";
import { inTurns } from "../shared/turns.js";
import { isObject } from "../shared/plain.js";
import { Redaction } from "./redaction.js";
import type { Body } from "./request-body.js";
import { OF_NOBODY_ELSE, Refusal } from "./respond.js";
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

/** Values of an answer that is read: as many as an engine keeps of one result. More would hold the thread, however short they are. */
const MOST_VALUES = 1 << 20;

/** What a request to the server may have. */
export interface Asking {
  query?: URLSearchParams;
  /** What is accepted, if not JSON. */
  accept?: string;
  body?: object;
  /** The idempotency key. */
  key?: string | null;
  /** Seconds beyond the usual ones. */
  timeout?: number;
}

/** An object that the server gave. */
export interface Found {
  /** Out of its envelope. */
  readonly data: Body;
  /** The answer to pass on; with other data in the place of its own where some are given. */
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
   * Asks for an object; `refused` looks at what a server says that refuses.
   *
   * @throws {Response} with the server's own answer, where it refuses.
   * @throws {Refusal} where it gives anything else.
   */
  async find(
    method: string,
    segments: readonly string[],
    asking: Asking = {},
    refused?: (body: unknown) => Promise<void>,
  ): Promise<Found> {
    const { answer, text } = await this.#exchange(method, segments, asking, async (answer) => ({
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
    if (!isObject(body)) throw strange("an object");
    const data = isObject(body["data"]) ? body["data"] : body;
    const response = (other?: object): Promise<Response> =>
      this.#passed(answer, other ? bigJson({ status: "success", success: true, data: other }) : text);
    return { data, response };
  }

  /** Asks, and passes the answer on: events as they come, anything else once it is read. */
  async pass(method: string, segments: readonly string[], asking: Asking): Promise<Response> {
    return await this.#exchange(method, segments, asking, async (answer) => {
      if (!answer.ok || !isStream(answer)) return await this.#passed(answer, await this.#textOf(answer));
      // A stream has no time limit, and is cut when the page goes.
      const events = answer.body?.pipeThrough(this.#redaction.events(), { signal: this.#page });
      return new Response(events ?? null, this.#head(answer));
    });
  }

  async #exchange<T>(
    method: string,
    segments: readonly string[],
    asking: Asking,
    read: (answer: Response) => Promise<T>,
  ): Promise<T> {
    if (this.#page.aborted) throw gone();
    const request = this.#request(method, segments, asking);
    const send = this.#settings.fetch ?? ((input, init) => globalThis.fetch(input, init));
    const limit = new TimeLimit(this.#page, this.#settings.timeout + (asking.timeout ?? 0));
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
    { query, accept = "application/json", body, key }: Asking,
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
    const headers = new Headers(OF_NOBODY_ELSE);
    for (const name of PASSED) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, this.#redaction.header(name, value));
    }
    return { status: answer.status, headers };
  }
}

/** An answer of the server that is none to what the proxy asked for. */
export function strange(wanted: string): Refusal {
  return new Refusal(502, "UPSTREAM_ANSWER_INVALID", `the server sent something else than ${wanted}`);
}

/** Refuses answers that are about the proxy, and not about what the page wants. */
function checkServed(answer: Response): void {
  const isElsewhere = answer.status === 0 || (answer.status >= 300 && answer.status < 400);
  if (!isElsewhere && answer.status !== 401) return;
  answer.body?.cancel().catch(() => {});
  if (isElsewhere) throw new Refusal(502, "UPSTREAM_REDIRECTED", "the server redirects elsewhere");
  // A page would look for the fault in a credential of its own.
  throw new Refusal(502, "UPSTREAM_UNAUTHORIZED", "the server does not accept the proxy's key");
}

const tooLarge = (): Refusal => new Refusal(502, "ANSWER_TOO_LARGE", "the server sent too much");

/** What nobody gets to read. */
const gone = (): Refusal => new Refusal(499, "PAGE_GONE", "the page went away");
