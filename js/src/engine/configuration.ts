/** Options that all engines of this package share. */

import { errorOf } from "../shared/errors.js";
import { checkCount, invalid } from "../shared/options.js";
import { isObject } from "../shared/plain.js";

/**
 * Limits by name. A task, a run or a request that exceeds one fails with `LIMIT_EXCEEDED`. The size of a value is the
 * length of its JSON text plus 32 bytes for every value inside it; docs/limits.md explains each limit.
 */
export interface EngineLimits {
  /**
   * Bytes of values that templates fill in: for one tool call, one payload, or all guards of a task. Default: 32 MiB.
   */
  argumentBytes?: number | undefined;
  /**
   * Bytes that one condition reads, plus 128 for each of its terms. The conditions of one `multi_choice` share the
   * limit. Default: 16 MiB.
   */
  conditionBytes?: number | undefined;
  /** Bytes of the arguments of all active calls; further calls wait. Default: 256 MiB. */
  callBytes?: number | undefined;
  /** Bytes of the result of a task. Default: 32 MiB. */
  resultBytes?: number | undefined;
  /**
   * Bytes of `stdout`, and of `stderr`, that are kept of a running tool and of an aborted attempt: half of them from
   * the beginning, half from the end. Default: 1 MiB.
   */
  outputBytes?: number | undefined;
  /** Bytes of everything that a run keeps. Default: 256 MiB. */
  runBytes?: number | undefined;
  /** Bytes of everything that an engine keeps. Default: 512 MiB. */
  engineBytes?: number | undefined;
  /** Bytes of a definition. Default: 8 MiB. */
  definitionBytes?: number | undefined;
  /** Tasks of a definition, with the nested ones. Default: 10,000. */
  definitionTasks?: number | undefined;
  /** Bytes of the body of a request, plus 32 for each value in it. Default: 16 MiB. */
  requestBytes?: number | undefined;
  /** Runs that a run starts, and runs that those start. Default: 10,000. */
  runDescendants?: number | undefined;
  /** Depth of nested runs, where each run starts the next. Default: 50. */
  runGenerations?: number | undefined;
  /** Items of a loop over a list. Default: 100,000. */
  loopItems?: number | undefined;
  /** Rounds of a loop with a condition. Default: 10,000. */
  loopRounds?: number | undefined;
  /** Signals of a run that no task has taken. Default: 10,000. */
  runSignals?: number | undefined;
  /** Updates sent to a run. Default: 10,000. */
  runUpdates?: number | undefined;
  /** Bytes of the events that are kept for later tasks; the oldest are dropped. Default: 64 MiB. */
  eventBytes?: number | undefined;
  /** Bytes of the name of an event, a signal or a schedule, or of an idempotency key. Default: 4 KiB. */
  nameBytes?: number | undefined;
  /** Bytes of a regular expression of a guard. Default: 4 KiB. */
  patternBytes?: number | undefined;
  /**
   * Steps to match all regular expressions of the guards of a task: the steps of an expression, for each byte of its
   * text and for 64 more. Default: 5,000,000.
   */
  patternSteps?: number | undefined;
  /** Schedules. Default: 10,000. */
  schedules?: number | undefined;
  /** Active runs of a scheduled workflow; its schedules wait until one of the runs ends. Default: 1,000. */
  scheduledRuns?: number | undefined;
  /** Finished runs of a schedule, with the runs that they started; the oldest are dropped. Default: 1,000. */
  scheduleHistory?: number | undefined;
}

/**
 * Checks the options that the core's engine takes.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function checkConfiguration(options: {
  concurrency?: unknown;
  maxStreams?: unknown;
  limits?: unknown;
  keepRuns?: unknown;
  env?: unknown;
  secrets?: unknown;
  templates?: unknown;
  pythonDsl?: unknown;
}): void {
  const { templates, pythonDsl } = options;
  for (const name of ["env", "secrets", "limits"] as const) {
    const given = options[name];
    if (given !== undefined && !isObject(given)) throw invalid(`\`${name}\` is not an object`, `/${name}`);
  }
  const [other] = Object.entries(options.secrets ?? {}).find(([, value]) => typeof value !== "string") ?? [];
  if (other !== undefined) throw invalid(`the secret \`${other}\` is not text`, `/secrets/${other}`);
  for (const name of ["concurrency", "maxStreams", "keepRuns"] as const) {
    checkCount(options[name], `/${name}`);
  }
  if (templates !== undefined && templates !== "strict" && templates !== "lenient") {
    throw invalid("`templates` is neither `strict` nor `lenient`", "/templates");
  }
  if (pythonDsl !== undefined && typeof pythonDsl !== "function") {
    throw invalid("`pythonDsl` is not a function", "/pythonDsl");
  }
}

/** The error of a closed engine. */
export function closed(): Error {
  return errorOf("ENGINE_CLOSED", "the engine is closed");
}
