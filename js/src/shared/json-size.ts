/** The size of the value of a JSON text, estimated before the text is parsed. */

import { PIECE, type Steps } from "./steps.js";

/** Bytes that each value counts, in addition to its text. */
export const EACH = 32;

const [QUOTE, COMMA, BRACKET, BACKSLASH, BRACE, UNICODE, COLON] = [0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x75, 0x3a];

/**
 * Whether the value of a JSON text certainly takes more than `most` bytes, as docs/limits.md counts them. Counts a
 * value for each comma and opening bracket, and a byte for each character of a string or a name. Parsing millions of
 * values would take long, so this check comes first.
 */
export function* isLargeJson(text: string, most: number): Steps<boolean> {
  // A character counts at most `EACH + 1` bytes.
  if (text.length * (EACH + 1) <= most) return false;
  let [left, look] = [most, PIECE];
  let isText = false;
  for (let at = 0; at < text.length && left >= 0; at += 1) {
    const code = text.charCodeAt(at);
    if (isText) {
      left -= 1;
      if (code === BACKSLASH) at += text.charCodeAt(at + 1) === UNICODE ? 5 : 1;
      else isText = code !== QUOTE;
    } else if (code === QUOTE) {
      left -= 1;
      isText = true;
    } else if (code === COLON) left -= 1;
    else if (code === COMMA || code === BRACKET || code === BRACE) left -= EACH + 1;
    if (at < look) continue;
    look += PIECE;
    yield;
  }
  return left < 0;
}
