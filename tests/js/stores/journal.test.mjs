// When a snapshot replaces the journal of an engine, and that no entry is lost or stored twice meanwhile.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { Chain } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "stores", "chain.js")).href);
const { Journal } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "stores", "journal.js")).href);

/** The end of an entry with which a snapshot ends. */
const SNAPSHOT_END = "the whole state";

/** An entry of that many characters, which begins with a name. */
const entryOf = (name, length = 100_000) => `${name};`.padEnd(length, ".");
const nameOf = (entry) => entry.slice(0, entry.indexOf(";")).replace(/^\[\d+,"[0-9a-f]{16}",/, "");

/**
 * A journal over a store in memory, and an engine whose state is the list of all names. `next()` lets the store finish
 * its present call, and returns that call; its effects have been released by then.
 */
function journalOn({ kept = [], length = 10, pieces = 1, snapshot = true, replace = true } = {}) {
  const log = [];
  const calls = [];
  const names = [];
  const call = (what, done) =>
    new Promise((resolve, reject) => calls.push({ what, resolve: () => resolve(done()), reject }));
  const store = {
    load: () => [...kept],
    append: (entries) => call(`append ${entries.map(nameOf)}`, () => kept.push(...entries)),
    ...(replace && {
      replace: (entries) =>
        call(`replace ${[...entries].map(nameOf)}`, () => kept.splice(0, kept.length, ...entries)),
    }),
  };
  function* entriesOfState() {
    log.push("state begins");
    try {
      const whole = names.join("+");
      for (let piece = 1; piece <= pieces; piece += 1) yield entryOf(piece === 1 ? whole : piece, length);
    } finally {
      log.push("state ends");
    }
  }
  const host = {
    snapshot: snapshot
      ? pieces === 1
        ? () => [entryOf(names.join("+"), length)]
        : entriesOfState
      : undefined,
    failed: (error) => log.push(`failed ${error.code}`),
  };
  const journal = new Journal(store, host);
  return {
    journal,
    host,
    log,
    kept,
    names,
    happen(name, length) {
      names.push(name);
      journal.keep({ entry: entryOf(name, length), wake: undefined, release: () => log.push(name) });
    },
    async load() {
      await journal.open((entry) => {
        names.push(nameOf(entry));
        return entry.endsWith(SNAPSHOT_END);
      });
    },
    async next(error) {
      // Writing a snapshot takes a turn for each of its entries.
      for (let turns = 0; turns < 20 && (turns === 0 || calls.length === 0); turns += 1) await turn();
      const { what, resolve, reject } = calls.shift() ?? assert.fail("the store has nothing to do");
      if (error) reject(error);
      else resolve();
      await turn();
      return what;
    },
    get isIdle() {
      return calls.length === 0;
    },
  };
}

const megabyte = 1 << 20;

describe("a journal", () => {
  test("stores changes that arrive meanwhile together, and releases them in order", async () => {
    const { happen, next, log } = journalOn();
    happen("a");
    assert.deepEqual(log, []);
    const first = next();
    happen("b");
    happen("c");
    assert.equal(await first, "append a,b,c");
    assert.deepEqual(log, ["a", "b", "c"]);
    happen("d");
    await Promise.resolve();
    await Promise.resolve();
    happen("e");
    assert.equal(await next(), "append d");
    assert.deepEqual(log.slice(3), ["d"]);
    assert.equal(await next(), "append e");
  });

  test("is replaced by a snapshot if it is twice as long, in place of the next entry", async () => {
    const { happen, next, log, kept } = journalOn();
    happen("a", megabyte + 1);
    assert.equal(await next(), "append a");
    happen("b");
    assert.equal(await next(), "replace a+b");
    assert.deepEqual(log, ["a", "b"]);
    happen("c");
    assert.equal(await next(), "append c");
    assert.deepEqual(kept.map(nameOf), ["a+b", "c"]);
  });

  test("includes all waiting changes in the snapshot; later ones come after it", async () => {
    const { happen, next, log, kept } = journalOn();
    happen("a", megabyte + 1);
    await next();
    happen("b");
    happen("c");
    // The snapshot is written before the store is called.
    await Promise.resolve();
    await Promise.resolve();
    happen("d");
    assert.equal(await next(), "replace a+b+c");
    assert.deepEqual(log, ["a", "b", "c"]);
    assert.equal(await next(), "append d");
    assert.deepEqual(kept.map(nameOf), ["a+b+c", "d"]);
  });

  test("is replaced after the opening if it is long, at the next change", async () => {
    const { journal, load, happen, next, kept, isIdle } = journalOn({
      kept: [entryOf("a", megabyte), entryOf("b")],
    });
    await load();
    assert.ok(isIdle);
    await new Promise((release) => journal.keep({ entry: undefined, wake: undefined, release }));
    assert.deepEqual(kept.map(nameOf), ["a", "b"], "who only looks does not wait for it");
    happen("c");
    assert.equal(await next(), "replace a+b+c");
    assert.deepEqual(kept.map(nameOf), ["a+b+c"]);
  });

  test("is not replaced after the opening if it is a snapshot and little else", async () => {
    const state = `a;[${" ".repeat(megabyte)}${SNAPSHOT_END}`;
    const { load, happen, next } = journalOn({ kept: [state] });
    await load();
    happen("b", megabyte - 100);
    assert.equal(await next(), "append b");
    happen("c", 300);
    assert.equal(await next(), "append c");
    happen("d");
    assert.equal(await next(), "replace a+b+c+d", "there is twice as much");
  });

  test("is not replaced while it is short, or the snapshot is as long", async () => {
    const short = journalOn();
    for (const name of "abcdefghij") {
      short.happen(name, megabyte / 10);
      assert.equal(await short.next(), `append ${name}`);
    }
    // Ten tenths, minus rounding.
    const long = journalOn({ length: 2 * megabyte });
    for (const name of "abcd") {
      long.happen(name, megabyte);
      assert.equal(await long.next(), `append ${name}`);
    }
    long.happen("e", megabyte);
    assert.equal(await long.next(), "append e");
    long.happen("f");
    assert.equal(await long.next(), "replace a+b+c+d+e+f");
    long.happen("g", 2 * megabyte);
    assert.equal(await long.next(), "append g");
    long.happen("h", 10);
    assert.equal(await long.next(), "append h");
  });

  test("continues if it could not be replaced, and tries again when it is twice as long", async (t) => {
    const error = t.mock.method(console, "error", () => {});
    const { happen, next, log, kept } = journalOn();
    happen("a", megabyte + 1);
    await next();
    happen("b");
    assert.equal(await next(new Error("no room")), "replace a+b");
    assert.match(error.mock.calls[0].arguments.join(" "), /could not be replaced by a snapshot.*no room/);
    assert.deepEqual(log, ["a"], "not kept yet");
    assert.equal(await next(), "append b");
    assert.deepEqual(log, ["a", "b"]);
    happen("c", megabyte + 1);
    assert.equal(await next(), "append c");
    happen("d");
    assert.equal(await next(), "replace a+b+c+d");
    assert.deepEqual(kept.map(nameOf), ["a+b+c+d"]);
    assert.equal(error.mock.callCount(), 1);
  });

  test("lets the event loop take turns while the snapshot is written, and stores later changes after it", async () => {
    const { happen, next, log, kept } = journalOn({ pieces: 3 });
    happen("a", megabyte + 1);
    await next();
    happen("b");
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(log, ["a", "state begins"]);
    happen("c");
    assert.equal(await next(), "replace a+b,2,3");
    assert.deepEqual(log, ["a", "state begins", "state ends", "b"]);
    assert.equal(await next(), "append c");
    assert.deepEqual(kept.map(nameOf), ["a+b", "2", "3", "c"]);
  });

  test("is not replaced if the snapshot turns out to be long, and the rest of it is not read", async () => {
    const { happen, next, log } = journalOn({ pieces: 1_000, length: megabyte / 4 });
    happen("a", megabyte + 1);
    await next();
    happen("b");
    assert.equal(await next(), "append b");
    assert.deepEqual(log, ["a", "state begins", "state ends", "b"]);
    happen("c");
    assert.equal(await next(), "append c", "not before there is twice as much");
    assert.equal(log.filter((what) => what === "state begins").length, 1);
  });

  test("is not replaced once the engine is closing", async () => {
    const { journal, happen, next, log, kept } = journalOn({ pieces: 1_000, length: 1 });
    happen("a", megabyte + 1);
    await next();
    happen("b");
    await turn();
    journal.abort(new Error("closing"));
    assert.equal(await next(), "append b");
    assert.deepEqual(log, ["a", "state begins", "state ends", "b"]);
    assert.deepEqual(kept.map(nameOf), ["a", "b"]);
  });

  test("only grows if the store or the engine has no snapshots", async () => {
    for (const options of [{ replace: false }, { snapshot: false }]) {
      const { happen, next, kept } = journalOn(options);
      for (const name of "abc") {
        happen(name, megabyte * 2);
        assert.equal(await next(), `append ${name}`);
      }
      assert.equal(kept.length, 3);
    }
  });

  test("calls the store no more after a failure, and gives the failure", async () => {
    const { journal, happen, next, log, isIdle } = journalOn();
    happen("a");
    await next(new Error("no room"));
    assert.deepEqual(log, ["failed JOURNAL_INVALID", "a"]);
    assert.match(journal.failure.message, /no room/);
    happen("b");
    await journal.settled();
    assert.ok(isIdle);
    assert.deepEqual(log.slice(2), ["b"], "released, to be refused");
  });

  test("tells the host when to wake it before that is stored", async () => {
    const { journal, host, log, next } = journalOn();
    host.wakeAt = async (at) => {
      log.push(`wake ${at}`);
    };
    const release = () => log.push("kept");
    journal.keep({ entry: entryOf("a"), wake: 7, release });
    journal.keep({ entry: entryOf("b"), wake: 5, release });
    journal.keep({ entry: entryOf("c"), wake: undefined, release });
    assert.equal(await next(), "append a,b,c");
    assert.deepEqual(log, ["wake 5", "kept", "kept", "kept"]);
    host.wakeAt = () => Promise.reject(new Error("no alarm"));
    journal.keep({ entry: entryOf("d"), wake: 9, release });
    await journal.settled();
    assert.match(journal.failure.message, /no alarm/);
  });
});

test("a tool that writes 200,000 lines at once does not stop its engine", async () => {
  const kept = [];
  const store = { load: () => [], append: async (entries) => void kept.push(entries.length) };
  const chatty = ({ log }) => {
    for (let line = 0; line < 200_000; line++) log("row");
    return 1;
  };
  const engine = new LocalEngine({ store, tools: { chatty } });
  const driver = new Driver({ engine });
  driver.tool("a", "chatty");
  assert.equal((await driver.run()).state, "completed");
  assert.equal(engine.failure, undefined);
  await engine.close();
});

describe("the entries of a journal", () => {
  /** The texts that a store keeps for some entries. */
  const textsOf = (entries) => {
    const chain = new Chain();
    return entries.map((entry) => chain.write(entry));
  };
  /** What a journal reads from some texts, or the error's message and the number of the entry. */
  const readingOf = async (texts) => {
    const entries = [];
    const journal = new Journal({ load: () => texts, append: async () => {} }, { failed: () => {} });
    try {
      await journal.open((entry) => entries.push(entry));
      return entries;
    } catch (error) {
      assert.equal(error.code, "JOURNAL_INVALID");
      return `${error.message} (${error.details.entry})`;
    }
  };
  const without = (list, place) => list.filter((_, at) => at !== place);
  const replaced = (list, place, text) => list.map((item, at) => (at === place ? text : item));
  const entries = ['[{"a":1}]', '[{"b":"größe"}]', "[]", '[{"c":[2]}]'];
  const texts = textsOf(entries);

  test("are read as they were written", async () => {
    assert.deepEqual(await readingOf(texts), entries);
    assert.deepEqual(JSON.parse(texts[3]).slice(2), [[{ c: [2] }]], "each is JSON with the entry in it");
  });

  test("of the first versions have no numbers, and numbered ones may follow", async () => {
    assert.deepEqual(await readingOf(entries), entries);
    const chain = new Chain();
    for (const entry of entries) chain.read(entry);
    const more = [...entries, chain.write("[5]"), chain.write("[6]")];
    assert.deepEqual(await readingOf(more), [...entries, "[5]", "[6]"]);
    assert.match(await readingOf(without(more, 1)), /entry 4 is missing \(4\)/);
    assert.match(await readingOf([...more, "[7]"]), /entry 7 is damaged \(7\)/);
  });

  for (const [what, damaged, expected] of [
    ["the first is missing", texts.slice(1), /entry 1 is missing \(1\)/],
    ["one is missing", without(texts, 1), /entry 2 is missing \(2\)/],
    ["one stands twice", [texts[0], ...texts], /entry 1 stands in the place of entry 2 \(2\)/],
    ["two have changed places", [texts[0], texts[2], texts[1], texts[3]], /entry 2 is missing/],
    ["a letter is another", replaced(texts, 1, texts[1].replace("ö", "o")), /entry 2 is damaged \(2\)/],
    ["the end of one is missing", replaced(texts, 2, texts[2].slice(0, -1)), /entry 3 is damaged \(3\)/],
    ["one is no entry", replaced(texts, 2, "{}"), /entry 3 is damaged \(3\)/],
    ["one is of another journal", replaced(texts, 1, textsOf(["[0]", "[1]"])[1]), /entry 2 is damaged \(2\)/],
  ]) {
    test(`are an error if ${what}`, async () => assert.match(await readingOf(damaged), expected));
  }

  test("are numbered from 1 if a snapshot replaces the journal", async () => {
    const { happen, next, journal, kept } = journalOn();
    happen("a", megabyte + 1);
    await next();
    happen("b");
    assert.equal(await next(), "replace a+b");
    happen("c");
    await next();
    await journal.close();
    assert.equal((await readingOf(kept)).length, 2);
    assert.match(await readingOf(kept.slice(1)), /entry 1 is missing/);
  });
});
