/** `tools.http.request`: a request through the global `fetch`. */

import { describe } from "../environment.js";
import { badArguments, type Tool, type ToolArguments, ToolError } from "./tool.js";

/** Characters of a body that an error shows. */
const SNIPPET = 200;

/**
 * Sends a request and reads the answer. An answer outside 2xx fails the attempt, unless `check` is false.
 *
 * Arguments: `url`, `method` (GET), `headers`, `params`, `json` (or `json_data`), `body`, `timeout` in seconds, `check`.
 * Result: `{status_code, headers, response, body, url}`, where `response` and `body` are parsed JSON or text.
 */
export const httpTool: Tool = async (call, context) => {
  const { url, request, limit } = requestOf(call);
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(context.signal.reason);
  const timer =
    limit === undefined
      ? undefined
      : setTimeout(() => controller.abort(new Error("no answer in time")), limit);
  context.signal.addEventListener("abort", giveUp, { once: true });
  let response: Response;
  let text: string;
  try {
    response = await fetch(request, { signal: controller.signal });
    text = await response.text();
  } catch (cause) {
    throw new ToolError(`\`${url.origin}\` could not be reached: ${describe(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", giveUp);
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
      result,
    });
  }
  return result;
};

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
