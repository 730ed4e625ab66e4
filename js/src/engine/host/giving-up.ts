/** Requests that get no proper answer: those that their caller gave up, and those of an engine that stands still. */

import type { HighwayError } from "../../shared/errors.js";
import { listen } from "../../client/host.js";
import type { Answer } from "../effects.js";

/** The response of `respond`, unless the signal fires first: then the promise is rejected at once, with the reason of the signal. */
export function untilAborted(
  signal: AbortSignal | undefined,
  respond: () => Promise<Response>,
): Promise<Response> {
  if (signal === undefined) return respond();
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const unlisten = listen(signal, () => reject(signal.reason));
    respond().then(
      (response) => {
        unlisten();
        // Nobody reads it.
        if (signal.aborted) response.body?.cancel().catch(() => {});
        resolve(response);
      },
      (error: unknown) => {
        unlisten();
        reject(error);
      },
    );
  });
}

/** What an engine answers whose store failed; its health says so in the form of a health check too. */
export function refusal(url: string, { code, message, help }: HighwayError): Answer {
  const isHealth = /^\/api\/v1\/health\/?(\?|$)/.test(url);
  const data = isHealth ? { data: { status: "unhealthy", checks: { engine: code } } } : {};
  const body = JSON.stringify({ status: "error", success: false, message, code, help, ...data });
  return { status: 503, headers: { "content-type": "application/json" }, body };
}
