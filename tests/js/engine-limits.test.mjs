// Workflows that ask for too much: a real server answers meanwhile, obeys, and opens again.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway, WorkflowBuilder } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { TestEngine } from "highway-wasm/testing";
import { folder, startServer } from "./support/cli.mjs";

const operator = (type, id, more) => ({
  task_id: id,
  operator_type: type,
  dependencies: [],
  trigger_rule: "all_success",
  ...more,
});
const flow = (name, ...operators) => ({
  name,
  version: "1.0.0",
  tasks: Object.fromEntries(operators.map((each) => [each.task_id, each])),
});
const nothing = operator("wait", "nothing", { wait_for: 0 });
const each = (id, count, body) =>
  operator("foreach", id, {
    items: JSON.stringify([...Array(count).keys()]),
    loop_body: [body],
    parallel: true,
  });
const itself = (id) =>
  operator("task", id, { function: "tools.workflow.execute", args: ["twice"], kwargs: {} });

/** Each keeps an engine at work for a while by itself. */
const BUSY = [
  flow("items", each("loop", 100_000, nothing)),
  flow("nested", each("outer", 1_000, each("inner", 1_000, { ...nothing, task_id: "innermost" }))),
  flow("endless", operator("while", "loop", { condition: "true", loop_body: [nothing] })),
  flow("twice", itself("one"), itself("two")),
  flow(
    "events",
    operator("while", "loop", {
      condition: "true",
      loop_body: [
        operator("emit_event", "emit", { event_name: "again", payload: { text: "x".repeat(1_000) } }),
      ],
    }),
  ),
];

describe("a server at work", { concurrency: 1 }, () => {
  for (const workflow of BUSY) {
    test(`answers and obeys beside \`${workflow.name}\`, and opens again`, async (t) => {
      const data = folder(t);
      let server = await startServer(t, ["--data", data]);
      const { key } = server;
      const highway = new Highway({ endpoint: server.url, apiKey: key });
      const handle = await highway.workflows.submit({ workflow });
      for (let count = 0; count < 5; count++) {
        const response = await fetch(`${server.url}/ping`, { signal: AbortSignal.timeout(300_000) });
        assert.equal(response.status, 200);
      }
      // It may be over by now.
      await handle.cancel("enough").catch((error) => assert.equal(error.status, 409));
      assert.match((await handle.status()).state, /^(cancelled|failed|completed)$/);
      await highway.workflows.submit({ workflow });
      server.child.kill("SIGTERM");
      assert.equal((await server.ended).code, 0);
      server = await startServer(t, ["--data", data]);
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${server.url}/api/v1/workflows/${handle.runId}`, { headers });
      const { data: run } = await response.json();
      assert.match(run.status, /^(cancelled|failed|completed)$/);
    });
  }
});

/** Workflows that name one large text many times. */
const copies = (count) =>
  new WorkflowBuilder("copies")
    .task("big", "test.big", { resultKey: "big" })
    .task("many", "test.many", {
      kwargs: Object.fromEntries([...Array(count).keys()].map((at) => [`f${at}`, "{{big}}"])),
    })
    .build();

test("text that is filled in too often fails its task alone", async (t) => {
  const tools = {
    "test.big": () => "x".repeat(1_000_000),
    "test.many": ({ kwargs }) => Object.keys(kwargs).length,
  };
  const engine = new LocalEngine({ tools });
  t.after(() => engine.close());
  const highway = new Highway({ engine });
  const run = async (count) => (await highway.workflows.submit({ workflow: copies(count) })).result();
  const failed = await run(600);
  assert.deepEqual([failed.state, failed.tasks.many.error.code], ["failed", "LIMIT_EXCEEDED"]);
  const completed = await run(3);
  assert.deepEqual([completed.state, completed.tasks.many.result], ["completed", 3]);
});

test("a result that is too large fails its task", async (t) => {
  const limits = { resultBytes: 1_000 };
  const engine = new LocalEngine({
    limits,
    tools: { "test.big": () => "x".repeat(1_001), "test.many": () => 1 },
  });
  t.after(() => engine.close());
  const handle = await new Highway({ engine }).workflows.submit({ workflow: copies(1) });
  assert.equal((await handle.result()).tasks.big.error.code, "LIMIT_EXCEEDED");
});

test("a result that is nested too deeply fails its task, and not those that end with it", async (t) => {
  let deep = [];
  for (let depth = 0; depth < 2_000; depth++) deep = [deep];
  const engine = new LocalEngine({ tools: { "test.deep": () => deep, "test.flat": () => 1 } });
  t.after(() => engine.close());
  const workflow = new WorkflowBuilder("deep")
    .task("deep", "test.deep")
    .task("flat", "test.flat", { dependencies: [] })
    .build();
  const { tasks } = await (await new Highway({ engine }).workflows.submit({ workflow })).result();
  assert.deepEqual([tasks.deep.state, tasks.flat.state], ["failed", "completed"]);
});

test("bodies have a limit, and limits are checked", async (t) => {
  const engine = new LocalEngine({ limits: { requestBytes: 100 } });
  t.after(() => engine.close());
  for (const body of ["x".repeat(101), new Blob(["x".repeat(101)])]) {
    const response = await engine.fetch("http://engine/api/v1/workflows", { method: "POST", body });
    assert.deepEqual([response.status, (await response.json()).code], [413, "LIMIT_EXCEEDED"]);
  }
  assert.throws(() => new LocalEngine({ limits: { requestbytes: 1 } }), {
    code: "OPTION_INVALID",
    path: "/limits/requestbytes",
  });
});

test("a body that is not UTF-8 is refused", async (t) => {
  const engine = new LocalEngine();
  t.after(() => engine.close());
  const body = Buffer.from('{"name": "café"}', "latin1");
  for (const { fetch } of [engine, new TestEngine()]) {
    const response = await fetch("http://engine/api/v1/workflows", { method: "POST", body });
    const { code, message } = await response.json();
    assert.deepEqual([response.status, code, message], [400, "BODY_INVALID", "the body is not UTF-8"]);
  }
});

test("tools that end at once leave others their turn", async (t) => {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  const engine = new LocalEngine({ tools: { "test.nothing": () => 1 } });
  t.after(() => engine.close());
  let workflow = new WorkflowBuilder("chain");
  for (let at = 0; at < 2_000; at++) workflow = workflow.task(`t${at}`, "test.nothing");
  const handle = await new Highway({ engine }).workflows.submit({ workflow: workflow.build() });
  count();
  const { state } = await handle.result();
  isOver = true;
  assert.equal(state, "completed");
  assert.ok(turns > 3, `${turns}`);
});
