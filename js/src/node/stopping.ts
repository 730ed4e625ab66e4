/** The answers of a server that may stop at any moment. */

import { refusal } from "../engine/requests/refusal.js";

/**
 * @internal The handler with two additions. Failures have the form of the API's errors. Event streams end when the
 * server stops; otherwise they would last as long as the run, and clients come back for the rest.
 */
export function untilStopped(
  handler: (request: Request) => Promise<Response>,
  stopped: AbortSignal,
): (request: Request) => Promise<Response> {
  // One listener for all streams, because Node reports many listeners as a leak.
  const streams = new Set<AbortController>();
  stopped.addEventListener("abort", () => {
    for (const stream of streams) stream.abort();
  });
  return async (request) => {
    try {
      const response = await handler(request);
      const { body, headers, status } = response;
      if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) return response;
      const stream = new AbortController();
      if (stopped.aborted) stream.abort();
      streams.add(stream);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const over = (): void => void streams.delete(stream);
      body.pipeTo(writable, { signal: stream.signal }).then(over, over);
      return new Response(readable, { status, headers });
    } catch (error) {
      // The engine may have been closed while this request was pending.
      if (stopped.aborted) return refusal(503, "SHUTTING_DOWN", "the server is stopping");
      // Nobody reads this answer: the client has gone, and the engine did nothing.
      if (request.signal.aborted) return refusal(499, "ABORTED", "the request was aborted");
      console.error("highway-wasm: a request could not be answered:", error);
      return refusal(500, "INTERNAL_ERROR", "internal error");
    }
  };
}
