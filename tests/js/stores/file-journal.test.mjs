// The file of a journal: the beginning of an entry that an interrupted write leaves is dropped; any other difference is
// an error.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { fileStore } from "highway-wasm/node";
import { checkRejection } from "../support/errors.mjs";

const entries = [
  '[{"a":1}]',
  '[{"text":"größe 🚚 ü"}]',
  "[]",
  '[{"A":"AAAAAAAA00000000ffffffff"}]',
  "[1,[2],[3]]",
];

/** A folder with a journal of `entries`, and its bytes. */
async function journalOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "highway-journal-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = fileStore(folder);
  await readAll(store);
  await store.append(entries);
  await store.close();
  const path = join(folder, "journal");
  return { folder, path, bytes: readFileSync(path) };
}

async function readAll(store) {
  const read = [];
  for await (const entry of store.load()) read.push(entry);
  return read;
}

/** Reads a journal, and always closes it. */
async function readingOf(folder, then = async () => {}) {
  const store = fileStore(folder);
  try {
    const read = await readAll(store);
    await then(store);
    return read;
  } finally {
    await store.close();
  }
}

/** Number of complete lines in the first `length` bytes. */
const linesIn = (bytes, length) => bytes.subarray(0, length).filter((byte) => byte === 10).length;

/** Checks that a journal is refused with the place of the line that contains `at`, and is not changed. */
async function checkDamage({ folder, path, bytes }, damaged, at) {
  writeFileSync(path, damaged);
  const error = await checkRejection(readingOf(folder), { name: "ExecutionError", code: "JOURNAL_INVALID" });
  assert.deepEqual(
    [error.details.path, error.details.offset],
    [path, bytes.subarray(0, at).lastIndexOf(10) + 1],
  );
  assert.ok(error.message.includes(path) && error.help);
  assert.deepEqual(readFileSync(path), damaged);
  return error;
}

describe("the file of a journal", () => {
  test("may end at any byte: complete entries stay, an incomplete one is dropped, and further ones are appended", async (t) => {
    const { folder, path, bytes } = await journalOf(t);
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = entries.slice(0, linesIn(bytes, length));
      const append = (store) => store.append(["[7]"]);
      assert.deepEqual(await readingOf(folder, append), whole, `${length} bytes`);
      assert.deepEqual(await readingOf(folder), [...whole, "[7]"], `${length} bytes`);
    }
  });

  test("is refused if any one byte is changed", async (t) => {
    const journal = await journalOf(t);
    for (let at = 0; at < journal.bytes.length; at++) {
      for (const change of [1, 0x20, 0x80]) {
        const damaged = Buffer.from(journal.bytes);
        damaged[at] ^= change;
        await checkDamage(journal, damaged, at);
      }
    }
  });

  const fills = ["\0", "A", "0", "f", "9", " ", "\n", '"', "]", "\xff"].map((fill) =>
    Buffer.from(fill, "latin1"),
  );

  test("is refused if its end was overwritten from any byte on", async (t) => {
    const journal = await journalOf(t);
    for (let at = 0; at < journal.bytes.length; at++) {
      for (const fill of fills) {
        const damaged = Buffer.from(journal.bytes).fill(fill, at);
        const first = damaged.findIndex((byte, place) => byte !== journal.bytes[place]);
        if (first >= 0) await checkDamage(journal, damaged, first);
      }
    }
  });

  test("is refused if parts of it were overwritten, repeated or removed", async (t) => {
    const journal = await journalOf(t);
    const { bytes } = journal;
    let seed = 20261129;
    const below = (limit) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * limit);
    };
    for (let round = 0; round < 500; round++) {
      const from = below(bytes.length - 1);
      const to = from + 1 + below(bytes.length - from - 1);
      const other = Buffer.from(bytes);
      const noise = Buffer.from(Array.from({ length: to - from }, () => below(256)));
      noise.copy(other, from);
      const damaged = [other, Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])][round % 2];
      writeFileSync(journal.path, damaged);
      let read;
      try {
        read = await readingOf(journal.folder);
      } catch (error) {
        assert.equal(error.code, "JOURNAL_INVALID");
        assert.deepEqual(readFileSync(journal.path), damaged);
        continue;
      }
      // Repeated bytes are valid lines. The entry numbers, which only an engine's journal has, reveal them.
      assert.ok(damaged.equals(bytes) || (round % 2 === 1 && read.length > entries.length), `round ${round}`);
    }
  });

  test("that ends in zeros is refused with the place where to cut it", async (t) => {
    const journal = await journalOf(t);
    const { bytes } = journal;
    const damaged = Buffer.concat([bytes, Buffer.alloc(4096)]);
    const error = await checkDamage(journal, damaged, bytes.length);
    assert.equal(error.details.zeros, 4096);
    assert.match(error.help, new RegExp(`truncate -s ${bytes.length}\``));
    writeFileSync(journal.path, damaged.subarray(0, error.details.offset));
    assert.deepEqual(await readingOf(journal.folder), entries);
  });

  test("of an older version, without lengths, is read and continues", async (t) => {
    const { folder, path } = await journalOf(t);
    writeFileSync(path, "4c2f32b8 [1]\n");
    assert.deepEqual(await readingOf(folder, (store) => store.append(["[2]"])), ["[1]"]);
    assert.deepEqual(await readingOf(folder), ["[1]", "[2]"]);
  });

  test("is named in the error if a complete entry is missing", async (t) => {
    const { folder, path } = await journalOf(t);
    rmSync(path);
    const first = new LocalEngine({ tools: { "x.y": () => 1 }, store: fileStore(folder) });
    const driver = new Driver({ engine: first });
    driver.tool("a", "x.y");
    for (let run = 0; run < 3; run++) await driver.run();
    await first.close();
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, lines.filter((_, at) => at !== 1).join("\n"));
    const second = new LocalEngine({ store: fileStore(folder) });
    const error = await checkRejection(second.ready(), { name: "ExecutionError", code: "JOURNAL_INVALID" });
    assert.equal(error.message, `the journal \`${path}\` is damaged: entry 2 is missing`);
    await second.close();
  });
});
