/** All commands, as the help lists them. */

import type { Command } from "../command.js";
import { cancel } from "./cancel.js";
import { graph } from "./graph.js";
import { list } from "./list.js";
import { logs } from "./logs.js";
import { run } from "./run.js";
import { serve } from "./serve.js";
import { status } from "./status.js";
import { validate } from "./validate.js";

export const COMMANDS: readonly Command[] = [serve, run, validate, graph, list, status, logs, cancel];
