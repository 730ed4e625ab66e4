/** Bytes that travel inside a JavaScript file: deflated, as base64 text. */

import { bytesOfBase64 } from "../shared/base64.js";
import { inflate } from "../generated/inflate.js";

/** The bytes of a module; `size` is their number. */
export function embedded(deflated: string, size: number): BufferSource {
  return inflate(bytesOfBase64(deflated), size) as Uint8Array<ArrayBuffer>;
}
