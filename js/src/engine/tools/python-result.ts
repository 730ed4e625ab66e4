/** The result of a piece of Python, whichever interpreter ran it. */

import { isObject } from "../../shared/plain.js";
import { badArguments, textGiven, type ToolArguments, ToolError } from "./tool.js";

/**
 * Python source that all interpreters share. `_plain(value, what)` returns the value as JSON text; if JSON cannot hold
 * it, it raises `NotPlain` with the path to the wrong part. A `Tap` replaces the standard output of a script, or the
 * bytes below it, and takes out what is printed after the result marker. `_parted(source)` splits off the line with
 * which a driver prints `_result`: the result is read from the variable, because the script may have replaced its
 * output.
 */
export const PYTHON_RESULT = String.raw`
import json, math

# A script may replace what it finds in a module.
_encode = json.JSONEncoder(allow_nan=False).encode

class NotPlain(TypeError):
    pass

class _Twice:
    def __init__(self, name):
        self.name = name

def _pairs(pairs):
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    names = [name for name, _ in pairs]
    return _Twice(next(name for name in names if names.count(name) > 1))

_decode = json.JSONDecoder(object_pairs_hook=_pairs).decode

def _problem(value, path, around):
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return (path, "half a surrogate pair") if any(0xD800 <= ord(c) <= 0xDFFF for c in value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else (path, repr(float(value)))
    if isinstance(value, int):
        return (path, "an integer of more than 4300 digits") if value.bit_length() > 14_000 else None
    if isinstance(value, _Twice):
        return path, f"two keys that are {value.name!r} as text"
    if not isinstance(value, (dict, list, tuple)):
        return path, "a " + type(value).__name__
    if id(value) in around:
        return path, "what contains itself"
    if len(around) >= 90:
        return path, "more than 90 levels of nesting"
    around = around | {id(value)}
    if not isinstance(value, dict):
        found = (_problem(item, f"{path}/{at}", around) for at, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    for key, item in value.items():
        if not (key is None or isinstance(key, (str, int, float))):
            return path, f"a key that is a {type(key).__name__}"
        name = key if isinstance(key, str) else _encode(key)
        if name is not key and name in value:
            return path, f"two keys that are {name!r} as text"
        problem = _problem(name, path, around) or _problem(
            item, path + "/" + name.replace("~", "~0").replace("/", "~1"), around
        )
        if problem:
            return problem
    return None

def _plain(value, what):
    problem = _problem(value, "", frozenset())
    if problem:
        path, culprit = problem
        raise NotPlain(f"{what} is not plain data: {culprit} at {path or '/'}")
    return _encode(value)

class Tap:
    MARKER = "__HIGHWAY_RESULT__:"

    def __init__(self, stream, take, marker=MARKER, newline="\n"):
        self._stream, self._take, self._parts = stream, take, None
        self._marker, self._newline = marker, newline

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        rest = text if isinstance(text, str) else bytes(text)
        while rest:
            if self._parts is None:
                before, marker, rest = rest.partition(self._marker)
                self._stream.write(before)
                if marker:
                    self._parts = []
            else:
                line, end, rest = rest.partition(self._newline)
                self._parts.append(line)
                if end:
                    self.end()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def end(self):
        if self._parts is not None:
            parts, self._parts = self._parts, None
            self._take(self._marker[:0].join(parts))

def _parted(source):
    head, last, rest = source.rpartition('\nprint("' + Tap.MARKER + '" + json.dumps(_result))')
    if not last or rest.strip():
        return source, None
    # The line keeps its number.
    return head + "\n", "\n" * head.count("\n") + last

def _marked(text):
    try:
        value = _decode(text)
    except ValueError as error:
        raise NotPlain(f"the printed result is not JSON: {error}") from None
    return _plain(value, "the result")
`;

/**
 * The script that `tools.code.exec` has to run.
 *
 * @throws {ToolError} `TOOL_ARGUMENTS_INVALID`.
 */
export function scriptGiven({ args, kwargs }: ToolArguments): string {
  const code = textGiven(args[0] ?? kwargs["code"], "code", "give the source of a Python script", true);
  if (code.includes("\0")) throw badArguments("the code holds a NUL character");
  return code;
}

/** A program that has ended. */
interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** The output of a program. The exit code has both names that clients read. */
export function outputOf({ stdout, stderr, code }: Ended): Record<string, unknown> {
  return { stdout, stderr, returncode: code, exit_code: code };
}

/** The result of a script: its value, the value's fields at top level, and the output. */
export function scriptResult(ended: Ended, value: unknown): Record<string, unknown> {
  const fields = isObject(value) ? value : {};
  return { ...fields, result: value ?? null, success: ended.code === 0, ...outputOf(ended) };
}

/** The error of a failed program, with the last line of its standard error. */
export function failed(what: string, { stderr }: Ended, result: unknown): ToolError {
  const reason = stderr.trim().split("\n").at(-1);
  return new ToolError(`${what}${reason && `: ${reason}`}`, { code: "EXIT_CODE_NONZERO", result });
}

/** The error of a program whose result JSON cannot hold. `problem` says where. */
export function notPlain(problem: string, ended: Ended): ToolError {
  return new ToolError(problem, {
    code: "VALUE_NOT_JSON",
    help: "return plain data: text, finite numbers, booleans, None, lists and dicts with text as keys",
    result: scriptResult(ended, null),
  });
}
