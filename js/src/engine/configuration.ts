/** What all engines of this package have in common. */

import { errorOf } from "../errors.js";
import { invalid } from "../options.js";
import { isObject } from "../plain.js";

/** Checks options that are passed on to the state machine. @throws {ConfigurationError} `OPTION_INVALID`. */
export function checkConfiguration(options: {
  concurrency?: unknown;
  keepRuns?: unknown;
  env?: unknown;
  secrets?: unknown;
  templates?: unknown;
}): void {
  const { templates } = options;
  for (const name of ["env", "secrets"] as const) {
    const given = options[name];
    if (given !== undefined && !isObject(given)) throw invalid(`\`${name}\` is not an object`, `/${name}`);
  }
  const [other] = Object.entries(options.secrets ?? {}).find(([, value]) => typeof value !== "string") ?? [];
  if (other !== undefined) throw invalid(`the secret \`${other}\` is no text`, `/secrets/${other}`);
  for (const name of ["concurrency", "keepRuns"] as const) {
    const given = options[name];
    if (given !== undefined && !(Number.isInteger(given) && Number(given) > 0)) {
      throw invalid(`\`${name}\` is not a whole number above 0`, `/${name}`);
    }
  }
  if (templates !== undefined && templates !== "strict" && templates !== "lenient") {
    throw invalid("`templates` is neither `strict` nor `lenient`", "/templates");
  }
}

/** The refusal of an engine that is closed. */
export function closed(): Error {
  return errorOf("ENGINE_CLOSED", "the engine is closed");
}
