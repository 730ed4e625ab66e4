// A folder belongs to one process at a time, even if processes are killed at any moment, stopped, or zombies.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fileStore, sqliteStore } from "highway-wasm/node";
import Database from "libsql";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { checkRejection } from "../support/errors.mjs";

const { Journal } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "stores", "journal.js")).href);
const worker = fileURLToPath(new URL("../support/lock-worker.mjs", import.meta.url));
const notHere = process.platform === "win32" && "Windows has no such signals";

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "highway-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that waits for a store. `said(line)` gets its output; `ended` is fulfilled when it has ended. */
function contender(t, place, name, { said = () => {}, wait = 600, through = [], env } = {}) {
  const [program, ...args] = [...through, process.execPath, worker, place, name, String(wait)];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => said(line));
  const first = once(lines, "line").then(([line]) => line);
  return { child, name, first, ended };
}

/** The owners that wrote into the journal, in order. Reads the whole journal. */
async function ownersIn(store) {
  const owners = [];
  const next = new Map();
  const journal = new Journal(store, { failed: assert.fail });
  await journal.open((entry) => {
    const [{ owner, n }] = JSON.parse(entry);
    if (owners.at(-1) !== owner) owners.push(owner);
    assert.equal(n, next.get(owner) ?? 0, `${owner} has lost an entry`);
    next.set(owner, n + 1);
  });
  await journal.close();
  return owners;
}

const inUse = { name: "ExecutionError", code: "STORE_IN_USE" };

describe("a store for which many processes wait", { skip: notHere }, () => {
  const rounds = Number(process.env.HIGHWAY_KILLS ?? 20);
  // A round takes a third of a second on an idle machine.
  const timeout = Math.max(85_000, rounds * 10_000);

  test("never has two owners, whichever of them is stopped and killed when", { timeout }, (t) =>
    killAgain(t),
  );

  test("neither has it without a program that locks files", { timeout }, (t) =>
    killAgain(t, { env: { PATH: "" } }),
  );

  test("neither has a database", { timeout }, (t) => killAgain(t, { isDatabase: true }));

  async function killAgain(t, { env, isDatabase = false } = {}) {
    const folder = folderOf(t);
    const place = isDatabase ? join(folder, "a.db") : folder;
    const log = [];
    const alive = new Map();
    let told = () => {};
    let made = 0;
    const add = () => {
      made += 1;
      const one = contender(t, place, `p${made}`, {
        env,
        said: (line) => {
          log.push(`${line} ${one.name}`);
          told();
        },
      });
      alive.set(one.name, one);
      one.ended.then(() => alive.delete(one.name));
    };
    /** The owner, once there is one. */
    const owner = async () => {
      for (;;) {
        const last = log.at(-1) ?? "";
        if (last.startsWith("in ")) return alive.get(last.slice(3)) ?? assert.fail(`${last} is gone`);
        assert.ok(last === "" || last.startsWith("kill "), last);
        await new Promise((resolve) => {
          told = resolve;
        });
      }
    };
    const kill = (one) => {
      // Recorded first, because the kernel may let the next process in before we are notified of the end.
      log.push(`kill ${one.name}`);
      one.child.kill("SIGKILL");
    };
    for (let count = 0; count < 6; count++) add();
    for (let round = 0; round < rounds; round++) {
      const holder = await owner();
      await sleep(Math.random() * 60);
      if (round % 4 === 1) {
        // A stopped process is alive, however long it is stopped.
        const before = log.length;
        holder.child.kill("SIGSTOP");
        await sleep(200);
        assert.deepEqual(log.slice(before), [], "somebody took the folder of a process that was stopped");
        if (round % 8 === 1) holder.child.kill("SIGCONT");
      }
      if (round % 3 === 0) {
        const others = [...alive.values()].filter((one) => one !== holder);
        others[Math.floor(Math.random() * others.length)]?.child.kill("SIGKILL");
      }
      kill(holder);
      if (round % 5 === 0) writeFileSync(join(folder, "lock"), ["", "12", `${process.pid} 1 x`][round % 3]);
      while (alive.size < 7) add();
    }
    kill(await owner());
    for (const one of alive.values()) kill(one);
    await Promise.all([...alive.values()].map(({ ended }) => ended));

    let holder;
    let owners = 0;
    for (const line of log) {
      const [what, name] = line.split(" ");
      if (what === "in") {
        assert.equal(holder, undefined, `${name} came in beside ${holder}`);
        holder = name;
        owners += 1;
      } else if (name === holder) holder = undefined;
    }
    assert.ok(owners > rounds, `${owners} owners`);
    const wrote = await ownersIn(isDatabase ? sqliteStore(new Database(place)) : fileStore(place));
    assert.equal(new Set(wrote).size, wrote.length, "an owner wrote after the next one had");
    console.log(`${owners} owners in ${rounds} rounds, of which ${wrote.length} wrote`);
  }

  test("is free if its owner is a zombie", async (t) => {
    const folder = folderOf(t);
    // `sleep` replaces the shell, and never waits for its child.
    const script = `"$0" "$@" & echo $!; exec sleep 600`;
    const args = ["-c", script, process.execPath, worker, folder, "zombie"];
    const parent = spawn("sh", args, { stdio: ["ignore", "pipe", "inherit"] });
    const gone = once(parent, "exit");
    t.after(async () => {
      parent.kill("SIGKILL");
      await gone;
    });
    const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
    const pid = Number((await lines.next()).value);
    assert.equal((await lines.next()).value, "in");
    process.kill(pid, "SIGKILL");
    const next = contender(t, folder, "next", { wait: 60 });
    assert.equal(await next.first, "in");
    process.kill(pid, 0); // The process still exists, as a zombie.
  });

  test("is locked for a process of another container, too", async (t) => {
    const unshare = ["unshare", "--pid", "--net", "--fork"];
    if (spawnSync(unshare[0], [...unshare.slice(1), "true"]).status !== 0) {
      return t.skip("this user may not make namespaces");
    }
    if (spawnSync("flock", ["--version"]).error) return t.skip("there is no `flock`");
    const folder = folderOf(t);
    const first = contender(t, folder, "first");
    assert.equal(await first.first, "in");
    const other = contender(t, folder, "other", { through: unshare, wait: 0 });
    assert.match(await other.first, /^refused STORE_IN_USE the folder .* is in use by process \d+$/);
  });
});

describe("an owner that was replaced all the same", () => {
  /** A folder in use, whose lock no longer protects it. */
  async function owned(t) {
    const folder = folderOf(t);
    const store = fileStore(folder);
    for await (const _ of store.load());
    await store.append(["[1]"]);
    t.after(() => store.close());
    return { folder, store };
  }

  for (const [what, replace] of [
    ["finds the word of another one", (folder) => writeFileSync(join(folder, "lock"), "7 0 another")],
    [
      "finds another lock",
      (folder) => {
        rmSync(join(folder, "lock"));
        writeFileSync(join(folder, "lock"), readFileSync(join(folder, "journal")));
      },
    ],
    ["finds an entry that is not its own", (folder) => appendFileSync(join(folder, "journal"), "x\n")],
  ]) {
    test(`${what}, and stops before it writes`, async (t) => {
      const { folder, store } = await owned(t);
      replace(folder);
      const before = readFileSync(join(folder, "journal"), "utf8");
      await checkRejection(store.append(["[2]"]), inUse);
      await checkRejection(store.replace(["[2]"]), inUse);
      assert.equal(readFileSync(join(folder, "journal"), "utf8"), before);
    });
  }
});
