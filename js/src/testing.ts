/**
 * Tests of workflows: an engine in virtual time, with mocks in place of tools.
 *
 * @packageDocumentation
 */

export type {
  Mock,
  MockAnswer,
  MockContext,
  MockFunction,
  MockOutcome,
  Mocks,
} from "./engine/virtual/mocks.js";
export type { SimulatedRun, SimulatedStep, TimelineEntry, TimelineKind } from "./engine/timeline.js";
export { ToolError } from "./engine/tools/tool.js";
export type { ToolCallRecord, VirtualOptions } from "./engine/virtual/virtual-engine.js";
export type { TestState } from "./testing/state.js";
export {
  ExpectationError,
  type ExpectedCall,
  type RunLike,
  TestEngine,
  type TestEngineOptions,
  type UnmockedTool,
} from "./testing/test-engine.js";
