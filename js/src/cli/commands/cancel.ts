/** `highway-wasm cancel` */

import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS, textOf } from "../command.js";
import { FAILED, FINE } from "../exit-codes.js";
import { oneLine } from "../output.js";
import { runIdOf } from "../run-id.js";
import { highwayOf } from "../target.js";

export const cancel: Command = {
  name: "cancel",
  summary: "end a run and its active tasks",
  args: [RUN],
  options: {
    reason: { value: "TEXT", mayBeEmpty: true, help: "shown with the run" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE} The exit code is 1 if the run had ended before.`,
  examples: [['cancel 3f2a --reason "wrong input"', "end a run"]],
  async run({ args, given, output, signal }) {
    const highway = await highwayOf(given);
    const runId = await runIdOf(highway, args[0] as string, signal);
    const cancelled = await highway.workflows.cancel(runId, textOf(given, "reason"), { signal });
    if (output.isJson) output.json({ runId, cancelled });
    else output.note(`run ${oneLine(runId)} ${cancelled ? "is cancelled" : "was over already"}`);
    return cancelled ? FINE : FAILED;
  },
};
