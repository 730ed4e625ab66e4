// The output of commands: visible while they run, and kept when they are aborted.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
import { noPython } from "../support/artifacts.mjs";

const isWindows = process.platform === "win32";

function driverOf(t, options = {}) {
  const cwd = mkdtempSync(join(tmpdir(), "highway-wasm-test-"));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  const engine = new LocalEngine({ tools: nodeTools({ cwd }), ...options });
  t.after(() => engine.close());
  return { driver: new Driver({ engine }), cwd };
}

/** Waits until the outputs of a run are these, for at most 60 s. */
async function outputs(handle, expected) {
  const end = Date.now() + 60_000;
  let seen;
  do {
    await sleep(20);
    seen = (await handle.logs()).map(({ stream, content }) => `${stream} ${content}`);
  } while (JSON.stringify(seen) !== JSON.stringify(expected) && Date.now() < end);
  assert.deepEqual(seen, expected);
}

describe("the output of a command", { skip: isWindows, concurrency: 2 }, () => {
  test("is in the logs while it runs, line by line", async (t) => {
    const { driver, cwd } = driverOf(t);
    driver.shell("a", "echo one; echo hm >&2; printf tw; until [ -e go ]; do sleep 0.05; done; echo o");
    const handle = await driver.start();
    await outputs(handle, ["stdout one\n", "stderr hm\n"]);
    writeFileSync(join(cwd, "go"), "");
    const { tasks } = await handle.result();
    assert.equal(tasks.a.stdout, "one\ntwo");
    await outputs(handle, ["stdout one\ntwo", "stderr hm"]);
  });

  test("shows no secret, and no half of one", async (t) => {
    const { driver, cwd } = driverOf(t, { secrets: { token: "s3cret-token" } });
    const wait = (file) => `until [ -e ${file} ]; do sleep 0.05; done`;
    const command = `echo begin; printf s3cret; echo ready >&2; ${wait("go")}; echo -token; ${wait("end")}`;
    driver.shell("a", command, { env: { X: "{{secrets.token}}" } });
    const handle = await driver.start();
    await outputs(handle, ["stdout begin\n", "stderr ready\n"]);
    writeFileSync(join(cwd, "go"), "");
    await outputs(handle, ["stdout begin\n***\n", "stderr ready\n"]);
    writeFileSync(join(cwd, "end"), "");
    await handle.result();
  });

  test("is kept if the attempt reaches its time limit", async (t) => {
    const { driver } = driverOf(t);
    driver.shell("a", "echo one; printf two; echo hm >&2; sleep 60", { timeout: 1 });
    const { tasks } = await driver.run();
    const { error, stdout, stderr } = tasks.a;
    assert.deepEqual([error.code, stdout, stderr], ["TASK_TIMED_OUT", "one\ntwo", "hm"]);
  });

  test("is kept if the run is cancelled", async (t) => {
    const { driver } = driverOf(t);
    driver.shell("a", "echo one; sleep 60");
    const handle = await driver.start();
    await outputs(handle, ["stdout one\n"]);
    await handle.cancel();
    const { state, tasks } = await handle.result();
    assert.deepEqual([state, tasks.a.state, tasks.a.stdout], ["cancelled", "cancelled", "one"]);
  });

  test("has its beginning and its end beyond `outputBytes`, and the middle is counted", async (t) => {
    const { driver } = driverOf(t, { limits: { outputBytes: 16 } });
    driver.shell("a", "echo one; echo two; echo three; echo four; echo stuck; sleep 60", { timeout: 1 });
    const { tasks } = await driver.run();
    assert.equal(tasks.a.stdout, "one\ntwo\n[11 bytes (2 lines) are left out here]\nstuck");
  });

  test("of Python is shown, too", { skip: noPython }, async (t) => {
    const { driver } = driverOf(t);
    const source = "import time\nprint('one', flush=True)\ntime.sleep(60)";
    driver.tool("exec", "tools.code.exec", { code: source }, { timeout: 3 });
    driver.task("durable", { durable: `def f():\n    ${source.replaceAll("\n", "\n    ")}`, timeout: 3 });
    const { tasks } = await driver.run();
    assert.deepEqual([tasks.exec.stdout, tasks.durable.stdout], ["one", "one"]);
  });
});

test("of a script has its own limit", { skip: noPython }, async (t) => {
  const { driver } = driverOf(t);
  const code = "import time\nprint('one', flush=True)\ntime.sleep(60)";
  driver.tool("a", "tools.code.exec", { code, timeout: 2 });
  driver.tool("b", "tools.code.exec", { code, timeout: "soon" });
  const { a, b } = (await driver.run()).tasks;
  assert.deepEqual([a.error.code, a.stdout], ["TASK_TIMED_OUT", "one"]);
  assert.deepEqual([b.error.code, b.error.path], ["TOOL_ARGUMENTS_INVALID", "/kwargs/timeout"]);
});

test("a user's own tool can show output", async (t) => {
  let end;
  const tools = {
    build: async ({ output }) => {
      output("compiled\n");
      output("a warn", "stderr");
      output("ing\n", "stderr");
      await new Promise((resolve) => {
        end = resolve;
      });
      throw new Error("no");
    },
  };
  const { driver } = driverOf(t, { tools });
  driver.tool("a", "build");
  const handle = await driver.start();
  await outputs(handle, ["stdout compiled\n", "stderr a warning\n"]);
  end();
  const { tasks } = await handle.result();
  assert.deepEqual([tasks.a.stdout, tasks.a.stderr], ["compiled", "a warning"]);
});
