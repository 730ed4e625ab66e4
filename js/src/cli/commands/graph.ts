/** `highway-wasm graph` */

import { type Command, textOf } from "../command.js";
import { FINE, UsageError } from "../exit-codes.js";
import { didYouMean } from "../nearest.js";
import { readSource } from "../source.js";

const FORMATS = ["mermaid", "dot"];

export const graph: Command = {
  name: "graph",
  summary: "draw a definition, as text for Mermaid or Graphviz",
  args: ["FILE"],
  options: {
    format: { short: "f", value: "FORMAT", help: "mermaid (by default) or dot" },
  },
  notes:
    "FILE is a definition in JSON or YAML, - for standard input, or a .js or .mjs file with a default export.",
  async run({ args, given, output, signal }) {
    const format = textOf(given, "format") ?? "mermaid";
    if (!FORMATS.includes(format)) {
      const help = didYouMean(format, FORMATS) ?? "there are `mermaid` and `dot`";
      throw new UsageError(`\`--format\` knows no \`${format}\``, help);
    }
    const workflow = (await readSource(args[0] as string, signal)).workflow();
    output.result((format === "dot" ? workflow.toDot() : workflow.toMermaid()).trimEnd());
    return FINE;
  },
};
