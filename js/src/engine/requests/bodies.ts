/** Bodies of requests and answers. The core reads and writes text, so bytes are converted to and from base64. */

import { base64InSteps, bytesOfBase64 } from "../../shared/base64.js";
import { bytesOf, TOO_LARGE } from "../../client/body.js";
import type { Answer, Piece } from "../effects.js";
import { fileOfForm, MOST_HEAD } from "./form.js";
import { EACH, isLargeJson } from "../../shared/json-size.js";
import { refusal } from "./refusal.js";
import { inTurns } from "../../shared/turns.js";

/** A request that was read. */
interface ReadRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  /** The refusal if the body is too large, or is no text. */
  readonly body: string | null | Response;
}

/** What reading a request needs of its engine. */
interface Reader {
  readonly requestBytes: number;
  takesBytes(method: string, url: string): boolean;
}

/** Reads a request and its body of up to `requestBytes`. Each value in the body counts some bytes more. */
export async function readRequest(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  engine: Reader,
): Promise<ReadRequest> {
  const request = await readText(input, init, engine);
  const { body } = request;
  const limit = engine.requestBytes;
  // A body of many small values would block the thread while it is parsed.
  if (typeof body !== "string" || !(await inTurns(isLargeJson(body, limit)))) return request;
  return { ...request, body: requestTooLarge(limit) };
}

async function readText(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  engine: Reader,
): Promise<ReadRequest> {
  const limit = engine.requestBytes;
  const body = init?.body ?? null;
  // The usual case. To create a `Request` would take longer than all that follows.
  if (!(input instanceof Request) && (body === null || typeof body === "string")) {
    const url = new URL(input);
    const method = (init?.method ?? "GET").toUpperCase();
    if (body === null || !engine.takesBytes(method, url.pathname)) {
      // Text has as many bytes as characters, or more.
      const taken = body !== null && body.length > limit ? requestTooLarge(limit) : body;
      return { url, method, headers: new Headers(init?.headers), body: taken };
    }
  }
  const request = new Request(input, init);
  const url = new URL(request.url);
  const { method, headers } = request;
  return { url, method, headers, body: await textBody(request, url, engine) };
}

/** The body of a request as text. Bytes become a JSON object with their base64. */
async function textBody(request: Request, url: URL, engine: Reader): Promise<string | null | Response> {
  if (request.body === null) return null;
  const limit = engine.requestBytes;
  const takesBytes = engine.takesBytes(request.method, url.pathname);
  const bytes = await bytesOf(new Response(request.body), limit);
  if (bytes === TOO_LARGE) return requestTooLarge(limit);
  const type = request.headers.get("content-type") ?? "";
  if (!takesBytes || /^application\/json\b/i.test(type)) return decoded(bytes);
  const isForm = /^multipart\/form-data\b/i.test(type);
  const file = isForm ? await inTurns(fileOfForm(bytes, type), 32) : { name: undefined, type, bytes };
  if (file === "too much") {
    return invalid(`the parts of the form are too many: their headers are longer than ${MOST_HEAD} bytes`);
  }
  // The core refuses an upload without a file.
  if (file === undefined) return null;
  const mime = /^[\w.+-]+\/[\w.+-]+$/.exec(file.type)?.[0];
  return JSON.stringify({ name: file.name, mime, content: await inTurns(base64InSteps(file.bytes)) });
}

function decoded(bytes: Uint8Array): string | Response {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return invalid("the body is not UTF-8");
  }
}

function invalid(message: string): Response {
  return refusal(400, "BODY_INVALID", message);
}

/** The refusal of a body that is too large. */
function requestTooLarge(most: number): Response {
  const message = `the body of the request is larger than ${most} bytes; each value in it counts ${EACH} more`;
  return refusal(
    413,
    "LIMIT_EXCEEDED",
    message,
    {},
    {
      help: "raise `limits.requestBytes` of the engine to allow more",
      details: { limit: "requestBytes", allowed: most },
    },
  );
}

/** The response for the caller. `next` gives the pieces of its body after the first. */
export function responseOf(
  { status, headers, body, rest }: Answer,
  next: (rest: string) => Promise<Piece>,
): Response {
  const { "content-transfer-encoding": encoding, ...others } = headers;
  const init = { status, headers: others };
  if (rest !== undefined) return new Response(inPieces({ body, rest }, next), init);
  return new Response(encoding === "base64" ? bytesOfBase64(body) : body, init);
}

/** A body whose pieces are made when the reader asks for them. */
function inPieces(first: Piece, next: (rest: string) => Promise<Piece>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let { rest } = first;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(first.body)),
    pull: async (controller) => {
      const piece = await next(rest as string);
      rest = piece.rest;
      // A piece may be empty.
      controller.enqueue(encoder.encode(piece.body || " "));
      if (rest === undefined) controller.close();
    },
  });
}
