/** Tools: what the tasks of a workflow call. */

import type { ErrorFacts } from "../../shared/errors.js";
import { plainText, wellFormed } from "../../shared/plain.js";

/** The arguments of a call, templates resolved. Integers beyond ±(2^53 − 1) are `bigint`. */
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
  /** Bytes that the result may have, as docs/limits.md counts them. */
  readonly maxResultBytes: number;
  /** The last sign of life of the task in this run, be it of an earlier attempt: where to go on. Null where there is none. */
  readonly lastHeartbeat: Heartbeat | null;
  /**
   * Writes a line of the task's log, at level `info` by default. Lines are kept like results: `driver.logs()` shows them, with
   * the stream `log`. Of a step, the last 1,000 lines of up to 8 KB are. Once the attempt is given up it does nothing.
   */
  log(message: string, level?: LogLevel): void;
  /**
   * Shows what the work has written, in the pieces in which it comes: `driver.logs()` has its whole lines while the task runs. Of each stream up to
   * `limits.outputBytes` are held, in memory alone. An attempt that ends without a result of its own keeps them as `{stdout, stderr}`.
   */
  output(text: string, stream?: OutputStream): void;
  /**
   * Tells that the work goes on, and what the next attempt is to know of it: plain data, which it finds in
   * {@link lastHeartbeat}. Once the attempt is given up it does nothing.
   *
   * @throws {ValidationError} `VALUE_NOT_JSON`.
   */
  heartbeat(details?: unknown): void;
  /** The bytes of an artifact. @throws {ToolError} `ARTIFACT_NOT_FOUND`. */
  artifact(id: string): Promise<Uint8Array>;
  /** The variables of the run as this task can read them: those of the definition, its inputs, and what tasks have set. */
  variables(): Record<string, unknown>;
  /** Sets a variable of the run to plain data. It counts with the result of the call: not at all where the attempt fails. */
  setVariable(name: string, value: unknown): void;
  /** Emits an event with plain data, to be waited for in any run. It counts with the result of the call, too. */
  emitEvent(name: string, payload?: unknown): void;
  /**
   * Called once when the run is over or the engine is closed: release what is kept for the run. `isOver` is false where the run goes on when its
   * store is opened again.
   */
  onRunEnd(release: (isOver: boolean) => void | Promise<void>): void;
}

/** An output of a command; `stdout` where nothing is said. */
export type OutputStream = "stdout" | "stderr";

/** How much a line of a log matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A sign of life of a tool. */
export interface Heartbeat {
  /** Number of the attempt that gave it. */
  readonly attempt: number;
  /** What it told. */
  readonly details: unknown;
  /** When. */
  readonly at: Date;
}

/** All there is to a call: its arguments, and what the tool knows about it. */
export interface ToolCall extends ToolArguments, ToolContext {}

/**
 * Does the work of a task. What it returns is the result of the task: plain data. What it throws fails the attempt; a
 * {@link ToolError} says how. The first parameter has everything, and may be taken apart; the second is the same object, for
 * tools that read arguments and context apart.
 */
export type Tool = (call: ToolCall, context: ToolContext) => unknown;

/** Tools by name. */
export type Tools = Readonly<Record<string, Tool>>;

/** @internal Where a call has what strikes the secrets of its engine out of a text. */
export const STRIKE = Symbol("strike");

/** @internal A text without the secrets of the engine that a call comes from: to be asked for before a part of the text is shown. */
export const withoutSecrets = (call: object, text: string): string =>
  (call as { [STRIKE]?: (text: string) => string })[STRIKE]?.(text) ?? text;

/** The tools of this package, each with its name: the engine knows which arguments they take, and refuses others. */
const own = new WeakMap<Tool, string>();

/** @internal A tool of this package. */
export function ownTool(name: string, tool: Tool): Tool {
  own.set(tool, name);
  return tool;
}

/** @internal Several of them. */
export function ownTools(tools: Tools): Tools {
  for (const [name, tool] of Object.entries(tools)) ownTool(name, tool);
  return tools;
}

/** @internal Whether a tool is the one that this package has of that name. */
export const isOwnTool = (name: string, tool: Tool): boolean => own.get(tool) === name;

/** How a {@link ToolError} fails an attempt. */
export interface ToolErrorOptions extends Pick<ErrorFacts, "help" | "cause"> {
  /** A stable code; `TOOL_FAILED` by default. */
  code?: string | undefined;
  /** Whether another attempt may succeed; by default yes, unless the code says that arguments or machine are at fault. */
  retryable?: boolean | undefined;
  /** Seconds that the next attempt waits at least, as of a `Retry-After`; the retry policy of the task may say more. */
  retryAfter?: number | undefined;
  /** The name of the limit that was passed, and how much it allows. */
  details?: { readonly limit: string; readonly allowed: number } | undefined;
  /** JSON pointer from the task to the culprit, such as `/kwargs/url`: the `path` of the error of the task. */
  path?: string | undefined;
  /** Characters of the message that are kept, all by default. The engine strikes out secrets first, so that none is cut in half. */
  messageLimit?: number | undefined;
  /** What the tool has all the same, such as output; kept as the result of the failed task. */
  result?: unknown;
}

/** The failure of a tool. */
export class ToolError extends Error {
  readonly code: string;
  readonly help: string | undefined;
  readonly retryable: boolean | undefined;
  readonly retryAfter: number | undefined;
  readonly details: ToolErrorOptions["details"];
  readonly path: string | undefined;
  readonly messageLimit: number | undefined;
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

/** The refusal of arguments a tool cannot work with; `path` leads from the task to the culprit. */
export function badArguments(message: string, help?: string, path?: string): ToolError {
  return new ToolError(message, { code: "TOOL_ARGUMENTS_INVALID", help, path });
}

/** What a value is, in words. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return "empty";
  return typeof value === "bigint" ? "a number" : `a ${typeof value}`;
}

/** An argument that has to be text, and more than white space unless `mayBeEmpty`. @throws {ToolError} `TOOL_ARGUMENTS_INVALID`. */
export function textGiven(value: unknown, name: string, help: string, mayBeEmpty = false): string {
  if (typeof value === "string" && (mayBeEmpty || value.trim() !== "")) return value;
  const kind = kindOf(value);
  const message =
    kind === "missing" || kind === "empty" ? `\`${name}\` is ${kind}` : `\`${name}\` is ${kind}, not text`;
  const yaml = kind === "an object" ? "in YAML a text with `: ` stands in quotes" : undefined;
  throw badArguments(message, yaml ?? help);
}

/** The refusal of a result that is larger than it may be. */
export function tooLarge(most: number): ToolError {
  return new ToolError(`the result is larger than ${most} bytes`, {
    code: "LIMIT_EXCEEDED",
    help: "raise `limits.resultBytes` of the engine, or return a reference to what is large",
    details: { limit: "resultBytes", allowed: most },
  });
}

const textIn = (given: unknown): string | undefined =>
  typeof given === "string" ? wellFormed(given) : undefined;

/** @internal What a tool threw, as plain data; anything can be thrown, and everything has to arrive. */
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
      // The failure counts more than a result that is not plain data.
      return plainText(failure);
    }
  } catch {
    return plainText({ code: "TOOL_FAILED", message: "the tool threw something that has no text" });
  }
}
