/**
 * The embedded engine: runs Highway workflows in this process, without a server.
 *
 * @packageDocumentation
 */

export { LocalEngine, type LocalEngineOptions } from "./engine/local-engine.js";
export { type EngineStore, indexedDbStore } from "./engine/store.js";
export {
  type Tool,
  type ToolArguments,
  type ToolContext,
  ToolError,
  type ToolErrorOptions,
  type Tools,
} from "./engine/tool.js";
export type { Mock, MockAnswer, MockContext, MockFunction, MockOutcome, Mocks } from "./engine/mocks.js";
export {
  type Simulatable,
  type SimulatedDecision,
  type SimulatedSignal,
  type SimulateOptions,
  type Simulation,
  type SimulationWarning,
  simulate,
} from "./engine/simulate.js";
export type { SimulatedRun, SimulatedStep, TimelineEntry, TimelineKind } from "./engine/timeline.js";
export type { VirtualOptions } from "./engine/virtual-engine.js";
