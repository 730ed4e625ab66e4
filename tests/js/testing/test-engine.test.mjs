// `TestEngine`, used as in a user's test.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Driver, Highway, isHighwayError, WorkflowBuilder } from "highway-wasm";
import { ExpectationError, TestEngine, ToolError } from "highway-wasm/testing";

const at = "2030-01-01T00:00:00Z";

function shop(options = {}) {
  const engine = new TestEngine({ at, ...options });
  const driver = new Driver({ name: "shop", engine });
  driver.tool("charge", "pay.charge", { amount: 5 }, { retries: 1, retryDelay: 60 });
  driver.tool("ship", "shop.ship", { order: "{{charge_result.id}}" }, { depends: "charge", delay: "P3D" });
  return { engine, driver };
}

describe("tools without a mock", () => {
  it("are listed with their tasks", async () => {
    const { engine, driver } = shop();
    engine.mock("charge", { id: 7 });
    assert.deepEqual(engine.unmocked, []);
    engine.expectMocked();
    await driver.run({ timeout: "P7D" });
    assert.deepEqual(engine.unmocked, [{ tool: "shop.ship", tasks: ["ship"] }]);
    assert.throws(() => engine.expectMocked(), {
      name: "ExpectationError",
      message: /`shop\.ship` \(ship\)/,
    });
    engine.close();
  });

  it("are listed with an unused mock of a similar name", async () => {
    const { engine, driver } = shop();
    engine.mock("charge", { id: 7 }).mock("shpi", {});
    await driver.run({ timeout: "P7D" });
    assert.throws(() => engine.expectMocked(), { message: /the mock `shpi`: did you mean `ship`\?/ });
    engine.close();
    const failing = shop({ unmocked: "fail", tools: { charge: { id: 7 }, shpi: {} } });
    const { tasks } = await failing.driver.run({ timeout: "P7D" });
    assert.match(tasks.ship.error.help, /a mock `shpi` that no task called/);
    failing.engine.close();
  });

  it("fail if the option says so", async () => {
    const { engine, driver } = shop({ unmocked: "fail", tools: { charge: { id: 7 } } });
    const { state, tasks } = await driver.run({ timeout: "P7D" });
    assert.deepEqual(
      [state, tasks.charge.state, tasks.ship.error.code],
      ["failed", "completed", "TOOL_NOT_REGISTERED"],
    );
    engine.close();
  });
});

describe("durable functions", () => {
  it("are submitted to the engine, and mocks replace them", async () => {
    const engine = new TestEngine({ at });
    const driver = new Driver({ name: "durable", engine });
    driver.task("greet", { durable: "def greet(ctx):\n    return 'hello'" });
    engine.mock("greet", "hello");
    const { state, tasks } = await driver.run();
    assert.deepEqual([state, tasks.greet.result], ["completed", "hello"]);
    const [id] = await new Highway({ engine }).artifacts.list();
    const bytes = await new Highway({ engine }).artifacts.download(id);
    assert.equal(Buffer.from(bytes).subarray(0, 2).toString(), "PK");
    engine.close();
  });
});

describe("requests of `fetch`", () => {
  const url = "http://engine/api/v1";
  const bytes = new Uint8Array([...Array(256).keys(), 0xff, 0xfe, 0]);
  const tasks = { greet: { task_id: "greet", operator_type: "task", function: "x.greet", dependencies: [] } };
  const send = async (engine, path, init) => {
    const response = await engine.fetch(`${url}/${path}`, { method: "POST", ...init });
    return { ...(await response.json()), status: response.status };
  };

  it("upload bytes and forms, which come back as they were", async () => {
    const engine = new TestEngine({ at });
    const form = new FormData();
    form.append("artifact", new Blob([bytes], { type: "application/zip" }), "tasks.zip");
    const uploads = [
      await send(engine, "artifacts", { body: bytes }),
      await send(engine, "artifacts/", { body: bytes, headers: { "content-type": "application/zip" } }),
      await send(engine, "artifacts", { body: form }),
    ];
    for (const { status, size, artifact_id } of uploads) {
      assert.deepEqual([status, size, artifact_id], [201, bytes.length, uploads[0].artifact_id]);
    }
    const response = await engine.fetch(`${url}/artifacts/${uploads[0].artifact_id}`);
    assert.equal(response.headers.get("content-type"), "application/zip");
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    engine.close();
  });

  it("submit Python where it is compiled, and mocks are known by its tasks", async () => {
    const sources = [];
    const pythonDsl = async (source) => {
      sources.push(source);
      return { name: "from_python", tasks };
    };
    const engine = new TestEngine({ at, pythonDsl });
    engine.mock("greet", "hello");
    const run = await new Highway({ engine }).workflows.submit({ pythonDsl: "def get_workflow(): ..." });
    assert.equal((await run.result()).tasks.greet.result, "hello");
    assert.deepEqual(sources, ["def get_workflow(): ..."]);
    assert.throws(() => engine.expectNotCalled("gret"), { message: /did you mean `greet`/ });
    const compiled = await send(engine, "dsl_to_json", { body: JSON.stringify({ code: "c" }) });
    assert.deepEqual([compiled.status, compiled.workflow_definition.name], [200, "from_python"]);
    engine.close();
    const none = new TestEngine({ at });
    const refused = await send(none, "workflows", { body: JSON.stringify({ python_dsl: "p" }) });
    assert.deepEqual([refused.status, refused.code], [501, "NOT_IMPLEMENTED"]);
    none.close();
    assert.throws(() => new TestEngine({ pythonDsl: true }), { code: "OPTION_INVALID", path: "/pythonDsl" });
  });

  it("that were given up are not carried out", async () => {
    let compile;
    const engine = new TestEngine({ at, pythonDsl: () => new Promise((resolve) => (compile = resolve)) });
    const given = new AbortController();
    const body = JSON.stringify({ python_dsl: "p" });
    const waiting = assert.rejects(send(engine, "workflows", { body, signal: given.signal }), /no longer/);
    while (!compile) await new Promise((resolve) => setImmediate(resolve));
    given.abort(new Error("no longer wanted"));
    await waiting;
    compile({ name: "from_python", tasks });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(engine.state().runs.length, 0);
    engine.close();
  });

  it("for a stream are refused, so that clients look", async () => {
    const engine = new TestEngine({ at });
    const { data } = await send(engine, "workflows", {
      body: JSON.stringify({ workflow_definition: { name: "w", tasks } }),
    });
    const response = await engine.fetch(`${url}/workflows/${data.workflow_run_id}/stream`);
    assert.deepEqual([response.status, (await response.json()).code], [501, "NOT_IMPLEMENTED"]);
    engine.close();
  });
});

describe("a client of a test engine", () => {
  it("waits for days in no time", async () => {
    const { engine, driver } = shop();
    engine.mock("charge", new ToolError("busy"), { result: { id: 7 }, delay: 2 });
    const result = await driver.run({ timeout: "P7D" });
    assert.equal(result.state, "completed");
    assert.equal(engine.now.toISOString(), "2030-01-04T00:01:02.000Z");
    assert.equal(result.completedAt.toISOString(), "2030-01-04T00:01:02.000Z");
    engine.expectStatus("completed");
    engine.expectCalled("charge", { times: 2, kwargs: { amount: 5 } });
    engine.expectCalled("shop.ship", { kwargs: { order: 7 } });
    engine.expectOrder("charge", "ship");
    engine.expectNotCalled("refund");
    const [first, second] = engine.calls("charge");
    assert.equal(second.at - first.at, 60_000);
    engine.close();
  });

  it("waits for several runs at the same time, through the list of runs", async () => {
    const { engine, driver } = shop();
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map(() => driver.run({ timeout: "P7D" })));
    assert.deepEqual(new Set(results.map(({ state }) => state)), new Set(["completed"]));
    engine.close();
  });

  it("sees the present status of a run when it only looks", async () => {
    const { engine, driver } = shop();
    const handle = await driver.start({ timeout: "P7D" });
    await engine.advance("PT1H");
    assert.equal((await handle.status()).state, "sleeping");
    assert.equal((await handle.steps()).charge.state, "completed");
    assert.equal(engine.now.toISOString(), "2030-01-01T01:00:00.000Z");
    assert.equal((await handle.result()).state, "completed");
    engine.close();
  });

  it("advances time only by itself if the option says so", async () => {
    const { engine, driver } = shop({ autoAdvance: false });
    const handle = await driver.start({ timeout: "P7D" });
    const waiting = handle.result();
    await engine.advance("P2D");
    engine.expectStatus("sleeping");
    await engine.advance("P1D");
    assert.equal((await waiting).state, "completed");
    engine.close();
  });

  it("answers a waiting run", async () => {
    const engine = new TestEngine({ at });
    const highway = new Highway({ engine });
    const workflow = new WorkflowBuilder("asking")
      .waitForEvent("confirmed", "confirm", { timeoutSeconds: 3600 })
      .task("ask", "tools.approval.request", { kwargs: { key: "boss", timeout_seconds: 86400 } })
      .build();
    const handle = await highway.workflows.submit({ workflow });
    await engine.runUntil("confirmed");
    await engine.advance("PT10M");
    await handle.signal("confirm", { by: "Ada" });
    await engine.runUntil("ask");
    assert.equal(engine.now.toISOString(), "2030-01-01T00:10:00.000Z");
    await engine.approve("ask", "fine");
    const { state, result } = await handle.result();
    assert.equal(state, "completed");
    assert.equal(result.output.comment, "fine");
    assert.deepEqual(
      engine.timeline(handle).map(({ kind, step, waitsFor }) => [kind, step, waitsFor]),
      [
        ["event", "confirmed", "confirm"],
        ["approval", "ask", "boss"],
      ],
    );
    engine.close();
  });

  it("gets answers to its updates, or their time limits", async () => {
    const engine = new TestEngine({ at });
    engine.mock("chat.answer", ({ kwargs }) => ({ result: `you said ${kwargs.text}`, delay: 5 }));
    const handling = {
      update_name: "ask",
      response_tool: "chat.answer",
      response_kwargs: { text: "{{update_payload.text}}" },
    };
    const workflow = new WorkflowBuilder("chat").task("answer", "tools.update.handle", { kwargs: handling });
    const handle = await new Highway({ engine }).workflows.submit({ workflow: workflow.build() });
    assert.equal((await handle.update("ask", { text: "hello" })).response, "you said hello");
    const [entry] = engine.timeline();
    assert.deepEqual([entry.kind, entry.waitsFor, entry.end - entry.start], ["update", "ask", 5000]);
    const other = await new Highway({ engine }).workflows.submit({ workflow: workflow.build() });
    await assert.rejects(other.update("other", {}, { timeout: 20 }), /answered 408/);
    assert.equal(engine.now.toISOString(), "2030-01-01T00:00:25.000Z");
    engine.close();
  });

  it("finds waits answered at its first look, and over at its second", async () => {
    const engine = new TestEngine({ at });
    const driver = new Driver({ engine });
    driver.waitFor("hear", { event: "go", timeout: 60 });
    const handle = await driver.start();
    assert.equal((await handle.status()).state, "sleeping");
    await engine.signal("go", { by: "Ada" });
    assert.equal((await handle.result()).state, "completed");
    const unheard = await driver.run();
    assert.equal(unheard.state, "failed");
    assert.equal(unheard.tasks.hear.error.code, "TASK_TIMED_OUT");
    engine.close();
  });
});

describe("a mock of a test engine", () => {
  it("may be a function, a list as a result, and replaced", async () => {
    const { engine, driver } = shop();
    engine.mock("pay.charge", async ({ kwargs }, { attempt }) => ({ id: kwargs.amount + attempt }));
    engine.mock("ship", [1, 2]);
    assert.deepEqual((await driver.run({ timeout: "P7D" })).tasks.ship.result, [1, 2]);
    engine.expectCalled("ship", { kwargs: { order: 6 } });
    engine.mock("ship", { error: "no truck", retryable: false });
    const { error } = await driver.run({ timeout: "P7D" });
    assert.match(error.message, /no truck/);
    engine.close();
  });

  it("is notified when its attempt is aborted, and when the run has ended", async () => {
    const heard = [];
    const { engine, driver } = shop();
    engine.mock("charge", (_, { signal, onRunEnd }) => {
      signal.addEventListener("abort", () => heard.push("aborted"));
      onRunEnd(() => heard.push("over"));
      return { delay: Number.POSITIVE_INFINITY };
    });
    const handle = await driver.start();
    await engine.runUntil("charge");
    await handle.cancel("enough");
    engine.expectStatus("cancelled", handle);
    assert.deepEqual(heard, ["aborted", "over"]);
    engine.close();
  });
});

describe("an expectation that fails", () => {
  const failed = (work) => {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof ExpectationError, error);
      return error.message;
    }
    assert.fail("it holds");
  };

  it("shows what happened instead", async () => {
    const { engine, driver } = shop();
    engine.mock("charge", { error: "no card", retryable: false, delay: 3 });
    await driver.run({ timeout: "P7D" });
    const message = failed(() => engine.expectStatus("completed"));
    assert.match(message, /^the run is failed \(task `charge` failed: no card\), not completed\n/);
    assert.match(
      message,
      /timeline, in seconds since 2030-01-01T00:00:00.000Z:\n {2}0 – 3 s +attempt +charge: failed: no card/,
    );
    assert.match(
      failed(() => engine.expectCalled("ship")),
      /^`ship` was not called\n/,
    );
    assert.match(
      failed(() => engine.expectCalled("charge", { kwargs: { amount: 6 } })),
      /^`charge` was not called with kwargs \{"amount":6\}\nits calls:\n {2}args \[\], kwargs \{"amount":5\}/,
    );
    assert.match(
      failed(() => engine.expectCalled("charge", { times: 2 })),
      /not called 2 times, but 1 times/,
    );
    assert.match(
      failed(() => engine.expectNotCalled("charge")),
      /^`charge` was called 1 times/,
    );
    assert.match(
      failed(() => engine.expectOrder("charge", "ship")),
      /^`ship` was not called/,
    );
    engine.close();
  });

  it("says that the order differs", async () => {
    const { engine, driver } = shop();
    await driver.run({ timeout: "P7D" });
    assert.match(
      failed(() => engine.expectOrder("ship", "charge")),
      /^the order is `charge`, `ship`, not `ship`, `charge`/,
    );
    engine.close();
  });

  it("says that the awaited event never happens", async () => {
    const engine = new TestEngine({ at });
    const workflow = new WorkflowBuilder("stuck").waitForEvent("hear", "go").build();
    await new Highway({ engine }).workflows.submit({ workflow });
    for (const work of [
      () => engine.runUntil("other"),
      () => engine.runToEnd(),
      () => engine.approve("boss"),
    ]) {
      await assert.rejects(work, ExpectationError);
    }
    await assert.rejects(
      () => engine.runToEnd(),
      /waits, and nothing will happen any more[\s\S]*hear, for `go`: under way/,
    );
    engine.close();
  });
});

describe("a test engine", () => {
  it("refuses invalid options, with their paths", async () => {
    const engine = new TestEngine();
    for (const [work, path] of [
      [() => new TestEngine({ clock: Date.now }), "/clock"],
      [() => new TestEngine({ concurrency: 0 }), "/concurrency"],
      [() => engine.mock("", 1), "/name"],
      [() => engine.mock("a"), "/answers"],
      [() => engine.expectStatus("completed"), "/run"],
    ]) {
      assert.throws(work, (error) => isHighwayError(error, "OPTION_INVALID") && error.path === path, path);
    }
    await assert.rejects(engine.advance(-1), { path: "/duration" });
    const unknown = { code: "OPTION_INVALID", message: "there is no run `nobody`", path: "/run" };
    assert.throws(() => engine.expectStatus("completed", "nobody"), unknown);
    await assert.rejects(engine.runToEnd("nobody"), unknown);
    await assert.rejects(engine.signal("go", {}, { runId: "nobody" }), unknown);
    await assert.rejects(engine.runUntil(3), { path: "/condition" });
    engine.close();
  });

  it("is closed once, and says so", async () => {
    const { engine, driver } = shop();
    engine.close();
    engine.close();
    await assert.rejects(driver.run(), { code: "ENGINE_CLOSED" });
    assert.throws(() => engine.timeline(), { code: "ENGINE_CLOSED" });
  });
});

describe("mistyped names", () => {
  it("are reported at once, with the nearest name", async () => {
    const { engine, driver } = shop({ autoAdvance: false });
    const handle = await driver.start({ timeout: "P7D" });
    await assert.rejects(
      engine.runUntil("shpi"),
      /no task and no tool is called `shpi`: did you mean `ship`\?/,
    );
    assert.equal(engine.now.toISOString(), "2030-01-01T00:00:00.000Z");
    assert.throws(() => engine.expectNotCalled("chrage"), /did you mean `charge`\?/);
    assert.throws(() => engine.mock("shop.shpi", {}), {
      code: "OPTION_INVALID",
      help: "did you mean `shop.ship`?",
    });
    engine.expectNotCalled("refund");
    engine.mock("refund", {});
    await engine.runToEnd(handle);
    engine.mock("chargeback", {});
    engine.close();
  });

  it("are reported for mocks by expectMocked", async () => {
    const { engine, driver } = shop();
    engine.mock("charge", { id: 7 }).mock("shop.ship", {}).mock("pay.charge", {}).mock("chrage", {});
    await driver.run({ timeout: "P7D" });
    assert.throws(() => engine.expectMocked(), {
      name: "ExpectationError",
      message: /^no task called the mock `chrage`: did you mean `charge`\?/,
    });
    engine.close();
  });
});

describe("a run that is being submitted", () => {
  it("is awaited", async () => {
    const { engine, driver } = shop({ autoAdvance: false });
    const result = driver.run({ timeout: "P7D" });
    await engine.runUntil("ship");
    assert.equal(engine.now.toISOString(), "2030-01-04T00:00:00.000Z");
    await engine.runToEnd();
    assert.equal((await result).state, "completed");
    engine.close();
    const other = shop({ autoAdvance: false });
    const started = other.driver.start({ timeout: "P7D" });
    await other.engine.runToEnd();
    assert.equal((await (await started).status()).state, "completed");
    other.engine.close();
  });
});
