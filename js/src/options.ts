/** Options of the client and of its calls. */

import { errorOf } from "./errors.js";
import type { Fetch } from "./host.js";
import type { RunStatus } from "./run.js";

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
}

/** Where and how to reach a Highway server, or the engine that stands for one. */
export interface ClientOptions {
  /** API key or token. Default: `HIGHWAY_API_KEY` in Node, Deno and Bun. Sent as bearer credential, never shown. */
  apiKey?: string | undefined;
  /** Origin of the server. Default: `HIGHWAY_API_ENDPOINT`, else `https://highway.solutions`. */
  endpoint?: string | URL | undefined;
  /** Sends the requests instead of the global `fetch`: a service binding, a proxy, a test. */
  fetch?: Fetch | undefined;
  /** Run on this embedded engine instead of a server; no key and no endpoint then. */
  engine?: EngineLike | undefined;
  /** Attempts for a request that network errors or 5xx answers hit; 4 by default, `false` for one. */
  retry?: { attempts: number } | false | undefined;
  /** Time limit of one request, 30 seconds by default. */
  timeout?: DurationInput | undefined;
  /** Allow a long-lived `hw_k1_…` key in a page, where every visitor can read it. */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** What every call that talks to a server takes. */
export interface CallOptions {
  /** Ends the call promptly; its reason becomes the `cause` of the {@link AbortedError}. */
  signal?: AbortSignal | undefined;
}

/** How to wait for a run. */
export interface WaitOptions extends CallOptions {
  /** How long to wait; without end by default. The run goes on when it passes. */
  timeout?: DurationInput | undefined;
  /** Called when the run is seen for the first time and whenever it has changed. */
  onProgress?: ((status: RunStatus) => void) | undefined;
}

/** Refuses options that do not exist. */
export function checkOptions(given: object, known: readonly string[], of: string): void {
  if (typeof given !== "object" || given === null) {
    throw errorOf("OPTION_INVALID", `${of} takes an object of options, not \`${String(given)}\``, {
      path: "",
    });
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      throw errorOf("OPTION_INVALID", `${of} has no option \`${key}\``, {
        path: `/${key}`,
        help: `it takes ${known.map((name) => `\`${name}\``).join(", ")}`,
      });
    }
  }
}

/** Refuses a progress callback that cannot be called. */
export function checkProgress(onProgress: unknown): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw errorOf("OPTION_INVALID", "`onProgress` is not a function", { path: "/onProgress" });
  }
}
