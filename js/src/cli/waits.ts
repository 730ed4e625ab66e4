/** Finds what the tasks of a run wait for, apart from time: approvals, events, updates. */

import type { Highway } from "../client/highway.js";
import { isObject } from "../shared/plain.js";
import type { RunStatus } from "../client/run.js";
import { oneLine } from "./output.js";
import type { Draw } from "./progress.js";

/** A wait of a task. */
export interface Wait {
  readonly task: string;
  readonly kind: "approval" | "event" | "update";
  /** The key of the approval, or the name of the event or the update. */
  readonly name: string;
}

/** Finds waits, and gives advice about them. */
export interface Waits {
  /** The present waits of a run. */
  find(status: RunStatus): Promise<readonly Wait[]>;
  /** How to end a wait. */
  help(wait: Wait): string | undefined;
}

/** The waits of a run's sleeping tasks: approvals from the server, names from the definition. */
export async function waitsOf(
  highway: Highway,
  status: RunStatus,
  definition: unknown,
  signal?: AbortSignal,
): Promise<Wait[]> {
  const { runId, state } = status;
  const asleep = new Set(asleepIn(status).map(([name]) => name));
  // Rounds of loops are not part of the progress.
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

/** A wait as a sentence. */
export const sentence = ({ task, kind, name }: Wait): string =>
  `${oneLine(task)} waits for the ${kind} \`${oneLine(name)}\``;

/** Draws a run, with its waits as soon as they are known. */
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
      // Looking costs a request. If no other task sleeps, there is no new wait.
      const now = JSON.stringify([status.state, status.currentStep, asleepIn(status)]);
      if (now === looked) return;
      looked = now;
      // A server may lack the operation, and the run may end meanwhile. Then there is nothing to show.
      void look(status).catch(() => {});
    },
    stop() {
      isStopped = true;
    },
  };
}

/** The sleeping tasks of a run, with their states. */
const asleepIn = ({ progress: { tasks } }: RunStatus): [string, string][] =>
  Object.entries(tasks).filter(([, state]) => isAsleep(state));

const isAsleep = (state: string | undefined): boolean => state === "sleeping" || state === "waiting";

/** The tasks of a definition, at any depth, that wait for an event or an update. */
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
