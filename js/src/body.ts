/** Reading the body of an answer, within limits. */

/** Marks a body that is larger than what is taken. */
export const TOO_LARGE: unique symbol = Symbol("too large");

/** The bytes of a body, but no more than `limit`; counted as they are unpacked, whatever their length is said to be. */
export async function bytesOf(response: Response, limit: number): Promise<Uint8Array | typeof TOO_LARGE> {
  const { body } = response;
  if (typeof body?.getReader !== "function") {
    const bytes = await wholeOf(response);
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

/** The bytes of a body that is no stream: there is none, or this is a look-alike of a response. */
async function wholeOf(response: Response): Promise<Uint8Array> {
  if (typeof response.arrayBuffer === "function") return new Uint8Array(await response.arrayBuffer());
  const text: unknown = await response.text();
  if (typeof text !== "string") throw new TypeError("`fetch` did not return a Response");
  return new TextEncoder().encode(text);
}
