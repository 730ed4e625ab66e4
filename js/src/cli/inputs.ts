/** Reads run inputs from the command line. */

import { Workflow } from "../entries/workflow-inline.js";
import { parseJson } from "../shared/json.js";
import type { Diagnostic } from "../shared/errors.js";
import { isObject } from "../shared/plain.js";
import { type Given, type Options, textOf, textsOf } from "./command.js";
import { InputError, UsageError } from "./exit-codes.js";
import { showFindings } from "./failure.js";
import { nameOf, readText } from "./files.js";
import type { Output } from "./output.js";

/** The options with run inputs. */
export const INPUT_OPTIONS: Options = {
  input: {
    short: "i",
    value: "NAME=VALUE",
    multiple: true,
    help: "a run input; VALUE is read as JSON if possible, else as text; numbers whose spelling would change (1.10, 007, 1e3) stay text; NAME:=VALUE takes JSON only",
  },
  inputs: {
    value: "FILE",
    completes: "file",
    help: "run inputs from a JSON or YAML file; - is standard input",
  },
};

/** Where warnings about values go, and the signal that stops reading. */
export interface Reading {
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** The values of a file, overridden by single values. `file` and `pair` are the names of the two options. */
export async function valuesOf(
  given: Given,
  { file, pair }: { readonly file: string; readonly pair: string },
  { signal, output }: Reading,
): Promise<Record<string, unknown>> {
  const path = textOf(given, file);
  const values = path === undefined ? {} : fromText(await readText(path, signal), path, output);
  for (const text of textsOf(given, pair)) {
    const [name, value] = named(text, pair);
    // Defined instead of assigned, because `__proto__` is an ordinary name here.
    Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return values;
}

/** The run inputs on the command line. */
export const inputsOf = (given: Given, reading: Reading): Promise<Record<string, unknown>> =>
  valuesOf(given, { file: "inputs", pair: "input" }, reading);

function named(text: string, option: string): [name: string, value: unknown] {
  const at = text.indexOf("=");
  const isJson = text[at - 1] === ":";
  const name = text.slice(0, isJson ? at - 1 : at);
  if (at < 1 || name === "") {
    const help = `\`--${option} name=value\`, or \`--${option} name:=json\``;
    throw new UsageError(`\`--${option}\` is not of the form \`name=value\`: \`${text}\``, help);
  }
  const value = text.slice(at + 1);
  const what = `the value of \`--${option}\``;
  return [name, isJson ? jsonValue(value, what, NAMED_TEXT) : looseValue(value, what)];
}

const NAMED_TEXT = 'text needs quotes there: `name:="text"`, or `name=text`';

/** A value that must be JSON. `what` is its name in errors. */
export function jsonValue(text: string, what: string, help: string): unknown {
  try {
    return strictJson(text);
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof TooLarge) throw new UsageError(`${what} cannot be used: ${message}`, TOO_LARGE);
    const isTwice = cause instanceof DuplicateKey;
    throw new UsageError(`${what} is not JSON: ${message}`, isTwice ? "keep one of the two" : help);
  }
}

/**
 * A value that is JSON if it can be parsed, otherwise text. A number stays text unless it prints exactly as it was
 * written, also inside lists and objects.
 */
function looseValue(text: string, what: string): unknown {
  try {
    const value = parseJson(text);
    const isNumber = typeof value === "number" || typeof value === "bigint";
    if (typeof value !== "object") return isNumber && String(value) !== text ? text : value;
  } catch {
    return text;
  }
  const kept = text.replace(TOKENS, (token) =>
    token.startsWith('"') || String(parseJson(token)) === token ? token : `"${token}"`,
  );
  return jsonValue(kept, what, NAMED_TEXT);
}

/** A key that occurs twice in one object: `JSON.parse` would silently keep the last. */
class DuplicateKey extends Error {}

/** A number too large for readers of JSON: `JSON.parse` would make it infinite. */
class TooLarge extends Error {}
const TOO_LARGE = "write it as text, in quotes";

/** Strings and numbers in JSON. */
const TOKENS = /"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*/g;

/**
 * The fault of a text that is not JSON, in the words of the definition reader, because the words of runtimes differ.
 */
function faultOf(text: string): string {
  if (text.trim() === "") return "it is empty";
  if (/^\s*-?0\d/.test(text)) return "a number has no zeros before its other digits";
  const [finding] = Workflow.check(text).filter(({ code }) => code === "JSON_INVALID");
  return (finding?.message ?? "the text is not valid JSON").replace(/^the text is not valid JSON: /, "");
}

/** Parses like `parseJson`. Refuses duplicate keys and numbers that are too large. */
function strictJson(text: string): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new Error(faultOf(text), { cause });
  }
  for (const [token] of text.matchAll(TOKENS)) {
    if (token.startsWith('"') || Number.isFinite(Number(token)) || typeof parseJson(token) === "bigint")
      continue;
    const shown = token.length > 20 ? `${token.slice(0, 20)}…` : token;
    throw new TooLarge(`\`${shown}\` is larger than any number can be`);
  }
  if (text.includes("{")) {
    const document = `{"name": "inputs", "tasks": {}, "variables": {"value":\n${text}\n}}`;
    const twice = Workflow.check(document).find(({ code }) => code === "KEY_DUPLICATE");
    if (twice !== undefined) throw new DuplicateKey(placed(twice.message, 0));
  }
  return value;
}

/** The object in the text of a JSON or YAML file. Warns about unquoted YAML words that are not read as text. */
export function fromText(text: string, file: string, output: Output): Record<string, unknown> {
  const help = 'give a JSON or YAML object: `{"name": "value"}`';
  let values: unknown;
  try {
    const { value, words } = text.trim() === "" ? { value: {}, words: [] } : parsed(text);
    if (!output.isJson) showFindings(words, output, "note", file);
    values = value;
  } catch (cause) {
    const advice = cause instanceof TooLarge ? TOO_LARGE : help;
    throw new InputError(`${nameOf(file)} cannot be read: ${(cause as Error).message}`, advice, cause);
  }
  if (!isObject(values)) throw new InputError(`${nameOf(file)} does not contain an object`, help);
  return { ...values };
}

/** The reader for definitions also reads YAML, and the variables of a definition may be anything. */
function parsed(text: string): { value: unknown; words: Diagnostic[] } {
  try {
    return { value: strictJson(text), words: [] };
  } catch (error) {
    if (/^\s*[{[]/.test(text)) throw error;
  }
  const indented = text.replace(/^(?=.)/gm, "  ");
  const document = `variables:\n${indented}\nname: inputs\ntasks: {}\n`;
  try {
    const value = Workflow.fromYAML(document).toJSON().variables;
    const words = Workflow.check(document, "yaml").filter(({ code }) => code === "VALUE_CONVERTED");
    return { value, words: words.map(inFile) };
  } catch (error) {
    throw new Error(placed((error as Error).message, 2), { cause: error });
  }
}

/** A finding with its place in the user's file. */
function inFile(finding: Diagnostic): Diagnostic {
  const { path, line, column } = finding;
  return {
    ...finding,
    path: path.slice("/variables".length),
    ...(line !== undefined && { line: line - 1 }),
    ...(column !== undefined && { column: Math.max(1, column - 2) }),
  };
}

/** A message with places in the user's file, which the reader sees one line further down and indented by `blanks`. */
function placed(message: string, blanks: number): string {
  return message.replace(/\bline (\d+), column (\d+)/g, (_, line: string, column: string) => {
    return `line ${Number(line) - 1}, column ${Math.max(1, Number(column) - blanks)}`;
  });
}
