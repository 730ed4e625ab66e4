// Aborting in each phase of a call, and what calls leave behind: no listener, no timer, no request, no memory.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { AbortedError, Driver } from "highway-wasm";
import { runModule } from "../support/child.mjs";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, silence, stalled, text } from "../support/fault-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";
import { until } from "../support/until.mjs";

const accepted = json(201, { data: { workflow_run_id: "run-1" } });
// With the states of its tasks, so that the client does not request them separately.
const running = json(200, { data: { status: "running", progress: { tasks: { a: "running" } } } });

/** Reasons of an abort. */
const reasons = {
  "an Error": () => new Error("changed my mind"),
  text: () => "changed my mind",
  nothing: () => undefined,
  null: () => null,
  "an Error of another realm": () => vm.runInNewContext('new Error("from elsewhere")'),
  "an object of another realm": () => vm.runInNewContext("({ from: 'elsewhere' })"),
};

/** The phases of `run`: the answers that bring a run into the phase, and the number of requests until then. */
const phases = {
  submitting: { script: [silence], after: 1 },
  "reading the answer to the submission": { script: [stalled], after: 1 },
  "sleeping before the submission is repeated": { script: [text(503, "")], after: 1, pause: 30 },
  polling: { script: [accepted, silence], after: 2 },
  "reading the answer to a poll": { script: [accepted, stalled], after: 2 },
  "sleeping between polls": { script: [accepted, running], after: 2, pause: 30 },
  "sleeping as Retry-After asks": {
    script: [accepted, text(429, "", "text/plain", { "retry-after": "9" })],
    after: 2,
    pause: 30,
  },
};

/** Aborts a run in a phase. Checks that it ends at once and leaves nothing behind. */
async function abortIn(t, { script, after, pause = 0 }, reason, options = {}) {
  const server = await faultServer(t, script);
  const controller = new AbortController();
  const { signal } = controller;
  let sent = 0;
  const counting = (...request) => {
    sent += 1;
    return fetch(...request);
  };
  const pending = rejectionOf(driverFor(server, { fetch: counting }).run({ signal, ...options }));
  await server.received(after);
  await sleep(pause);
  const watch = stopwatch();
  controller.abort(reason);
  const error = await pending;
  const took = watch.stop();
  assert.ok(error instanceof AbortedError, error.stack);
  assert.equal(error.code, "ABORTED");
  assert.equal(error.cause, signal.reason);
  assert.ok(took < 1000, `it took ${took} ms`);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
  const count = sent;
  await sleep(150);
  assert.equal(sent, count, "nothing more is sent");
  // The connection is closed.
  await until(() => server.open.size === 0);
}

describe("abort", { concurrency: true }, () => {
  for (const [phase, setting] of Object.entries(phases)) {
    test(`while ${phase}`, async (t) => {
      await Promise.all(Object.values(reasons).map((reason) => abortIn(t, setting, reason())));
    });
    test(`while ${phase}, with progress`, (t) => abortIn(t, setting, "enough", { onProgress() {} }));
  }

  test("before anything is sent", async (t) => {
    const server = await faultServer(t, [accepted]);
    const driver = driverFor(server);
    for (const reason of Object.values(reasons)) {
      const signal = AbortSignal.abort(reason());
      const calls = [
        driver.run({ signal }),
        driver.run({ signal, onProgress() {} }),
        driver.start({ signal }),
        driver.status("r", { signal }),
        driver.cancel("r", "why", { signal }),
        driver.logs("r", { signal }),
        driver.list({ signal }).page(),
        driver.handle("r").steps({ signal }),
        driver.handle("r").result({ signal, timeout: 1 }),
      ];
      await Promise.all(
        calls.map(async (call) => {
          const error = await checkRejection(call, { name: "AbortedError", code: "ABORTED" });
          assert.equal(error.cause, signal.reason);
        }),
      );
      assert.deepEqual(getEventListeners(signal, "abort"), []);
    }
    assert.equal(server.requests.length, 0);
  });

  test("a timeout signal", async (t) => {
    const server = await faultServer(t, [silence]);
    const error = await rejectionOf(driverFor(server).status("r", { signal: AbortSignal.timeout(50) }));
    assert.deepEqual([error.name, error.cause.name], ["AbortedError", "TimeoutError"]);
  });

  test("after the end has no effect", async (t) => {
    const server = await faultServer(t, [json(200, { status: "completed" })]);
    const controller = new AbortController();
    const result = await driverFor(server).handle("r").result({ signal: controller.signal });
    controller.abort();
    assert.equal(result.state, "completed");
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
  });

  test("inside a progress callback", async (t) => {
    const server = await faultServer(t, [running]);
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = () => controller.abort("seen enough");
    const error = await rejectionOf(driverFor(server).handle("r").result({ signal, onProgress }));
    assert.deepEqual([error.name, error.cause, server.requests.length], ["AbortedError", "seen enough", 1]);
  });

  test("one call does not affect another of the same driver", async (t) => {
    const server = await faultServer(t, async ({ path }) => {
      if (path.endsWith("/slow")) await sleep(100);
      return json(200, { status: "running" });
    });
    const driver = driverFor(server);
    const controller = new AbortController();
    const aborted = rejectionOf(driver.status("slow", { signal: controller.signal }));
    const other = driver.status("slow");
    await server.received(2);
    controller.abort();
    assert.equal((await aborted).name, "AbortedError");
    assert.equal((await other).state, "running");
  });
});

// In another process, because an error with a signal could end the process.
for (const signal of ["new AbortController()", "{}", '"x"']) {
  test(`an invalid signal is refused: ${signal}`, async () => {
    const { stdout, stderr } = await runModule(
      `import { Driver } from "highway-wasm";
      const fetch = async () => Response.json({ status: "running" });
      const driver = new Driver({ fetch, apiKey: "k", endpoint: "http://h" });
      const error = await driver.status("r", { signal: ${signal} }).catch((error) => error);
      console.log(error.name, error.code, error.path);`,
      { limit: 60_000 },
    );
    assert.equal(stdout, "ConfigurationError OPTION_INVALID /signal\n", stderr);
  });
}

describe("after a thousand calls", () => {
  const core = new URL("./generated/core.js", import.meta.resolve("highway-wasm").replace("/entries/", "/"));

  /** The memory of the module that the package uses. Its glue returns the existing instance. */
  async function memoryOfCore() {
    const glue = await import(core);
    const bytes = readFileSync(fileURLToPath(core).replace("core.js", "core_bg.wasm"));
    const { memory } = glue.initSync({ module: bytes });
    assert.ok(memory instanceof WebAssembly.Memory);
    return memory;
  }

  const large = "x".repeat(10_000);
  const answer = async (request) =>
    request.method === "POST"
      ? Response.json({ run_id: "r" }, { status: 201 })
      : Response.json({ status: "completed", result: { large } });
  const driver = new Driver({ fetch: answer, apiKey: "k", endpoint: "http://h" });
  driver.shell("a", `echo ${large}`);
  const fail = new Driver({
    fetch: () => Promise.reject(new Error(large)),
    apiKey: "k",
    endpoint: "http://h",
    retry: false,
  });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

  /** Calls with every kind of outcome. */
  async function calls(count, signal) {
    for (let at = 0; at < count; at++) {
      await driver.run({ signal, onProgress() {} });
      await rejectionOf(fail.status("r", { signal }));
      await rejectionOf(driver.status("r", { signal: AbortSignal.abort() }));
      assert.throws(() => driver.task("a", { shell: large }));
    }
  }

  test("no memory of the module, no listener and no timer remains", async () => {
    const memory = await memoryOfCore();
    const { signal } = new AbortController();
    const before = timers();
    await calls(50, signal);
    const size = memory.buffer.byteLength;
    await calls(1000, signal);
    assert.equal(memory.buffer.byteLength, size);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
    assert.equal(timers(), before);
  });

  test("many concurrent calls with one signal cause no warning", async (t) => {
    const warnings = [];
    const listen = (warning) => warnings.push(String(warning));
    process.on("warning", listen);
    t.after(() => process.off("warning", listen));
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 50 }, () => driver.status("r", { signal })));
    await sleep(10);
    assert.deepEqual(warnings, []);
  });

  test("a process ends by itself after an abort", async (t) => {
    const server = await faultServer(t, [silence]);
    const { stdout, code } = await runModule(`
      import { Driver } from "highway-wasm";
      const driver = new Driver({ apiKey: "k", endpoint: "${server.url}" });
      const error = await driver.status("r", { signal: AbortSignal.timeout(100) }).catch((error) => error);
      console.log(error.name);`);
    assert.deepEqual([stdout, code], ["AbortedError\n", 0]);
  });
});
