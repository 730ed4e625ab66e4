// `timeout` and `signal` of every kind of call, and what ten thousand calls of all kinds leave behind.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { AbortedError, Driver, Highway } from "highway-wasm";
import { runModule } from "../support/child.mjs";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, silence, stalled, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { stopwatch } from "../support/stopwatch.mjs";
import { until } from "../support/until.mjs";

const checkLeftovers = watchProcess();

const timedOut = { name: "TimeoutError", code: "REQUEST_TIMEOUT", message: /did not answer within \d+ ms/ };
const millisecondsOf = ({ message }) => Number(/within (\d+) ms/.exec(message)?.[1]);
const archive = new Uint8Array([80, 75, 3, 4]);
const workflow = { name: "w", tasks: {} };

/** One call of each kind, with the options that every call takes. */
const calls = {
  "driver.status": ({ driver }, options) => driver.status("r", options),
  "driver.cancel": ({ driver }, options) => driver.cancel("r", "why", options),
  "driver.logs": ({ driver }, options) => driver.logs("r", options),
  "driver.list, a page": ({ driver }, options) => driver.list(options).page(),
  "driver.list, all": ({ driver }, options) => driver.list(options).toArray(),
  "handle.steps": ({ driver }, options) => driver.handle("r").steps(options),
  "handle.signal": ({ driver }, options) => driver.handle("r").signal("go", {}, options),
  "handle.query": ({ driver }, options) => driver.handle("r").query("v", options),
  "workflows.submit": ({ highway }, options) => highway.workflows.submit({ workflow, ...options }),
  "workflows.register": ({ highway }, options) => highway.workflows.register({ workflow, ...options }),
  "workflows.get": ({ highway }, options) => highway.workflows.get("r", options),
  "workflows.retry": ({ highway }, options) => highway.workflows.retry("r", options),
  "workflows.graph": ({ highway }, options) => highway.workflows.graph("r", options),
  "workflows.events": ({ highway }, options) => highway.workflows.events("r", options),
  "steps.list": ({ highway }, options) => highway.steps.list("r", options),
  "logs.workflows": ({ highway }, options) => highway.logs.workflows(options).toArray(),
  "signals.pending": ({ highway }, options) => highway.signals.pending("r", options),
  "approvals.approve": ({ highway }, options) => highway.approvals.approve("a", options),
  "schedules.create": ({ highway }, options) =>
    highway.schedules.create({ workflowName: "w", cron: "* * * * *", ...options }),
  "schedules.delete": ({ highway }, options) => highway.schedules.delete("s", options),
  "artifacts.upload": ({ highway }, options) => highway.artifacts.upload(archive, options),
  "artifacts.download": ({ highway }, options) => highway.artifacts.download("a", options),
  "definitions.get": ({ highway }, options) => highway.definitions.get("d", options),
  "schemas.validate": ({ highway }, options) => highway.schemas.validate("w", {}, options),
  "apiKeys.list": ({ highway }, options) => highway.apiKeys.list(options).toArray(),
  "tokens.issue": ({ highway }, options) => highway.tokens.issue("a@b.example", options),
  "system.ping": ({ highway }, options) => highway.system.ping(options),
  "request GET": ({ highway }, options) => highway.request("GET", "/api/v1/any", options),
  "request POST": ({ highway }, options) => highway.request("POST", "/api/v1/any", { body: {}, ...options }),
};

/** A server, with a driver and a client for it. */
async function setUp(t, script, options = {}) {
  const server = await faultServer(t, script);
  const driver = driverFor(server, options);
  return { server, driver, highway: new Highway({ endpoint: server.url, apiKey: "k", ...options }) };
}

describe("timeout of a call", { concurrency: true }, () => {
  for (const [name, call] of Object.entries(calls)) {
    test(`${name}: applies if the server is silent, and if it stops in the middle of its answer`, async (t) => {
      for (const answer of [silence, stalled]) {
        const setting = await setUp(t, [answer]);
        const watch = stopwatch();
        await checkRejection(call(setting, { timeout: 0.3 }), timedOut);
        assert.ok(watch.stop() < 10_000);
        assert.ok(setting.server.requests.length <= 1, "none is left for another attempt");
      }
    });

    test(`${name}: applies if the server asks to come back later`, async (t) => {
      const setting = await setUp(t, [text(503, "", "text/plain", { "retry-after": "60" })]);
      const watch = stopwatch();
      const error = await rejectionOf(call(setting, { timeout: 1 }));
      assert.match(error.code, /^(API_SERVER_ERROR|REQUEST_TIMEOUT)$/);
      assert.ok(watch.stop() < 20_000);
      assert.ok(setting.server.requests.length <= 1);
    });
  }

  test("may be longer than that of a request for requests that are sent once, and is divided for others", async (t) => {
    const { server, driver } = await setUp(t, [silence], { timeout: 1, retry: { delay: 0.001 } });
    const signal = await checkRejection(driver.handle("r").signal("go", {}, { timeout: 4 }), timedOut);
    assert.ok(millisecondsOf(signal) > 2000, signal.message);
    const status = await checkRejection(driver.status("r", { timeout: 5 }), timedOut);
    assert.ok(status.details.attempts > 1 && millisecondsOf(status) <= 1000, status.message);
    assert.equal(server.requests.filter(({ method }) => method === "POST").length, 1);
  });

  test("applies to all requests of a call together", async (t) => {
    // The cancellation whose answer was lost is a conflict, so the client looks at the run.
    const script = [json(502, {}), json(409, {}), silence];
    const { server, driver } = await setUp(t, script, { retry: { delay: 0.001 } });
    await checkRejection(driver.cancel("r", "why", { timeout: 5 }), timedOut);
    assert.ok(server.requests.length <= 3);
  });

  test("applies to each page of a list", async (t) => {
    const page = (number) =>
      json(200, { workflows: [{ workflow_run_id: `r${number}`, status: "running" }], has_more: true });
    const script = async (_, index) => {
      await sleep(900);
      return index < 6 ? page(index) : silence;
    };
    const { server, driver } = await setUp(t, script);
    // Each page takes a part of the limit; all of them take more.
    const seen = [];
    const reading = (async () => {
      for await (const { runId } of driver.list({ timeout: 5 })) seen.push(runId);
    })();
    await checkRejection(reading, timedOut);
    assert.deepEqual([seen.length, server.requests.length], [6, 7]);
  });

  test("is accepted in every form", async (t) => {
    const { driver } = await setUp(t, [silence]);
    const forms = ["PT0.1S", { milliseconds: 100 }, { toJSON: () => "PT0.1S" }, 0.1];
    for (const timeout of forms) {
      const error = await checkRejection(driver.status("r", { timeout }), timedOut);
      assert.ok(millisecondsOf(error) > 50 && millisecondsOf(error) <= 100, error.message);
    }
  });

  test("is refused if it is not valid, and nothing is sent", async (t) => {
    const setting = await setUp(t, [json(200, {})]);
    const refused = { name: "ConfigurationError", code: "OPTION_INVALID", path: "/timeout" };
    for (const timeout of [0, -1, "soon", {}, [], true]) {
      for (const call of [calls["driver.status"], calls["workflows.submit"], calls["request GET"]]) {
        const error = await rejectionOf(call(setting, { timeout }));
        assert.equal(error.path, refused.path, `${JSON.stringify(timeout)}: ${error.stack}`);
      }
    }
    await checkRejection(setting.driver.status("r", { timeout: 0 }), refused);
    assert.equal(setting.server.requests.length, 0);
  });
});

describe("signal of a call", { concurrency: true }, () => {
  const reasons = {
    text: () => "changed my mind",
    nothing: () => undefined,
    "an Error of another realm": () => vm.runInNewContext('new Error("from elsewhere")'),
  };
  for (const [name, call] of Object.entries({
    ...calls,
    "handle.update": ({ driver }, options) => driver.handle("r").update("u", {}, options),
    "driver.start": ({ driver }, { signal }) => driver.start({ signal }),
    "handle.result": ({ driver }, { signal }) => driver.handle("r").result({ signal }),
    "handle.watch": ({ driver }, { signal }) => driver.handle("r").watch({ signal }).next(),
  })) {
    test(`${name}: ends it at once, with its reason`, async (t) => {
      for (const [what, reason] of Object.entries(reasons)) {
        const setting = await setUp(t, [what === "text" ? stalled : silence]);
        const controller = new AbortController();
        const { signal } = controller;
        const outcome = rejectionOf(call(setting, { signal }));
        await setting.server.received(1);
        controller.abort(reason());
        const error = await outcome;
        assert.ok(error instanceof AbortedError, error?.stack);
        assert.deepEqual([error.code, error.name], ["ABORTED", "AbortedError"]);
        assert.equal(error.cause, signal.reason, what);
        assert.deepEqual(getEventListeners(signal, "abort"), []);
        // Before any request is sent.
        const second = await rejectionOf(call(setting, { signal }));
        assert.deepEqual([second.code, second.cause], ["ABORTED", signal.reason]);
        assert.equal(setting.server.requests.length, 1);
        // The connection is closed, not only ignored.
        await until(() => setting.server.open.size === 0);
      }
    });
  }

  test("between the items of a list, and between its pages", async (t) => {
    const run = (id) => ({ workflow_run_id: id, status: "running" });
    for (const stopAt of ["r0", "r1"]) {
      const { server, driver } = await setUp(t, (_, index) =>
        json(200, { workflows: [run(`r${2 * index}`), run(`r${2 * index + 1}`)], has_more: true }),
      );
      const controller = new AbortController();
      const seen = [];
      const reading = (async () => {
        for await (const { runId } of driver.list({ signal: controller.signal })) {
          seen.push(runId);
          if (runId === stopAt) controller.abort("enough");
        }
      })();
      const error = await checkRejection(reading, { name: "AbortedError", code: "ABORTED" });
      assert.deepEqual([error.cause, seen.at(-1), server.requests.length], ["enough", stopAt, 1]);
    }
  });
});

describe("ten thousand calls", () => {
  const core = new URL("./generated/core.js", import.meta.resolve("highway-wasm").replace("/entries/", "/"));

  /** The memory of the module that the package uses. Its glue returns the existing instance. */
  async function memoryOfCore() {
    const glue = await import(core);
    const bytes = readFileSync(fileURLToPath(core).replace("core.js", "core_bg.wasm"));
    const { memory } = glue.initSync({ module: bytes });
    assert.ok(memory instanceof WebAssembly.Memory);
    return memory;
  }

  const large = "x".repeat(5000);
  const answers = {
    fine: () => Response.json({ status: "completed", result: { large } }),
    missing: () => Response.json({ message: large }, { status: 404 }),
    broken: () => new Response(`{"status": "${large}`),
    page: () => new Response(`<title>${large}</title>`, { status: 502 }),
    large: () => new Response("x".repeat(50_000)),
    binary: () => new Response(new Uint8Array([0xff, 0xfe, 0x00])),
    refused: () => new Response("", { status: 401 }),
    steps: () => Response.json({ steps: [{ step_name: "a", status: "succeeded" }] }),
    logs: () => Response.json({ logs: [{ task: "a", content: large }] }),
    moved: () => new Response("", { status: 307, headers: { location: "/api/v1/workflows/fine" } }),
  };
  const fetch = async (request, { signal }) => {
    const answer = answers[new URL(request.url).pathname.split("/").at(-1)];
    if (answer !== undefined) return answer();
    if (request.method === "POST") return Response.json({ run_id: "fine" }, { status: 201 });
    if (request.url.endsWith("/away")) throw new TypeError(large, { cause: { code: "ECONNRESET" } });
    // As the global `fetch` does.
    return await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  const retry = { attempts: 2, delay: 0.001, maxDelay: 0.001, when: () => undefined };
  const options = { endpoint: "http://h", fetch, retry, circuitBreaker: false, maxResponseSize: 20_000 };
  let token = 0;
  const auth = () => {
    token += 1;
    return `token-${token}`;
  };
  const driver = new Driver({ ...options, auth });
  driver.shell("a", `echo ${large}`);
  const codes = {
    fine: undefined,
    missing: "API_NOT_FOUND",
    broken: "API_RESPONSE_INVALID",
    page: "API_SERVER_ERROR",
    large: "API_RESPONSE_TOO_LARGE",
    binary: "API_RESPONSE_INVALID",
    refused: "API_UNAUTHORIZED",
    moved: undefined,
    away: "API_UNREACHABLE",
  };

  /** One call with every kind of outcome: 20 calls. */
  async function round(shared) {
    const status = async (id, more) => {
      const code = await driver.status(id, { signal: shared, ...more }).then(
        () => undefined,
        (error) => error.code,
      );
      return `${id}: ${code}`;
    };
    const expected = Object.keys(codes).map((id) => `${id}: ${codes[id]}`);
    assert.deepEqual(await Promise.all(Object.keys(codes).map((id) => status(id))), expected);
    const controller = new AbortController();
    const { signal } = controller;
    const pending = [
      status("never", { signal }),
      status("never", { signal }),
      status("never", { timeout: 0.002 }),
    ];
    const left = driver
      .handle("never")
      .result({ signal })
      .catch(({ code }) => code);
    controller.abort(large);
    assert.deepEqual(await Promise.all(pending), [
      "never: ABORTED",
      "never: ABORTED",
      "never: REQUEST_TIMEOUT",
    ]);
    assert.equal(await left, "ABORTED");
    assert.equal(await status("never", { signal }), "never: ABORTED");
    const handle = await driver.start({ signal: shared });
    assert.equal((await handle.result({ signal: shared })).state, "completed");
    const states = [];
    for await (const { state } of handle.watch({ signal: shared })) states.push(state);
    assert.deepEqual(states, ["completed"]);
    assert.equal((await driver.logs("fine", { signal: shared })).length, 1);
    assert.equal(await driver.cancel("fine"), true);
  }

  test("need no more memory of the module than the first ones, and leave no timer and no listener", async () => {
    const memory = await memoryOfCore();
    const { signal } = new AbortController();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    for (let at = 0; at < 50; at++) await round(signal);
    const size = memory.buffer.byteLength;
    for (let at = 0; at < 500; at++) await round(signal);
    const growth = memory.buffer.byteLength - size;
    // 26 bytes per call. Anything that is lost in each call is more.
    assert.ok(growth <= 4 * 65_536, `${growth} bytes`);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
    assert.equal(timers(), before);
  });

  test("a process ends by itself, whatever its calls do when they are aborted", async () => {
    const { stdout, stderr, code } = await runModule(`
      import { Driver } from "highway-wasm";
      const never = () => new Promise(() => {});
      const options = { endpoint: "http://h", apiKey: "k" };
      const silent = new Driver({ ...options, fetch: never });
      const busy = new Driver({ ...options, fetch: async () => new Response("", { status: 503, headers: { "retry-after": "60" } }) });
      const going = new Driver({ ...options, fetch: async () => Response.json({ status: "running", steps: [] }) });
      const unknown = new Driver({ endpoint: "http://h", auth: never, fetch: never });
      const signal = AbortSignal.timeout(300);
      const calls = [silent, busy, going, unknown].flatMap((driver) => [
        driver.status("r", { signal }),
        driver.handle("r").result({ signal }),
        driver.handle("r").watch({ signal }).next().then(() => { throw { name: "changed" }; }),
      ]);
      const outcomes = await Promise.allSettled(calls);
      const names = outcomes.map(({ reason, value }) => reason?.name ?? value.state);
      console.log(names.join(" "));`);
    const aborted = "AbortedError AbortedError AbortedError";
    assert.equal(stdout, `${aborted} ${aborted} running AbortedError changed ${aborted}\n`, stderr);
    // A program that does not end by itself is killed, and has no exit code.
    assert.equal(code, 0);
  });
});

checkLeftovers();
