/** The option `--limit` of commands with an engine. */

import type { EngineLimits } from "../engine/configuration.js";
import { type Given, type OptionSpec, textsOf } from "./command.js";
import { UsageError } from "./exit-codes.js";
import { bytes } from "./arguments.js";

export const LIMIT: OptionSpec = {
  value: "NAME=VALUE",
  multiple: true,
  help: "a limit of the engine: `resultBytes=64M`; docs/limits.md lists them",
};

/** The given limits. The engine checks their names. */
export function limitsOf(given: Given): EngineLimits | undefined {
  const entries = textsOf(given, "limit").map((text): [string, number] => {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError(`\`--limit\` is not NAME=VALUE: \`${text}\``, "such as `--limit resultBytes=64M`");
    }
    return [name, bytes(value, `limit ${name}`)];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
