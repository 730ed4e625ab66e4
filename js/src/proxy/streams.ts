/** Limits the number of open event streams. */

import { Refusal } from "./respond.js";

/** Seconds after which a page may try again. */
const LATER = "5";

/** Counts open streams. */
export class Streams {
  readonly #most: number;
  #open = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Opens a stream. It ends when its body is read to the end, breaks off or is cancelled, and when the page leaves.
   *
   * @throws {Refusal} if too many streams are open.
   */
  async add(page: AbortSignal, open: () => Promise<Response>): Promise<Response> {
    if (this.#open >= this.#most) {
      const message = `as many streams are open as the proxy allows: ${this.#most}`;
      throw new Refusal(503, "STREAMS_FULL", message, {}, { "retry-after": LATER });
    }
    this.#open += 1;
    let isOver = false;
    const end = (): void => {
      page.removeEventListener("abort", end);
      if (!isOver) this.#open -= 1;
      isOver = true;
    };
    try {
      const response = await open();
      if (response.body === null || !isStream(response)) {
        end();
        return response;
      }
      page.addEventListener("abort", end, { once: true });
      if (page.aborted) end();
      return new Response(until(response.body, end), response);
    } catch (error) {
      end();
      throw error;
    }
  }
}

/** Whether an answer is an event stream. */
export const isStream = ({ headers }: Response): boolean =>
  /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");

/** The same body. Calls `end` when it has ended. */
function until(body: ReadableStream<Uint8Array>, end: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        throw error;
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
}
