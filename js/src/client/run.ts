/** Runs as they are told: their status, their tasks, their result. */

import { ExecutionError } from "../shared/errors.js";

/**
 * State of a run. The last four are final. Every object of this package uses these words; what the API itself sends, such as the
 * items of `highway.steps.list()`, keeps the server's.
 */
export type RunState =
  | "pending"
  | "submitted"
  | "running"
  | "scheduled"
  | "sleeping"
  | "waiting"
  | "completed"
  | "failed"
  | "cancelled"
  | "timed_out";

/** State of a task in a run; `skipped` is final, too: the task was not chosen, or what it depends on failed. */
export type TaskState = RunState | "skipped";

const FINAL: readonly string[] = ["completed", "failed", "cancelled", "timed_out"];

/** How far a run is. */
export interface RunProgress {
  /** Share of the tasks that are over, 0–100; null where the server does not tell. 100 only where the run completed or may yet. */
  readonly percent: number | null;
  /** The state of each task, by name. */
  readonly tasks: Readonly<Record<string, TaskState>>;
}

interface FailureData {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly path?: string;
  /** What the engine tells of a limit: its name and how much it allows. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** @internal */
export interface StatusData {
  readonly runId: string;
  readonly workflowName: string | null;
  readonly status: string;
  readonly state: RunState;
  /** Absent in what a follower is told. */
  readonly result?: unknown;
  readonly error: FailureData | null;
  readonly currentStep: string | null;
  readonly progress: RunProgress;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** @internal */
export interface TaskData {
  readonly name: string;
  readonly state: TaskState;
  readonly result: unknown;
  readonly error: FailureData | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  readonly returncode: number | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly delayOf?: string;
}

/** One thing a task wrote. */
export interface LogEntry {
  /** Name of the task. */
  readonly task: string | null;
  /** Number of the attempt, from 1, where the server tells. */
  readonly attempt: number | null;
  /** `stdout`, `stderr`, `log` for what a tool of the embedded engine has told, or `error` for why an attempt failed. */
  readonly stream: string;
  /** The text. */
  readonly content: string;
  /** ISO 8601, where the server tells. */
  readonly timestamp: string | null;
}

/** A run as it was last seen. */
export class RunStatus {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the workflow, where the server tells. */
  readonly workflowName: string | null;
  /** The server's own word; `timed_out` for a run that passed its time limit, which servers call `failed`. */
  readonly status: string;
  /** The state it stands for. */
  readonly state: RunState;
  /** Why the run did not complete; can be thrown. */
  readonly error: ExecutionError | null;
  /** The task that is under way. */
  readonly currentStep: string | null;
  /** How far it is. */
  readonly progress: RunProgress;
  /** When it was accepted. */
  readonly createdAt: Date | null;
  /** When its first task started. */
  readonly startedAt: Date | null;
  /** When it ended. */
  readonly completedAt: Date | null;

  /** @internal */
  constructor(data: StatusData) {
    this.runId = data.runId;
    this.workflowName = data.workflowName;
    this.status = data.status;
    this.state = data.state;
    this.error = failure(data.error, { runId: data.runId });
    this.currentStep = data.currentStep;
    this.progress = data.progress;
    this.createdAt = date(data.createdAt);
    this.startedAt = date(data.startedAt);
    this.completedAt = date(data.completedAt);
  }

  /** Whether every task completed. */
  get isSuccess(): boolean {
    return this.state === "completed";
  }

  /** Whether nothing more will happen. */
  get isTerminal(): boolean {
    return FINAL.includes(this.state);
  }
}

/** What one task of a run gave. */
export class TaskResult {
  /** Name of the task. */
  readonly name: string;
  /** How it ended; `skipped` when a task it depends on failed. */
  readonly state: TaskState;
  /** What its tool gave. */
  readonly result: unknown;
  /** Why it failed. */
  readonly error: ExecutionError | null;
  /** What a shell command or a script wrote. */
  readonly stdout: string | null;
  /** What it wrote to standard error. */
  readonly stderr: string | null;
  /** Its exit code. */
  readonly returncode: number | null;
  /** When its first attempt started. */
  readonly startedAt: Date | null;
  /** When it ended. */
  readonly completedAt: Date | null;

  /** Name of the task that it only delays: a driver writes such waits for the option `delay`. Null for all others. */
  readonly delayOf: string | null;

  /** @internal */
  constructor(data: TaskData) {
    this.name = data.name;
    this.delayOf = data.delayOf ?? null;
    this.state = data.state;
    this.result = data.result;
    this.error = failure(data.error, { task: data.name });
    this.stdout = data.stdout;
    this.stderr = data.stderr;
    this.returncode = data.returncode;
    this.startedAt = date(data.startedAt);
    this.completedAt = date(data.completedAt);
  }

  /** Whether it completed. */
  get isSuccess(): boolean {
    return this.state === "completed" && this.error === null;
  }
}

/** A run that was waited for, or one that was just submitted. */
export class RunResult extends RunStatus {
  /** The `workflowId` it was submitted with. */
  readonly workflowId: string | null;
  /** What the run gave: `output` of its last task, and each task's result under its result key. */
  readonly result: unknown;
  /** Results by task name. */
  readonly tasks: Readonly<Record<string, TaskResult>>;

  /** @internal */
  constructor(data: StatusData, tasks: Readonly<Record<string, TaskResult>>, workflowId: string | null) {
    super(data);
    this.workflowId = workflowId;
    this.result = data.result;
    this.tasks = tasks;
  }

  /** Whether every task completed. */
  get allTasksSucceeded(): boolean {
    return Object.values(this.tasks).every((task) => task.isSuccess);
  }
}

/** @internal The result of a run that nobody waited for. */
export function submitted(runId: string, workflowName: string, workflowId: string | null): RunResult {
  const data: StatusData = {
    runId,
    workflowName,
    status: "submitted",
    state: "submitted",
    result: null,
    error: null,
    currentStep: null,
    progress: { percent: null, tasks: {} },
    createdAt: null,
    startedAt: null,
    completedAt: null,
  };
  return new RunResult(data, {}, workflowId);
}

/** @internal */
export type NamedTask = [name: string, task: TaskResult];

/** @internal Tasks with their names, as the core gives them. */
export function namedTasks(tasks: unknown): NamedTask[] {
  return Object.entries(tasks as Record<string, TaskData>).map(([name, data]) => [
    name,
    new TaskResult(data),
  ]);
}

/** @internal Tasks by name, those of the parts first; those that only delay another one where they are wanted. */
export function taskMap(
  parts: readonly NamedTask[],
  tasks: unknown,
  delays = false,
): Readonly<Record<string, TaskResult>> {
  // What is in the parts counts, also where the rest has it from elsewhere.
  const all = [...parts, ...namedTasks(tasks), ...parts];
  return Object.fromEntries(all.filter(([, { delayOf }]) => delays || !delayOf));
}

function failure(data: FailureData | null, details: Record<string, unknown>): ExecutionError | null {
  return data === null ? null : new ExecutionError({ ...data, details: { ...data.details, ...details } });
}

function date(text: string | null): Date | null {
  const moment = new Date(text ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? null : moment;
}
