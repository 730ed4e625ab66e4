/** Reads the command line strictly: unknown or wrong parts are errors. */

import { parseArgs } from "node:util";
import {
  type ArgumentSpec,
  type Command,
  COMMON,
  type Given,
  type Options,
  type OptionSpec,
} from "./command.js";
import { UsageError } from "./exit-codes.js";
import { core } from "../wasm/runtime.js";
import { didYouMean } from "../workflow/runtime.js";

/** The options and arguments of a command. */
export interface Arguments {
  readonly args: readonly string[];
  readonly given: Given;
}

/** Reads options and arguments. `of` names the command, for messages. */
export function readArguments(argv: readonly string[], options: Options, of: string): Arguments {
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
  // Not strict, because Node's own messages have no suggestions.
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true });
  const given: Record<string, string | string[] | true> = {};
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") args.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    // Node reads `-input` as `-i` with a value.
    const [word = ""] = (argv[token.index] ?? "").slice(1).split("=");
    if (word.length > 1 && Object.hasOwn(options, word)) throw unknownOption(`-${word}`, options, of);
    if (spec === undefined) throw unknownOption(token.rawName, options, of);
    const value = optionValue(token, spec);
    if (spec.values) checkWord(String(value), spec.values, `\`--${token.name}\``);
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

function optionValue({ rawName, value: given, inlineValue }: OptionToken, spec: OptionSpec): string | true {
  // Node reads the value of `-n=3` as `=3`.
  const value = inlineValue && !rawName.startsWith("--") ? given?.replace(/^=/, "") : given;
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`\`${rawName}\` takes no value`);
    return true;
  }
  // A value that looks like an option usually means that the value was forgotten. `-` alone is standard input.
  if (value === undefined || (!inlineValue && /^-./.test(value))) {
    const help =
      value === undefined ? undefined : `where it begins with a dash: \`${rawName}=${spec.value}\``;
    throw new UsageError(`\`${rawName}\` needs a value: \`${rawName} ${spec.value}\``, help);
  }
  if (value === "" && !spec.mayBeEmpty)
    throw new UsageError(`the value of \`${rawName}\` is empty`, `\`${rawName} ${spec.value}\``);
  return value;
}

function unknownOption(rawName: string, options: Options, of: string): UsageError {
  const names = Object.keys(options).map((name) => `--${name}`);
  const help = didYouMean(rawName, names) ?? `\`${of} --help\` lists those it has`;
  return new UsageError(`\`${of}\` has no option \`${rawName}\``, help);
}

/** Refuses an unknown word. `of` names what would have taken it. */
function checkWord(word: string, words: readonly string[], of: string): void {
  if (words.includes(word)) return;
  const help = didYouMean(word, words) ?? `there ${words.length > 1 ? "are" : "is"} ${listOf(words)}`;
  throw new UsageError(`${of} does not take \`${word}\``, help);
}

/** Words as part of a sentence. */
export function listOf(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  return [quoted.slice(0, -1).join(", "), ...quoted.slice(-1)].filter(Boolean).join(" and ");
}

/** An argument in the form of the help. */
export const shownArgument = ({ name, isOptional, isMany }: ArgumentSpec): string =>
  `${isOptional ? `[${name}]` : name}${isMany ? "..." : ""}`;

/** Refuses arguments that a command does not take. */
export function checkArguments(args: readonly string[], command: Command): void {
  const specs = command.args;
  const usage = `highway-wasm ${[command.name, ...specs.map(shownArgument)].join(" ")}`;
  const missing = specs[args.length];
  if (missing !== undefined && !missing.isOptional) {
    throw new UsageError(`\`${command.name}\` needs ${missing.name}`, usage);
  }
  if (args.length > specs.length && !specs.at(-1)?.isMany) {
    const help = specs.length === 0 ? undefined : usage;
    throw new UsageError(`\`${command.name}\` takes no argument \`${args[specs.length]}\``, help);
  }
  for (const [at, arg] of args.entries()) {
    const { name, values } = specs[Math.min(at, specs.length - 1)] as ArgumentSpec;
    // Every id begins with an empty text.
    if (arg === "") throw new UsageError(`${name} of \`${command.name}\` is empty`, usage);
    if (values) checkWord(arg, values, `\`${command.name}\``);
  }
}

/** All options of a command. */
export const optionsOf = (command: Command): Options => ({
  ...command.options,
  ...COMMON,
});

/** Reads a whole number. */
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

/** Reads a number of bytes, such as `512`, `64K` or `10MiB`. */
export function bytes(text: string, name: string): number {
  const [, digits, unit = ""] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const size =
    digits === undefined ? Number.NaN : Number(digits) * 1024 ** " KMG".indexOf(unit.toUpperCase() || " ");
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new UsageError(
    `\`--${name}\` is not a number of bytes: \`${text}\``,
    "such as `65536`, `64K` or `10M`",
  );
}

const UNITS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 };

/** Reads a length of time, in seconds: a number of seconds, units such as `1h30m`, or ISO 8601 such as `PT90S`. */
export function duration(text: string, name: string, least = 0): number {
  const length = secondsOf(text.trim());
  if (length === undefined || !Number.isFinite(length)) {
    throw new UsageError(
      `\`--${name}\` is not a length of time: \`${text}\``,
      "such as `90`, `90s`, `1h30m` or `PT90S`",
    );
  }
  if (length >= least) return length;
  throw new UsageError(`\`--${name}\` is less than ${least} s: \`${text}\``);
}

function secondsOf(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (/^P/i.test(text)) return isoSeconds(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[wdhms])\s*/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  // Each unit once, the largest first: `1m1m` and `30s1h` are mistakes.
  const sizes = parts.map(([, , unit = ""]) => UNITS[unit] as number);
  if (sizes.some((size, at) => at > 0 && size >= (sizes[at - 1] as number))) return undefined;
  return parts.reduce((sum, [, count], at) => sum + Number(count) * (sizes[at] as number), 0);
}

function isoSeconds(text: string): number | undefined {
  try {
    return core.call((api) => api.seconds("", JSON.stringify(text.toUpperCase()), 0));
  } catch {
    return undefined;
  }
}
