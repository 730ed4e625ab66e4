/** Reads the bodies of answers. */

import type { Events } from "../wasm/wasm-api.js";

/**
 * A response whose body the core can read: its `body` is a stream of the web, or missing. A look-alike of a `Response`
 * may have another one, or nothing but its text; it is wrapped.
 */
export function readable(response: Response): Response {
  const { status, headers, body } = response;
  if (typeof body?.getReader === "function") return response;
  const arrayBuffer = async (): Promise<ArrayBuffer> => {
    if (typeof response.arrayBuffer === "function") return await response.arrayBuffer();
    const text: unknown = await response.text();
    if (typeof text !== "string") throw new TypeError("`fetch` did not return a Response");
    return new TextEncoder().encode(text).buffer as ArrayBuffer;
  };
  return { status, headers, arrayBuffer } as Response;
}

/** An event stream that is being read. */
interface OpenEvents extends Events {
  cancel(): void;
}

/** The events in the body of an answer. An event of more than `limit` characters ends the stream. */
export async function eventsOf(response: Response, limit: number): Promise<OpenEvents> {
  const { eventParser } = await import("../generated/events.js");
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
      // A broken stream counts as ended. The next look at the run shows how it continues.
      cancel();
    }
    return waiting.shift();
  };
  return { next, cancel };
}
