/** `highway-wasm cancel` */

import { type Command, JSON_OPTION, SERVER_OPTIONS, textOf } from "../command.js";
import { FAILED, FINE } from "../exit-codes.js";
import { highwayOf } from "../target.js";

export const cancel: Command = {
  name: "cancel",
  summary: "end a run and what is running of it",
  args: ["ID"],
  options: {
    reason: { value: "TEXT", help: "shown with the run" },
    ...JSON_OPTION,
    ...SERVER_OPTIONS,
  },
  notes: "Exit code 1 where the run was over already.",
  async run({ args, given, output, signal }) {
    const runId = args[0] as string;
    const cancelled = await highwayOf(given).workflows.cancel(runId, textOf(given, "reason"), { signal });
    if (output.isJson) output.json({ runId, cancelled });
    else output.note(cancelled ? `run ${runId} is cancelled` : `run ${runId} was over already`);
    return cancelled ? FINE : FAILED;
  },
};
