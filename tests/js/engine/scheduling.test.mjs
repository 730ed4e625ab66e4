// The embedded engine in process, with the test's own tools: scheduling, templates, failures, the REST API.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, ref } from "highway-wasm";
import { LocalEngine, ToolError } from "highway-wasm/engine";
import { rejectionOf, checkRejection, checkThrown } from "../support/errors.mjs";
import { faultServer, json, text } from "../support/fault-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

/** An engine that is closed after the test, with a driver for it. */
function start(t, tools = {}, options = {}) {
  const engine = new LocalEngine({ tools, ...options });
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }) };
}

/** The result of a workflow with one task `a` that calls `tool`. */
async function one(t, tool, options = {}) {
  const { driver } = start(t, { tool });
  driver.tool("a", "tool", {}, options);
  const result = await driver.run();
  return { result, task: result.tasks.a };
}

const echo = ({ kwargs }) => kwargs;

describe("running", { concurrency: true }, () => {
  test("results go from task to task with their types", async (t) => {
    const { driver } = start(t, { echo });
    const value = { n: 1.5, list: [1, { deep: null }], text: "größe 🛣️", yes: true };
    const a = driver.tool("a", "echo", { value });
    driver.tool(
      "b",
      "echo",
      {
        whole: a.result.value,
        item: a.result.value.list[1],
        line: `<${a.result.value.n}|${a.result.value.text}>`,
      },
      { depends: a },
    );
    const result = await driver.run();
    assert.equal(result.state, "completed", result.error?.message);
    assert.deepEqual(result.tasks.b.result, { whole: value, item: { deep: null }, line: "<1.5|größe 🛣️>" });
    assert.deepEqual(result.result.output, result.tasks.b.result);
    assert.deepEqual(result.result.a_result, { value });
    assert.ok(result.allTasksSucceeded && result.isSuccess && result.isTerminal);
    assert.ok(result.startedAt <= result.completedAt);
  });

  test("inputs have both names, and keep their types", async (t) => {
    const { driver } = start(t, { echo });
    driver.tool("a", "echo", { long: "{{inputs.user}}", short: "{{user}}", text: "hi {{inputs.user.name}}" });
    const { tasks } = await driver.run({ inputs: { user: { name: "Ada", age: 36 } } });
    const user = { name: "Ada", age: 36 };
    assert.deepEqual(tasks.a.result, { long: user, short: user, text: "hi Ada" });
  });

  test("independent tasks run at the same time", async (t) => {
    let arrived = 0;
    let open;
    const everyoneIsHere = new Promise((resolve) => {
      open = resolve;
    });
    const { driver } = start(t, {
      meet: async () => {
        arrived += 1;
        if (arrived === 3) open();
        await everyoneIsHere;
        return arrived;
      },
    });
    for (const name of ["a", "b", "c"]) driver.tool(name, "meet");
    driver.tool("d", "meet", {}, { depends: ["a", "b", "c"] });
    const result = await driver.run({ timeout: 60 });
    assert.equal(result.state, "completed");
    assert.equal(result.tasks.d.result, 4);
  });

  test("concurrency limits the number of running tools", async (t) => {
    let active = 0;
    let most = 0;
    const tool = async () => {
      active += 1;
      most = Math.max(most, active);
      await sleep(20);
      active -= 1;
    };
    const { driver } = start(t, { tool }, { concurrency: 2 });
    for (let at = 0; at < 7; at++) driver.tool(`t${at}`, "tool");
    assert.equal((await driver.run()).state, "completed");
    assert.equal(most, 2);
  });

  test("the context of a tool", async (t) => {
    const seen = [];
    const tool = (call, context) => {
      seen.push({ call, at: Date.now(), ...context });
      if (context.attempt === 1) throw new Error("once more");
      return null;
    };
    const { engine } = start(t, { "my.tool": tool });
    const driver = new Driver({ engine, name: "flow" });
    driver.tool("a", "my.tool", { k: 1 }, { retries: 1, retryDelay: 0, timeout: 60 });
    const result = await driver.run();
    assert.equal(result.state, "completed");
    const [first, second] = seen;
    assert.deepEqual([first.call.args, first.call.kwargs], [[], { k: 1 }]);
    assert.deepEqual(
      [first.runId, first.workflow, first.task, first.tool],
      [result.runId, "flow", "a", "my.tool"],
    );
    assert.deepEqual([first.attempt, second.attempt], [1, 2]);
    assert.equal(first.idempotencyKey, second.idempotencyKey);
    const left = first.deadline.getTime() - first.at;
    assert.ok(left > 55_000 && left <= 60_000, `${left}`);
  });

  test("delay waits, and the run is sleeping meanwhile", async (t) => {
    const times = {};
    const tool = (_, { task }) => {
      times[task] = performance.now();
    };
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    driver.tool("b", "tool", {}, { depends: ["a"], delay: 1 });
    const states = [];
    const watch = stopwatch();
    const result = await driver.run({ onProgress: ({ state }) => states.push(state) });
    assert.equal(result.state, "completed");
    assert.ok(times.b - times.a >= 990, `${times.b - times.a}`);
    assert.ok(watch.stop() < 4000);
    assert.ok(states.includes("sleeping"), `${states}`);
  });

  test("the caller may provide the clock", async (t) => {
    const offset = Date.UTC(2040, 0, 1) - Date.now();
    const { driver } = start(t, { echo }, { clock: () => Date.now() + offset });
    driver.tool("a", "echo", {}, { retries: 1, timeout: 5 });
    const result = await driver.run();
    assert.equal(result.startedAt.getUTCFullYear(), 2040);
    assert.equal(result.state, "completed");
  });

  test("large and unusual values are kept", async (t) => {
    const { driver } = start(t, { big: () => "x".repeat(11 * 1024 * 1024), echo });
    const odd = '\u0000\u2028"\\\u{1F6E3}\u200d\ufeff';
    driver.tool("big", "big");
    driver.tool("odd", "echo", {
      odd,
      [odd]: 1,
      empty: "",
      zero: -0,
      tiny: 5e-324,
      max: Number.MAX_SAFE_INTEGER,
    });
    const { tasks, state } = await driver.run();
    assert.equal(state, "completed");
    assert.equal(tasks.big.result.length, 11 * 1024 * 1024);
    assert.deepEqual(tasks.odd.result, {
      odd,
      [odd]: 1,
      empty: "",
      zero: 0,
      tiny: 5e-324,
      max: Number.MAX_SAFE_INTEGER,
    });
  });

  test("a thousand tasks", async (t) => {
    const { driver } = start(t, { echo });
    for (let at = 0; at < 1000; at++) {
      driver.tool(`t${at}`, "echo", { at }, { depends: at < 50 ? [] : [`t${at - 50}`] });
    }
    const result = await driver.run();
    assert.equal(result.state, "completed");
    assert.equal(Object.keys(result.tasks).length, 1000);
  });
});

describe("failing", { concurrency: true }, () => {
  test("a flaky server is called again, with growing delays", async (t) => {
    const server = await faultServer(t, [
      json(503, {}),
      text(500, "down"),
      json(200, { items: [{ id: 7 }] }),
    ]);
    const { driver } = start(t);
    driver.http("get", `${server.url}/x?y=1`, { retries: 3, retryDelay: 0.1, backoff: 3 });
    const result = await driver.run();
    assert.equal(result.state, "completed", result.error?.message);
    const { status_code, response, body, headers } = result.tasks.get.result;
    assert.deepEqual([status_code, response, body], [200, { items: [{ id: 7 }] }, { items: [{ id: 7 }] }]);
    assert.match(headers["content-type"], /json/);
    const [first, second, third] = server.requests.map(({ at }) => at);
    assert.ok(second - first >= 90 && second - first < 2000, `${second - first}`);
    assert.ok(third - second >= 280 && third - second < 3000, `${third - second}`);
    const logs = await driver.logs(result.runId);
    assert.deepEqual(
      logs.map(({ task, attempt, stream }) => `${task} ${attempt} ${stream}`),
      ["get 1 error", "get 2 error"],
    );
  });

  test("an HTTP status outside 2xx fails the attempt; check: false makes it data", async (t) => {
    const server = await faultServer(t, [json(404, { why: "no" })]);
    const { driver } = start(t);
    driver.http("a", server.url);
    driver.http("b", {
      url: server.url,
      method: "POST",
      json: { k: "ü" },
      params: { q: "a b" },
      check: false,
    });
    const { state, tasks } = await driver.run();
    assert.equal(state, "failed");
    assert.equal(tasks.a.error.code, "HTTP_STATUS");
    assert.match(tasks.a.error.help, /check: false/);
    assert.equal(tasks.a.result.status_code, 404);
    assert.deepEqual([tasks.b.state, tasks.b.result.response], ["completed", { why: "no" }]);
    const post = server.requests.find(({ method }) => method === "POST");
    assert.deepEqual([post.url, post.json], ["/?q=a+b", { k: "ü" }]);
    assert.match(post.headers["content-type"], /json/);
  });

  test("tasks after a failed one are skipped, others run to their end", async (t) => {
    const { driver } = start(t, {
      echo,
      fail: () => {
        throw new ToolError("broken", { code: "MINE", help: "mend it", result: { part: 1 } });
      },
    });
    driver.tool("a", "fail");
    driver.tool("b", "echo", {}, { depends: ["a"] });
    driver.tool("c", "echo", { n: 1 });
    const result = await driver.run();
    assert.deepEqual([result.state, result.isSuccess], ["failed", false]);
    const { a, b, c } = result.tasks;
    assert.deepEqual(
      [a.state, a.error.code, a.error.message, a.error.help],
      ["failed", "MINE", "broken", "mend it"],
    );
    assert.deepEqual(a.result, { part: 1 });
    assert.deepEqual([b.state, c.state], ["skipped", "completed"]);
    assert.equal(result.error.code, "MINE");
    assert.match(result.error.message, /`?a`?.*broken/);
  });

  test("any value that a tool throws fails the task", async (t) => {
    for (const [thrown, message] of [
      ["text", /^text$/],
      [undefined, /undefined/],
      [null, /null/],
      [5, /5/],
      [Symbol("s"), /Symbol\(s\)/],
      [new Error(""), /Error/],
      [Object.assign(new Error("with code"), { code: "ENOENT" }), /with code/],
      [Object.assign(new Error("number code"), { code: 5 }), /number code/],
      [{ message: "duck" }, /duck/],
    ]) {
      const tool = () => {
        throw thrown;
      };
      const { task, result } = await one(t, tool);
      assert.deepEqual([result.state, task.state, task.error.name], ["failed", "failed", "ExecutionError"]);
      assert.match(task.error.message, message);
    }
  });

  test("a result that is not plain data fails the task, with the path", async (t) => {
    const cyclic = {};
    cyclic.self = cyclic;
    for (const value of [() => 1, new Set(), new Map(), Number.NaN, cyclic, Symbol("x")]) {
      let calls = 0;
      const tool = () => {
        calls += 1;
        return { deep: [value] };
      };
      const { task } = await one(t, tool, { retries: 2, retryDelay: 0 });
      assert.deepEqual([task.state, task.error.code], ["failed", "VALUE_NOT_JSON"]);
      assert.ok(calls >= 1);
    }
    const { task } = await one(t, () => undefined);
    assert.deepEqual([task.state, task.result], ["completed", null]);
  });

  test("retryable: false ends it at once", async (t) => {
    let calls = 0;
    const tool = () => {
      calls += 1;
      throw new ToolError("never", { retryable: false });
    };
    const { task } = await one(t, tool, { retries: 5, retryDelay: 0 });
    assert.deepEqual([task.error.code, calls], ["TOOL_FAILED", 1]);
  });

  test("an unknown tool", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "true", { retries: 3 });
    driver.python("b", "pass");
    driver.tool("c", "my.tool");
    const error = await rejectionOf(driver.run());
    assert.deepEqual([error.name, error.code], ["SubmissionError", "TOOL_NOT_REGISTERED"]);
    assert.deepEqual([error.status, error.path], [400, "/tasks/a/function"]);
    const [a, b, c] = error.diagnostics;
    for (const finding of [a, b]) assert.match(finding.help, /nodeTools/);
    assert.match(c.message, /`my\.tool`/);
    assert.equal(c.path, "/tasks/c/function");
    assert.match(c.help, /engine\.tool\("my\.tool", handler\)/);
    assert.deepEqual(await driver.list().toArray(), [], "nothing began");
  });

  test("a template with an unknown name fails with the nearest name", async (t) => {
    const { driver, engine } = start(t, { echo });
    driver.tool("backup_db", "echo", { stdout: "x" });
    driver.tool(
      "b",
      "echo",
      { v: `${ref("backup_bd").result.stdout}` },
      { depends: ["backup_db"], retries: 3 },
    );
    driver.tool("c", "echo", { v: "{{inputs.nmae}}" });
    driver.tool("d", "echo", { v: "{{backup_db_result.stdot}}" }, { depends: ["backup_db"] });
    const { tasks, state } = await driver.run({ inputs: { name: 1 } });
    assert.equal(state, "failed");
    for (const name of ["b", "c"]) assert.equal(tasks[name].error.code, "TEMPLATE_UNRESOLVED");
    assert.match(tasks.b.error.message, /backup_bd_result/);
    assert.match(`${tasks.b.error.message} ${tasks.b.error.help}`, /`backup_db_result`/);
    assert.match(`${tasks.c.error.message} ${tasks.c.error.help}`, /`(inputs\.)?name`/);
    assert.deepEqual(tasks.d.result, { v: null }, "a missing field of a value that is there is null");
    await engine.close();
    const lenient = start(t, { echo }, { templates: "lenient" }).driver;
    lenient.tool("a", "echo", { v: "<{{nothing.here}}>" });
    assert.deepEqual((await lenient.run()).tasks.a.result, { v: "<{{nothing.here}}>" });
  });
});

describe("options", () => {
  test("invalid values are refused", () => {
    const check = (options, path) =>
      checkThrown(() => new LocalEngine(options), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path,
      });
    check({ tool: {} }, "/tool");
    check({ tools: { a: "x" } }, "/tools");
    for (const concurrency of [0, -1, 1.5, Number.NaN, "2"]) check({ concurrency }, "/concurrency");
    check({ templates: "loose" }, "/templates");
  });

  test("an invalid clock or environment", () => {
    const check = (options) =>
      checkThrown(() => new LocalEngine(options), { name: "ConfigurationError", code: "OPTION_INVALID" });
    check({ clock: 5 });
    check({ env: "HOME" });
    check({ tools: null });
  });

  test("env is available in templates", async (t) => {
    const { driver } = start(t, { echo }, { env: { STAGE: "test" } });
    driver.tool("a", "echo", { v: "{{ENV.STAGE}}" });
    assert.deepEqual((await driver.run()).tasks.a.result, { v: "test" });
  });

  test("the names of options are checked before anything is built", async () => {
    await checkRejection((async () => new LocalEngine({ Tools: {} }))(), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      path: "/Tools",
    });
  });
});

describe("texts", { concurrency: true }, () => {
  test("a cancelled run says so, and the given reason", async (t) => {
    const tool = (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve));
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    const handle = await driver.start();
    assert.equal(await handle.cancel("enough"), true);
    const { error } = await handle.result();
    assert.deepEqual([error.code, error.message], ["RUN_CANCELLED", "enough"]);
  });

  test("a run that exceeded its limit is listed as timed_out", async (t) => {
    const tool = (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve));
    const { driver } = start(t, { tool });
    driver.tool("a", "tool");
    assert.equal((await driver.run({ timeout: 1 })).state, "timed_out");
    const totals = await Promise.all(["timed_out", "failed"].map((status) => driver.list({ status }).page()));
    assert.deepEqual(
      totals.map(({ total }) => total),
      [1, 0],
    );
  });

  test("a request with invalid arguments is refused", async (t) => {
    const { driver } = start(t, {});
    driver.http("a", { url: "http://127.0.0.1:9", body: "x", timeout: null }, { retries: 3 });
    const { tasks } = await driver.run();
    assert.equal(tasks.a.error.code, "TOOL_ARGUMENTS_INVALID");
  });

  test("an unknown workflow is named", async (t) => {
    const { driver } = start(t);
    driver.workflow("a", { name: "no_such_workflow" });
    assert.match((await driver.run()).error.message, /no workflow `no_such_workflow`/);
  });
});
