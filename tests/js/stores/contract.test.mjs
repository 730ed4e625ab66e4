// What holds for every store. Stores of pages and workers have their own tests (`indexed-db` and `durable-object` in
// tests/packaging).
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Driver, Highway } from "highway-wasm";
import { durableObjectStore, LocalEngine } from "highway-wasm/engine";
import { fileStore, sqliteStore } from "highway-wasm/node";
import Database from "libsql";
import { checkRejection, checkThrown, rejectionOf } from "../support/errors.mjs";
import { keyStorage } from "../support/storage.mjs";
import { checkRule, contract } from "../support/store-contract.mjs";

const nodeSqlite = process.getBuiltinModule?.("node:sqlite");
const noSqlite = nodeSqlite ? false : "this Node has no node:sqlite";

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "highway-stores-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function readAll(store) {
  const entries = [];
  for await (const entry of store.load()) entries.push(entry);
  return entries;
}

/**
 * The stores: how to open each again and again, and how to fill its disk. libsql has the interface of better-sqlite3,
 * whose binaries are in no registry.
 */
const stores = {
  fileStore: (t) => {
    const folder = folderOf(t);
    return { open: () => fileStore(folder), fill: () => fillDisk(t) };
  },
  "sqliteStore of a Database": (t) => {
    const database = new Database(join(folderOf(t), "a.db"));
    t.after(() => database.close());
    return { open: () => sqliteStore(database), fill: () => limitPages(database) };
  },
  "sqliteStore of a DatabaseSync": (t) => {
    const database = new nodeSqlite.DatabaseSync(join(folderOf(t), "a.db"));
    t.after(() => database.close());
    return { open: () => sqliteStore(database), fill: () => limitPages(database) };
  },
  "durableObjectStore with keys": () => {
    const faults = {};
    const storage = keyStorage(faults);
    const fill = () => {
      faults.write = () => {
        throw new Error("the disk is full");
      };
      return () => {
        faults.write = undefined;
      };
    };
    return { open: () => durableObjectStore(storage), fill };
  },
};

/** Lets files take only half of what is appended, as on a full disk. Returns a function that ends this. */
async function fillDisk(t) {
  const handle = await openFile(fileURLToPath(import.meta.url), "r");
  const type = Object.getPrototypeOf(handle);
  await handle.close();
  const { appendFile } = type;
  const restore = () => {
    type.appendFile = appendFile;
  };
  t.after(restore);
  type.appendFile = async function (text) {
    await appendFile.call(this, text.slice(0, text.length / 2));
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  return restore;
}

/** Prevents a database from growing. */
function limitPages(database) {
  const pragma = (text) => Object.values(database.prepare(`PRAGMA ${text}`).all()[0])[0];
  const before = pragma("max_page_count");
  pragma(`max_page_count = ${pragma("page_count")}`);
  return () => pragma(`max_page_count = ${before}`);
}

for (const [name, make] of Object.entries(stores)) {
  describe(name, { skip: name.includes("DatabaseSync") && noSqlite }, () => {
    for (const rule of contract) test(rule, (t) => checkRule(rule, make(t).open));

    test("if nothing can be stored, the engine stops and says why; another one continues", async (t) => {
      const { open, fill } = make(t);
      const calls = [];
      // More than the space that is left on a page of the database.
      const tools = { "x.y": ({ args }) => void calls.push(args[0]) ?? "z".repeat(20_000) };
      const engine = new LocalEngine({ store: open(), tools });
      const driver = (engine, name) => {
        const made = new Driver({ engine });
        made.tool("a", "x.y", { args: [name] });
        return made;
      };
      const { runId } = await driver(engine, "first").run();
      const mend = await fill();
      const refused = {
        name: "ExecutionError",
        code: "JOURNAL_INVALID",
        message: /cannot keep the journal/,
      };
      // A small entry may still fit; the next does not.
      const error = await checkRejection(driver(engine, "x".repeat(100_000)).start(), {
        ...refused,
        help: /another engine/,
      });
      assert.match(`${error.cause?.message} ${error.cause?.code}`, /full|ENOSPC/i);
      const highway = new Highway({ engine });
      for (const request of [
        () => highway.workflows.get(runId),
        () => highway.workflows.list().toArray(),
        () => driver(engine, "later").start(),
      ]) {
        assert.equal(await checkRejection(request(), refused), error, "each request says the same");
      }
      assert.equal(calls.length, 1, "nothing has happened that was not kept");
      await engine.close();

      await mend();
      const next = new LocalEngine({ store: open(), tools });
      t.after(() => next.close());
      assert.equal((await new Highway({ engine: next }).workflows.get(runId)).state, "completed");
      await driver(next, "after").run();
      assert.equal(calls.length, 2);
    });
  });
}

const inUse = { name: "ExecutionError", code: "STORE_IN_USE", message: /in use/, help: /`wait`/ };

describe("a folder", () => {
  test("is awaited as long as its option says", async (t) => {
    const folder = folderOf(t);
    const first = fileStore(folder);
    await readAll(first);
    await checkRejection(readAll(fileStore(folder)), inUse);
    await checkRejection(readAll(fileStore(folder, { wait: 0.05 })), inUse);
    const second = fileStore(folder, { wait: 60 });
    const entries = readAll(second);
    await first.append(["[1]"]);
    await first.close();
    assert.deepEqual(await entries, ["[1]"]);
    await second.close();
    assert.deepEqual(readdirSync(folder).sort(), ["journal", "lock"]);
    assert.equal(readFileSync(join(folder, "lock"), "utf8"), "", "it is nobody's");
  });

  test("is no longer awaited when the engine is closed", async (t) => {
    const folder = folderOf(t);
    const first = fileStore(folder);
    await readAll(first);
    t.after(() => first.close());
    const engine = new LocalEngine({ store: fileStore(folder, { wait: 3600 }) });
    await engine.close();
    await checkRejection(engine.ready(), { name: "ExecutionError", code: "ENGINE_CLOSED" });
  });

  test("is free again if its process ended and another has its id now", {
    skip: process.platform !== "linux" && "only Linux tells when a process began",
  }, async (t) => {
    const folder = folderOf(t);
    // In a container, each first process has id 1.
    writeFileSync(join(folder, "lock"), `${process.pid} 1`);
    const store = fileStore(folder);
    assert.deepEqual(await readAll(store), []);
    await store.close();
  });

  test("is cleared of an interrupted replacement", async (t) => {
    const folder = folderOf(t);
    const first = fileStore(folder);
    await readAll(first);
    await first.append(["[1]"]);
    await first.close();
    writeFileSync(join(folder, "journal.new"), "half of it");
    const second = fileStore(folder);
    assert.deepEqual(await readAll(second), ["[1]"]);
    assert.deepEqual(readdirSync(folder).sort(), ["journal", "lock"]);
    await second.replace(["[2]"]);
    await second.close();
    assert.match(readFileSync(join(folder, "journal"), "utf8"), /^[0-9a-f]{8} 3 \[2\]\n$/);
  });

  test("that was removed while an engine used it accepts nothing more", async (t) => {
    const folder = folderOf(t);
    const store = fileStore(folder);
    await readAll(store);
    t.after(() => store.close());
    rmSync(folder, { recursive: true });
    await checkRejection(store.append(["[1]"]), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
      message: /lock` was removed while an engine used it/,
    });
  });

  test("accepts nothing more after a failure, so that no entry follows a part of one", async (t) => {
    const folder = folderOf(t);
    const store = fileStore(folder);
    await readAll(store);
    await store.append(["[1]"]);
    const mend = await fillDisk(t);
    const failure = await rejectionOf(store.append(["[2]"]));
    mend();
    assert.equal(await rejectionOf(store.append(["[3]"])), failure);
    assert.equal(await rejectionOf(store.replace(["[3]"])), failure);
    await store.close();
    const next = fileStore(folder);
    assert.deepEqual(await readAll(next), ["[1]"]);
    await next.close();
  });

  for (const [what, damage, expected] of [
    ["the last entry is damaged", (bytes) => bytes.fill(0x20, bytes.length - 3, bytes.length - 2), 2],
    [
      "the line break before the last entry is another character",
      (bytes) => bytes.fill(0x20, lineBreaks(bytes)[1], lineBreaks(bytes)[1] + 1),
      1,
    ],
    ["the end is of another file", (bytes) => Buffer.concat([bytes, Buffer.from("hello")]), 3],
    ["there is no journal but some other file", () => Buffer.from("Dear Ada, "), 0],
  ]) {
    test(`is refused if ${what}, with the place, and not changed`, async (t) => {
      const folder = folderOf(t);
      const first = fileStore(folder);
      await readAll(first);
      await first.append(["[1]", "[2]", "[3]"]);
      await first.close();
      const path = join(folder, "journal");
      const bytes = readFileSync(path);
      const damaged = damage(Buffer.from(bytes));
      writeFileSync(path, damaged);
      const second = fileStore(folder);
      const error = await checkRejection(readAll(second), {
        name: "ExecutionError",
        code: "JOURNAL_INVALID",
      });
      await second.close();
      assert.equal(error.details.offset, [0, ...lineBreaks(bytes).map((at) => at + 1)][expected]);
      assert.deepEqual(readFileSync(path), damaged);
    });
  }

  test("is read with each byte looked at once, however long its entries are", async (t) => {
    const folder = folderOf(t);
    const first = fileStore(folder);
    await readAll(first);
    const size = 24 << 20;
    await first.append(["[1]", `"${"x".repeat(size)}"`, "[2]"]);
    await first.close();
    let copied = 0;
    const concat = Buffer.concat.bind(Buffer);
    t.mock.method(Buffer, "concat", (list, ...more) => {
      copied += list.reduce((sum, { length }) => sum + length, 0);
      return concat(list, ...more);
    });
    const second = fileStore(folder);
    const entries = await readAll(second);
    await second.close();
    assert.deepEqual(
      entries.map(({ length }) => length),
      [3, size + 2, 3],
    );
    assert.ok(copied < 2 * size, `${copied} bytes were copied for ${size}`);
  });

  test("and the option `wait` are checked", () => {
    for (const wait of [-1, Number.NaN, "1"]) {
      checkThrown(() => fileStore("x", { wait }), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path: "/wait",
      });
    }
    checkThrown(() => fileStore("x", { waits: 1 }), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      help: /`wait`/,
    });
  });
});

/** Positions of the line breaks in bytes. */
const lineBreaks = (bytes) => [...bytes.keys()].filter((at) => bytes[at] === 10);

describe("a database", () => {
  async function kept(t) {
    const database = new Database(join(folderOf(t), "a.db"));
    t.after(() => database.close());
    const store = sqliteStore(database);
    await readAll(store);
    await store.append(["[1]", "[2]"]);
    await store.append(["[3]"]);
    return { database, store };
  }

  for (const [what, sql] of [
    ["the first entry", "DELETE FROM highway_journal WHERE id = 1"],
    ["the last entry", "DELETE FROM highway_journal WHERE id = 3"],
    ["every entry", "DELETE FROM highway_journal"],
  ]) {
    test(`that has lost ${what} is refused`, async (t) => {
      const { database, store } = await kept(t);
      await store.close();
      database.exec(sql);
      await checkRejection(readAll(sqliteStore(database)), {
        name: "ExecutionError",
        code: "JOURNAL_INVALID",
        message: /holds \d entries in the place of 3/,
      });
    });
  }

  test("accepts writes only from its latest owner", async (t) => {
    const { database, store } = await kept(t);
    database.exec("UPDATE highway_owner SET epoch = epoch + 1");
    const taken = { name: "ExecutionError", code: "STORE_IN_USE", message: /taken over/ };
    await checkRejection(store.append(["[4]"]), taken);
    await checkRejection(store.replace(["[4]"]), taken);
    await store.close();
    assert.deepEqual(await readAll(sqliteStore(database)), ["[1]", "[2]", "[3]"]);
  });

  test("of an older version has no owner, and gets one", async (t) => {
    const { database, store } = await kept(t);
    await store.close();
    database.exec("DROP TABLE highway_owner");
    const second = sqliteStore(database);
    assert.deepEqual(await readAll(second), ["[1]", "[2]", "[3]"]);
    await second.append(["[4]"]);
    await second.close();
    assert.deepEqual(await readAll(sqliteStore(database)), ["[1]", "[2]", "[3]", "[4]"]);
  });

  test("belongs to one engine at a time, in one process and in two connections", async (t) => {
    const file = join(folderOf(t), "a.db");
    const [one, other] = [new Database(file), new Database(file)];
    t.after(() => [one, other].map((database) => database.close()));
    const first = sqliteStore(one);
    await readAll(first);
    await checkRejection(readAll(sqliteStore(one)), inUse);
    await checkRejection(readAll(sqliteStore(other)), inUse);
    await first.append(["[1]"]);
    const second = sqliteStore(one, { wait: 60 });
    const entries = readAll(second);
    await first.close();
    assert.deepEqual(await entries, ["[1]"]);
    await second.close();
    // It stays open and has no owner.
    assert.equal(one.prepare("SELECT count(*) AS n FROM highway_journal").all()[0].n, 1);
  });

  test("waits for the disk with each entry", async (t) => {
    const database = new Database(join(folderOf(t), "a.db"));
    t.after(() => database.close());
    const store = sqliteStore(database);
    await readAll(store);
    const pragma = (name) => Object.values(database.prepare(`PRAGMA ${name}`).all()[0])[0];
    assert.deepEqual([pragma("journal_mode"), pragma("synchronous")], ["wal", 2]);
    await store.close();
  });

  test("of another kind is refused, and a damaged one is an error", async (t) => {
    for (const wrong of [{}, null, 1, { exec() {} }]) {
      checkThrown(() => sqliteStore(wrong), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        help: /better-sqlite3.*node:sqlite/,
      });
    }
    const file = join(folderOf(t), "a.db");
    writeFileSync(file, "this is no database, but it is long enough to be taken for one ".repeat(20));
    const database = new Database(file);
    t.after(() => database.close());
    const engine = new LocalEngine({ store: sqliteStore(database) });
    await checkRejection(engine.ready(), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
      message: /could not be opened: .*not a database/,
    });
    await engine.close();
  });

  test("is opened by its path if Node has SQLite", { skip: noSqlite }, async (t) => {
    const folder = folderOf(t);
    const file = join(folder, "a.db");
    const first = sqliteStore(file);
    await readAll(first);
    await first.append(["[1]"]);
    await checkRejection(readAll(sqliteStore(file)), inUse);
    await first.close();
    const second = sqliteStore(file);
    assert.deepEqual(await readAll(second), ["[1]"]);
    await second.close();
    mkdirSync(join(folder, "sub"));
    await checkRejection(readAll(sqliteStore(join(folder, "sub"))), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
      message: /could not be opened/,
    });
  });

  test("needs a library if Node has none", { skip: !noSqlite && "this Node has node:sqlite" }, () => {
    checkThrown(() => sqliteStore("a.db"), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      help: /Node 22\.5.*better-sqlite3/,
    });
  });
});

describe("a storage with keys", () => {
  const damaged = { name: "ExecutionError", code: "JOURNAL_INVALID" };

  /** A storage with a journal, and the keys of its pieces. */
  async function kept() {
    const storage = keyStorage();
    const store = durableObjectStore(storage);
    await readAll(store);
    await store.append(["[1]", "[2]"]);
    await store.replace(["[3]", "[4]", `"${"x".repeat(100_000)}"`]);
    const pieces = [...storage.kept.keys()].filter((name) => /:\d+:\d+$/.test(name)).sort();
    assert.equal(pieces.length, 4, "what was replaced is gone");
    return { storage, store, pieces };
  }
  const after = (key) =>
    key.replace(/\d+$/, (digits) => String(Number(digits) + 1).padStart(digits.length, "0"));

  test("is cleared of incomplete writes, and of the remains of an interrupted replacement", async () => {
    const { storage, store, pieces } = await kept();
    await store.close();
    const size = storage.kept.size;
    storage.kept.set(after(pieces[3]), "+half of an entry");
    storage.kept.set(after(after(pieces[3])), ".[8]");
    const other = (_, digits) => `:${String(Number(digits) + 1).padStart(digits.length, "0")}:`;
    storage.kept.set(pieces[0].replace(/:(\d+):/, other), ".[9]");
    const second = durableObjectStore(storage);
    assert.deepEqual((await readAll(second)).slice(0, 2), ["[3]", "[4]"]);
    assert.equal(storage.kept.size, size);
    await second.append(["[5]"]);
    await second.close();
    assert.deepEqual((await readAll(durableObjectStore(storage))).slice(3), ["[5]"]);
  });

  for (const place of [0, 1, 2, 3]) {
    test(`that has lost piece ${place + 1} of 4 is refused, and not changed`, async () => {
      const { storage, store, pieces } = await kept();
      await store.close();
      storage.kept.delete(pieces[place]);
      const before = new Map(storage.kept);
      await checkRejection(readAll(durableObjectStore(storage)), damaged);
      assert.deepEqual(storage.kept, before);
    });
  }

  test("that has lost all pieces is refused", async () => {
    const { storage, store, pieces } = await kept();
    await store.close();
    for (const key of pieces) storage.kept.delete(key);
    await checkRejection(readAll(durableObjectStore(storage)), damaged);
  });

  test("that is cleared while an engine uses it accepts nothing more; a new engine begins anew", async () => {
    const { storage, store } = await kept();
    storage.kept.clear();
    for (const write of [store.append(["[6]"]), store.replace(["[6]"])]) {
      await checkRejection(write, { ...damaged, message: /cleared while an engine used it/ });
    }
    assert.equal(storage.kept.size, 0);
    await store.close();
    const next = durableObjectStore(storage);
    assert.deepEqual(await readAll(next), []);
    await next.append(["[1]"]);
  });

  test("is refused to a second engine, and accepts writes only from its latest owner", async () => {
    const { storage, store } = await kept();
    await checkRejection(readAll(durableObjectStore(storage)), {
      ...inUse,
      help: /in its constructor/,
      message: /in use/,
    });
    const other = { ...storage };
    assert.equal((await readAll(durableObjectStore(other))).length, 3, "an object that was made again");
    await checkRejection(store.append(["[6]"]), { ...inUse, help: /one store/, message: /taken over/ });
    await checkRejection(store.replace(["[6]"]), { ...inUse, help: /one store/, message: /taken over/ });
  });

  test("of an older version has no owner, and gets one", async () => {
    const { storage, store } = await kept();
    await store.close();
    storage.kept.set("highway:current", storage.kept.get("highway:current").journal);
    const second = durableObjectStore(storage);
    assert.equal((await readAll(second)).length, 3);
    await second.append(["[5]"]);
    await second.close();
    assert.equal((await readAll(durableObjectStore(storage))).length, 4);
  });
});

describe("a user's own store", () => {
  test("with an entry that nobody can read is an error with the number of the entry", async (t) => {
    const engine = new LocalEngine({
      store: { load: () => ["[]", '[{"type":"what_is_to_come"}]'], append: async () => {} },
    });
    t.after(() => engine.close());
    const error = await checkRejection(engine.ready(), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
      message: /^the journal cannot be read: .*`what_is_to_come`.*\(entry 2, \d+ characters\)$/,
      help: /newer version/,
    });
    assert.equal(error.details.entry, 2);
  });

  test("that fails to read is an error with the cause", async () => {
    const cause = new Error("no such bucket");
    const engine = new LocalEngine({
      store: {
        load() {
          throw cause;
        },
        append: async () => {},
      },
    });
    const error = await checkRejection(engine.ready(), { name: "ExecutionError", code: "JOURNAL_INVALID" });
    assert.equal(error.cause, cause);
    await checkRejection(new Highway({ engine }).workflows.list().toArray(), {
      name: "ExecutionError",
      code: "JOURNAL_INVALID",
    });
    await engine.close();
  });
});
