/** `highway-wasm graph` */

import { type Command, FILE, FILE_NOTE, textOf } from "../command.js";
import { FINE, WRONG } from "../exit-codes.js";
import { type Direction, type Drawable, readSource } from "../source.js";
import { isValid } from "./run.js";

const FORMATS = ["mermaid", "dot", "svg", "json"] as const;
type Format = (typeof FORMATS)[number];

export const graph: Command = {
  name: "graph",
  summary: "draw a definition: as SVG, or as text for Mermaid or Graphviz",
  args: [FILE],
  options: {
    format: {
      short: "f",
      value: "FORMAT",
      values: FORMATS,
      help: "mermaid (by default), dot for Graphviz, svg for a picture, json for the positions of nodes and edges",
    },
    direction: {
      value: "DIRECTION",
      values: ["down", "right"],
      help: "direction of svg and json: down (by default) or right",
    },
  },
  notes: `${FILE_NOTE}

An invalid definition is not drawn: its findings are shown, and the exit code is 2. The picture needs no other file,
and is light or dark as its reader prefers. --json is --format json.`,
  examples: [
    ["graph report.yaml --format svg > report.svg", "a picture for a page or a README"],
    ["graph report.yaml --format dot | dot -Tpng > report.png", "through Graphviz"],
    ["graph workflow.mjs", "Mermaid text, for Markdown"],
  ],
  async run({ args, given, output, signal }) {
    const file = args[0] as string;
    const source = await readSource(file, signal);
    const isFine = isValid(source, output, file);
    await source.close?.();
    if (!isFine) return WRONG;
    const format = (textOf(given, "format") ?? (output.isJson ? "json" : "mermaid")) as Format;
    const direction = (textOf(given, "direction") ?? "down") as Direction;
    const workflow = source.workflow();
    if (format === "json") output.json(workflow.layout({ direction }));
    else output.result(drawn(workflow, format, direction).trimEnd());
    return FINE;
  },
};

function drawn(workflow: Drawable, format: Exclude<Format, "json">, direction: Direction): string {
  if (format === "svg") return workflow.toSVG({ direction });
  return format === "dot" ? workflow.toDot() : workflow.toMermaid();
}
