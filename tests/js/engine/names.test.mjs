// Names of the engine, and names of properties that JavaScript objects have.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine, simulate } from "highway-wasm/engine";
import { TestEngine } from "highway-wasm/testing";

const ODD = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then"];

/** An object with fields of any name. */
const own = (entries) => Object.fromEntries(entries);

/** A workflow whose tasks, result keys, arguments and variables have unusual names. */
const workflow = {
  name: "odd",
  variables: own(ODD.map((name) => [name, `variable ${name}`])),
  tasks: own(
    ODD.map((name) => [
      name,
      {
        task_id: name,
        operator_type: "task",
        function: name,
        result_key: `${name}_key`,
        kwargs: own(ODD.map((other) => [other, `{{inputs["${other}"]}}`])),
      },
    ]),
  ),
};
const inputs = own(ODD.map((name) => [name, `input ${name}`]));
const handler = ({ kwargs, setVariable }) => {
  for (const name of ODD) setVariable(name, "set");
  return kwargs;
};

test("an engine accepts any name for tasks, tools, inputs, variables and results", async (t) => {
  const engine = new LocalEngine({ tools: own(ODD.map((name) => [name, handler])) });
  t.after(() => engine.close());
  const states = [];
  const handle = await new Highway({ engine }).workflows.submit({ workflow, inputs });
  const { tasks, status } = await handle.result({
    onProgress: ({ progress }) => states.push(Object.keys(progress.tasks)),
  });
  assert.equal(status, "completed");
  assert.deepEqual(Object.keys(tasks), ODD);
  for (const name of ODD) {
    assert.deepEqual(Object.entries(tasks[name].result), Object.entries(inputs));
    assert.equal(await handle.query(name), "set");
  }
  assert.deepEqual(states.at(-1), ODD);
});

test("a simulation shows steps of any name", async () => {
  const { steps, warnings } = await simulate(workflow, { inputs });
  assert.deepEqual(Object.keys(steps), ODD);
  assert.equal(Object.getPrototypeOf(steps), Object.prototype);
  for (const name of ODD) {
    assert.equal(steps[name].status, "completed");
    assert.deepEqual(steps[name].result, {});
    assert.ok(warnings.some((warning) => JSON.stringify(warning).includes(name)));
  }
  const mocked = await simulate(workflow, { inputs, tools: own(ODD.map((name) => [name, { n: name }])) });
  for (const name of ODD) assert.deepEqual(mocked.steps[name].result, { n: name });
});

test("approvals are answered only by their own names", async () => {
  const asking = (id) => ({
    name: "ask",
    tasks: own([
      [id, { task_id: id, operator_type: "task", function: "tools.approval.request", kwargs: { key: id } }],
    ]),
  });
  for (const id of ODD) {
    const answered = await simulate(asking(id), { approvals: own([[id, true]]) });
    assert.equal(answered.steps[id].result.approved, true);
    assert.equal((await simulate(asking(id), { approvals: { other: true } })).status, "failed");
  }
});

test("a test engine accepts steps of any name", async (t) => {
  const engine = new TestEngine({ tools: own(ODD.map((name) => [name, { n: name }])) });
  t.after(() => engine.close());
  await new Highway({ engine }).workflows.submit({ workflow, inputs });
  await engine.runToEnd();
  const state = engine.state();
  for (const name of ODD) {
    assert.equal(state.step(name).status, "completed");
    assert.equal(engine.calls(name).length, 1);
    engine.expectCalled(name, { times: 1, kwargs: inputs });
  }
});

test("inputs with names of the engine are only inputs", async (t) => {
  const seen = [];
  const engine = new LocalEngine({
    env: { API: "https://own.example" },
    secrets: { TOKEN: "own-token" },
    tools: { "t.see": ({ kwargs }) => seen.push(kwargs.all) },
  });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.tool("look", "t.see", {
    all: ["{{ENV.API}} {{secrets.TOKEN}} {{run.id}}", "{{inputs.ENV.API}}", "{{inputs.to}}", "{{run_id}}"],
  });
  const { runId, status } = await driver.run({
    inputs: {
      to: "ada",
      ENV: { API: "https://other.example" },
      secrets: { TOKEN: "other" },
      inputs: { to: "eve" },
      run: { id: "other" },
      run_id: "other",
    },
  });
  assert.equal(status, "completed");
  assert.deepEqual(seen, [[`https://own.example own-token ${runId}`, "https://other.example", "ada", runId]]);
});

test("a definition is run by its id", async (t) => {
  const engine = new LocalEngine({ tools: { "t.old": () => "old", "t.new": () => "new" } });
  t.after(() => engine.close());
  const highway = new Highway({ engine });
  const child = (tool) => ({
    name: "child",
    tasks: { a: { task_id: "a", operator_type: "task", function: tool } },
  });
  const { definition_id: id } = await highway.workflows.register({ workflow: child("t.old") });
  await highway.workflows.register({ workflow: child("t.new") });
  const driver = new Driver({ engine });
  driver.workflow("by_id", { id });
  driver.workflow("by_name", { name: "child" });
  const { tasks, status } = await driver.run();
  assert.equal(status, "completed");
  assert.deepEqual([tasks.by_id.result.output, tasks.by_name.result.output], ["old", "new"]);
});

test("all tasks with unknown tools are reported before anything runs", async (t) => {
  const engine = new LocalEngine({ tools: { "t.known": () => 1 } });
  t.after(() => engine.close());
  const unknown = (id) => ({ task_id: id, operator_type: "task", function: `t.${id}` });
  const tasks = { known: unknown("known"), one: unknown("one"), two: unknown("two") };
  for (const failing of [
    new Highway({ engine }).workflows.submit({ workflow: { name: "t", tasks } }),
    new Driver({ engine }).run({ workflow: { name: "t", tasks } }),
  ]) {
    await assert.rejects(failing, (error) => {
      assert.equal(error.code, "TOOL_NOT_REGISTERED");
      assert.deepEqual(
        error.diagnostics.map(({ code, path }) => [code, path]),
        ["one", "two"].map((id) => ["TOOL_NOT_REGISTERED", `/tasks/${id}/function`]),
      );
      return true;
    });
  }
});
