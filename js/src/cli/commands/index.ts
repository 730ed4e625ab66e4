/** The table of commands. */

import type { Command } from "../command.js";
import { approvals, approve, reject } from "./approvals.js";
import { cancel } from "./cancel.js";
import { completionOf } from "./completion.js";
import { graph } from "./graph.js";
import { helpOf } from "./help.js";
import { init } from "./init.js";
import { list } from "./list.js";
import { logs } from "./logs.js";
import { retry } from "./retry.js";
import { run } from "./run.js";
import { schedules } from "./schedules.js";
import { serve } from "./serve.js";
import { signal } from "./signal.js";
import { simulate } from "./simulate.js";
import { status } from "./status.js";
import { validate } from "./validate.js";

const WORK: readonly Command[] = [init, validate, graph, simulate, run, serve];
const RUNS: readonly Command[] = [list, status, logs, cancel, retry, signal];
const MORE: readonly Command[] = [approvals, approve, reject, schedules];

const all = (): readonly Command[] => COMMANDS;

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [...WORK, ...RUNS, ...MORE, completionOf(all), helpOf(all)];
