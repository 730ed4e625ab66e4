/**
 * highway-wasm: define, submit and follow Highway workflows from any JavaScript runtime.
 *
 * @packageDocumentation
 */

export type { Artifacts } from "./client/api/artifacts.js";
export type { Definitions, Dsl, Schemas } from "./client/api/definitions.js";
export type { ApiKeys, Tokens } from "./client/api/keys.js";
export type { List, ListOptions, ListRunsOptions } from "./client/api/list.js";
export type { Page } from "./client/api/paging.js";
export type {
  AnyRequestOptions,
  Operation,
  OperationData,
  OperationMethod,
  OperationPath,
  Operations,
  PathParams,
  RequestExtras,
  RequestOptions,
} from "./client/api/operations.js";
export type { Activities, Runs, Tasks } from "./client/api/queue.js";
export type { CreateSchedule, Schedules, ScheduleTarget } from "./client/api/schedules.js";
export type { Logs, Steps } from "./client/api/steps.js";
export type { CircuitBreakers, Monitoring, System } from "./client/api/system.js";
export type { Approvals, Signals, Updates } from "./client/api/talk.js";
export type {
  Activity,
  ApiKey,
  ApiObject,
  Approval,
  Checkpoint,
  CircuitBreaker,
  CreatedApiKey,
  Definition,
  DslTemplate,
  EngineRun,
  ExecutionGrid,
  Health,
  InputCheck,
  IssuedToken,
  LockHistory,
  QueueTask,
  RotatedApiKey,
  RunMetrics,
  SagaHistory,
  Schedule,
  ScheduleExecution,
  ScheduleJob,
  Simulation,
  Step,
  Submission,
  TaskLog,
  Token,
  WorkflowEvent,
  WorkflowLog,
  WorkflowStats,
} from "./client/api/types.js";
export type { SubmitOptions, Workflows, WorkflowSource } from "./client/api/workflows.js";
export type { PythonPackage } from "./client/artifact.js";
export type { RateLimit } from "./client/client.js";
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
} from "./shared/definition.js";
export {
  type BuildOptions,
  Driver,
  type DriverOptions,
  type RunOptions,
  type StartOptions,
} from "./driver/driver.js";
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
} from "./shared/errors.js";
export type { Fetch } from "./client/options.js";
export { Highway, type HighwayOptions } from "./client/highway.js";
export type {
  Auth,
  CallOptions,
  CircuitBreakerOptions,
  ClientOptions,
  DurationInput,
  EngineLike,
  RetryOptions,
  WaitOptions,
} from "./client/options.js";
export {
  type LogEntry,
  type RunProgress,
  RunResult,
  type RunState,
  RunStatus,
  TaskResult,
  type TaskState,
} from "./client/run.js";
export { RunHandle, type UpdateOptions, type WatchOptions } from "./client/run-handle.js";
export { type InitSource, init, isReady } from "./wasm/runtime.js";
export { py, type ResultRef, ref, TaskRef } from "./shared/task-ref.js";
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
  type DrawingOptions,
  type LayoutOptions,
  Workflow,
  type WorkflowLayout,
} from "./workflow/workflow.js";
export type {
  DurableKind,
  EmitSpec,
  ForeachSpec,
  HttpRequest,
  ParallelSpec,
  TaskInfo,
  TaskKind,
  TaskOptions,
  WaitForSpec,
  WhileSpec,
} from "./driver/task-options.js";
