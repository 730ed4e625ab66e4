/**
 * A proxy that keeps the API key on a server, for pages: a fetch handler for Workers, Deno, Bun, Node and Next.
 *
 * @packageDocumentation
 */

export type {
  AllowedWorkflow,
  ProxyAction,
  ProxyOptions,
  ProxyVerb,
  StandardResult,
  StandardSchema,
} from "./proxy/options.js";
export { createProxy, type ProxyHandler } from "./proxy/proxy.js";
