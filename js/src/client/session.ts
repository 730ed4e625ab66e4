/** What a call needs of the client that makes it. */

import type { HighwayError } from "../shared/errors.js";
import type { Credentials } from "./credentials.js";

/** @internal A client, as its calls see it. */
export interface Session {
  readonly credentials: Credentials;
  /** Bytes of an answer that are taken. */
  readonly maxResponseSize: number;
  /** The settings as the core reads them. */
  readonly config: string;
  /** What the core keeps from call to call. */
  readonly memory: Float64Array;
  /** Sends a request. */
  fetch(request: Request, signal: AbortSignal): Promise<Response>;
  /** Takes note of what an answer says about the use of the API. */
  sawHeaders(headers: Headers): void;
  /** What went wrong with a request, as the cause of an error. */
  causeOf(failure: unknown): unknown;
  /** What the caller thinks of a failure. */
  judge(error: HighwayError, attempt: number): boolean | undefined;
  /** The error as its reader gets it. */
  shownError(error: unknown, reason?: unknown, failure?: unknown): unknown;
}
