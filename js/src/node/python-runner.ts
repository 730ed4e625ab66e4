/** The Python part of `tools.python.run`. */

import { PYTHON_RESULT } from "../engine/tools/python-result.js";

/**
 * Reads a job from standard input, unpacks the artifact unless it is already there, calls the function, and writes the
 * outcome to a file. The standard output belongs to the function.
 */
export const RUNNER =
  PYTHON_RESULT +
  String.raw`
import asyncio, hashlib, importlib, inspect, json, os, shutil, stat, sys, tempfile, time, traceback, zipfile

MOST_FILES, MOST_BYTES = 10_000, 256 * 1024 * 1024


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class UnsupportedByLocalEngine(NotImplementedError):
    """What only a Highway server does."""


def unpack(archive, folder):
    if os.path.isdir(folder):
        return
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                limit = f"{MOST_FILES} files or {MOST_BYTES} bytes"
                raise Refused("ARTIFACT_INVALID", f"the artifact unpacks to more than {limit}")
            for entry in entries:
                parts = entry.filename.replace("\\", "/").split("/")
                if parts[0] == "" or ".." in parts or ":" in parts[0] or stat.S_ISLNK(entry.external_attr >> 16):
                    raise Refused("ARTIFACT_INVALID", f"the artifact has an entry that leads out of it: {entry.filename!r}")
            staging = tempfile.mkdtemp(dir=os.path.dirname(folder))
            opened.extractall(staging)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Refused("ARTIFACT_INVALID", f"the artifact is not a readable zip archive: {error}") from None
    try:
        os.rename(staging, folder)
    except OSError:
        # Another task of the run was first.
        shutil.rmtree(staging, ignore_errors=True)
        if not os.path.isdir(folder):
            raise


class DurableContext:
    """What a durable function sees of its run."""

    def __init__(self, job):
        self.workflow_run_id = self.absurd_run_id = job["runId"]
        self.tenant_id = "default"
        self.workflow, self.task, self.attempt = job["workflow"], job["task"], job["attempt"]
        self._known, self._state, self._key = job["variables"], job["state"], job["idempotencyKey"]
        self._variables, self._events = {}, []

    def get_variable(self, name, default=None):
        return self._variables.get(name, self._known.get(name, default))

    def set_variable(self, name, value):
        self._variables[name] = _copied(value, f"the variable {name!r}")

    def emit_event(self, name, payload=None):
        self._events.append([name, _copied({} if payload is None else payload, f"the event {name!r}")])

    def step(self, name, function, *args, **kwargs):
        """Calls a function once in this run, however often the task is tried."""

        def call():
            value = function(*args, **kwargs)
            return asyncio.run(value) if inspect.iscoroutine(value) else value

        return self._once(f"step {name}", call)

    def sleep(self, step, seconds=None):
        name, seconds = ("sleep", step) if seconds is None else (step, seconds)
        until = self._once(f"sleep {name} {seconds if name == 'sleep' else ''}", lambda: time.time() + float(seconds))
        time.sleep(max(0.0, until - time.time()))

    def _once(self, what, make):
        digest = hashlib.sha256(f"{self._key}\n{what}".encode()).hexdigest()
        file = os.path.join(self._state, digest + ".json")
        if os.path.exists(file):
            with open(file, encoding="utf-8") as kept:
                return json.load(kept)
        value = _copied(make(), f"the result of {what!r}")
        with open(f"{file}.{os.getpid()}", "w", encoding="utf-8") as fresh:
            json.dump(value, fresh)
        os.replace(fresh.name, file)
        return value

    def wait_for_event(self, *args, **kwargs):
        _unsupported("ctx.wait_for_event", "wait with a task of its own: driver.wait_for()")

    def get_encrypted_variable(self, *args, **kwargs):
        _unsupported("ctx.get_encrypted_variable", "read it from the environment")

    def set_encrypted_variable(self, *args, **kwargs):
        _unsupported("ctx.set_encrypted_variable", "keep secrets in the environment")

    @property
    def db_connection(self):
        _unsupported("ctx.db_connection", "open a connection of your own")


def _unsupported(what, instead):
    raise UnsupportedByLocalEngine(f"the embedded engine has no {what}; {instead}, or run on a Highway server")


def _copied(value, what):
    return json.loads(_plain(value, what))


def find(path):
    module_name, _, name = path.replace(":", ".").rpartition(".")
    if not module_name:
        raise Refused("TOOL_ARGUMENTS_INVALID", f"{path!r} names no function: give 'module.function'")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise Refused("TOOL_ARGUMENTS_INVALID", f"there is no module {module_name!r}") from None
        raise
    function = getattr(module, name, None)
    if not callable(function):
        raise Refused("TOOL_ARGUMENTS_INVALID", f"the module {module_name!r} has no function {name!r}")
    return function


def takes_context(function, folder, path):
    # What was packed for Highway takes the context first, whatever it is called there.
    if folder and os.path.exists(os.path.join(folder, path.split(".")[0], "highway_context.py")):
        return True
    return next(iter(inspect.signature(function).parameters), None) in ("ctx", "context")


def main(job):
    folder = job["folder"]
    if folder:
        unpack(job["archive"], folder)
        sys.path.insert(0, folder)
    function, ctx = find(job["function"]), DurableContext(job)
    first = [ctx] if takes_context(function, folder, job["function"]) else []
    value = function(*first, *job["args"], **job["kwargs"])
    if inspect.iscoroutine(value):
        value = asyncio.run(value)
    return {"result": _copied(value, "what the function returned"), "variables": ctx._variables, "events": ctx._events}


job, owner = json.load(sys.stdin), os.getpid()
try:
    outcome = main(job)
except Refused as error:
    outcome = {"code": error.code, "message": str(error)}
except BaseException as error:
    text = "".join(traceback.format_exception(error))
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    code = "UNSUPPORTED" if isinstance(error, UnsupportedByLocalEngine) else "PYTHON_FAILED"
    if isinstance(error, NotPlain):
        code, message = "VALUE_NOT_JSON", str(error)
    outcome = {"code": code, "message": message, "traceback": text}
sys.stdout.flush()
# A process that was forked and came here is not the task.
if os.getpid() == owner:
    with open(job["outcome"], "w", encoding="utf-8") as file:
        json.dump(outcome, file)
`;
