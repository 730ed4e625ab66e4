/** `highway-wasm run` */

import { LIMIT } from "../limits.js";
import { isHighwayError } from "../../shared/errors.js";
import type { RunHandle } from "../../client/run-handle.js";
import { duration } from "../arguments.js";
import { type Command, FILE, FILE_NOTE, SERVER_OPTIONS, parsedOf } from "../command.js";
import { exitCodeOf, FINE, UsageError, WRONG } from "../exit-codes.js";
import { showError, showFindings } from "../failure.js";
import { STDIN } from "../files.js";
import { findingsOf } from "../findings.js";
import { follow } from "../following.js";
import { INPUT_OPTIONS, inputsOf } from "../inputs.js";
import { type Output, oneLine } from "../output.js";
import { readSource, type Source } from "../source.js";
import { targetOf } from "../target.js";
import { TOOLS_OPTION } from "../tools.js";

/** Seconds beyond the run's own limit, so that the server can report how it ended. */
const GRACE = 10;

export const run: Command = {
  name: "run",
  summary: "run a workflow and follow it to its result",
  args: [FILE],
  options: {
    ...INPUT_OPTIONS,
    timeout: { value: "TIME", help: "time limit of the run: seconds, `90s`, `1h30m` or `PT90S`" },
    detach: { help: "only submit, and print the id of the run" },
    ...TOOLS_OPTION,
    local: { help: "use an engine in this process, even if the environment names a server" },
    limit: LIMIT,
    ...SERVER_OPTIONS,
  },
  notes: `${FILE_NOTE}

Without an endpoint the workflow runs in this process, with a shell and Python. A Driver with its own engine uses that
engine, unless --endpoint names a server. Progress goes to standard error, the result to standard output.`,
  examples: [
    ["run report.yaml --input folder=/usr", "run in this process"],
    ["run report.yaml --inputs inputs.json --timeout 1h30m", "inputs from a file, and a time limit"],
    ["run workflow.mjs --tools tools.mjs", "with tools of your own"],
    ["run report.yaml --json | jq .tasks", "one JSON object, for programs"],
    ["run report.yaml --endpoint https://highway.example --detach", "submit to a server"],
  ],
  async run(work) {
    const { args, given, output, signal } = work;
    const file = args[0] as string;
    const timeout = parsedOf(given, "timeout", (text, name) => duration(text, name, 1));
    if (given["inputs"] === STDIN && file === STDIN) {
      throw new UsageError("the definition and the inputs cannot both come from standard input");
    }
    const inputs = await inputsOf(given, { signal, output });
    const source = await readSource(file, signal);
    if (!isValid(source, output, file)) {
      await source.close?.();
      return WRONG;
    }
    const target = await targetOf(given, source);
    try {
      if (target.isLocal && given["detach"]) {
        throw new UsageError(
          "`--detach` needs a server: an engine in this process ends with it",
          "pass `--endpoint URL`",
        );
      }
      signal.throwIfAborted();
      const handle = await target.start({ inputs, timeout, signal });
      if (given["detach"]) return submitted(handle, output);
      const { isLocal, waits } = target;
      return await follow(handle, { isLocal, waits, timeout: timeout && timeout + GRACE }, work);
    } catch (error) {
      if (signal.aborted || !isHighwayError(error) || findingsOf(error).length === 0) throw error;
      // The engine's findings are about the file.
      showError(error, output, file);
      return exitCodeOf(error);
    } finally {
      await target.close();
    }
  },
};

/** Whether a definition is valid. Shows its errors and warnings. */
export function isValid(source: Source, output: Output, file: string): boolean {
  const found = source.findings().filter(({ severity }) => severity !== "info");
  const isFine = found.every(({ severity }) => severity !== "error");
  const message = "the definition is invalid";
  if (!output.isJson) {
    showFindings(found, output, "note", file);
    if (!isFine) output.note(`${output.paint("red", "error:")} ${message}`);
  } else if (!isFine) {
    output.failure({ error: { code: "VALIDATION_FAILED", message, diagnostics: found } });
  }
  return isFine;
}

function submitted({ runId }: RunHandle, output: Output): number {
  if (output.isJson) output.json({ runId, state: "submitted" });
  else output.result(oneLine(runId));
  return FINE;
}
