/** A proxy between pages and a Highway server: it adds the key, and lets pass what it was told to. */

import type { ProxyAction, ProxyOptions } from "./options.js";
import { Passing } from "./passing.js";
import { foreignOrigin, preflight, Refusal, withOrigin } from "./respond.js";
import { isUsableKey, readOptions } from "./settings.js";
import { Streams } from "./streams.js";
import { Upstream } from "./upstream.js";

/** Answers requests; more arguments than the request are handed to `apiKey` and `authorize`. */
export type ProxyHandler<Context extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...context: Context
) => Promise<Response>;

/**
 * Makes a fetch handler that stands between pages and a Highway server. Pages point the `endpoint` of a `Driver` or a `Highway`
 * at it and pass no key; everything else stays as it is. It may be mounted at any path: `/highway` serves
 * `/highway/api/v1/…`.
 *
 * Only the named workflows and verbs pass. What a page submits never runs: the definition of that name runs which the proxy was
 * given. Inputs are checked, origins are checked, bodies are limited, and neither the key nor a definition is in an answer,
 * however it is spelled. A run of another workflow is like one that does not exist, and nothing tells how many there are. The
 * idempotency keys of pages are keys of their workflow: `order-17` reaches the server as `greeting:order-17`.
 *
 * What it does not know is for `authorize`:
 *
 * - A run belongs to its workflow and to nobody else: whoever may read, cancel or decide one may do so with all of that name,
 *   and whoever repeats an idempotency key gets the run that it began.
 * - The proxy's own origin is the host that a request names. Where any is answered, as on a developer's machine or in an internal
 *   network, a page of somebody else can have its own host name lead there (DNS rebinding): compare
 *   `request.headers.get("host")`.
 *
 * A key that the server refuses with 401 is a 502 for the page, which has none to mend. A list that gets shorter while it is
 * read may leave some runs out, because pages are not told how many there are. What it shows is looked for among the newest
 * `maxListed` runs of the server, a hundred with each request.
 *
 * @throws {ConfigurationError} for options that it cannot work with.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 * import { createProxy } from "highway-wasm/proxy";
 *
 * const engine = new LocalEngine({ tools: { "mail.send": ({ kwargs }) => `sent to ${kwargs.to}` } });
 * const define = (options) => {
 *   const driver = new Driver({ name: "greeting", ...options });
 *   driver.tool("send", "mail.send", { to: "{{inputs.to}}" });
 *   return driver;
 * };
 * const proxy = createProxy({
 *   apiKey: "hw_k1_example",
 *   endpoint: "http://engine",
 *   fetch: engine.fetch,
 *   allow: { greeting: { verbs: ["submit", "status", "steps"], workflow: define({ auth: false }).build() } },
 * });
 *
 * // What a page does, with the handler in the place of the network.
 * const page = define({ endpoint: "https://app.example/highway", auth: false, fetch: proxy });
 * const result = await page.run({ inputs: { to: "Ada" } });
 * console.log(result.tasks.send.result); // sent to Ada
 * console.log(await page.cancel(result.runId).catch((error) => error.details.serverCode)); // VERB_NOT_ALLOWED
 * await engine.close();
 * ```
 */
export function createProxy<Context extends readonly unknown[] = readonly unknown[]>(
  options: ProxyOptions<Context>,
): ProxyHandler<Context> {
  const settings = readOptions(options as ProxyOptions<never>);
  const streams = new Streams(settings.maxStreams);
  return async (request, ...context) => {
    let origin: string | null = null;
    try {
      origin = foreignOrigin(request, settings.origins);
      if (request.method === "OPTIONS") return preflight(origin);
      const upstream = new Upstream(settings, await keyOf(options, context), request.signal);
      const permit = async (action: ProxyAction): Promise<void> => {
        // What the function makes of the action changes nothing of what was checked.
        const verdict: unknown = await options.authorize?.(request, structuredClone(action), ...context);
        if (verdict instanceof Response) throw verdict;
        if (verdict !== true && verdict !== undefined)
          throw new Refusal(403, "FORBIDDEN", "this is not for you");
      };
      return withOrigin(await new Passing(settings, streams, upstream, permit).answer(request), origin);
    } catch (thrown) {
      return withOrigin(refused(thrown), origin);
    }
  };
}

async function keyOf<Context extends readonly unknown[]>(
  { apiKey }: ProxyOptions<Context>,
  context: Context,
): Promise<string> {
  const key: unknown = typeof apiKey === "function" ? await apiKey(...context) : apiKey;
  if (isUsableKey(key)) return key;
  throw new Refusal(500, "PROXY_MISCONFIGURED", "the proxy has no usable API key");
}

function refused(thrown: unknown): Response {
  if (thrown instanceof Refusal) return thrown.toResponse();
  let fault = thrown;
  if (thrown instanceof Response) {
    try {
      return new Response(thrown.body, thrown);
    } catch (error) {
      // It was sent before, or is no answer at all: `Response.error()`.
      fault = error;
    }
  }
  // What a hook throws is for the server's log, and not for the page.
  console.error("highway-wasm: the proxy failed:", fault);
  return new Refusal(500, "PROXY_FAILED", "the proxy failed").toResponse();
}
