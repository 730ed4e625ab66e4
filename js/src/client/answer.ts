/** The bodies of answers to the client's requests. */

import type { Events } from "../wasm/wasm-api.js";

/** A response whose body the core can read: as it is, or made of a look-alike that has nothing but its text. */
export function readable(response: Response): Response {
  if (typeof response.body?.getReader === "function" || typeof response.arrayBuffer === "function")
    return response;
  const arrayBuffer = async (): Promise<ArrayBuffer> => {
    const text: unknown = await response.text();
    if (typeof text !== "string") throw new TypeError("`fetch` did not return a Response");
    return new TextEncoder().encode(text).buffer as ArrayBuffer;
  };
  const { status, headers } = response;
  return { status, headers, arrayBuffer } as Response;
}

/** The events of a stream that is read. */
interface OpenEvents extends Events {
  cancel(): void;
}

/** The events of a stream. An event larger than `limit` characters ends it. */
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
      // A stream that breaks is over; looking at the run tells how it goes on.
      cancel();
    }
    return waiting.shift();
  };
  return { next, cancel };
}
