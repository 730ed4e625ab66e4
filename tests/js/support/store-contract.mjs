// The rules for every store of an engine. Imports nothing, so that it runs in Node, in a page and in a worker.

const check = (isTrue, what) => {
  if (!isTrue) throw new Error(what);
};

const readAll = async (store) => {
  const entries = [];
  for await (const entry of store.load()) entries.push(entry);
  return entries;
};

const same = (found, expected, what) => {
  const short = (entries) => JSON.stringify(entries.map((entry) => `${entry.slice(0, 20)}#${entry.length}`));
  check(
    found.length === expected.length && found.every((entry, at) => entry === expected[at]),
    `${what}: found ${short(found).slice(0, 2000)} in the place of ${short(expected).slice(0, 2000)}`,
  );
};

// Longer than a row or a key holds, with characters that must not be split.
const long = JSON.stringify("𝄞ß\\n".repeat(500_000));
const many = Array.from({ length: 1200 }, (_, at) => JSON.stringify([{ at }]));

const rules = {
  "begins with nothing": async (place) => {
    same(await place.reopened(), [], "nothing");
  },
  "keeps what was appended, in order": async (place) => {
    await place.reopened();
    await place.store.append(["[1]", '["ä𝄞"]']);
    await place.store.append([]);
    await place.store.append(["[2]"]);
    same(await place.reopened(), ["[1]", '["ä𝄞"]', "[2]"], "first");
    await place.store.append(["[3]"]);
    same(await place.reopened(), ["[1]", '["ä𝄞"]', "[2]", "[3]"], "second");
  },
  "takes nothing once it was closed, and can be opened again": async (place) => {
    await place.reopened();
    await place.store.append(["[1]"]);
    for (let turn = 2; turn < 4; turn++) {
      await place.store.close();
      const message = await place.store.append(["[0]"]).then(
        () => "",
        (error) => error.message,
      );
      check(message !== "", "a store that is closed took an entry");
      const entries = [];
      for await (const entry of place.store.load()) entries.push(entry);
      check(entries.length === turn - 1, `${entries.length} entries after it was closed`);
      await place.store.append([`[${turn}]`]);
    }
    same(await place.reopened(), ["[1]", "[2]", "[3]"], "all");
  },
  "takes long entries, and many": async (place) => {
    await place.reopened();
    await place.store.append([`"${"x".repeat(59_998)}"`, long, "[]"]);
    await place.store.append(many);
    same(await place.reopened(), [`"${"x".repeat(59_998)}"`, long, "[]", ...many], "all");
  },
  "puts entries in the place of what it kept": async (place) => {
    await place.reopened();
    await place.store.append(many);
    await place.store.replace(new Set(["[7]", long]));
    await place.store.append(["[8]"]);
    same(await place.reopened(), ["[7]", long, "[8]"], "fewer");
    await place.store.replace(many);
    await place.store.replace(many.slice(1));
    await place.store.append(["[9]"]);
    same(await place.reopened(), [...many.slice(1), "[9]"], "more");
    await place.store.replace([]);
    same(await place.reopened(), [], "none");
  },
  "keeps what it had where a replacement fails half-way": async (place) => {
    await place.reopened();
    await place.store.append(["[1]", "[2]"]);
    const cut = function* () {
      yield* many;
      throw new Error("cut");
    };
    const message = await place.store.replace(cut()).then(
      () => "it did not reject",
      (error) => error.message,
    );
    check(message === "cut", message);
    await place.store.append(["[3]"]);
    await place.store.replace(["[a]"]);
    await place.store.append(["[b]"]);
    same(await place.reopened(), ["[a]", "[b]"], "after another one");
    await place.store.replace(cut()).catch(() => {});
    await place.store.append(["[c]"]);
    same(await place.reopened(), ["[a]", "[b]", "[c]"], "after a restart");
  },
};

/** The names of the rules. */
export const contract = Object.keys(rules);

/**
 * Checks one rule. `open()` returns a new store at the same place, which is empty at first; the store before is closed
 * by then. Throws what is wrong.
 */
export async function checkRule(rule, open) {
  const place = {
    store: undefined,
    /** What another store finds at the place of the last one. */
    async reopened() {
      await place.store?.close?.();
      place.store = await open();
      return await readAll(place.store);
    },
  };
  try {
    await rules[rule](place);
  } finally {
    await place.store?.close?.();
  }
}
