/** Base64 text of bytes, and back, in every runtime. */

import { atOnce, type Steps } from "./steps.js";

/** Bytes that one step encodes. A multiple of 3, since base64 writes three bytes as four characters. */
const CHUNK = 3 << 16;
const PADDING = 0x3d;
const CODES = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** The base64 text of `bytes`. */
export const base64Of = (bytes: Uint8Array): string => atOnce(base64InSteps(bytes));

/** Encodes `bytes` in steps, because the runtime's own function looks at every character of its text. */
export function* base64InSteps(bytes: Uint8Array): Steps<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (at > 0) yield;
    text += decoder.decode(codesOf(bytes.subarray(at, at + CHUNK)));
  }
  return text;
}

function codesOf(bytes: Uint8Array): Uint8Array {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  const code = (word: number, shift: number): number => CODES[(word >> shift) & 0x3f] as number;
  for (let [at, to] = [0, 0]; at < bytes.length; [at, to] = [at + 3, to + 4]) {
    const word = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    codes[to] = code(word, 18);
    codes[to + 1] = code(word, 12);
    codes[to + 2] = code(word, 6);
    codes[to + 3] = code(word, 0);
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  codes.fill(PADDING, codes.length - missing);
  return codes;
}

/** The bytes behind a text of {@link base64Of}. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
