/** Python source that runs the tasks' code in Pyodide and captures its output and every error. */

import { PYTHON_RESULT } from "./python-result.js";

/**
 * Defines `start(request)`, which returns `{stdout, stderr, code, value}` when the code has ended, and `cancel()` for
 * the latest start. Requests and answers are JSON text.
 */
export const HARNESS = `${PYTHON_RESULT}
import ast, asyncio, contextlib, importlib, inspect, io, json, os, sys, traceback

@contextlib.contextmanager
def _environment(given):
    before = dict(os.environ)
    try:
        for name, text in given.items():
            os.environ.pop(name, None)
            if text is not None:
                os.environ[name] = text
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

async def _exec(code, tap, marked):
    space = {"__name__": "__main__"}
    head, last = _parted(code)
    compiled = compile(head, "<task>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    pending = eval(compiled, space)
    if inspect.isawaitable(pending):
        await pending
    if not last:
        return space.get("result")
    tap.end()
    marked.clear()
    if _problem(space["_result"], "", frozenset()):
        # The script may have taught JSON more types.
        sys.stdout = tap
        exec(compile(last, "<task>", "exec"), space)
    return space["_result"]

async def _call(name, args, kwargs):
    module, _, function = name.rpartition(".")
    value = getattr(importlib.import_module(module), function)(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value

async def _run(request):
    out, err, code, value, marked = io.StringIO(), io.StringIO(), 0, None, []
    tap = Tap(out, marked.append)
    with contextlib.redirect_stdout(tap), contextlib.redirect_stderr(err):
        try:
            if "code" in request:
                with _environment(request["env"]):
                    value = await _exec(request["code"], tap, marked)
            else:
                value = await _call(request["function"], request["args"], request["kwargs"])
        except SystemExit as end:
            if isinstance(end.code, int) or end.code is None:
                code = int(end.code or 0)
            else:
                code = 1
                print(end.code, file=sys.stderr)
        except BaseException as error:
            code = 130 if isinstance(error, KeyboardInterrupt) else 1
            # The first frames are ours.
            frames = error.__traceback__
            while frames is not None and frames.tb_frame.f_globals is globals():
                frames = frames.tb_next
            traceback.print_exception(type(error), error, frames)
        tap.end()
    stdout, stderr = (stream.getvalue().removesuffix("\\n") for stream in (out, err))
    ended = _encode({"stdout": stdout, "stderr": stderr, "code": code})
    try:
        value = _marked(marked[-1]) if marked else _plain(value, "the result")
        return ended[:-1] + ', "value": ' + value + "}"
    except NotPlain as error:
        return ended[:-1] + ', "problem": ' + _encode(str(error)) + "}"

_task = None

def start(request):
    global _task
    _task = asyncio.ensure_future(_run(_decode(request)))
    return _task

def cancel():
    _task.cancel()
`;
