// Engines with a store: stored runs continue after a restart, whenever the process ended.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { fileStore } from "highway-wasm/node";
import { checkRejection } from "../support/errors.mjs";

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "highway-store-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An engine on a folder. Its tools record their calls. */
function open(t, folder, tools = {}) {
  const calls = [];
  const note =
    (name, tool = () => name) =>
    (given, context) => {
      calls.push([context.task, context.attempt, context.idempotencyKey]);
      return tool(given, context);
    };
  const all = Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, note(name, tool)]));
  const engine = new LocalEngine({ tools: all, store: fileStore(folder) });
  t.after(() => engine.close());
  return { engine, calls, highway: new Highway({ engine }) };
}

const damaged = { name: "ExecutionError", code: "JOURNAL_INVALID" };

describe("a store in a folder", () => {
  test("runs, their results and their keys survive a restart", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "notes.add": () => ({ n: 1 }) });
    const driver = new Driver({ engine: first.engine, name: "notes" });
    driver.tool("note", "notes.add");
    const result = await driver.run({ workflowId: "mine" });
    await first.engine.close();

    const second = open(t, folder, { "notes.add": () => ({ n: 2 }) });
    const again = new Driver({ engine: second.engine, name: "notes" });
    again.tool("note", "notes.add");
    const same = await again.run({ workflowId: "mine" });
    assert.deepEqual([same.runId, same.tasks.note.result], [result.runId, { n: 1 }]);
    assert.deepEqual(second.calls, []);
    assert.equal((await second.highway.workflows.list().toArray()).length, 1);
  });

  test("a running tool runs again, as the same attempt with the same key", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "slow.work": () => new Promise(() => {}) });
    const driver = new Driver({ engine: first.engine });
    driver.tool("a", "slow.work");
    const handle = await driver.start();
    while (first.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await first.engine.close();

    const second = open(t, folder, { "slow.work": () => "done" });
    const { state, tasks } = await second.highway.handle(handle.runId).result();
    assert.deepEqual([state, tasks.a.result], ["completed", "done"]);
    assert.deepEqual(second.calls, first.calls);
  });

  test("waits and time limits continue while no process runs", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "x.y": () => 1 });
    const driver = new Driver({ engine: first.engine });
    driver.tool("a", "x.y", {}, { delay: 0.2 });
    const { runId } = await driver.start();
    await first.engine.close();
    const second = open(t, folder, { "x.y": () => 1 });
    assert.equal((await second.highway.handle(runId).result()).state, "completed");
  });

  test("an incomplete entry is dropped; later ones are stored", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "x.y": () => 1 });
    const driver = new Driver({ engine: first.engine });
    driver.tool("a", "x.y");
    const { runId } = await driver.run();
    await first.engine.close();
    for (const torn of ["0", "12345678 4", "12345678 40 [1"]) {
      appendFileSync(join(folder, "journal"), torn);
      const next = open(t, folder, { "x.y": () => 1 });
      assert.equal((await next.highway.workflows.get(runId)).state, "completed");
      await next.engine.close();
    }
  });

  test("a damaged entry before the last is an error with the file and the offset, and nothing is lost", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "x.y": () => 1 });
    const driver = new Driver({ engine: first.engine });
    driver.tool("a", "x.y");
    await driver.run();
    await driver.run();
    await first.engine.close();
    const path = join(folder, "journal");
    const bytes = readFileSync(path);
    const offset = bytes.indexOf(10) + 1;
    bytes[offset + 20] ^= 1;
    writeFileSync(path, bytes);
    const second = open(t, folder, { "x.y": () => 1 });
    const error = await checkRejection(second.highway.workflows.list().toArray(), damaged);
    assert.deepEqual([error.details.path, error.details.offset], [path, offset]);
    await checkRejection(second.engine.ready(), damaged);
    await second.engine.close();
    assert.deepEqual(readFileSync(path), bytes);
  });

  test("is read the same if Node has no checksum function", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder, { "x.y": () => "größe" });
    const driver = new Driver({ engine: first.engine });
    driver.tool("a", "x.y");
    await driver.run();
    await first.engine.close();
    const source = `
      import zlib from "node:zlib";
      zlib.crc32 = undefined;
      const { fileStore } = await import("highway-wasm/node");
      const { LocalEngine } = await import("highway-wasm/engine");
      const { Driver } = await import("highway-wasm");
      const engine = new LocalEngine({ tools: { "x.y": () => 2 }, store: fileStore(${JSON.stringify(folder)}) });
      const driver = new Driver({ engine });
      driver.tool("b", "x.y");
      await driver.run();
      await engine.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: "inherit" });
    assert.deepEqual(await once(child, "exit"), [0, null]);
    const { highway } = open(t, folder, { "x.y": () => 3 });
    assert.equal((await highway.workflows.list().toArray()).length, 2);
  });

  test("belongs to one engine at a time; the lock of a process that has ended does not count", async (t) => {
    const folder = folderOf(t);
    const first = open(t, folder);
    await first.engine.ready();
    const second = open(t, folder);
    await checkRejection(second.engine.ready(), { ...damaged, code: "STORE_IN_USE", message: /process \d+/ });
    await second.engine.close();
    assert.ok(existsSync(join(folder, "lock")), "the lock of the first is still there");
    await first.engine.close();
    writeFileSync(join(folder, "lock"), "999999999");
    await open(t, folder).engine.ready();
  });

  test("if nothing can be stored, nothing happens", async () => {
    let isFull = false;
    const store = {
      load: () => [],
      append: async () => {
        if (isFull) throw new Error("the disk is full");
      },
    };
    const calls = [];
    const engine = new LocalEngine({ store, tools: { "x.y": () => calls.push(1) } });
    const driver = new Driver({ engine, retry: false });
    driver.tool("a", "x.y");
    isFull = true;
    await assert.rejects(driver.start(), /the disk is full/);
    assert.deepEqual(calls, []);
    await engine.close();
  });
});

describe("a process that is killed", () => {
  const worker = fileURLToPath(new URL("../support/crash-worker.mjs", import.meta.url));
  const runs = 6;
  const kills = Number(process.env.HIGHWAY_KILLS ?? 25);
  // Each takes half a second; the suite itself allows 90 s.
  const timeout = Math.max(85_000, kills * 1_500);

  /** What its tools recorded, without an incomplete line. */
  const notesIn = (folder) =>
    readFileSync(join(folder, "tools"), "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          return [JSON.parse(line)];
        } catch {
          return [];
        }
      });

  test("again and again loses nothing and repeats nothing that was done", { timeout }, (t) => killAgain(t));

  test("while a snapshot replaces its journal, neither", { timeout }, (t) => killAgain(t, "talk"));

  async function killAgain(t, ...how) {
    let [killed, finished, replaced] = [0, 0, 0];
    while (killed < kills) {
      const folder = folderOf(t);
      for (let isOver = false; !isOver; ) {
        const child = spawn(process.execPath, [worker, folder, String(runs), ...how], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        child.stderr.on("data", (chunk) => {
          said += chunk;
        });
        const timer =
          killed < kills ? setTimeout(() => child.kill("SIGKILL"), 150 + Math.random() * 500) : undefined;
        const [code, signal] = await once(child, "exit");
        clearTimeout(timer);
        if (signal === "SIGKILL") killed += 1;
        else {
          assert.deepEqual([code, said], [0, ""]);
          isOver = true;
        }
      }
      finished += 1;
      const notes = notesIn(folder);
      replaced += notes.filter(({ what }) => what === "replaced").length;
      checkNotes(notes);
    }
    if (how.length > 0) assert.ok(replaced > 0, "the journal was never replaced");
    console.log(
      `${killed} kills, ${replaced} journals replaced, ${finished} times all ${runs} runs came to their end`,
    );
  }

  /** The tasks that must come before each task, by name. */
  const before = {
    one: ["first"],
    left: ["first"],
    right: ["first"],
    last: ["one", "left", "right", "first"],
  };

  function checkNotes(notes) {
    const accepted = new Set(notes.filter(({ what }) => what === "accepted").map(({ runId }) => runId));
    assert.equal(accepted.size, runs, "a key began one run");
    const ends = notes.filter(({ what }) => what === "over").map(({ runId, state }) => `${runId} ${state}`);
    assert.deepEqual(
      [...new Set(ends)].sort(),
      [...accepted].map((runId) => `${runId} completed`).sort(),
      "each run came to its end",
    );
    for (const runId of accepted) {
      const own = notes.filter(
        (note) => note.runId === runId && (note.what === "start" || note.what === "end"),
      );
      const nameOf = ({ task, item }) => (item === undefined ? task : `${task} ${item}`);
      for (const [at, { what, task, attempt, idempotencyKey }] of own.entries()) {
        if (what !== "start") continue;
        assert.equal(attempt, 1, "an end of the process is no failure");
        const later = own.slice(at + 1);
        for (const other of before[task] ?? []) {
          assert.ok(
            own.slice(0, at).some((note) => note.task === other && note.what === "end"),
            `${task} too early`,
          );
          assert.ok(!later.some((note) => note.task === other), `${other} ran again after ${task} had begun`);
        }
        const same = own.filter((note) => nameOf(note) === nameOf(own[at]));
        assert.ok(
          same.every((note) => note.idempotencyKey === idempotencyKey),
          "another key",
        );
      }
      const names = new Set(own.filter(({ what }) => what === "end").map(nameOf));
      assert.deepEqual([...names].sort(), ["first", "last", "left", "one 1", "one 2", "one 3", "right"]);
    }
  }
});
