/**
 * The embedded engine: runs Highway workflows in this process, without a server.
 *
 * @packageDocumentation
 */

export { type DurableObjectStorageLike, durableObjectStore } from "./engine/stores/durable-object-store.js";
export { type Email, type EmailToolOptions, emailTool } from "./engine/tools/email-tool.js";
export { type HttpToolOptions, httpTool } from "./engine/tools/http-tool.js";
export { indexedDbStore } from "./engine/stores/indexed-db-store.js";
export { type LlmProvider, llmTool } from "./engine/tools/llm-tool.js";
export type { EngineLimits } from "./engine/configuration.js";
export { LocalEngine } from "./engine/host/local-engine.js";
export type { LocalEngineOptions } from "./engine/host/options.js";
export { type PyodideLike, type PyodideToolsOptions, pyodideTools } from "./engine/tools/pyodide-tools.js";
export type { DslCompiler } from "./engine/requests/python-dsl.js";
export { type SecretStore, secretTools } from "./engine/tools/secret-tools.js";
export type { EngineStore } from "./engine/stores/store.js";
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
} from "./engine/tools/tool.js";
export type {
  Mock,
  MockAnswer,
  MockContext,
  MockFunction,
  MockOutcome,
  Mocks,
} from "./engine/virtual/mocks.js";
export {
  type Simulatable,
  type SimulatedDecision,
  type SimulatedSignal,
  type SimulateOptions,
  type Simulation,
  type SimulationWarning,
  simulate,
} from "./engine/virtual/simulate.js";
export type { SimulatedRun, SimulatedStep, TimelineEntry, TimelineKind } from "./engine/timeline.js";
export type { VirtualOptions } from "./engine/virtual/virtual-engine.js";
