/**
 * A proxy between pages and Highway that keeps the API key on a server: a fetch handler for Workers, Deno, Bun, Node
 * and Next.
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
