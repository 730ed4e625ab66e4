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

/** Options of {@link nodeTools}. */
export interface NodeToolsOptions {
  /** Working directory of all commands. Default: a new one for each run, which is removed when the run has ended. */
  cwd?: string | undefined;
  /**
   * Folder for the working directories of runs, which then survive this process. Use it for an engine with a store,
   * whose runs continue at the next start. The finished steps of durable functions are kept there too.
   */
  workspace?: string | undefined;
  /**
   * Environment of the commands, passed on unchanged. Default: that of this process without the variables that begin
   * with `HIGHWAY_`, such as its API key and its secrets.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The shell, called as `shell -c command`; default: `/bin/sh`. */
  shell?: string | undefined;
  /** The Python interpreter; default: `python3`. */
  python?: string | undefined;
  /**
   * Bytes of output to keep of each stream of a command, half of them from the end; default: 10 MiB. The bytes in
   * between are counted.
   */
  maxOutput?: number | undefined;
  /**
   * The largest result of Python code, in bytes of JSON; default: 32 MiB. A larger one fails the task with
   * `LIMIT_EXCEEDED`.
   */
  maxResult?: number | undefined;
}

/**
 * The tools `tools.shell.run`, `tools.code.exec` and `tools.python.run` for Node, Deno and Bun. All tasks of a run
 * share a working directory, so one task finds the files of another.
 *
 * In `env`, values that are not text become JSON text, and null removes a variable.
 *
 * - `tools.shell.run(command)`, or `{command, cwd?, env?, check?}`, returns `{stdout, stderr, returncode, exit_code}`.
 *   An exit code other than 0 fails the attempt, unless `check` is false.
 * - `tools.code.exec({code, env?, timeout?})` runs Python, for at most `timeout` seconds. The `result` is the last JSON
 *   that the script itself prints after `__HIGHWAY_RESULT__:`, and the fields of an object are also available at top
 *   level. The output does not contain it. The output of child processes is only output. A result that JSON cannot hold
 *   fails the attempt with `VALUE_NOT_JSON`, which says where it is.
 * - `tools.python.run("module.function", …args, {artifact_id?, …kwargs})` calls a function of an uploaded zip archive,
 *   or of a module that Python finds, and returns its result. `durable` tasks use it. The artifact may also be named by
 *   the run input `_artifact_id`. The durable context has `step`, `sleep`, `get_variable`, `set_variable`, `emit_event`
 *   and the ids of the run. Finished steps are remembered until the run has ended, and without a `workspace` at most
 *   until this process ends. Variables and events take effect when the function has returned. What the context lacks
 *   (`wait_for_event`, encrypted variables, a database) fails with a message. An exception fails the attempt, with its
 *   traceback in the result.
 *
 * While a command runs, `driver.logs()` shows its complete lines so far. The output of an aborted attempt is its
 * result, `{stdout, stderr}`, up to the engine's `limits.outputBytes`. All its processes get SIGTERM, and SIGKILL a
 * second later; the same happens when this process ends. Two kinds of processes continue: background processes of a
 * finished command, and processes that started their own session (`setsid`). Only a container or a service manager ends
 * those.
 *
 * Commands run as the user of this process. They can read everything that this user can, including the environment of
 * this process (`/proc/PID/environ`). To keep secrets from commands, run them as another user or in a container.
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
