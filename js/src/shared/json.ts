/** JSON text that keeps all digits of integers: an integer that a double cannot hold is a `bigint` in JavaScript. */

import { uuid } from "./environment.js";
import { atOnce, MANY, PIECE, type Steps } from "./steps.js";

const [QUOTE, PLUS, MINUS, DOT, BACKSLASH, SMALL_E] = [0x22, 0x2b, 0x2d, 0x2e, 0x5c, 0x65];
/** The NUL character as JSON writes it. No string of a document begins with it, except by intent. */
const NUL = "\\u0000";
/**
 * Digits of the shortest integer that a double cannot hold, and of the longest that is read (Python's limit). A longer
 * one stays `Infinity`.
 */
const [LONG, LONGEST] = [16, 4300];

/**
 * @internal Parses like `JSON.parse`, but integers beyond ±(2^53 − 1) become `bigint`.
 *
 * @throws {SyntaxError} as `JSON.parse` does.
 */
export const parseJson = (text: string): unknown => atOnce(readJson(text));

/** @internal {@link parseJson} in steps. `JSON.parse` itself is one step. */
export function* readJson(text: string): Steps<unknown> {
  const value: unknown = JSON.parse(text);
  if (!hasLong(text)) return value;
  yield;
  // The mark must not begin any string of the document: NUL if the text has none, otherwise a fresh UUID.
  const written = text.includes(NUL) ? uuid() : NUL;
  const marked = yield* markLarge(text, written);
  if (marked === text) return value;
  yield;
  const whole = [JSON.parse(marked)] as const;
  const mark: string = JSON.parse(`"${written}"`);
  yield;
  const left: Fields[] = [whole as unknown as Fields];
  let count = 0;
  // A reviver would be called for every value, which takes ten times as long.
  for (let fields = left.pop(); fields; fields = left.pop()) {
    const keys = Array.isArray(fields) ? undefined : Object.keys(fields);
    const { length } = keys ?? (fields as unknown as unknown[]);
    for (let at = 0; at < length; at += 1) {
      restore(fields, keys ? (keys[at] as string) : at, mark, left);
      count += 1;
      if (count % MANY === 0) yield;
    }
  }
  return whole[0];
}

type Fields = Record<string | number, unknown>;

/** Replaces a marked string by its `bigint`. Adds objects and lists to `left`, to be visited later. */
function restore(fields: Fields, key: string | number, mark: string, left: Fields[]): void {
  const item = fields[key];
  if (typeof item === "object" && item !== null) left.push(item as Fields);
  else if (typeof item === "string" && item.startsWith(mark)) {
    const value = BigInt(item.slice(mark.length));
    // A plain assignment to `__proto__` would change the prototype.
    if (key === "__proto__") Object.defineProperty(fields, key, { value });
    else fields[key] = value;
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Whether a text has as many digits in a row as a large integer. Looks only at every sixteenth character. */
function hasLong(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    let start = at;
    while (isDigit(text.charCodeAt(start))) start -= 1;
    if (start === at) continue;
    while (isDigit(text.charCodeAt(at + 1))) at += 1;
    if (at - start >= LONG) return true;
  }
  return false;
}

/** The same JSON, with each large integer as a string that begins with the mark. */
function* markLarge(text: string, mark: string): Steps<string> {
  let [marked, done, look] = ["", 0, PIECE];
  let isText = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isText) {
      if (code === BACKSLASH) at += 1;
      else isText = code !== QUOTE;
    } else if (code === QUOTE) isText = true;
    else if (code === MINUS || isDigit(code)) {
      const end = numberEnd(text, at);
      const token = end - at < LONG ? "" : text.slice(at, end);
      if (isLarge(token)) {
        marked += `${text.slice(done, at)}"${mark}${token}"`;
        done = end;
      }
      at = end - 1;
    }
    if (at >= look) {
      look = at + PIECE;
      yield;
    }
  }
  return marked + text.slice(done);
}

function numberEnd(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); isDigit(code) || isPart(code); code = text.charCodeAt(at)) at += 1;
  return at;
}

/** Whether a character is part of a number without being a digit. */
const isPart = (code: number): boolean =>
  code === DOT || (code | 0x20) === SMALL_E || code === PLUS || code === MINUS;

/** Whether a number is an integer that a double cannot hold. */
const isLarge = (token: string): boolean =>
  token.length <= LONGEST + 1 && /^-?\d{16,4300}$/.test(token) && !Number.isSafeInteger(Number(token));

/**
 * @internal Whether a number is finite and beyond ±(2^53 − 1): JavaScript would print digits that the double does not
 * have.
 */
export const isRounded = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER && Number.isFinite(value);

/**
 * @internal Prints like `JSON.stringify`, with each `bigint` as an integer. Numbers beyond ±(2^53 − 1) get an exponent,
 * so that they are read back as doubles. With `digits` they are printed as `JSON.stringify` does.
 */
export function bigJson(value: unknown, indent = 0, digits = false): string {
  try {
    const text = JSON.stringify(value, undefined, indent);
    // A program may give `BigInt.prototype` a `toJSON`, which would print a string.
    if (!("toJSON" in BigInt.prototype) && (digits || !hasLong(text ?? ""))) return text;
  } catch {
    // The value has a `bigint`, or an error that `textOf` throws again.
  }
  return textOf(value, "", { indent: " ".repeat(indent), digits }, "\n") as string;
}

/** How to print a value. */
interface Form {
  readonly indent: string;
  readonly digits: boolean;
}

/**
 * The JSON text of a value; `undefined` for a value that JSON omits. `line` is a line break and the indentation so far.
 */
function textOf(given: unknown, key: string, form: Form, line: string): string | undefined {
  const { toJSON } = Object(given ?? {}) as { toJSON?: unknown };
  const value = typeof toJSON === "function" && typeof given !== "bigint" ? toJSON.call(given, key) : given;
  if (typeof value === "bigint") return String(value);
  if (isRounded(value) && !form.digits) return value.toExponential();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = line + form.indent;
  const all: string[] = [];
  const isList = Array.isArray(value);
  if (isList) {
    for (const [at, item] of value.entries()) all.push(textOf(item, String(at), form, inner) ?? "null");
  } else {
    for (const name of Object.keys(value)) {
      const text = textOf((value as Fields)[name], name, form, inner);
      if (text !== undefined) all.push(`${JSON.stringify(name)}:${form.indent && " "}${text}`);
    }
  }
  const [open, close] = isList ? "[]" : "{}";
  if (all.length === 0 || form.indent === "") return `${open}${all.join()}${close}`;
  return `${open}${inner}${all.join(`,${inner}`)}${line}${close}`;
}
