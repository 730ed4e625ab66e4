/** Writes rows in columns. */

import { type Colour, type Output, oneLine } from "./output.js";

/** A cell: text, optionally with a colour. */
export type Cell = string | readonly [text: string, colour: Colour];

/** Writes rows as the result. Each column is as wide as its widest cell. */
export function showTable(rows: readonly (readonly Cell[])[], output: Output): void {
  const texts = rows.map((row) => row.map((cell) => oneLine(typeof cell === "string" ? cell : cell[0])));
  const widths: number[] = [];
  for (const row of texts) {
    for (const [at, text] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, text.length);
  }
  for (const [index, row] of rows.entries()) {
    const line = row.map((cell, at) => {
      const isLast = at === row.length - 1;
      const text = (texts[index]?.[at] ?? "").padEnd(isLast ? 0 : (widths[at] ?? 0));
      return typeof cell === "string" ? text : output.paint(cell[1], text, "stdout");
    });
    output.result(line.join("  ").trimEnd());
  }
}

/** A moment in the form of tables. */
export const shownMoment = (moment: Date | null | undefined): string =>
  moment?.toISOString().replace(/\.\d+Z$/, "Z") ?? "";
