/** The error classes. The class says how to handle an error; its `code` says exactly what happened. */

/** One finding of a check of a workflow definition. */
export interface Diagnostic {
  /** The stable code of the finding. */
  readonly code: HighwayErrorCode;
  /** `error`: the definition cannot run as written. `warning`: it is very likely a mistake. `info`: worth knowing. */
  readonly severity: "error" | "warning" | "info";
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** JSON pointer to the place in the definition, such as `/tasks/load/args/0`; `""` for the whole document. */
  readonly path: string;
  /**
   * Line of that place, counted from 1: the line of its key or list item. Only for a document read from JSON or YAML
   * text.
   */
  readonly line?: number;
  /** Column of that place, in characters, counted from 1. */
  readonly column?: number;
  /** What to do about the finding. */
  readonly help?: string;
  /** JSON pointers to other places that the finding is about. */
  readonly related?: readonly string[];
}

/** What an error is made of; comes from Rust or from the facade. */
export interface ErrorFacts {
  readonly code: HighwayErrorCode | (string & {});
  readonly message: string;
  readonly help?: string | undefined;
  readonly path?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  readonly cause?: unknown;
}

/** Every code with the name of its class. A test compares this list with Rust's. */
export interface ErrorClasses {
  API_KEY_MISSING: "ConfigurationError";
  API_KEY_EXPOSED: "ConfigurationError";
  ENDPOINT_INVALID: "ConfigurationError";
  OPTION_INVALID: "ConfigurationError";
  AUTH_FAILED: "ConfigurationError";
  TASK_TYPE_MISSING: "TaskDefinitionError";
  TASK_TYPE_AMBIGUOUS: "TaskDefinitionError";
  TASK_NAME_INVALID: "TaskDefinitionError";
  TASK_DUPLICATE: "TaskDefinitionError";
  TASK_OPTION_UNKNOWN: "TaskDefinitionError";
  TASK_OPTION_MISSING: "TaskDefinitionError";
  TASK_OPTION_TYPE: "TaskDefinitionError";
  TASK_OPTION_RANGE: "TaskDefinitionError";
  DELAY_WITH_SCHEDULE: "TaskDefinitionError";
  PACKAGE_REQUIRES_DURABLE: "TaskDefinitionError";
  PACKAGE_INVALID: "TaskDefinitionError";
  ENTRYPOINT_INVALID: "TaskDefinitionError";
  DURATION_INVALID: "TaskDefinitionError";
  NO_TASKS: "TaskDefinitionError";
  DEPENDENCY_UNKNOWN: "TaskDefinitionError";
  DEPENDENCY_SELF: "TaskDefinitionError";
  DEPENDENCY_CYCLE: "TaskDefinitionError";
  SCHEDULE_INVALID: "TaskDefinitionError";
  SCHEDULE_IGNORED: "TaskDefinitionError";
  WAIT_ID_COLLISION: "TaskDefinitionError";
  GENERATED_ID_COLLISION: "TaskDefinitionError";
  BRANCH_CROSSED: "TaskDefinitionError";
  DELAY_TRUNCATED: "TaskDefinitionError";
  TASK_VALUE_UNUSUAL: "TaskDefinitionError";
  VALIDATION_FAILED: "ValidationError";
  DOCUMENT_INVALID: "ValidationError";
  JSON_INVALID: "ValidationError";
  YAML_INVALID: "ValidationError";
  KEY_DUPLICATE: "ValidationError";
  FIELD_TYPE_INVALID: "ValidationError";
  FIELD_MISSING: "ValidationError";
  FIELD_VALUE_INVALID: "ValidationError";
  FIELD_UNKNOWN: "ValidationError";
  VALUE_CONVERTED: "ValidationError";
  WORKFLOW_NAME_INVALID: "ValidationError";
  WORKFLOW_VERSION_INVALID: "ValidationError";
  OPERATOR_UNKNOWN: "ValidationError";
  TASK_ID_MISMATCH: "ValidationError";
  TASK_UNREACHABLE: "ValidationError";
  TARGET_UNKNOWN: "ValidationError";
  JOIN_TASK_UNKNOWN: "ValidationError";
  FORK_NOT_AWAITED: "ValidationError";
  APPROVAL_UNREAD: "ValidationError";
  LIMIT_EXCEEDED: "ExecutionError";
  TEMPLATE_NAME_UNKNOWN: "ValidationError";
  CONDITION_INVALID: "ValidationError";
  SCHEDULE_FIRINGS: "ValidationError";
  DURATION_NOT_POSITIVE: "ValidationError";
  RETRY_EXCEEDS_TIMEOUT: "ValidationError";
  TEMPLATE_LITERAL: "ValidationError";
  LIMIT_EXCEEDS_TIMEOUT: "ValidationError";
  DEPENDENCY_MISSING: "ValidationError";
  NAME_RESERVED: "ValidationError";
  TEXT_PASTED: "ValidationError";
  WAIT_EXCEEDS_TIMEOUT: "ValidationError";
  CASE_UNREACHABLE: "ValidationError";
  OPTION_MERGED: "ValidationError";
  OPTION_IGNORED: "ValidationError";
  MODIFIER_IGNORED: "ValidationError";
  TASK_OVERWRITTEN: "ValidationError";
  NO_CURRENT_TASK: "ValidationError";
  METHOD_UNKNOWN: "ValidationError";
  OPERATOR_UNSUPPORTED: "ValidationError";
  VALUE_NOT_JSON: "ValidationError";
  API_BAD_REQUEST: "ApiError";
  API_UNAUTHORIZED: "ApiError";
  API_FORBIDDEN: "ApiError";
  API_NOT_FOUND: "ApiError";
  API_CONFLICT: "ApiError";
  API_RATE_LIMITED: "ApiError";
  API_REDIRECTED: "ApiError";
  API_NOT_IMPLEMENTED: "ApiError";
  API_SERVER_ERROR: "ApiError";
  API_UNREACHABLE: "ApiError";
  API_RESPONSE_INVALID: "ApiError";
  API_RESPONSE_TOO_LARGE: "ApiError";
  API_CIRCUIT_OPEN: "ApiError";
  ARTIFACT_UPLOAD_FAILED: "SubmissionError";
  REQUEST_TIMEOUT: "TimeoutError";
  WAIT_TIMEOUT: "TimeoutError";
  ABORTED: "AbortedError";
  RUN_FAILED: "ExecutionError";
  RUN_CANCELLED: "ExecutionError";
  RUN_TIMED_OUT: "ExecutionError";
  JOURNAL_INVALID: "ExecutionError";
  STORE_IN_USE: "ExecutionError";
  GUARD_FAILED: "ExecutionError";
  TASK_TIMED_OUT: "ExecutionError";
  TOOL_FAILED: "ExecutionError";
  EXIT_CODE_NONZERO: "ExecutionError";
  TOOL_NOT_REGISTERED: "ExecutionError";
  TOOL_UNAVAILABLE: "ExecutionError";
  TOOL_ARGUMENTS_INVALID: "ExecutionError";
  TEMPLATE_UNRESOLVED: "ExecutionError";
  TEMPLATE_INVALID: "ExecutionError";
  ENGINE_CLOSED: "ExecutionError";
  NOT_SUPPORTED: "NotSupportedError";
  NOT_INITIALIZED: "WasmError";
  WASM_LOAD_FAILED: "WasmError";
  WASM_PANIC: "WasmError";
}

/** A stable error code. New codes may be added in minor versions. */
export type HighwayErrorCode = keyof ErrorClasses;

/** The codes of errors that the facade creates. Rust gives all others with their class. */
const ownClasses = {
  ABORTED: "AbortedError",
  API_KEY_EXPOSED: "ConfigurationError",
  API_KEY_MISSING: "ConfigurationError",
  API_RESPONSE_INVALID: "ApiError",
  ARTIFACT_UPLOAD_FAILED: "SubmissionError",
  ENDPOINT_INVALID: "ConfigurationError",
  ENGINE_CLOSED: "ExecutionError",
  JOURNAL_INVALID: "ExecutionError",
  FIELD_TYPE_INVALID: "ValidationError",
  FIELD_VALUE_INVALID: "ValidationError",
  NOT_INITIALIZED: "WasmError",
  OPTION_INVALID: "ConfigurationError",
  PACKAGE_INVALID: "TaskDefinitionError",
  STORE_IN_USE: "ExecutionError",
  TASK_NAME_INVALID: "TaskDefinitionError",
  TASK_OPTION_TYPE: "TaskDefinitionError",
  VALUE_NOT_JSON: "ValidationError",
  WASM_LOAD_FAILED: "WasmError",
  WASM_PANIC: "WasmError",
  YAML_INVALID: "ValidationError",
} as const satisfies Partial<ErrorClasses>;

const BRAND = Symbol.for("highway-wasm.error");

/** Base of every error of this package. */
export class HighwayError extends Error {
  /** What happened: a {@link HighwayErrorCode}, or the tool's own code for an {@link ExecutionError}. */
  readonly code: string;
  /** What to do about it. */
  readonly help: string | undefined;
  /** JSON pointer to the wrong place in the value that was passed in. */
  readonly path: string | undefined;
  /** Facts for programs, such as `status` and `requestId`. */
  readonly details: Readonly<Record<string, unknown>>;
  /** All findings; empty unless the error stands for findings of a check. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(facts: ErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.help = facts.help;
    this.path = facts.path;
    this.details = facts.details ?? {};
    this.diagnostics = facts.diagnostics ?? [];
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The error as an object for logs: name, code, message and facts, without the stack. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, help, path, details, diagnostics } = this;
    return {
      name,
      code,
      message,
      ...(help === undefined ? {} : { help }),
      ...(path === undefined ? {} : { path }),
      ...(Object.keys(details).length === 0 ? {} : { details }),
      ...(diagnostics.length === 0 ? {} : { diagnostics }),
    };
  }
}

/** An API key, an endpoint or an option is missing or not valid. */
export class ConfigurationError extends HighwayError {}

/** A task, or the set of tasks, is not a valid definition. */
export class TaskDefinitionError extends HighwayError {}

/** A document or a value is not valid. {@link HighwayError.diagnostics} lists the findings. */
export class ValidationError extends HighwayError {}

/** The server refused a request, could not be reached, or sent an answer that is not valid. */
export class ApiError extends HighwayError {
  /** HTTP status of the answer; `undefined` without an answer. */
  get status(): number | undefined {
    return this.details["status"] as number | undefined;
  }

  /** The server's id of the request, for a question to the server's support. */
  get requestId(): string | undefined {
    return this.details["requestId"] as string | undefined;
  }

  /** Seconds that the server asks to wait before the next try. */
  get retryAfter(): number | undefined {
    return this.details["retryAfter"] as number | undefined;
  }
}

/** The server did not accept a workflow. */
export class SubmissionError extends ApiError {
  /** Id of the run that the same `workflowId` started before, with other content. */
  get existingRunId(): string | undefined {
    return this.details["existingRunId"] as string | undefined;
  }
}

/** A run or a task failed. `run` does not throw this error: `result.error` holds it, and you may throw it. */
export class ExecutionError extends HighwayError {}

/** A time limit passed. If it was the limit of waiting for a run, the run continues. */
export class TimeoutError extends HighwayError {}

/** The caller's `AbortSignal` fired. The signal's reason is the `cause`. */
export class AbortedError extends HighwayError {}

/** Highway can do this, but this package does not offer it. */
export class NotSupportedError extends HighwayError {}

/** The WebAssembly module could not be loaded or used. */
export class WasmError extends HighwayError {}

const classes: Record<string, new (facts: ErrorFacts) => HighwayError> = {
  HighwayError,
  ConfigurationError,
  TaskDefinitionError,
  ValidationError,
  ApiError,
  SubmissionError,
  ExecutionError,
  TimeoutError,
  AbortedError,
  NotSupportedError,
  WasmError,
};

// The names are written out, because minifiers change the names of classes.
for (const [name, type] of Object.entries(classes)) {
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
}

/** Creates an error of the class with the name `className`. */
export function makeError(className: string, facts: ErrorFacts): HighwayError {
  return new (classes[className] ?? HighwayError)(facts);
}

/** Creates an error of the class that its code belongs to. */
export function errorOf(
  code: keyof typeof ownClasses,
  message: string,
  more: Partial<ErrorFacts> = {},
): HighwayError {
  return makeError(ownClasses[code], { code, message, ...more });
}

/**
 * Whether `error` is an error of this package and, if `code` is given, has that code. Unlike `instanceof`, this works
 * across copies of the package: CommonJS and ES modules, two bundles, two vm contexts.
 *
 * @example
 * ```js
 * import { Driver, isHighwayError } from "highway-wasm";
 *
 * const driver = new Driver();
 * try {
 *   driver.task("hello", {});
 * } catch (error) {
 *   if (!isHighwayError(error, "TASK_TYPE_MISSING")) throw error;
 *   console.log(error.message); // task `hello`: the task has no type
 * }
 * ```
 */
export function isHighwayError(error: unknown, code?: HighwayErrorCode): error is HighwayError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as { code?: unknown }).code === code;
}
