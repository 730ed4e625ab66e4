/** What all engines of this package have in common. */

import { errorOf } from "../errors.js";
import { invalid } from "../options.js";
import { isObject } from "../plain.js";

/**
 * How large things may become, by name. What goes beyond a limit fails its task, its run or its request with `LIMIT_EXCEEDED`. Bytes are
 * those of texts, and 32 for each value; docs/limits.md says what each limit is for.
 */
export interface EngineLimits {
  /** Bytes of what templates fill in for one call of a tool, one payload, all guards of a task. Default: 32 MiB. */
  argumentBytes?: number | undefined;
  /** Bytes that one condition reads, and 128 for each of its terms. The conditions of one `multi_choice` share them. Default: 16 MiB. */
  conditionBytes?: number | undefined;
  /** Bytes of the arguments of all calls that are under way; further calls wait. Default: 256 MiB. */
  callBytes?: number | undefined;
  /** Bytes of what a task gives. Default: 32 MiB. */
  resultBytes?: number | undefined;
  /**
   * Bytes of `stdout`, and of `stderr`, that a running tool shows, and that are kept where its attempt is given up: half from the
   * beginning, half from the end. Default: 1 MiB.
   */
  outputBytes?: number | undefined;
  /** Bytes of all that a run keeps. Default: 256 MiB. */
  runBytes?: number | undefined;
  /** Bytes of all that an engine keeps. Default: 512 MiB. */
  engineBytes?: number | undefined;
  /** Bytes of a definition. Default: 8 MiB. */
  definitionBytes?: number | undefined;
  /** Tasks of a definition, those inside of others counted. Default: 10,000. */
  definitionTasks?: number | undefined;
  /** Bytes of the body of a request. Default: 16 MiB. */
  requestBytes?: number | undefined;
  /** Runs that a run starts, and those that they start. Default: 10,000. */
  runDescendants?: number | undefined;
  /** Runs that start each other, one inside the other. Default: 50. */
  runGenerations?: number | undefined;
  /** Items of a loop over a list. Default: 100,000. */
  loopItems?: number | undefined;
  /** Rounds of a loop with a condition. Default: 10,000. */
  loopRounds?: number | undefined;
  /** Signals of a run that nobody has taken. Default: 10,000. */
  runSignals?: number | undefined;
  /** Updates that a run was sent. Default: 10,000. */
  runUpdates?: number | undefined;
  /** Bytes of the events that are kept for those who ask later; the oldest are dropped. Default: 64 MiB. */
  eventBytes?: number | undefined;
  /** Bytes of the name of an event, of a signal, of a schedule, of an idempotency key. Default: 4 KiB. */
  nameBytes?: number | undefined;
  /** Bytes of a regular expression of a guard. Default: 4 KiB. */
  patternBytes?: number | undefined;
  /** Steps that matching the regular expressions of the guards of a task may take: those of each expression, for each byte of its text. Default: 5,000,000. */
  patternSteps?: number | undefined;
  /** Schedules. Default: 10,000. */
  schedules?: number | undefined;
  /** Active runs of a scheduled workflow; its schedules wait until one ends. Default: 1,000. */
  scheduledRuns?: number | undefined;
  /** Runs of a schedule that are over and kept, with those that they started; the oldest are forgotten. Default: 1,000. */
  scheduleHistory?: number | undefined;
}

/** Checks options that are passed on to the state machine. @throws {ConfigurationError} `OPTION_INVALID`. */
export function checkConfiguration(options: {
  concurrency?: unknown;
  maxStreams?: unknown;
  limits?: unknown;
  keepRuns?: unknown;
  env?: unknown;
  secrets?: unknown;
  templates?: unknown;
}): void {
  const { templates } = options;
  for (const name of ["env", "secrets", "limits"] as const) {
    const given = options[name];
    if (given !== undefined && !isObject(given)) throw invalid(`\`${name}\` is not an object`, `/${name}`);
  }
  const [other] = Object.entries(options.secrets ?? {}).find(([, value]) => typeof value !== "string") ?? [];
  if (other !== undefined) throw invalid(`the secret \`${other}\` is no text`, `/secrets/${other}`);
  for (const name of ["concurrency", "maxStreams", "keepRuns"] as const) {
    const given = options[name];
    if (given !== undefined && !(Number.isInteger(given) && Number(given) > 0)) {
      throw invalid(`\`${name}\` is not a whole number above 0`, `/${name}`);
    }
  }
  if (templates !== undefined && templates !== "strict" && templates !== "lenient") {
    throw invalid("`templates` is neither `strict` nor `lenient`", "/templates");
  }
}

/** The refusal of an engine that is closed. */
export function closed(): Error {
  return errorOf("ENGINE_CLOSED", "the engine is closed");
}
