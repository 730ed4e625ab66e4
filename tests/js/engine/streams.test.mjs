// Event streams of the engine, over time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { RunStreams } = await import(
  pathToFileURL(inRoot("dist", "esm", "engine", "requests", "streams.js")).href
);

/** A run as the core gives it. */
const runText = (run) => ({ text: JSON.stringify(run), isOver: run.status === "completed" });

test("a stream sends signs of life until it ends, in whatever way, and not afterwards", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  for (const end of ["the run", "the engine", "the reader"]) {
    let status = "running";
    const streams = new RunStreams(() => runText({ status }));
    const reader = streams.open("r").body.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    assert.equal(await next(), 'data: {"status":"running"}\n\n');
    t.mock.timers.tick(15_000);
    assert.equal(await next(), ": alive\n\n");
    if (end === "the run") {
      status = "completed";
      streams.tell();
      assert.equal(await next(), 'data: {"status":"completed"}\n\n');
    } else if (end === "the engine") streams.close();
    else await reader.cancel();
    // Writing into a stream that has ended would throw inside a timer.
    t.mock.timers.tick(60_000);
    assert.equal((await reader.read()).done, true, end);
    assert.ok(streams.isEmpty);
  }
});

/** Streams of runs that the test can change. Counts how often a run is read. */
function counted(most) {
  let [reads, round, status] = [0, 0, "running"];
  const streams = new RunStreams((id) => {
    reads += 1;
    return runText({ status, id, round });
  }, most);
  const change = (next = "running") => {
    round += 1;
    status = next;
    streams.tell();
  };
  return { streams, change, reads: () => reads };
}

const roundOf = ({ value }) => JSON.parse(new TextDecoder().decode(value).slice(6)).round;
const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("all streams of a run share the bytes of a change, for which the run is read once", async () => {
  const { streams, change, reads } = counted();
  const readers = Array.from({ length: 40 }, () => streams.open("r").body.getReader());
  const next = () => Promise.all(readers.map(async (reader) => (await reader.read()).value));
  assert.equal(new Set((await next()).map(({ buffer }) => buffer)).size, 1);
  const before = reads();
  const pieces = next();
  change();
  assert.equal(new Set((await pieces).map(({ buffer }) => buffer)).size, 1);
  assert.equal(reads() - before, 1);
  streams.close();
});

test("a slow reader gets the newest state when it reads again, and nothing is read for it before", async () => {
  const { streams, change, reads } = counted();
  const reader = streams.open("r").body.getReader();
  for (let count = 0; count < 50; count += 1) change();
  assert.equal(reads(), 1);
  assert.equal(roundOf(await reader.read()), 0);
  assert.equal(roundOf(await reader.read()), 50);
  change("completed");
  await turns();
  assert.equal(roundOf(await reader.read()), 51);
  assert.equal((await reader.read()).done, true);
  assert.ok(streams.isEmpty);
});

test("large states are sent in their own turns", async (t) => {
  let round = 0;
  const streams = new RunStreams(() => runText({ status: "running", round, text: "x".repeat(2 << 20) }));
  t.after(() => streams.close());
  const readers = Array.from({ length: 4 }, () => streams.open("r").body.getReader());
  await Promise.all(readers.map((reader) => reader.read()));
  let turn = 0;
  const count = () => {
    turn += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  round += 1;
  streams.tell();
  const told = await Promise.all(readers.map((reader) => reader.read().then(() => turn)));
  clearImmediate(immediate);
  assert.equal(new Set(told).size, 4);
});

test("an option limits the number of open streams", async (t) => {
  const engine = new LocalEngine({ maxStreams: 2, tools: { "x.wait": () => new Promise(() => {}) } });
  t.after(() => engine.close());
  const tasks = { a: { task_id: "a", operator_type: "task", function: "x.wait", dependencies: [] } };
  const body = JSON.stringify({ workflow_definition: { name: "w", tasks } });
  const ask = (path, init) => engine.fetch(`http://engine/api/v1/workflows${path}`, init);
  const { data } = await (await ask("", { method: "POST", body })).json();
  const open = () => ask(`/${data.workflow_run_id}/stream`);
  const first = await open();
  await open();
  const refused = await open();
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  const { code, details, help } = await refused.json();
  assert.deepEqual([code, details], ["LIMIT_EXCEEDED", { limit: "maxStreams", allowed: 2 }]);
  assert.match(help, /maxStreams/);
  await first.body.cancel();
  assert.equal((await open()).status, 200);
  assert.throws(() => new LocalEngine({ maxStreams: 0 }), { code: "OPTION_INVALID", path: "/maxStreams" });
});

test("a run whose name resembles a state gets its own state", async (t) => {
  let started;
  const releasing = new Promise((resolve) => (started = resolve));
  const engine = new LocalEngine({
    tools: { "wait.here": () => new Promise((resolve) => started(resolve)) },
  });
  t.after(() => engine.close());
  const driver = new Driver({ engine, name: '"status":"completed"' });
  driver.tool("wait", "wait.here");
  const { runId } = await driver.start();
  const { body } = await engine.fetch(`http://engine/api/v1/workflows/${runId}/stream`);
  const reader = body.getReader();
  const next = async () => {
    const { value } = await reader.read();
    return value && JSON.parse(new TextDecoder().decode(value).replace(/^data: /, "")).status;
  };
  assert.equal(await next(), "running");
  const release = await releasing;
  release({ status: "failed" });
  assert.equal(await next(), "completed");
  assert.equal(await next(), undefined);
});
