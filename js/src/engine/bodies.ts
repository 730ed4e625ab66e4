/** Bytes in requests and answers: the core takes and gives text, so they travel as base64. */

import { base64Of, bytesOfBase64 } from "../base64.js";
import type { Answer } from "./effects.js";

/** A request that was read. */
interface ReadRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | null;
  readonly signal: AbortSignal | undefined;
}

/** Reads what `fetch` was given. */
export async function readRequest(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): Promise<ReadRequest> {
  const body = init?.body ?? null;
  // What clients mostly send. A `Request` of it would take longer to make than all that follows.
  if (!(input instanceof Request) && (body === null || typeof body === "string")) {
    const url = new URL(input);
    const { headers, signal } = init ?? {};
    const method = (init?.method ?? "GET").toUpperCase();
    if (!isUpload(method, url)) {
      return { url, method, headers: new Headers(headers), body, signal: signal ?? undefined };
    }
  }
  const request = new Request(input, init);
  const url = new URL(request.url);
  const { method, headers, signal } = request;
  return { url, method, headers, body: await textBody(request, url), signal };
}

/** The body of a request as the core takes it: text, and for an artifact a JSON object with its bytes. */
async function textBody(request: Request, url: URL): Promise<string | null> {
  if (request.body === null) return null;
  if (!isUpload(request.method, url)) return await request.text();
  const type = request.headers.get("content-type") ?? "";
  if (/^application\/json\b/i.test(type)) return await request.text();
  const file = /^multipart\/form-data\b/i.test(type) ? await fileOf(request) : await request.blob();
  // The core says what is missing.
  if (file === undefined) return null;
  const name = file instanceof File ? file.name : undefined;
  const mime = /^[\w.+-]+\/[\w.+-]+$/.exec(file.type)?.[0];
  return JSON.stringify({ name, mime, content: base64Of(new Uint8Array(await file.arrayBuffer())) });
}

function isUpload(method: string, { pathname }: URL): boolean {
  return method === "POST" && /^\/api\/v1\/artifacts\/?$/.test(pathname);
}

/** The part `artifact` of a form, or else its first file. */
async function fileOf(request: Request): Promise<Blob | undefined> {
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    return undefined;
  }
  const parts = [form.get("artifact"), ...form.values()];
  return parts.find((part): part is File => typeof part !== "string" && part !== null);
}

/** The answer as the caller gets it. */
export function responseOf({ status, headers, body }: Answer): Response {
  const { "content-transfer-encoding": encoding, ...others } = headers;
  return new Response(encoding === "base64" ? bytesOfBase64(body) : body, { status, headers: others });
}
