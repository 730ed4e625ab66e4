// The result of Python code: it arrives complete, or the task fails and says which part is wrong.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools, pythonDsl } from "highway-wasm/node";
import { noPython } from "../support/artifacts.mjs";
import { checkThrown } from "../support/errors.mjs";

function engineOf(t, options = {}) {
  const engine = new LocalEngine({ tools: nodeTools(options), pythonDsl: pythonDsl() });
  t.after(() => engine.close());
  return engine;
}

async function ran(t, source, { kind = "function", ...options } = {}) {
  const driver = new Driver({ engine: engineOf(t, options) });
  if (kind === "durable") driver.task("a", { durable: source });
  else if (kind === "function") driver.python("a", source);
  else driver.tool("a", "tools.code.exec", { code: source });
  return (await driver.run()).tasks.a;
}

/** Sources whose results JSON cannot hold, and the error of each. */
const NOT_PLAIN = [
  ["{'mean': float('nan'), 'n': 3}", "nan at /mean"],
  ["[1, {'a/b~c': float('-inf')}]", "-inf at /1/a~1b~0c"],
  ["{'tags': {1, 2}}", "a set at /tags"],
  ["(b'x',)", "a bytes at /0"],
  ["{'when': __import__('datetime').date(2030, 1, 2)}", "a date at /when"],
  ["{'k': {(1, 2): 3}}", "a key that is a tuple at /k"],
  ["{1: 'a', '1': 'b'}", "two keys that are '1' as text at /"],
  ["(lambda x: (x.append(x), x)[1])([])", "what contains itself at /0"],
  ["{'text': '\\ud800'}", "half a surrogate pair at /text"],
  ["10 ** 5000", "an integer of more than 4300 digits at /"],
];

describe("a result", { skip: noPython, concurrency: 2 }, () => {
  for (const kind of ["function", "durable"]) {
    test(`that JSON cannot hold fails the task (${kind})`, async (t) => {
      for (const [value, message] of NOT_PLAIN) {
        const { state, error } = await ran(t, `def f():\n    return ${value}`, { kind });
        assert.deepEqual([state, error.code], ["failed", "VALUE_NOT_JSON"], value);
        assert.ok(error.message.endsWith(`is not plain data: ${message}`), error.message);
      }
    });

    test(`arrives as Python writes it (${kind})`, async (t) => {
      const source =
        "def f():\n    return {1: (1.5, None), None: True, 'big': 2 ** 64, 'ü': '\\n', 'float': 1e300}";
      const { result } = await ran(t, source, { kind });
      assert.deepEqual(kind === "durable" ? result : result.result, {
        1: [1.5, null],
        null: true,
        big: 18446744073709551616n,
        ü: "\n",
        float: 1e300,
      });
    });
  }

  test("is not lost after much output, and may be large", async (t) => {
    const loud = await ran(t, "def f():\n    print('x' * 11_000_000)\n    return {'n': 3}");
    assert.equal(loud.result.n, 3);
    assert.match(loud.stdout, /\[\d+ bytes \(\d+ lines\) are left out here\]\nx+$/);
    const large = await ran(t, "def f():\n    return {'n': 3, 'text': 'y' * 11_000_000}");
    assert.deepEqual(
      [large.state, large.result.n, large.result.result.text.length],
      ["completed", 3, 11_000_000],
    );
  });

  test("has a limit, like the output", async (t) => {
    const limits = { maxOutput: 10, maxResult: 30 };
    const fine = await ran(t, "def f():\n    print('0123456789')\n    return 1", limits);
    assert.deepEqual(
      [fine.result.result, fine.stdout],
      [1, "01234\n[1 bytes (0 lines) are left out here]\n6789"],
    );
    for (const kind of ["function", "durable"]) {
      const { error } = await ran(t, "def f():\n    return 'x' * 100", { ...limits, kind });
      assert.equal(error.code, "LIMIT_EXCEEDED");
      assert.match(error.help, /maxResult/);
    }
    for (const maxResult of [0, 1.5, "5"]) {
      checkThrown(() => nodeTools({ maxResult }), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path: "/maxResult",
      });
    }
  });

  test("is the last one that the script itself prints; the marker is not part of the output", async (t) => {
    const source = `
      import os, subprocess, sys
      def f():
          print("__HIGHWAY_RESULT__:5")
          print("on the way", end=" ")
          subprocess.run(["echo", '__HIGHWAY_RESULT__:{"n": 99}'])
          if os.fork() == 0:
              print('__HIGHWAY_RESULT__:{"n": 98}')
              sys.stdout.flush()
              os._exit(0)
          os.wait()
          return {"n": 3}
    `.replaceAll("\n      ", "\n");
    const { result, stdout } = await ran(t, source);
    assert.equal(result.n, 3);
    assert.match(stdout, /__HIGHWAY_RESULT__:\{"n": 99\}$/m, "what a child prints is output");
    assert.ok(!/RESULT__:(5|\{"n": (3|98)\})/.test(stdout), stdout);
    const script = `import sys\nsys.stdout.write("before __HIGHWAY_RESULT__:")\nprint('[1,', end="")\nprint('2]')\nprint("after")`;
    const written = await ran(t, script, { kind: "script" });
    assert.deepEqual([written.result.result, written.stdout], [[1, 2], "before after"]);
    const broken = await ran(t, 'print("__HIGHWAY_RESULT__:{oops")');
    assert.equal(broken.error.code, "VALUE_NOT_JSON");
    assert.match(broken.error.message, /not JSON/);
  });

  test("arrives whatever the function did to its output", async (t) => {
    const bodies = [
      "sys.stdout = open(os.devnull, 'w')",
      "sys.stdout = io.StringIO()",
      "sys.stdout = None",
      "sys.stdout = sys.stderr",
      "sys.stdout = sys.__stdout__",
      "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
      "sys.stdout.close()",
      "contextlib.redirect_stdout(io.StringIO()).__enter__()",
      "builtins.print = lambda *words, **more: None",
      "builtins.open = None",
      "json.dumps = lambda *values, **more: 'null'",
      "print('__HIGHWAY_RESULT__:1'); sys.stdout = None",
    ];
    for (const body of bodies) {
      const source = `import builtins, contextlib, io, json, os, sys\ndef f():\n    ${body}\n    return {"n": 3}`;
      const { result, state, stdout, stderr } = await ran(t, source);
      assert.equal(state, "completed", body);
      assert.deepEqual([result.result, stdout, stderr], [{ n: 3 }, "", ""], body);
    }
    const taught = `import json\njson.JSONEncoder.default = lambda self, value: sorted(value)\ndef f():\n    return {2, 1}`;
    assert.deepEqual((await ran(t, taught)).result.result, [1, 2]);
    const silent = `import builtins\ndef f():\n    builtins.print = lambda *words: None\n    return {1}`;
    assert.equal((await ran(t, silent)).error.code, "VALUE_NOT_JSON");
  });

  test("source with a NUL character is refused at once", async (t) => {
    const { error } = await ran(t, "x = 1\0", { kind: "script" });
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID");
  });

  test("of a script is what it prints, wherever its output goes and however it ends", async (t) => {
    const marked = `"__HIGHWAY_RESULT__:" + json.dumps({"n": 1})`;
    const scripts = [
      `sys.stdout = io.StringIO()\nprint(${marked})`,
      `sys.stdout = open(os.devnull, "w")\nprint(${marked})\nprint("more")`,
      `sys.stdout = open(1, "w", closefd=False)\nprint(${marked})`,
      `sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")\nsys.stdout.write(${marked} + "\\n")`,
      `with contextlib.redirect_stdout(sys.stderr):\n    print(${marked})`,
      `print(${marked}, file=sys.__stdout__)`,
      `sys.stdout.buffer.write((${marked}).encode())`,
      `print(${marked})\nsys.exit(0)`,
      `print(${marked})\nos._exit(0)`,
      `sys.stdout.write(${marked})\nos._exit(0)`,
      `print("__HIGHWAY_RESULT__:0", file=sys.stderr)\nprint(${marked})\nif os.fork() == 0:\n    print("__HIGHWAY_RESULT__:2")\n    os._exit(0)\nos.wait()`,
    ];
    const driver = new Driver({ engine: engineOf(t) });
    for (const [at, script] of scripts.entries()) {
      const code = `import contextlib, io, json, os, sys\n${script}`;
      driver.tool(`s${at}`, "tools.code.exec", { code });
    }
    const { tasks } = await driver.run();
    for (const [at, script] of scripts.entries()) {
      const { state, result, stdout, error } = tasks[`s${at}`];
      assert.deepEqual([state, result?.n, stdout], ["completed", 1, ""], `${script}: ${error?.message}`);
    }
  });

  test("scripts run as `python -` runs them", async (t) => {
    const script = `
      from __future__ import annotations
      import pickle, sys
      class A: pass
      def g(x: Unknown): return x
      print(__name__, sys.argv, pickle.loads(pickle.dumps(A())).__class__ is A, g(1), "SCRIPT" in globals())
    `.replaceAll("\n      ", "\n");
    const { stdout } = await ran(t, script, { kind: "script" });
    assert.equal(stdout, "__main__ ['-'] True 1 False");
    const failing = await ran(t, "x = 1\ndef g():\n    raise KeyError('k')\ng()", { kind: "script" });
    assert.match(failing.stderr, /^Traceback .*\n {2}File "<stdin>", line 4, in <module>/);
    assert.ok(!failing.stderr.includes("_main"), failing.stderr);
    for (const [source, code, text] of [
      ["import sys\nsys.exit(3)", 3, ""],
      ["import sys\nsys.exit('no')", 1, "no"],
      ["1 +", 1, /SyntaxError/],
      ["import os\nos._exit(4)", 4, ""],
    ]) {
      const { returncode, stderr } = await ran(t, source, { kind: "script" });
      assert.equal(returncode, code, source);
      if (typeof text === "string") assert.equal(stderr, text);
      else assert.match(stderr, text);
    }
  });

  test("an invalid definition is reported with its place", async (t) => {
    const engine = engineOf(t);
    const body = JSON.stringify({
      python_dsl: "def get_workflow():\n    return {'name': 'a', 'tasks': {'a': {1, 2}}}",
    });
    const answer = await engine.fetch("http://e/api/v1/workflows", { method: "POST", body });
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).message, /a set at \/tasks\/a/);
  });
});
