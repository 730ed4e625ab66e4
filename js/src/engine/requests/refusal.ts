/** Refusals of requests, in the form of the API's own errors. */

import type { HighwayError } from "../../shared/errors.js";
import type { Answer } from "../effects.js";

/** A refusal. `more` has further fields of its body. */
export function refusal(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): Response {
  return Response.json(
    { status: "error", success: false, message, code, ...more },
    { status, headers: { ...headers } },
  );
}

/** The answer of an engine that has failed. To a health check, it also has the form of a health check. */
export function failureAnswer({ code, message, help }: HighwayError, isHealth: boolean): Answer {
  const data = isHealth ? { data: { status: "unhealthy", checks: { engine: code } } } : {};
  const body = JSON.stringify({ status: "error", success: false, message, code, help, ...data });
  return { status: 503, headers: { "content-type": "application/json" }, body };
}
