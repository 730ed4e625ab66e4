/** `highway-wasm signal` */

import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { valuesOf } from "../inputs.js";
import { oneLine } from "../output.js";
import { runIdOf } from "../run-id.js";
import { highwayOf } from "../target.js";

export const signal: Command = {
  name: "signal",
  summary: "send a signal to a run",
  args: [RUN, { name: "NAME" }],
  options: {
    data: {
      short: "d",
      value: "NAME=VALUE",
      multiple: true,
      help: "a field of the data, like --input of `run`; NAME:=VALUE takes JSON only",
    },
    payload: {
      value: "FILE",
      completes: "file",
      help: "the data from a JSON or YAML file; - is standard input",
    },
    ...SERVER_OPTIONS,
  },
  notes: RUN_NOTE,
  examples: [
    ["signal 3f2a paid --data amount=12 --data currency=EUR", "with data"],
    ["signal 3f2a stock --payload stock.json", "with data from a file"],
  ],
  async run({ args, given, output, signal }) {
    const [text = "", name = ""] = args;
    const payload = await valuesOf(given, { file: "payload", pair: "data" }, { signal, output });
    const highway = await highwayOf(given);
    const runId = await runIdOf(highway, text, signal);
    await highway.signals.send(runId, name, payload, { signal });
    if (output.isJson) output.json({ runId, signal: name, payload });
    else output.note(`signal \`${oneLine(name)}\` was sent to run ${oneLine(runId)}`);
    return FINE;
  },
};
