// The use of a store: one engine at a time, which releases it when it is closed and when it fails. Also the answers of
// a failed engine.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { checkRejection, rejectionOf } from "../support/errors.mjs";

const inUse = { name: "ExecutionError", code: "STORE_IN_USE", help: /close the other engine/ };

/** A store with one user at a time, as all stores have. `faults` says what fails. */
function store(faults = {}) {
  const kept = [];
  let isOpen = false;
  return {
    kept,
    get isOpen() {
      return isOpen;
    },
    load() {
      if (isOpen) throw new Error("it was opened twice");
      isOpen = true;
      if (faults.load) throw faults.load;
      return [...kept];
    },
    async append(entries) {
      if (faults.append) throw faults.append;
      kept.push(...entries);
    },
    async close() {
      isOpen = false;
    },
  };
}

const noted = { "notes.add": () => "noted" };

function driverOf(engine) {
  const driver = new Driver({ engine, retry: false });
  driver.tool("note", "notes.add");
  return driver;
}

describe("a store object", () => {
  test("is refused to a second engine while the first uses it, which continues", async (t) => {
    const own = store();
    const first = new LocalEngine({ store: own, tools: noted });
    t.after(() => first.close());
    const second = new LocalEngine({ store: own, tools: noted });
    await checkRejection(second.ready(), inUse);
    await checkRejection(driverOf(second).start(), inUse);
    await second.close();
    assert.ok(own.isOpen, "the second has not closed it");
    assert.equal((await driverOf(first).run()).state, "completed");
  });

  test("serves the next engine after the first was closed, even if nobody waited for that", async (t) => {
    const own = store();
    for (let turn = 0; turn < 3; turn++) {
      const engine = new LocalEngine({ store: own, tools: noted });
      engine.close();
    }
    const last = new LocalEngine({ store: own, tools: noted });
    t.after(() => last.close());
    assert.equal((await driverOf(last).run()).state, "completed");
  });

  test("is released by an engine that could not open it, so that the next one gets the same reason", async () => {
    const faults = { load: Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" }) };
    const own = store(faults);
    for (let turn = 0; turn < 2; turn++) {
      const engine = new LocalEngine({ store: own });
      const error = await checkRejection(engine.ready(), {
        name: "ExecutionError",
        code: "JOURNAL_INVALID",
        message: /could not be opened: this process may not write there/,
      });
      assert.equal(error.cause, faults.load);
      assert.equal(engine.failure, error);
      assert.equal(own.isOpen, false);
    }
  });

  test("is released by an engine whose journal failed, so that the next one continues", async (t) => {
    const faults = {};
    const own = store(faults);
    const engine = new LocalEngine({ store: own, tools: noted });
    await engine.ready();
    assert.equal(engine.failure, undefined);
    faults.append = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    await checkRejection(driverOf(engine).start(), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
      message: /cannot keep the journal: the disk is full/,
    });
    faults.append = undefined;
    const next = new LocalEngine({ store: own, tools: noted });
    t.after(() => next.close());
    assert.equal((await driverOf(next).run()).state, "completed");
    await engine.close();
    assert.ok(own.isOpen, "closing the first does not close it for the second");
  });
});

describe("an engine that has stopped", () => {
  async function failed(t) {
    const faults = {};
    const engine = new LocalEngine({ store: store(faults), tools: noted });
    t.after(() => engine.close());
    await engine.ready();
    const { runId } = await driverOf(engine).run();
    faults.append = new DOMException("", "QuotaExceededError");
    await rejectionOf(driverOf(engine).start());
    return { engine, runId };
  }

  test("answers every request with 503, the code and the reason", async (t) => {
    const { engine, runId } = await failed(t);
    for (const path of ["workflows", `workflows/${runId}`, `workflows/${runId}/stream`, "version"]) {
      const response = await engine.fetch(new Request(`http://engine/api/v1/${path}`));
      const { code, message, success } = await response.json();
      assert.deepEqual([response.status, code, success], [503, "JOURNAL_INVALID", false], path);
      assert.match(message, /cannot keep the journal: the browser has no room left for this site/);
    }
  });

  test("reports in its health that it is unhealthy", async (t) => {
    const { engine } = await failed(t);
    const response = await engine.fetch(new Request("http://engine/api/v1/health"));
    assert.equal(response.status, 503);
    const { data, code } = await response.json();
    assert.deepEqual(
      [code, data],
      ["JOURNAL_INVALID", { status: "unhealthy", checks: { engine: "JOURNAL_INVALID" } }],
    );
  });

  test("is no unreachable server to a client that uses it through something else", async (t) => {
    const { engine } = await failed(t);
    // Like the stub of a Durable Object, which passes on only the answer.
    const highway = new Highway({ engine: { fetch: (...given) => engine.fetch(...given) }, retry: false });
    await checkRejection(highway.workflows.list().toArray(), {
      name: "ApiError",
      code: "JOURNAL_INVALID",
      message: /no room left/,
    });
  });
});
