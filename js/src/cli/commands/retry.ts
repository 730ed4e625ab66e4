/** `highway-wasm retry` */

import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { follow } from "../following.js";
import { oneLine } from "../output.js";
import { runIdOf } from "../run-id.js";
import { highwayOf } from "../target.js";

export const retry: Command = {
  name: "retry",
  summary: "start a failed run again, as a new run with the same inputs",
  args: [RUN],
  options: {
    watch: { short: "w", help: "follow the new run to its result, as `run` does" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE} Prints the id of the new run.`,
  examples: [
    ["retry 3f2a", "print the id of the new run"],
    ["retry 3f2a --watch", "follow it"],
  ],
  async run(work) {
    const { args, given, output, signal } = work;
    const highway = await highwayOf(given);
    const old = await runIdOf(highway, args[0] as string, signal);
    const handle = await highway.workflows.retry(old, { signal });
    if (given["watch"]) return await follow(handle, { isLocal: false }, work);
    if (output.isJson) output.json({ runId: handle.runId, retried: old });
    else output.result(oneLine(handle.runId));
    return FINE;
  },
};
