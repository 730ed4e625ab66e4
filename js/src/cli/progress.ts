/** The progress of a run, one line per task: redrawn in place on a terminal, otherwise written on change. */

import type { RunStatus } from "../client/run.js";
import { wrapped } from "./help.js";
import { type Output, oneLine } from "./output.js";
import { isOver, looksOf } from "./states.js";

/** Draws a run, with notes about single tasks. */
export type Draw = (status: RunStatus, notes?: readonly string[]) => void;

/** A function for `onProgress`. */
export function progressOf(output: Output): Draw {
  const started = performance.now();
  const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(8);
  const { screen } = output;
  return screen ? redrawn(output, elapsed) : written(output, elapsed);
}

function written(output: Output, elapsed: () => string): Draw {
  let last: Readonly<Record<string, string>> = {};
  const said = new Set<string>();
  return ({ progress: { tasks } }, notes = []) => {
    const width = widthOf(tasks);
    for (const [name, state] of Object.entries(tasks)) {
      if (last[name] === state) continue;
      output.note(`${output.paint("dim", elapsed())}  ${lineOf(output, name, state, width, 200)}`);
    }
    last = tasks;
    for (const note of notes.filter((note) => !said.has(note))) {
      said.add(note);
      output.note(`${" ".repeat(10)}${note}`);
    }
  };
}

function redrawn(output: Output, elapsed: () => string): Draw {
  let drawn = 0;
  return ({ state, progress: { tasks } }, notes = []) => {
    // Read each time, because windows change their size.
    const { columns, rows } = output.screen ?? { columns: 80, rows: 24 };
    const width = widthOf(tasks);
    const shown = notes.flatMap((note) => wrapped(note, columns - 6)).slice(0, Math.max(rows - 6, 0));
    const lines = chosen(Object.entries(tasks), rows - 3 - shown.length).map(([name, word]) =>
      word === undefined ? `  ${name}` : `  ${lineOf(output, name, word, width, columns - 3)}`,
    );
    for (const note of shown) lines.push(`    ${note.slice(0, columns - 6)}`);
    lines.push(`${output.paint("dim", elapsed())}  ${oneLine(state)}`);
    const up = drawn > 0 ? `\x1b[${drawn}A\r` : "";
    // In one write, to avoid flicker. Clears what was below, because there may be fewer lines now.
    output.draw(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join("")}\x1b[J`);
    drawn = lines.length;
  };
}

/** As many tasks as fit: first those that have not ended, then the latest of the others. */
function chosen(
  tasks: readonly (readonly [string, string])[],
  room: number,
): readonly (readonly [string, string | undefined])[] {
  const most = Math.max(room, 3);
  if (tasks.length <= most) return tasks;
  const waiting = tasks.filter(([, state]) => looksOf(state)[0] === "·");
  const going = tasks.filter(([, state]) => !isOver(state) && looksOf(state)[0] !== "·");
  const over = tasks.filter(([, state]) => isOver(state)).reverse();
  const shown = new Set([...going, ...over, ...waiting].slice(0, most - 1));
  const left = tasks.length - shown.size;
  return [
    ...tasks.filter((task) => shown.has(task)),
    [`… and ${left} more, ${over.length} of ${tasks.length} over`, undefined],
  ];
}

const widthOf = (tasks: Readonly<Record<string, string>>): number =>
  Math.min(Math.max(0, ...Object.keys(tasks).map((name) => name.length)), 40);

function lineOf(output: Output, name: string, state: string, width: number, most: number): string {
  const [sign, colour] = looksOf(state);
  const word = oneLine(state);
  // A line that the terminal wraps would make the count of lines wrong.
  const room = Math.max(most - word.length - 4, 1);
  const shown = oneLine(name);
  const short = shown.length > room ? `${shown.slice(0, room - 1)}…` : shown;
  return `${output.paint(colour, sign)} ${short.padEnd(Math.min(width, room))}  ${output.paint(colour, word)}`;
}
