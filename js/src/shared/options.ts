/** Checks of options objects. */

import { errorOf, type HighwayError } from "./errors.js";

/**
 * Refuses unknown options. `of` names what takes the options, `path` is the JSON pointer to them.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function checkOptions(given: object, known: readonly string[], of: string, path = ""): void {
  if (typeof given !== "object" || given === null) {
    throw invalid(`${of} takes an object of options, not \`${String(given)}\``, path);
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      const help = `it takes ${known.map((name) => `\`${name}\``).join(", ")}`;
      throw invalid(`${of} has no option \`${key}\``, `${path}/${key}`, help);
    }
  }
}

/** @internal The error for an option that is not valid. */
export function invalid(message: string, path: string, help?: string): HighwayError {
  return errorOf("OPTION_INVALID", message, { path, help });
}

/** @internal Refuses an option that was given and is not a whole number above 0. */
export function checkCount(count: unknown, path: string): void {
  if (count === undefined || (Number.isInteger(count) && Number(count) > 0)) return;
  throw invalid(`\`${path.split("/").pop()}\` is not a whole number above 0`, path);
}
