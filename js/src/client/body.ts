/** Reads the body of an answer up to a limit. */

import { readable } from "./answer.js";

/** Stands for a body above the limit. */
export const TOO_LARGE: unique symbol = Symbol("too large");

/**
 * The bytes of a body, or {@link TOO_LARGE} above `limit` bytes. Counts the bytes after decompression, because
 * `content-length` may say anything.
 */
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
      // Nothing waits for the cancellation.
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
