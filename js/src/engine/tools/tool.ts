/** Tools, which carry out the tasks of a workflow. */

import type { ErrorFacts } from "../../shared/errors.js";
import { plainText, wellFormed } from "../../shared/plain.js";

/** The arguments of a call, with templates filled in. Integers beyond ±(2^53 − 1) are `bigint`. */
export interface ToolArguments {
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Named arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** The context of a call: where it belongs, and what the tool can do in its run. */
export interface ToolContext {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the workflow. */
  readonly workflow: string;
  /** Name of the task. */
  readonly task: string;
  /** The name that the task calls the tool by. */
  readonly tool: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt of this task in this run. Pass it to services that recognize repetitions. */
  readonly idempotencyKey: string;
  /** When the attempt is aborted by its time limit; null without one. */
  readonly deadline: Date | null;
  /** Fires when the attempt is aborted or the run is cancelled. The tool should then stop. */
  readonly signal: AbortSignal;
  /** The largest result in bytes, as docs/limits.md counts them. */
  readonly maxResultBytes: number;
  /**
   * The last heartbeat of the task in this run, possibly of an earlier attempt. It shows where to continue. Null if
   * there is none.
   */
  readonly lastHeartbeat: Heartbeat | null;
  /**
   * Writes a line to the log of the task; default level: `info`. Lines are stored like results, and `driver.logs()`
   * shows them with the stream `log`. Each step keeps its last 1,000 lines, at most 8 KB each. Does nothing once the
   * attempt has ended.
   */
  log(message: string, level?: LogLevel): void;
  /**
   * Shows output of the work, in pieces of any length. While the task runs, `driver.logs()` has its complete lines. The
   * engine keeps up to `limits.outputBytes` of each stream, in memory only. An attempt that ends without a result gets
   * them as the result `{stdout, stderr}`.
   */
  output(text: string, stream?: OutputStream): void;
  /**
   * Reports that the work continues. `details` is plain data for the next attempt, which reads it in {@link
   * lastHeartbeat}. Does nothing once the attempt has ended.
   *
   * @throws {ValidationError} `VALUE_NOT_JSON`.
   */
  heartbeat(details?: unknown): void;
  /**
   * The bytes of an artifact.
   *
   * @throws {ToolError} `ARTIFACT_NOT_FOUND`.
   */
  artifact(id: string): Promise<Uint8Array>;
  /**
   * The variables that this task can read: those of the definition, the inputs of the run, and variables that tasks
   * have set.
   */
  variables(): Record<string, unknown>;
  /**
   * Sets a variable of the run to plain data. It takes effect with the result of the call; if the attempt fails, it has
   * no effect.
   */
  setVariable(name: string, value: unknown): void;
  /** Emits an event with plain data, which any run can wait for. It takes effect with the result of the call. */
  emitEvent(name: string, payload?: unknown): void;
  /**
   * Registers a function that is called once when the run has ended or the engine is closed. It should release whatever
   * the tool keeps for the run. `isOver` is false if the run continues when its store is opened again.
   */
  onRunEnd(release: (isOver: boolean) => void | Promise<void>): void;
}

/** An output stream of a command; default: `stdout`. */
export type OutputStream = "stdout" | "stderr";

/** The level of a log line. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A heartbeat of a tool. */
export interface Heartbeat {
  /** Number of the attempt that sent it. */
  readonly attempt: number;
  /** The data that the tool passed. */
  readonly details: unknown;
  /** When it was sent. */
  readonly at: Date;
}

/** Everything a tool gets: the arguments of the call, and its context. */
export interface ToolCall extends ToolArguments, ToolContext {}

/**
 * A function that does the work of a task. It returns the result of the task, which must be plain data. If it throws,
 * the attempt fails; a {@link ToolError} says how. The first parameter has everything and may be destructured; the
 * second is the same object, for tools that name arguments and context separately.
 */
export type Tool = (call: ToolCall, context: ToolContext) => unknown;

/** Tools by name, such as `{ "mail.send": ({ kwargs }) => … }`. */
export type Tools = Readonly<Record<string, Tool>>;

/** @internal The property of a call with the function that removes the engine's secrets from a text. */
export const STRIKE = Symbol("strike");

/** @internal The text without the engine's secrets. Call it before showing a part of a text. */
export const withoutSecrets = (call: object, text: string): string =>
  (call as { [STRIKE]?: (text: string) => string })[STRIKE]?.(text) ?? text;

/** The tools of this package with their names. The engine knows their arguments, and refuses others. */
const own = new WeakMap<Tool, string>();

/** @internal Marks a tool as one of this package. */
export function ownTool(name: string, tool: Tool): Tool {
  own.set(tool, name);
  return tool;
}

/** @internal Marks several tools. */
export function ownTools(tools: Tools): Tools {
  for (const [name, tool] of Object.entries(tools)) ownTool(name, tool);
  return tools;
}

/** @internal Whether a tool is this package's own tool of that name. */
export const isOwnTool = (name: string, tool: Tool): boolean => own.get(tool) === name;

/** Options of a {@link ToolError}. */
export interface ToolErrorOptions extends Pick<ErrorFacts, "help" | "cause"> {
  /** A stable code; default: `TOOL_FAILED`. */
  code?: string | undefined;
  /**
   * Whether another attempt may succeed. Default: true, unless the code says that the arguments or the machine are
   * wrong.
   */
  retryable?: boolean | undefined;
  /**
   * Seconds that the next attempt waits at least, for example those of `Retry-After`. The task's retry policy may
   * require more.
   */
  retryAfter?: number | undefined;
  /** The limit that was exceeded, and its value. */
  details?: { readonly limit: string; readonly allowed: number } | undefined;
  /**
   * JSON pointer from the task to the wrong value, such as `/kwargs/url`. It becomes the `path` of the task's error.
   */
  path?: string | undefined;
  /**
   * Characters of the message to keep; default: all. The engine removes secrets before it truncates, so that no part of
   * one remains.
   */
  messageLimit?: number | undefined;
  /** A result in spite of the error, such as output. It is stored as the result of the failed task. */
  result?: unknown;
}

/**
 * The error of a tool, which says how the attempt fails.
 *
 * @example
 * ```js
 * import { LocalEngine, ToolError } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({
 *   tools: {
 *     "cards.charge": () => {
 *       throw new ToolError("the card is expired", { code: "CARD_EXPIRED", retryable: false });
 *     },
 *   },
 * });
 * await engine.close();
 * ```
 */
export class ToolError extends Error {
  /** A stable code. */
  readonly code: string;
  /** What to do about it. */
  readonly help: string | undefined;
  /** See {@link ToolErrorOptions.retryable}. */
  readonly retryable: boolean | undefined;
  /** See {@link ToolErrorOptions.retryAfter}; in seconds. */
  readonly retryAfter: number | undefined;
  /** See {@link ToolErrorOptions.details}. */
  readonly details: ToolErrorOptions["details"];
  /** See {@link ToolErrorOptions.path}. */
  readonly path: string | undefined;
  /** See {@link ToolErrorOptions.messageLimit}; in characters. */
  readonly messageLimit: number | undefined;
  /** See {@link ToolErrorOptions.result}. */
  readonly result: unknown;

  constructor(message: string, options: ToolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ToolError";
    this.code = options.code ?? "TOOL_FAILED";
    this.help = options.help;
    this.retryable = options.retryable;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
    this.path = options.path;
    this.messageLimit = options.messageLimit;
    this.result = options.result;
  }
}

/** The error for arguments that a tool cannot use. `path` leads from the task to the wrong argument. */
export function badArguments(message: string, help?: string, path?: string): ToolError {
  return new ToolError(message, { code: "TOOL_ARGUMENTS_INVALID", help, path });
}

/** The kind of a value, for messages. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return "empty";
  return typeof value === "bigint" ? "a number" : `a ${typeof value}`;
}

/**
 * An argument that must be text. It must not be blank, unless `mayBeEmpty`.
 *
 * @throws {ToolError} `TOOL_ARGUMENTS_INVALID`.
 */
export function textGiven(value: unknown, name: string, help: string, mayBeEmpty = false): string {
  if (typeof value === "string" && (mayBeEmpty || value.trim() !== "")) return value;
  const kind = kindOf(value);
  const message =
    kind === "missing" || kind === "empty" ? `\`${name}\` is ${kind}` : `\`${name}\` is ${kind}, not text`;
  const yaml = kind === "an object" ? "in YAML a text with `: ` stands in quotes" : undefined;
  throw badArguments(message, yaml ?? help);
}

/** The error for a result above the limit. */
export function tooLarge(most: number): ToolError {
  return new ToolError(`the result is larger than ${most} bytes`, {
    code: "LIMIT_EXCEEDED",
    help: "raise `limits.resultBytes` of the engine, or return a reference to what is large",
    details: { limit: "resultBytes", allowed: most },
  });
}

const textIn = (given: unknown): string | undefined =>
  typeof given === "string" ? wellFormed(given) : undefined;

/** @internal The error of a tool as JSON text. A tool may throw anything, and every error must reach the engine. */
export function failureText(error: unknown): string {
  try {
    const { code, message, help, retryable, retryAfter, details, path, messageLimit, result } = Object(
      error ?? {},
    ) as Partial<ToolError>;
    const { limit, allowed } = Object(details ?? {}) as Partial<NonNullable<ToolError["details"]>>;
    const facts = {
      ...(typeof path === "string" && { path: wellFormed(path) }),
      ...(typeof limit === "string" && typeof allowed === "number" && { limit: wellFormed(limit), allowed }),
    };
    const failure = {
      code: textIn(code) ?? "TOOL_FAILED",
      message: textIn(message) || wellFormed(String(error)),
      help: textIn(help),
      retryable: typeof retryable === "boolean" ? retryable : undefined,
      retryAfter: typeof retryAfter === "number" && retryAfter > 0 ? retryAfter : undefined,
      details: Object.keys(facts).length > 0 ? facts : undefined,
      messageLimit: typeof messageLimit === "number" && messageLimit >= 0 ? messageLimit : undefined,
    };
    try {
      return plainText({ ...failure, result });
    } catch {
      // A result that is not plain data is dropped; the error is more important.
      return plainText(failure);
    }
  } catch {
    return plainText({ code: "TOOL_FAILED", message: "the tool threw something that has no text" });
  }
}
