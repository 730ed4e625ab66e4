/**
 * What the embedded engine needs of an operating system: for Node, Deno and Bun.
 *
 * @packageDocumentation
 */

export { type NodeToolsOptions, nodeTools } from "./node/tools.js";
