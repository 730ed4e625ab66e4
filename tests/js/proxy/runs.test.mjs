// The runs that a proxy shows: only those of allowed workflows, whatever it saw of them before. Also approvals.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { allowing, checkRefusal, definitionOf, engineFor, greeting, proxyFor } from "../support/proxy.mjs";

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
    test(`is neither shown nor changed: ${line}`, async () => {
      const { ask, server } = proxyFor({}, () => foreign);
      // An earlier lookup must not make the run an allowed one.
      for (let attempt = 0; attempt < 2; attempt++) {
        const { text } = checkRefusal(await ask(line), 404, "NOT_FOUND");
        assert.doesNotMatch(text, /payroll|salary/);
        assert.deepEqual([...new Set(server.lines)], ["GET /api/v1/workflows/r"]);
      }
    });
  }

  for (const name of ["", "constructor", "__proto__", "Greeting", "greeting ", "greeting\u0000"]) {
    test(`a name that is not allowed: ${JSON.stringify(name)}`, async () => {
      const { ask, server } = proxyFor({}, () => ({ ...foreign, workflow_name: name }));
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"])
        checkRefusal(await ask(line), 404, "NOT_FOUND");
      assert.ok(!server.seen.some(isWrite));
    });
  }

  for (const name of [undefined, null, 5, ["greeting"], { greeting: 1 }, true]) {
    test(`no name at all: ${JSON.stringify(name)}`, async () => {
      const { ask, server } = proxyFor({}, () => ({ ...foreign, workflow_name: name }));
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"]) {
        const { text } = checkRefusal(await ask(line), 502, "UPSTREAM_ANSWER_INVALID");
        assert.doesNotMatch(text, /salary/);
      }
      assert.ok(!server.seen.some(isWrite));
    });
  }

  test("looks like one that does not exist, for every request", async () => {
    for (const line of [
      "GET workflows/r",
      "GET workflows/r/stream",
      "GET workflows/r/steps/a/logs",
      ...writes,
    ]) {
      const answers = [];
      for (const answer of [
        foreign,
        json({ code: "GONE", message: "since May" }, 410),
        json({ code: "NONE" }, 404),
      ])
        answers.push(
          await proxyFor({}, () => (answer instanceof Response ? answer.clone() : answer)).ask(line),
        );
      assert.equal(answers[0].status, 404);
      for (const { status, text, headers } of answers.slice(1))
        assert.deepEqual([status, text, headers], [answers[0].status, answers[0].text, answers[0].headers]);
    }
  });

  test("so does one of a workflow that may be started but not read", async () => {
    const payroll = { verbs: ["submit"], workflow: definitionOf("payroll") };
    const { ask } = proxyFor({ allow: { ...allowing(["status"]), payroll } }, () => foreign);
    checkRefusal(await ask("GET workflows/r"), 404, "NOT_FOUND");
  });

  test("may be named by the definition that the server shows", async () => {
    for (const [name, status] of [
      ["greeting", 200],
      ["payroll", 404],
    ]) {
      const shown = { workflow_run_id: "r", workflow_definition: definitionOf(name) };
      const { ask } = proxyFor({}, () => shown);
      assert.equal((await ask("GET workflows/r/steps")).status, status);
    }
  });

  for (const query of [
    "workflow_run_id=p",
    "run_id=p",
    "runId=p",
    "workflow=payroll",
    "tenant_id=other",
    "RUN=p",
  ]) {
    test(`cannot be reached by a query: ${query}`, async () => {
      const { ask, server } = proxyFor();
      await ask(`GET workflows/run-1/steps?status=failed&${query}`);
      assert.equal(server.lines.at(-1), "GET /api/v1/workflows/run-1/steps?status=failed");
    });
  }

  test("is recognized by the name in the envelope, not next to it", async () => {
    const { ask } = proxyFor({}, () => json({ workflow_name: "greeting", data: foreign }));
    checkRefusal(await ask("GET workflows/r"), 404, "NOT_FOUND");
  });
});

describe("a lookup without a run", { concurrency: true }, () => {
  for (const [status, body] of [
    [403, { code: "FORBIDDEN" }],
    [429, { code: "RATE_LIMITED" }],
    [500, { code: "INTERNAL" }],
  ]) {
    test(`is passed on if it is an error: ${status}`, async () => {
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
    // A page that cancels a run would take a status of 200 for success.
    test(`is no success if it is ${what}`, async () => {
      const { ask, server } = proxyFor({}, answer);
      for (const line of ["GET workflows/r", "GET workflows/r/steps", "POST workflows/r/cancel"]) {
        const { text } = checkRefusal(await ask(line), 502, "UPSTREAM_ANSWER_INVALID");
        assert.doesNotMatch(text, /payroll|<h1>/);
      }
      assert.ok(!server.seen.some(isWrite));
    });
  }
});

describe("the owner of a run", { concurrency: true }, () => {
  const runs = new Map([
    ["r", "greeting"],
    ["p", "payroll"],
  ]);
  const server = ({ path }) => {
    const id = path.split("/")[4];
    return { workflow_run_id: id, workflow_name: runs.get(id) ?? "greeting", result: `of ${id}` };
  };
  const body = { workflow_definition: { name: "greeting" } };
  const keyed = { body, headers: { "x-idempotency-key": "may" } };
  /** A server that answers submissions in a given way. */
  const submitted = (answer) =>
    proxyFor({}, (asked) => (asked.path === "/api/v1/workflows" ? answer : server(asked)));

  test("is requested each time: an id may be reused, and every key has its own runs", async () => {
    for (const line of ["GET workflows/r", "GET workflows/r/steps", "GET workflows/r/stream", ...writes]) {
      let name = "greeting";
      const { ask, server: upstream } = proxyFor({}, () => ({ workflow_name: name }));
      assert.equal((await ask(line)).status, 200);
      name = "payroll";
      const count = upstream.seen.length;
      checkRefusal(await ask(line), 404, "NOT_FOUND");
      assert.deepEqual(upstream.lines.slice(count), ["GET /api/v1/workflows/r"]);
    }
  });

  test("is found for ids that are names of properties of every object", async () => {
    const { ask, server: upstream } = proxyFor({}, server);
    for (const id of ["constructor", "__proto__", "toString"]) {
      assert.equal((await ask(`POST workflows/${id}/cancel`)).status, 200);
      assert.equal(upstream.lines.at(-2), `GET /api/v1/workflows/${id}`);
    }
  });

  test("is requested after a submission whose answer does not name it", async () => {
    const { ask, server: upstream } = submitted({ workflow_run_id: "r", status: "running" });
    assert.deepEqual((await ask("POST workflows", keyed)).data, { workflow_run_id: "r", status: "running" });
    assert.deepEqual(upstream.lines, ["POST /api/v1/workflows", "GET /api/v1/workflows/r"]);
  });

  for (const [what, answer] of [
    ["that says so", { workflow_run_id: "p", workflow_name: "payroll", result: "of p" }],
    ["that does not say so", { workflow_run_id: "p", result: "of p" }],
    ["by its other name", { run_id: "p", result: "of p" }],
    ["with a name that is none", { workflow_run_id: "p", workflow_name: null, result: "of p" }],
  ]) {
    test(`decides that nothing is passed on of a run of another workflow that a submission returned: one ${what}`, async () => {
      const { ask, server: upstream } = submitted(answer);
      const { text } = checkRefusal(await ask("POST workflows", keyed), 404, "NOT_FOUND");
      assert.doesNotMatch(text, /payroll|of p|"p"/);
      for (const line of ["GET workflows/p", "GET workflows/p/steps", "POST workflows/p/cancel"])
        checkRefusal(await ask(line), 404, "NOT_FOUND");
      assert.equal(upstream.seen.filter(isWrite).length, 1);
    });
  }

  test("must be the page's workflow, even if both workflows are allowed", async () => {
    const payroll = { verbs: ["submit", "status"], workflow: definitionOf("payroll") };
    const { ask } = proxyFor({ allow: { ...allowing(), payroll } }, (asked) =>
      isWrite(asked) ? { workflow_run_id: "p" } : server(asked),
    );
    checkRefusal(await ask("POST workflows", keyed), 404, "NOT_FOUND");
    assert.equal((await ask("GET workflows/p")).status, 200);
  });

  for (const [what, refused] of [
    ["at the top", { existing_run_id: "p", message: "of p" }],
    ["as data", { data: { existing_run_id: "p" }, message: "of p" }],
    ["in details", { details: { workflow_run_id: "p" }, message: "of p" }],
    ["that is another path", { existing_run_id: "p/steps", message: "of p" }],
  ]) {
    test(`decides that nothing is passed on of a run that a refused submission names ${what}`, async () => {
      const { ask } = submitted(json(refused, 409));
      assert.doesNotMatch(checkRefusal(await ask("POST workflows", keyed), 404, "NOT_FOUND").text, /of p|"p/);
    });
  }

  test("may be the page's own workflow in a conflict, which is passed on", async () => {
    const { ask } = submitted(json({ existing_run_id: "r", code: "IDEMPOTENCY_CONFLICT" }, 409));
    const { status, json: shown } = await ask("POST workflows", keyed);
    assert.deepEqual([status, shown.existing_run_id], [409, "r"]);
  });

  test("a submission without a run, or with one that cannot be looked up, has failed", async () => {
    for (const answer of [
      {},
      { workflow_run_id: 5 },
      { workflow_run_id: "stats" },
      { workflow_run_id: "a/b" },
    ])
      checkRefusal(await submitted(answer).ask("POST workflows", keyed), 502, "UPSTREAM_ANSWER_INVALID");
    const { ask } = proxyFor({}, (asked) => (isWrite(asked) ? { workflow_run_id: "r" } : json({}, 404)));
    checkRefusal(await ask("POST workflows", keyed), 502, "UPSTREAM_ANSWER_INVALID");
  });

  test("idempotency keys belong to their workflow: another's can be neither found nor used", async (t) => {
    const engine = engineFor(t);
    const salaries = definitionOf("payroll", { paid: "a lot" });
    const inside = new Driver({ engine });
    await inside.run({ workflow: salaries, workflowId: "payroll-may" });
    const { ask } = proxyFor({ fetch: engine.fetch });
    const begun = await ask("POST workflows", { body, headers: { "x-idempotency-key": "payroll-may" } });
    assert.deepEqual([begun.status, begun.data.workflow_name], [201, "greeting"]);
    await ask("POST workflows", { body, headers: { "x-idempotency-key": "payroll-june" } });
    const june = await inside.run({ workflow: salaries, workflowId: "payroll-june" });
    assert.deepEqual(june.tasks.send.result, { paid: "a lot" });
    const again = await ask("POST workflows", { body, headers: { "x-idempotency-key": "payroll-may" } });
    assert.equal(again.data.workflow_run_id, begun.data.workflow_run_id);
  });

  test("a key and a name cannot be combined in two ways", async () => {
    const allow = Object.fromEntries(
      ["a", "a:b"].map((name) => [name, { verbs: ["submit"], workflow: definitionOf(name) }]),
    );
    const { ask, server: upstream } = proxyFor({ allow });
    for (const [name, key] of [
      ["a", "b:c"],
      ["a:b", "c"],
    ])
      await ask("POST workflows", {
        body: { workflow_definition: { name } },
        headers: { "x-idempotency-key": key },
      });
    const [one, other] = upstream.seen.map(({ headers }) => headers.get("x-idempotency-key"));
    assert.notEqual(one, other);
  });
});

describe("approvals", { concurrency: true }, () => {
  const runs = { "run-1": "greeting", "run-2": "payroll" };
  const approvals = [
    { approval_key: "mine", workflow_run_id: "run-1" },
    { approval_key: "theirs", workflow_run_id: "run-2" },
  ];
  /** A server that uses the last of several parameters, as many do. */
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
    checkRefusal(await ask("GET approvals?workflow_run_id=run-2"), 404, "NOT_FOUND");
    for (const how of ["approve", "reject"]) {
      const foreign = checkRefusal(await ask(`POST approvals/theirs/${how}`), 404, "NOT_FOUND");
      assert.equal(foreign.text, (await ask(`POST approvals/unknown/${how}`)).text);
    }
    assert.ok(!upstream.seen.some(isWrite));
  });

  for (const id of ["run-1/checkpoints", "..", "../../admin", "stats", "a\\b", "a\u0000b"]) {
    test(`need the id of a run, and no other path of the API: ${JSON.stringify(id)}`, async () => {
      const { ask, server: upstream } = start();
      const query = new URLSearchParams({ workflow_run_id: id });
      checkRefusal(await ask(`GET approvals?${query}`), 403, "WORKFLOW_NOT_ALLOWED");
      assert.deepEqual(upstream.lines, []);
    });
  }

  test("that are not a list are refused", async () => {
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

  test("only the run and the state of the query are passed on", async () => {
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

  test("of other runs are omitted if a server does not filter", async () => {
    const { ask } = proxyFor({}, (asked) =>
      asked.path === "/api/v1/approvals" ? { approvals } : server(asked),
    );
    assert.doesNotMatch((await ask("GET approvals?workflow_run_id=run-1")).text, /theirs/);
  });

  test("one alone is not shown", async () => {
    checkRefusal(await start().ask("GET approvals/mine"), 404, "NOT_FOUND");
  });

  test("need the verb", async () => {
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
    [503, { code: "UNAVAILABLE" }, {}],
    [429, { code: "RATE_LIMITED" }, { "retry-after": "7" }],
  ]) {
    test(`one that cannot be looked up is not a question of permission: ${status}`, async () => {
      const { ask } = proxyFor({}, () => Response.json(body, { status, headers }));
      const answer = await ask("POST approvals/mine/approve");
      assert.deepEqual([answer.status, answer.code], [status, body.code], answer.text);
      assert.equal(answer.headers["retry-after"], headers["retry-after"]);
    });
  }
});

describe("the definition", { concurrency: true }, () => {
  // Servers show the definition where they show a run; the embedded engine also in the answer to `cancel`.
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

  test("is in no error and in no event of a stream, however deep", async () => {
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

  test("is the only part that changes: the rest of an answer stays as it was written", async () => {
    const text = '{"data": {"workflow_name":"greeting", "result": 12345678901234567890.10}}';
    const headers = { "content-type": "application/json" };
    const { ask } = proxyFor({}, () => new Response(text, { headers }));
    for (const line of ["GET workflows/r", "GET workflows/r/events", "POST workflows/r/cancel"])
      assert.equal((await ask(line)).text, text);
  });

  test("may be mentioned in a text", async () => {
    const text = "the workflow_definition was read";
    const { ask } = proxyFor({}, ({ path }) => (path.endsWith("/logs") ? new Response(text) : run));
    assert.equal((await ask("GET workflows/r/steps/logs")).text, text);
  });
});
