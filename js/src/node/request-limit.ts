/** Requests that are no larger than they may be, also once they are unpacked. */

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type InputType, type ZlibOptions } from "node:zlib";
import { bytesOf, TOO_LARGE } from "../body.js";

type Handler = (request: Request) => Response | Promise<Response>;
type Unpack = (bytes: InputType, options: ZlibOptions) => Promise<Uint8Array>;

/** What unpacks a body, by the name of its encoding. */
const UNPACK: Readonly<Record<string, Unpack | undefined>> = Object.assign(Object.create(null), {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
});

/** The handler behind a limit for the bytes of a body. What it gets is whole and unpacked. */
export function limited(handler: Handler, limit: number): Handler {
  const tooLarge = (): Response => failure(413, "BODY_TOO_LARGE", `the body is larger than ${limit} bytes`);
  return async (request) => {
    if (request.body === null) return await handler(request);
    const encodings = encodingsOf(request.headers);
    if (encodings === undefined) {
      return failure(
        415,
        "UNSUPPORTED_ENCODING",
        "the body has a `content-encoding` other than gzip, deflate and br",
        {
          "accept-encoding": "gzip, deflate, br",
        },
      );
    }
    // What says that it is too large need not be read.
    if (Number(request.headers.get("content-length")) > limit) return tooLarge();
    let body: Uint8Array | typeof TOO_LARGE;
    try {
      body = await bytesOf(new Response(request.body), limit);
    } catch {
      return failure(400, "BODY_INVALID", "the body broke off");
    }
    try {
      for (const unpack of encodings) {
        if (body !== TOO_LARGE) body = await unpack(body, { maxOutputLength: limit });
      }
    } catch (error) {
      if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") return tooLarge();
      return failure(400, "BODY_INVALID", "the body is not packed as its `content-encoding` says");
    }
    if (body === TOO_LARGE) return tooLarge();
    const { method, url, signal } = request;
    const headers = new Headers(request.headers);
    for (const name of ["content-encoding", "content-length"]) headers.delete(name);
    // Nothing at all and an empty body are the same on the wire.
    const content = body.byteLength === 0 ? {} : { body: body as Uint8Array<ArrayBuffer> };
    return await handler(new Request(url, { method, headers, signal, ...content }));
  };
}

/** What unpacks a body, in its order; undefined where an encoding is not known. */
function encodingsOf(headers: Headers): Unpack[] | undefined {
  const names = (headers.get("content-encoding") ?? "").toLowerCase().split(",");
  const packed = names.map((name) => name.trim()).filter((name) => name !== "" && name !== "identity");
  const unpacks = packed.reverse().flatMap((name) => UNPACK[name] ?? []);
  return unpacks.length === packed.length && unpacks.length <= 2 ? unpacks : undefined;
}

/** An answer in the form of the API's own errors. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ status: "error", success: false, message, code }, { status, headers });
}
