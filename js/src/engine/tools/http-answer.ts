/** Sends the requests of tools and reads the answers. */

import { invalid } from "../../shared/options.js";
import { base64Of } from "../../shared/base64.js";
import { bytesOf, TOO_LARGE } from "../../client/body.js";
import { describe, LONGEST_TIMER } from "../../shared/environment.js";
import { decoded as decodedInTurns } from "../../shared/reading.js";
import { full } from "../runtime.js";
import { badArguments, ToolError } from "./tool.js";

/** Default of the largest answer that a tool reads, in bytes after decompression. */
const MAX_ANSWER = 10 * 1024 * 1024;
/** Characters of an answer that may go into an error, before the engine removes secrets and truncates it. */
const MOST_TEXT = 100_000;

/** Node's error codes for requests that it refuses to send to any server. */
const NEVER_SENT = ["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH"];

/** An answer with its complete body. */
interface Answer {
  readonly response: Response;
  readonly bytes: Uint8Array;
}

/**
 * Sends a request and reads at most `limit` bytes of the answer. Errors show `shown` as the address, and never contain
 * `secrets`.
 *
 * @throws {ToolError} if there is no answer, or it is too large.
 */
export async function exchange(
  shown: string,
  limit: number,
  send: () => Promise<Response>,
  secrets: readonly string[] = [],
): Promise<Answer> {
  let response: Response;
  let bytes: Uint8Array | typeof TOO_LARGE;
  try {
    response = await send();
    bytes = await bytesOf(response, limit);
  } catch (cause) {
    if (cause instanceof ToolError) throw cause;
    const reason = struck(describe(cause), secrets);
    if (isNeverSent(cause)) throw badArguments(`\`${shown}\` cannot get a request: ${reason}`);
    // The runtime's own error may repeat a secret, so it is the cause only if there is none.
    const more = secrets.length === 0 ? { cause } : {};
    throw new ToolError(`\`${shown}\` could not be reached: ${reason}`, more);
  }
  if (bytes === TOO_LARGE) {
    throw new ToolError(`the answer of \`${shown}\` is larger than ${limit} bytes`, {
      code: "LIMIT_EXCEEDED",
      retryable: false,
      help: "ask for less, or raise `maxAnswerBytes` of the tool",
      details: { limit: "maxAnswerBytes", allowed: limit },
    });
  }
  return { response, bytes };
}

/** Whether the request itself is wrong: it has a port or a header that runtimes refuse. */
function isNeverSent(error: unknown): boolean {
  const { cause } = Object(error ?? {}) as { cause?: { code?: string; message?: string } };
  return NEVER_SENT.includes(cause?.code ?? "") || cause?.message === "bad port";
}

/**
 * The option `maxAnswerBytes` of a tool, or its default.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function answerLimit(given: number | undefined, path = ""): number {
  const limit = given === undefined ? MAX_ANSWER : given;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw invalid("`maxAnswerBytes` is not a whole number above 0", `${path}/maxAnswerBytes`);
}

/**
 * The text of an answer. Its encoding comes from the byte order mark, the `charset` of the media type, or is UTF-8. If
 * the runtime does not know the encoding, the bytes must be UTF-8. The event loop takes turns meanwhile.
 *
 * @throws {ToolError} `ANSWER_UNREADABLE`.
 */
export async function textOf({ response, bytes }: Answer): Promise<string> {
  const [, charset = "utf-8"] =
    /;\s*charset\s*=\s*["']?([^"';\s]+)/i.exec(response.headers.get("content-type") ?? "") ?? [];
  try {
    return await decodedInTurns(bytes, decoderOf(bytes, charset));
  } catch {
    throw new ToolError(`the answer is in the encoding \`${charset}\`, which this runtime cannot read`, {
      code: "ANSWER_UNREADABLE",
      retryable: false,
      help: "ask for UTF-8: send the header `accept-charset: utf-8`",
    });
  }
}

/** The decoder of an encoding. For an unknown encoding, a UTF-8 decoder that fails on anything else. */
function decoderOf(bytes: Uint8Array, charset: string): Pick<TextDecoder, "decode"> {
  try {
    const decoder = new TextDecoder(markOf(bytes) ?? charset);
    return decoder.encoding === "windows-1252" ? { decode: windows1252 } : decoder;
  } catch {
    return new TextDecoder("utf-8", { fatal: true });
  }
}

/** Characters 0x80 to 0x9f of `windows-1252`, which Node up to 23 decodes as control characters. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";
const UNITS_1252 = Uint16Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 || byte > 0x9f ? byte : WINDOWS_1252.charCodeAt(byte - 0x80),
);

/** Decodes `windows-1252`: apart from those characters, a byte equals its UTF-16 character. */
function windows1252(bytes: Uint8Array): string {
  const units = new DataView(new ArrayBuffer(2 * bytes.length));
  for (let at = 0; at < bytes.length; at += 1)
    units.setUint16(2 * at, UNITS_1252[bytes[at] as number] as number, true);
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(units);
}

/** The encoding that a byte order mark stands for. */
function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xff && second === 0xfe ? "utf-16le" : undefined;
}

/** The text without secrets, in every spelling, as the engine removes its own. */
export function struck(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  return full.call((api) => api.strikeSecrets(text.slice(0, MOST_TEXT), JSON.stringify(secrets)));
}

/** The error for a refusal of a server. The engine truncates the message to `limit` characters. */
export function refusal(
  message: string,
  said: string,
  most: number,
): { readonly message: string; readonly messageLimit: number } {
  const text = said.trim().slice(0, MOST_TEXT);
  const start = `${message}: `;
  return text === ""
    ? { message, messageLimit: message.length }
    : { message: start + text, messageLimit: start.length + most };
}

/** The address for errors: without user, password and query. */
export function shownAddress(address: string): string {
  return address.replace(/[?#].*$/s, "").replace(/^([^/]*\/\/)?[^/]*@/, "$1");
}

/** Moves user and password from the URL to an `authorization` header, unless there is one. Returns the secrets. */
export function takeCredentials(url: URL, headers: Headers): string[] {
  const [user, password] = [url.username, url.password].map(decoded) as [string, string];
  url.username = url.password = "";
  if (user === "" && password === "") return [];
  if (!headers.has("authorization")) {
    const bytes = new TextEncoder().encode(`${user}:${password}`);
    headers.set("authorization", `Basic ${base64Of(bytes)}`);
  }
  return [password];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Calls `act` after `ms` milliseconds, however many. Returns a function that prevents it. */
export function after(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number): void => {
    const next = Math.min(left, LONGEST_TIMER);
    timer = setTimeout(() => (left > next ? wait(left - next) : act()), next);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** The `Retry-After` of an answer in seconds. */
export function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const moment = Date.parse(text);
  const seconds = /^\d+$/.test(text) ? Number(text) : (moment - serverTime(response)) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : undefined;
}

/** Whether a later request may succeed: after 408, 429 and 5xx. A redirect that a page cannot read has status 0. */
export const isBusy = ({ status }: Pick<Response, "status">): boolean =>
  status === 408 || status === 429 || status >= 500;

/** Text that says how a server answered. */
export const answered = ({ status, type }: Response): string =>
  type === "opaqueredirect" ? "answered with a redirect" : `answered ${status}`;

/** The server's present time, if it sends it, because the local clock may be wrong. */
function serverTime(response: Response): number {
  const told = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(told) ? Date.now() : told;
}
