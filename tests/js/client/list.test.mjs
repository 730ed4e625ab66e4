// Lists: no request before an item is needed, and all items, whatever pages the server makes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { checkRejection, checkThrown } from "../support/errors.mjs";
import { ListServer, styles } from "../support/list-server.mjs";

const names = Object.keys(styles);
const refused = (path, more = {}) => ({ name: "ConfigurationError", code: "OPTION_INVALID", path, ...more });
const aborted = { name: "AbortedError", code: "ABORTED" };

describe("laziness", () => {
  for (const name of names) {
    test(`${name}: no request before an item is needed`, async () => {
      const server = new ListServer(name, 7);
      const list = server.list({ pageSize: 3 });
      const items = list[Symbol.asyncIterator]();
      const pages = list.pages();
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
      assert.equal(server.requests.length, 0);
      for (let index = 0; index < 3; index++) await items.next();
      assert.equal(server.requests.length, 1, "the items of the first page cost one request");
      await items.next();
      assert.equal(server.requests.length, 2);
      await items.return();
      await pages.next();
      assert.equal(server.requests.length, 3);
      await pages.return();
      assert.equal(server.requests.length, 3, "leaving costs nothing");
    });
  }

  test("a loop that is left at the last item of a page requests no other page", async () => {
    const server = new ListServer(names[0], 9);
    let count = 0;
    for await (const _ of server.list({ pageSize: 3 })) {
      count += 1;
      if (count === 6) break;
    }
    assert.equal(server.requests.length, 2);
    for await (const _ of server.list({ pageSize: 3 }).pages()) break;
    assert.equal(server.requests.length, 3);
  });

  test("toArray requests the pages that its limit needs", async () => {
    const server = new ListServer(names[0], 9);
    const list = server.list({ pageSize: 3 });
    const cases = [
      [0, 0],
      [1, 1],
      [3, 1],
      [4, 2],
      [9, 3],
      [100, 3],
    ];
    for (const [limit, requests] of cases) {
      server.requests.length = 0;
      const given = await list.toArray({ limit });
      assert.deepEqual(server.ids(given), server.items.slice(0, limit), `${limit}`);
      assert.equal(server.requests.length, requests, `${limit}`);
    }
    assert.equal((await list.toArray({ limit: undefined })).length, 9);
    await checkRejection(list.toArray({ max: 3 }), refused("/max"));
    await checkRejection(list.toArray(null), refused(""));
  });
});

describe("a list that does not change", () => {
  for (const name of names) {
    const {
      size: own,
      names: [place, size],
    } = styles[name];

    test(`${name}: all items in order, without unnecessary requests`, async () => {
      for (const pageSize of [undefined, 1, 3, own + 1]) {
        const step = pageSize ?? own;
        for (const count of [0, 1, step - 1, step, step + 1, 3 * step, 3 * step + 1]) {
          const server = new ListServer(name, count);
          const given = await server.list({ pageSize }).toArray();
          assert.deepEqual(server.ids(given), server.items, `${count} items by ${pageSize}`);
          const asked = Array.from({ length: Math.max(1, Math.ceil(count / step)) }, (_, index) => ({
            [place]: String(place === "page" ? index + 1 : index * step),
            ...(pageSize === undefined ? {} : { [size]: String(pageSize) }),
          }));
          assert.deepEqual(server.requests, asked, `${count} items by ${pageSize}`);
        }
      }
    });

    test(`${name}: a server without totals is asked until a page is not full`, async () => {
      for (const count of [0, 1, 3, 4, 9, 10]) {
        for (const echoes of [true, false]) {
          const server = new ListServer(name, count, { hasTotal: false, echoes });
          assert.deepEqual(server.ids(await server.list({ pageSize: 3 }).toArray()), server.items);
          assert.equal(server.requests.length, Math.floor(count / 3) + 1, `${count} items`);
        }
      }
    });

    test(`${name}: \`has_more\` takes precedence`, async () => {
      for (const count of [0, 3, 4, 9, 10]) {
        const server = new ListServer(name, count, { hasTotal: false, echoes: false, hasMore: true });
        assert.deepEqual(server.ids(await server.list({ pageSize: 3 }).toArray()), server.items);
        assert.equal(server.requests.length, Math.max(1, Math.ceil(count / 3)), `${count} items`);
      }
    });
  }
});

describe("servers with other page sizes", () => {
  for (const name of names) {
    for (const says of [{}, { hasTotal: false }, { echoes: false }, { hasMore: true, hasTotal: false }]) {
      const how = JSON.stringify(says);

      test(`${name}: one that sends fewer items than requested (${how})`, async () => {
        for (const count of [7, 10, 25, 50]) {
          const server = new ListServer(name, count, { cap: 5, ...says });
          const given = await server.list({ pageSize: 20 }).toArray();
          assert.deepEqual(server.ids(given), server.items, `${count} items`);
        }
      });
    }

    test(`${name}: one with smaller pages than the API says`, async () => {
      const server = new ListServer(name, 40, { cap: 7 });
      assert.deepEqual(server.ids(await server.list().toArray()), server.items);
    });

    test(`${name}: one without pages`, async () => {
      for (const says of [{}, { hasTotal: false }, { echoes: false }, { hasTotal: false, echoes: false }]) {
        for (const count of [0, 2, 3, 10]) {
          const server = new ListServer(name, count, { isPaged: false, ...says });
          const given = await server.list({ pageSize: 3 }).toArray();
          assert.deepEqual(server.ids(given), server.items, `${count} items, ${JSON.stringify(says)}`);
          assert.ok(server.requests.length <= 4, `${server.requests.length} requests`);
        }
      }
    });

    test(`${name}: the pages of one without pages end, too`, async () => {
      const server = new ListServer(name, 10, { isPaged: false, hasTotal: false, echoes: false });
      let count = 0;
      for await (const { items } of server.list({ pageSize: 3 }).pages()) {
        assert.equal(items.length, 10);
        count += 1;
        assert.ok(count <= 4, "it goes on for ever");
      }
    });
  }

  test("items without ids are all given", async () => {
    const rows = Array.from({ length: 12 }, (_, index) => ({ status: "completed", number: index }));
    const highway = new Highway({
      endpoint: "http://list.example",
      apiKey: "k",
      fetch: async ({ url }) => {
        const start = Number(new URL(url).searchParams.get("offset"));
        return Response.json({ executions: rows.slice(start, start + 3), total: rows.length });
      },
    });
    assert.deepEqual(await highway.schedules.history("s", { pageSize: 3 }).toArray(), rows);
  });
});

describe("pages", () => {
  for (const name of names) {
    test(`${name}: one by one, as the server has them`, async () => {
      const server = new ListServer(name, 7);
      const pages = [];
      for await (const page of server.list({ pageSize: 3 }).pages()) pages.push(page);
      assert.deepEqual(
        pages.map(({ number, total, items }) => [number, total, server.ids(items)]),
        [0, 3, 6].map((start, index) => [index + 1, 7, server.items.slice(start, start + 3)]),
      );
      const [{ raw }] = pages;
      assert.equal(raw[styles[name].key].length, 3, "the answer itself");
      assert.equal(raw.total, 7);
    });

    test(`${name}: any page by its number`, async () => {
      const server = new ListServer(name, 7);
      const list = server.list({ pageSize: 3 });
      for (const [number, items] of [
        [2, server.items.slice(3, 6)],
        [1, server.items.slice(0, 3)],
        [3, server.items.slice(6)],
        [9, []],
      ]) {
        const page = await list.page(number);
        assert.deepEqual([page.number, page.total, server.ids(page.items)], [number, 7, items]);
      }
      assert.deepEqual(server.ids((await list.page()).items), server.items.slice(0, 3));
      assert.equal(server.requests.length, 5);
      for (const wrong of [0, -1, 1.5, "1", Number.NaN, null, Number.POSITIVE_INFINITY]) {
        await checkRejection(list.page(wrong), refused("/number"));
      }
      assert.equal(server.requests.length, 5);
    });
  }

  test("a server without totals gives none", async () => {
    const server = new ListServer(names[1], 2, { hasTotal: false });
    assert.equal((await server.list().page()).total, null);
  });

  test("invalid sizes are refused when the list is created", () => {
    for (const name of names) {
      const server = new ListServer(name, 1);
      for (const pageSize of [0, -1, 1.5, "20", Number.NaN, null]) {
        checkThrown(() => server.list({ pageSize }), refused("/pageSize"));
      }
      checkThrown(() => server.list({ page: 2 }), refused("/page"));
    }
  });
});

describe("runs", () => {
  test("of the last days arrive as one page, which is not requested again", async () => {
    for (const says of [{}, { hasTotal: false }, { echoes: false }]) {
      const server = new ListServer(names[0], 45, { isPaged: false, ...says });
      assert.deepEqual(server.ids(await server.list({ days: 7 }).toArray()), server.items);
      assert.equal(server.requests[0].days, "7");
      assert.ok(server.requests.length <= 2, "at most once more, where the server speaks of pages");
    }
    const paged = new ListServer(names[0], 45);
    assert.deepEqual(
      paged.ids(await paged.list({ days: 7 }).toArray()),
      paged.items,
      "or in pages all the same",
    );
  });

  test("in one state", async () => {
    const server = new ListServer(names[0], 3);
    await server.list({ status: "timed_out", pageSize: 5 }).toArray();
    assert.deepEqual(server.requests, [{ page: "1", page_size: "5", status: "timed_out" }]);
  });

  const answering = (...answers) =>
    new Highway({
      endpoint: "http://list.example",
      apiKey: "k",
      fetch: async () => Response.json(answers.length > 1 ? answers.shift() : answers[0]),
    });
  const run = (name, status = "running") => ({ workflow_run_id: name, status });

  test("in every shape in which servers send a list", async () => {
    const runs = [run("a"), run("b")];
    for (const answer of [
      { status: "success", data: { workflows: runs, total: 2 } },
      { success: true, data: { runs, total: 2 } },
      { status: "success", data: runs },
      { workflows: runs },
      { items: runs, total: 2 },
      { data: runs, total: 2 },
      runs,
    ]) {
      const given = await answering(answer).workflows.list().toArray();
      assert.deepEqual(
        given.map(({ runId }) => runId),
        ["a", "b"],
        JSON.stringify(answer),
      );
    }
  });

  test("an answer that is no list is an error, not an empty list", async () => {
    for (const answer of [{ message: "hello" }, { status: "success" }, { status: "success", data: 5 }]) {
      const invalid = { name: "ApiError", code: "API_RESPONSE_INVALID" };
      await checkRejection(answering(answer).workflows.list().toArray(), invalid);
      await checkRejection(answering(answer).tasks.list().toArray(), invalid);
    }
  });

  test("an entry without a state does not end the list", async () => {
    const pages = [
      { workflows: [run("a"), { workflow_run_id: "odd" }] },
      { workflows: [run("b"), run("c")] },
      { workflows: [] },
    ];
    const given = await answering(...pages)
      .workflows.list({ pageSize: 2 })
      .toArray();
    assert.deepEqual(
      given.map(({ runId }) => runId).filter((id) => id !== "odd"),
      ["a", "b", "c"],
    );
  });
});

describe("signals and failures", () => {
  for (const name of names) {
    test(`${name}: a signal stops it before, between items, and between pages`, async () => {
      const early = new ListServer(name, 7);
      const gone = AbortSignal.abort(new Error("mine"));
      const error = await checkRejection(early.list({ signal: gone }).toArray(), aborted);
      assert.equal(error.cause.message, "mine");
      assert.equal(early.requests.length, 0);

      for (const [seen, requests] of [
        [1, 1],
        [3, 1],
        [4, 2],
      ]) {
        const server = new ListServer(name, 7);
        const controller = new AbortController();
        const items = server.list({ pageSize: 3, signal: controller.signal })[Symbol.asyncIterator]();
        for (let count = 0; count < seen; count++) await items.next();
        controller.abort();
        await checkRejection(items.next(), aborted);
        assert.equal(server.requests.length, requests, `after ${seen} items`);
        assert.equal((await items.next()).done, true, "it is over then");
      }

      const server = new ListServer(name, 7);
      const controller = new AbortController();
      const pages = server.list({ pageSize: 3, signal: controller.signal }).pages();
      await pages.next();
      controller.abort();
      await checkRejection(pages.next(), aborted);
      assert.equal(server.requests.length, 1);
    });

    test(`${name}: iterations are independent`, async () => {
      const server = new ListServer(name, 10);
      const list = server.list({ pageSize: 3 });
      const first = list[Symbol.asyncIterator]();
      await first.next();
      await first.next();
      const [all, again, [page]] = await Promise.all([
        list.toArray(),
        list.toArray({ limit: 5 }),
        Promise.all([list.page(2), list.page(3)]),
      ]);
      assert.deepEqual(server.ids(all), server.items);
      assert.deepEqual(server.ids(again), server.items.slice(0, 5));
      assert.deepEqual(server.ids(page.items), server.items.slice(3, 6));
      const rest = [];
      for (let next = await first.next(); !next.done; next = await first.next()) rest.push(next.value);
      assert.deepEqual(server.ids(rest), server.items.slice(2));
    });
  }

  test("a page that fails is an error at its position; reading again starts at the beginning", async () => {
    let isDown = false;
    const rows = Array.from({ length: 5 }, (_, index) => ({ task_id: `t${index}` }));
    const highway = new Highway({
      endpoint: "http://list.example",
      apiKey: "k",
      retry: false,
      fetch: async ({ url }) => {
        if (isDown) return Response.json({ message: "down" }, { status: 503 });
        const start = (Number(new URL(url).searchParams.get("page")) - 1) * 2;
        return Response.json({ tasks: rows.slice(start, start + 2), total: 5 });
      },
    });
    const list = highway.tasks.list({ pageSize: 2 });
    const items = list[Symbol.asyncIterator]();
    await items.next();
    await items.next();
    isDown = true;
    await checkRejection(items.next(), { name: "ApiError", code: "API_SERVER_ERROR" });
    assert.equal((await items.next()).done, true);
    isDown = false;
    assert.deepEqual(await list.toArray(), rows);
  });
});
