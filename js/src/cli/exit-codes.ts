/** How the program ends, and why. */

import { isHighwayError } from "../shared/errors.js";
import { findingsOf } from "./findings.js";

/** All went well. */
export const FINE = 0;
/** A run or a request failed. */
export const FAILED = 1;
/** The command line, or a definition, is not right: nothing was tried. */
export const WRONG = 2;

/** A signal ended it: 128 and its number, as shells have it. A reader that has enough (`| head`) is no failure. */
export const INTERRUPTED: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGPIPE: FINE };

/** The command line is not right. */
export class UsageError extends Error {
  /** The stable code. */
  readonly code: string = "USAGE_INVALID";
  readonly help: string | undefined;

  constructor(message: string, help?: string) {
    super(message);
    this.help = help;
  }
}

/** A file that is named on the command line cannot be used. */
export class InputError extends UsageError {
  override readonly code: string;

  constructor(message: string, help?: string, cause?: unknown, code = "FILE_UNREADABLE") {
    super(message, help);
    this.cause = cause;
    this.code = code;
  }
}

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return WRONG;
  if (!isHighwayError(error)) return FAILED;
  if (error.code === "ABORTED") return INTERRUPTED["SIGINT"] as number;
  // A definition that the server, or the engine in this process, has found wrong.
  if (findingsOf(error).length > 0) return WRONG;
  return ["ConfigurationError", "TaskDefinitionError", "ValidationError"].includes(error.name)
    ? WRONG
    : FAILED;
}
