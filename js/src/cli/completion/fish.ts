/** Completion in fish. */

import { optionsOf } from "../arguments.js";
import type { ArgumentSpec, Command, Completion, OptionSpec } from "../command.js";

/** The completion script. */
export function fish(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => {
    return line("__fish_use_subcommand", `-a ${name} -d ${quoted(summary)}`);
  });
  return `# Completion of highway-wasm in fish.
complete -c highway-wasm -f
${names.join("\n")}
${commands.flatMap(linesOf).join("\n")}
`;
}

function linesOf(command: Command): string[] {
  const isOf = `__fish_seen_subcommand_from ${command.name}`;
  const options = Object.entries(optionsOf(command)).map(([name, spec]) => line(isOf, option(name, spec)));
  const args = command.args.flatMap((spec) => {
    const offered = offeredBy(spec);
    return offered === "" ? [] : [line(isOf, offered)];
  });
  return [...options, ...args];
}

function option(name: string, spec: OptionSpec): string {
  const flags = `${spec.short === undefined ? "" : `-s ${spec.short} `}-l ${name}`;
  // With -x, fish does not add files.
  const value =
    spec.value === undefined ? "" : ` ${spec.completes ? "-r" : "-x"} ${offeredBy(spec)}`.trimEnd();
  return `${flags}${value} -d ${quoted(spec.help)}`;
}

function offeredBy({ values, completes }: Pick<ArgumentSpec, "values"> & { completes?: Completion }): string {
  if (values) return `-a ${quoted(values.join(" "))}`;
  if (completes === undefined) return "";
  return completes === "file" ? "-F" : "-a '(__fish_complete_directories)'";
}

const line = (condition: string, rest: string): string =>
  `complete -c highway-wasm -n ${quoted(condition)} ${rest}`;

const quoted = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
