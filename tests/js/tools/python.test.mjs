// `tools.python.run` with a real Python: durable functions of our own driver, and archives of others.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { zipSync } from "fflate";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
import { folderWith, noPython } from "../support/artifacts.mjs";
import { folder } from "../support/cli.mjs";

function engineOf(t, options) {
  const engine = new LocalEngine({ tools: nodeTools(options) });
  t.after(() => engine.close());
  return engine;
}

/** Runs one durable function. Returns its task. */
async function ran(t, source, options = {}, engine = engineOf(t)) {
  const driver = new Driver({ engine });
  driver.task("work", { durable: source, ...options });
  const result = await driver.run();
  return { ...result.tasks.work, status: result.status };
}

/** Calls a function of an archive that no driver created. */
async function called(t, archive, path, kwargs = {}) {
  const engine = engineOf(t);
  const artifact_id = await new Highway({ engine }).artifacts.upload(archive);
  const tasks = { work: calling("work", path, { artifact_id, ...kwargs }) };
  const result = await new Driver({ engine }).run({ workflow: { name: "calling", tasks } });
  return result.tasks.work;
}

const calling = (task_id, path, kwargs) => ({
  task_id,
  operator_type: "task",
  dependencies: [],
  function: "tools.python.run",
  args: [path],
  kwargs,
  result_key: `${task_id}_result`,
  retry_policy: { max_attempts: 3, initial_interval_seconds: 0.01 },
});

const text = (source) => new TextEncoder().encode(source);

describe("a durable function", { skip: noPython, concurrency: 2 }, () => {
  test("gets its context and arguments, and its result is the result", async (t) => {
    const source = `
      def work(ctx, a, b=0):
          print("told on the way")
          return {"sum": a + b, "task": ctx.task, "attempt": ctx.attempt, "run": len(ctx.workflow_run_id)}
    `;
    const { result } = await ran(t, source, { funcArgs: [1], funcKwargs: { b: 2 } });
    assert.deepEqual(result, { sum: 3, task: "work", attempt: 1, run: 36 });
  });

  test("may have no context, and may be asynchronous", async (t) => {
    assert.deepEqual((await ran(t, "def work():\n    return [None, 'größe']")).result, [null, "größe"]);
    assert.equal((await ran(t, "async def work(ctx):\n    return ctx.get_variable('none', 7)")).result, 7);
  });

  test("sets variables that other tasks read, and reads theirs", async (t) => {
    const driver = new Driver({ engine: engineOf(t) });
    driver.task("set", {
      durable: "def set(ctx):\n    ctx.set_variable('total', ctx.get_variable('start') + 1)",
    });
    driver.task("get", { durable: "def get(ctx):\n    return ctx.get_variable('total')", depends: ["set"] });
    driver.shell("last", "echo {{total}}", { depends: ["get"] });
    const { tasks } = await driver.run({ inputs: { start: 41 } });
    assert.deepEqual([tasks.get.result, tasks.last.stdout], [42, "42"]);
  });

  test("does each of its steps once, however often it is tried", async (t) => {
    const path = folder(t);
    const source = `
      def work(ctx):
          def once(line):
              with open("lines", "a") as file:
                  file.write(line)
              return line
          first = ctx.step("first", once, "a")
          ctx.sleep("pause", 0.01)
          if ctx.attempt < 3:
              raise RuntimeError("again")
          return first + ctx.step("second", lambda: once("b"))
    `;
    const task = await ran(t, source, { retries: 3, retryDelay: 0.01 }, engineOf(t, { cwd: path }));
    assert.equal(task.result, "ab");
    assert.equal(readFileSync(join(path, "lines"), "utf8"), "ab");
  });

  test("emits events", async (t) => {
    const driver = new Driver({ engine: engineOf(t) });
    driver.task("tell", { durable: "def tell(ctx):\n    ctx.emit_event('paid', {'amount': 5})" });
    driver.waitFor("heard", { event: "paid" });
    const { tasks } = await driver.run();
    assert.equal(tasks.heard.result.amount, 5);
  });

  test("that raises fails with its traceback, and its variables do not take effect", async (t) => {
    const source = `
      def work(ctx):
          ctx.set_variable("half", "done")
          print("before")
          raise ValueError("no such order")
    `;
    const engine = engineOf(t);
    const { status, error, result } = await ran(t, source, {}, engine);
    assert.equal(status, "failed");
    assert.equal(error.code, "PYTHON_FAILED");
    assert.match(error.message, /failed: ValueError: no such order$/);
    assert.match(result.traceback, /Traceback.*tasks\.py.*ValueError: no such order/s);
    assert.equal(result.stdout, "before");
    const [run] = await new Highway({ engine }).workflows.list().toArray();
    const answer = await engine.fetch(`http://e/api/v1/workflows/${run.runId}/query`);
    assert.equal((await answer.json()).data.variables.half, undefined);
  });

  test("that ends the process, or returns a value that is not data, fails too", async (t) => {
    const ended = await ran(t, "def work():\n    import os\n    os._exit(7)");
    assert.deepEqual([ended.status, ended.error.code], ["failed", "EXIT_CODE_NONZERO"]);
    assert.match(ended.error.message, /exit code 7/);
    for (const value of ["object()", "float('nan')", "{1, 2}"]) {
      const { error } = await ran(t, `def work():\n    return ${value}`);
      assert.match(error.message, /what the function returned is not plain data/, value);
    }
  });

  test("gets an error for what only a Highway server has, and is not tried again", async (t) => {
    for (const call of [
      "ctx.wait_for_event('s', 'e')",
      "ctx.set_encrypted_variable('a', 1)",
      "ctx.db_connection",
    ]) {
      const { error } = await ran(t, `def work(ctx):\n    ${call}`, { retries: 2, retryDelay: 0.01 });
      assert.equal(error.code, "UNSUPPORTED");
      assert.match(error.message, /the embedded engine has no ctx\.\w+; .* or run on a Highway server/);
    }
  });

  test("runs from a package, whose modules import each other", async (t) => {
    const path = folderWith(t, {
      "orders/helper.py": "def total(order):\n    return sum(order)\n",
      "orders/main.py":
        "from .helper import total\n\ndef pay(ctx, order):\n    return {'total': total(order)}\n",
    });
    const options = { package: join(path, "orders"), entrypoint: "main:pay", funcArgs: [[1, 2, 3]] };
    const { result } = await ran(t, true, options);
    assert.deepEqual(result, { total: 6 });
  });

  test("leaves no folder behind", async (t) => {
    const source = "def work():\n    import sys\n    return sys.path[0]";
    const engine = engineOf(t);
    const { result } = await ran(t, source, {}, engine);
    assert.match(result, /highway-python-/);
    await engine.close();
    assert.equal(existsSync(result), false);
  });
});

describe("an archive", { skip: noPython, concurrency: 2 }, () => {
  test("of plain Python is called without a context, unless requested", async (t) => {
    const archive = zipSync({
      "plain.py": text("def add(a=0, b=0):\n    return a + b\n\ndef seen(ctx):\n    return ctx.task\n"),
    });
    assert.equal((await called(t, archive, "plain.add", { a: 1, b: 2 })).result, 3);
    assert.equal((await called(t, archive, "plain:seen")).result, "work");
  });

  test("with paths outside its folder is refused, once", async (t) => {
    for (const name of ["../evil.py", "/evil.py", "a/../../evil.py", "..\\evil.py", "C:/evil.py"]) {
      const { error } = await called(t, zipSync({ [name]: text("x = 1") }), "evil.run");
      assert.deepEqual([error.code, /leads out of it/.test(error.message)], ["ARTIFACT_INVALID", true], name);
    }
    const link = zipSync({ "link.py": [text("/etc/passwd"), { os: 3, attrs: 0o120777 << 16 }] });
    assert.equal((await called(t, link, "link.run")).error.code, "ARTIFACT_INVALID");
  });

  test("that is too large when unpacked is refused", async (t) => {
    const bomb = zipSync({ "bomb.py": new Uint8Array(257 * 1024 * 1024) });
    assert.ok(bomb.length < 1024 * 1024);
    const { error } = await called(t, bomb, "bomb.run");
    assert.deepEqual([error.code, /unpacks to more than/.test(error.message)], ["ARTIFACT_INVALID", true]);
  });

  test("that is invalid, and missing functions, are distinguished", async (t) => {
    const archive = zipSync({ "plain.py": text("x = 1") });
    for (const [bytes, path, code, message] of [
      [text("no zip"), "plain.run", "ARTIFACT_INVALID", /not a readable zip archive/],
      [archive, "plain.run", "TOOL_ARGUMENTS_INVALID", /has no function 'run'/],
      [archive, "plain.x", "TOOL_ARGUMENTS_INVALID", /has no function 'x'/],
      [archive, "absent.run", "TOOL_ARGUMENTS_INVALID", /no module 'absent'/],
      [archive, "run", "TOOL_ARGUMENTS_INVALID", /names no function/],
    ]) {
      const { error } = await called(t, bytes, path);
      assert.equal(error.code, code, path);
      assert.match(error.message, message);
    }
  });

  test("is named by an id", async (t) => {
    const workflow = {
      name: "calling",
      tasks: {
        odd: calling("odd", "a.b", { artifact_id: "../x" }),
        gone: calling("gone", "a.b", { artifact_id: "0".repeat(64) }),
      },
    };
    const { tasks } = await new Driver({ engine: engineOf(t) }).run({ workflow });
    assert.equal(tasks.odd.error.code, "TOOL_ARGUMENTS_INVALID");
    assert.equal(tasks.gone.error.code, "ARTIFACT_NOT_FOUND");
  });
});
