/** JSON text with all digits of its integers: those that a double cannot hold are `bigint` in JavaScript. */

import { uuid } from "./environment.js";

/**
 * @internal What `JSON.parse` gives, but integers beyond ±(2^53 − 1) are `bigint`.
 *
 * @throws {SyntaxError} as `JSON.parse`.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!/\d{16}/.test(text)) return value;
  // No text can hold the mark, because it is drawn after the text was made.
  const mark = uuid();
  const marked = markLarge(text, mark);
  if (marked === text) return value;
  const whole: Fields = [JSON.parse(marked)] as unknown as Fields;
  const left = [whole];
  for (let fields = left.pop(); fields; fields = left.pop()) {
    // A reviver would be called for everything, which takes ten times as long.
    if (Array.isArray(fields)) for (let at = 0; at < fields.length; at += 1) restore(fields, at, mark, left);
    else for (const key in fields) restore(fields, key, mark, left);
  }
  return whole[0];
}

type Fields = Record<string | number, unknown>;

/** Makes a marked text a `bigint`; what has fields or items of its own is left for later. */
function restore(fields: Fields, key: string | number, mark: string, left: Fields[]): void {
  const item = fields[key];
  if (typeof item === "object" && item !== null) left.push(item as Fields);
  else if (typeof item === "string" && item.startsWith(mark)) {
    const value = BigInt(item.slice(mark.length));
    // To set a field of this name is something else.
    if (key === "__proto__") Object.defineProperty(fields, key, { value });
    else fields[key] = value;
  }
}

/** Valid JSON whose large integers are texts behind a mark. Only numbers that are long are looked at, and texts are jumped over. */
function markLarge(text: string, mark: string): string {
  const long = /-?\d{16,4300}/g;
  const quoteFrom = (at: number): number => (text.indexOf('"', at) + 1 || text.length + 1) - 1;
  // Where the next text begins, and where the one before it ended: behind the number where that is a part of it.
  let [done, outside, quote] = [0, 0, quoteFrom(0)];
  const parts: string[] = [];
  for (let found = long.exec(text); found; found = long.exec(text)) {
    const { 0: token, index } = found;
    while (quote < index) {
      outside = endOf(text, quote);
      quote = quoteFrom(outside);
    }
    if (outside > index) long.lastIndex = outside;
    else if (!isPart(text.charAt(index - 1)) && !isPart(text.charAt(long.lastIndex)) && isLarge(token)) {
      parts.push(text.slice(done, index), `"${mark}${token}"`);
      done = index + token.length;
    }
  }
  return parts.length > 0 ? parts.join("") + text.slice(done) : text;
}

/** Where a text that begins with a quote ends: behind the next quote that follows an even number of backslashes. */
function endOf(json: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = json.indexOf('"', at);
    let before = at;
    while (json[before - 1] === "\\") before -= 1;
    if ((at - before) % 2 === 0) return at + 1;
  }
}

/** Whether a number is an integer that a double cannot hold; one of more than 4,300 digits, as Python has it, stays `Infinity`. */
const isLarge = (token: string): boolean => !Number.isSafeInteger(Number(token));

/** Whether a character belongs to a number, or is none. */
const isPart = (character: string): boolean => /[\d.eE+-]/.test(character);

/** @internal Whether a number is one whose digits JavaScript makes up, where it writes them all. */
export const isRounded = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER && Number.isFinite(value);

/**
 * @internal What `JSON.stringify` gives, with each `bigint` as an integer. Numbers beyond ±(2^53 − 1) have an exponent, so that they stay numbers;
 * `digits` writes them as `JSON.stringify` does.
 */
export function bigJson(value: unknown, indent?: number, digits = false): string {
  const mark = uuid();
  const text = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, item: unknown) {
      // Programs that give `bigint` a `toJSON` make a text of it.
      const big = typeof this[key] === "bigint" ? this[key] : item;
      if (!digits && isRounded(big)) return mark + big.toExponential();
      return typeof big === "bigint" ? `${mark}${big}` : big;
    },
    indent,
  );
  return text?.replace(new RegExp(`"${mark}([^"]+)"`, "g"), "$1");
}
