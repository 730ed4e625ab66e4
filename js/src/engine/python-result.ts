/** What a piece of Python gives as the result of its task, whichever interpreter ran it. */

import { isObject } from "../plain.js";
import { ToolError } from "./tool.js";

/** What Python's wrapper prints in front of the JSON of a result. */
const RESULT_MARKER = "__HIGHWAY_RESULT__:";

/** A program that has ended. */
interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** The output, with the exit code under both names that clients read. */
export function outputOf({ stdout, stderr, code }: Ended): Record<string, unknown> {
  return { stdout, stderr, returncode: code, exit_code: code };
}

/** The result of a script: its value, whose fields are readable at top level too, and its output. */
export function scriptResult(ended: Ended, value: unknown): Record<string, unknown> {
  const fields = isObject(value) ? value : {};
  return { ...fields, result: value ?? null, success: ended.code === 0, ...outputOf(ended) };
}

/** The failure of a program, with the last line that it wrote about it. */
export function failed(what: string, { stderr }: Ended, result: unknown): ToolError {
  const reason = stderr.trim().split("\n").at(-1);
  return new ToolError(`${what}${reason && `: ${reason}`}`, { code: "EXIT_CODE_NONZERO", result });
}

/** The JSON behind the first marker, up to the end of its line. */
export function markedJson(stdout: string): unknown {
  const at = stdout.indexOf(RESULT_MARKER);
  if (at < 0) return undefined;
  const [line = ""] = stdout
    .slice(at + RESULT_MARKER.length)
    .trimStart()
    .split("\n");
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
