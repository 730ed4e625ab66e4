/** The command line, read strictly: what is not known, or not as it should be, is said. */

import { parseArgs } from "node:util";
import { type Command, COMMON, type Given, type OptionSpec } from "./command.js";
import { UsageError } from "./exit-codes.js";
import { didYouMean } from "./nearest.js";

/** What was given for a command. */
export interface Arguments {
  readonly args: readonly string[];
  readonly given: Given;
}

/** Reads options and arguments. `of` is what has them, for messages. */
export function readArguments(
  argv: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
  of: string,
): Arguments {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value, short, multiple = false }]) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple,
        ...(short && { short }),
      },
    ]),
  );
  // Not strict, since Node's own messages know neither our names nor what is near.
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true });
  const given: Record<string, string | string[] | true> = {};
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") args.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (spec === undefined) throw unknownOption(token.rawName, options, of);
    const value = optionValue(token, spec);
    if (spec.multiple) given[token.name] = [...((given[token.name] ?? []) as string[]), value as string];
    else given[token.name] = value;
  }
  return { args, given };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function optionValue({ rawName, value, inlineValue }: OptionToken, spec: OptionSpec): string | true {
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`\`${rawName}\` takes no value`);
    return true;
  }
  // A value that looks like an option is mostly a forgotten value. `-` alone is standard input.
  if (value === undefined || (!inlineValue && /^-./.test(value))) {
    const help =
      value === undefined ? undefined : `where it begins with a dash: \`${rawName}=${spec.value}\``;
    throw new UsageError(`\`${rawName}\` needs a value: \`${rawName} ${spec.value}\``, help);
  }
  return value;
}

function unknownOption(
  rawName: string,
  options: Readonly<Record<string, OptionSpec>>,
  of: string,
): UsageError {
  const names = Object.keys(options).map((name) => `--${name}`);
  const help = didYouMean(rawName, names) ?? `\`${of} --help\` lists those it has`;
  return new UsageError(`\`${of}\` has no option \`${rawName}\``, help);
}

/** Refuses a number of arguments that a command does not take. */
export function checkCount(args: readonly string[], command: Command): void {
  const names = command.args.join(" ");
  if (args.length < command.args.length) {
    const missing = command.args[args.length];
    throw new UsageError(`\`${command.name}\` needs ${missing}`, `highway-wasm ${command.name} ${names}`);
  }
  if (args.length > command.args.length) {
    const help = names === "" ? undefined : `highway-wasm ${command.name} ${names}`;
    throw new UsageError(`\`${command.name}\` takes no argument \`${args[command.args.length]}\``, help);
  }
}

/** All options of a command. */
export const optionsOf = (command: Command): Readonly<Record<string, OptionSpec>> => ({
  ...command.options,
  ...COMMON,
});

/** A whole number. */
export function wholeNumber(
  text: string,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`\`--${name}\` is not a whole number ${range}: \`${text}\``);
}

/** A number of bytes, such as `512`, `64K` or `10MiB`. */
export function bytes(text: string, name: string): number {
  const [, digits, unit = ""] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const size =
    digits === undefined ? Number.NaN : Number(digits) * 1024 ** " KMG".indexOf(unit.toUpperCase() || " ");
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new UsageError(`\`--${name}\` is no number of bytes: \`${text}\``, "such as `65536`, `64K` or `10M`");
}
