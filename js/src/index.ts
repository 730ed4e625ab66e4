/**
 * highway-wasm: define, submit and follow Highway workflows from any JavaScript runtime.
 *
 * @packageDocumentation
 */

export type {
  EmitEventDefinition,
  ForeachDefinition,
  OperatorDefinition,
  ParallelDefinition,
  TaskDefinition,
  WaitDefinition,
  WaitForEventDefinition,
  WhileDefinition,
  WorkflowDefinition,
} from "./definition.js";
export {
  type BuildOptions,
  Driver,
  type DriverOptions,
  type DurableKind,
  type EmitSpec,
  type ForeachSpec,
  type HttpRequest,
  type ListOptions,
  type ParallelSpec,
  type RunOptions,
  type RunPage,
  type StartOptions,
  type TaskInfo,
  type TaskKind,
  type TaskOptions,
  type WaitForSpec,
  type WhileSpec,
} from "./driver.js";
export {
  AbortedError,
  ApiError,
  ConfigurationError,
  type Diagnostic,
  ExecutionError,
  HighwayError,
  type HighwayErrorCode,
  isHighwayError,
  NotSupportedError,
  SubmissionError,
  TaskDefinitionError,
  TimeoutError,
  ValidationError,
  WasmError,
} from "./errors.js";
export type { Fetch } from "./host.js";
export type { CallOptions, ClientOptions, DurationInput, EngineLike, WaitOptions } from "./options.js";
export {
  type LogEntry,
  RunHandle,
  type RunProgress,
  RunResult,
  type RunState,
  RunStatus,
  TaskResult,
  type TaskState,
} from "./run.js";
export { type InitSource, init, isReady } from "./runtime.js";
export { py, type ResultRef, ref, TaskRef } from "./task-ref.js";
export { type Part, WorkflowBuilder, type WorkflowBuilderOptions } from "./workflow/builder.js";
export type {
  DataGuardDocument,
  JoinMode,
  OperatorDocument,
  OperatorType,
  RetryPolicyDocument,
  TriggerRule,
  WorkflowDocument,
} from "./workflow/document.js";
export type {
  CircuitBreakerPolicyOptions,
  DataGuard,
  DependsOn,
  GuardCheck,
  OperatorOptions,
  RetryPolicyOptions,
  TaskOperatorOptions,
  TimeoutPolicyOptions,
  ToolTaskOptions,
} from "./workflow/operator-options.js";
export { initWorkflow } from "./workflow/runtime.js";
export {
  type LayoutEdge,
  type LayoutNode,
  type LayoutOptions,
  Workflow,
  type WorkflowLayout,
} from "./workflow/workflow.js";
