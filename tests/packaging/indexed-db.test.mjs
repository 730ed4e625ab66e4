// The journal of an engine in Chromium's IndexedDB: the contract of stores, reloads, two tabs, a full disk, cleared
// data.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { contract } from "../js/support/store-contract.mjs";
import { installed } from "./support/package.mjs";
import { launch, PLAIN_HOST, page, serveFolder } from "./support/pages.mjs";

const { dir } = await installed("indexed-db");
const esm = "/node_modules/highway-wasm/esm";
const imports = {
  "highway-wasm": `${esm}/entries/inline.js`,
  "highway-wasm/engine": `${esm}/entries/engine-inline.js`,
};

// Each tab has an engine on the same database. Its tool waits until the test releases it.
const app = `
import { Driver, Highway } from "highway-wasm";
import { indexedDbStore, LocalEngine } from "highway-wasm/engine";
import { checkRule } from "/store-contract.mjs";
const facts = (error) => ({ name: error.name, code: error.code, message: error.message, help: error.help, cause: error.cause?.name });
const calls = [];
let letGo;
const free = new Promise((resolve) => { letGo = resolve; });
const tools = {
  "x.y": (_, { attempt, idempotencyKey }) => { calls.push([attempt, idempotencyKey]); return 1; },
  "x.slow": async (_, { attempt, idempotencyKey }) => { calls.push([attempt, idempotencyKey]); await free; return "done"; },
};
let engine;
let isBack = false;
addEventListener("pageshow", ({ persisted }) => { isBack = persisted; });
globalThis.page = {
  open() { engine = new LocalEngine({ store: indexedDbStore("runs"), tools }); return engine.ready().then(() => "ready", facts); },
  close: () => engine.close(),
  hasLocks: () => navigator.locks !== undefined,
  // As React does in strict mode, with one store.
  async openTwice() {
    const store = indexedDbStore("twice");
    new LocalEngine({ store, tools }).close();
    engine = new LocalEngine({ store, tools });
    const other = new LocalEngine({ store, tools });
    return [await engine.ready().then(() => "ready", facts), await other.ready().then(() => "ready", facts)];
  },
  // Whether the browser kept this page and has restored it.
  isBack: () => isBack,
  /** Changes the owner or an entry without the engine's knowledge. */
  async spoil(store, how) {
    const request = indexedDB.open("runs");
    await new Promise((resolve) => { request.onsuccess = resolve; });
    const transaction = request.result.transaction(store, "readwrite");
    const objects = transaction.objectStore(store);
    if (how === "owner") objects.put({ id: "another", epoch: 100, beats: 0 }, "current");
    else objects.openCursor(null, "prev").onsuccess = ({ target }) => target.result.delete();
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    request.result.close();
    return "spoilt";
  },
  letGo: () => letGo(),
  calls: () => calls,
  async start(task = "x.y", size = 0) {
    const driver = new Driver({ engine, name: "n" });
    driver.tool("a", task, { text: "x".repeat(size) });
    driver.tool("b", "x.y", {}, { depends: ["a"] });
    try { return { runId: (await driver.start()).runId }; } catch (error) { return facts(error); }
  },
  result: (runId) => new Highway({ engine }).handle(runId).result().then(({ state }) => state, facts),
  runs: () => new Highway({ engine }).workflows.list().toArray().then((runs) => runs.length, facts),
  async rule(rule) {
    const name = "contract " + rule;
    try { await checkRule(rule, () => indexedDbStore(name)); return "kept"; } catch (error) { return error.stack; }
  },
  // The state that a tab leaves when it is closed while it replaces the journal.
  async interrupted() {
    const store = indexedDbStore("interrupted");
    for await (const _ of store.load());
    await store.append(["[1]", "[2]"]);
    const cut = (function* () { yield* Array(5000).fill('["new"]'); location.reload(); yield "[0]"; })();
    await store.replace(cut);
  },
  // Fails as a browser does when a site has no space left, until the page is loaded again.
  fill() {
    IDBObjectStore.prototype.add = () => { throw new DOMException("no room", "QuotaExceededError"); };
  },
  async entries(name) {
    const store = indexedDbStore(name);
    const entries = [];
    for await (const entry of store.load()) entries.push(entry);
    await store.close();
    return entries;
  },
  remove: (name) => new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve("removed");
    request.onblocked = () => reject(new Error("blocked"));
  }),
  // A database of an older version: no owner, and entries without numbers.
  async old(name, entries) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const journal = request.result.createObjectStore("journal", { autoIncrement: true });
      for (const entry of entries) journal.add(entry);
    };
    await new Promise((resolve) => { request.onsuccess = resolve; });
    request.result.close();
  },
  async foreign(version) {
    const request = indexedDB.open("foreign", version);
    await new Promise((resolve) => { request.onsuccess = resolve; });
    request.result.close();
    const other = new LocalEngine({ store: indexedDbStore("foreign") });
    const error = await other.ready().catch(facts);
    await other.close();
    return error;
  },
};
globalThis.answer = true;`;

const pages = {
  "/app": page(app, { imports }),
  "/store-contract.mjs": {
    type: "text/javascript",
    body: readFileSync(inRoot("tests", "js", "support", "store-contract.mjs")),
  },
};

let browser;
let server;
before(async () => {
  server = await serveFolder(dir, pages);
  // Playwright disables the back/forward cache.
  browser = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A separate browser profile. `tab()` opens a tab: `{ ask, reload, close }`. */
async function profile(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const failures = [];
  t.after(() => assert.deepEqual(failures, []));
  return {
    async tab(address = server.address) {
      const tab = await context.newPage();
      tab.setDefaultTimeout(20_000);
      tab.on("pageerror", (error) => failures.push(error.stack ?? String(error)));
      const isReady = () => tab.waitForFunction(() => globalThis.answer);
      await tab.goto(`${address}/app`);
      await isReady();
      return {
        tab,
        isReady,
        /** Calls a function of the page. */
        ask: (name, ...values) =>
          tab.evaluate(([name, values]) => globalThis.page[name](...values), [name, values]),
        async reload() {
          await tab.reload();
          await isReady();
        },
        close: () => tab.close(),
      };
    },
  };
}

const until = async (condition) => {
  const end = performance.now() + 120_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, "it does not come");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe("an engine in a page", () => {
  it("has a store that satisfies the contract", async (t) => {
    const { ask } = await (await profile(t)).tab();
    for (const rule of contract) assert.equal(await ask("rule", rule), "kept", rule);
  });

  it("continues after a reload in the middle of a run", async (t) => {
    const { ask, reload } = await (await profile(t)).tab();
    assert.equal(await ask("open"), "ready");
    const { runId } = await ask("start", "x.slow");
    await until(async () => (await ask("calls")).length === 1);
    const [before] = await ask("calls");
    await reload();
    assert.equal(await ask("open"), "ready");
    await ask("letGo");
    assert.equal(await ask("result", runId), "completed");
    const calls = await ask("calls");
    assert.deepEqual(calls[0], before, "the same attempt with the same key");
    assert.equal(calls.length, 2);
  });

  it("waits while another tab has the journal, and then sees that tab's changes", async (t) => {
    const { tab } = await profile(t);
    const first = await tab();
    const second = await tab();
    assert.equal(await first.ask("open"), "ready");
    let isOpen = false;
    const opening = second.ask("open").then((answer) => {
      isOpen = true;
      return answer;
    });
    for (let turn = 0; turn < 3; turn++) {
      const { runId } = await first.ask("start");
      assert.equal(await first.ask("result", runId), "completed");
    }
    assert.equal(isOpen, false);
    await first.ask("close");
    assert.equal(await opening, "ready");
    assert.equal(await second.ask("runs"), 3);
    // A tab that is closed without warning also releases the database.
    const third = await tab();
    const later = third.ask("open");
    await second.close();
    assert.equal(await later, "ready");
    assert.equal(await third.ask("runs"), 3);
  });

  it("can be closed while it waits for another tab", async (t) => {
    const { tab } = await profile(t);
    const first = await tab();
    const second = await tab();
    assert.equal(await first.ask("open"), "ready");
    const opening = second.ask("open");
    await second.ask("close");
    assert.equal((await opening).code, "ENGINE_CLOSED");
    assert.equal(await first.ask("runs"), 0);
  });

  it("stops if the browser has no space, says so, and continues when there is some", async (t) => {
    const { tab } = await profile(t);
    const own = await tab();
    assert.equal(await own.ask("open"), "ready");
    const { runId } = await own.ask("start");
    assert.equal(await own.ask("result", runId), "completed");
    await own.ask("fill");
    const refused = await own.ask("start", "x.y", 200_000);
    assert.deepEqual(
      [refused.name, refused.code, refused.cause],
      ["ExecutionError", "JOURNAL_INVALID", "QuotaExceededError"],
    );
    assert.match(refused.message, /: the browser has no room left for this site$/);
    assert.equal((await own.ask("runs")).code, "JOURNAL_INVALID");
    assert.equal((await own.ask("calls")).length, 2, "nothing has happened that was not kept");
    await own.ask("close");
    await own.reload();
    assert.equal(await own.ask("open"), "ready");
    assert.equal(await own.ask("runs"), 1);
  });

  it("allows its database to be deleted, and stops then", async (t) => {
    const { tab } = await profile(t);
    const first = await tab();
    const second = await tab();
    assert.equal(await first.ask("open"), "ready");
    await first.ask("start");
    assert.equal(await second.ask("remove", "runs"), "removed");
    const refused = await first.ask("start");
    assert.equal(refused.code, "JOURNAL_INVALID");
    assert.match(refused.message, /`runs` was deleted or changed/);
  });

  it("uses one store object for one engine after the other, and for no two at the same time", async (t) => {
    const { ask } = await (await profile(t)).tab();
    const [one, other] = await ask("openTwice");
    assert.deepEqual([one, other.code], ["ready", "STORE_IN_USE"]);
    const { runId } = await ask("start");
    assert.equal(await ask("result", runId), "completed");
  });

  it("reports what is wrong with the journal, and so does the next tab, without waiting", async (t) => {
    const { tab } = await profile(t);
    const first = await tab();
    const second = await tab();
    assert.equal(await first.ask("open"), "ready");
    await first.ask("start");
    await first.ask("close");
    assert.equal(await first.ask("spoil", "journal"), "spoilt");
    for (const { ask } of [first, second]) {
      const error = await ask("open");
      assert.equal(error.code, "JOURNAL_INVALID");
      assert.match(error.message, /`runs` is damaged: it holds \d+ entries in the place of \d+/);
    }
  });

  it("stops before it writes if its database has another owner", async (t) => {
    const { ask } = await (await profile(t)).tab();
    assert.equal(await ask("open"), "ready");
    await ask("spoil", "owner", "owner");
    const refused = await ask("start");
    assert.deepEqual([refused.name, refused.code], ["ExecutionError", "STORE_IN_USE"]);
    assert.deepEqual(await ask("calls"), []);
    assert.equal((await ask("runs")).code, "STORE_IN_USE");
  });
});

for (const [what, addressOf, hasLocks] of [
  ["with Web Locks", (address) => address, true],
  ["without Web Locks", (address) => address.replace("127.0.0.1", PLAIN_HOST), false],
]) {
  describe(`tabs ${what}`, () => {
    const two = async (t) => {
      const { tab } = await profile(t);
      const tabs = [await tab(addressOf(server.address)), await tab(addressOf(server.address))];
      for (const { ask } of tabs) assert.equal(await ask("hasLocks"), hasLocks);
      return tabs;
    };

    it("never have one journal at the same time: the second waits, and no task runs twice", async (t) => {
      const [first, second] = await two(t);
      assert.equal(await first.ask("open"), "ready");
      let isOpen = false;
      const opening = second.ask("open").then((answer) => {
        isOpen = true;
        return answer;
      });
      const { runId } = await first.ask("start", "x.slow");
      await until(async () => (await first.ask("calls")).length === 1);
      // Longer than two looks.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      assert.equal(isOpen, false);
      await first.ask("letGo");
      assert.equal(await first.ask("result", runId), "completed");
      await first.ask("close");
      assert.equal(await opening, "ready");
      assert.equal(await second.ask("result", runId), "completed");
      assert.deepEqual(await second.ask("calls"), []);
    });

    it("release the journal when a page is left, and take it again in the next one", async (t) => {
      const [first, second] = await two(t);
      assert.equal(await first.ask("open"), "ready");
      await first.reload();
      assert.equal(await first.ask("open"), "ready");
      const opening = second.ask("open");
      await first.tab.goto("about:blank");
      assert.equal(await opening, "ready");
    });

    it("release the journal while the browser keeps a page in its cache, and the page continues after its return", async (t) => {
      const [first] = await two(t);
      assert.equal(await first.ask("open"), "ready");
      await first.tab.goto("about:blank");
      await first.tab.goBack({ waitUntil: "commit" });
      await until(() => first.ask("isBack").catch(() => false));
      const { runId } = await first.ask("start");
      assert.equal(await first.ask("result", runId), "completed");
    });

    it("stop when they return to a journal that another tab has used", async (t) => {
      const [first, second] = await two(t);
      assert.equal(await first.ask("open"), "ready");
      await first.tab.goto("about:blank");
      assert.equal(await second.ask("open"), "ready");
      await first.tab.goBack({ waitUntil: "commit" });
      await until(() => first.ask("isBack").catch(() => false));
      const refused = await first.ask("start");
      assert.equal(refused.code, "STORE_IN_USE");
      assert.match(refused.help, /reload the page/);
      assert.deepEqual(await first.ask("calls"), []);
      const { runId } = await second.ask("start");
      assert.equal(await second.ask("result", runId), "completed");
      assert.equal((await second.ask("calls")).length, 2);
    });
  });
}

describe("a tab that ended without warning", () => {
  it("counts as gone after two minutes without a heartbeat, if there are no Web Locks", async (t) => {
    const { tab } = await profile(t);
    const address = server.address.replace("127.0.0.1", PLAIN_HOST);
    const second = await tab(address);
    // The database still has an owner, but its page is gone.
    assert.equal(await second.ask("open"), "ready");
    await second.ask("close");
    await second.ask("spoil", "owner", "owner");
    await second.tab.clock.install();
    await second.reload();
    let isOpen = false;
    const opening = second.ask("open").then((answer) => {
      isOpen = true;
      return answer;
    });
    let waited = 0;
    await until(async () => {
      await second.tab.clock.runFor(1000);
      waited += 1;
      return isOpen;
    });
    assert.equal(await opening, "ready");
    assert.ok(waited >= 120, `after ${waited} s`);
  });
});

describe("the database of a page", () => {
  it("has a complete journal if the page leaves while it is replaced", async (t) => {
    const { ask, tab, isReady } = await (await profile(t)).tab();
    const navigated = tab.waitForNavigation();
    await ask("interrupted").catch(() => {});
    await navigated;
    await isReady();
    const entries = await ask("entries", "interrupted");
    const isOld = entries.length === 2 && entries[1] === "[2]";
    const isNew = entries.length === 5001 && entries.at(-1) === "[0]";
    assert.ok(isOld || isNew, `${entries.length} entries`);
  });

  it("of an older version is read, and gets an owner", async (t) => {
    const { ask } = await (await profile(t)).tab();
    await ask("old", "entries", ["[1]", "[2]"]);
    for (let turn = 0; turn < 2; turn++) assert.deepEqual(await ask("entries", "entries"), ["[1]", "[2]"]);
  });

  for (const version of [1, 2, 3]) {
    it(`of another program, with the version ${version}, is not changed`, async (t) => {
      const { ask } = await (await profile(t)).tab();
      const error = await ask("foreign", version);
      assert.equal(`${error.name} ${error.code}`, "ExecutionError JOURNAL_INVALID");
      assert.match(error.message, /could not be opened: the database is of another program/);
      assert.match(error.help, /another name/);
    });
  }
});
