// Requests that were aborted before the engine could carry them out are never carried out.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { serve } from "highway-wasm/node";
import { checkRejection, rejectionOf } from "../support/errors.mjs";

const workflow = {
  name: "given_up",
  tasks: { wait: { task_id: "wait", operator_type: "wait", dependencies: [], wait_for: "P1D" } },
};

/** A store that opens on command, with the entries of another engine. */
function slowStore(kept = []) {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  const store = {
    async *load() {
      await opened;
      yield* [...kept];
    },
    append: async (entries) => void kept.push(...entries),
  };
  return { store, open, kept };
}

/** An engine that is opening, with a run that was started before. `open()` lets it continue. */
async function opening(t, more = {}) {
  const { store, open, kept } = slowStore();
  const first = new LocalEngine({ store: { load: () => [], append: store.append } });
  const { runId } = await new Highway({ engine: first }).workflows.submit({ workflow });
  await first.close();
  const engine = new LocalEngine({ store, ...more });
  t.after(() => {
    open();
    return engine.close();
  });
  const before = kept.length;
  const finish = async () => {
    open();
    await engine.ready();
    // Lets everything that is due take its turn.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return { added: kept.length - before, runs: await new Highway({ engine }).workflows.list().toArray() };
  };
  return { engine, runId, finish };
}

const aborted = { name: "AbortedError", code: "ABORTED" };

describe("a call that was aborted while the store was opening", () => {
  for (const [name, call] of Object.entries({
    start: (engine, _, signal) => {
      const driver = new Driver({ engine });
      driver.waitFor("later", { event: "never" });
      return driver.start({ signal });
    },
    submit: (engine, _, signal) => new Highway({ engine }).workflows.submit({ workflow, signal }),
    cancel: (engine, runId, signal) => new Highway({ engine }).workflows.cancel(runId, undefined, { signal }),
    signal: (engine, runId, signal) => new Highway({ engine }).handle(runId).signal("go", {}, { signal }),
    update: (engine, runId, signal) => new Highway({ engine }).handle(runId).update("set", {}, { signal }),
  })) {
    test(`is never carried out: ${name}`, async (t) => {
      const { engine, runId, finish } = await opening(t);
      const given = new AbortController();
      const call_ = call(engine, runId, given.signal);
      const rejected = checkRejection(call_, aborted);
      given.abort();
      await rejected;
      const { added, runs } = await finish();
      assert.deepEqual([added, runs.length, runs[0].runId], [0, 1, runId]);
      assert.notEqual(runs[0].state, "cancelled");
    });
  }

  test("ends by its own time limit", async (t) => {
    const { engine, finish } = await opening(t);
    const submitted = new Highway({ engine }).workflows.submit({ workflow, signal: AbortSignal.timeout(20) });
    await checkRejection(submitted, aborted);
    assert.equal((await finish()).added, 0);
  });
});

describe("`engine.fetch`", () => {
  const body = JSON.stringify({ workflow_definition: workflow });
  const url = "http://engine/api/v1/workflows";
  const headers = { "content-type": "application/json" };

  test("rejects at once with the reason of its signal, wherever the signal is given", async (t) => {
    const { engine, finish } = await opening(t);
    for (const give of [
      (signal) => engine.fetch(url, { method: "POST", body, headers, signal }),
      (signal) => engine.fetch(new Request(url, { method: "POST", body, headers, signal })),
      (signal) => engine.fetch(new Request(url, { method: "POST", body, headers }), { signal }),
    ]) {
      const given = new AbortController();
      const rejected = rejectionOf(give(given.signal));
      const reason = new Error("no longer wanted");
      given.abort(reason);
      assert.equal(await rejected, reason);
      assert.equal(await rejectionOf(give(given.signal)), reason, "also where it had fired before");
    }
    assert.equal((await finish()).added, 0);
  });

  test("does nothing for a request that was aborted while its body arrived", async (t) => {
    const { engine, finish } = await opening(t);
    let source;
    const stream = new ReadableStream({
      start: (controller) => {
        source = controller;
      },
    });
    const given = new AbortController();
    const request = new Request(url, { method: "POST", body: stream, headers, duplex: "half" });
    const rejected = rejectionOf(engine.fetch(request, { signal: given.signal }));
    const open = finish();
    source.enqueue(new TextEncoder().encode(body));
    await new Promise((resolve) => setImmediate(resolve));
    given.abort(new Error("no longer wanted"));
    assert.equal((await rejected).message, "no longer wanted");
    assert.equal((await open).added, 0);
  });

  test("does nothing for a request that was aborted while Python was compiled", async (t) => {
    let compiled;
    const pythonDsl = () =>
      new Promise((resolve) => {
        compiled = () => resolve(workflow);
      });
    const { engine, finish } = await opening(t, { pythonDsl });
    await finish();
    const given = new AbortController();
    const rejected = rejectionOf(
      engine.fetch(url, {
        method: "POST",
        headers,
        body: JSON.stringify({ python_dsl: "…" }),
        signal: given.signal,
      }),
    );
    while (!compiled) await new Promise((resolve) => setImmediate(resolve));
    given.abort(new Error("no longer wanted"));
    assert.equal((await rejected).message, "no longer wanted");
    compiled();
    const { runs } = await finish();
    assert.equal(runs.length, 1);
  });
});

test("a request whose client has gone away is not carried out, and is no failure", async (t) => {
  const failures = t.mock.method(console, "error", () => {});
  let compiled;
  const pythonDsl = (_, signal) =>
    new Promise((resolve) => {
      compiled = { signal, finish: () => resolve(workflow) };
    });
  const server = await serve({ port: 0, key: "a-key", engine: { pythonDsl } });
  t.after(() => server.close());
  const ask = (init) =>
    fetch(`${server.url}/api/v1/workflows`, { headers: { authorization: "Bearer a-key" }, ...init });
  const given = new AbortController();
  const rejected = rejectionOf(
    ask({ method: "POST", body: JSON.stringify({ python_dsl: "…" }), signal: given.signal }),
  );
  while (!compiled) await new Promise((resolve) => setTimeout(resolve, 1));
  const gone = new Promise((resolve) => compiled.signal.addEventListener("abort", resolve));
  given.abort();
  await rejected;
  await gone;
  compiled.finish();
  const { data } = await (await ask({})).json();
  assert.deepEqual([data.workflows.length, failures.mock.callCount()], [0, 0]);
});
