// The cost of the embedded engine itself, for tasks whose tool does nothing.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../scripts/lib/run.mjs";
import { benchPeers } from "./engine-peers.mjs";
import { layered, row } from "./lib.mjs";

/** Above the default limits, because a definition of 100,000 tasks exceeds them. */
const LIMITS = { definitionTasks: 200_000, definitionBytes: 2 ** 27, requestBytes: 2 ** 27 };

/** Milliseconds until `runs` runs of a workflow have ended. */
async function time(count, runs, store) {
  const { LocalEngine } = await import("highway-wasm/engine");
  let left = runs;
  let done;
  let failed;
  const over = new Promise((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  const submitted = async (response) => {
    if (!response.ok) throw new Error(await response.text());
  };
  const seen = new Set();
  const noop = ({ kwargs }, context) => {
    if (!seen.has(context.runId)) {
      seen.add(context.runId);
      context.onRunEnd(() => {
        left -= 1;
        if (left === 0) done();
      });
    }
    return kwargs.at;
  };
  const engine = new LocalEngine({ tools: { "bench.noop": noop }, store, limits: LIMITS });
  await engine.ready();
  const body = JSON.stringify({ workflow_definition: layered(count), inputs: {} });
  const start = performance.now();
  for (let at = 0; at < runs; at++) {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body };
    engine.fetch("http://engine/api/v1/workflows", request).then(submitted).catch(failed);
  }
  await over;
  const taken = performance.now() - start;
  await engine.close();
  return taken;
}

/** The cost of opening a store of finished runs in a new process. Engines share a memory that never shrinks. */
async function reopen(runs, count, folder) {
  const source = `
    import { LocalEngine } from "highway-wasm/engine";
    import { fileStore } from "highway-wasm/node";
    await new LocalEngine().ready();
    const before = process.memoryUsage().external;
    const start = performance.now();
    await new LocalEngine({ store: fileStore(${JSON.stringify(folder)}) }).ready();
    const taken = performance.now() - start;
    console.log(JSON.stringify({ taken, memory: process.memoryUsage().external - before }));
    process.exit();`;
  const arguments_ = ["--input-type=module", "--eval", source];
  const { taken, memory } = JSON.parse(await run(process.execPath, arguments_, { capture: true }));
  row(`  opening them, ${runs} finished runs`, taken, "ms");
  row(`  memory of each, ${count} tasks`, memory / runs / 1024, "KB");
}

/** Milliseconds of a plain loop that awaits the same calls one after the other. */
async function loop(count) {
  const noop = async ({ at }) => at;
  const results = {};
  const start = performance.now();
  for (let at = 0; at < count; at++) results[`t${at}`] = await noop({ at });
  return performance.now() - start;
}

export async function benchEngine() {
  // Imported here, because the package is built when the benchmarks begin.
  const { fileStore } = await import("highway-wasm/node");
  console.log("\nengine: per task of a tool that does nothing");
  await time(1_000, 1);
  for (const [count, runs] of [
    [1_000, 1],
    [10_000, 1],
    [100_000, 1],
    [1, 1_000],
    [10, 10_000],
  ]) {
    const tasks = count * runs;
    const plain = await loop(tasks);
    const taken = await time(count, runs);
    row(`${runs} × ${count} tasks, memory`, (taken / tasks) * 1000, "µs");
    row("  a plain loop of awaited calls", (plain / tasks) * 1000, "µs");
    if (count > 10_000) continue;
    const folder = mkdtempSync(join(tmpdir(), "highway-bench-"));
    const kept = await time(count, runs, fileStore(folder));
    row(`${runs} × ${count} tasks, file store`, (kept / tasks) * 1000, "µs");
    if (runs > 1) await reopen(runs, count, folder);
    rmSync(folder, { recursive: true });
  }
  await benchPeers();
}
