/** Reads the body of a page's request. */

import { bytesOf, TOO_LARGE } from "../client/body.js";
import { isObject } from "../shared/plain.js";
import { Refusal } from "./respond.js";
import { parseJson } from "../shared/json.js";

/** A JSON object. */
export type Body = Readonly<Record<string, unknown>>;

/** Levels of nesting that are allowed; the core's own limit. */
const DEPTH = 128;

/** The body of a request as an object; an empty one if there is no body. */
export async function bodyOf(request: Request, limit: number): Promise<Body> {
  const text = decoded(await bytesOfRequest(request, limit));
  if (text.trim() === "") return {};
  const body = parsed(text);
  if (!isObject(body)) throw invalidBody("is not a JSON object");
  if (isDeeperThan(body, DEPTH)) throw invalidBody(`is nested more than ${DEPTH} levels deep`);
  return body;
}

async function bytesOfRequest(request: Request, limit: number): Promise<Uint8Array> {
  // Fails if other code has read the body, which is not the page's fault.
  const body = new Response(request.body);
  const bytes = await bytesOf(body, limit).catch(() => {
    throw invalidBody("broke off");
  });
  if (bytes === TOO_LARGE) throw new Refusal(413, "BODY_TOO_LARGE", `the body is larger than ${limit} bytes`);
  return bytes;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidBody("is not UTF-8");
  }
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw invalidBody("is not JSON");
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

const invalidBody = (how: string): Refusal => new Refusal(400, "BODY_INVALID", `the body ${how}`);
