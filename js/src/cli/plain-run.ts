/** Runs as plain data, for `--json`. */

import type { HighwayError } from "../shared/errors.js";
import type { RunResult, RunStatus, TaskResult } from "../client/run.js";
import { helpOf } from "./advice.js";

/** The status of a run. */
export function plainStatus(run: RunStatus): Record<string, unknown> {
  const { runId, workflowName, status, state, error, currentStep, progress } = run;
  const { createdAt, startedAt, completedAt } = run;
  return {
    runId,
    workflowName,
    status,
    state,
    error: error && plainError(error),
    currentStep,
    progress,
    createdAt,
    startedAt,
    completedAt,
  };
}

/** A run that has ended, with the results of its tasks. */
export function plainResult(run: RunResult): Record<string, unknown> {
  const { currentStep: _step, progress: _progress, ...status } = plainStatus(run) as Record<string, unknown>;
  const tasks = Object.fromEntries(Object.entries(run.tasks).map(([name, task]) => [name, plainTask(task)]));
  return { ...status, result: run.result ?? null, tasks };
}

function plainTask(task: TaskResult): Record<string, unknown> {
  const { state, result = null, error, stdout, stderr, returncode, startedAt, completedAt } = task;
  return {
    state,
    result,
    error: error && plainError(error),
    stdout,
    stderr,
    returncode,
    startedAt,
    completedAt,
  };
}

function plainError(error: HighwayError): Record<string, unknown> {
  const help = helpOf(error);
  return { code: error.code, message: error.message, ...(help === undefined ? {} : { help }) };
}
