/** `highway-wasm logs` */

import { setTimeout as sleep } from "node:timers/promises";
import type { LogEntry } from "../../run.js";
import type { RunHandle } from "../../run-handle.js";
import { type Command, RUN, RUN_NOTE, SERVER_OPTIONS } from "../command.js";
import { FINE } from "../exit-codes.js";
import { type Output, oneLine, printable } from "../output.js";
import { runIdOf } from "../run-id.js";
import { highwayOf } from "../target.js";

/** Milliseconds between two looks at the logs of a run in which nothing else changes. */
const PAUSE = 1000;
/** Bytes of an output that an engine shows while its task runs. */
const SHOWN = 1024 * 1024;
/** Bytes of a line that may be missing at the end. */
const LONG_LINE = 32 * 1024;

export const logs: Command = {
  name: "logs",
  summary: "print what the tasks of a run wrote, oldest first",
  args: [RUN],
  options: {
    follow: { short: "f", help: "go on until the run is over" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE}

With --follow it also prints what a task writes while it runs: 1 MiB of each output at most, and the rest when the task ends. With --follow --json it prints each entry, and the further lines of one that grows, as one line of JSON (NDJSON); without --follow, {logs} at once.`,
  examples: [
    ["logs 3f2a", "what the tasks wrote so far"],
    ["logs 3f2a --follow", "and what they write until the run is over"],
  ],
  async run({ args, given, output, signal }) {
    const highway = await highwayOf(given);
    const handle = highway.handle(await runIdOf(highway, args[0] as string, signal));
    if (given["follow"]) {
      const onFull = ({ task, stream }: LogEntry): void => {
        const what = `${stream} of \`${oneLine(task ?? "run")}\``;
        output.note(`${what} is shown up to 1 MiB while it runs, and the rest when it ends`);
      };
      for await (const entry of followed(handle, signal, output.isJson ? () => {} : onFull)) {
        if (output.isJson) output.json(entry);
        else show(entry, output);
      }
      return FINE;
    }
    const entries = await handle.logs({ signal });
    if (output.isJson) output.json({ logs: entries });
    else for (const entry of entries) show(entry, output);
    return FINE;
  },
};

/** Entries as they come, until the run is over. */
async function* followed(
  handle: RunHandle,
  signal: AbortSignal,
  onFull: (entry: LogEntry) => void,
): AsyncGenerator<LogEntry> {
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
  // Its failure is thrown at the end.
  watching.catch(() => {});
  const full = new Set<string>();
  const seen: Seen = { entries: new Map(), lines: new Map() };
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const isLast = isOver;
      const entries = await handle.logs({ signal });
      yield* fresh(entries, seen);
      for (const entry of entries.filter(isNearlyFull)) {
        const key = JSON.stringify([entry.task, entry.attempt, entry.stream]);
        if (!isOver && !full.has(key)) onFull(entry);
        full.add(key);
      }
      if (isLast) break;
      if (!isOver) await Promise.race([changed, sleep(PAUSE, undefined, { signal: stop }).catch(() => {})]);
    }
    await watching;
  } finally {
    left.abort();
  }
}

/** Whether an output is about as long as an engine shows it while its task runs: whole lines of 1 MiB, unless `outputBytes` says otherwise. */
const isNearlyFull = ({ stream, content }: LogEntry): boolean =>
  (stream === "stdout" || stream === "stderr") && Buffer.byteLength(content) > SHOWN - LONG_LINE;

/** How often each entry was seen, and how many lines of each output. */
interface Seen {
  readonly entries: Map<string, number>;
  readonly lines: Map<string, number>;
}

/**
 * What was not seen. The output of a task grows while it runs: of it, the further lines. Other entries that are equal are told apart by their
 * number, because tasks side by side mix theirs.
 */
function fresh(entries: readonly LogEntry[], seen: Seen): LogEntry[] {
  const counts = new Map<string, number>();
  const counted = (key: string, more: number): number => {
    const count = (counts.get(key) ?? 0) + more;
    counts.set(key, count);
    return count;
  };
  return entries.flatMap((entry) => {
    const { task, attempt, stream, content } = entry;
    if (stream !== "stdout" && stream !== "stderr") {
      const key = JSON.stringify(entry);
      const count = counted(key, 1);
      if (count <= (seen.entries.get(key) ?? 0)) return [];
      seen.entries.set(key, count);
      return [entry];
    }
    const lines = content.replace(/\r?\n$/, "").split("\n");
    const key = JSON.stringify([task, attempt, stream]);
    const count = counted(key, lines.length);
    const before = seen.lines.get(key) ?? 0;
    if (count <= before) return [];
    seen.lines.set(key, count);
    const rest = lines.slice(Math.max(lines.length - (count - before), 0));
    return [{ ...entry, content: rest.join("\n") }];
  });
}

function show({ task, attempt, stream, content }: LogEntry, output: Output): void {
  const which = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : "";
  const label = `${oneLine(task ?? "run")}${which} ${oneLine(stream)}:`;
  const shown = output.paint(stream === "stdout" ? "dim" : "red", label, "stdout");
  for (const line of content.replace(/\n$/, "").split("\n")) output.result(`${shown} ${printable(line)}`);
}
