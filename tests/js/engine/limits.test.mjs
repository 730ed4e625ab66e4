// Values above a limit are refused, and delay nobody else.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Highway, WorkflowBuilder } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { TestEngine } from "highway-wasm/testing";
import { turnsOf } from "../support/turns.mjs";

/** Workflows that use one large text many times. */
const copies = (count) =>
  new WorkflowBuilder("copies")
    .task("big", "test.big", { resultKey: "big" })
    .task("many", "test.many", {
      kwargs: Object.fromEntries([...Array(count).keys()].map((at) => [`f${at}`, "{{big}}"])),
    })
    .build();

test("text that is filled in too often fails only its task", async (t) => {
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

test("each value of a body counts", async (t) => {
  const engine = new LocalEngine({ tools: { "test.count": ({ kwargs }) => kwargs.numbers.length } });
  t.after(() => engine.close());
  const highway = new Highway({ engine });
  const workflow = new WorkflowBuilder("count")
    .task("count", "test.count", { kwargs: { numbers: "{{inputs.numbers}}" } })
    .build();
  const submit = (count) => highway.workflows.submit({ workflow, inputs: { numbers: Array(count).fill(1) } });
  const { tasks } = await (await submit(400_000)).result();
  assert.equal(tasks.count.result, 400_000);
  await assert.rejects(submit(600_000), { code: "LIMIT_EXCEEDED", status: 413 });
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

test("tools that end at once let the event loop take turns", async (t) => {
  const engine = new LocalEngine({ tools: { "test.nothing": () => 1 } });
  t.after(() => engine.close());
  let workflow = new WorkflowBuilder("chain");
  for (let at = 0; at < 2_000; at++) workflow = workflow.task(`t${at}`, "test.nothing");
  const handle = await new Highway({ engine }).workflows.submit({ workflow: workflow.build() });
  const { turns, given } = await turnsOf(() => handle.result());
  assert.equal(given.state, "completed");
  assert.ok(turns > 3, `${turns}`);
});

test("tools that end at once with large results are read in several turns", async (t) => {
  const items = [...Array(50_000).keys()].map((at) => ({ at }));
  const readIn = new Set();
  let turn = 0;
  // Written in the turn in which it is read.
  const much = {
    toJSON() {
      readIn.add(turn);
      return items;
    },
  };
  const engine = new LocalEngine({ tools: { "test.much": () => much } });
  t.after(() => engine.close());
  let workflow = new WorkflowBuilder("much");
  for (let at = 0; at < 20; at++) workflow = workflow.task(`t${at}`, "test.much", { dependencies: [] });
  const handle = await new Highway({ engine }).workflows.submit({ workflow: workflow.build() });
  let isOver = false;
  const tick = () => {
    turn += 1;
    if (!isOver) setImmediate(tick);
  };
  tick();
  const { state } = await handle.result();
  isOver = true;
  assert.equal(state, "completed");
  assert.ok(readIn.size > 3, `${readIn.size} turns`);
});

test("many steps are printed and read in turns", async (t) => {
  const engine = new LocalEngine();
  t.after(() => engine.close());
  const highway = new Highway({ engine });
  const loop = {
    task_id: "loop",
    operator_type: "foreach",
    items: JSON.stringify([...Array(5_000).keys()]),
    loop_body: [{ task_id: "nothing", operator_type: "wait", wait_for: 0 }],
    parallel: true,
  };
  const handle = await highway.workflows.submit({ workflow: { name: "many", tasks: { loop } } });
  const names = ["loop", ...[...Array(5_000).keys()].map((at) => `nothing[${at}]`)];
  const { state, tasks } = await handle.result();
  assert.deepEqual([state, Object.keys(tasks)], ["completed", names]);
  const turns = async (read) => {
    const { turns, given } = await turnsOf(read);
    assert.ok(turns > 3, `${turns} turns`);
    return given;
  };
  assert.deepEqual(Object.keys(await turns(() => handle.steps())), names);
  const listed = await turns(() => highway.steps.list(handle.runId));
  assert.deepEqual(
    listed.map(({ step_name }) => step_name),
    names,
  );
  const url = `http://engine/api/v1/workflows/${handle.runId}/steps`;
  const { data } = await turns(async () => (await engine.fetch(url)).json());
  assert.deepEqual([data.steps, data.total_steps, data.succeeded], [listed, 5_001, 5_001]);
  const head = await engine.fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

test("reading in turns ends with the engine", async () => {
  const engine = new LocalEngine();
  const tasks = Object.fromEntries(
    [...Array(2_000).keys()].map((at) => [
      `t${at}`,
      { task_id: `t${at}`, operator_type: "wait", wait_for: 0 },
    ]),
  );
  const handle = await new Highway({ engine }).workflows.submit({ workflow: { name: "wide", tasks } });
  const response = await engine.fetch(`http://engine/api/v1/workflows/${handle.runId}/steps`);
  await engine.close();
  await assert.rejects(response.text(), { code: "ENGINE_CLOSED" });
});

test("a result of too many small values is not even read", async (t) => {
  const limits = { resultBytes: 100_000 };
  const tools = {
    "test.list": () => Array(1_000_000).fill(0),
    "test.fields": () => Object.fromEntries([...Array(10_000).keys()].map((at) => [at, {}])),
    "test.fits": ({ kwargs, maxResultBytes }) => ["[,{".repeat(10_000), maxResultBytes, kwargs.n],
  };
  const server = createServer((request, response) => {
    const body =
      request.url === "/many" ? `[${"0,".repeat(100_000)}0]` : JSON.stringify(["[,{\\".repeat(5_000)]);
    response
      .writeHead(request.url === "/failed" ? 500 : 200, { "content-type": "application/json" })
      .end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  const engine = new LocalEngine({ limits, tools });
  t.after(() => engine.close());
  let workflow = new WorkflowBuilder("large");
  for (const name of Object.keys(tools))
    workflow = workflow.task(name, name, { dependencies: [], kwargs: { n: 1 } });
  for (const name of ["many", "text"]) {
    const kwargs = { url: `${url}/${name}` };
    workflow = workflow.task(name, "tools.http.request", { dependencies: [], kwargs });
  }
  const { tasks } = await (
    await new Highway({ engine }).workflows.submit({ workflow: workflow.build() })
  ).result();
  for (const name of ["test.list", "test.fields", "many"]) {
    assert.equal(tasks[name].error?.code, "LIMIT_EXCEEDED", name);
  }
  assert.deepEqual(tasks["test.fits"].result.slice(1), [100_000, 1]);
  assert.equal(tasks.text.result.body[0].length, 20_000);
});
