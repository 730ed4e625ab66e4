// Tools of the embedded engine: how they are registered, what they get, and what they report.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine, ToolError } from "highway-wasm/engine";
import { checkThrown, rejectionOf } from "../support/errors.mjs";

function start(t, options = {}) {
  const engine = new LocalEngine(options);
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }), highway: new Highway({ engine }) };
}

test("a tool can be registered, and replaced, at any time", async (t) => {
  const { engine, driver } = start(t);
  driver.tool("a", "my.tool");
  const refusal = await rejectionOf(driver.run());
  assert.equal(refusal.details.serverCode, "TOOL_NOT_REGISTERED");
  assert.equal(
    engine.tool("my.tool", () => 1),
    engine,
  );
  assert.equal((await driver.run()).tasks.a.result, 1);
  engine.tool("my.tool", () => 2);
  assert.equal((await driver.run()).tasks.a.result, 2);
});

test("an invalid tool is refused", async (t) => {
  const { engine } = start(t);
  const code = "OPTION_INVALID";
  checkThrown(() => engine.tool("", () => 1), { name: "ConfigurationError", code, path: "/name" });
  checkThrown(() => engine.tool("x", "y"), {
    name: "ConfigurationError",
    code,
    path: "/handler",
    message: /`x`/,
  });
  await engine.close();
  checkThrown(() => engine.tool("x", () => 1), { name: "ExecutionError", code: "ENGINE_CLOSED" });
});

test("a misspelt tool is refused with the nearest name, also inside loops and branches", async (t) => {
  const { driver } = start(t, { tools: { "text.upper": () => 1 } });
  driver.tool("a", "text.uper");
  const { details, message, help } = await rejectionOf(driver.run());
  assert.match(message, /task `a` calls the tool `text\.uper`/);
  assert.equal(help, "did you mean `text.upper`?");
  assert.deepEqual(
    details.serverDetails.map(({ path }) => path),
    ["/tasks/a/function"],
  );
});

test("the retry of a run whose tool is gone is refused", async (t) => {
  const entries = [];
  const store = { load: () => entries, append: async (more) => void entries.push(...more) };
  const before = new LocalEngine({
    store,
    tools: {
      "my.tool": () => {
        throw new Error("no");
      },
    },
  });
  const driver = new Driver({ engine: before });
  driver.tool("a", "my.tool");
  const { runId } = await driver.run();
  await before.close();
  const { engine, highway } = start(t, { store });
  const refusal = await rejectionOf(highway.workflows.retry(runId));
  assert.equal(refusal.details.serverCode, "TOOL_NOT_REGISTERED");
  engine.tool("my.tool", () => 1);
  await highway.workflows.retry(runId);
});

test("the first parameter has everything about a call", async (t) => {
  let seen;
  const tool = (call, context) => {
    seen = { call, context };
    const { args, kwargs, signal, attempt, idempotencyKey, log, heartbeat } = call;
    log("taken apart");
    heartbeat();
    assert.ok(signal instanceof AbortSignal);
    return { args, kwargs, attempt, key: idempotencyKey };
  };
  const { driver } = start(t, { tools: { tool } });
  const task = { task_id: "a", operator_type: "task", function: "tool", args: [1], kwargs: { b: 2 } };
  const { tasks, runId } = await driver.run({
    workflow: { name: "w", version: "1.0.0", tasks: { a: task } },
  });
  assert.deepEqual(tasks.a.result, { args: [1], kwargs: { b: 2 }, attempt: 1, key: `${runId}/a` });
  assert.equal(seen.call, seen.context, "the second argument is the same");
  const { runId: run, workflow, task: id, tool: name, deadline, lastHeartbeat } = seen.call;
  assert.deepEqual([run, workflow, id, name], [runId, "w", "a", "tool"]);
  assert.deepEqual([deadline, lastHeartbeat], [null, null]);
});

test("log lines are among the output, by attempt and level", async (t) => {
  const { driver, highway, engine } = start(t);
  engine.tool("tool", ({ attempt, log }) => {
    log(`attempt ${attempt}`);
    log("odd", "warn");
    log(42, "no level");
    if (attempt === 1) throw new ToolError("not yet", { result: { stdout: "half" } });
    return { stdout: "all" };
  });
  driver.tool("a", "tool", {}, { retries: 1, retryDelay: 0 });
  const { runId } = await driver.run();
  const logs = await driver.logs(runId);
  assert.deepEqual(
    logs.map(({ attempt, stream, content }) => `${attempt} ${stream} ${content}`),
    [
      "1 log attempt 1",
      "1 log odd",
      "1 log 42",
      "1 stdout half",
      "1 error not yet",
      "2 log attempt 2",
      "2 log odd",
      "2 log 42",
      "2 stdout all",
    ],
  );
  const response = await engine.fetch(`http://engine/api/v1/workflows/${runId}/steps/a/logs`);
  const { data } = await response.json();
  assert.deepEqual(
    data.logs.slice(0, 4).map(({ level }) => level),
    ["info", "warn", "info", undefined],
  );
  assert.equal((await highway.steps.list(runId)).length, 1);
});

test("a heartbeat is shown, and available in the next attempt", async (t) => {
  const clock = () => Date.parse("2030-01-01T00:00:00Z");
  const { driver, highway, engine } = start(t, { clock });
  const known = [];
  engine.tool("tool", ({ attempt, heartbeat, lastHeartbeat }) => {
    known.push(lastHeartbeat);
    heartbeat({ row: attempt * 10 });
    if (attempt === 1) throw new Error("not yet");
  });
  driver.tool("a", "tool", {}, { retries: 1, retryDelay: 0 });
  const { runId } = await driver.run();
  assert.deepEqual(known, [null, { attempt: 1, details: { row: 10 }, at: new Date(clock()) }]);
  const [step] = await highway.steps.list(runId);
  assert.deepEqual([step.heartbeat, step.last_heartbeat_at], [{ row: 20 }, "2030-01-01T00:00:00.000Z"]);
});

test("a heartbeat that is not plain data throws, and is not stored", async (t) => {
  const { driver, engine } = start(t);
  engine.tool("tool", ({ heartbeat }) => heartbeat({ at: Number.NaN }));
  driver.tool("a", "tool");
  const { error, code } = (await driver.run()).tasks.a;
  assert.deepEqual([error.code, code], ["VALUE_NOT_JSON", undefined]);
  assert.match(error.message, /NaN/);
});

test("reports after the end of an attempt are ignored", async (t) => {
  const { driver, engine } = start(t);
  let told;
  const late = new Promise((resolve) => {
    told = resolve;
  });
  engine.tool("tool", ({ signal, log, heartbeat }) => {
    log("in time");
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        log("too late");
        heartbeat("too late");
        resolve();
        told({ log, heartbeat });
      });
    });
  });
  driver.tool("a", "tool", {}, { timeout: 0.05 });
  const { runId } = await driver.run();
  // Also by code that kept the functions.
  const { log, heartbeat } = await late;
  log("much too late");
  heartbeat();
  const logs = await driver.logs(runId);
  assert.deepEqual(
    logs.filter(({ stream }) => stream === "log").map(({ content }) => content),
    ["in time"],
  );
  assert.equal((await new Highway({ engine }).steps.get(runId, "a")).heartbeat, undefined);
});

test("a tool can set the delay before the next attempt", async (t) => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  let failed;
  const isFailed = new Promise((resolve) => {
    failed = resolve;
  });
  const append = async (entries) => {
    const record = entries
      .flatMap((entry) => JSON.parse(entry)[2])
      .find(({ type }) => type === "attempt_failed");
    if (record) failed(record);
  };
  const { driver, engine } = start(t, { clock: () => now, store: { load: () => [], append } });
  engine.tool("tool", () => {
    throw new ToolError("busy", { retryAfter: 3600 });
  });
  driver.tool("a", "tool", {}, { retries: 1, retryDelay: 1 });
  const handle = await driver.start({ timeout: 7200 });
  assert.equal((await isFailed).retry_at, now + 3_600_000);
  await handle.cancel();
});

test("log lines survive a restart", async (t) => {
  const entries = [];
  const store = { load: () => entries, append: async (more) => void entries.push(...more) };
  const before = new LocalEngine({ store, tools: { tool: ({ log }) => log("kept") } });
  const driver = new Driver({ engine: before });
  driver.tool("a", "tool");
  const { runId } = await driver.run();
  await before.close();
  const after = start(t, { store });
  const logs = await after.driver.logs(runId);
  assert.deepEqual(
    logs.map(({ stream, content }) => `${stream} ${content}`),
    ["log kept"],
  );
});

test("secrets reach the arguments of tools, and neither logs nor errors", async (t) => {
  const token = "t-0123456789";
  const given = [];
  const { driver } = start(t, {
    secrets: { TOKEN: token },
    tools: {
      "my.tool": ({ kwargs, log }) => {
        given.push(kwargs.auth);
        log(`asking with ${token}`);
        throw new ToolError(`refused: ${token}`, { help: `look at ${token}` });
      },
    },
  });
  driver.tool("a", "my.tool", { auth: "Bearer {{secrets.TOKEN}}" });
  const handle = await driver.start();
  const { tasks } = await handle.result();
  assert.deepEqual(given, [`Bearer ${token}`]);
  assert.match(tasks.a.error.message, /refused: \*\*\*/);
  const logs = await driver.logs(handle.runId);
  assert.match(JSON.stringify(logs), /asking with \*\*\*/);
  assert.ok(!JSON.stringify([tasks, logs]).includes(token));
});

test("secrets that are not text are refused without being shown", () => {
  for (const [secrets, path] of [
    [{ TOKEN: 12345 }, "/secrets/TOKEN"],
    [["12345"], "/secrets"],
    [null, "/secrets"],
    ["12345", "/secrets"],
  ]) {
    const error = checkThrown(() => new LocalEngine({ secrets }), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      path,
    });
    assert.ok(!String(error.message).includes("12345"));
  }
});

test("an unpaired surrogate in a key is refused with its path", async (t) => {
  const { driver, engine } = start(t);
  engine.tool("key", () => ({ list: [{ "a\ud800b": 1 }] }));
  engine.tool("heartbeat", ({ heartbeat }) => heartbeat({ "\udc00": 1 }));
  engine.tool("thrown", () => {
    throw new ToolError("half \ud83d of a smile", { help: "the \ude00 other" });
  });
  for (const name of ["key", "heartbeat", "thrown"]) driver.tool(name, name);
  const { tasks } = await driver.run();
  const { key, heartbeat, thrown } = tasks;
  assert.deepEqual([key.error.code, heartbeat.error.code], ["VALUE_NOT_JSON", "VALUE_NOT_JSON"]);
  assert.deepEqual([key.error.path, heartbeat.error.path], ["/list/0/a\ufffdb", "/details/\ufffd"]);
  assert.deepEqual(
    [thrown.error.code, thrown.error.message, thrown.error.help],
    ["TOOL_FAILED", "half \ufffd of a smile", "the \ufffd other"],
  );
});

test("the event loop takes turns while many slow tools start", async (t) => {
  const { engine, driver } = start(t);
  let turns = 0;
  const count = () => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  t.after(() => clearImmediate(timer));
  const seen = [];
  engine.tool("my.slow", () => {
    seen.push(turns);
    // As long as the start of a few processes takes.
    for (const end = performance.now() + 20; performance.now() < end; );
  });
  for (const name of ["a", "b", "c", "d", "e"]) driver.tool(name, "my.slow", {}, { depends: [] });
  await driver.run();
  assert.ok(new Set(seen).size >= 3, `${seen}`);
});
