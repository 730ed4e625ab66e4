// Settings of a driver: options, environment variables, keys that must not leak, and copies of the package.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inspect } from "node:util";
import * as esm from "highway-wasm";
import { Driver, HighwayError, isHighwayError, isReady } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { checkRejection, checkThrown, rejectionOf, textsOf, thrownBy } from "../support/errors.mjs";
import { faultServer, json } from "../support/fault-server.mjs";

const KEY = "hw_k1_4f9d0c7e-very-secret";
const cjs = createRequire(import.meta.url)("highway-wasm");
const configuration = (options, expected = {}) =>
  checkThrown(() => new Driver(options), {
    name: "ConfigurationError",
    code: "OPTION_INVALID",
    ...expected,
  });

/** Sets environment variables for one test. */
function withEnvironment(t, values) {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

const simple = (options) => {
  const driver = new Driver(options);
  driver.shell("a", "true");
  return driver;
};

test("unknown options are refused, with a list of the known ones", () => {
  configuration({ apikey: "k" }, { path: "/apikey", help: /`apiKey`/ });
  configuration({ Endpoint: "http://h" }, { path: "/Endpoint", help: /`endpoint`/ });
});

test("invalid values of options are refused", async (t) => {
  configuration({ name: 5 }, { path: "/name" });
  configuration({ timeout: 0 }, { path: "/timeout" });
  configuration({ timeout: -1 }, { path: "/timeout" });
  configuration({ retry: { attempts: 0 } }, { path: "/retry/attempts" });
  configuration({ engine: {} }, { path: "/engine", help: /LocalEngine/ });
  configuration({ apiKey: `${KEY}\n` }, { path: "/apiKey" });
  const wrong = { apiKey: 5, fetch: "x", retry: "often", endpoint: 5, timeout: "soon" };
  for (const [key, value] of Object.entries(wrong)) {
    await t.test(`${key}: ${JSON.stringify(value)}`, () => {
      assert.equal(thrownBy(() => new Driver({ [key]: value })).name, "ConfigurationError");
    });
  }
  for (const attempts of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, "3"]) {
    await t.test(`attempts: ${attempts}`, () => {
      configuration({ retry: { attempts } });
    });
  }
});

test("endpoints are absolute http(s) URLs; credentials in them are refused and not shown", () => {
  const check = (endpoint) => configuration({ endpoint }, { code: "ENDPOINT_INVALID" });
  for (const endpoint of ["", "h.example", "ftp://h.example", "http://", "/api", "http://a b"]) {
    check(endpoint);
  }
  assert.doesNotMatch(check("https://user:hunter2@h.example").message, /hunter2/);
  for (const endpoint of ["https://h.example", "http://127.0.0.1:7822/", new URL("https://h.example/base")]) {
    assert.ok(new Driver({ endpoint }));
  }
});

test("an engine excludes the options of a server", async () => {
  const engine = new LocalEngine();
  configuration({ engine, apiKey: "k" }, { path: "/apiKey" });
  configuration({ engine, endpoint: "http://h" }, { path: "/endpoint" });
  configuration({ engine, fetch }, { path: "/fetch" });
  assert.ok(new Driver({ engine, timeout: "PT1S", retry: false, name: "n" }));
  await engine.close();
});

test("without a key, every call that needs one is refused before anything is sent", async (t) => {
  withEnvironment(t, { HIGHWAY_API_KEY: undefined });
  const server = await faultServer(t, () => json(200, {}));
  const driver = simple({ endpoint: server.url });
  const expected = { name: "ConfigurationError", code: "API_KEY_MISSING", help: /HIGHWAY_API_KEY/ };
  await checkRejection(driver.run(), expected);
  await checkRejection(driver.run({ wait: false }), expected);
  await checkRejection(driver.start(), expected);
  await checkRejection(driver.status("r"), expected);
  await checkRejection(driver.cancel("r"), expected);
  await checkRejection(driver.logs("r"), expected);
  await checkRejection(driver.list().page(), expected);
  await checkRejection(simple({ endpoint: server.url, apiKey: "" }).run(), expected);
  assert.equal(server.requests.length, 0);
});

test("a handle needs a key too", async (t) => {
  withEnvironment(t, { HIGHWAY_API_KEY: undefined });
  const server = await faultServer(t, () => json(401, { message: "no" }));
  const error = await rejectionOf(new Driver({ endpoint: server.url }).handle("r").status());
  assert.equal(error.code, "API_KEY_MISSING");
});

test("errors in the definition come before a missing key", async (t) => {
  withEnvironment(t, { HIGHWAY_API_KEY: undefined });
  await checkRejection(new Driver().run(), { name: "TaskDefinitionError", code: "NO_TASKS" });
  const driver = simple();
  driver.shell("b", "true", { depends: ["ghost"] });
  driver.shell("c", "true", { depends: ["c"] });
  const error = await checkRejection(driver.run(), {
    name: "TaskDefinitionError",
    code: "DEPENDENCY_UNKNOWN",
    path: "/tasks/b/depends/0",
    message: /`b`.*`ghost`/,
  });
  assert.deepEqual(
    error.diagnostics.map(({ code }) => code),
    ["DEPENDENCY_UNKNOWN", "DEPENDENCY_SELF"],
  );
});

test("warnings do not prevent a run", async (t) => {
  const server = await faultServer(t, () => json(201, { data: { workflow_run_id: "r1" } }));
  const driver = new Driver({ endpoint: server.url, apiKey: "k" });
  driver.shell("a", "true", { delay: 1.5 });
  assert.equal(driver.validate()[0].severity, "warning");
  assert.equal((await driver.run({ wait: false })).runId, "r1");
});

test("run and start refuse unknown options and an invalid workflowId", async () => {
  const driver = simple({ apiKey: "k", endpoint: "http://127.0.0.1:9" });
  const expected = { name: "ConfigurationError", code: "OPTION_INVALID" };
  await checkRejection(driver.run({ workflow_id: "x" }), { ...expected, path: "/workflow_id" });
  await checkRejection(driver.start({ wait: false }), { ...expected, path: "/wait" });
  await checkRejection(driver.run({ workflowId: " " }), { ...expected, path: "/workflowId" });
  await checkRejection(driver.run({ workflowId: 5 }), { ...expected, path: "/workflowId" });
  await checkRejection(driver.run({ timeout: 0.2 }), { ...expected, path: "/timeout" });
  checkThrown(() => driver.handle(""), { ...expected, path: "/runId" });
  await checkRejection(driver.status(undefined), { ...expected, path: "/runId" });
});

test("misspelt options of a handle and of list are refused", async (t) => {
  const server = await faultServer(t, () => json(200, { status: "completed" }));
  const driver = new Driver({ apiKey: "k", endpoint: server.url });
  const expected = { name: "ConfigurationError", code: "OPTION_INVALID" };
  await checkRejection(driver.handle("r").result({ timout: 1 }), expected);
  checkThrown(() => driver.list({ page_size: 5 }), expected);
  checkThrown(() => driver.list({ pageSize: -1 }), expected);
  await checkRejection(driver.list().page(0), expected);
});

test("key and endpoint come from the environment; options come first", async (t) => {
  const server = await faultServer(t, () => json(200, { status: "completed" }));
  withEnvironment(t, { HIGHWAY_API_KEY: "env-key", HIGHWAY_API_ENDPOINT: `${server.url}/` });
  await new Driver().status("r1");
  await new Driver({ apiKey: "own-key" }).status("r2");
  assert.deepEqual(
    server.requests.map(({ url, headers }) => [url, headers.authorization]),
    [
      ["/api/v1/workflows/r1", "Bearer env-key"],
      ["/api/v1/workflows/r2", "Bearer own-key"],
    ],
  );
  process.env.HIGHWAY_API_ENDPOINT = "nonsense";
  checkThrown(() => new Driver(), { name: "ConfigurationError", code: "ENDPOINT_INVALID" });
  await new Driver({ endpoint: server.url }).status("r3");
  process.env.HIGHWAY_API_ENDPOINT = "";
  assert.ok(new Driver(), "an empty variable is none");
});

test("the environment is not read if there is an engine", async (t) => {
  withEnvironment(t, { HIGHWAY_API_KEY: "env-key", HIGHWAY_API_ENDPOINT: "nonsense" });
  const engine = new LocalEngine();
  t.after(() => engine.close());
  assert.deepEqual(await new Driver({ engine }).list().toArray(), []);
});

test("a long-lived key in a page is refused", async (t) => {
  globalThis.window = globalThis;
  globalThis.document = {};
  t.after(() => {
    delete globalThis.window;
    delete globalThis.document;
  });
  const error = configuration({ apiKey: KEY }, { code: "API_KEY_EXPOSED", help: /dangerouslyAllowBrowser/ });
  assert.doesNotMatch(await textsOf(error), /secret/);
  assert.ok(new Driver({ apiKey: KEY, dangerouslyAllowBrowser: true }));
  assert.ok(new Driver({ apiKey: "eyJ.short-lived.token" }));
});

test("no object shows the key as text", async (t) => {
  let status = 500;
  const server = await faultServer(t, () =>
    status < 300 ? json(status, { run_id: "r1" }) : json(status, {}),
  );
  const driver = simple({ apiKey: KEY, endpoint: server.url, retry: false });
  const errors = [];
  for (status of [401, 403, 404, 409, 429, 500, 200]) {
    if (status !== 200) errors.push(await rejectionOf(driver.start()));
  }
  errors.push(await rejectionOf(simple({ apiKey: KEY, endpoint: "http://127.0.0.1:1", retry: false }).run()));
  errors.push(thrownBy(() => new Driver({ apiKey: `${KEY} ` })));
  errors.push(thrownBy(() => new Driver({ apiKey: KEY, endpoint: "x" })));
  const handle = await driver.start();
  assert.equal(handle.runId, "r1");
  for (const value of [driver, handle, Driver, await driver.run({ wait: false })]) {
    const shown = inspect(value, { depth: 20, showHidden: true, getters: true });
    assert.doesNotMatch(`${value} ${JSON.stringify(value)} ${shown}`, /secret/);
  }
  for (const error of errors) {
    assert.ok(error instanceof HighwayError, error.stack);
    assert.doesNotMatch(await textsOf(error), /secret/);
    assert.doesNotMatch(inspect(error.cause, { depth: 20, showHidden: true }), /secret/);
  }
});

test("the key is not shown if a server repeats it", async (t) => {
  const server = await faultServer(t, ({ headers }) =>
    json(401, { message: `bad ${headers.authorization}` }),
  );
  const driver = simple({ apiKey: KEY, endpoint: server.url });
  assert.doesNotMatch(await textsOf(await rejectionOf(driver.run())), /secret/);
});

test("errors are recognized across the ESM and the CommonJS copy", async () => {
  assert.notEqual(cjs.HighwayError, HighwayError);
  const fromCjs = thrownBy(() => new cjs.Driver().task("t", {}));
  const fromEsm = thrownBy(() => new Driver().task("t", {}));
  assert.ok(!(fromCjs instanceof HighwayError));
  for (const [error, copy] of [
    [fromCjs, esm],
    [fromEsm, cjs],
  ]) {
    assert.ok(copy.isHighwayError(error));
    assert.ok(copy.isHighwayError(error, "TASK_TYPE_MISSING"));
    assert.ok(!copy.isHighwayError(error, "TASK_DUPLICATE"));
  }
  for (const other of [undefined, null, 1, "x", {}, new Error("x"), { code: "TASK_TYPE_MISSING" }]) {
    assert.equal(isHighwayError(other), false);
  }
});

test("a reference of the other copy gives its task's name", () => {
  const driver = simple();
  const other = cjs.ref("a");
  driver.tool("b", "x", { out: other.result.stdout }, { depends: [other] });
  const { b } = driver.build().tasks;
  assert.deepEqual([b.dependencies, b.kwargs.out], [["a"], "{{a_result.stdout}}"]);
});

test("both copies export the same names, and load by themselves", () => {
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
  assert.equal(isReady(), true);
});
