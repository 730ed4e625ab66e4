/** What a call uses of its client. */

import type { HighwayError } from "../shared/errors.js";
import type { Credentials } from "./credentials.js";

/** @internal The part of a client that a call uses. */
export interface Session {
  readonly credentials: Credentials;
  /** The largest answer that is accepted, in bytes. */
  readonly maxResponseSize: number;
  /** The settings as JSON text for the core. */
  readonly config: string;
  /** Numbers that the core keeps between calls. */
  readonly memory: Float64Array;
  /** Sends a request. */
  fetch(request: Request, signal: AbortSignal): Promise<Response>;
  /** Reads the rate limit from the headers of an answer. */
  sawHeaders(headers: Headers): void;
  /** The error of a failed request, in the form that may become the `cause` of another error. */
  causeOf(failure: unknown): unknown;
  /** Asks the caller's `retry.when` whether a failure is worth another attempt. */
  judge(error: HighwayError, attempt: number): boolean | undefined;
  /** The error in the form that the caller may see. */
  shownError(error: unknown, reason?: unknown, failure?: unknown): unknown;
}
