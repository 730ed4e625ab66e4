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
  if (typeof text !== "string") throw new TypeError("`fetch` gave no Response");
  return new TextEncoder().encode(text);
}

/** The events of a stream. */
export interface Events {
  /** The data of the next one; `undefined` when the stream is over. */
  next(): Promise<string | undefined>;
  cancel(): void;
}

/** The events of a stream. An event larger than `limit` characters ends it. */
export async function eventsOf(response: Response, limit: number): Promise<Events> {
  const { eventParser } = await import("./generated/events.js");
  const waiting: string[] = [];
  const feed = eventParser((data) => waiting.push(data), limit);
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  const cancel = (): void => void reader?.cancel().catch(() => {});
  const next = async (): Promise<string | undefined> => {
    try {
      while (waiting.length === 0) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) break;
        feed(decoder.decode(value as Uint8Array, { stream: true }));
      }
    } catch {
      // A stream that breaks is over; looking at the run tells how it goes on.
      cancel();
    }
    return waiting.shift();
  };
  return { next, cancel };
}
