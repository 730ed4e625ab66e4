/**
 * The embedded engine: runs Highway workflows in this process, without a server.
 *
 * @packageDocumentation
 */

export { LocalEngine, type LocalEngineOptions } from "./engine/local-engine.js";
export type { DslCompiler } from "./engine/python-dsl.js";
export { type EngineStore, indexedDbStore } from "./engine/store.js";
export {
  type Tool,
  type ToolArguments,
  type ToolContext,
  ToolError,
  type ToolErrorOptions,
  type Tools,
} from "./engine/tool.js";
