/** Bytes that travel inside a JavaScript file: deflated, as base64 text. */

import { inflate } from "./generated/inflate.js";

/** The bytes of a module; `size` is their number. */
export function embedded(deflated: string, size: number): BufferSource {
  const binary = atob(deflated);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return inflate(bytes, size) as Uint8Array<ArrayBuffer>;
}
