/** `tools.http.request`: a request through the global `fetch`. */

import { describe } from "../environment.js";
import { errorOf } from "../errors.js";
import { checkOptions } from "../options.js";
import { retryAfterOf } from "./http-answer.js";
import { privateAddressOf } from "./private-addresses.js";
import { badArguments, type Tool, type ToolArguments, ToolError } from "./tool.js";

/** Characters of a body that an error shows. */
const SNIPPET = 200;
/** Redirects that are followed, as browsers do. */
const MOST_REDIRECTS = 20;

/** Settings of {@link httpTool}. */
export interface HttpToolOptions {
  /**
   * What a request to a private address does: `localhost` and other names of one's own, and addresses that are not public, in
   * any spelling, IPv4 and IPv6. `allow` sends it, unless the task says `allow_internal: false`; `ask` refuses it, unless the
   * task says `allow_internal: true`; `refuse` refuses it. Default: `allow`.
   *
   * Names are looked up before each request, and so is the target of each redirect, where the runtime can look names up: Node from
   * 20.16, Deno, Bun. The request itself looks the name up again, so who controls a name can still change it in between: where that
   * matters, let a firewall decide. In browsers, which do not tell where a redirect leads, none is followed then.
   */
  privateAddresses?: "allow" | "ask" | "refuse" | undefined;
}

/**
 * `tools.http.request`, which every engine has: sends a request and reads the answer. An answer outside 2xx fails the attempt,
 * unless `check` is false; after a 429 or 503 the next attempt waits for as long as `Retry-After` says.
 *
 * Arguments: `url`, `method` (GET), `headers`, `params`, `json` (or `json_data`), `body`, `timeout` in seconds, `check`,
 * `allow_internal`. Result: `{status_code, headers, response, body, url}`, where `response` and `body` are parsed JSON or text.
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
  checkOptions(options, ["privateAddresses"], "httpTool");
  const { privateAddresses = "allow" } = options;
  if (!["allow", "ask", "refuse"].includes(privateAddresses)) {
    throw errorOf("OPTION_INVALID", "`privateAddresses` is neither `allow` nor `ask` nor `refuse`", {
      path: "/privateAddresses",
    });
  }
  return async (call) => {
    const { url, request, limit } = requestOf(call);
    const isPublicOnly =
      privateAddresses === "refuse" ||
      (call.kwargs["allow_internal"] ?? privateAddresses === "allow") !== true;
    const controller = new AbortController();
    const giveUp = (): void => controller.abort(call.signal.reason);
    const timer =
      limit === undefined
        ? undefined
        : setTimeout(() => controller.abort(new Error("no answer in time")), limit);
    call.signal.addEventListener("abort", giveUp, { once: true });
    let response: Response;
    let text: string;
    try {
      response = await (isPublicOnly
        ? fetchPublic(request, controller.signal)
        : fetch(request, { signal: controller.signal }));
      text = await response.text();
    } catch (cause) {
      if (cause instanceof ToolError) throw cause;
      throw new ToolError(`\`${url.origin}\` could not be reached: ${describe(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener("abort", giveUp);
    }
    const content = parsed(text, response.headers.get("content-type"));
    const result = {
      status_code: response.status,
      headers: Object.fromEntries(response.headers),
      response: content,
      body: content,
      url: response.url || url.href,
    };
    if (!response.ok && call.kwargs["check"] !== false) {
      const shown = text.trim().slice(0, SNIPPET);
      throw new ToolError(`\`${url.origin}\` answered ${response.status}${shown && `: ${shown}`}`, {
        code: "HTTP_STATUS",
        help: "pass `check: false` to take any answer as a result",
        retryAfter: retryAfterOf(response),
        result,
      });
    }
    return result;
  };
}

/** Sends a request, and follows redirects itself, as long as they lead to public addresses. */
async function fetchPublic(first: Request, signal: AbortSignal): Promise<Response> {
  let request = first;
  for (let redirects = 0; ; redirects += 1) {
    await checkPublic(new URL(request.url));
    signal.throwIfAborted();
    // A body is sent once; the next request may need it again.
    const response = await fetch(request.clone(), { signal, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      throw refused(`\`${new URL(request.url).origin}\` redirects, and a page is not told where to`);
    }
    const location = response.headers.get("location");
    if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    if (redirects === MOST_REDIRECTS) throw refused("it redirects again and again");
    request = redirected(request, new URL(location, request.url), response.status);
  }
}

async function checkPublic(url: URL): Promise<void> {
  if (!["http:", "https:"].includes(url.protocol)) throw refused(`\`${url.protocol}\` is no HTTP`);
  const found = await privateAddressOf(url);
  if (found === undefined) return;
  const which = found === url.hostname.replace(/^\[(.*)\]$/, "$1") ? "" : `, which stands for \`${found}\``;
  throw refused(`\`${url.hostname}\`${which} is a private address`);
}

/** The request that a redirect asks for, as browsers make it. */
function redirected(request: Request, url: URL, status: number): Request {
  const { method } = request;
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  const headers = new Headers(request.headers);
  if (url.origin !== new URL(request.url).origin) {
    for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  }
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

function requestOf({ args, kwargs }: ToolArguments): {
  url: URL;
  request: Request;
  limit: number | undefined;
} {
  const address = kwargs["url"] ?? args[0];
  if (typeof address !== "string" || !URL.canParse(address)) {
    throw badArguments(
      `\`${String(address)}\` is not an absolute URL`,
      'give one, for example "https://example.org/api"',
    );
  }
  const url = new URL(address);
  for (const [name, value] of Object.entries(record(kwargs["params"], "params")))
    url.searchParams.append(name, text(value));
  const headers = new Headers();
  for (const [name, value] of Object.entries(record(kwargs["headers"], "headers")))
    headers.set(name, text(value));
  const json = kwargs["json"] ?? kwargs["json_data"];
  const body = json === undefined ? kwargs["body"] : JSON.stringify(json);
  if (json !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  const method = text(kwargs["method"] ?? "GET").toUpperCase();
  const limit = kwargs["timeout"] ?? undefined;
  if (limit !== undefined && !(typeof limit === "number" && limit > 0)) {
    throw badArguments(`\`timeout\` is not a positive number of seconds: \`${JSON.stringify(limit)}\``);
  }
  const init: RequestInit = {
    method,
    headers,
    ...(body === undefined || body === null ? {} : { body: text(body) }),
  };
  try {
    return { url, request: new Request(url, init), limit: limit === undefined ? undefined : limit * 1000 };
  } catch (error) {
    throw badArguments(describe(error));
  }
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw badArguments(`\`${name}\` is not an object`);
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parsed(content: string, type: string | null): unknown {
  if (!type?.includes("json")) return content;
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
}
