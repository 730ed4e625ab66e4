// Python with the real Pyodide, which is loaded once for all tests.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine, pyodideTools } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";

const engine = new LocalEngine({ tools: pyodideTools() });

async function run(tool, { args = [], kwargs = {}, ...options } = {}, on = engine) {
  const driver = new Driver({ engine: on });
  const task = { task_id: "a", operator_type: "task", function: tool, args, kwargs, ...options };
  const result = await driver.run({ workflow: { name: "python", version: "1.0.0", tasks: { a: task } } });
  return { ...result.tasks.a, logs: await driver.logs(result.runId) };
}

const exec = (code, options = {}) =>
  run("tools.code.exec", { kwargs: { code, ...options.kwargs }, ...options.task });
const call = (args, kwargs) => run("tools.python.run", { args, kwargs });

describe("with Pyodide", () => {
  before(async () => {
    // The first call loads it.
    const { state, error } = await exec("pass");
    assert.equal(state, "completed", error?.message);
  });
  after(() => engine.close());

  test("output, the marked result, and its fields", async () => {
    const { result, state } = await exec(
      'import json, sys\nprint("hi")\nprint("oops", file=sys.stderr)\nprint("__HIGHWAY_RESULT__:" + json.dumps({"n": 2}))',
    );
    assert.equal(state, "completed");
    assert.deepEqual(result, {
      n: 2,
      result: { n: 2 },
      success: true,
      stdout: "hi",
      stderr: "oops",
      returncode: 0,
      exit_code: 0,
    });
  });

  test("a result that JSON cannot hold fails the attempt, and says where it is", async () => {
    for (const [code, message] of [
      ["import datetime\nresult = datetime.date(2030, 1, 2)", "a date at /"],
      ["result = [1, {'a/b': float('nan')}]", "nan at /1/a~1b"],
      ["print('__HIGHWAY_RESULT__:{\"a\": NaN}')", "nan at /a"],
    ]) {
      const { error, state } = await exec(code);
      assert.deepEqual([state, error.code], ["failed", "VALUE_NOT_JSON"], code);
      assert.equal(error.message, `the result is not plain data: ${message}`);
    }
    assert.equal((await call(["math.inf.__add__", 1])).error.code, "EXIT_CODE_NONZERO");
    assert.match((await call(["json.loads", "[NaN]"])).error.message, /nan at \/0/);
  });

  test("the result of a driver's function, whatever it did to its output", async () => {
    const driver = new Driver({ engine });
    const bodies = {
      a: "sys.stdout = io.StringIO()",
      b: "sys.stdout = sys.stderr",
      c: "global print; print = None; sys.stdout = None",
      d: "json.dumps = lambda *values: 'null'",
    };
    for (const [name, body] of Object.entries(bodies)) {
      driver.python(name, `import io, json, sys\ndef f():\n    ${body}\n    return [1]`);
    }
    const { tasks } = await driver.run();
    await exec("import importlib, json\nimportlib.reload(json)");
    for (const [name, { result }] of Object.entries(tasks)) {
      assert.deepEqual([result?.result, result?.stdout, result?.stderr], [[1], "", ""], name);
    }
  });

  test("the variable `result`", async () => {
    for (const [code, value] of [
      ["result = [1, 'ü', None]", [1, "ü", null]],
      ["result = 2 ** 64", 18446744073709551616n],
      ["x = 1", null],
      ["result = {'stdout': 'mine'}", { stdout: "mine" }],
    ]) {
      const { result } = await exec(code);
      assert.deepEqual([result.result, result.stdout, result.success], [value, "", true], code);
    }
  });

  test("each script has its own variables", async () => {
    await exec("left = 1");
    assert.equal((await exec("result = 'left' in globals()")).result.result, false);
  });

  test("exceptions and exit codes fail the attempt, or are data", async () => {
    for (const [code, exitCode, message] of [
      ["def f():\n  return 1 / 0\nf()", 1, "ZeroDivisionError: division by zero"],
      ["1 +", 1, "SyntaxError: invalid syntax"],
      ["import sys\nsys.exit(3)", 3, ""],
      ["import sys\nsys.exit('no')", 1, "no"],
    ]) {
      const { error, result } = await exec(code);
      assert.equal(error.code, "EXIT_CODE_NONZERO");
      assert.equal(error.message, `the script ended with exit code ${exitCode}${message && `: ${message}`}`);
      assert.deepEqual([result.exit_code, result.success], [exitCode, false]);
      assert.ok(!result.stderr.includes("_exec"), `frames of ours: ${result.stderr}`);
      const asData = await exec(code, { kwargs: { check: false } });
      assert.deepEqual([asData.state, asData.result.returncode], ["completed", exitCode]);
    }
    assert.equal((await exec("import sys\nsys.exit()")).state, "completed");
  });

  test("functions of modules", async () => {
    assert.equal((await call(["math.sqrt", 16])).result, 4);
    assert.deepEqual((await call(["json.loads", '{"a": [1]}'])).result, { a: [1] });
    assert.equal((await call(["os.path.join", "a", "b"])).result, "a/b");
    assert.equal(
      (await call(["textwrap.shorten", "one two three"], { width: 8, placeholder: "…" })).result,
      "one two…",
    );
    const { logs, result } = await call(["builtins.print", "told"]);
    assert.equal(result, null);
    assert.deepEqual(
      logs.map(({ stream, content }) => `${stream} ${content}`),
      ["log told"],
    );
    const failed = await call(["math.sqrt", -1]);
    assert.equal(failed.error.code, "EXIT_CODE_NONZERO");
    assert.match(failed.error.message, /^`math\.sqrt` failed: ValueError/);
    assert.match((await call(["nowhere.f"])).error.message, /ModuleNotFoundError/);
    for (const [args, kwargs] of [[[]], [["sqrt"]], [["math.sqrt", 1], { artifact_id: "x" }]]) {
      assert.equal((await call(args, kwargs)).error.code, "TOOL_ARGUMENTS_INVALID");
    }
  });

  test("variables of `env` exist while a script runs, as JSON if they are not text", async () => {
    const code = "import os, json\nresult = [os.environ.get('A'), json.loads(os.environ.get('L', '0'))]";
    const given = await exec(code, { kwargs: { env: { A: "x", L: [1, { n: null }] } } });
    assert.deepEqual(given.result.result, ["x", [1, { n: null }]]);
    assert.deepEqual((await exec(code)).result.result, [null, 0]);
  });

  test("waiting code ends when the attempt is aborted, and the next one runs", async () => {
    const { error } = await exec("import asyncio\nprint('waits')\nawait asyncio.Event().wait()", {
      task: { timeout_policy: { timeout: "PT0.2S" } },
    });
    assert.equal(error.code, "TASK_TIMED_OUT");
    assert.equal((await exec("result = 1")).result.result, 1);
  });

  test("two scripts at the same time keep their output apart", async () => {
    const code = (name) =>
      `import asyncio\nprint("${name} 1")\nawait asyncio.sleep(0.01)\nprint("${name} 2")`;
    const [a, b] = await Promise.all([exec(code("a")), exec(code("b"))]);
    assert.deepEqual([a.result.stdout, b.result.stdout], ["a 1\na 2", "b 1\nb 2"]);
  });
});

test("without Pyodide there is advice; it may be installed later", async (t) => {
  let loads = 0;
  const load = async () => {
    loads += 1;
    return await import("pyodide-is-not-installed");
  };
  const without = new LocalEngine({ tools: pyodideTools({ load }) });
  t.after(() => without.close());
  const missing = () =>
    run("tools.code.exec", { args: ["pass"], retry_policy: { max_retries: 3, delay: "PT0S" } }, without);
  const { error } = await missing();
  assert.equal(error.code, "TOOL_UNAVAILABLE");
  assert.match(error.message, /pyodide-is-not-installed/);
  assert.match(error.help, /npm install pyodide/);
  assert.equal(loads, 1, "the same machine lacks it in the next attempt, too");
  await missing();
  assert.equal(loads, 2);
});

test("invalid options are refused", () => {
  const code = "OPTION_INVALID";
  checkThrown(() => pyodideTools({ load: 1 }), { name: "ConfigurationError", code, path: "/load" });
});
