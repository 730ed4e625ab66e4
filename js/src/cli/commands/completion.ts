/** `highway-wasm completion` */

import { bash } from "../completion/bash.js";
import { fish } from "../completion/fish.js";
import { zsh } from "../completion/zsh.js";
import type { Command } from "../command.js";
import { FINE } from "../exit-codes.js";

const SHELLS = { bash, zsh, fish };
type Shell = keyof typeof SHELLS;

/** The command, for a program with these commands. */
export const completionOf = (all: () => readonly Command[]): Command => ({
  name: "completion",
  summary: "print a script that completes command lines of highway-wasm in a shell",
  args: [{ name: "SHELL", values: Object.keys(SHELLS) }],
  options: {},
  notes: "It completes `highway-wasm` if that is on the path, as after `npm install --global highway-wasm`.",
  examples: [
    ["completion bash >> ~/.bash_completion", "for bash"],
    ["completion zsh > ~/.zsh/completions/_highway-wasm", "for zsh, if `fpath` has that folder"],
    ["completion fish > ~/.config/fish/completions/highway-wasm.fish", "for fish"],
  ],
  async run({ args, output }) {
    const shell = args[0] as Shell;
    const script = SHELLS[shell](all());
    if (output.isJson) output.json({ shell, script });
    else output.result(script.trimEnd());
    return FINE;
  },
});
