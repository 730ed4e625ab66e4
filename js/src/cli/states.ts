/** The states of runs and tasks, with their signs and colours. */

import type { Colour } from "./output.js";

/** The states of a run. */
export const RUN_STATES = [
  "pending",
  "submitted",
  "running",
  "scheduled",
  "sleeping",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "timed_out",
] as const;

const LOOKS: Readonly<Record<string, readonly [sign: string, colour: Colour]>> = {
  running: ["▸", "cyan"],
  sleeping: ["z", "cyan"],
  waiting: ["z", "cyan"],
  scheduled: ["z", "cyan"],
  completed: ["✓", "green"],
  failed: ["✗", "red"],
  timed_out: ["✗", "red"],
  cancelled: ["-", "yellow"],
  skipped: ["-", "dim"],
};

/** Sign and colour of a state. Servers may use other words. */
export const looksOf = (state: string): readonly [sign: string, colour: Colour] =>
  LOOKS[state] ?? ["·", "dim"];

/** Whether a task in this state has ended. */
export const isOver = (state: string): boolean =>
  ["completed", "failed", "timed_out", "cancelled", "skipped"].includes(state);
