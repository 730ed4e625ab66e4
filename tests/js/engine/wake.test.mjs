// Engines whose host stops in between: the engine says when it is needed, and the host wakes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { checkRejection, checkThrown } from "../support/errors.mjs";

const LATER = 100_000;

/** Engines on one journal and one clock. `told` has the times that the host was given. */
function host(t) {
  const kept = [];
  const told = [];
  const calls = [];
  const clock = { now: 1_000_000_000_000 };
  const make = (more) => {
    const engine = new LocalEngine({
      // A new object each time: the next engine may be created although the one before was stopped and never closed.
      store: { load: () => [...kept], append: async (entries) => void kept.push(...entries) },
      clock: () => clock.now,
      onWake: (at) => void told.push({ in: at - clock.now, kept: kept.length }),
      tools: { "x.y": (_, { task }) => void calls.push(task) },
      ...more,
    });
    t.after(() => engine.close());
    return engine;
  };
  return { make, told, calls, clock };
}

const later = (engine) => {
  const driver = new Driver({ engine });
  driver.tool("a", "x.y", {}, { delay: LATER / 1000 });
  return driver.start();
};

test("the host learns the time of a timer before it is stored, and a new engine continues at that time", async (t) => {
  const { make, told, calls, clock } = host(t);
  const first = make();
  const { runId } = await later(first);
  assert.deepEqual(told, [{ in: LATER, kept: 0 }]);
  await later(first);
  assert.equal(told.length, 1, "what the host knows is not told again");
  await first.close();

  clock.now += LATER;
  const second = make();
  await second.wake();
  assert.deepEqual(calls, ["a", "a"], "by then no tool runs");
  assert.equal((await new Highway({ engine: second }).workflows.get(runId)).state, "completed");
});

test("an engine that is woken too early gives the time again", async (t) => {
  const { make, told, calls, clock } = host(t);
  await later(make());
  clock.now += 1000;
  const second = make();
  await second.ready();
  assert.equal(told.length, 1, "at the opening the time named before still holds");
  await second.wake();
  assert.deepEqual(told.slice(1), [{ in: LATER - 1000, kept: 1 }]);
  assert.deepEqual(calls, []);
});

test("while a tool runs, the engine has to be woken regularly, and waking it waits for the tool", async (t) => {
  const { make, told } = host(t);
  let finish;
  const engine = make({
    tools: {
      "x.y": () => {
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    },
  });
  const driver = new Driver({ engine });
  driver.tool("a", "x.y");
  const { runId } = await driver.start();
  assert.deepEqual(told, [{ in: 30_000, kept: 0 }]);
  while (!finish) await new Promise((resolve) => setImmediate(resolve));
  let isAwake = false;
  const woken = engine.wake().then(() => {
    isAwake = true;
  });
  await new Highway({ engine }).workflows.get(runId);
  assert.equal(isAwake, false);
  finish("done");
  await woken;
  assert.equal((await new Highway({ engine }).workflows.get(runId)).state, "completed");
});

test("if the host cannot be told, nothing continues", async (t) => {
  const { make, calls } = host(t);
  const engine = make({
    onWake: () => Promise.reject(new Error("no alarm")),
  });
  const driver = new Driver({ engine });
  driver.tool("a", "x.y");
  const failed = { name: "ExecutionError", code: "JOURNAL_INVALID", message: /no alarm/ };
  await checkRejection(driver.start(), failed);
  await checkRejection(engine.wake(), failed);
  assert.deepEqual(calls, []);
});

test("`onWake` is checked, and a closed engine is not woken", async (t) => {
  const wrong = { name: "ConfigurationError", code: "OPTION_INVALID", path: "/onWake" };
  checkThrown(() => new LocalEngine({ onWake: () => {} }), wrong);
  checkThrown(() => new LocalEngine({ onWake: 1, store: { load: () => [], append: async () => {} } }), wrong);
  const engine = host(t).make();
  await engine.close();
  await checkRejection(engine.wake(), { name: "ExecutionError", code: "ENGINE_CLOSED" });
});
