// Calls about an existing run, and `fetch` functions of the caller.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import vm from "node:vm";
import { Driver, SubmissionError } from "highway-wasm";
import { runModule } from "../support/child.mjs";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, runScript, text } from "../support/fault-server.mjs";

const textOf = (value) => `({ status: 200, headers: new Headers(), text: async () => ${value} })`;
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });

describe("other calls", { concurrency: true }, () => {
  test("status, logs, steps and list throw an ApiError for a refusal", async (t) => {
    const server = await faultServer(t, [json(404, { message: "no such run" })]);
    const driver = driverFor(server);
    for (const call of [
      driver.status("r"),
      driver.logs("r"),
      driver.handle("r").steps(),
      driver.list().page(),
    ]) {
      const error = await checkRejection(call, api("API_NOT_FOUND", { message: /no such run/ }));
      assert.ok(!(error instanceof SubmissionError));
    }
    await checkRejection(driver.cancel("r"), api("API_NOT_FOUND"));
  });

  test("cancel: true, false for a run that has ended, and its reason", async (t) => {
    const server = await faultServer(t, [
      json(200, { data: {} }),
      json(200, {}),
      json(409, { message: "finished" }),
    ]);
    const driver = driverFor(server);
    assert.equal(await driver.cancel("r/1", "no longer needed"), true);
    assert.equal(await driver.handle("r").cancel(), true);
    assert.equal(await driver.handle("r").cancel(), false);
    await checkRejection(driver.cancel("r", { reason: "x" }), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      path: "/reason",
    });
    const [first] = server.requests;
    assert.equal(`${first.method} ${first.url}`, "POST /api/v1/workflows/r%2F1/cancel");
    assert.deepEqual(first.json, { reason: "no longer needed" });
  });

  test("calls that read are repeated after 5xx", async (t) => {
    const server = await faultServer(t, [text(500, ""), json(200, { status: "running" })]);
    assert.equal((await driverFor(server).status("r")).state, "running");
  });

  test("logs", async (t) => {
    const log = {
      step_name: "a",
      attempt: 2,
      stream: "stderr",
      content: "x",
      timestamp: "2026-01-02T03:04:05Z",
    };
    const bare = [{ task: "b", type: "stdout", message: "y" }];
    const server = await faultServer(t, [
      json(200, { success: true, data: { logs: [log] } }),
      json(200, bare),
    ]);
    const driver = driverFor(server);
    assert.deepEqual(await driver.logs("r"), [
      { task: "a", attempt: 2, stream: "stderr", content: "x", timestamp: "2026-01-02T03:04:05Z" },
    ]);
    assert.deepEqual(await driver.handle("r").logs(), [
      { task: "b", attempt: null, stream: "stdout", content: "y", timestamp: null },
    ]);
    assert.equal(server.requests[0].url, "/api/v1/workflows/r/steps/logs");
  });

  test("list: query, runs and total", async (t) => {
    const runs = [
      { workflow_run_id: "r1", workflow_name: "w", status: "completed", created_at: "2026-01-02T03:04:05Z" },
    ];
    const server = await faultServer(t, [
      json(200, { data: { workflows: runs, total: 41 } }),
      json(200, runs),
    ]);
    const driver = driverFor(server);
    const found = await driver.list({ status: "completed", pageSize: 5 }).page(2);
    assert.equal(server.requests[0].url, "/api/v1/workflows?page=2&page_size=5&status=completed");
    assert.equal(found.total, 41);
    const [run] = found.items;
    assert.deepEqual([run.runId, run.workflowName, run.state], ["r1", "w", "completed"]);
    assert.deepEqual(run.createdAt, new Date("2026-01-02T03:04:05Z"));
    assert.deepEqual([found.number, found.raw], [2, { workflows: runs, total: 41 }]);
    const first = await driver.list().page();
    assert.deepEqual([first.items.length, first.total], [1, null]);
    assert.equal(server.requests[1].url, "/api/v1/workflows?page=1");
  });

  test("an answer that is not a run is refused", async (t) => {
    for (const body of [null, 5, "x", [], {}, { status: "success" }, { data: null, status: "success" }]) {
      const server = await faultServer(t, [json(200, body)]);
      await checkRejection(driverFor(server).status("r"), api("API_RESPONSE_INVALID"));
    }
  });

  test("a whole run: submitted, followed, read", async (t) => {
    const server = await faultServer(
      t,
      runScript(["pending", "running", "completed"], { result: { output: 1 } }),
    );
    const result = await driverFor(server).run({ workflowId: "w" });
    assert.deepEqual(
      [result.runId, result.workflowId, result.state, result.isSuccess],
      ["run-1", "w", "completed", true],
    );
    assert.deepEqual(result.result, { output: 1 });
  });
});

describe("a caller's own fetch", { concurrency: true }, () => {
  const endpoint = "http://own.invalid";
  const withFetch = (fetch, options = {}) =>
    new Driver({ fetch, endpoint, apiKey: "k", retry: false, ...options });
  const answering = (answer) => withFetch(async () => answer).status("r");

  test("gets a Request and a signal", async () => {
    const seen = [];
    const driver = withFetch(async (request, init) => {
      seen.push([request instanceof Request, request.url, init.signal instanceof AbortSignal]);
      return Response.json({ status: "running" });
    });
    assert.equal((await driver.status("r")).state, "running");
    assert.deepEqual(seen, [[true, `${endpoint}/api/v1/workflows/r`, true]]);
  });

  test("is called as a plain function", async () => {
    const receivers = [];
    await withFetch(async function () {
      receivers.push(this);
      return Response.json({ status: "running" });
    }).status("r");
    assert.deepEqual(receivers, [undefined]);
  });

  test("may reject with any value", async () => {
    const foreign = vm.runInNewContext('new TypeError("from elsewhere")');
    const reasons = [
      "text",
      undefined,
      null,
      5,
      Symbol("s"),
      {},
      { message: "duck" },
      new Error("plain"),
      foreign,
    ];
    for (const reason of reasons) {
      const error = await checkRejection(
        withFetch(() => Promise.reject(reason)).status("r"),
        api("API_UNREACHABLE"),
      );
      if (reason !== undefined) assert.equal(error.cause, reason);
    }
    const wrapped = new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
    const error = await rejectionOf(withFetch(() => Promise.reject(wrapped)).status("r"));
    assert.match(error.message, /fetch failed.*ECONNRESET/);
  });

  test("may throw", async () => {
    const thrower = () => {
      throw new Error("at once");
    };
    await checkRejection(withFetch(thrower).status("r"), api("API_UNREACHABLE", { message: /at once/ }));
  });

  test("may ignore the signal", async () => {
    const driver = withFetch(() => new Promise(() => {}), { timeout: 0.05 });
    await checkRejection(driver.status("r"), { name: "TimeoutError", code: "REQUEST_TIMEOUT" });
    const controller = new AbortController();
    const pending = withFetch(() => new Promise(() => {})).status("r", { signal: controller.signal });
    controller.abort("enough");
    await checkRejection(pending, { name: "AbortedError", code: "ABORTED" });
  });

  test("may answer after the call was aborted", async () => {
    let release;
    const late = new Promise((_, reject) => {
      release = reject;
    });
    const driver = withFetch(() => late, { timeout: 0.02 });
    await checkRejection(driver.status("r"), { name: "TimeoutError", code: "REQUEST_TIMEOUT" });
    release(new Error("nobody listens any more"));
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("may answer with an object that only resembles a response", async () => {
    const duck = {
      status: 200,
      headers: new Headers({ "content-type": "application/json" }),
      text: async () => '{"status": "sleeping"}',
    };
    assert.equal((await answering(duck)).state, "sleeping");
  });

  // Each in another process, because an error here could end the process.
  for (const [what, fetch] of [
    ["answer with nothing", "async () => undefined"],
    ["answer with a text", 'async () => "x"'],
    [
      "answer without text()",
      "async () => ({ status: 200, headers: new Headers(), json: async () => ({}) })",
    ],
    ["answer without a status", 'async () => ({ headers: new Headers(), text: async () => "{}" })'],
    ["answer without headers", 'async () => ({ status: 200, text: async () => \'{"status":"running"}\' })'],
    ["answer with a text() of an object", `async () => ${textOf("{}")}`],
    ["answer with a text() of a number", `async () => ${textOf("5")}`],
    ["answer with a text() of nothing", `async () => ${textOf("undefined")}`],
    [
      "answer with headers that throw",
      `async () => ({ status: 200, text: async () => "{}",
      headers: { get() { throw new Error("no"); } } })`,
    ],
    [
      "answer with headers that are no text",
      `async () => ({ status: 429, text: async () => "{}", headers: { get: () => 7 } })`,
    ],
    [
      "answer with a status that is none",
      `async () => ({ status: 70000, headers: new Headers(), text: async () => "{}" })`,
    ],
    [
      "answer with a negative status",
      `async () => ({ status: -1, headers: new Headers(), text: async () => "{}" })`,
    ],
    ["reject with what has no text", "() => Promise.reject(Object.create(null))"],
  ]) {
    test(`may ${what}: a typed error, and the module still works`, async () => {
      const { stdout, stderr, code } = await runModule(`
        import { Driver } from "highway-wasm";
        let fetch = ${fetch};
        const driver = new Driver({ fetch: (...args) => fetch(...args), endpoint: "http://h", apiKey: "k", retry: false });
        const first = await driver.status("r").catch((error) => error.name);
        fetch = async () => Response.json({ status: "running" });
        console.log(first, (await driver.status("r")).state);`);
      assert.equal(stdout, "ApiError running\n", stderr);
      assert.equal(code, 0);
    });
  }
});
