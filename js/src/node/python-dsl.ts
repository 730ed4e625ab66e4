/** Compiles workflows that are written in Python. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DslCompiler } from "../engine/requests/python-dsl.js";
import { PYTHON_RESULT } from "../engine/tools/python-result.js";
import { ToolError } from "../engine/tools/tool.js";
import { checkOptions, invalid } from "../shared/options.js";
import { guestEnvironment } from "./environment.js";
import { run } from "./process.js";
import { parseJson } from "../shared/json.js";

/** Default time limit of a source in seconds. */
const LIMIT = 30;
/** Bytes of output to keep for an error. */
const MOST_OUTPUT = 100_000;

/** Runs the source and writes the value of `get_workflow()` to a file, because the source may print anything. */
const COMPILER = `${PYTHON_RESULT}
import sys, traceback

outcome = {}
try:
    scope = {"__name__": "workflow"}
    exec(compile(sys.stdin.read(), "workflow.py", "exec"), scope)
    if not callable(scope.get("get_workflow")):
        raise LookupError("the source defines no get_workflow()")
    workflow = scope["get_workflow"]()
    if hasattr(workflow, "to_json"):
        workflow = json.loads(workflow.to_json())
    if not isinstance(workflow, dict):
        raise TypeError(f"get_workflow() gave {type(workflow).__name__}, not a Workflow or a dict")
    outcome["definition"] = json.loads(_plain(workflow, "the definition"))
except ModuleNotFoundError as error:
    outcome = {"missing": error.name or str(error)}
except NotPlain as error:
    outcome = {"error": str(error)}
except BaseException as error:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "workflow.py"]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    where = f" (line {line})" if line else ""
    outcome = {"error": f"{type(error).__name__}: {error}{where}"}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(outcome, file)
`;

/** Options of {@link pythonDsl}. */
export interface PythonDslOptions {
  /** The Python interpreter, which must have the package `highway_dsl`; default: `python3`. */
  python?: string | undefined;
  /** Environment of the interpreter; default: that of this process without the variables that begin with `HIGHWAY_`. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Time limit of a source in seconds; default: 30. */
  timeout?: number | undefined;
}

/**
 * A compiler for workflows that are submitted as Python, for `new LocalEngine({ pythonDsl: pythonDsl() })`. It runs the
 * source and takes the result of its `get_workflow()`: a `Workflow` of `highway_dsl`, or a dict. With it, everybody who
 * can submit a workflow can run any code on this machine.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function pythonDsl(options: PythonDslOptions = {}): DslCompiler {
  checkOptions(options, ["python", "env", "timeout"], "pythonDsl");
  const { python = "python3", env = guestEnvironment(), timeout = LIMIT } = options;
  if (typeof timeout !== "number" || !(timeout > 0 && timeout < 2 ** 31 / 1000)) {
    throw invalid("`timeout` is not a number of seconds above 0", "/timeout");
  }
  return async (source, signal) => {
    const cwd = await mkdtemp(join(tmpdir(), "highway-dsl-"));
    try {
      const file = join(cwd, "outcome.json");
      const limit = AbortSignal.timeout(timeout * 1000);
      const { code, stderr } = await run(
        {
          file: python,
          args: ["-c", COMPILER, file],
          cwd,
          env: { ...env, PYTHONUTF8: "1" },
          input: source,
          maxOutput: MOST_OUTPUT,
        },
        AbortSignal.any([signal, limit]),
      );
      signal.throwIfAborted();
      if (limit.aborted) throw failed(`the Python took longer than ${timeout} s`);
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text === undefined) throw failed(`Python ended with exit code ${code}: ${stderr.slice(-500)}`);
      return definitionOf(parseJson(text) as Parameters<typeof definitionOf>[0]);
    } finally {
      await rm(cwd, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  };
}

function definitionOf(outcome: { definition?: unknown; missing?: string; error?: string }): unknown {
  const { definition, missing, error } = outcome;
  if (missing !== undefined) {
    const help =
      missing === "highway_dsl"
        ? "install it for the Python of the server: `pip install highway-dsl`"
        : "install it for the Python of the server";
    throw new ToolError(`the Python needs the module \`${missing}\`, which is not here`, {
      code: "TOOL_UNAVAILABLE",
      help,
    });
  }
  if (error !== undefined) throw failed(error);
  return definition;
}

const failed = (message: string): ToolError =>
  new ToolError(`\`python_dsl\` does not give a workflow: ${message}`, { code: "PYTHON_DSL_INVALID" });
