/**
 * The embedded engine: runs Highway workflows in this process, without a server.
 *
 * @packageDocumentation
 */

export { type DurableObjectStorageLike, durableObjectStore } from "./engine/durable-object-store.js";
export { indexedDbStore } from "./engine/indexed-db-store.js";
export { LocalEngine, type LocalEngineOptions } from "./engine/local-engine.js";
export type { EngineStore } from "./engine/store.js";
export {
  type Tool,
  type ToolArguments,
  type ToolContext,
  ToolError,
  type ToolErrorOptions,
  type Tools,
} from "./engine/tool.js";
