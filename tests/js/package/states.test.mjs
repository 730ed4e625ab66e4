// One vocabulary of states: every object names the state of a run or a task with the same word.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Workflow } from "highway-wasm";
import { LocalEngine, simulate } from "highway-wasm/engine";
import { TestEngine } from "highway-wasm/testing";

const RUN_STATES = [
  "pending",
  "submitted",
  "running",
  "scheduled",
  "sleeping",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "timed_out",
];
const until = (_, { signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/**
 * An engine, and a driver with three tasks in a row: one that completes at once, one with the given behaviour, a last
 * one.
 */
function start(t, second) {
  const engine = new LocalEngine({ tools: { "x.first": () => 1, "x.second": second, "x.third": () => 3 } });
  t.after(() => engine.close());
  const driver = new Driver({ engine, name: "three" });
  driver.tool("first", "x.first");
  driver.tool("second", "x.second", {}, { depends: "first" });
  driver.tool("third", "x.third", {}, { depends: "second" });
  return { engine, driver };
}
/** Every word for a run's state that a client can get. */
async function wordsOf(driver, handle, result) {
  const status = await handle.status();
  const [listed] = await driver.list().toArray();
  const watched = [];
  for await (const seen of handle.watch()) watched.push(seen);
  const last = watched.at(-1);
  const steps = await handle.steps();
  const tasks = [result.tasks, steps].map((all) =>
    Object.fromEntries(Object.entries(all).map(([name, { state }]) => [name, state])),
  );
  return {
    runs: [result, status, listed, last].flatMap(({ status, state }) => [status, state]),
    tasks: [...tasks, status.progress.tasks, last.progress.tasks],
    percents: [status.progress.percent, last.progress.percent],
  };
}

describe("a run and its tasks", { concurrency: true }, () => {
  for (const [what, second, state, tasks] of [
    ["that completes", () => 2, "completed", { first: "completed", second: "completed", third: "completed" }],
    [
      "that fails",
      () => {
        throw new Error("no");
      },
      "failed",
      { first: "completed", second: "failed", third: "skipped" },
    ],
    [
      "that is cancelled",
      until,
      "cancelled",
      { first: "completed", second: "cancelled", third: "cancelled" },
    ],
    [
      "that passes its time limit",
      until,
      "timed_out",
      { first: "completed", second: "cancelled", third: "cancelled" },
    ],
  ]) {
    test(`one ${what} has the same state in every object`, async (t) => {
      const { driver } = start(t, second);
      const handle = await driver.start(state === "timed_out" ? { timeout: 1 } : {});
      if (state === "cancelled") {
        for await (const { progress } of handle.watch()) if (progress.tasks.first === "completed") break;
        await handle.cancel();
      }
      const result = await handle.result();
      const words = await wordsOf(driver, handle, result);
      assert.deepEqual([...new Set(words.runs)], [state]);
      for (const told of words.tasks) assert.deepEqual(told, tasks);
      assert.equal(result.isTerminal, true);
      for (const percent of words.percents)
        assert.ok(state === "completed" ? percent === 100 : percent < 100, `${percent}`);
    });
  }

  test("every state while it runs is a word of the vocabulary", async (t) => {
    const { driver } = start(t, () => new Promise((resolve) => setTimeout(resolve, 50)));
    const words = new Set();
    await driver.run({
      onProgress: ({ status, state, progress }) =>
        [status, state, ...Object.values(progress.tasks)].map((word) => words.add(word)),
    });
    for (const word of words) assert.ok([...RUN_STATES, "skipped"].includes(word), word);
  });
});

describe("the wait that `delay` makes", () => {
  const delayed = (options) => {
    const driver = new Driver({ name: "late", ...options });
    driver.tool("first", "x.first");
    driver.tool("ship", "x.ship", {}, { depends: "first", delay: 1 });
    return driver;
  };

  test("belongs to its task while the run sleeps, and afterwards", async () => {
    const engine = new TestEngine({ tools: { "x.first": 1, "x.ship": 2 } });
    const driver = delayed({ engine });
    const handle = await driver.start();
    await engine.runUntil("ship_wait");
    const status = await handle.status();
    assert.deepEqual(status.progress.tasks, { first: "completed", ship: "sleeping" });
    assert.deepEqual([status.currentStep, status.progress.percent], ["ship", 50]);
    const result = await handle.result();
    assert.deepEqual(Object.keys(result.tasks), ["first", "ship"]);
    assert.deepEqual(result.progress.tasks, { first: "completed", ship: "completed" });
    assert.deepEqual(Object.keys(await handle.steps()), ["first", "ship"]);
    const all = await handle.steps({ delays: true });
    assert.deepEqual(
      Object.values(all).map(({ name, delayOf }) => [name, delayOf]),
      [
        ["first", null],
        ["ship_wait", "ship"],
        ["ship", null],
      ],
    );
    engine.close();
  });

  test("is no step of a simulation", async () => {
    const { steps, timeline } = await simulate(delayed());
    assert.deepEqual(Object.keys(steps), ["first", "ship"]);
    assert.ok(timeline.some(({ step }) => step === "ship_wait"));
  });

  test("is in no result, even if a server shows only the definition", async () => {
    const definition = delayed({ auth: false }).build();
    const steps = ["first", "ship_wait", "ship"].map((name) => ({
      step_name: name,
      status: "succeeded",
      result: 1,
    }));
    const driver = new Driver({
      endpoint: "http://h",
      auth: false,
      fetch: async ({ url }) =>
        Response.json(
          /\/steps(\?|$)/.test(url)
            ? { steps }
            : { workflow_run_id: "r", status: "completed", workflow_definition: definition },
        ),
    });
    assert.deepEqual(Object.keys((await driver.handle("r").result()).tasks), ["first", "ship"]);
  });

  test("is in no drawing, unless requested", () => {
    const document = delayed({ auth: false }).build();
    const workflow = Workflow.fromJSON(document);
    const drawn = (options) => [
      workflow.toMermaid(options),
      workflow.toDot(options),
      JSON.stringify(workflow.layout(options)),
    ];
    for (const text of [...drawn(), ...drawn({ delays: false })]) assert.doesNotMatch(text, /ship_wait/);
    for (const text of drawn({ delays: true })) assert.match(text, /ship_wait/);
    const { edges } = workflow.layout();
    assert.equal(
      edges.filter(({ from, to }) => /first/.test(from) && /ship/.test(to)).length,
      1,
      JSON.stringify(edges),
    );
    assert.deepEqual(workflow.toJSON(), Workflow.fromJSON(document).toJSON());
  });

  test("is an ordinary task if the user has written it", async () => {
    const workflow = Workflow.fromJSON({ ...delayed({ auth: false }).build(), description: "mine" });
    assert.match(workflow.toMermaid(), /ship_wait/);
    const driver = new Driver({ name: "waits", auth: false });
    driver.tool("x_wait", "x.wait");
    driver.tool("x", "x.x", {}, { depends: "x_wait" });
    assert.match(Workflow.fromJSON(driver.build()).toMermaid(), /x_wait/);
  });
});

test("a simulation and a test engine use the same words", async () => {
  const driver = new Driver({ name: "late", auth: false });
  driver.tool("a", "x.a");
  driver.tool("b", "x.b", {}, { depends: "a", timeout: "P2D" });
  const tools = { "x.a": 1, "x.b": { delay: "P1D" } };
  const simulated = await simulate(driver, { tools, timeout: 3600 }).catch((error) => error);
  assert.equal(simulated.status, "timed_out", String(simulated));
  assert.deepEqual([simulated.steps.a.status, simulated.steps.b.status], ["completed", "cancelled"]);
  assert.deepEqual(
    simulated.timeline.map(({ outcome }) => outcome),
    ["completed", "cancelled"],
  );
  const engine = new TestEngine({ tools });
  const page = new Driver({ name: "late", engine });
  page.tool("a", "x.a");
  page.tool("b", "x.b", {}, { depends: "a", timeout: "P2D" });
  const result = await page.run({ timeout: 3600 });
  assert.deepEqual(
    [result.status, result.state, result.tasks.a.state],
    ["timed_out", "timed_out", "completed"],
  );
  engine.expectStatus("timed_out");
  assert.deepEqual(engine.state().step("a").status, "completed");
  engine.close();
});

test("an error of an engine mentions no server and no network", async (t) => {
  const { driver, engine } = start(t, () => 2);
  const unknown = await driver.status("nobody").catch((error) => error);
  assert.match(unknown.message, /^the engine answered 404: /);
  assert.equal(unknown.help, "check the id");
  const broken = new Driver({
    engine: { fetch: () => Promise.reject(new TypeError("the disk is gone")) },
    retry: false,
  });
  const error = await broken.status("r").catch((error) => error);
  assert.deepEqual(
    [error.code, error.message, error.help],
    ["API_UNREACHABLE", "the engine failed: the disk is gone", undefined],
  );
  const remote = new Driver({ endpoint: "HTTP://ENGINE", auth: false, fetch: engine.fetch });
  assert.match((await remote.status("nobody").catch((error) => error)).message, /^the server answered 404: /);
});

test("a task in the style of Python, with the function after the options, is refused at the call", () => {
  const driver = new Driver({ auth: false });
  for (const kind of ["shell", "py", "http"])
    assert.throws(
      () => driver.task("a", { [kind]: true }, () => "echo"),
      ({ code, path, help }) =>
        code === "TASK_OPTION_TYPE" && path === "" && help.includes("a task runs no JavaScript"),
    );
  assert.deepEqual(driver.tasks.length ?? Object.keys(driver.tasks).length, 0);
});
