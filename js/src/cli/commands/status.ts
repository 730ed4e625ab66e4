/** `highway-wasm status` */

import type { Highway } from "../../client/highway.js";
import type { RunHandle } from "../../client/run-handle.js";
import type { RunStatus } from "../../client/run.js";
import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS, type Work } from "../command.js";
import { FAILED, FINE } from "../exit-codes.js";
import { showFailures } from "../following.js";
import { type Output, oneLine, printable } from "../output.js";
import { plainStatus } from "../plain-run.js";
import { progressOf } from "../progress.js";
import { runIdOf } from "../run-id.js";
import { looksOf } from "../states.js";
import { answerThere, highwayOf } from "../target.js";
import { sentence, waitsOf } from "../waits.js";

export const status: Command = {
  name: "status",
  summary: "show the state of a run and of its tasks",
  args: [RUN],
  options: {
    watch: { short: "w", help: "follow the run to its end; the exit code is 1 if it does not complete" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE}

With --watch --json it prints the run as one line of JSON whenever it changes (NDJSON).`,
  examples: [
    ["status 3f2a", "the run whose id begins with 3f2a"],
    ["status 3f2a --watch", "until it is over"],
    ["status 3f2a --watch --json | jq -c .progress", "each change, for programs"],
  ],
  async run(work) {
    const { args, given, output, signal } = work;
    const highway = await highwayOf(given);
    const handle = highway.handle(await runIdOf(highway, args[0] as string, signal));
    if (given["watch"]) return await watch(handle, work);
    const run = await handle.status({ signal });
    if (output.isJson) output.json(plainStatus(run));
    else {
      show(run, output);
      await showWaits(highway, run, work);
    }
    return FINE;
  },
};

async function watch(handle: RunHandle, { output, signal }: Work): Promise<number> {
  const draw = progressOf(output);
  let last: RunStatus | undefined;
  for await (const run of handle.watch({ signal })) {
    last = run;
    if (output.isJson) output.json(plainStatus(run));
    else draw(run);
  }
  if (last !== undefined && !output.isJson) {
    show(last, output);
    if (!last.isSuccess) showFailures(await handle.result({ signal }), output);
  }
  return last?.isSuccess ? FINE : FAILED;
}

/** Shows what sleeping tasks wait for, if the server tells. */
async function showWaits(highway: Highway, run: RunStatus, { output, signal }: Work): Promise<void> {
  if (run.isTerminal) return;
  const waits = await waitsOf(highway, run, undefined, signal).catch(() => []);
  for (const wait of waits) {
    output.result(`waits      ${sentence(wait)}`);
    const help = answerThere(wait, run.runId);
    if (help !== undefined) output.note(`  help: ${help}`);
  }
}

function show(run: RunStatus, output: Output): void {
  const painted = (state: string): string => output.paint(looksOf(state)[1], oneLine(state), "stdout");
  output.result(`run        ${oneLine(run.runId)}`);
  if (run.workflowName) output.result(`workflow   ${oneLine(run.workflowName)}`);
  output.result(`state      ${painted(run.state)}`);
  for (const [what, date] of [
    ["created", run.createdAt],
    ["started", run.startedAt],
    ["completed", run.completedAt],
  ] as const) {
    if (date) output.result(`${what.padEnd(11)}${date.toISOString()}`);
  }
  if (run.error) output.result(`error      ${printable(run.error.message)}`);
  const tasks = Object.entries(run.progress.tasks);
  const width = Math.max(0, ...tasks.map(([name]) => name.length));
  for (const [name, state] of tasks) {
    const sign = output.paint(looksOf(state)[1], looksOf(state)[0], "stdout");
    output.result(`  ${sign} ${oneLine(name).padEnd(width)}  ${painted(state)}`);
  }
}
