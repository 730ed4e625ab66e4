/** `highway-wasm logs` */

import { type Command, JSON_OPTION, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { oneLine, printable } from "../output.js";
import { highwayOf } from "../target.js";

export const logs: Command = {
  name: "logs",
  summary: "print what the tasks of a run wrote, oldest first",
  args: ["ID"],
  options: { ...JSON_OPTION, ...SERVER_OPTIONS },
  async run({ args, given, output, signal }) {
    const entries = await highwayOf(given)
      .handle(args[0] as string)
      .logs({ signal });
    if (output.isJson) {
      output.json({ logs: entries });
      return FINE;
    }
    for (const { task, attempt, stream, content } of entries) {
      const which = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : "";
      const label = `${oneLine(task ?? "run")}${which} ${oneLine(stream)}:`;
      const shown = output.paint(stream === "stdout" ? "dim" : "red", label, "stdout");
      for (const line of content.replace(/\n$/, "").split("\n")) output.result(`${shown} ${printable(line)}`);
    }
    return FINE;
  },
};
