// The cost per task of other engines, for tasks that do nothing in the graph of engine.mjs. The row of an engine that
// cannot run here says so.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { withEsbuild } from "../scripts/lib/esbuild.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { clientPython, whyNoClients } from "../scripts/lib/python.mjs";
import { run } from "../scripts/lib/run.mjs";
import { row } from "./lib.mjs";

/** Prints the result of `work`, in milliseconds for `count` tasks, or its error. */
async function measure(what, count, work) {
  try {
    row(what, ((await work()) / count) * 1000, "µs");
  } catch (error) {
    console.log(`${what.padEnd(58)}not measured: ${error.message.trim().split("\n").at(-1)}`);
  }
}

const STABILIZE = "stabilize-0.33.1";

/** Milliseconds of stabilize, in its own process. */
async function stabilize(python, count, { file, journal, mode = "bare" }) {
  const folder = mkdtempSync(join(tmpdir(), "highway-bench-"));
  try {
    const database = `sqlite:///${file ? join(folder, "bench.db") : ":memory:"}`;
    const env = {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: "1",
      STABILIZE_SQLITE_JOURNAL_MODE: journal ?? "",
    };
    const args = [inRoot("bench", "engine_stabilize.py"), String(count), database, mode];
    const output = await run(python, args, { cwd: folder, env, capture: true, timeout: 120_000 });
    return Number(output.trim().split("\n").at(-1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchStabilize() {
  const python = clientPython(STABILIZE);
  if (!python) {
    console.log(`no ${STABILIZE}: ${whyNoClients() ?? "run `node scripts/test.mjs clients` once"}`);
    return;
  }
  const of = (count, what, options) =>
    measure(`stabilize: 1 × ${count} tasks, ${what}`, count, () => stabilize(python, count, options));
  // By default, it counts the bits of a 180 KB filter for each message, about six per task. The other rows do without.
  await of(20, "SQLite in memory, as it comes", { mode: "default" });
  await of(100, "SQLite in memory, no dedup", {});
  await of(1_000, "SQLite in memory, no dedup", {});
  await of(100, "SQLite file, no dedup", { file: true });
  await of(100, "SQLite file, WAL, no dedup", { file: true, journal: "WAL" });
  await of(1_000, "SQLite file, WAL, no dedup", { file: true, journal: "WAL" });
}

/** The modules of engine-worker.mjs in the form for Miniflare, the entry first. */
const bundled = () =>
  withEsbuild(async ({ build }) => {
    const { outputFiles } = await build({
      entryPoints: [inRoot("bench", "engine-worker.mjs")],
      bundle: true,
      format: "esm",
      target: "es2022",
      outdir: inRoot("bench"),
      write: false,
      logLevel: "silent",
      conditions: ["workerd", "worker", "browser"],
      loader: { ".wasm": "copy" },
      external: ["cloudflare:*"],
    });
    return outputFiles
      .map(({ path, contents }) => ({
        type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
        path: basename(path),
        contents,
      }))
      .sort((one, other) => Number(one.type === "CompiledWasm") - Number(other.type === "CompiledWasm"));
  });

/** Prints the messages of workerd, except about stubs that Miniflare's own binding of Workflows does not dispose of. */
const tell = (line) => line.startsWith("An RPC stub was not disposed") || console.error(line);

async function benchWorkerd() {
  const { Miniflare } = await import("miniflare");
  const worker = new Miniflare({
    cf: false,
    modules: await bundled(),
    compatibilityDate: "2026-04-01",
    workflows: { STEPS: { name: "steps", className: "Steps" } },
    durableObjects: { ENGINE: { className: "Engine", useSQLite: true } },
    handleRuntimeStdio: (...streams) => {
      for (const input of streams) createInterface({ input }).on("line", tell);
    },
  });
  try {
    await worker.ready;
    const ask = async (path, order) => {
      const body = JSON.stringify(order);
      const response = await worker.dispatchFetch(`http://worker${path}`, { method: "POST", body });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return Number(text);
    };
    const of = (what, path, order) => measure(what, order.count, () => ask(path, order));
    // Loading is not part of the figures.
    await Promise.all(["/steps", "/engine"].map((path) => ask(path, { count: 10 })));
    for (const count of [100, 1_000]) {
      await of(`Cloudflare Workflows: 1 × ${count} steps, SQLite file`, "/steps", { count });
      await of("  the same, one after the other", "/steps", { count, sequence: true });
      await of("  Highway in a Durable Object, SQLite file", "/engine", { count });
    }
  } finally {
    await worker.dispose();
  }
}

export async function benchPeers() {
  console.log(
    "\npeers: per task that does nothing, of stabilize 0.33.1 in Python and of Workflows in Miniflare",
  );
  for (const peer of [benchStabilize, benchWorkerd]) {
    await peer().catch((error) => console.log(`${peer.name} ended: ${error.message}`));
  }
}
