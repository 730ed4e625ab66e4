// An engine's refusals arrive with their code, advice and facts, whichever way a client asks.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { listener } from "highway-wasm/node";
import { createServer } from "node:http";
import { TestEngine } from "highway-wasm/testing";
import { rejectionOf } from "../support/errors.mjs";

const LIMITS = {
  requestBytes: 4_000,
  definitionBytes: 2_000,
  definitionTasks: 2,
  nameBytes: 100,
  resultBytes: 100,
};

/** The ways to an engine. Each gives the options of a client. */
const WAYS = {
  "an engine in this process": async (t) => {
    const engine = new LocalEngine({ tools: { large, small }, limits: LIMITS });
    t.after(() => engine.close());
    return { engine };
  },
  "an engine for tests": async (t) => {
    const engine = new TestEngine({ tools: { large, small }, limits: LIMITS });
    t.after(() => engine.close());
    return { engine };
  },
  "an engine behind HTTP": async (t) => {
    const engine = new LocalEngine({ tools: { large, small }, limits: LIMITS });
    const server = createServer(listener(engine.fetch)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    t.after(async () => {
      server.close();
      server.closeAllConnections();
      await engine.close();
    });
    return { endpoint: `http://127.0.0.1:${server.address().port}`, apiKey: "key", retry: false };
  },
};
const large = () => "x".repeat(1_000);
const small = () => 1;

const task = (id, more = {}) => ({
  task_id: id,
  operator_type: "task",
  function: "small",
  args: [],
  kwargs: {},
  dependencies: [],
  trigger_rule: "all_success",
  ...more,
});
const flow = (...tasks) => ({
  name: "w",
  version: "1.0.0",
  tasks: Object.fromEntries(tasks.map((each) => [each.task_id, each])),
});

/** Requests that are refused: how to send one, its code, and its details. */
const REFUSALS = [
  [
    "a body that is too large",
    (highway) =>
      highway.workflows.submit({ workflow: flow(task("a", { kwargs: { text: "x".repeat(5_000) } })) }),
    "LIMIT_EXCEEDED",
    { limit: "requestBytes", allowed: 4_000, status: 413 },
  ],
  [
    "a definition that is too large",
    (highway) =>
      highway.workflows.submit({ workflow: flow(task("a", { kwargs: { text: "x".repeat(2_500) } })) }),
    "LIMIT_EXCEEDED",
    { limit: "definitionBytes", allowed: 2_000, status: 413 },
  ],
  [
    "a definition with too many tasks",
    (highway) => highway.workflows.submit({ workflow: flow(task("a"), task("b"), task("c")) }),
    "LIMIT_EXCEEDED",
    { limit: "definitionTasks", allowed: 2, status: 413 },
  ],
  [
    "a key that is too long",
    (highway) => highway.workflows.submit({ workflow: flow(task("a")), idempotencyKey: "k".repeat(200) }),
    "LIMIT_EXCEEDED",
    { limit: "nameBytes", allowed: 100, status: 413 },
  ],
  [
    "a schedule in no zone",
    (highway) =>
      highway.workflows.register({
        workflow: { ...flow(task("a")), schedule: "CRON_TZ=Mars/Olympus 0 9 * * *" },
      }),
    "SCHEDULE_INVALID",
    { status: 400 },
  ],
];

for (const [way, optionsOf] of Object.entries(WAYS)) {
  describe(way, () => {
    for (const [what, send, code, details] of REFUSALS) {
      test(`refuses ${what} with \`${code}\``, async (t) => {
        const error = await rejectionOf(send(new Highway(await optionsOf(t))));
        assert.equal(error.code, code, error.message);
        assert.ok(["ApiError", "SubmissionError"].includes(error.name), error.name);
        for (const [name, value] of Object.entries(details)) assert.equal(error.details[name], value, name);
        if (code === "LIMIT_EXCEEDED") assert.match(error.help, new RegExp(`limits\\.${details.limit}`));
      });
    }

    test("names the limit that a task has exceeded", async (t) => {
      const driver = new Driver(await optionsOf(t));
      driver.tool("a", "large");
      const result = await driver.run();
      for (const error of [result.error, result.tasks.a.error]) {
        assert.equal(error.code, "LIMIT_EXCEEDED", error.message);
        assert.match(error.help, /limits\.resultBytes/);
        assert.deepEqual([error.details.limit, error.details.allowed], ["resultBytes", 100]);
      }
    });
  });
}

test("a server without such codes refuses a body that is too large with one of ours", async () => {
  const fetch = async () => new Response("<h1>Request Entity Too Large</h1>", { status: 413 });
  const highway = new Highway({ endpoint: "http://127.0.0.1:9", apiKey: "key", fetch });
  const error = await rejectionOf(highway.workflows.submit({ workflow: flow(task("a")) }));
  assert.deepEqual([error.name, error.code, error.status], ["SubmissionError", "LIMIT_EXCEEDED", 413]);
});

test("an engine in this process mentions no server and no endpoint", async () => {
  const highway = new Highway({ engine: new LocalEngine() });
  for (const path of ["/api/v1/workflows/none", "/api/v1/no/such", "/api/v1/analytics/queues"]) {
    const error = await rejectionOf(highway.request("GET", path));
    assert.doesNotMatch(`${error.message} ${error.help}`, /the server|endpoint/, path);
  }
});
