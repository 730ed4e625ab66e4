/** The timeline of runs, and what determined when they ended. */

import type { ExecutionError } from "../shared/errors.js";
import { makeError } from "../shared/errors.js";
import type { RunState, TaskState } from "../client/run.js";

/**
 * The kind of an entry of a timeline:
 *
 * - `attempt`: a tool ran.
 * - `decision`: the engine decided at once: a condition, a switch, a fork, an emitted event.
 * - `loop`, `join`, `children`: steps ran inside it or were awaited. These steps have their own entries.
 * - `sleep`, `retry`, `event`, `update`, `approval`: a wait for a time, the next attempt, an event or a signal, an
 *   update, a person.
 * - `queue`: a wait until another tool may run.
 * - `run`: only in a critical path, for a run whose end its steps do not explain: it exceeded its time limit, was
 *   cancelled, or waited for another run.
 */
export type TimelineKind =
  | "attempt"
  | "decision"
  | "loop"
  | "join"
  | "children"
  | "sleep"
  | "retry"
  | "event"
  | "update"
  | "approval"
  | "queue"
  | "run";

/** A piece of work, a decision or a wait in a run. */
export interface TimelineEntry {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the step: that of the task, with the number of the round for each loop around it. Null for a `run`. */
  readonly step: string | null;
  /** Id of the task. */
  readonly task: string | null;
  readonly kind: TimelineKind;
  /** Name of the task's tool; null if it has none. */
  readonly tool: string | null;
  /** Number of the attempt, from 1. For a `retry`, that of the failed attempt. */
  readonly attempt: number;
  /** Name of the event, the update or the approval that it waited for. */
  readonly waitsFor: string | null;
  /** Start, in virtual time. */
  readonly start: Date;
  /** End, in virtual time; null while it lasts. */
  readonly end: Date | null;
  /** How it ended; null while it lasts. */
  readonly outcome: "completed" | "failed" | "timed_out" | "cancelled" | null;
  /** Why it failed. */
  readonly error: ExecutionError | null;
}

/** The outcome of a step. */
export interface SimulatedStep {
  readonly status: TaskState;
  readonly result: unknown;
  /** Why it failed; null if it did not. */
  readonly error: ExecutionError | null;
  /** Attempts after the first one. */
  readonly retries: number;
  /** When its first attempt started, in virtual time; null if none did. */
  readonly startedAt: Date | null;
  /** When it ended, in virtual time; null if it did not. */
  readonly completedAt: Date | null;
}

/** The outcome of a run. */
export interface SimulatedRun {
  readonly runId: string;
  /** Name of the workflow. */
  readonly workflow: string;
  /** Id of the run that started it; null if none did. */
  readonly parentRunId: string | null;
  /** The state of the run; `stuck` if it waits for something that will never happen. */
  readonly status: RunState | "stuck";
  /** The result of the run: `output` is that of the last task, and each task's result is under its result key. */
  readonly result: unknown;
  /** Why it did not complete. */
  readonly error: ExecutionError | null;
  /** The steps of the run, by name. */
  readonly steps: Readonly<Record<string, SimulatedStep>>;
  /**
   * The work and the waits that determined when the run ended. Each entry begins when the one before ends; the first
   * begins with the run, and the last ends with it. Empty until the run has ended.
   */
  readonly criticalPath: readonly TimelineEntry[];
  /** When it started, in virtual time. */
  readonly startedAt: Date;
  /** When it ended; null until it has. */
  readonly endedAt: Date | null;
  /** Seconds of virtual time from `startedAt` to `endedAt`. */
  readonly durationSeconds: number | null;
}

interface FailureData {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

/** @internal The timeline as the core writes it. Moments are milliseconds since the Unix epoch. */
export interface TimelineData {
  readonly entries: readonly EntryRow[];
  readonly runs: readonly RunData[];
}

type EntryRow = readonly [
  run: number,
  step: string | null,
  task: string | null,
  kind: TimelineKind,
  tool: string | null,
  attempt: number,
  waitsFor: string | null,
  start: number,
  end: number | null,
  outcome: string | null,
  failure: FailureData | null,
];

type StepRow = readonly [
  name: string,
  status: string,
  result: unknown,
  failure: FailureData | null,
  retries: number,
  start: number | null,
  end: number | null,
];

interface RunData {
  readonly run_id: string;
  readonly workflow_name: string;
  readonly parent_run_id?: string;
  readonly status: RunState;
  readonly result: unknown;
  readonly error_details?: FailureData;
  readonly start: number;
  readonly end: number | null;
  readonly path: readonly (number | readonly [start: number, end: number])[];
  readonly unreached: readonly string[];
  readonly steps: readonly StepRow[];
}

/** @internal A timeline and its runs. */
export interface Timeline {
  readonly entries: readonly TimelineEntry[];
  readonly runs: readonly SimulatedRun[];
}

/** @internal Turns the core's timeline into objects. */
export function timelineOf({ entries, runs }: TimelineData): Timeline {
  const told = entries.map(
    ([run, step, task, kind, tool, attempt, waitsFor, start, end, outcome, failure]): TimelineEntry => ({
      runId: runs[run]?.run_id ?? "",
      step,
      task,
      kind,
      tool,
      attempt,
      waitsFor,
      start: new Date(start),
      end: date(end),
      outcome: outcome === null ? null : stateOf<NonNullable<TimelineEntry["outcome"]>>(outcome),
      error: failureOf(failure),
    }),
  );
  return { entries: told, runs: runs.map((run) => runOf(run, told)) };
}

/** @internal The kinds of the entries that have not ended. */
export function openKinds({ entries }: TimelineData): TimelineKind[] {
  return entries.filter((row) => row[8] === null).map((row) => row[3]);
}

/** The state for the core's word for a step's status. */
const stateOf = <T extends TaskState>(word: string): T => (word === "succeeded" ? "completed" : word) as T;

function runOf(run: RunData, entries: readonly TimelineEntry[]): SimulatedRun {
  const { run_id: runId, error_details: failure, start, end } = run;
  // The API has no word of its own for a run that exceeded its time limit.
  const isLate = failure?.code === "RUN_TIMED_OUT" && run.status === "failed";
  const status = isLate ? "timed_out" : run.status;
  const path = run.path.map((link) => {
    if (typeof link === "number") return entries[link] as TimelineEntry;
    return wholeRun(runId, new Date(link[0]), new Date(link[1]), status);
  });
  // `fromEntries`, because a step may be called `__proto__`.
  const steps = Object.fromEntries(
    run.steps.map(([name, status, result, error, retries, began, ended]): [string, SimulatedStep] => [
      name,
      {
        status: stateOf<TaskState>(status),
        result,
        retries,
        startedAt: date(began),
        completedAt: date(ended),
        error: failureOf(error, { task: name }),
      },
    ]),
  );
  return {
    runId,
    workflow: run.workflow_name,
    parentRunId: run.parent_run_id ?? null,
    status,
    result: run.result,
    error: failureOf(failure, { runId }),
    steps,
    criticalPath: path,
    startedAt: new Date(start),
    endedAt: date(end),
    durationSeconds: end && (end - start) / 1000,
  };
}

function wholeRun(runId: string, start: Date, end: Date, status: RunState): TimelineEntry {
  return {
    runId,
    step: null,
    task: null,
    kind: "run",
    tool: null,
    attempt: 1,
    waitsFor: null,
    start,
    end,
    outcome: status as TimelineEntry["outcome"],
    error: null,
  };
}

function failureOf(
  data: FailureData | null | undefined,
  details?: Record<string, unknown>,
): ExecutionError | null {
  return data ? makeError("ExecutionError", { ...data, details }) : null;
}

function date(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

/** @internal A timeline as text, one entry per line, with times in seconds since `from`. */
export function drawn(entries: readonly TimelineEntry[], from: Date): string {
  const since = (at: Date | null): string =>
    at === null ? "…" : `${(at.getTime() - from.getTime()) / 1000}`;
  const lines = entries.map(({ start, end, kind, step, attempt, outcome, error, waitsFor }) => {
    const what = [step, waitsFor && `for \`${waitsFor}\``, attempt > 1 && `attempt ${attempt}`].filter(
      Boolean,
    );
    const how = outcome === null ? "under way" : error ? `${outcome}: ${error.message}` : outcome;
    return `  ${`${since(start)} – ${since(end)} s`.padEnd(18)} ${kind.padEnd(9)} ${what.join(", ")}: ${how}`;
  });
  return lines.join("\n");
}

/** @internal The task of a step: its name without the numbers of the rounds. */
export const taskOf = (step: string): string => step.replace(/(\[\d+\])+$/, "");
