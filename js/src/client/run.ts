/** Status, tasks and result of a run. */

import { ExecutionError } from "../shared/errors.js";

/**
 * State of a run. The last four are final. Every class of this package uses these words. Objects of the API, such as
 * the items of `highway.steps.list()`, keep the server's words.
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

/** State of a task in a run. `skipped` is final too: the task was not chosen, or a task that it depends on failed. */
export type TaskState = RunState | "skipped";

const FINAL: readonly string[] = ["completed", "failed", "cancelled", "timed_out"];

/** How far a run has come. */
export interface RunProgress {
  /**
   * Percentage of tasks that have ended, 0–100; null if the server does not send it. It is 100 only if the run
   * completed or still may.
   */
  readonly percent: number | null;
  /** State of each task, by name. */
  readonly tasks: Readonly<Record<string, TaskState>>;
}

interface FailureData {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly path?: string;
  /** With an error about a limit: its name and its value. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** @internal The status of a run, as the core writes it. */
export interface StatusData {
  readonly runId: string;
  readonly workflowName: string | null;
  readonly status: string;
  readonly state: RunState;
  /** Absent in the status of a run that is followed. */
  readonly result?: unknown;
  readonly error: FailureData | null;
  readonly currentStep: string | null;
  readonly progress: RunProgress;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** @internal A task of a run, as the core writes it. */
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

/** One log entry of a task. */
export interface LogEntry {
  /** Name of the task. */
  readonly task: string | null;
  /** Number of the attempt, from 1; null if the server does not send it. */
  readonly attempt: number | null;
  /**
   * Where the text was written: `stdout`, `stderr`, `log` (a tool's log lines on the embedded engine), or `error` (why
   * an attempt failed).
   */
  readonly stream: string;
  /** The text of the entry. */
  readonly content: string;
  /** Time of the entry, as ISO 8601 text; null if the server does not send it. */
  readonly timestamp: string | null;
}

/** The status of a run at one moment. */
export class RunStatus {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the workflow; null if the server does not send it. */
  readonly workflowName: string | null;
  /**
   * The server's word for the state. `timed_out` stands for a run that exceeded its time limit, which servers call
   * `failed`.
   */
  readonly status: string;
  /** The state in the words of this package. */
  readonly state: RunState;
  /** Why the run did not complete, as an error that you can throw; null while it runs and if it completed. */
  readonly error: ExecutionError | null;
  /** Name of a task that is running. */
  readonly currentStep: string | null;
  /** How far the run has come. */
  readonly progress: RunProgress;
  /** When the server accepted the run. */
  readonly createdAt: Date | null;
  /** When its first task started. */
  readonly startedAt: Date | null;
  /** When the run ended. */
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

  /** Whether the run completed. */
  get isSuccess(): boolean {
    return this.state === "completed";
  }

  /** Whether the run has ended. */
  get isTerminal(): boolean {
    return FINAL.includes(this.state);
  }
}

/** The outcome of one task of a run. */
export class TaskResult {
  /** Name of the task. */
  readonly name: string;
  /** The state of the task; `skipped` if it was not chosen or a task that it depends on failed. */
  readonly state: TaskState;
  /** The result of the task's tool. */
  readonly result: unknown;
  /** Why the task failed, as an error that you can throw. */
  readonly error: ExecutionError | null;
  /** Standard output of a shell command or script; null for other tasks. */
  readonly stdout: string | null;
  /** Standard error of a shell command or script; null for other tasks. */
  readonly stderr: string | null;
  /** Exit code of a shell command or script; null for other tasks. */
  readonly returncode: number | null;
  /** When the first attempt started. */
  readonly startedAt: Date | null;
  /** When the task ended. */
  readonly completedAt: Date | null;

  /**
   * Name of the task that this task delays: a driver writes the option `delay` as a separate wait. Null for all other
   * tasks.
   */
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

  /** Whether the task completed. */
  get isSuccess(): boolean {
    return this.state === "completed" && this.error === null;
  }
}

/** The result of a run that has ended, or the status of one that was just submitted. */
export class RunResult extends RunStatus {
  /** The `workflowId` of the submission. */
  readonly workflowId: string | null;
  /** The result of the run: `output` is that of the last task, and each task's result is under its result key. */
  readonly result: unknown;
  /** The outcome of each task, by name. */
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

/** @internal The result of a submission whose run is not awaited. */
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

/** @internal The tasks of the core's JSON, by name. */
export function namedTasks(tasks: unknown): NamedTask[] {
  return Object.entries(tasks as Record<string, TaskData>).map(([name, data]) => [
    name,
    new TaskResult(data),
  ]);
}

/**
 * @internal Tasks by name. The tasks in `parts` come first. Waits that only delay another task are included if `delays`
 * is true.
 */
export function taskMap(
  parts: readonly NamedTask[],
  tasks: unknown,
  delays = false,
): Readonly<Record<string, TaskResult>> {
  // A task in the parts replaces the same task in the rest, and keeps its place at the front.
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
