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
  let isText = false;
  let isMarked = false;
  const marked = text.replace(/\\.|"|-?\d[\d.eE+-]{0,4300}/g, (token, at: number) => {
    if (token === '"') isText = !isText;
    if (isText || !isLarge(token) || /[\d.eE+-]/.test(text.charAt(at - 1))) return token;
    isMarked = true;
    return `"${mark}${token}"`;
  });
  if (!isMarked) return value;
  return JSON.parse(marked, (_, item: unknown) =>
    typeof item === "string" && item.startsWith(mark) ? BigInt(item.slice(mark.length)) : item,
  );
}

/** Whether a number is an integer that a double cannot hold; one of more than 4,300 digits, as Python has it, stays `Infinity`. */
const isLarge = (token: string): boolean =>
  /^-?\d{16,4300}$/.test(token) && !Number.isSafeInteger(Number(token));

/** @internal Whether a number is one whose digits JavaScript makes up, where it writes them all. */
export const isRounded = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER && Number.isFinite(value);

/** @internal What `JSON.stringify` gives, with each `bigint` as an integer, and numbers beyond ±(2^53 − 1) with an exponent: they stay numbers. */
export function bigJson(value: unknown, indent?: number): string {
  const mark = uuid();
  const text = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, item: unknown) {
      // Programs that give `bigint` a `toJSON` make a text of it.
      const big = typeof this[key] === "bigint" ? this[key] : item;
      if (isRounded(big)) return mark + big.toExponential();
      return typeof big === "bigint" ? `${mark}${big}` : big;
    },
    indent,
  );
  return text?.replace(new RegExp(`"${mark}([^"]+)"`, "g"), "$1");
}
