/** The exit codes of the program. */

import { isHighwayError } from "../shared/errors.js";
import { findingsOf } from "./findings.js";

/** Everything succeeded. */
export const FINE = 0;
/** A run or a request failed. */
export const FAILED = 1;
/** The command line or a definition is wrong; nothing was executed. */
export const WRONG = 2;

/** A signal ended the program: 128 + its number, as in shells. A reader that stops early (`| head`) is no failure. */
export const INTERRUPTED: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGPIPE: FINE };

/** The command line is wrong. */
export class UsageError extends Error {
  /** The stable error code. */
  readonly code: string = "USAGE_INVALID";
  readonly help: string | undefined;

  constructor(message: string, help?: string) {
    super(message);
    this.help = help;
  }
}

/** A file that the command line names cannot be used. */
export class InputError extends UsageError {
  override readonly code: string;

  constructor(message: string, help?: string, cause?: unknown, code = "FILE_UNREADABLE") {
    super(message, help);
    this.cause = cause;
    this.code = code;
  }
}

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return WRONG;
  if (!isHighwayError(error)) return FAILED;
  if (error.code === "ABORTED") return INTERRUPTED["SIGINT"] as number;
  // The server, or the engine in this process, found mistakes in a definition.
  if (findingsOf(error).length > 0) return WRONG;
  return ["ConfigurationError", "TaskDefinitionError", "ValidationError"].includes(error.name)
    ? WRONG
    : FAILED;
}
