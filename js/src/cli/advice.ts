/** Advice for errors in the words of the program: its options in place of arguments of functions. */

import { type HighwayError, isHighwayError, makeError } from "../shared/errors.js";
import { isObject } from "../shared/plain.js";
import type { Options } from "./command.js";

/** An error or a finding. */
interface Advisable {
  readonly code?: string | undefined;
  readonly message: string;
  readonly help?: string | undefined;
}

/** Advice by error code, where the program's is better. */
const BY_CODE: Readonly<Record<string, string>> = {
  TOOL_NOT_MOCKED: "give its result in `--mocks FILE`",
  API_UNAUTHORIZED: "check the API key: `--api-key` or HIGHWAY_API_KEY",
  API_UNREACHABLE: "check the network and the address of the server: `--endpoint` or HIGHWAY_API_ENDPOINT",
  API_CIRCUIT_OPEN: "the server keeps failing: try again later",
  WAIT_TIMEOUT: "`highway-wasm status RUN --watch` waits longer, `highway-wasm cancel RUN` ends the run",
};

/** Replacements in the text of advice: what a function takes, and what the program takes instead. */
const BY_TEXT: readonly (readonly [from: RegExp, to: string])[] = [
  [/^register it: .*$/s, "give a module that exports it: `--tools FILE`"],
  [/^register it with (.*)$/s, "give a module that exports it, made with $1: `--tools FILE`"],
  [/^give it as `signals: \[\{ name: "(.*)", at: … \}\]`$/s, "send it with `--signal $1@TIME`"],
  [/^give a decision as `approvals: \{ "(.*)": true \}`$/s, "decide with `--approve $1` or `--reject $1`"],
  [/^give one as `tools: .*$/s, "give one in `--mocks FILE`, or leave `--unmocked` out"],
  [
    /raise `limits\.\w+` of the engine to allow more: (`--limit .*)$/,
    "pass a larger limit to allow more: $1",
  ],
  [/raise `limits\.(\w+)` of the engine/, "pass a larger `--limit $1=VALUE`"],
  [/give a larger `maxTime`/, "pass a larger `--max-time`"],
  [/answer it with `signals`, `approvals` or a mock/, "answer it with `--signal`, `--approve` or a mock"],
  [/give a `Date`, or text such as "(.*)"/, "give it as `$1`"],
  [/, or raise `\w+` of (the tool|`nodeTools`)$/, ""],
];

/** The advice for an error or a finding, in the words of the program. */
export function helpOf({ code = "", message, help }: Advisable): string | undefined {
  const [, secret] = /\{\{\s*secrets\.(\w+)/.exec(code === "TEMPLATE_UNRESOLVED" ? message : "") ?? [];
  if (secret) return `set \`HIGHWAY_SECRET_${secret}\` in the environment of the engine`;
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return BY_TEXT.reduce((text, [from, to]) => text?.replace(from, to), help);
}

/** The error or finding with that advice. */
export const advised = <T extends Advisable>(fault: T): T => {
  const help = helpOf(fault);
  return help === fault.help ? fault : { ...fault, help };
};

/** A value in which every error is plain data, with the program's advice. */
export function advisedWithin(value: unknown): unknown {
  if (isHighwayError(value)) return advised(value.toJSON() as unknown as Advisable);
  if (Array.isArray(value)) return value.map(advisedWithin);
  if (!isObject(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, advisedWithin(item)]));
}

/**
 * Does some work. Turns an error about an option of a function, such as `/maxBody`, into one about the command's
 * option, `--max-body`.
 */
export async function inOptions<T>(options: Options, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isHighwayError(error, "OPTION_INVALID") ? ofOption(error, options) : error;
  }
}

function ofOption(error: HighwayError, options: Options): HighwayError {
  const [, name = ""] = (error.path ?? "").split("/");
  const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  // The values of a list are given one by one.
  const flag = [words, words.replace(/s$/, "")].find((word) => Object.hasOwn(options, word));
  if (flag === undefined) return error;
  const { code, help, details } = error;
  const message = error.message.replaceAll(`\`${name}\``, `\`--${flag}\``);
  return makeError(error.name, { code, message, help, details, path: `--${flag}`, cause: error });
}
