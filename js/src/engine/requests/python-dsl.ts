/** Workflows that are submitted as Python. */

import { plainText } from "../../shared/plain.js";
import type { ToolError } from "../tools/tool.js";
import { refusal } from "./refusal.js";

/**
 * Compiles Python: gives the definition that the source returns from `get_workflow()`, as plain data. An error refuses
 * the request; its `code` and `help` are passed on.
 */
export type DslCompiler = (source: string, signal: AbortSignal) => Promise<unknown>;

/** The definition of a Python source as JSON text, or the refusal. */
export async function compiled(
  source: string,
  compile: DslCompiler,
  signal: AbortSignal | undefined,
): Promise<string | Response> {
  try {
    return plainText(await compile(source, signal ?? new AbortController().signal));
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): Response {
  const { code, message, help } = Object(error ?? {}) as Partial<ToolError>;
  const isMissing = code === "TOOL_UNAVAILABLE";
  const text = typeof message === "string" ? message : String(error);
  return refusal(
    isMissing ? 501 : 400,
    typeof code === "string" ? code : "PYTHON_DSL_INVALID",
    help === undefined ? text : `${text}; ${help}`,
  );
}
