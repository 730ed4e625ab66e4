/** What the tasks of a run wait for, beyond time: people, events, updates. */

import type { Highway } from "../client/highway.js";
import { isObject } from "../shared/plain.js";
import type { RunStatus } from "../client/run.js";
import { oneLine } from "./output.js";
import type { Draw } from "./progress.js";

/** What a task waits for. */
export interface Wait {
  readonly task: string;
  readonly kind: "approval" | "event" | "update";
  /** The key of the approval, or the name of the event or the update. */
  readonly name: string;
}

/** How it is found out, and what is said about it. */
export interface Waits {
  /** What is waited for now. */
  find(status: RunStatus): Promise<readonly Wait[]>;
  /** What can be done about it. */
  help(wait: Wait): string | undefined;
}

/** What the sleeping tasks of a run wait for: approvals as the server lists them, names as the definition has them. */
export async function waitsOf(
  highway: Highway,
  status: RunStatus,
  definition: unknown,
  signal?: AbortSignal,
): Promise<Wait[]> {
  const { runId, state } = status;
  const asleep = new Set(asleepIn(status).map(([name]) => name));
  // Rounds of loops are no part of the progress.
  if (asleep.size === 0 && !isAsleep(state)) return [];
  const found = waitersIn(definition).filter(({ task }) => asleep.has(task));
  const approvals = await highway.approvals.list({ status: "pending", workflowRunId: runId, signal });
  return [
    ...approvals
      .filter(({ workflow_run_id: owner }) => owner === undefined || owner === runId)
      .map(({ approval_key: name, step_name: step }) => ({
        task: String(step ?? "a task"),
        kind: "approval" as const,
        name,
      })),
    ...found,
  ];
}

/** A wait in a sentence. */
export const sentence = ({ task, kind, name }: Wait): string =>
  `${oneLine(task)} waits for the ${kind} \`${oneLine(name)}\``;

/** Draws a run, and says what its tasks wait for as soon as that is known. */
export function lookAtWaits(
  draw: Draw,
  waits: Waits | undefined,
): { onProgress: (status: RunStatus) => void; stop: () => void } {
  const notes: string[] = [];
  let isStopped = false;
  let last: RunStatus | undefined;
  let looked = "";
  const look = async (status: RunStatus): Promise<void> => {
    const found = (await waits?.find(status)) ?? [];
    const told = found.flatMap((wait) => {
      const help = waits?.help(wait);
      return [sentence(wait), ...(help === undefined ? [] : [`help: ${help}`])];
    });
    const fresh = told.filter((note) => !notes.includes(note));
    notes.push(...fresh);
    if (fresh.length > 0 && !isStopped && last !== undefined) draw(last, notes);
  };
  return {
    onProgress(status) {
      last = status;
      draw(status, notes);
      // A look costs a request, and nothing new waits where nothing else sleeps.
      const now = JSON.stringify([status.state, status.currentStep, asleepIn(status)]);
      if (now === looked) return;
      looked = now;
      // A server may not offer it, and the run may be over meanwhile: then nothing is said.
      void look(status).catch(() => {});
    },
    stop() {
      isStopped = true;
    },
  };
}

/** Its tasks that sleep, with their states. */
const asleepIn = ({ progress: { tasks } }: RunStatus): [string, string][] =>
  Object.entries(tasks).filter(([, state]) => isAsleep(state));

const isAsleep = (state: string | undefined): boolean => state === "sleeping" || state === "waiting";

/** The tasks of a definition, those inside others included, that wait for an event or an update. */
function waitersIn(value: unknown): Wait[] {
  if (Array.isArray(value)) return value.flatMap(waitersIn);
  if (!isObject(value)) return [];
  const { task_id: task, operator_type: type, event_name: event, function: tool, kwargs } = value;
  const inside = Object.values(value).flatMap(waitersIn);
  if (typeof task !== "string") return inside;
  if (type === "wait_for_event" && typeof event === "string")
    return [{ task, kind: "event", name: event }, ...inside];
  const { update_name: update } = Object(kwargs ?? {}) as { update_name?: unknown };
  return tool === "tools.update.handle" && typeof update === "string"
    ? [{ task, kind: "update", name: update }, ...inside]
    : inside;
}
