/** Refusals of requests, in the form of the API's own errors. */

/** A refusal; `more` are further fields of its body. */
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
