/** Mocks, which replace tools in simulations and tests. */

import type { DurationInput } from "../../client/options.js";
import { invalid } from "../../shared/options.js";
import { isObject, plainText } from "../../shared/plain.js";
import { full } from "../runtime.js";
import { failureText, type ToolArguments, type ToolContext } from "../tools/tool.js";

/** The context of a call to a mock. */
export interface MockContext extends ToolContext {
  /** Virtual time of the call. */
  readonly now: Date;
}

/**
 * One answer of a mock:
 *
 * - An `Error` fails the attempt; a `ToolError` says how.
 * - `{ result?, error?, retryable?, delay? }` without other fields gives the result, or the error (an `Error` or its
 *   message) and whether another attempt may succeed, after a delay in virtual time.
 * - Anything else is the result.
 */
export type MockAnswer =
  | MockOutcome
  | Error
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly unknown[]
  | { readonly [field: string]: unknown };

/** The complete form of an answer. */
export interface MockOutcome {
  /** The result of the tool. */
  readonly result?: unknown;
  /** Why the tool fails: an `Error` or its message. */
  readonly error?: Error | string | undefined;
  /** Whether another attempt may succeed after the error. */
  readonly retryable?: boolean | undefined;
  /** Virtual time that the tool takes; `Infinity` for a tool that never answers. */
  readonly delay?: DurationInput | undefined;
}

/** A function that returns the answer to a call. It may be asynchronous; virtual time does not pass meanwhile. */
export type MockFunction = (call: ToolArguments, context: MockContext) => MockAnswer | Promise<MockAnswer>;

/**
 * Replaces a task or a tool: an answer, a list of answers, or a function. A list has one answer for each call in a run;
 * the last one is repeated. If the result is a list, put it into `{ result }`.
 */
export type Mock = MockAnswer | readonly MockAnswer[] | MockFunction;

/** Mocks by the name of a task or a tool. The mock of the task takes precedence. */
export type Mocks = Readonly<Record<string, Mock>>;

/** @internal The outcome of a call as the engine takes it, and its duration in milliseconds. */
export interface Settled {
  /** `"result"` or `"failure"`, a comma, and JSON text. */
  readonly outcome: string;
  readonly delay: number;
}

const FIELDS = ["result", "error", "retryable", "delay"];

/** The fields that the results of Highway's own tools always have, so that templates find them. */
const SHELL = { stdout: "", stderr: "", returncode: 0, exit_code: 0 };
const DEFAULTS: Readonly<Record<string, unknown>> = {
  "tools.shell.run": SHELL,
  "tools.code.exec": { result: null, success: true, ...SHELL },
  "tools.http.request": { status_code: 200, headers: {}, response: {}, body: {}, url: "" },
};

/** @internal The answer of a tool without a mock: success, in the shape of that tool. */
export function defaultAnswer(tool: string): MockOutcome {
  return { result: Object.hasOwn(DEFAULTS, tool) ? DEFAULTS[tool] : {} };
}

/** @internal Returns the outcome of the call with a given number in its run. */
export type Answering = (
  number: number,
  call: ToolArguments,
  context: () => MockContext,
) => Settled | Promise<Settled>;

/**
 * @internal The outcomes of a mock. Answers that are data are read once.
 *
 * @throws {ConfigurationError} `OPTION_INVALID` for a mock that is not valid.
 */
export function answering(name: string, mock: unknown, path: string): Answering {
  if (typeof mock === "function") {
    return (_, call, context) => {
      try {
        const answer: unknown = (mock as MockFunction)(call, context());
        return isPromise(answer) ? answer.then(settledOrNot, failed) : settled(answer);
      } catch (error) {
        return failed(error);
      }
    };
  }
  const answers = Array.isArray(mock) ? (mock as unknown[]) : [mock];
  if (answers.length === 0) {
    throw invalid(
      `the mock of \`${name}\` is an empty list`,
      path,
      "a result that is a list goes into `{ result }`",
    );
  }
  const all = answers.map((answer) => {
    if (typeof answer === "function") {
      throw invalid(
        `the list of answers of \`${name}\` has a function in it`,
        path,
        "give one function instead",
      );
    }
    if (isOutcome(answer) && answer.error !== undefined && answer.result !== undefined) {
      throw invalid(`the mock of \`${name}\` has both a result and an error`, path);
    }
    return settled(answer, path);
  });
  return (number) => all[Math.min(number, all.length - 1)] as Settled;
}

/** @internal A delay in milliseconds, which may be `Infinity`. */
export function millis(duration: DurationInput | undefined, path: string): number {
  if (duration === undefined) return 0;
  if (duration === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const text = plainText(duration, path);
  const length = full.call((api) => api.durationMillis(path, text));
  if (length < 0) throw invalid("the length of time is negative", path);
  return length;
}

/** The outcome of a function's answer, which may not be plain data. */
function settledOrNot(answer: unknown): Settled {
  try {
    return settled(answer);
  } catch (error) {
    return failed(error);
  }
}

function settled(answer: unknown, path = ""): Settled {
  if (answer instanceof Error) return failed(answer);
  if (!isOutcome(answer)) return { outcome: `"result",${textOf(answer, path)}`, delay: 0 };
  const { result, error, retryable, delay } = answer;
  const length = millis(delay, `${path}/delay`);
  if (error === undefined) return { outcome: `"result",${textOf(result, `${path}/result`)}`, delay: length };
  const {
    code,
    message,
    help,
    result: output,
    retryable: own,
  } = Object(error instanceof Error ? error : { message: String(error) }) as Record<string, unknown>;
  const failure = failureText({ code, message, help, result: output, retryable: retryable ?? own });
  return { outcome: `"failure",${failure}`, delay: length };
}

function failed(error: unknown): Settled {
  return { outcome: `"failure",${failureText(error)}`, delay: 0 };
}

function textOf(result: unknown, path: string): string {
  return plainText(result ?? null, path);
}

function isOutcome(answer: unknown): answer is MockOutcome {
  if (!isObject(answer) || answer instanceof Error) return false;
  const keys = Object.keys(answer);
  return (
    keys.length > 0 &&
    keys.every((key) => FIELDS.includes(key)) &&
    !(keys.length === 1 && keys[0] === "retryable")
  );
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
