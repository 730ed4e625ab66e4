// Workflows that start on a schedule in the embedded engine, in real time zones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

function scheduled(rule) {
  const driver = new Driver();
  driver.tool("greet", "greet.person", {});
  return { ...driver.build(), schedule: rule, max_active_runs: 5 };
}

function engineAt(moment) {
  const engine = new LocalEngine({ clock: () => Date.parse(moment) });
  return { engine, highway: new Highway({ engine }) };
}

test("a schedule follows its time zone, in summer and in winter", async () => {
  for (const [now, next] of [
    ["2026-03-28T12:00:00Z", "2026-03-29T07:00:00.000Z"],
    ["2026-10-24T12:00:00Z", "2026-10-25T08:00:00.000Z"],
    ["2026-03-28T06:00:00Z", "2026-03-28T08:00:00.000Z"],
  ]) {
    const { engine, highway } = engineAt(now);
    await highway.workflows.register({ workflow: scheduled("CRON_TZ=Europe/Berlin 0 9 * * *") });
    const [schedule] = await highway.schedules.list();
    assert.equal(schedule.next_run_at, next);
    assert.equal(schedule.timezone, "Europe/Berlin");
    await engine.close();
  }
});

test("a time zone that the runtime does not know is refused", async () => {
  const { engine, highway } = engineAt("2026-03-28T12:00:00Z");
  await assert.rejects(
    highway.workflows.register({ workflow: scheduled("CRON_TZ=Mars/Olympus 0 9 * * *") }),
    (error) => error.details.serverCode === "SCHEDULE_INVALID" && /Mars\/Olympus/.test(error.message),
  );
  await engine.close();
});

test("a schedule starts a run by itself", async () => {
  let started;
  const runId = new Promise((resolve) => {
    started = resolve;
  });
  const engine = new LocalEngine({ tools: { "greet.person": (_, context) => void started(context.runId) } });
  const highway = new Highway({ engine });
  await highway.workflows.register({ workflow: scheduled("@every 1s") });
  const first = await runId;
  const [schedule] = await highway.schedules.list();
  assert.equal(schedule.execution_count >= 1, true);
  const execution = (await highway.schedules.history(schedule.schedule_id).toArray()).at(-1);
  assert.equal(execution.workflow_run_id, first);
  await highway.schedules.delete(schedule.schedule_id);
  assert.deepEqual(await highway.schedules.list(), []);
  await engine.close();
});

test("the history of a schedule shows `timed_out` for a run that exceeded its time limit", async () => {
  let started;
  const begun = new Promise((resolve) => {
    started = resolve;
  });
  const slow = (_, { signal }) =>
    new Promise((_, reject) => {
      started();
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const engine = new LocalEngine({ tools: { "greet.person": slow } });
  const highway = new Highway({ engine });
  await highway.workflows.register({ workflow: { ...scheduled("@every 1s"), timeout_seconds: 1 } });
  await begun;
  const [{ schedule_id: id }] = await highway.schedules.list();
  const run = (await highway.schedules.history(id).toArray()).at(-1);
  assert.equal((await highway.handle(run.run_id).result()).state, "timed_out");
  const later = (await highway.schedules.history(id).toArray()).find(
    ({ run_id: each }) => each === run.run_id,
  );
  assert.deepEqual([later.status, later.error_code], ["timed_out", "RUN_TIMED_OUT"]);
  await engine.close();
});
