/** How large the value of a JSON text is, before it is read. */

/** Bytes that each value counts beside its text. */
export const EACH = 32;

const [QUOTE, COMMA, BRACKET, BACKSLASH, BRACE] = [0x22, 0x2c, 0x5b, 0x5c, 0x7b];

/**
 * Whether the value of a JSON text takes more than `most` bytes, as docs/limits.md counts them, by the number of its values alone: there are at
 * least as many as commas and opening brackets. Millions of them would take long to read.
 */
export function isLargeJson(text: string, most: number): boolean {
  let left = most;
  let isText = false;
  for (let at = 0; at < text.length && left >= 0; at += 1) {
    const code = text.charCodeAt(at);
    if (isText) {
      if (code === BACKSLASH) at += 1;
      else isText = code !== QUOTE;
    } else if (code === QUOTE) isText = true;
    else if (code === COMMA || code === BRACKET || code === BRACE) left -= EACH;
  }
  return left < 0;
}
