/** Options of the client and of its calls. */

import { errorOf, type HighwayError } from "../shared/errors.js";
import type { RunStatus } from "./run.js";

/** A function with the signature of the global `fetch`. */
export type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

/**
 * A length of time: seconds, ISO 8601 text (`"PT2H"`, `"P1D"`), an object of units, or a `Temporal.Duration` (anything
 * whose `toJSON` gives ISO 8601 text).
 */
export type DurationInput =
  | number
  | string
  | { days?: number; hours?: number; minutes?: number; seconds?: number; milliseconds?: number }
  | { toJSON(): string };

/** The embedded engine, as far as a driver needs it. */
export interface EngineLike {
  readonly fetch: Fetch;
  /** Why it stands still, where it does: what calls are rejected with. */
  readonly failure?: Error | undefined;
}

/** When a request that failed is sent again. Only what is safe to repeat ever is. */
export interface RetryOptions {
  /** Attempts in all; 4 by default. */
  attempts?: number | undefined;
  /** Time before the second attempt, at most; each further one doubles. 0.25 s by default, of which half is random. */
  delay?: DurationInput | undefined;
  /** The longest such time; 8 s by default. Where the server asks for more (`Retry-After`), that counts. */
  maxDelay?: DurationInput | undefined;
  /** No attempt begins later than this after the first one; 2 minutes by default. */
  totalTime?: DurationInput | undefined;
  /**
   * Decides whether a failure is worth another attempt; `attempt` is the number of the one that failed. What is not decided
   * (`undefined`) goes as usual: network errors, time limits, 408, 429 and 5xx other than 501 are.
   */
  when?: ((error: HighwayError, attempt: number) => boolean | undefined) | undefined;
}

/** When a server that fails again and again is left alone. */
export interface CircuitBreakerOptions {
  /** Requests that fail one after the other before that; 10 by default. */
  failures?: number | undefined;
  /** How long, until one request tries again; 5 s by default. */
  openFor?: DurationInput | undefined;
}

/**
 * Gives the credential, a key or a token. It is kept until the server refuses it; then the function is called once more,
 * with `refresh: true`, and the request is sent again.
 */
export type Auth = (context: { readonly refresh: boolean }) => string | Promise<string>;

/** Where and how to reach a Highway server, or the engine that stands for one. */
export interface ClientOptions {
  /** API key or token. Default: `HIGHWAY_API_KEY` in Node, Deno and Bun. Sent as bearer credential, never shown. */
  apiKey?: string | undefined;
  /** Gives the key or token instead; `false` where the endpoint asks for none, as a proxy of your own does. */
  auth?: Auth | false | undefined;
  /**
   * Origin of the server, or the address of a proxy; relative to the page in a page. Default: `HIGHWAY_API_ENDPOINT`, else
   * `https://highway.solutions`.
   */
  endpoint?: string | URL | undefined;
  /** Sends the requests instead of the global `fetch`: a service binding, a proxy, a test. */
  fetch?: Fetch | undefined;
  /** Run on this embedded engine instead of a server; no key and no endpoint then. */
  engine?: EngineLike | undefined;
  /** When requests are repeated; `false` for never. */
  retry?: RetryOptions | false | undefined;
  /** When a failing server is left alone: requests then fail at once with `API_CIRCUIT_OPEN`. `false` for never. */
  circuitBreaker?: CircuitBreakerOptions | false | undefined;
  /** Time limit of one request, 30 seconds by default. */
  timeout?: DurationInput | undefined;
  /** Bytes of an answer that are taken, once unpacked; 32 MiB by default, 256 MiB where an `engine` answers. */
  maxResponseSize?: number | undefined;
  /** Allow a long-lived `hw_k1_…` key in a page, where every visitor can read it. */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** What every call that talks to a server takes. */
export interface CallOptions {
  /** Ends the call promptly; its reason becomes the `cause` of the {@link AbortedError}. */
  signal?: AbortSignal | undefined;
  /** Time limit of the call, with all its attempts. */
  timeout?: DurationInput | undefined;
}

/** How to wait for a run. */
export interface WaitOptions extends Pick<CallOptions, "signal"> {
  /** How long to wait; without end by default. The run goes on when it passes. */
  timeout?: DurationInput | undefined;
  /** Called when the run is seen for the first time and whenever it has changed. */
  onProgress?: ((status: RunStatus) => void) | undefined;
}

/** Refuses a progress callback that cannot be called. */
export function checkProgress(onProgress: unknown): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw errorOf("OPTION_INVALID", "`onProgress` is not a function", { path: "/onProgress" });
  }
}
