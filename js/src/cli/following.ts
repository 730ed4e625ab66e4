/** Follows a run to its end, and shows how it ended. */

import type { RunHandle } from "../client/run-handle.js";
import type { RunResult, TaskResult } from "../client/run.js";
import { helpOf } from "./advice.js";
import type { Work } from "./command.js";
import { FAILED, FINE } from "./exit-codes.js";
import { type Output, oneLine, printable } from "./output.js";
import { plainResult } from "./plain-run.js";
import { progressOf } from "./progress.js";
import { lookAtWaits, type Waits } from "./waits.js";

/** Lines to show of each output of a failed task. */
const LINES = 20;
/** Characters to show of each line. */
const LINE = 500;

/** How to follow a run. */
interface Followed {
  /** Whether its engine ends with this process. */
  readonly isLocal: boolean;
  /** Seconds to follow the run; without limit if undefined. */
  readonly timeout?: number | undefined;
  /** What its tasks wait for. */
  readonly waits?: Waits | undefined;
}

/** Shows a run while it runs, then its result. Returns the exit code. */
export async function follow(
  handle: RunHandle,
  { isLocal, timeout, waits }: Followed,
  { output, signal }: Pick<Work, "output" | "signal">,
): Promise<number> {
  const runId = oneLine(handle.runId);
  if (!output.isJson) output.note(output.paint("dim", `run ${runId}`));
  const watched = output.isJson ? undefined : lookAtWaits(progressOf(output), waits);
  let result: RunResult;
  try {
    result = await handle.result({ timeout, signal, onProgress: watched?.onProgress });
  } catch (error) {
    if (signal.aborted) {
      output.note(
        isLocal
          ? "interrupted: the run ends here, and so does what it started"
          : `the run goes on: \`highway-wasm status ${runId}\` shows it, \`highway-wasm cancel ${runId}\` ends it`,
      );
    }
    throw error;
  } finally {
    watched?.stop();
  }
  if (output.isJson) output.json(plainResult(result));
  else show(result, output);
  return result.isSuccess ? FINE : FAILED;
}

function show(result: RunResult, output: Output): void {
  showFailures(result, output);
  const { state, error } = result;
  const reason = error === null ? "" : `: ${printable(error.message)}`;
  output.note(`${output.paint(result.isSuccess ? "green" : "red", oneLine(state))}${reason}`);
  // The result of a failed run usually is empty; `--json` shows it.
  if (result.isSuccess) output.json(result.result ?? null);
}

/** Shows why tasks failed, and the end of their output. */
export function showFailures({ tasks }: RunResult, output: Output): void {
  for (const task of Object.values(tasks)) showFailure(task, output);
}

function showFailure({ name, state, error, stdout, stderr }: TaskResult, output: Output): void {
  if (state === "skipped") return;
  // A task that was running when its run exceeded a limit has no error of its own.
  const isCutOff = state === "cancelled" && Boolean(stdout || stderr);
  if (error === null && !isCutOff) return;
  const reason = error === null ? oneLine(state) : printable(error.message);
  output.note(`${output.paint("red", `✗ ${oneLine(name)}:`)} ${reason}`);
  const input = error?.code === "TEMPLATE_UNRESOLVED" ? missingInput(error.message) : undefined;
  const advice =
    input && `the run has no input \`${oneLine(input)}\`: pass \`--input ${oneLine(input)}=VALUE\``;
  for (const help of [advice, error === null ? undefined : helpOf(error)].filter(
    (help) => help !== undefined,
  ))
    output.note(`  help: ${oneLine(help)}`);
  // Compilers and test runners report on either stream.
  showEnd("stdout", stdout, output);
  showEnd("stderr", stderr, output);
}

/** Shows the last lines of an output. */
function showEnd(stream: string, text: string | null, output: Output): void {
  const lines = (text ?? "").split(/\r?\n/).filter(Boolean);
  const before = lines.length - LINES;
  if (before > 0) output.note(`  ${stream}: … ${before} lines before`);
  for (const line of lines.slice(-LINES)) {
    const short = line.length > LINE ? `${line.slice(0, LINE)}…` : line;
    output.note(`  ${stream}: ${printable(short)}`);
  }
}

/** Names that belong to the engine or to a task. */
const NO_INPUT = /^(inputs|variables|results|secrets|ENV|run|workflow|item|index|.*_result)$/;

/** The missing input that a template names: `{{inputs.name}}` or `{{name}}`. */
function missingInput(message: string): string | undefined {
  const [, first = "", second] = /\{\{\s*([\w-]+)(?:\.([\w-]+))?/.exec(message) ?? [];
  if (first === "inputs") return second;
  return first === "" || NO_INPUT.test(first) ? undefined : first;
}
