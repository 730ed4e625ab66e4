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

export const logs: Command = {
  name: "logs",
  summary: "print what the tasks of a run wrote, oldest first",
  args: [RUN],
  options: {
    follow: { short: "f", help: "go on until the run is over" },
    ...SERVER_OPTIONS,
  },
  notes: `${RUN_NOTE}

With --follow --json it prints each entry as one line of JSON (NDJSON); without --follow, {logs} at once.`,
  examples: [
    ["logs 3f2a", "what the tasks wrote so far"],
    ["logs 3f2a --follow", "and what they write until the run is over"],
  ],
  async run({ args, given, output, signal }) {
    const highway = await highwayOf(given);
    const handle = highway.handle(await runIdOf(highway, args[0] as string, signal));
    if (given["follow"]) {
      for await (const entry of followed(handle, signal)) {
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
  // Its failure is thrown at the end.
  watching.catch(() => {});
  const seen = new Map<string, number>();
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const isLast = isOver;
      yield* fresh(await handle.logs({ signal }), seen);
      if (isLast) break;
      if (!isOver) await Promise.race([changed, sleep(PAUSE, undefined, { signal: stop }).catch(() => {})]);
    }
    await watching;
  } finally {
    left.abort();
  }
}

/** Entries that were not seen. Equal ones are told apart by their number, because tasks side by side mix theirs. */
function fresh(entries: readonly LogEntry[], seen: Map<string, number>): LogEntry[] {
  const counts = new Map<string, number>();
  return entries.filter((entry) => {
    const key = JSON.stringify(entry);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const isNew = count > (seen.get(key) ?? 0);
    if (isNew) seen.set(key, count);
    return isNew;
  });
}

function show({ task, attempt, stream, content }: LogEntry, output: Output): void {
  const which = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : "";
  const label = `${oneLine(task ?? "run")}${which} ${oneLine(stream)}:`;
  const shown = output.paint(stream === "stdout" ? "dim" : "red", label, "stdout");
  for (const line of content.replace(/\n$/, "").split("\n")) output.result(`${shown} ${printable(line)}`);
}
