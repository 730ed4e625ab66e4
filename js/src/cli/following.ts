/** Following a run to its end, and showing how it ended. */

import type { RunHandle } from "../client/run-handle.js";
import type { RunResult, TaskResult } from "../client/run.js";
import { helpOf } from "./advice.js";
import type { Work } from "./command.js";
import { FAILED, FINE } from "./exit-codes.js";
import { type Output, oneLine, printable } from "./output.js";
import { plainResult } from "./plain-run.js";
import { progressOf } from "./progress.js";
import { lookAtWaits, type Waits } from "./waits.js";

/** Lines of each output of a task that failed. */
const LINES = 20;
/** Characters of each of them. */
const LINE = 500;

/** What is known of a run beside its handle. */
interface Followed {
  /** Whether its engine ends with this process. */
  readonly isLocal: boolean;
  /** Seconds until nobody follows it any more. */
  readonly timeout?: number | undefined;
  /** What its tasks wait for. */
  readonly waits?: Waits | undefined;
}

/** Shows a run as it goes, then its result; the exit code that it stands for. */
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
  // What a run has when it failed is mostly nothing; `--json` shows it.
  if (result.isSuccess) output.json(result.result ?? null);
}

/** Shows why tasks failed, and the end of what they wrote. */
export function showFailures({ tasks }: RunResult, output: Output): void {
  for (const task of Object.values(tasks)) showFailure(task, output);
}

function showFailure({ name, state, error, stdout, stderr }: TaskResult, output: Output): void {
  if (state === "skipped") return;
  // What was running when its run passed a limit has no error of its own.
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
  // Compilers and test runners report on either.
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

/** Names that the engine gives a meaning, or a task. */
const NO_INPUT = /^(inputs|variables|results|secrets|ENV|run|workflow|item|index|.*_result)$/;

/** The input that a template names and that is not there: `{{inputs.name}}`, or `{{name}}`. */
function missingInput(message: string): string | undefined {
  const [, first = "", second] = /\{\{\s*([\w-]+)(?:\.([\w-]+))?/.exec(message) ?? [];
  if (first === "inputs") return second;
  return first === "" || NO_INPUT.test(first) ? undefined : first;
}
