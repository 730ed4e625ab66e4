/** Requests that are no larger than they may be. */

import { bytesOf, TOO_LARGE } from "../body.js";

type Handler = (request: Request) => Response | Promise<Response>;

/** The handler behind a limit for the bytes of a body. What it gets is whole. */
export function limited(handler: Handler, limit: number): Handler {
  const tooLarge = (): Response => failure(413, "BODY_TOO_LARGE", `the body is larger than ${limit} bytes`);
  return async (request) => {
    if (request.body === null) return await handler(request);
    // What says that it is too large need not be read.
    if (Number(request.headers.get("content-length")) > limit) return tooLarge();
    let body: Awaited<ReturnType<typeof bytesOf>>;
    try {
      body = await bytesOf(new Response(request.body), limit);
    } catch {
      return failure(400, "BODY_INVALID", "the body broke off");
    }
    if (body === TOO_LARGE) return tooLarge();
    const { method, url, headers, signal } = request;
    // Nothing at all and an empty body are the same on the wire.
    const content = body.byteLength === 0 ? {} : { body: body as Uint8Array<ArrayBuffer> };
    return await handler(new Request(url, { method, headers, signal, ...content }));
  };
}

/** An answer in the form of the API's own errors. */
export function failure(status: number, code: string, message: string): Response {
  return Response.json({ status: "error", success: false, message, code }, { status });
}
