/**
 * The embedded engine: runs Highway workflows in this process, without a server.
 *
 * @packageDocumentation
 */

export { type HttpToolOptions, httpTool } from "./engine/http-tool.js";
export { LocalEngine, type LocalEngineOptions } from "./engine/local-engine.js";
export { type EngineStore, indexedDbStore } from "./engine/store.js";
export {
  type Heartbeat,
  type LogLevel,
  type Tool,
  type ToolArguments,
  type ToolCall,
  type ToolContext,
  ToolError,
  type ToolErrorOptions,
  type Tools,
} from "./engine/tool.js";
