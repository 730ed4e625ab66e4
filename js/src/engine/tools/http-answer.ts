/** How tools send a request and read its answer. */

import { base64Of } from "../../shared/base64.js";
import { bytesOf, TOO_LARGE } from "../../client/body.js";
import { describe, LONGEST_TIMER } from "../../shared/environment.js";
import { errorOf } from "../../shared/errors.js";
import { decoded as decodedInTurns } from "../../shared/reading.js";
import { full } from "../runtime.js";
import { badArguments, ToolError } from "./tool.js";

/** Bytes of an answer that a tool reads when nobody says otherwise, counted after unpacking. */
const MAX_ANSWER = 10 * 1024 * 1024;
/** Characters of a text that may become part of an error, before the engine strikes out secrets and cuts it. */
const MOST_TEXT = 100_000;

/** Codes of Node for requests that it does not send, whatever the server is. */
const NEVER_SENT = ["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH"];

/** An answer that was read to its end. */
interface Answer {
  readonly response: Response;
  readonly bytes: Uint8Array;
}

/**
 * Sends a request and reads the answer, up to `limit` bytes. `shown` is the address as errors show it; `secrets` are struck out of errors.
 *
 * @throws {ToolError} where there is no answer, or one that is too large.
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
    // What the runtime says may repeat a secret, so it goes no further where there is one.
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

/** Whether the request itself is at fault: a port or a header that no request may have. */
function isNeverSent(error: unknown): boolean {
  const { cause } = Object(error ?? {}) as { cause?: { code?: string; message?: string } };
  return NEVER_SENT.includes(cause?.code ?? "") || cause?.message === "bad port";
}

/** The setting `maxAnswerBytes` of a tool. @throws {ConfigurationError} `OPTION_INVALID`. */
export function answerLimit(given: number | undefined, path = ""): number {
  const limit = given === undefined ? MAX_ANSWER : given;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw errorOf("OPTION_INVALID", "`maxAnswerBytes` is not a whole number above 0", {
    path: `${path}/maxAnswerBytes`,
  });
}

/**
 * The text of an answer: by its byte order mark, else by the `charset` of its type, else as UTF-8. An encoding that the runtime does not know
 * is read as UTF-8 where the bytes are that. Others have their turn meanwhile.
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

/** The decoder of an encoding. If the runtime does not know the encoding: a UTF-8 decoder that fails on anything else. */
function decoderOf(bytes: Uint8Array, charset: string): Pick<TextDecoder, "decode"> {
  try {
    const decoder = new TextDecoder(markOf(bytes) ?? charset);
    return decoder.encoding === "windows-1252" ? { decode: windows1252 } : decoder;
  } catch {
    return new TextDecoder("utf-8", { fatal: true });
  }
}

/** What Node up to 23 takes for control characters, though `windows-1252` has them as these. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";
const UNITS_1252 = Uint16Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 || byte > 0x9f ? byte : WINDOWS_1252.charCodeAt(byte - 0x80),
);

/** Text in `windows-1252`, whose bytes are characters of UTF-16 but for those. */
function windows1252(bytes: Uint8Array): string {
  const units = new DataView(new ArrayBuffer(2 * bytes.length));
  for (let at = 0; at < bytes.length; at += 1)
    units.setUint16(2 * at, UNITS_1252[bytes[at] as number] as number, true);
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(units);
}

/** The encoding that a byte order mark tells. */
function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xff && second === 0xfe ? "utf-16le" : undefined;
}

/** A text with secrets struck out of it, however they are spelled, as the engine does it with its own. */
export function struck(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  return full.call((api) => api.strikeSecrets(text.slice(0, MOST_TEXT), JSON.stringify(secrets)));
}

/** What a server said, as a part of an error whose message the engine cuts to `limit` characters. */
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

/** An address as errors show it: without user, password and query. */
export function shownAddress(address: string): string {
  return address.replace(/[?#].*$/s, "").replace(/^([^/]*\/\/)?[^/]*@/, "$1");
}

/** Makes user and password of an address the header of basic authentication, where there is no other; gives what is secret. */
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

/** Has `act` called after some milliseconds, however many; gives back how to prevent it. */
export function after(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number): void => {
    const next = Math.min(left, LONGEST_TIMER);
    timer = setTimeout(() => (left > next ? wait(left - next) : act()), next);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** Seconds that a server asks to be left alone for. */
export function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const moment = Date.parse(text);
  const seconds = /^\d+$/.test(text) ? Number(text) : (moment - serverTime(response)) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : undefined;
}

/** Whether another request may be answered. A redirect, of which a page is told no status, is not followed by who asks this. */
export const isBusy = ({ status }: Pick<Response, "status">): boolean =>
  status === 408 || status === 429 || status >= 500;

/** How a server answered, in words. */
export const answered = ({ status, type }: Response): string =>
  type === "opaqueredirect" ? "answered with a redirect" : `answered ${status}`;

/** The server's own clock, where it tells: ours may be wrong. */
function serverTime(response: Response): number {
  const told = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(told) ? Date.now() : told;
}
