/** Reading the body of an answer, within limits. */

import { readable } from "./answer.js";

/** Marks a body that is larger than what is taken. */
export const TOO_LARGE: unique symbol = Symbol("too large");

/** The bytes of a body, but no more than `limit`; counted as they are unpacked, whatever their length is said to be. */
export async function bytesOf(response: Response, limit: number): Promise<Uint8Array | typeof TOO_LARGE> {
  const { body } = response;
  if (typeof body?.getReader !== "function") {
    const bytes = new Uint8Array(await readable(response).arrayBuffer());
    return bytes.byteLength > limit ? TOO_LARGE : bytes;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      // The rest is not waited for.
      reader.cancel().catch(() => {});
      return TOO_LARGE;
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
