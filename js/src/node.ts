/**
 * What Node, Deno and Bun add: an operating system for the embedded engine, and a server.
 *
 * @packageDocumentation
 */

export { type HttpRequestLike, type HttpResponseLike, listener } from "./node/listener.js";
export { type NodeToolsOptions, nodeTools } from "./node/tools.js";
