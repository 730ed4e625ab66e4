/** What all engines of this package have in common. */

import { errorOf } from "../errors.js";
import { invalid } from "../options.js";

/** Checks options that are passed on to the state machine. @throws {ConfigurationError} `OPTION_INVALID`. */
export function checkConfiguration(options: { concurrency?: unknown; templates?: unknown }): void {
  const { concurrency, templates } = options;
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && Number(concurrency) > 0)) {
    throw invalid("`concurrency` is not a whole number above 0", "/concurrency");
  }
  if (templates !== undefined && templates !== "strict" && templates !== "lenient") {
    throw invalid("`templates` is neither `strict` nor `lenient`", "/templates");
  }
}

/** The refusal of an engine that is closed. */
export function closed(): Error {
  return errorOf("ENGINE_CLOSED", "the engine is closed");
}
