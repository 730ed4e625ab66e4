/** `tools.http.request`: sends a request through the global `fetch`. */

import { describe } from "../../shared/environment.js";
import { bigJson } from "../../shared/json.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { childPath } from "../../shared/pointer.js";
import {
  after,
  answerLimit,
  exchange,
  refusal,
  retryAfterOf,
  shownAddress,
  struck,
  takeCredentials,
  textOf,
} from "./http-answer.js";
import { privateAddressOf } from "./private-addresses.js";
import { isLargeJson } from "../../shared/json-size.js";
import { jsonOf } from "../../shared/reading.js";
import {
  badArguments,
  ownTool,
  textGiven,
  type Tool,
  type ToolArguments,
  ToolError,
  tooLarge,
  withoutSecrets,
} from "./tool.js";
import { inTurns } from "../../shared/turns.js";

/** Characters of a body that an error shows. */
const SNIPPET = 200;
/** Headers of the connection, which the runtime sets. */
const UNSENDABLE = [
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** The syntax of header names and methods. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Methods that no runtime sends. */
const REFUSED_METHODS = ["CONNECT", "TRACE", "TRACK"];
/** The most redirects of a request; the same as in browsers. */
const MOST_REDIRECTS = 20;

/** Options of {@link httpTool}. */
export interface HttpToolOptions {
  /**
   * What to do with requests to private addresses: `localhost` and other local names, and all addresses that are not
   * public, in any spelling, IPv4 and IPv6. `allow` sends them unless the task sets `allow_internal: false`; `ask`
   * refuses them unless the task sets `allow_internal: true`; `refuse` always refuses them. Default: `allow`.
   *
   * Where the runtime can look names up (Node from 20.16, Deno, Bun), the tool does so before each request and each
   * redirect. The request then looks the name up again, so the owner of a name can change it in between: if that
   * matters, use a firewall. Browsers do not reveal the target of a redirect; there, a request that must not reach a
   * private address fails if it is redirected.
   */
  privateAddresses?: "allow" | "ask" | "refuse" | undefined;
  /**
   * The largest answer, in bytes after decompression; default: 10 MiB. A larger one fails the task with
   * `LIMIT_EXCEEDED`.
   */
  maxAnswerBytes?: number | undefined;
}

/** The request of a task. */
interface Wanted {
  /** The address as errors show it. */
  readonly origin: string;
  readonly url: URL;
  readonly request: Request;
  /** Time limit in milliseconds. */
  readonly limit: number | undefined;
  /** Texts that errors must not contain. */
  readonly secrets: readonly string[];
  /** Whether the host contains secrets of the engine. */
  readonly isHidden: boolean;
}

/**
 * Removes the secrets of the engine from a text. Call it before truncating, because part of a secret is not recognized.
 */
type Strike = (text: string) => string;

/**
 * The tool `tools.http.request`, which every engine has: sends a request and reads the answer. A status outside 2xx
 * fails the attempt, unless `check` is false. After a 429 or 503, the next attempt waits for the time in `Retry-After`.
 *
 * Arguments: `url`, `method` (GET), `headers`, `params`, `json` (or `json_data`), `body`, `timeout` in seconds,
 * `check`, `allow_internal`, and `verify`, which cannot be false. In `params` and `headers`, a list gives a name
 * several values, and null omits it. A user and a password in the `url` become basic authentication.
 *
 * Result: `{status_code, headers, response, body, url}`. `response` and `body` are equal: parsed JSON, with integers
 * beyond ±(2^53 − 1) as `bigint`, or text in the encoding of the answer. A header is text; several `set-cookie` headers
 * are a list.
 *
 * @example
 * ```js
 * import { httpTool, LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({
 *   tools: { "tools.http.request": httpTool({ privateAddresses: "refuse" }) },
 * });
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function httpTool(options: HttpToolOptions = {}): Tool {
  checkOptions(options, ["privateAddresses", "maxAnswerBytes"], "httpTool");
  const { privateAddresses = "allow" } = options;
  if (!["allow", "ask", "refuse"].includes(privateAddresses)) {
    throw invalid("`privateAddresses` is neither `allow` nor `ask` nor `refuse`", "/privateAddresses");
  }
  const most = answerLimit(options.maxAnswerBytes);
  return ownTool("tools.http.request", async (call) => {
    const strike: Strike = (text) => withoutSecrets(call, text);
    const wanted = requestOf(call, strike);
    const { origin, url, request, limit, secrets, isHidden } = wanted;
    const isPublicOnly =
      privateAddresses === "refuse" ||
      (call.kwargs["allow_internal"] ?? privateAddresses === "allow") !== true;
    const controller = new AbortController();
    const giveUp = (): void => controller.abort(call.signal.reason);
    const stop =
      limit === undefined
        ? undefined
        : after(limit, () =>
            controller.abort(new Error(`no answer within its \`timeout\` of ${limit / 1000} s`)),
          );
    call.signal.addEventListener("abort", giveUp, { once: true });
    const { signal } = controller;
    const answer = await exchange(
      origin,
      most,
      () => (isPublicOnly ? fetchPublic(request, signal, strike) : fetch(request, { signal })),
      secrets,
    ).finally(() => {
      stop?.();
      call.signal.removeEventListener("abort", giveUp);
    });
    const { response } = answer;
    const text = await textOf(answer);
    const content = await parsed(text, response.headers.get("content-type"), call.maxResultBytes);
    const result = {
      status_code: response.status,
      headers: headersOf(response.headers),
      response: content,
      body: content,
      url: response.url || url.href,
    };
    if (!response.ok && call.kwargs["check"] !== false) {
      const said = struck(text, secrets);
      const { message, messageLimit } = refusal(`\`${origin}\` answered ${response.status}`, said, SNIPPET);
      throw new ToolError(message, {
        code: "HTTP_STATUS",
        help: "pass `check: false` to take any answer as a result",
        retryAfter: retryAfterOf(response),
        messageLimit,
        result: isHidden ? { ...result, url: origin } : result,
      });
    }
    return result;
  });
}

/** Sends a request. Follows redirects itself, as long as they lead to public addresses. */
async function fetchPublic(first: Request, signal: AbortSignal, strike: Strike): Promise<Response> {
  let request = first;
  for (let redirects = 0; ; redirects += 1) {
    await checkPublic(new URL(request.url), strike);
    signal.throwIfAborted();
    // A body can be sent once, and the next request may need it again.
    const response = await fetch(request.clone(), { signal, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      throw refused(
        `\`${shownPart(request.url, "origin", strike)}\` redirects, and a page cannot see where to`,
      );
    }
    const location = response.headers.get("location");
    if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    if (redirects === MOST_REDIRECTS) throw refused("it redirects again and again");
    request = redirected(request, location, response.status);
  }
}

async function checkPublic(url: URL, strike: Strike): Promise<void> {
  if (!isHttp(url)) throw refused(`\`${shownPart(url.href, "protocol", strike)}\` is not HTTP`);
  const found = await privateAddressOf(url);
  if (found === undefined) return;
  const which = found === url.hostname.replace(/^\[(.*)\]$/, "$1") ? "" : `, which stands for \`${found}\``;
  throw refused(`\`${shownPart(url.href, "hostname", strike)}\`${which} is a private address`);
}

/** A part of an address as errors show it. */
function shownPart(address: string, part: "protocol" | "origin" | "hostname", strike: Strike): string {
  const shown = strike(address);
  return URL.canParse(shown) ? new URL(shown)[part] : "***";
}

/** The request after a redirect, as browsers make it. */
function redirected(request: Request, location: string, status: number): Request {
  if (!URL.canParse(location, request.url))
    throw new Error("it redirects to something that is not an address");
  const url = new URL(location, request.url);
  const { method } = request;
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  const headers = new Headers(request.headers);
  if (url.origin !== new URL(request.url).origin) {
    for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  }
  takeCredentials(url, headers);
  if (!becomesGet) return new Request(url, new Request(request, { headers }));
  for (const name of ["content-type", "content-length", "content-encoding", "content-language"])
    headers.delete(name);
  return new Request(url, { method: "GET", headers });
}

function refused(message: string): ToolError {
  return new ToolError(message, {
    code: "ADDRESS_REFUSED",
    retryable: false,
    help: "this engine sends requests to public addresses only (`privateAddresses` of `httpTool`)",
  });
}

function requestOf({ args, kwargs }: ToolArguments, strike: Strike): Wanted {
  const given = kwargs["url"] ?? args[0];
  const url = addressOf(given, strike);
  const origin = shownPart(text(given), "origin", strike);
  const isHidden = origin !== url.origin;
  for (const [name, value] of pairs(kwargs["params"], "params")) url.searchParams.append(name, value);
  const headers = headersToSend(kwargs["headers"]);
  checkCertificates(url, kwargs["verify"]);
  const credentials = takeCredentials(url, headers);
  const json = kwargs["json"] ?? kwargs["json_data"];
  const body = json === undefined ? kwargs["body"] : bigJson(json);
  if (json !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  const method = methodOf(kwargs["method"]);
  if (body !== undefined && body !== null && (method === "GET" || method === "HEAD")) {
    const help = "send it with `POST`, `PUT` or `PATCH`, or in the address with `params`";
    const field = json === undefined ? "body" : kwargs["json"] === undefined ? "json_data" : "json";
    throw badArguments(`a request with \`${method}\` has no body`, help, `/kwargs/${field}`);
  }
  const limit = kwargs["timeout"] ?? undefined;
  if (limit !== undefined && !(typeof limit === "number" && limit > 0)) {
    throw badArguments(
      `\`timeout\` is not a positive number of seconds: \`${text(limit)}\``,
      "give seconds, such as 30",
      "/kwargs/timeout",
    );
  }
  const init: RequestInit = {
    method,
    headers,
    ...(body === undefined || body === null ? {} : { body: text(body) }),
  };
  try {
    return {
      origin,
      url,
      request: new Request(url, init),
      limit: limit === undefined ? undefined : limit * 1000,
      // The runtime may spell the host in a way in which the engine does not find its secret.
      secrets: [...credentials, ...secretsOf(headers), ...(isHidden ? [url.hostname] : [])],
      isHidden,
    };
  } catch (error) {
    throw badArguments(describe(error));
  }
}

function headersToSend(given: unknown): Headers {
  const headers = new Headers();
  for (const [name, value] of pairs(given, "headers")) {
    const path = childPath("/kwargs/headers", name);
    const lower = name.toLowerCase();
    if (UNSENDABLE.includes(lower) || (lower === "connection" && !/^(close|keep-alive)$/i.test(value))) {
      const help =
        lower === "host" ? "put the host into `url`" : "leave it out: the runtime writes it for each request";
      throw badArguments(`the header \`${name}\` is written by the runtime`, help, path);
    }
    try {
      headers.append(name, value);
    } catch {
      // The runtime's own error repeats the value.
      const isName = TOKEN.test(name);
      const what = isName ? `the header \`${name}\` has a value` : `\`${name}\` is a name`;
      const help = isName
        ? "a value is Latin text on one line; encode anything else, for example with percent signs"
        : "a name has letters, digits and hyphens";
      throw badArguments(`${what} that no header can have`, help, path);
    }
  }
  return headers;
}

function methodOf(given: unknown): string {
  const method = text(given ?? "GET").toUpperCase();
  const help = "give a method such as `GET`, `POST`, `PUT`, `PATCH` or `DELETE`";
  if (!TOKEN.test(method))
    throw badArguments(`\`${method}\` is not a method of HTTP`, help, "/kwargs/method");
  if (REFUSED_METHODS.includes(method))
    throw badArguments(`no runtime sends the method \`${method}\``, help, "/kwargs/method");
  return method;
}

/** Certificates are always verified, because no runtime can switch that off for one request. */
function checkCertificates(url: URL, verify: unknown): void {
  if (url.protocol !== "https:" || (verify ?? true) === true) return;
  const help = "leave `verify` out; in Node, `NODE_EXTRA_CA_CERTS` names certificates to trust";
  throw badArguments("the certificate of a server is always checked", help, "/kwargs/verify");
}

const isHttp = ({ protocol }: URL): boolean => protocol === "http:" || protocol === "https:";

function addressOf(address: unknown, strike: Strike): URL {
  const help = 'give one, for example "https://example.org/api"';
  const given = textGiven(address, "url", help);
  if (!URL.canParse(given))
    throw badArguments(`\`${shownAddress(strike(given))}\` is not an absolute URL`, help);
  const url = new URL(given);
  if (!isHttp(url)) {
    const scheme = shownPart(given, "protocol", strike);
    throw badArguments(`\`${scheme}\` is not the scheme of a web address`, help);
  }
  return url;
}

/** The values of headers that only the server may see. */
function secretsOf(headers: Headers): string[] {
  const value = (name: string): string => headers.get(name) ?? "";
  const tokens = ["authorization", "proxy-authorization"].map((name) => value(name).replace(/^\S+\s+/, ""));
  const cookies = value("cookie")
    .split(";")
    .map((cookie) => cookie.slice(cookie.indexOf("=") + 1).trim());
  return [...tokens, ...cookies, value("x-api-key")].filter(Boolean);
}

/** The headers of an answer. Several cookies become a list, because they cannot be joined. */
function headersOf(headers: Headers): Record<string, string | string[]> {
  const cookies = headers.getSetCookie?.() ?? [];
  const entries: [string, string | string[]][] = [...headers];
  if (cookies.length > 1) entries.push(["set-cookie", cookies]);
  return Object.fromEntries(entries);
}

/** The names and values of `params` or `headers`. A list gives several values, null gives none. */
function pairs(value: unknown, of: string): [string, string][] {
  return Object.entries(record(value, of)).flatMap(([name, values]) =>
    [values]
      .flat()
      .filter((item) => item !== null && item !== undefined)
      .map((item): [string, string] => [name, text(item)]),
  );
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw badArguments(`\`${name}\` is not an object`, undefined, `/kwargs/${name}`);
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : bigJson(value);
}

/** The value of a body: parsed JSON, or text. The event loop takes turns meanwhile. */
async function parsed(content: string, type: string | null, most: number): Promise<unknown> {
  if (!/json/i.test(type ?? "")) return content;
  if (await inTurns(isLargeJson(content, most))) throw tooLarge(most);
  const value = await jsonOf(content);
  return value === undefined ? content : value;
}
