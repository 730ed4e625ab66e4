/** Tools: what the tasks of a workflow call. */

import type { ErrorFacts } from "../errors.js";

/** The arguments of a call, templates resolved. */
export interface ToolArguments {
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Named arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** What a tool knows about its call. */
export interface ToolContext {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the workflow. */
  readonly workflow: string;
  /** Name of the task. */
  readonly task: string;
  /** Name the tool was called by. */
  readonly tool: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt of this task in this run; for services that recognise repetitions. */
  readonly idempotencyKey: string;
  /** When the attempt is given up. */
  readonly deadline: Date | null;
  /** Fires when the attempt is given up or the run is cancelled: stop then. */
  readonly signal: AbortSignal;
  /** The bytes of an artifact. @throws {ToolError} `ARTIFACT_NOT_FOUND`. */
  artifact(id: string): Promise<Uint8Array>;
  /** The variables of the run as this task can read them: those of the definition, its inputs, and what tasks have set. */
  variables(): Record<string, unknown>;
  /** Sets a variable of the run to plain data. It counts with the result of the call: not at all where the attempt fails. */
  setVariable(name: string, value: unknown): void;
  /** Emits an event with plain data, to be waited for in any run. It counts with the result of the call, too. */
  emitEvent(name: string, payload?: unknown): void;
  /** Called once when the run is over or the engine is closed: release what is kept for the run. */
  onRunEnd(release: () => void | Promise<void>): void;
}

/**
 * Does the work of a task. What it returns is the result of the task: plain data. What it throws fails the attempt; a
 * {@link ToolError} says how.
 */
export type Tool = (call: ToolArguments, context: ToolContext) => unknown;

/** Tools by name. */
export type Tools = Readonly<Record<string, Tool>>;

/** How a {@link ToolError} fails an attempt. */
export interface ToolErrorOptions extends Pick<ErrorFacts, "help" | "cause"> {
  /** A stable code; `TOOL_FAILED` by default. */
  code?: string | undefined;
  /** Whether another attempt may succeed; by default yes, unless the code says that arguments or machine are at fault. */
  retryable?: boolean | undefined;
  /** What the tool has all the same, such as output; kept as the result of the failed task. */
  result?: unknown;
}

/** The failure of a tool. */
export class ToolError extends Error {
  readonly code: string;
  readonly help: string | undefined;
  readonly retryable: boolean | undefined;
  readonly result: unknown;

  constructor(message: string, options: ToolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ToolError";
    this.code = options.code ?? "TOOL_FAILED";
    this.help = options.help;
    this.retryable = options.retryable;
    this.result = options.result;
  }
}

/** The refusal of arguments a tool cannot work with. */
export function badArguments(message: string, help?: string): ToolError {
  return new ToolError(message, { code: "TOOL_ARGUMENTS_INVALID", help });
}
