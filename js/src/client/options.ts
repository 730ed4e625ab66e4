/** Options of a client and of its calls. */

import { invalid } from "../shared/options.js";
import type { HighwayError } from "../shared/errors.js";
import type { RunStatus } from "./run.js";

/** A function with the signature of the global `fetch`. */
export type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

/**
 * A length of time: a number of seconds, ISO 8601 text (`"PT2H"`, `"P1D"`), an object of units, a `Temporal.Duration`,
 * or any object whose `toJSON` gives ISO 8601 text.
 */
export type DurationInput =
  | number
  | string
  | { days?: number; hours?: number; minutes?: number; seconds?: number; milliseconds?: number }
  | { toJSON(): string };

/** The part of an embedded engine that a client uses. */
export interface EngineLike {
  /** Answers requests of the API, as the global `fetch` would. */
  readonly fetch: Fetch;
  /** The error of an engine that has stopped. Calls are rejected with it. */
  readonly failure?: Error | undefined;
}

/** When to repeat a failed request. Only requests that are safe to repeat are repeated. */
export interface RetryOptions {
  /** All attempts, the first included; default: 4. */
  attempts?: number | undefined;
  /**
   * Longest delay before the second attempt; it doubles for each further one. Default: 0.25 s. Half of each delay is
   * random.
   */
  delay?: DurationInput | undefined;
  /** Upper limit of the delay; default: 8 s. A longer `Retry-After` of the server takes precedence. */
  maxDelay?: DurationInput | undefined;
  /** Time after the first attempt from which no other attempt starts; default: 2 minutes. */
  totalTime?: DurationInput | undefined;
  /**
   * Decides whether to try again after a failure. `attempt` is the number of the failed attempt, from 1. `undefined`
   * leaves the decision to the default: try again after network errors, timeouts, 408, 429, and 5xx except 501.
   */
  when?: ((error: HighwayError, attempt: number) => boolean | undefined) | undefined;
}

/** When to stop sending requests to a server that keeps failing. */
export interface CircuitBreakerOptions {
  /** Failed requests in a row that open the circuit; default: 10. */
  failures?: number | undefined;
  /** How long the circuit stays open until one request tries the server; default: 5 s. */
  openFor?: DurationInput | undefined;
}

/**
 * Returns the credential: an API key or a token. The client keeps it until the server refuses it. Then it calls the
 * function once more, with `refresh: true`, and sends the request again.
 */
export type Auth = (context: { readonly refresh: boolean }) => string | Promise<string>;

/** Where and how to reach a Highway server, or the embedded engine to use instead. */
export interface ClientOptions {
  /**
   * API key or token, sent as a bearer credential and never shown in errors. Default in Node, Deno and Bun: the
   * environment variable `HIGHWAY_API_KEY`.
   */
  apiKey?: string | undefined;
  /** A function that returns the key or token. `false` for an endpoint that needs none, such as a proxy of your own. */
  auth?: Auth | false | undefined;
  /**
   * Origin of the server, or the address of a proxy. In a page it may be relative. Default: the environment variable
   * `HIGHWAY_API_ENDPOINT`, otherwise `https://highway.solutions`.
   */
  endpoint?: string | URL | undefined;
  /** Sends the requests in place of the global `fetch`: a service binding, a proxy, a test double. */
  fetch?: Fetch | undefined;
  /** The embedded engine to run on, in place of a server. It needs no key and no endpoint. */
  engine?: EngineLike | undefined;
  /** When to repeat failed requests; `false` for never. */
  retry?: RetryOptions | false | undefined;
  /**
   * When to stop sending requests to a failing server; calls then fail at once with `API_CIRCUIT_OPEN`. `false` for
   * never.
   */
  circuitBreaker?: CircuitBreakerOptions | false | undefined;
  /** Time limit of one request; default: 30 s. */
  timeout?: DurationInput | undefined;
  /** The largest answer that is accepted, in bytes after decompression; default: 32 MiB, with an `engine` 256 MiB. */
  maxResponseSize?: number | undefined;
  /** Allows a long-lived `hw_k1_…` key in a page, where every visitor can read it; default: false. */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** Options of every call to a server. */
export interface CallOptions {
  /** Aborts the call. Its reason becomes the `cause` of the {@link AbortedError}. */
  signal?: AbortSignal | undefined;
  /** Time limit of the call, including all its attempts. */
  timeout?: DurationInput | undefined;
}

/** How to wait for a run. */
export interface WaitOptions extends Pick<CallOptions, "signal"> {
  /** How long to wait; default: without limit. The run continues after the limit. */
  timeout?: DurationInput | undefined;
  /** Called with the first status of the run and with every change. */
  onProgress?: ((status: RunStatus) => void) | undefined;
}

/** Refuses an `onProgress` that is not a function. */
export function checkProgress(onProgress: unknown): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalid("`onProgress` is not a function", "/onProgress");
  }
}
