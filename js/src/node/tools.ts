/** Tools that need an operating system: a shell and Python. */

import { failed, outputOf } from "../engine/tools/python-result.js";
import {
  badArguments,
  ownTools,
  textGiven,
  type Tool,
  type ToolArguments,
  type ToolContext,
  type Tools,
} from "../engine/tools/tool.js";
import { variablesOf } from "../engine/tools/variables.js";
import { checkOptions, invalid } from "../shared/options.js";
import { type Finished, run } from "./process.js";
import { pythonExec } from "./python-exec.js";
import { pythonRun } from "./python-run.js";
import { guestEnvironment } from "./environment.js";
import { foldersOfRuns } from "./run-folder.js";

const MIB = 1024 * 1024;

/** Settings of {@link nodeTools}. */
export interface NodeToolsOptions {
  /** Working directory of all commands. Default: a fresh one for each run, removed when the run is over. */
  cwd?: string | undefined;
  /**
   * Folder in which each run gets its working directory, which then outlives this process: for an engine with a store, whose runs go on at the next
   * start. What `tools.python.run` remembers of the steps of a run is kept there, too.
   */
  workspace?: string | undefined;
  /**
   * Environment of the commands. Default: that of this process, without the variables that begin with `HIGHWAY_`: they are the host's, such as
   * its API key and its secrets. What is given here is passed on as it is.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The shell, called as `shell -c command`. Default: `/bin/sh`. */
  shell?: string | undefined;
  /** The Python interpreter. Default: `python3`. */
  python?: string | undefined;
  /** Bytes of output that are kept of each stream of a command, half of them from its end; 10 MiB by default. What is between is counted. */
  maxOutput?: number | undefined;
  /** Bytes of what a piece of Python gives, as JSON; 32 MiB by default. A larger result fails the task with `LIMIT_EXCEEDED`. */
  maxResult?: number | undefined;
}

/**
 * `tools.shell.run`, `tools.code.exec` and `tools.python.run` for Node, Deno and Bun. All tasks of a run share a working directory, so that
 * one finds the files another has written.
 *
 * In `env` a list, an object, a number or a boolean becomes JSON text, and null takes a variable away.
 *
 * - `tools.shell.run(command)`, or `{command, cwd?, env?, check?}`: result `{stdout, stderr, returncode, exit_code}`. An exit
 *   code other than 0 fails the attempt, unless `check` is false.
 * - `tools.code.exec({code, env?, timeout?})`: runs Python, for so many seconds at most; the JSON that the script itself prints behind `__HIGHWAY_RESULT__:`, the last one, is the `result`, and
 *   the fields of an object are readable at top level too. The output is without it. What child processes print is output alone. A result that
 *   JSON cannot carry fails the attempt with `VALUE_NOT_JSON` and says where it is.
 * - `tools.python.run("module.function", …args, {artifact_id?, …kwargs})`: calls a function of an uploaded zip archive, or of what
 *   Python finds by itself; what it returns is the result. This is what `durable` tasks run. `artifact_id` may also be the run's input
 *   `_artifact_id`. The durable context has `step`, `sleep`, `get_variable`, `set_variable`, `emit_event` and the ids of the run; steps
 *   are remembered for as long as the run lives, and this process unless there is a `workspace`; variables and events count once the function has returned. What
 *   it lacks (`wait_for_event`, encrypted variables, a database) says so. An exception fails the attempt, with its traceback in
 *   the result.
 *
 * While a command runs, `driver.logs()` shows the whole lines that it has written so far. When an attempt is given up, what it has written is its
 * result, `{stdout, stderr}`, up to `limits.outputBytes` of the engine. Its processes are asked to end and ended a second later, with all they have started; so are
 * those that run when this process ends. What a finished command has left running in the background goes on, and so does what has begun a
 * session of its own (`setsid`): only a container or a service manager ends that.
 *
 * Commands run as the user of this process, and can read all that this user can, also the environment of this process
 * (`/proc/PID/environ`). Only another user or a container keeps secrets of the host from commands that look for them.
 */
export function nodeTools(options: NodeToolsOptions = {}): Tools {
  checkOptions(
    options,
    ["cwd", "workspace", "env", "shell", "python", "maxOutput", "maxResult"],
    "nodeTools",
  );
  const { workspace } = options;
  if (workspace !== undefined && (typeof workspace !== "string" || workspace === "")) {
    throw invalid("`workspace` is not a path", "/workspace");
  }
  const folder = foldersOfRuns("run", workspace, (path) => path);
  const directory = (context: ToolContext): string => options.cwd ?? folder(context);
  const own = options.env ?? guestEnvironment();
  const environment = (more: unknown): NodeJS.ProcessEnv => ({ ...own, ...variablesOf(more) });
  const maxOutput = count(options.maxOutput, "maxOutput", 10 * MIB);
  const settings = {
    python: options.python ?? "python3",
    env: environment,
    directory,
    workspace,
    maxOutput,
    maxResult: count(options.maxResult, "maxResult", 32 * MIB),
  };

  const shell: Tool = async (call, context) => {
    const command = textGiven(
      call.args[0] ?? call.kwargs["command"],
      "command",
      "give a command, such as `ls -la`",
      true,
    );
    const cwd = textArgument(call, "cwd") ?? directory(context);
    const file = options.shell ?? "/bin/sh";
    const env = environment(call.kwargs["env"]);
    const finished = await run(
      { file, args: ["-c", command], cwd, env, maxOutput, output: context.output },
      context.signal,
    );
    return checked(finished, call, outputOf(finished), "the command");
  };

  return ownTools({
    "tools.shell.run": shell,
    "tools.code.exec": pythonExec(settings),
    "tools.python.run": pythonRun(settings),
  });
}

function count(given: number | undefined, name: string, usual: number): number {
  const value = given === undefined ? usual : given;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(`\`${name}\` is not a whole number above 0`, `/${name}`);
}

function checked(finished: Finished, call: ToolArguments, result: unknown, what: string): unknown {
  if (finished.code === 0 || call.kwargs["check"] === false) return result;
  throw failed(`${what} ended with exit code ${finished.code}`, finished, result);
}

function textArgument(call: ToolArguments, name: string): string | undefined {
  const value = call.kwargs[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw badArguments(`\`${name}\` is not text`);
  return value;
}
