// Clocks that are set back, jump ahead, and change with the seasons.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine, simulate } from "highway-wasm/engine";

const HOUR = 3_600_000;

function start(t, options = {}) {
  const engine = new LocalEngine(options);
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }), highway: new Highway({ engine }) };
}

test("a wait ends by the time that passes, even if the clock is set back", {
  timeout: 30_000,
}, async (t) => {
  let ahead = 0;
  const { driver, highway } = start(t, { clock: () => Date.now() + ahead, tools: { "t.x": () => 1 } });
  driver.tool("a", "t.x");
  driver.tool("b", "t.x", {}, { depends: ["a"], delay: 1 });
  const run = await driver.start();
  ahead = -HOUR;
  const result = await run.result();
  assert.equal(result.status, "completed");
  assert.ok(result.completedAt >= result.startedAt);
  for (const { duration_seconds: seconds } of await highway.steps.list(run.runId)) assert.ok(!(seconds < 0));
});

test("so does a wait if the system's clock is set back", { timeout: 30_000 }, async (t) => {
  const real = Date.now;
  t.after(() => {
    Date.now = real;
  });
  const { driver } = start(t, { tools: { "t.x": () => 1 } });
  driver.tool("a", "t.x", {}, { delay: 1 });
  const run = await driver.start();
  Date.now = () => real() - HOUR;
  assert.equal((await run.result()).status, "completed");
});

test("a clock that jumps ahead is followed", { timeout: 30_000 }, async (t) => {
  let ahead = 0;
  const { driver, highway } = start(t, { clock: () => Date.now() + ahead, tools: { "t.x": () => 1 } });
  driver.tool("a", "t.x", {}, { delay: 3000 });
  const run = await driver.start({ timeout: 5000 });
  ahead = HOUR;
  await highway.system.health();
  assert.equal((await run.result()).status, "completed");
});

test("a clock that stands still is followed", { timeout: 30_000 }, async (t) => {
  let now = Date.parse("2030-01-01");
  const { driver, highway } = start(t, { clock: () => now, tools: { "t.x": () => 1 } });
  driver.tool("a", "t.x", {}, { delay: 1 });
  const run = await driver.start();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.notEqual((await run.status()).state, "completed");
  now += 1000;
  await highway.system.health();
  assert.equal((await run.result()).completedAt.toISOString(), "2030-01-01T00:00:01.000Z");
});

const workflow = (schedule) => ({
  name: "t",
  schedule,
  tasks: { a: { task_id: "a", operator_type: "task", function: "t.x" } },
});

test("schedules follow real time zones", async () => {
  const fired = async (schedule, at, span) => {
    const { runs } = await simulate(workflow(schedule), { at, for: span });
    return runs.map(({ startedAt }) => startedAt.toISOString().slice(5, 16)).join(" ");
  };
  for (const [schedule, at, span, expected] of [
    ["CRON_TZ=America/Chicago 10,50 2 * * *", "2025-03-09T00:00:00Z", "P1D", "03-09T08:10 03-09T08:50"],
    [
      "CRON_TZ=Europe/Paris */20 1-3 * * *",
      "2026-10-25T00:10:00Z",
      "PT2H",
      "10-25T00:20 10-25T00:40 10-25T01:00 10-25T01:20 10-25T01:40 10-25T02:00",
    ],
    ["CRON_TZ=Europe/Paris 5 2 * * *", "2026-10-24T12:00:00Z", "P1D", "10-25T00:05"],
    ["CRON_TZ=Australia/Lord_Howe 15,40 2 * * *", "2026-10-03T12:00:00Z", "PT12H", "10-03T15:40 10-03T15:45"],
    ["CRON_TZ=Pacific/Apia 0 9 * * *", "2011-12-29T00:00:00Z", "P2D", "12-29T19:00 12-30T19:00"],
    ["CRON_TZ=America/Havana 0 0 * * *", "2026-03-07T12:00:00Z", "P1D", "03-08T05:00"],
  ]) {
    assert.equal(await fired(schedule, at, span), expected, schedule);
  }
});

test("an engine that slept for a year starts only the latest missed run", { timeout: 60_000 }, async (t) => {
  let now = Date.parse("2026-01-01T00:00:30Z");
  let started;
  const fired = new Promise((resolve) => {
    started = resolve;
  });
  const { driver, highway } = start(t, { clock: () => now, tools: { "t.x": () => started() } });
  await highway.workflows.register({ workflow: workflow("CRON_TZ=Europe/Berlin * * * * *") });
  now += 365 * 24 * HOUR;
  await highway.system.health();
  await fired;
  const runs = [];
  for await (const run of driver.list()) runs.push(run);
  assert.equal(runs.length, 1);
});
