/** `highway-wasm run` */

import type { RunHandle } from "../../run-handle.js";
import type { RunResult } from "../../run.js";
import {
  type Command,
  type Given,
  JSON_OPTION,
  SERVER_OPTIONS,
  textOf,
  textsOf,
  type Work,
} from "../command.js";
import { FAILED, FINE, UsageError, WRONG } from "../exit-codes.js";
import { showFindings } from "../failure.js";
import { STDIN } from "../files.js";
import { inputsOf } from "../inputs.js";
import { type Output, oneLine, printable } from "../output.js";
import { plainResult } from "../plain-run.js";
import { progressOf } from "../progress.js";
import { readSource, type Source } from "../source.js";
import { type Target, targetOf } from "../target.js";

/** Seconds beyond the run's own limit, so that the server gets to say how it ended. */
const GRACE = 10;

export const run: Command = {
  name: "run",
  summary: "run a workflow and follow it to its result",
  args: ["FILE"],
  options: {
    input: {
      short: "i",
      value: "NAME=VALUE",
      multiple: true,
      help: "a run input; JSON where it is JSON, text otherwise",
    },
    inputs: { value: "FILE", help: "run inputs from a JSON or YAML file; - is standard input" },
    timeout: { value: "SECONDS", help: "time limit of the run" },
    detach: { help: "only submit, and print the id of the run" },
    local: { help: "run on an engine in this process, whatever the environment says" },
    ...JSON_OPTION,
    ...SERVER_OPTIONS,
  },
  notes: `FILE is a definition in JSON or YAML, - for standard input, or a .js or .mjs file whose default export is a Driver, a Workflow
or a definition. Without an endpoint it runs in this process, with a shell and Python. Progress goes to standard error, the
result to standard output.`,
  async run(work) {
    const { args, given, output, signal } = work;
    const file = args[0] as string;
    const timeout = secondsOf(given);
    if (given["inputs"] === STDIN && file === STDIN) {
      throw new UsageError("the definition and the inputs cannot both come from standard input");
    }
    const inputs = await inputsOf(textOf(given, "inputs"), textsOf(given, "input"), signal);
    const source = await readSource(file, signal);
    if (!isValid(source, output)) return WRONG;
    const target = targetOf(given);
    try {
      if (target.isLocal && given["detach"]) {
        throw new UsageError(
          "`--detach` needs a server: an engine in this process ends with it",
          "pass `--endpoint URL`",
        );
      }
      signal.throwIfAborted();
      const handle = await target.driver.start({ workflow: source.document(), inputs, timeout, signal });
      return given["detach"] ? submitted(handle, output) : await follow(handle, target, timeout, work);
    } finally {
      await target.close();
    }
  },
};

function secondsOf(given: Given): number | undefined {
  const text = textOf(given, "timeout");
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1) return seconds;
  throw new UsageError(`\`--timeout\` is no number of seconds, at least 1: \`${text}\``);
}

/** Whether a definition can run; says why not, and what is suspicious. */
function isValid(source: Source, output: Output): boolean {
  const found = source.findings().filter(({ severity }) => severity !== "info");
  const isFine = found.every(({ severity }) => severity !== "error");
  if (!output.isJson) {
    showFindings(found, output, "note");
    if (!isFine) output.note(`${output.paint("red", "error:")} the definition cannot run as it is`);
  } else if (!isFine) {
    const message = "the definition cannot run as it is";
    output.failure({ error: { code: "VALIDATION_FAILED", message, diagnostics: found } });
  }
  return isFine;
}

function submitted({ runId }: RunHandle, output: Output): number {
  if (output.isJson) output.json({ runId, state: "submitted" });
  else output.result(runId);
  return FINE;
}

async function follow(
  handle: RunHandle,
  { isLocal }: Target,
  timeout: number | undefined,
  { output, signal }: Work,
): Promise<number> {
  const { runId } = handle;
  if (!output.isJson) output.note(output.paint("dim", `run ${oneLine(runId)}`));
  const onProgress = output.isJson ? undefined : progressOf(output);
  let result: RunResult;
  try {
    result = await handle.result({ timeout: timeout && timeout + GRACE, signal, onProgress });
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
  for (const task of Object.values(result.tasks)) {
    if (task.error === null || task.state === "skipped") continue;
    output.note(`${output.paint("red", `✗ ${oneLine(task.name)}:`)} ${printable(task.error.message)}`);
    if (task.error.help) output.note(`  help: ${oneLine(task.error.help)}`);
    for (const line of (task.stderr ?? "").split("\n").filter(Boolean))
      output.note(`  stderr: ${printable(line)}`);
  }
  const { state, error } = result;
  const reason = error === null ? "" : `: ${printable(error.message)}`;
  output.note(`${output.paint(result.isSuccess ? "green" : "red", oneLine(state))}${reason}`);
  // What a run has when it failed is mostly nothing; `--json` shows it.
  if (result.isSuccess) output.json(result.result ?? null);
}
