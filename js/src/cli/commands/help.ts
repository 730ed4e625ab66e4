/** `highway-wasm help` */

import type { Command } from "../command.js";
import { FINE } from "../exit-codes.js";
import { showHelp } from "../help.js";

/** The command, for a program with these commands. */
export const helpOf = (all: () => readonly Command[]): Command => ({
  name: "help",
  summary: "show the help of the program, or of a command",
  args: [
    {
      name: "COMMAND",
      isOptional: true,
      get values() {
        return all().map(({ name }) => name);
      },
    },
  ],
  options: {},
  notes: "`help COMMAND` is `COMMAND --help`.",
  examples: [["help run", "the help of one command"]],
  async run({ args: [name], output }) {
    const command = all().find((candidate) => candidate.name === name);
    showHelp(all(), command, output);
    return FINE;
  },
});
