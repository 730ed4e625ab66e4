// The life of runs on the embedded engine: time limits, cancelling, closing, repeating, and the REST API itself.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { runModule } from "../support/child.mjs";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

function start(t, tools = {}, options = {}) {
  const engine = new LocalEngine({ tools, ...options });
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }) };
}

/** A tool that runs until its signal fires, and what it saw. */
function endless() {
  const seen = { started: 0, reasons: [] };
  let begun;
  const whenStarted = new Promise((resolve) => {
    begun = resolve;
  });
  const tool = (_, { signal }) =>
    new Promise((_, reject) => {
      seen.started += 1;
      begun();
      signal.addEventListener("abort", () => {
        seen.reasons.push(signal.reason);
        reject(signal.reason);
      });
    });
  return { tool, seen, whenStarted };
}

describe("time limits", { concurrency: true }, () => {
  test("of an attempt: the tool is aborted, and the next attempt follows", async (t) => {
    const { tool, seen } = endless();
    const { driver } = start(t, { tool });
    driver.tool("a", "tool", {}, { timeout: 1, retries: 1, retryDelay: 0 });
    const { state, tasks } = await driver.run();
    assert.deepEqual([state, tasks.a.state, tasks.a.error.code], ["failed", "failed", "TASK_TIMED_OUT"]);
    assert.equal(seen.started, 2);
    assert.ok(seen.reasons.every((reason) => reason instanceof Error && reason.name === "AbortError"));
  });

  test("of an attempt: later results of the tool are ignored", async (t) => {
    const tool = async (_, { attempt }) => {
      if (attempt === 1) await sleep(150);
      return attempt;
    };
    const { driver } = start(t, { tool });
    driver.tool("a", "tool", {}, { timeout: 0.05, retries: 1, retryDelay: 0 });
    driver.tool("b", "tool", {}, { depends: ["a"], delay: 1 });
    const result = await driver.run();
    assert.deepEqual([result.state, result.tasks.a.result], ["completed", 2]);
  });

  test("of a run: it is timed_out, and running tools are aborted", async (t) => {
    const { tool, seen } = endless();
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    driver.tool("b", "tool", {}, { depends: ["a"] });
    const watch = stopwatch();
    const result = await driver.run({ timeout: 1 });
    assert.ok(watch.stop() < 10_000, "the engine ends it; the client would a while later");
    assert.deepEqual(
      [result.state, result.error.code, result.isTerminal],
      ["timed_out", "RUN_TIMED_OUT", true],
    );
    assert.deepEqual([seen.started, seen.reasons.length], [1, 1]);
    assert.notEqual(result.tasks.a.state, "running");
  });
});

describe("cancelling", { concurrency: true }, () => {
  test("aborts running tools; the run is cancelled once", async (t) => {
    const { tool, seen, whenStarted } = endless();
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    driver.tool("b", "tool", {}, { depends: ["a"] });
    const handle = await driver.start();
    await whenStarted;
    assert.equal((await handle.status()).state, "running");
    assert.equal(await handle.cancel("no longer needed"), true);
    assert.equal(seen.reasons.length, 1);
    const result = await handle.result();
    assert.deepEqual([result.state, result.isSuccess], ["cancelled", false]);
    assert.match(result.error?.message ?? "", /no longer needed/);
    assert.deepEqual([result.tasks.a.state, result.tasks.b.isSuccess], ["cancelled", false]);
    assert.equal(await driver.cancel(result.runId), false);
    await checkRejection(driver.cancel("ghost"), { name: "ApiError", code: "API_NOT_FOUND" });
  });

  test("a run that sleeps", async (t) => {
    const { driver } = start(t, { tool: () => 1 });
    driver.tool("a", "tool", {}, { delay: "PT1H" });
    const handle = await driver.start();
    assert.equal((await handle.status()).state, "sleeping");
    assert.equal(await handle.cancel(), true);
    assert.equal((await handle.status()).state, "cancelled");
  });

  test("aborting a wait does not end the run", async (t) => {
    const tool = () => sleep(150);
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    const handle = await driver.start();
    const error = await rejectionOf(handle.result({ signal: AbortSignal.timeout(30) }));
    assert.equal(error.name, "AbortedError");
    assert.equal((await handle.result()).state, "completed");
  });
});

describe("closing", { concurrency: true }, () => {
  test("aborts running tools; afterwards every request is refused", async (t) => {
    const { tool, seen, whenStarted } = endless();
    const { driver, engine } = start(t, { tool });
    driver.tool("a", "tool");
    await driver.start();
    await whenStarted;
    await engine.close();
    await engine.close();
    assert.equal(seen.reasons.length, 1);
    assert.equal(seen.reasons[0].code, "ENGINE_CLOSED");
    const error = await rejectionOf(engine.fetch(new Request("http://engine/api/v1/workflows")));
    assert.equal(error.code, "ENGINE_CLOSED");
  });

  test("makes every later call fail at once with ENGINE_CLOSED", async (t) => {
    const { driver, engine } = start(t, { tool: () => 1 });
    driver.tool("a", "tool");
    await engine.close();
    const watch = stopwatch();
    const error = await rejectionOf(driver.run({ signal: AbortSignal.timeout(30_000) }));
    assert.equal(error.code, "ENGINE_CLOSED", error.message);
    assert.ok(watch.stop() < 1500);
  });

  test("ends every wait for a run with that error", async (t) => {
    const { tool, whenStarted } = endless();
    const { driver, engine } = start(t, { tool });
    driver.tool("a", "tool");
    const pending = rejectionOf(driver.run({ signal: AbortSignal.timeout(30_000) }));
    await whenStarted;
    await engine.close();
    const error = await pending;
    assert.equal(error.code, "ENGINE_CLOSED", error.message);
  });

  test("releases the memory of the module", async () => {
    const { stdout, stderr } = await runModule(`
      import { createRequire } from "node:module";
      import { dirname, join } from "node:path";
      import { Driver } from "highway-wasm";
      import { LocalEngine } from "highway-wasm/engine";
      const dist = dirname(createRequire(import.meta.url).resolve("highway-wasm/package.json"));
      const size = async () => {
        const glue = await import(join(dist, "esm/generated/full.js"));
        return glue.initSync({ module: new Uint8Array() }).memory.buffer.byteLength;
      };
      const large = "x".repeat(1_000_000);
      const one = async () => {
        const engine = new LocalEngine({ tools: { tool: () => large } });
        const driver = new Driver({ engine });
        driver.tool("a", "tool");
        await driver.run();
        await engine.close();
      };
      for (let at = 0; at < 3; at++) await one();
      const before = await size();
      for (let at = 0; at < 15; at++) await one();
      console.log((await size()) - before);`);
    assert.equal(stderr, "");
    assert.ok(Number(stdout) < 4_000_000, `it grew by ${stdout} bytes in 15 engines`);
  });

  test("resources that a tool keeps for a run are released when the run has ended, or the engine is closed", async (t) => {
    const released = [];
    const tool = async (_, { onRunEnd, task, signal }) => {
      onRunEnd(() => released.push(task));
      if (task === "slow") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    const { driver, engine } = start(t, { tool });
    driver.tool("a", "tool");
    driver.tool("b", "tool", {}, { depends: ["a"] });
    await driver.run();
    assert.deepEqual(released, ["a", "b"]);
    driver.clear();
    driver.tool("slow", "tool");
    await driver.start();
    await sleep(20);
    assert.deepEqual(released, ["a", "b"]);
    await engine.close();
    assert.deepEqual(released, ["a", "b", "slow"]);
  });

  test("resources that an aborted attempt registers late are kept until the run has ended", async (t) => {
    const events = [];
    const tool = async (_, { onRunEnd, task, attempt, signal }) => {
      if (task === "keeper") onRunEnd(() => events.push("keeper's released"));
      if (task === "late" && attempt === 1) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        onRunEnd(() => events.push("late's released"));
      }
      if (task === "last") events.push("last task");
    };
    const { driver } = start(t, { tool });
    driver.tool("keeper", "tool");
    driver.tool("late", "tool", {}, { timeout: 0.05, retries: 1, retryDelay: 0.1 });
    driver.tool("last", "tool", {}, { depends: ["keeper", "late"] });
    assert.equal((await driver.run()).state, "completed");
    assert.deepEqual(events, ["last task", "keeper's released", "late's released"]);
  });
});

describe("a process", { concurrency: true }, () => {
  const engineOf = (tools, rest) => `
    import { Driver } from "highway-wasm";
    import { LocalEngine } from "highway-wasm/engine";
    const engine = new LocalEngine({ tools: ${tools} });
    const driver = new Driver({ engine });
    ${rest}`;

  test("ends by itself soon after a run and close", async () => {
    const { lines, code, stderr } = await runModule(
      engineOf(
        "{ tool: () => 1 }",
        `driver.tool("a", "tool", {}, { timeout: 3600 });
      console.log((await driver.run()).state);
      await engine.close();`,
      ),
    );
    assert.deepEqual([lines[0]?.line, code], ["completed", 0], stderr);
  });

  test("ends after close even if a run waits and a tool is running", async () => {
    const tool = "(_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve))";
    const { lines, code } = await runModule(
      engineOf(
        `{ tool: ${tool} }`,
        `driver.tool("a", "tool");
        driver.tool("b", "tool", {}, { delay: 3600 });
        await driver.start();
        await new Promise((resolve) => setTimeout(resolve, 50));
        await engine.close();
        console.log("closed");`,
      ),
    );
    assert.deepEqual([lines[0]?.line, code], ["closed", 0]);
  });

  test("ends in a few seconds even if a tool never obeys its signal", async () => {
    const { lines, code } = await runModule(
      engineOf(
        "{ tool: () => new Promise(() => {}) }",
        `driver.tool("a", "tool");
        await driver.start();
        await engine.close();
        console.log("closed");`,
      ),
    );
    assert.deepEqual([lines[0]?.line, code], ["closed", 0]);
  });

  // Each in another process, because an error here could end the process.
  for (const [what, tool, expected] of [
    ["throws what has no text", "() => { throw Object.create(null); }", "failed failed"],
    [
      "throws an error whose help is no data",
      '() => { throw Object.assign(new Error("x"), { help() {} }); }',
      "failed failed",
    ],
    [
      "throws an error with a getter that throws",
      '() => { throw { get message() { throw new Error("inner"); } }; }',
      "failed failed",
    ],
    [
      "gives half a surrogate pair",
      '() => ({ text: "\\\\ud83d" })',
      /^(completed completed|failed failed)\n$/,
    ],
    [
      "gives a deep structure",
      "() => { let deep = 1; for (let at = 0; at < 500; at++) deep = [deep]; return deep; }",
      /^(completed completed|failed failed)\n$/,
    ],
    ["throws half a surrogate pair", '() => { throw new Error("\\\\udc00"); }', "failed failed"],
  ]) {
    test(`survives a tool that ${what}`, async () => {
      const { stdout, stderr, code } = await runModule(
        engineOf(
          `{ tool: ${tool} }`,
          `driver.tool("a", "tool");
        const result = await driver.run({ signal: AbortSignal.timeout(30_000) });
        console.log(result.state, result.tasks.a.state);
        await engine.close();`,
        ),
        { limit: 60_000 },
      );
      if (typeof expected === "string") assert.equal(stdout, `${expected}\n`, stderr);
      else assert.match(stdout, expected, stderr);
      assert.equal(code, 0);
    });
  }
});

describe("the REST API", { concurrency: true }, () => {
  const call = async (engine, method, path, body, headers) => {
    const response = await engine.fetch(`http://any.host/api/v1${path}`, {
      method,
      headers,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    assert.match(response.headers.get("content-type"), /^application\/json/);
    return { status: response.status, body: await response.json() };
  };

  test("serves a driver through fetch", async (t) => {
    const { engine } = start(t, { echo: ({ kwargs }) => kwargs });
    const driver = new Driver({ endpoint: "http://engine", fetch: engine.fetch, apiKey: "local" });
    driver.tool("a", "echo", { n: "{{n}}" });
    const result = await driver.run({ inputs: { n: 5 } });
    assert.deepEqual([result.state, result.tasks.a.result], ["completed", { n: 5 }]);
    const { items: runs, total } = await driver.list({ status: "completed" }).page();
    assert.deepEqual([runs[0].runId, total], [result.runId, 1]);
    assert.deepEqual(Object.keys(await driver.handle(result.runId).steps()), ["a"]);
    assert.equal((await driver.list({ status: "failed" }).page()).total, 0);
  });

  test("a workflowId gives the same run for the same content, a conflict for other content", async (t) => {
    let calls = 0;
    const { driver } = start(t, { tool: () => ++calls });
    driver.tool("a", "tool");
    const first = await driver.run({ workflowId: "order-7", inputs: { n: 1 } });
    const second = await driver.run({ workflowId: "order-7", inputs: { n: 1 } });
    assert.deepEqual([second.runId, second.result, calls], [first.runId, first.result, 1]);
    const error = await checkRejection(driver.run({ workflowId: "order-7", inputs: { n: 2 } }), {
      name: "SubmissionError",
      code: "API_CONFLICT",
      help: /order|workflowId/,
    });
    assert.equal(error.existingRunId, first.runId);
    assert.notEqual((await driver.run({ inputs: { n: 1 } })).runId, first.runId);
  });

  test("answers and refusals", async (t) => {
    const { engine } = start(t);
    const status = async (...args) => (await call(engine, ...args)).status;
    assert.equal(await status("GET", "/health"), 200);
    assert.equal(await status("GET", "/workflows/ghost"), 404);
    assert.equal(await status("GET", "/nothing"), 404);
    assert.equal(await status("DELETE", "/workflows"), 405);
    assert.equal(await status("POST", "/workflows", "not json"), 400);
    assert.equal(await status("POST", "/workflows", {}), 400);
    assert.equal(await status("POST", "/workflows", ""), 400);
    assert.equal(await status("POST", "/workflows/ghost/cancel", ""), 404);
    const builder = new Driver();
    builder.tool("a", "f", {}, { depends: ["a"] });
    const cyclic = builder.build();
    const refused = await call(engine, "POST", "/workflows", { workflow_definition: cyclic });
    assert.equal(refused.status, 400);
    assert.deepEqual([refused.body.status, refused.body.details[0].code], ["error", "DEPENDENCY_SELF"]);
  });
});

describe("keepRuns", () => {
  test("the oldest finished runs are dropped, a minute after their end at the earliest", async (t) => {
    let now = Date.now();
    const { engine, driver } = start(t, { "x.y": () => 1 }, { keepRuns: 2, clock: () => now });
    driver.tool("a", "x.y");
    const highway = new Highway({ engine });
    const ids = [];
    for (let at = 0; at < 4; at++) {
      now += 1000;
      ids.push((await driver.run({ workflowId: `key-${at}` })).runId);
    }
    const kept = async () => (await highway.workflows.list().toArray()).map(({ runId }) => runId);
    assert.deepEqual(await kept(), [...ids].reverse());
    now += 90_000;
    const other = await driver.run();
    const last = await driver.run({ workflowId: "key-0" });
    assert.notEqual(last.runId, ids[0], "the key of a forgotten run begins a new one");
    assert.deepEqual(await kept(), [last.runId, other.runId]);
    await checkRejection(highway.workflows.get(ids[0]), { name: "ApiError", code: "API_NOT_FOUND" });
  });

  test("is a whole number above 0", () => {
    for (const keepRuns of [0, -1, 1.5, "9", Number.NaN]) {
      assert.throws(() => new LocalEngine({ keepRuns }), { code: "OPTION_INVALID", path: "/keepRuns" });
    }
  });
});
