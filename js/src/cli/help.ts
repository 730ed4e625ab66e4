/** Help, made of what the commands say of themselves. */

import { optionsOf } from "./arguments.js";
import { type Command, COMMON, type OptionSpec } from "./command.js";

/** The help of the program. */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map(
    ({ name, args, summary }) => [`${name} ${args.join(" ")}`.trim(), summary] as const,
  );
  return `Defines, runs and follows Highway workflows.

Usage: highway-wasm COMMAND [OPTIONS]

Commands:
${table(rows)}

Options:
${table(optionRows({ ...COMMON, version: { short: "v", help: "show the version" } }))}

Environment:
${table([
  ["HIGHWAY_API_ENDPOINT", "address of the server, in the place of --endpoint"],
  ["HIGHWAY_API_KEY", "API key, in the place of --api-key, and of --key for serve"],
  ["NO_COLOR", "no colours"],
])}

Exit codes: 0 fine, 1 the run or a request failed, 2 wrong usage or an invalid definition, 130 interrupted.

\`highway-wasm COMMAND --help\` tells more.
`;
}

/** The help of a command. */
export function commandHelp(command: Command): string {
  const { name, args, summary, notes } = command;
  return `${summary[0]?.toUpperCase()}${summary.slice(1)}.

Usage: highway-wasm ${[name, ...args].join(" ")} [OPTIONS]

Options:
${table(optionRows(optionsOf(command)))}
${notes === undefined ? "" : `\n${notes}\n`}`;
}

function optionRows(options: Readonly<Record<string, OptionSpec>>): (readonly [string, string])[] {
  return Object.entries(options).map(([name, { value, short, multiple, help }]) => {
    const flag = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return [multiple ? `${flag} …` : flag, help];
  });
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
