/** `highway-wasm logs` */

import { setTimeout as sleep } from "node:timers/promises";
import { type HighwayErrorCode, isHighwayError } from "../../shared/errors.js";
import type { LogEntry } from "../../client/run.js";
import type { RunHandle } from "../../client/run-handle.js";
import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { type Output, oneLine, printable } from "../output.js";
import { runIdOf } from "../run-id.js";
import { highwayOf } from "../target.js";

/** Milliseconds between two reads of the logs while the run does not change. */
const PAUSE = 1000;
/**
 * Milliseconds between two reads after one with much output, because an engine keeps only a part of what is written in
 * between.
 */
const SHORT_PAUSE = 100;
/** Characters that count as much output. */
const MUCH = 64 * 1024;
/** The line that the engine writes in place of dropped lines; the group is their number. */
const GAP = /^\[\d+ bytes \((\d+) lines\) are left out here\]$/;
/** That line, or the one that `newLines` writes if some of the dropped lines were shown before. */
const LEFT_OUT = /^\[(?:\d+ bytes \()?\d+ lines\)? are left out here\]$/;

export const logs: Command = {
  name: "logs",
  summary: "print the output of the tasks of a run, oldest first",
  args: [RUN],
  options: {
    follow: { short: "f", help: "follow the run to its end" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE}

--follow also prints the output of running tasks, each line once and in order. If a task writes more between two
requests than the engine keeps, a line says how many lines are left out; \`logs\` without --follow may show them when
the task has ended. --follow continues through an outage of the server of up to a minute. With --json, --follow prints
each entry, and each addition to it, as one line of JSON (NDJSON); without --follow it prints {logs} at once.`,
  examples: [
    ["logs 3f2a", "the output so far"],
    ["logs 3f2a --follow", "and further output until the run ends"],
  ],
  async run({ args, given, output, signal }) {
    const highway = await highwayOf(given);
    const handle = highway.handle(await runIdOf(highway, args[0] as string, signal));
    if (given["follow"]) {
      let isCut = false;
      for await (const entry of followed(handle, signal)) {
        isCut ||= isOutput(entry) && entry.content.split("\n").some((line) => LEFT_OUT.test(line));
        if (output.isJson) output.json(entry);
        else show(entry, output);
      }
      if (isCut && !output.isJson) {
        const command = `\`highway-wasm logs ${handle.runId}\``;
        output.note(`lines are left out above: ${command} prints those that the engine keeps`);
      }
      return FINE;
    }
    const entries = await handle.logs({ signal });
    if (output.isJson) output.json({ logs: entries });
    else for (const entry of entries) show(entry, output);
    return FINE;
  },
};

/** Temporary failures, after which following continues. */
const TEMPORARY: readonly HighwayErrorCode[] = [
  "API_UNREACHABLE",
  "API_SERVER_ERROR",
  "API_RATE_LIMITED",
  "API_CIRCUIT_OPEN",
  "REQUEST_TIMEOUT",
];

/**
 * The entries of a run as they appear, until it has ended. There are none while the server does not answer; `watch`
 * decides how long that may last.
 */
async function* followed(handle: RunHandle, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  let wake = (): void => {};
  let isOver = false;
  const watching = (async () => {
    for await (const _ of handle.watch({ signal: stop })) wake();
  })().finally(() => {
    isOver = true;
    wake();
  });
  // Its error is thrown at the end.
  watching.catch(() => {});
  const seen: Seen = { entries: new Map(), lines: new Map() };
  const read = async (): Promise<readonly LogEntry[] | undefined> => {
    try {
      return await handle.logs({ signal });
    } catch (error) {
      if (isOver || !TEMPORARY.some((code) => isHighwayError(error, code))) throw error;
      return undefined;
    }
  };
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const isLast = isOver;
      const all = await read();
      // After a failed read, the counts stay as they are.
      const entries = all === undefined ? [] : newEntries(all, seen);
      yield* entries;
      if (isLast) break;
      const isMuch = entries.reduce((sum, { content }) => sum + content.length, 0) > MUCH;
      const pause = sleep(isMuch ? SHORT_PAUSE : PAUSE, undefined, { signal: stop }).catch(() => {});
      if (!isOver) await Promise.race([changed, pause]);
    }
    await watching;
  } finally {
    left.abort();
  }
}

const isOutput = ({ stream }: LogEntry): boolean => stream === "stdout" || stream === "stderr";

/** How often each entry was seen, and how many lines of each output, including dropped ones. */
interface Seen {
  readonly entries: Map<string, number>;
  readonly lines: Map<string, number>;
}

/**
 * The entries that were not seen before. The output of a task grows while it runs; of it, the new lines. Other equal
 * entries are told apart by their number, because tasks that run at the same time mix theirs.
 */
function newEntries(entries: readonly LogEntry[], seen: Seen): LogEntry[] {
  const counts = new Map<string, number>();
  const lines = new Map<string, number>();
  return entries.flatMap((entry) => {
    if (isOutput(entry)) return newLines(entry, lines, seen.lines);
    const key = JSON.stringify(entry);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= (seen.entries.get(key) ?? 0)) return [];
    seen.entries.set(key, count);
    return [entry];
  });
}

/**
 * The new lines of an output. A loop has several entries for one output: `counts` has the number of lines before this
 * one.
 */
function newLines(entry: LogEntry, counts: Map<string, number>, seen: Map<string, number>): LogEntry[] {
  const key = JSON.stringify([entry.task, entry.attempt, entry.stream]);
  let known = seen.get(key) ?? 0;
  let count = counts.get(key) ?? 0;
  const rest: string[] = [];
  let gap: string | undefined;
  for (const line of entry.content.replace(/\r?\n$/, "").split("\n")) {
    const [, left] = GAP.exec(line) ?? [];
    if (left !== undefined) {
      const missing = count + Number(left) - known;
      gap = known <= count ? line : missing > 0 ? `[${missing} lines are left out here]` : undefined;
      count += Number(left);
      continue;
    }
    count += 1;
    if (count <= known) continue;
    // Only before another line, because until then more lines may be dropped.
    if (gap !== undefined) rest.push(gap);
    gap = undefined;
    rest.push(line);
    known = count;
  }
  counts.set(key, count);
  seen.set(key, known);
  return rest.length === 0 ? [] : [{ ...entry, content: rest.join("\n") }];
}

function show({ task, attempt, stream, content }: LogEntry, output: Output): void {
  const which = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : "";
  const label = `${oneLine(task ?? "run")}${which} ${oneLine(stream)}:`;
  const shown = output.paint(stream === "stdout" ? "dim" : "red", label, "stdout");
  for (const line of content.replace(/\n$/, "").split("\n")) output.result(`${shown} ${printable(line)}`);
}
