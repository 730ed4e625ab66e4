/** Workflows that are submitted as Python. */

import { plainText } from "../../shared/plain.js";
import type { Answer } from "../effects.js";
import type { ToolError } from "../tools/tool.js";

/**
 * Gives the definition that a Python source returns from `get_workflow()`, as plain data. What it throws refuses the request; its
 * `code` and `help` are passed on.
 */
export type DslCompiler = (source: string, signal: AbortSignal) => Promise<unknown>;

/** A request, as far as it matters here. */
interface Asked {
  readonly method: string;
  readonly pathname: string;
  readonly body: string | null;
}

/**
 * The body of a request with the definition that its Python stands for, or the answer where it is answered by that. A request
 * without Python is left as it is, as is every request where nobody compiles: the core refuses it.
 */
export async function compiled(
  { method, pathname, body }: Asked,
  compile: DslCompiler | undefined,
  signal: AbortSignal | undefined,
): Promise<string | null | Answer> {
  const [, what] = /^\/api\/v1\/(workflows|dsl_to_json)\/?$/.exec(pathname) ?? [];
  if (compile === undefined || what === undefined || method !== "POST" || body === null) return body;
  const given = objectOf(body);
  const source = given[what === "workflows" ? "python_dsl" : "code"];
  if (what === "dsl_to_json" && typeof source !== "string") {
    return refusal(400, "BODY_INVALID", "the request has no `code`");
  }
  const hasDefinition = (given["workflow_definition"] ?? null) !== null;
  if (typeof source !== "string" || (what === "workflows" && hasDefinition)) return body;
  let definition: string;
  try {
    definition = plainText(await compile(source, signal ?? new AbortController().signal));
  } catch (error) {
    return refused(error);
  }
  if (what === "dsl_to_json") {
    const fields = `"workflow_definition":${definition}`;
    return answer(200, `{${fields},"status":"success","success":true,"data":{${fields}}}`);
  }
  // The rest of the body stays the text it is, with all digits of its numbers. Of two fields of a name the last counts.
  return `${body.trimEnd().slice(0, -1)},"workflow_definition":${definition}}`;
}

function objectOf(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>;
  } catch {
    // The core says what is wrong with it.
    return {};
  }
}

function refused(error: unknown): Answer {
  const { code, message, help } = Object(error ?? {}) as Partial<ToolError>;
  const isMissing = code === "TOOL_UNAVAILABLE";
  const text = typeof message === "string" ? message : String(error);
  return refusal(
    isMissing ? 501 : 400,
    typeof code === "string" ? code : "PYTHON_DSL_INVALID",
    help === undefined ? text : `${text}; ${help}`,
  );
}

const refusal = (status: number, code: string, message: string): Answer =>
  answer(status, JSON.stringify({ status: "error", success: false, message, code }));

const answer = (status: number, body: string): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  body,
});
