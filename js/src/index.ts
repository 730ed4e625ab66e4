/**
 * highway-wasm: define, submit and follow Highway workflows from any JavaScript runtime.
 *
 * @packageDocumentation
 */

export type { OperatorDefinition, TaskDefinition, WaitDefinition, WorkflowDefinition } from "./definition.js";
export {
  type BuildOptions,
  Driver,
  type DriverOptions,
  type HttpRequest,
  type ListOptions,
  type RunOptions,
  type RunPage,
  type StartOptions,
  type TaskInfo,
  type TaskKind,
  type TaskOptions,
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
