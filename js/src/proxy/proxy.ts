/** A proxy between pages and a Highway server, which adds the key and passes on only allowed requests. */

import type { ProxyAction, ProxyOptions } from "./options.js";
import { Passing } from "./passing.js";
import { foreignOrigin, preflight, Refusal, withOrigin } from "./respond.js";
import { isUsableKey, readOptions } from "./settings.js";
import { Streams } from "./streams.js";
import { Upstream } from "./upstream.js";

/** Answers requests. Arguments after the request are passed to `apiKey` and `authorize`. */
export type ProxyHandler<Context extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...context: Context
) => Promise<Response>;

/**
 * Creates a fetch handler between pages and a Highway server. Pages pass its address as the `endpoint` of a `Driver` or
 * a `Highway`, with `auth: false` in place of a key. The proxy works at any path: mounted at `/highway`, it serves
 * `/highway/api/v1/…`.
 *
 * Only the named workflows and verbs are allowed. The proxy never runs a page's definition: it runs the definition that
 * it was given under that name. It checks inputs and origins and limits bodies. No answer contains the key or a
 * definition, in any spelling. A run of another workflow is treated as one that does not exist, and the number of runs
 * is not revealed. Idempotency keys belong to a workflow: a page's `order-17` reaches the server as
 * `greeting:order-17`.
 *
 * `authorize` has to decide what the proxy cannot know:
 *
 * - Runs belong to a workflow, not to a user. A page that may read, cancel or decide one run of a workflow may do so
 *   with all of them, and a page that repeats an idempotency key gets the run that it started.
 * - The proxy's own origin is the host that a request names. A server that accepts any host name, such as a developer's
 *   machine or one in an internal network, can be reached by other pages through DNS rebinding: compare
 *   `request.headers.get("host")`.
 *
 * If the server refuses the key with 401, the page gets 502, because it has no key to correct. A list that shrinks
 * while a page reads it may omit some runs, because pages do not learn the total. The list looks through the newest
 * `maxListed` runs of the server, a hundred per request.
 *
 * @throws {ConfigurationError} for options that are not valid.
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
 * // What a page does, with the handler in place of the network.
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
        // The function gets a copy, so that it cannot change what was checked.
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
      // The response was sent before, or is `Response.error()`.
      fault = error;
    }
  }
  // An error of a hook goes to the server's log, not to the page.
  console.error("highway-wasm: the proxy failed:", fault);
  return new Refusal(500, "PROXY_FAILED", "the proxy failed").toResponse();
}
