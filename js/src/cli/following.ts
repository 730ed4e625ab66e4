/** Following a run to its end, and showing how it ended. */

import type { RunHandle } from "../run-handle.js";
import type { RunResult, TaskResult } from "../run.js";
import { helpOf } from "./advice.js";
import type { Work } from "./command.js";
import { FAILED, FINE } from "./exit-codes.js";
import { type Output, oneLine, printable } from "./output.js";
import { plainResult } from "./plain-run.js";
import { progressOf } from "./progress.js";

/** Shows a run as it goes, then its result; the exit code that it stands for. */
export async function follow(
  handle: RunHandle,
  { isLocal, timeout }: { readonly isLocal: boolean; readonly timeout?: number | undefined },
  { output, signal }: Pick<Work, "output" | "signal">,
): Promise<number> {
  const runId = oneLine(handle.runId);
  if (!output.isJson) output.note(output.paint("dim", `run ${runId}`));
  const onProgress = output.isJson ? undefined : progressOf(output);
  let result: RunResult;
  try {
    result = await handle.result({ timeout, signal, onProgress });
  } catch (error) {
    if (signal.aborted && !isLocal) {
      output.note(
        `the run goes on: \`highway-wasm status ${runId}\` shows it, \`highway-wasm cancel ${runId}\` ends it`,
      );
    }
    throw error;
  }
  if (output.isJson) output.json(plainResult(result));
  else show(result, output);
  return result.isSuccess ? FINE : FAILED;
}

function show(result: RunResult, output: Output): void {
  for (const task of Object.values(result.tasks)) showFailure(task, output);
  const { state, error } = result;
  const reason = error === null ? "" : `: ${printable(error.message)}`;
  output.note(`${output.paint(result.isSuccess ? "green" : "red", oneLine(state))}${reason}`);
  // What a run has when it failed is mostly nothing; `--json` shows it.
  if (result.isSuccess) output.json(result.result ?? null);
}

function showFailure({ name, state, error, stderr }: TaskResult, output: Output): void {
  if (error === null || state === "skipped") return;
  output.note(`${output.paint("red", `✗ ${oneLine(name)}:`)} ${printable(error.message)}`);
  const input = error.code === "TEMPLATE_UNRESOLVED" ? missingInput(error.message) : undefined;
  const advice =
    input && `the run has no input \`${oneLine(input)}\`: pass \`--input ${oneLine(input)}=VALUE\``;
  for (const help of [advice, helpOf(error)].filter((help) => help !== undefined))
    output.note(`  help: ${oneLine(help)}`);
  for (const line of (stderr ?? "").split("\n").filter(Boolean)) output.note(`  stderr: ${printable(line)}`);
}

/** Names that the engine gives a meaning, or a task. */
const NO_INPUT = /^(inputs|variables|results|secrets|ENV|run|workflow|item|index|.*_result)$/;

/** The input that a template names and that is not there: `{{inputs.name}}`, or `{{name}}`. */
function missingInput(message: string): string | undefined {
  const [, first = "", second] = /\{\{\s*([\w-]+)(?:\.([\w-]+))?/.exec(message) ?? [];
  if (first === "inputs") return second;
  return first === "" || NO_INPUT.test(first) ? undefined : first;
}
