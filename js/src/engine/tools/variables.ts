/** Reads the environment variables of a task. */

import { bigJson } from "../../shared/json.js";
import { isObject } from "../../shared/plain.js";
import { badArguments } from "./tool.js";

/**
 * The variables of a task's `env`. Values that are not text become JSON text; null removes a variable.
 *
 * @throws {ToolError} `TOOL_ARGUMENTS_INVALID`.
 */
export function variablesOf(given: unknown): Record<string, string | undefined> {
  if (given === undefined || given === null) return {};
  if (!isObject(given)) {
    throw badArguments(
      "`env` is not an object",
      "give names and values: `env: {NAME: value}`",
      "/kwargs/env",
    );
  }
  const texts = Object.entries(given).map(([name, value]): [string, string | undefined] => {
    if (name === "" || name.includes("=")) throw badArguments(`\`${name}\` is not a name of a variable`);
    if (value === null || value === undefined) return [name, undefined];
    return [name, typeof value === "string" ? value : bigJson(value)];
  });
  return Object.fromEntries(texts);
}
