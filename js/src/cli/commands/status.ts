/** `highway-wasm status` */

import type { RunStatus } from "../../run.js";
import { type Command, JSON_OPTION, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { type Output, oneLine, printable } from "../output.js";
import { plainStatus } from "../plain-run.js";
import { looksOf } from "../states.js";
import { highwayOf } from "../target.js";

export const status: Command = {
  name: "status",
  summary: "show a run as it is now, with its tasks",
  args: ["ID"],
  options: { ...JSON_OPTION, ...SERVER_OPTIONS },
  async run({ args, given, output, signal }) {
    const run = await highwayOf(given).workflows.get(args[0] as string, { signal });
    if (output.isJson) output.json(plainStatus(run));
    else show(run, output);
    return FINE;
  },
};

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
