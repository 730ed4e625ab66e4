/** Tools that need an operating system: a shell and Python. */

import { failed, markedJson, outputOf, scriptResult } from "../engine/python-result.js";
import { badArguments, type Tool, type ToolArguments, type ToolContext, type Tools } from "../engine/tool.js";
import { checkOptions, invalid } from "../options.js";
import { type Finished, run } from "./process.js";
import { pythonRun } from "./python-run.js";
import { foldersOfRuns } from "./run-folder.js";

/** Settings of {@link nodeTools}. */
export interface NodeToolsOptions {
  /** Working directory of all commands. Default: a fresh one for each run, removed when the run is over. */
  cwd?: string | undefined;
  /**
   * Folder in which each run gets its working directory, which then outlives this process: for an engine with a store, whose runs go on at the next
   * start. What `tools.python.run` remembers of the steps of a run is kept there, too.
   */
  workspace?: string | undefined;
  /** Environment of the commands. Default: that of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The shell, called as `shell -c command`. Default: `/bin/sh`. */
  shell?: string | undefined;
  /** The Python interpreter. Default: `python3`. */
  python?: string | undefined;
}

/**
 * `tools.shell.run`, `tools.code.exec` and `tools.python.run` for Node, Deno and Bun. All tasks of a run share a working directory, so that
 * one finds the files another has written.
 *
 * - `tools.shell.run(command)`, or `{command, cwd?, env?, check?}`: result `{stdout, stderr, returncode, exit_code}`. An exit
 *   code other than 0 fails the attempt, unless `check` is false.
 * - `tools.code.exec({code})`: runs Python; the JSON it prints behind `__HIGHWAY_RESULT__:` is the `result`, and the fields
 *   of an object are readable at top level too.
 * - `tools.python.run("module.function", …args, {artifact_id?, …kwargs})`: calls a function of an uploaded zip archive, or of what
 *   Python finds by itself; what it returns is the result. This is what `durable` tasks run. `artifact_id` may also be the run's input
 *   `_artifact_id`. The durable context has `step`, `sleep`, `get_variable`, `set_variable`, `emit_event` and the ids of the run; steps
 *   are remembered for as long as the run lives, and this process unless there is a `workspace`; variables and events count once the function has returned. What
 *   it lacks (`wait_for_event`, encrypted variables, a database) says so. An exception fails the attempt, with its traceback in
 *   the result.
 *
 * When an attempt is given up, its processes are asked to end and ended a second later, with all they have started; so are
 * those that run when this process ends. What a finished command has left running in the background goes on.
 */
export function nodeTools(options: NodeToolsOptions = {}): Tools {
  checkOptions(options, ["cwd", "workspace", "env", "shell", "python"], "nodeTools");
  const { workspace } = options;
  if (workspace !== undefined && (typeof workspace !== "string" || workspace === "")) {
    throw invalid("`workspace` is no path", "/workspace");
  }
  const folder = foldersOfRuns("run", workspace, (path) => path);
  const directory = (context: ToolContext): string => options.cwd ?? folder(context);
  const environment = (more: unknown): NodeJS.ProcessEnv => ({
    ...(options.env ?? process.env),
    ...(more as object),
  });

  const shell: Tool = async (call, context) => {
    const command = call.args[0] ?? call.kwargs["command"];
    if (typeof command !== "string") throw badArguments("the command is not text");
    const cwd = textArgument(call, "cwd") ?? directory(context);
    const finished = await run(
      { file: options.shell ?? "/bin/sh", args: ["-c", command], cwd, env: environment(call.kwargs["env"]) },
      context.signal,
    );
    return checked(finished, call, outputOf(finished), "the command");
  };

  const python: Tool = async (call, context) => {
    const code = call.args[0] ?? call.kwargs["code"];
    if (typeof code !== "string") throw badArguments("the code is not text");
    const file = options.python ?? "python3";
    const env = { ...environment(call.kwargs["env"]), PYTHONIOENCODING: "utf-8" };
    const finished = await run(
      { file, args: ["-"], cwd: directory(context), env, input: code },
      context.signal,
    );
    const result = scriptResult(finished, markedJson(finished.stdout));
    return checked(finished, call, result, "the script");
  };

  return {
    "tools.shell.run": shell,
    "tools.code.exec": python,
    "tools.python.run": pythonRun({
      python: options.python ?? "python3",
      env: environment,
      directory,
      workspace,
    }),
  };
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
