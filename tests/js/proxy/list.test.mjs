// The list of runs through a proxy: all runs of allowed workflows, no others, and it ends.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { allowing, checkRefusal, definitionOf, engineFor, greeting, proxyFor } from "../support/proxy.mjs";

const listing = allowing(["list"]);
/** A number of runs. Each `every`-th run belongs to the workflow `greeting`. */
const runsOf = (count, every) =>
  Array.from({ length: count }, (_, at) => ({
    workflow_run_id: `run-${at}`,
    workflow_name: at % every === 0 ? "greeting" : "payroll",
    status: "completed",
  }));
const idsOf = (runs) =>
  runs.filter(({ workflow_name }) => workflow_name === "greeting").map((run) => run.workflow_run_id);

/** A server with a paged list. `shape` makes its answer from `{ page, size, items, runs }`. */
const server =
  (runs, shape) =>
  ({ search }) => {
    const query = new URLSearchParams(search);
    const page = Number(query.get("page") ?? 1);
    const size = Math.min(Number(query.get("page_size") ?? 20), 100);
    return shape({ page, size, items: runs.slice((page - 1) * size, page * size), runs });
  };
const shapes = {
  "with its total and size": ({ items, runs, page, size }) => ({
    workflows: items,
    total: runs.length,
    page,
    page_size: size,
  }),
  "with its total": ({ items, runs }) => ({ workflows: items, total: runs.length }),
  "with its size": ({ items, size }) => ({ workflows: items, page_size: size }),
  "with nothing else": ({ items }) => ({ workflows: items }),
};
const driverFor = (proxy) => new Driver({ endpoint: "https://app.example", auth: false, fetch: proxy });
/** Reads a list to its end. */
async function read(proxy, seen, options = {}) {
  const found = [];
  for await (const run of driverFor(proxy).list(options)) found.push(run.runId);
  assert.ok(seen.length < 60, `${seen.length} requests`);
  return found;
}

describe("a page of the list", { concurrency: true }, () => {
  test("has the runs of workflows with the verb, and no number of others", async () => {
    const allow = { ...listing, other: { verbs: ["status"] } };
    const runs = [...runsOf(4, 2), { workflow_run_id: "x", workflow_name: "other" }];
    const { ask } = proxyFor({ allow }, server(runs, shapes["with its total and size"]));
    const { json, text } = await ask("GET workflows?page=1");
    assert.deepEqual(json, {
      status: "success",
      success: true,
      data: { workflows: [runs[0], runs[2]], page: 1, page_size: 20, has_more: false },
    });
    assert.doesNotMatch(text, /payroll|other|total/);
  });

  test("omits runs without a name, and items that are no runs", async () => {
    const odd = [
      null,
      5,
      "greeting",
      [],
      {},
      { workflow_name: null },
      { workflow_name: ["payroll"] },
      { workflow_name: ["greeting"] },
      { name: "greeting" },
    ];
    const { ask } = proxyFor({ allow: listing }, () => ({ workflows: odd, total: odd.length }));
    assert.deepEqual((await ask("GET workflows")).data.workflows, []);
  });

  for (const [what, body] of [
    ["a bare list", runsOf(3, 2)],
    ["a list as data", { status: "success", data: runsOf(3, 2) }],
    ["a list of another name", { data: { runs: runsOf(3, 2), total: 3 } }],
    [
      "an object by id",
      { data: { workflows: Object.fromEntries(runsOf(3, 2).map((run) => [run.workflow_run_id, run])) } },
    ],
    ["text", "payroll"],
  ]) {
    test(`has nothing of others if a server sends ${what}`, async () => {
      const { ask } = proxyFor({ allow: listing }, () => Response.json(body));
      const { text } = checkRefusal(await ask("GET workflows"), 502, "UPSTREAM_ANSWER_INVALID");
      assert.doesNotMatch(text, /payroll/);
    });
  }

  test("passes an error on", async () => {
    const { ask } = proxyFor({ allow: listing }, () =>
      Response.json(
        { code: "RATE_LIMITED" },
        { status: 429, headers: { "retry-after": "3", "x-internal": "1" } },
      ),
    );
    const { status, code, headers } = await ask("GET workflows");
    assert.deepEqual(
      [status, code, headers["retry-after"], headers["x-internal"]],
      [429, "RATE_LIMITED", "3", undefined],
    );
  });

  test("passes on the list's own filters, and nothing else", async () => {
    const { ask, server: upstream } = proxyFor({ allow: listing });
    await ask("GET workflows?page=2&page_size=50&status=failed&days=3&tenant_id=other&offset=7");
    assert.deepEqual(upstream.lines, ["GET /api/v1/workflows?page=1&page_size=100&status=failed&days=3"]);
  });

  test("has a whole number above 0", async () => {
    const { ask, server: upstream } = proxyFor({ allow: listing });
    for (const query of ["page=0", "page=-1", "page=1.5", "page=x", "page_size=0", "page_size=", "page=1e99"])
      checkRefusal(await ask(`GET workflows?${query}`), 400, "QUERY_INVALID");
    assert.equal(upstream.seen.length, 0);
  });

  test("is refused without the verb, before a request is sent", async () => {
    const { ask, server: upstream } = proxyFor({ allow: allowing(["status"]) });
    checkRefusal(await ask("GET workflows"), 403, "VERB_NOT_ALLOWED");
    assert.equal(upstream.seen.length, 0);
  });
});

describe("a driver reads all runs through a proxy", { concurrency: true }, () => {
  for (const [what, shape] of Object.entries(shapes)) {
    for (const [count, every] of [
      [0, 1],
      [1, 1],
      [20, 1],
      [21, 1],
      [100, 3],
      [95, 50],
      [130, 1000],
    ]) {
      test(`of a list ${what}: ${count} runs, of which each ${every}. is allowed`, async () => {
        const runs = runsOf(count, every);
        const { proxy, server: upstream } = proxyFor({ allow: listing }, server(runs, shape));
        assert.deepEqual(await read(proxy, upstream.seen), idsOf(runs));
        assert.deepEqual(await read(proxy, upstream.seen, { pageSize: 7 }), idsOf(runs));
      });
    }
  }

  test("if the allowed ones are all on the last page", async () => {
    const runs = runsOf(61, 1000).toReversed();
    const { proxy, server: upstream } = proxyFor(
      { allow: listing },
      server(runs, shapes["with nothing else"]),
    );
    assert.deepEqual(await read(proxy, upstream.seen), ["run-0"]);
  });

  test("if the server sends fewer than requested, and says so", async () => {
    const runs = runsOf(250, 2);
    const { proxy, server: upstream } = proxyFor(
      { allow: listing },
      server(runs, shapes["with its total and size"]),
    );
    assert.deepEqual(await read(proxy, upstream.seen, { pageSize: 200 }), idsOf(runs));
  });

  test("if the server says whether there is more", async () => {
    const runs = runsOf(45, 2);
    const few = ({ search }) => {
      const page = Number(new URLSearchParams(search).get("page") ?? 1);
      return { workflows: runs.slice((page - 1) * 10, page * 10), has_more: page < 5 };
    };
    const { proxy, server: upstream } = proxyFor({ allow: listing }, few);
    assert.deepEqual(await read(proxy, upstream.seen), idsOf(runs));
  });

  test("if the server has no pages, and always sends all", async () => {
    const runs = runsOf(30, 10);
    for (const shape of [() => ({ workflows: runs }), () => ({ workflows: runs, total: 30 })]) {
      const { proxy, server: upstream } = proxyFor({ allow: listing }, shape);
      assert.deepEqual(await read(proxy, upstream.seen), idsOf(runs));
    }
  });

  test("if the server sends all runs of some days as one page", async () => {
    const runs = runsOf(50, 2);
    const { proxy, server: upstream } = proxyFor({ allow: listing }, () => ({ workflows: runs, total: 50 }));
    assert.deepEqual(await read(proxy, upstream.seen, { days: 7 }), idsOf(runs));
    assert.equal(upstream.seen.length, 1);
  });

  test("if the server has no pages, and none of the runs is allowed", async () => {
    const runs = runsOf(30, 10).map((run) => ({ ...run, workflow_name: "payroll" }));
    let asked = 0;
    const { proxy } = proxyFor({ allow: listing }, () => {
      asked += 1;
      // Ends a list that would not end.
      return asked > 50 ? Response.json({ code: "ENDLESS" }, { status: 400 }) : { workflows: runs };
    });
    const found = await driverFor(proxy)
      .list()
      .toArray()
      .catch(({ details }) => details.serverCode);
    assert.deepEqual(found, []);
  });

  test("if runs leave the list meanwhile, at most those are missing that moved to a page that was read", async () => {
    // Without a proxy, the total shows that items left. A page does not learn how many runs of others there are.
    const runs = runsOf(60, 2);
    const moved = idsOf(runs).slice(20, 23);
    const left = idsOf(runs.slice(0, 5));
    let asked = 0;
    const { proxy, server: upstream } = proxyFor({ allow: listing }, (request) => {
      asked += 1;
      if (asked === 2) runs.splice(0, 5);
      return server(runs, shapes["with its total"])(request);
    });
    const found = await read(proxy, upstream.seen, { status: "running" });
    assert.deepEqual(found, [...new Set(found)]);
    const missing = [...left, ...idsOf(runs)].filter((id) => !found.includes(id));
    assert.deepEqual(
      missing.filter((id) => !moved.includes(id)),
      [],
    );
  });

  test("in the order of the server, also if new runs arrive meanwhile", async () => {
    const runs = runsOf(60, 2);
    let asked = 0;
    const { proxy } = proxyFor({ allow: listing }, (request) => {
      asked += 1;
      if (asked === 2)
        runs.unshift(
          ...runsOf(5, 1).map((run) => ({ ...run, workflow_run_id: `new-${run.workflow_run_id}` })),
        );
      return server(runs, shapes["with its total"])(request);
    });
    const found = await driverFor(proxy).list().toArray();
    const old = found.map(({ runId }) => runId).filter((id) => !id.startsWith("new"));
    assert.deepEqual(old, idsOf(runsOf(60, 2)));
  });
});

describe("the number of runs of others", { concurrency: true }, () => {
  /** A server that hides the length of its list. Beyond the end it refuses. */
  const strict = (runs) => {
    const inPages = server(runs, shapes["with its total and size"]);
    return (request) => {
      const page = Number(new URLSearchParams(request.search).get("page") ?? 1);
      const body = { code: "PAGE_INVALID", message: `there are ${Math.ceil(runs.length / 100)} pages` };
      if (page > 1 && (page - 1) * 100 >= runs.length) return Response.json(body, { status: 400 });
      const headers = { "x-total-count": `${runs.length}`, link: `</workflows?page=9>; rel="last"` };
      return Response.json({ data: inPages(request) }, { headers });
    };
  };

  test("is on no page, however many are requested and of whatever size", async () => {
    const told = [];
    for (const others of [0, 50, 777]) {
      const runs = [
        ...runsOf(45, 1),
        ...runsOf(others, 1e9).map((run, at) => ({ ...run, workflow_run_id: `o${at}` })),
      ];
      for (const run of runs.slice(45)) run.workflow_name = "payroll";
      // The runs of others are in between too.
      runs.sort((one, other) => (one.workflow_run_id < other.workflow_run_id ? -1 : 1));
      const { ask } = proxyFor({ allow: listing }, strict(runs));
      const answers = [];
      for (const query of [
        "",
        "?page=2",
        "?page=3",
        "?page=4",
        "?page=99",
        "?page=2&page_size=7",
        "?page=1&page_size=1000",
        "?days=3",
      ]) {
        const { status, data, headers } = await ask(`GET workflows${query}`);
        const ids = data.workflows
          .map(({ workflow_run_id }) => workflow_run_id)
          .filter((id) => id.startsWith("run"));
        assert.equal(ids.length, data.workflows.length);
        answers.push([
          status,
          ids.length,
          data.page,
          data.page_size,
          data.has_more,
          Object.keys(headers).sort(),
        ]);
      }
      told.push(answers);
    }
    assert.deepEqual(told[1], told[0]);
    assert.deepEqual(told[2], told[0]);
    assert.deepEqual(
      told[0].map(([, count]) => count),
      [20, 20, 5, 0, 0, 7, 45, 45],
    );
  });

  test("limits the search: to the newest 2,000 runs, or the number in an option", async () => {
    const runs = runsOf(2_400, 300);
    for (const [maxListed, requests, found] of [
      [undefined, 20, 7],
      [100, 1, 1],
      [150, 2, 1],
      [10_000, 24, 8],
    ]) {
      const { ask, server: upstream } = proxyFor(
        { allow: listing, maxListed },
        server(runs, shapes["with its total"]),
      );
      const { data } = await ask("GET workflows");
      assert.deepEqual(
        [data.workflows.length, data.has_more, upstream.seen.length],
        [found, false, requests],
      );
    }
  });

  test("no more is requested from the server than a page needs", async () => {
    const { ask, server: upstream } = proxyFor(
      { allow: listing },
      server(runsOf(900, 1), shapes["with its total"]),
    );
    assert.equal((await ask("GET workflows")).data.has_more, true);
    assert.equal(upstream.seen.length, 1);
  });
});

test("with the embedded engine, among the runs of other workflows", async (t) => {
  const engine = engineFor(t);
  const { proxy } = proxyFor({ fetch: engine.fetch, allow: allowing(["submit", "list", "status", "steps"]) });
  const inside = new Driver({ engine });
  const page = driverFor(proxy);
  const own = [];
  for (let at = 0; at < 25; at++) {
    await inside.run({ workflow: definitionOf("payroll"), inputs: { to: "nobody" }, wait: false });
    own.unshift((await page.start({ workflow: greeting, inputs: { to: "Ada" } })).runId);
  }
  const found = await page.list({ pageSize: 4 }).toArray();
  assert.deepEqual(
    found.map(({ runId }) => runId),
    own,
  );
  const { items, total } = await page.list({ pageSize: 4 }).page(2);
  assert.deepEqual([items.length, total], [4, null]);
  assert.deepEqual(await page.list({ status: "failed" }).toArray(), []);
});

test("many runs that are followed at the same time end, with the list and without it", async (t) => {
  const engine = engineFor(t);
  for (const verbs of [
    ["submit", "status", "steps", "list"],
    ["submit", "status", "steps"],
    ["submit", "status"],
  ]) {
    const { proxy } = proxyFor({ fetch: engine.fetch, allow: allowing(verbs) });
    const page = driverFor(proxy);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, at) => page.run({ workflow: greeting, inputs: { to: `${at}` } })),
    );
    assert.deepEqual([...new Set(results.map(({ state }) => state))], ["completed"]);
  }
});
