// Which runs a proxy shows: only those of allowed workflows, and what it keeps in mind about them. Approvals, too.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowing, checkRefusal, definitionOf, greeting, proxyFor } from "./support/proxy.mjs";

const json = (body, status = 200) => Response.json(body, { status });
const isWrite = ({ method }) => method === "POST";
const writes = [
  "POST workflows/r/cancel",
  "POST workflows/r/retry",
  "POST workflows/r/signals",
  "POST workflows/r/updates",
];

describe("a run of another workflow", { concurrency: true }, () => {
  const foreign = {
    workflow_run_id: "r",
    workflow_name: "payroll",
    result: { salary: 1 },
    status: "completed",
  };
  for (const line of [
    "GET workflows/r",
    "GET workflows/r/stream",
    "GET workflows/r/steps/a/logs",
    ...writes,
  ]) {
    test(`is not shown, nor anything done to it: ${line}`, async () => {
      const { ask, server } = proxyFor({}, () => foreign);
      // What is kept in mind of it must not make it one that is allowed.
      for (let attempt = 0; attempt < 2; attempt++) {
        const { text } = checkRefusal(await ask(line), 403, "WORKFLOW_NOT_ALLOWED");
        assert.doesNotMatch(text, /payroll|salary/);
        assert.deepEqual([...new Set(server.lines)], ["GET /api/v1/workflows/r"]);
      }
    });
  }

  for (const name of [
    undefined,
    null,
    5,
    ["greeting"],
    { greeting: 1 },
    true,
    "",
    "constructor",
    "__proto__",
    "Greeting",
  ]) {
    test(`a name that is not allowed: ${JSON.stringify(name)}`, async () => {
      const { ask, server } = proxyFor({}, () => ({ ...foreign, workflow_name: name }));
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"])
        checkRefusal(await ask(line), 403, "WORKFLOW_NOT_ALLOWED");
      assert.ok(!server.seen.some(isWrite));
    });
  }

  test("the name counts that is in the envelope, not one beside it", async () => {
    const { ask } = proxyFor({}, () => json({ workflow_name: "greeting", data: foreign }));
    checkRefusal(await ask("GET workflows/r"), 403, "WORKFLOW_NOT_ALLOWED");
  });
});

describe("a lookup that gives no run", { concurrency: true }, () => {
  for (const [status, body] of [
    [404, { code: "NOT_FOUND", message: "there is no run" }],
    [403, { code: "FORBIDDEN" }],
    [429, { code: "RATE_LIMITED" }],
    [500, { code: "INTERNAL" }],
  ]) {
    test(`is passed on where it is an error: ${status}`, async () => {
      const { ask, server } = proxyFor({}, () => json(body, status));
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"]) {
        const answer = await ask(line);
        assert.deepEqual([answer.status, answer.json], [status, body]);
      }
      assert.ok(!server.seen.some(isWrite));
    });
  }

  const answers = {
    "a page": () => new Response("<h1>maintenance</h1>", { headers: { "content-type": "text/html" } }),
    "a list": () => json([{ workflow_run_id: "r", workflow_name: "payroll" }]),
    nothing: () => new Response(""),
    null: () => json(null),
    text: () => json("fine"),
  };
  for (const [what, answer] of Object.entries(answers)) {
    // Whoever cancels a run would take an answer of 200 for success.
    test(`is no success where it is ${what}`, async () => {
      const { ask, server } = proxyFor({}, answer);
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"]) {
        const { text } = checkRefusal(await ask(line), 502, "UPSTREAM_ANSWER_INVALID");
        assert.doesNotMatch(text, /payroll|<h1>/);
      }
      assert.ok(!server.seen.some(isWrite));
    });
  }
});

describe("what is kept in mind", { concurrency: true }, () => {
  const runs = new Map([
    ["r", "greeting"],
    ["p", "payroll"],
  ]);
  const server = ({ method, path }) => {
    if (method === "POST" && path === "/api/v1/workflows") return { workflow_run_id: "r" };
    const id = path.split("/")[4];
    return { workflow_run_id: id, workflow_name: runs.get(id) ?? "greeting", asked: path };
  };
  const body = { workflow_definition: { name: "greeting" } };

  test("a run that was seen, or submitted, is not looked up again", async () => {
    for (const first of ["GET workflows/r", "GET workflows/r/steps", "POST workflows"]) {
      const { ask, server: upstream } = proxyFor({}, server);
      await ask(first, { body: first.startsWith("POST") ? body : undefined });
      const count = upstream.seen.length;
      await ask("GET workflows/r/steps/logs");
      await ask("POST workflows/r/cancel");
      assert.deepEqual(upstream.lines.slice(count), [
        "GET /api/v1/workflows/r/steps/logs",
        "POST /api/v1/workflows/r/cancel",
      ]);
    }
  });

  for (const line of ["GET workflows/r", "GET workflows/r/steps"]) {
    test(`the status of a run is asked every time, and corrects what was kept: ${line}`, async () => {
      let name = "greeting";
      const { ask } = proxyFor({}, () => ({ workflow_name: name }));
      assert.equal((await ask("GET workflows/r")).status, 200);
      name = "payroll";
      checkRefusal(await ask("GET workflows/r"), 403, "WORKFLOW_NOT_ALLOWED");
      checkRefusal(await ask(line), 403, "WORKFLOW_NOT_ALLOWED");
    });
  }

  test("ids that are names of every object are ids", async () => {
    const { ask, server: upstream } = proxyFor({}, server);
    for (const id of ["constructor", "__proto__", "toString"]) {
      assert.equal((await ask(`POST workflows/${id}/cancel`)).status, 200);
      assert.equal(upstream.lines.at(-2), `GET /api/v1/workflows/${id}`);
    }
  });

  test("nothing is, of a submission that failed or named no run", async () => {
    for (const answer of [
      json({ workflow_run_id: "p" }, 409),
      json({ data: { workflow_run_id: 5 } }),
      json([{ run_id: "p" }]),
    ]) {
      const { ask } = proxyFor({}, (asked) => (isWrite(asked) ? answer : server(asked)));
      await ask("POST workflows", { body });
      checkRefusal(await ask("GET workflows/p/steps"), 403, "WORKFLOW_NOT_ALLOWED");
    }
  });

  test("nothing of a run that a submission gave although it is of another workflow", async () => {
    // A server that knows the idempotency key may answer with the run which that began.
    const { ask, server: upstream } = proxyFor({}, (asked) =>
      asked.path === "/api/v1/workflows"
        ? { workflow_run_id: "p", workflow_name: "payroll", result: "secret" }
        : server(asked),
    );
    const begun = await ask("POST workflows", { body, headers: { "x-idempotency-key": "payroll-may" } });
    checkRefusal(begun, 403, "WORKFLOW_NOT_ALLOWED");
    assert.doesNotMatch(begun.text, /payroll|secret|"p"/);
    checkRefusal(await ask("POST workflows/p/cancel"), 403, "WORKFLOW_NOT_ALLOWED");
    assert.ok(!upstream.lines.includes("POST /api/v1/workflows/p/cancel"));
  });

  test("ten thousand runs at most: the oldest is looked up again", async () => {
    const { ask, server: upstream } = proxyFor({}, server);
    await ask("GET workflows/first/steps");
    const lookups = (id) => upstream.lines.filter((line) => line === `GET /api/v1/workflows/${id}`).length;
    for (let at = 0; at < 9_999; at++) await ask(`GET workflows/n${at}`);
    await ask("GET workflows/first/steps");
    assert.equal(lookups("first"), 1);
    await ask("GET workflows/one-more");
    await ask("GET workflows/first/steps");
    assert.equal(lookups("first"), 2);
  });

  test("each proxy keeps its own", async () => {
    const [one, other] = [
      proxyFor({}, server),
      proxyFor({ allow: { other: { verbs: ["status"] } } }, server),
    ];
    await one.ask("GET workflows/r");
    checkRefusal(await other.ask("GET workflows/r"), 403, "WORKFLOW_NOT_ALLOWED");
  });
});

describe("approvals", { concurrency: true }, () => {
  const runs = { "run-1": "greeting", "run-2": "payroll" };
  const approvals = [
    { approval_key: "mine", workflow_run_id: "run-1" },
    { approval_key: "theirs", workflow_run_id: "run-2" },
  ];
  /** A server where the last of several parameters counts, as it does for many. */
  const server = ({ method, path, search }) => {
    const [, , , what, id] = path.split("/").map(decodeURIComponent);
    if (what === "workflows") return { workflow_run_id: id, workflow_name: runs[id] };
    if (id === undefined) {
      const run = new URLSearchParams(search).getAll("workflow_run_id").at(-1);
      return { approvals: approvals.filter(({ workflow_run_id }) => run === workflow_run_id) };
    }
    const found = approvals.find(({ approval_key }) => approval_key === id);
    if (found === undefined) return json({ code: "NOT_FOUND" }, 404);
    return method === "POST" ? { ...found, status: "decided" } : found;
  };
  const start = (verbs = ["approve"]) => proxyFor({ allow: allowing(verbs) }, server);

  test("of a run are shown, and decided", async () => {
    const { ask, server: upstream } = start();
    const { data } = await ask("GET approvals?workflow_run_id=run-1&status=pending");
    assert.deepEqual(
      data.approvals.map(({ approval_key }) => approval_key),
      ["mine"],
    );
    assert.match(upstream.seen.at(-1).search, /status=pending/);
    assert.equal(
      (await ask("POST approvals/mine/approve", { body: { comment: "fine" } })).data.status,
      "decided",
    );
    assert.deepEqual(upstream.seen.at(-1).json, { comment: "fine" });
    assert.equal((await ask("POST approvals/mine/reject")).status, 200);
  });

  test("of all runs are not shown, nor those of runs that are not allowed", async () => {
    const { ask, server: upstream } = start();
    for (const query of [
      "",
      "?status=pending",
      "?workflow_run_id=",
      "?Workflow_run_id=run-1",
      "?workflow_run_id[]=run-1",
    ])
      checkRefusal(await ask(`GET approvals${query}`), 403, "WORKFLOW_NOT_ALLOWED");
    assert.equal(upstream.seen.length, 0);
    checkRefusal(await ask("GET approvals?workflow_run_id=run-2"), 403, "WORKFLOW_NOT_ALLOWED");
    for (const how of ["approve", "reject"])
      checkRefusal(await ask(`POST approvals/theirs/${how}`), 403, "WORKFLOW_NOT_ALLOWED");
    assert.ok(!upstream.seen.some(isWrite));
  });

  for (const id of ["run-1/checkpoints", "..", "../../admin", "stats", "a\\b", "a\u0000b"]) {
    test(`the run is one, and no other path of the API: ${JSON.stringify(id)}`, async () => {
      const { ask, server: upstream } = start();
      const query = new URLSearchParams({ workflow_run_id: id });
      checkRefusal(await ask(`GET approvals?${query}`), 403, "WORKFLOW_NOT_ALLOWED");
      assert.deepEqual(upstream.lines, []);
    });
  }

  test("that are no list are no answer", async () => {
    for (const answer of [{}, { approvals: null }, { approvals: { mine: approvals[1] } }, json(approvals)]) {
      const { ask } = proxyFor({}, (asked) => (asked.path === "/api/v1/approvals" ? answer : server(asked)));
      const refused = checkRefusal(
        await ask("GET approvals?workflow_run_id=run-1"),
        502,
        "UPSTREAM_ANSWER_INVALID",
      );
      assert.doesNotMatch(refused.text, /theirs/);
    }
  });

  test("nothing of the query is passed on but the run and the state", async () => {
    const { ask, server: upstream } = start();
    await ask("GET approvals?workflow_run_id=run-1&tenant_id=other&status=pending&run_id=run-2");
    assert.equal(upstream.seen.at(-1).search, "?workflow_run_id=run-1&status=pending");
  });

  for (const query of [
    "workflow_run_id=run-1&workflow_run_id=run-2",
    "workflow_run_id=run-1&workflow%5Frun%5Fid=run-2",
    "workflow_run_id=run-1&x=%26&workflow_run_id=run-2",
  ]) {
    test(`the run that is shown is the one that was checked: ${query}`, async () => {
      const { ask } = start();
      assert.doesNotMatch((await ask(`GET approvals?${query}`)).text, /theirs/);
    });
  }

  test("of other runs are left out, where a server does not filter", async () => {
    const { ask } = proxyFor({}, (asked) =>
      asked.path === "/api/v1/approvals" ? { approvals } : server(asked),
    );
    assert.doesNotMatch((await ask("GET approvals?workflow_run_id=run-1")).text, /theirs/);
  });

  test("one alone is not shown", async () => {
    checkRefusal(await start().ask("GET approvals/mine"), 404, "NOT_FOUND");
  });

  test("without the verb nothing is", async () => {
    const { ask, server: upstream } = start(["status", "list", "signal"]);
    for (const line of [
      "GET approvals?workflow_run_id=run-1",
      "POST approvals/mine/approve",
      "POST approvals/mine/reject",
    ])
      checkRefusal(await ask(line), 403, "VERB_NOT_ALLOWED");
    assert.ok(!upstream.seen.some(isWrite));
  });

  for (const [status, body, headers] of [
    [404, { code: "NOT_FOUND", message: "there is no approval" }, {}],
    [503, { code: "UNAVAILABLE" }, {}],
    [429, { code: "RATE_LIMITED" }, { "retry-after": "7" }],
  ]) {
    test(`one that cannot be looked up is no matter of permission: ${status}`, async () => {
      const { ask } = proxyFor({}, () => Response.json(body, { status, headers }));
      const answer = await ask("POST approvals/mine/approve");
      assert.deepEqual([answer.status, answer.code], [status, body.code], answer.text);
      assert.equal(answer.headers["retry-after"], headers["retry-after"]);
    });
  }
});

describe("the definition", { concurrency: true }, () => {
  // Servers show it where they show a run: the embedded engine also in the answer to `cancel`.
  const allow = {
    greeting: {
      verbs: ["submit", "status", "cancel", "retry", "list", "signal", "update"],
      workflow: greeting,
    },
  };
  const run = {
    workflow_run_id: "r",
    workflow_name: "greeting",
    workflow_definition: definitionOf("greeting", { secret: "of the server" }),
  };
  const server = ({ method, path }) =>
    method === "GET" && path === "/api/v1/workflows" ? { workflows: [run, run], total: 2 } : run;
  for (const line of ["GET workflows/r", "GET workflows", "POST workflows", ...writes]) {
    test(`is in no answer: ${line}`, async () => {
      const { ask } = proxyFor({ allow }, server);
      const body = line.startsWith("POST") ? { workflow_definition: { name: "greeting" } } : undefined;
      const { status, text } = await ask(line, { body });
      assert.equal(status, 200);
      assert.match(text, /"workflow_run_id":"r"/);
      assert.doesNotMatch(text, /workflow_definition|of the server/);
    });
  }

  test("is in no error, and in no event of a stream, however deep", async () => {
    const text = `event: x\r\ndata: ${JSON.stringify({ run })}\r\n\r\ndata:${JSON.stringify([run])}`;
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    const { ask } = proxyFor({}, ({ path }) => {
      if (path.endsWith("/events")) return json({ message: "no", details: [{ run }] }, 409);
      return path.endsWith("/stream") ? new Response(text, { headers }) : run;
    });
    const error = await ask("GET workflows/r/events");
    assert.equal(error.status, 409);
    const stream = await ask("GET workflows/r/stream");
    const shown = { workflow_run_id: "r", workflow_name: "greeting" };
    assert.deepEqual(error.json.details, [{ run: shown }]);
    assert.equal(
      stream.text,
      `event: x\r\ndata: ${JSON.stringify({ run: shown })}\r\n\r\ndata:${JSON.stringify([shown])}`,
    );
  });

  test("is the only thing that changes: the rest of an answer stays as it was written", async () => {
    const text = '{"data": {"workflow_name":"greeting", "result": 12345678901234567890.10}}';
    const headers = { "content-type": "application/json" };
    const { ask } = proxyFor({}, () => new Response(text, { headers }));
    for (const line of ["GET workflows/r", "GET workflows/r/events", "POST workflows/r/cancel"])
      assert.equal((await ask(line)).text, text);
  });

  test("may be spoken of in a text", async () => {
    const text = "the workflow_definition was read";
    const { ask } = proxyFor({}, ({ path }) => (path.endsWith("/logs") ? new Response(text) : run));
    assert.equal((await ask("GET workflows/r/steps/logs")).text, text);
  });
});
