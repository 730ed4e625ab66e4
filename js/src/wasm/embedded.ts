/** A WebAssembly module inside a JavaScript file: deflated, as base64 text. */

import { bytesOfBase64 } from "../shared/base64.js";
import { inflate } from "../generated/inflate.js";

/** The bytes of the module. `size` is their number before compression. */
export function embedded(deflated: string, size: number): BufferSource {
  return inflate(bytesOfBase64(deflated), size) as Uint8Array<ArrayBuffer>;
}
