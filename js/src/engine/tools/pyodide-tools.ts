/** `tools.code.exec` and `tools.python.run` with Pyodide, which runs Python in browsers and workers. */

import { describe } from "../../shared/environment.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { HARNESS } from "./pyodide-harness.js";
import { failed, notPlain, scriptGiven, scriptResult } from "./python-result.js";
import { badArguments, ownTools, type Tool, type ToolCall, ToolError, type Tools } from "./tool.js";
import { variablesOf } from "./variables.js";
import { parseJson } from "../../shared/json.js";
import { plainText } from "../../shared/plain.js";

/** The part of a Pyodide interpreter that these tools use. */
export interface PyodideLike {
  runPython(code: string, options?: { globals?: unknown }): unknown;
  readonly globals: { get(name: string): unknown };
}

/** Options of {@link pyodideTools}. */
export interface PyodideToolsOptions {
  /**
   * Returns the interpreter; called once, when Python is first needed. Default: `loadPyodide()` of the npm package
   * `pyodide`, which you install. A program that is bundled must pass the function, so that the bundler sees the
   * import: `load: async () => (await import("pyodide")).loadPyodide({ indexURL })`. The function may also load
   * packages and write modules.
   */
  load?: (() => PyodideLike | Promise<PyodideLike>) | undefined;
}

/** The outcome of a piece of Python. */
interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly value?: unknown;
  /** Why JSON cannot hold the result. */
  readonly problem?: string;
}

/** The functions that the harness defines. */
interface Python {
  start(request: string): PromiseLike<string>;
  /** Cancels what was started last. */
  cancel(): void;
}

/**
 * The tools `tools.code.exec` and `tools.python.run` with Pyodide, which is Python compiled to WebAssembly: for
 * browsers, workers, and machines without Python.
 *
 * - `tools.code.exec({code, env?})` runs Python; top-level `await` is allowed. The task's `result` is the JSON printed
 *   after `__HIGHWAY_RESULT__:`, or the variable `result`; the fields of an object are also available at top level,
 *   next to `{success, stdout, stderr, returncode, exit_code}`. An exception, or an exit code other than 0, fails the
 *   attempt, unless `check` is false. While the code runs, `os.environ` has the variables of `env`; values that are not
 *   text are JSON text.
 * - `tools.python.run(["module.function", ...], {...})` calls a function of a module in the interpreter with the
 *   remaining arguments, and returns its result. Its output goes to the log. Artifacts are not supported.
 *
 * One piece of Python runs at a time. Each has its own variables, but all share modules, files and the page itself
 * (`import js`), so this is no sandbox. Python runs in the engine's thread. An aborted attempt ends at its next
 * `await`; code that computes cannot be interrupted from here. To interrupt it, run the engine in a worker and let
 * `load` set Pyodide's interrupt buffer, which needs a `SharedArrayBuffer`.
 *
 * @example <!-- not run: it loads 10 MB -->
 * ```js
 * import { LocalEngine, pyodideTools } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ tools: pyodideTools() });
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function pyodideTools(options: PyodideToolsOptions = {}): Tools {
  checkOptions(options, ["load"], "pyodideTools");
  const { load = loadPackage } = options;
  if (typeof load !== "function") {
    throw invalid("`load` is not a function", "/load");
  }
  let loaded: Promise<Python> | undefined;
  /**
   * The end of the code that runs now. One piece runs at a time, so that its output can be told from that of others.
   */
  let last: Promise<unknown> = Promise.resolve();

  const run = async (request: object, { signal }: ToolCall): Promise<Finished> => {
    loaded ??= started(load).catch((error: unknown) => {
      // Loading may succeed the next time.
      loaded = undefined;
      throw error;
    });
    const python = await loaded;
    const turn = last.then(() => finished(python, plainText(request), signal));
    last = turn.catch(() => {});
    return await turn;
  };

  const exec: Tool = async (call) => {
    const code = scriptGiven(call);
    const env = Object.entries(variablesOf(call.kwargs["env"])).map(([name, text]) => [name, text ?? null]);
    if (env.flat().some((text) => text?.includes("\0"))) {
      throw badArguments("a variable has a NUL character", undefined, "/kwargs/env");
    }
    const ended = await run({ code, env: Object.fromEntries(env) }, call);
    const result = scriptResult(ended, ended.value);
    if (ended.code === 0 || call.kwargs["check"] === false) return result;
    throw failed(`the script ended with exit code ${ended.code}`, ended, result);
  };

  const runFunction: Tool = async (call) => {
    const [name, ...args] = call.args;
    const { artifact_id: artifact, ...kwargs } = call.kwargs;
    if (artifact !== undefined && artifact !== null) {
      throw badArguments(
        "Python in WebAssembly runs no artifacts",
        "use `nodeTools()`, or `tools.code.exec`",
      );
    }
    if (typeof name !== "string" || !/^[^.\s]+(\.[^.\s]+)+$/.test(name)) {
      throw badArguments("the first argument is not the name of a function, such as `math.sqrt`");
    }
    const ended = await run({ function: name, args, kwargs }, call);
    for (const line of ended.stdout.split("\n").filter(Boolean)) call.log(line);
    for (const line of ended.code === 0 ? ended.stderr.split("\n").filter(Boolean) : [])
      call.log(line, "warn");
    if (ended.code === 0) return ended.value ?? null;
    throw failed(`\`${name}\` failed`, ended, { stdout: ended.stdout, stderr: ended.stderr });
  };

  return ownTools({ "tools.code.exec": exec, "tools.python.run": runFunction });
}

/** The interpreter with the harness in it. */
async function started(load: () => PyodideLike | Promise<PyodideLike>): Promise<Python> {
  let pyodide: PyodideLike;
  try {
    pyodide = await load();
  } catch (cause) {
    throw new ToolError(`Pyodide could not be loaded: ${describe(cause)}`, {
      code: "TOOL_UNAVAILABLE",
      cause,
      help: "install it (`npm install pyodide`); behind a bundler pass `pyodideTools({ load })`, with an import that it sees",
    });
  }
  const globals = (pyodide.globals.get("dict") as () => { get(name: string): unknown })();
  pyodide.runPython(HARNESS, { globals });
  return {
    start: globals.get("start") as Python["start"],
    cancel: globals.get("cancel") as Python["cancel"],
  };
}

/** Loads the package. The name is a parameter, so that bundlers do not look for a package that may not be installed. */
async function loadPackage(name = "pyodide"): Promise<PyodideLike> {
  const module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as {
    loadPyodide(): Promise<PyodideLike>;
  };
  return await module.loadPyodide();
}

async function finished(python: Python, request: string, signal: AbortSignal): Promise<Finished> {
  signal.throwIfAborted();
  const cancel = (): void => python.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const ended = parseJson(await python.start(request)) as Finished;
    if (ended.problem !== undefined) throw notPlain(ended.problem, ended);
    return ended;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
