/** `tools.code.exec`: runs a Python script. Its result does not travel in its output. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseJson } from "../shared/json.js";
import { after } from "../engine/tools/http-answer.js";
import { failed, notPlain, PYTHON_RESULT, scriptGiven, scriptResult } from "../engine/tools/python-result.js";
import {
  badArguments,
  type Tool,
  type ToolArguments,
  type ToolContext,
  ToolError,
} from "../engine/tools/tool.js";
import { type Finished, run } from "./process.js";
import { type PythonSettings, takenFile } from "./python-run.js";
import { foldersOfRuns } from "./run-folder.js";

/**
 * Runs the script from standard input as `__main__`. What the script prints after the result marker goes to a file that
 * its child processes do not know, as `{"result": …}` or `{"problem": text}`. The last result counts.
 */
const SCRIPT = `${PYTHON_RESULT}
def _main():
    import builtins, linecache, os, sys, types

    file, owner = sys.argv[1], os.getpid()
    sys.argv = ["-"]
    source = sys.stdin.buffer.read().decode("utf-8-sig")
    opened = open

    def write(outcome):
        # A process that was forked has the same tap.
        if os.getpid() == owner:
            with opened(file, "w", encoding="utf-8") as out:
                out.write(outcome)

    def refuse(error):
        write(_encode({"problem": str(error)}))

    def take(text):
        try:
            write('{"result": ' + _marked(text) + "}")
        except NotPlain as error:
            refuse(error)

    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    tap = sys.stdout = sys.__stdout__ = Tap(sys.stdout, take)
    # A script may put a stream of its own above the bytes.
    tap.buffer = Tap(tap.buffer, lambda data: take(data.decode()), Tap.MARKER.encode(), b"\\n")
    printed, leave = print, os._exit

    def print_result(*values, sep=" ", end="\\n", file=None, flush=False):
        # What a script prints as its result counts wherever its output goes.
        if file is None and values and isinstance(values[0], str) and values[0].startswith(Tap.MARKER):
            file = tap
        printed(*values, sep=sep, end=end, file=file, flush=flush)

    def end_taps():
        tap.end()
        tap.buffer.end()

    def leave_at_once(code):
        end_taps()
        leave(code)

    builtins.print, os._exit = print_result, leave_at_once
    try:
        head, last = _parted(source)
        code = compile(head, "<stdin>", "exec", dont_inherit=True)
        linecache.cache["<stdin>"] = (len(source), None, source.splitlines(True), "<stdin>")
        exec(code, module.__dict__)
        if last:
            tap.end()
            try:
                write('{"result": ' + _plain(module.__dict__["_result"], "the result") + "}")
            except NotPlain as error:
                refuse(error)
                # The script may have taught JSON more types.
                sys.stdout = tap
                exec(compile(last, "<stdin>", "exec", dont_inherit=True), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        # The wrapper that a driver writes fails where it writes the result.
        if isinstance(error, (TypeError, ValueError, RecursionError)) and "_result" in module.__dict__:
            try:
                _plain(module.__dict__["_result"], "the result")
            except NotPlain as problem:
                refuse(problem)
        # The first frame is ours.
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)
    finally:
        try:
            sys.stdout.flush()
        except Exception:
            pass
        end_taps()

_main()
`;

/** The content of that file. */
type Outcome = { readonly result: unknown } | { readonly problem: string };

/** Creates the tool. */
export function pythonExec({
  python,
  env,
  directory,
  workspace,
  maxOutput,
  maxResult,
}: PythonSettings): Tool {
  // Outside the working directory, so that no command of the run writes there by accident.
  const folder = foldersOfRuns("result", workspace, (path) => path);
  return async (call, context: ToolContext) => {
    const code = scriptGiven(call);
    const file = join(folder(context), randomUUID());
    const seconds = limitOf(call, context);
    const limit = new AbortController();
    const stop = seconds === undefined ? undefined : after(seconds * 1000, () => limit.abort());
    const finished = await run(
      {
        file: python,
        args: ["-c", SCRIPT, file],
        cwd: directory(context),
        env: { ...env(call.kwargs["env"]), PYTHONIOENCODING: "utf-8" },
        input: code,
        maxOutput,
        output: context.output,
      },
      AbortSignal.any([context.signal, limit.signal]),
    ).finally(stop);
    if (limit.signal.aborted && !context.signal.aborted) {
      const message = `the script was not over after its limit of ${seconds} s`;
      throw new ToolError(message, { code: "TASK_TIMED_OUT", result: scriptResult(finished, undefined) });
    }
    const text = await takenFile(file, maxResult);
    const outcome = text === undefined ? { result: undefined } : (parseJson(text) as Outcome);
    if ("problem" in outcome) throw notPlain(outcome.problem, finished);
    return resultOf(finished, outcome.result, call.kwargs["check"] === false);
  };
}

/**
 * The argument `timeout`, if it ends before the attempt does. A driver also writes the time limit of the task there.
 */
function limitOf({ kwargs }: ToolArguments, { deadline }: ToolContext): number | undefined {
  const limit = kwargs["timeout"] ?? undefined;
  if (limit === undefined) return undefined;
  if (typeof limit !== "number" || !(limit > 0)) {
    throw badArguments("`timeout` is not a positive number", "give seconds, such as 30", "/kwargs/timeout");
  }
  return deadline !== null && deadline.getTime() - Date.now() <= limit * 1000 ? undefined : limit;
}

function resultOf(finished: Finished, value: unknown, isAnyCodeFine: boolean): unknown {
  const result = scriptResult(finished, value);
  if (finished.code === 0 || isAnyCodeFine) return result;
  throw failed(`the script ended with exit code ${finished.code}`, finished, result);
}
