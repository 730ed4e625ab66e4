/** Reading the body of an answer, within limits. */

/** Marks a body that is larger than what is taken. */
export const TOO_LARGE: unique symbol = Symbol("too large");
/** Marks a body that is not text in UTF-8. */
export const NOT_TEXT: unique symbol = Symbol("not text");

/** The bytes of a body, but no more than `limit`; counted as they are unpacked, whatever their length is said to be. */
export async function bytesOf(response: Response, limit: number): Promise<Uint8Array | typeof TOO_LARGE> {
  const { body, headers } = response;
  const said =
    headers.get("content-encoding") === null ? Number(headers.get("content-length") ?? "NaN") : NaN;
  if (body === null || said <= limit) return new Uint8Array(await response.arrayBuffer());
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
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** The text of a body. What is wrong in it is replaced where `strict` is false. */
export async function textOf(
  response: Response,
  limit: number,
  strict: boolean,
): Promise<string | typeof TOO_LARGE | typeof NOT_TEXT> {
  // A look-alike of a response has its text and nothing else.
  if (typeof response.arrayBuffer !== "function") {
    const text: unknown = await response.text();
    if (typeof text !== "string") throw new TypeError("`fetch` gave no Response");
    return text.length > limit ? TOO_LARGE : text;
  }
  const bytes = await bytesOf(response, limit);
  if (bytes === TOO_LARGE) return TOO_LARGE;
  try {
    return new TextDecoder("utf-8", { fatal: strict }).decode(bytes);
  } catch {
    return NOT_TEXT;
  }
}

/** The data of each event of a stream; `undefined` when it is over. An event larger than `limit` characters ends it. */
export async function eventsOf(
  response: Response,
  limit: number,
  signal: AbortSignal,
): Promise<() => Promise<string | undefined>> {
  const { eventParser } = await import("./generated/events.js");
  const waiting: string[] = [];
  const feed = eventParser((data) => waiting.push(data), limit);
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  const cancel = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  return async () => {
    try {
      while (waiting.length === 0) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done || signal.aborted) break;
        feed(decoder.decode(value as Uint8Array, { stream: true }));
      }
    } catch {
      // A stream that breaks is over; looking at the run tells how it goes on.
      cancel();
    }
    const data = waiting.shift();
    if (data === undefined) signal.removeEventListener("abort", cancel);
    return data;
  };
}
