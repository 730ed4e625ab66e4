// Lists that change while they are read: no item comes twice, none is lost, and reading ends.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ListServer, styles } from "../support/list-server.mjs";

/** Pseudo-random numbers from 0 to 1, the same each time. */
function randoms(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Reads a whole list, item by item. Checks what always holds: reading ends, no item comes twice, every item existed,
 * and no item is missing that existed all the time.
 */
async function checkReading(server, options, onItem = () => {}) {
  const stayed = new Set(server.items);
  const ever = new Set(server.items);
  const given = [];
  for await (const item of server.list(options)) {
    const [id] = server.ids([item]);
    given.push(id);
    for (const known of server.items) ever.add(known);
    onItem(id);
  }
  const left = new Set(server.items);
  assert.ok(server.requests.length <= 400, "it ended");
  assert.equal(new Set(given).size, given.length, "an item came twice");
  assert.deepEqual(
    given.filter((id) => !ever.has(id)),
    [],
    "an item was never there",
  );
  const seen = new Set(given);
  const lost = [...stayed].filter((id) => left.has(id) && !seen.has(id));
  assert.deepEqual(lost, [], `${lost.length} items were lost in ${JSON.stringify(server.requests)}`);
  return given;
}

/** A change after the requests with the given numbers, from 1. */
const after = (numbers, change) => (server) => {
  if (numbers.includes(server.requests.length)) change(server);
};

for (const name of Object.keys(styles)) {
  describe(name, () => {
    for (const says of [{}, { hasTotal: false }]) {
      const counts = (says.hasTotal ?? true) ? "with a total" : "without a total";
      for (const [grows, count] of Object.entries({
        "one item": 1,
        "exactly a page": 4,
        "three pages and one": 13,
      })) {
        test(`${counts}: it grows by ${grows}`, async () => {
          // A server without a total that changes at each request looks like one without pages.
          for (const moments of [[1], [2], [3], [1, 3, 5], ...(says.hasTotal === false ? [] : [[1, 2, 3]])]) {
            const between = after(moments, (server) => server.insert(count));
            await checkReading(new ListServer(name, 18, { ...says, between }), { pageSize: 4 });
          }
        });
      }
    }

    for (const [shrinks, count] of Object.entries({
      "one item": 1,
      "exactly a page": 4,
      "two pages and one": 9,
    })) {
      test(`it shrinks at its beginning by ${shrinks}`, async () => {
        for (const moments of [[1], [2], [3], [4], [1, 2], [2, 4], [1, 2, 3]]) {
          const between = after(moments, (server) => server.removeFirst(count));
          await checkReading(new ListServer(name, 38, { between }), { pageSize: 4 });
        }
      });
    }

    test(`it empties while it is read`, async () => {
      const between = after([2], (server) => server.removeFirst(100));
      await checkReading(new ListServer(name, 18, { between }), { pageSize: 4 });
    });

    test(`each item is removed as soon as it was read`, async () => {
      const server = new ListServer(name, 23);
      const all = server.items;
      const given = await checkReading(server, { pageSize: 4 }, (id) => server.remove([id]));
      assert.deepEqual(new Set(given), new Set(all), "nothing was overlooked");
    });

    for (const [drains, change] of Object.entries({
      "at its head": (server) => server.removeFirst(1),
      "at its end": (server) => server.remove(server.items.slice(-1)),
    })) {
      test(`a list that steadily shrinks ${drains} is read completely`, async () => {
        const server = new ListServer(name, 80, { between: change });
        await checkReading(server, { pageSize: 4 });
        // 20 pages. Each may be read again, but the first ones only when the list is empty.
        assert.ok(server.requests.length <= 70, `${server.requests.length} requests`);
      });
    }

    test(`items that come and go in turns do not make reading endless`, async () => {
      const between = (server) => {
        if (server.requests.length % 2 === 1) server.removeFirst(1);
        else server.insert(1);
      };
      const server = new ListServer(name, 30, { between });
      const given = server.ids(await server.list({ pageSize: 4 }).toArray());
      assert.equal(new Set(given).size, given.length);
      assert.ok(server.requests.length < 60, `${server.requests.length} requests`);
    });

    test(`random changes`, async () => {
      for (let seed = 1; seed <= 60; seed++) {
        const random = randoms(seed);
        const between = (server) => {
          if (server.requests.length > 12) return;
          const kind = random();
          const count = Math.floor(random() * 9);
          if (kind < 0.3) server.insert(count);
          // The newest items, or some at any position.
          else if (kind < 0.4) server.removeFirst(count);
          else if (kind < 0.5) server.remove(server.items.filter(() => random() < 0.1));
        };
        const server = new ListServer(name, 10 + Math.floor(random() * 30), { between });
        await checkReading(server, { pageSize: 4 }).catch((cause) => {
          throw new Error(`seed ${seed}: ${cause.message}`, { cause });
        });
      }
    });
  });
}
