// A snapshot replaces a journal in pieces, while requests arrive and tools end.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { Gate } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "host", "gate.js")).href);

/** A store in memory. `onReplace` gets the entries that replace others. */
const memoryStore = (kept, onReplace = () => {}) => ({
  load: () => [...kept],
  append: async (entries) => void kept.push(...entries),
  replace: async (entries) => {
    kept.splice(0, kept.length, ...entries);
    onReplace([...entries]);
  },
});

/** Rounds that do nothing. Each is a step and a scope of the state. */
const rounds = (count) => ({
  name: "rounds",
  tasks: {
    each: {
      task_id: "each",
      operator_type: "foreach",
      items: JSON.stringify([...Array(count).keys()]),
      loop_body: [{ task_id: "nothing", operator_type: "wait", wait_for: 0 }],
    },
  },
});

describe("a snapshot that is written in pieces", () => {
  test("is in the journal next to later changes, each change once", async (t) => {
    const kept = [];
    const pieces = [];
    let isOver = false;
    // Each heartbeat replaces the one before, so the journal grows and the state does not.
    const beat = async ({ heartbeat, signal }) => {
      for (; !isOver && !signal.aborted; await turn()) heartbeat("x".repeat(200_000));
    };
    const open = () => {
      const store = memoryStore(kept, (entries) => pieces.push(entries.length));
      const engine = new LocalEngine({ tools: { beat }, store });
      t.after(() => engine.close());
      return { engine, highway: new Highway({ engine }) };
    };
    const { engine, highway } = open();
    const long = await highway.workflows.submit({ workflow: rounds(15_000) });
    await long.result();
    const beats = new Driver({ engine, name: "beats" });
    beats.tool("beat", "beat");
    const beating = await beats.start();
    // One signal in each turn, whether or not the engine answers then.
    const sent = [];
    const refused = [];
    for (let count = 0; pieces.length < 2 && count < 1_000; count += 1) {
      sent.push(beating.signal(`signal-${count}`, {}));
      const wrong = engine.fetch("http://engine/api/v1/workflows", { method: "G\ud800T" });
      refused.push(wrong.catch(({ code }) => code));
      await turn();
    }
    await Promise.all(sent);
    assert.deepEqual(new Set(await Promise.all(refused)), new Set(["VALUE_NOT_JSON"]));
    assert.ok(sent.length > 20 && Math.max(...pieces) > 10, `${sent.length} signals, ${pieces} pieces`);
    await engine.close();

    const texts = kept.join("\n");
    const wrong = sent
      .map((_, count) => `"signal-${count}"`)
      .filter((name) => texts.split(name).length !== 2);
    assert.deepEqual(wrong, []);
    isOver = true;
    const again = open();
    await again.engine.ready();
    assert.equal((await again.highway.workflows.handle(beating.runId).result()).state, "completed");
  });
});

describe("an engine that is closed", () => {
  /** An engine whose store is slow, with a run that never answers an update. */
  const slow = (t, tools = {}) => {
    const store = memoryStore([]);
    const append = store.append;
    store.append = (entries) => new Promise((resolve) => setTimeout(() => resolve(append(entries)), 20));
    const engine = new LocalEngine({ tools: { wait: ({ signal }) => aborted(signal), ...tools }, store });
    t.after(() => engine.close());
    return { engine, highway: new Highway({ engine }) };
  };
  const aborted = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve));

  test("answers the updates that it has accepted", async (t) => {
    const { engine } = slow(t);
    const driver = new Driver({ engine });
    driver.tool("wait", "wait");
    const handle = await driver.start();
    const sent = [];
    for (let count = 0; count < 20; count += 1) {
      sent.push(
        handle.update("change", { count }).then(
          () => "answered",
          ({ code }) => code,
        ),
      );
      await turn();
    }
    await engine.close();
    assert.deepEqual(new Set(await Promise.all(sent)), new Set(["ENGINE_CLOSED"]));
  });

  test("says so to a tool that goes on", async (t) => {
    let found;
    const stubborn = async ({ signal, variables, artifact }) => {
      await aborted(signal);
      await closed;
      const codeOf = async (ask) => {
        try {
          return await ask();
        } catch ({ code }) {
          return code;
        }
      };
      found(await Promise.all([codeOf(variables), codeOf(() => artifact("a"))]));
    };
    const { engine } = slow(t, { stubborn });
    const driver = new Driver({ engine });
    driver.tool("stubborn", "stubborn");
    await driver.start();
    await turn();
    const told = new Promise((resolve) => {
      found = resolve;
    });
    const closed = engine.close();
    assert.deepEqual(await told, ["ENGINE_CLOSED", "ENGINE_CLOSED"]);
  });
});

test("a journal that ends in the middle of a run is not opened", async (t) => {
  const kept = [];
  const snapshots = [];
  const beat = async ({ heartbeat }) => {
    for (; snapshots.length === 0; await turn()) heartbeat("x".repeat(400_000));
  };
  const store = memoryStore(kept, (entries) => snapshots.push(entries));
  const engine = new LocalEngine({ tools: { beat }, store });
  t.after(() => engine.close());
  await (await new Highway({ engine }).workflows.submit({ workflow: rounds(5_000) })).result();
  const driver = new Driver({ engine });
  driver.tool("beat", "beat");
  await driver.run();
  await engine.close();
  const [entries] = snapshots;
  const cuts = entries.flatMap((entry, at) => (entry.endsWith('"goes_on":true}]]') ? [at + 1] : []));
  assert.ok(cuts.length > 3, `${cuts.length} of ${entries.length}`);
  for (const cut of cuts) {
    const again = new LocalEngine({ store: memoryStore(entries.slice(0, cut)) });
    await assert.rejects(again.ready(), { code: "JOURNAL_INVALID", message: /middle of a run/ });
    await again.close();
  }
});

describe("a gate", () => {
  test("holds work while it is closed, and lets it pass in order, before later work", async () => {
    const gate = new Gate();
    const log = [];
    const does = (name) => {
      if (!gate.holds(() => does(name))) log.push(name);
    };
    does("a");
    gate.shut();
    for (const name of "bc") does(name);
    assert.deepEqual(log, ["a"]);
    gate.open();
    does("d");
    assert.deepEqual(log, ["a"]);
    await turn();
    await turn();
    assert.deepEqual(log.join(""), "abcd");
    does("e");
    assert.equal(log.at(-1), "e");
  });

  test("that is closed again before all have passed holds the others", async () => {
    const gate = new Gate();
    const log = [];
    gate.shut();
    for (const name of "ab") {
      gate.holds(() => {
        log.push(name);
        if (name === "a") gate.shut();
      });
    }
    gate.open();
    await turn();
    await turn();
    assert.deepEqual(log, ["a"]);
    assert.ok(gate.isShut);
    gate.open();
    gate.open();
    await turn();
    await turn();
    assert.deepEqual(log, ["a", "b"]);
    assert.equal(gate.isShut, false);
  });
});
