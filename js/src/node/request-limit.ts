/** Limits the size of request bodies, before and after decompression. */

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type InputType, type ZlibOptions } from "node:zlib";
import { refusal } from "../engine/requests/refusal.js";
import { nextTurn } from "../shared/turns.js";
import { LONGEST_TIMER } from "../shared/environment.js";

type Handler = (request: Request) => Response | Promise<Response>;
type Unpack = (bytes: InputType, options: ZlibOptions) => Promise<Uint8Array>;

/** The function that decompresses a body, by the name of the encoding. */
const UNPACK: Readonly<Record<string, Unpack | undefined>> = Object.assign(Object.create(null), {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
});

/** Limits of request bodies. */
export interface BodyLimits {
  /** The largest body in bytes, before and after decompression. */
  readonly maxBody: number;
  /** Bytes of all bodies together that are being received. */
  readonly maxBodies: number;
  /** Longest pause while a body arrives, in milliseconds. */
  readonly bodyTimeout: number;
}

/** The handler behind the limits. It gets complete, decompressed bodies, and only requests whose client still waits. */
export function limited(handler: Handler, limits: BodyLimits): Handler {
  const limit = limits.maxBody;
  const tooLarge = (): Response => refusal(413, "BODY_TOO_LARGE", `the body is larger than ${limit} bytes`);
  const room: Room = { left: limits.maxBodies };
  /** Bodies are decompressed one after the other, because a few bytes may need `limit` bytes. */
  let unpacked: Promise<void> = Promise.resolve();
  const wholeOf = async (request: RequestWithBody, encodings: Unpack[]): Promise<Body> => {
    const held: Held = { size: 0 };
    try {
      const body = await bytesOf(request.body, limits, room, held);
      if (!(body instanceof Uint8Array) || encodings.length === 0) return body;
      const unpacking = unpacked.then(() => unpack(body, encodings, limit));
      // Drops the body, which would otherwise stay in memory until the next one.
      unpacked = unpacking.then(() => {});
      return await unpacking;
    } finally {
      room.left += held.size;
    }
  };
  return async (request) => {
    if (request.body === null) return await handler(request);
    const encodings = encodingsOf(request.headers);
    if (encodings === undefined) {
      return refusal(
        415,
        "UNSUPPORTED_ENCODING",
        "the body has a `content-encoding` other than gzip, deflate and br",
        {
          "accept-encoding": "gzip, deflate, br",
        },
      );
    }
    // A body that is too large by its own header need not be read.
    if (Number(request.headers.get("content-length")) > limit) return tooLarge();
    const body = await wholeOf(request as RequestWithBody, encodings);
    if (body === "too large") return tooLarge();
    if (body instanceof Response) return body;
    // If a client left while the thread was busy, Node reports that after the request: wait until it has.
    for (let turn = 0; turn < 2; turn += 1) await new Promise<void>(nextTurn);
    if (request.signal.aborted) return refusal(499, "ABORTED", "the request was aborted");
    const { method, url, signal } = request;
    const headers = new Headers(request.headers);
    for (const name of ["content-encoding", "content-length"]) headers.delete(name);
    // No body and an empty body are the same on the wire.
    const content = body.byteLength === 0 ? {} : { body };
    return await handler(new Request(url, { method, headers, signal, ...content }));
  };
}

/** Bytes that are left for bodies of all requests. */
interface Room {
  left: number;
}

/** Bytes that one body takes of them. */
interface Held {
  size: number;
}

type RequestWithBody = Request & { readonly body: ReadableStream<Uint8Array> };

/** A body, or why there is none. */
type Body = Uint8Array<ArrayBuffer> | "too large" | Response;

/** Receives the bytes of a body. */
async function bytesOf(
  body: ReadableStream<Uint8Array>,
  { maxBody, maxBodies, bodyTimeout }: BodyLimits,
  room: Room,
  held: Held,
): Promise<Body> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      reader.cancel().catch(() => {});
    },
    Math.min(bodyTimeout, LONGEST_TIMER),
  );
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) {
        const message = `nothing came of the body for ${bodyTimeout} ms`;
        return refusal(408, "BODY_TIMEOUT", message, { connection: "close" });
      }
      if (done) return Buffer.concat(chunks);
      timer.refresh();
      held.size += value.byteLength;
      room.left -= value.byteLength;
      if (held.size > maxBody) return "too large";
      if (room.left < 0) {
        const message = `the bodies of all requests under way are larger than ${maxBodies} bytes; try again`;
        return refusal(503, "SERVER_BUSY", message, { "retry-after": "1" });
      }
      chunks.push(value);
    }
  } catch {
    return refusal(400, "BODY_INVALID", "the body broke off");
  } finally {
    clearTimeout(timer);
    // Nothing waits for the cancellation.
    reader.cancel().catch(() => {});
  }
}

/** Decompresses a body, or says why it cannot be. */
async function unpack(packed: Uint8Array<ArrayBuffer>, unpacks: Unpack[], limit: number): Promise<Body> {
  let bytes = packed;
  try {
    for (const one of unpacks) {
      bytes = (await one(bytes, { maxOutputLength: limit })) as Uint8Array<ArrayBuffer>;
    }
    return bytes;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") return "too large";
    return refusal(400, "BODY_INVALID", "the body is not in the encoding that its `content-encoding` names");
  }
}

/** The functions that decompress a body, in order; undefined if an encoding is unknown. */
function encodingsOf(headers: Headers): Unpack[] | undefined {
  const names = (headers.get("content-encoding") ?? "").toLowerCase().split(",");
  const packed = names.map((name) => name.trim()).filter((name) => name !== "" && name !== "identity");
  const unpacks = packed.reverse().flatMap((name) => UNPACK[name] ?? []);
  return unpacks.length === packed.length && unpacks.length <= 2 ? unpacks : undefined;
}
