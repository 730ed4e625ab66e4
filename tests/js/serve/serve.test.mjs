// `serve` of highway-wasm/node: its options, its lifetime, its answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, Highway } from "highway-wasm";
import { serve } from "highway-wasm/node";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { folder } from "../support/cli.mjs";
import { checkRejection } from "../support/errors.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { stopwatch } from "../support/stopwatch.mjs";
import { until } from "../support/until.mjs";

const checkQuiet = watchProcess();
const KEY = "a-key-of-these-tests";

/** A server that is closed after the test. */
async function served(t, options) {
  const server = await serve({ port: 0, key: KEY, ...options });
  t.after(() => server.close());
  return server;
}

describe("a server", { concurrency: true }, () => {
  test("has a URL, and runs what a driver submits", async (t) => {
    const server = await served(t);
    assert.equal(server.url, `http://127.0.0.1:${server.port}`);
    assert.deepEqual([server.key, server.keyFile, server.isNewKey], [KEY, undefined, false]);
    const driver = new Driver({ endpoint: server.url, apiKey: server.key });
    driver.shell("hello", "echo hello {{inputs.name}}");
    const result = await driver.run({ inputs: { name: "Ada" } });
    assert.equal(result.tasks.hello.stdout, "hello Ada");
    const highway = new Highway({ endpoint: server.url, apiKey: server.key });
    assert.equal((await highway.workflows.list().toArray()).length, 1);
  });

  test("has the given tools", async (t) => {
    const engine = { tools: { "greet.person": ({ kwargs }) => ({ text: `hello ${kwargs.name}` }) } };
    const server = await served(t, { engine });
    const driver = new Driver({ endpoint: server.url, apiKey: KEY });
    driver.tool("greet", "greet.person", { name: "Bob" });
    assert.equal((await driver.run()).tasks.greet.result.text, "hello Bob");
  });

  test("listens on IPv6 too", async (t) => {
    for (const host of ["::1", "[::1]"]) {
      const server = await served(t, { host });
      assert.equal(server.url, `http://[::1]:${server.port}`);
      assert.equal((await fetch(`${server.url}/ping`)).status, 200);
    }
  });

  test("on a port in use says so, and leaves nothing behind", async (t) => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => other.close());
    const { port } = other.address();
    const error = await serve({ port, key: KEY }).catch((caught) => caught);
    assert.equal(error.code, "EADDRINUSE");
    assert.equal(error.message, `port ${port} of \`127.0.0.1\` is in use`);
    assert.match(error.help, /another port/);
  });

  test("on a host of another machine says so", async () => {
    const error = await serve({ port: 0, host: "203.0.113.1", key: KEY }).catch((caught) => caught);
    assert.equal(error.code, "EADDRNOTAVAIL");
    assert.match(error.message, /`203.0.113.1` is not an address of this machine/);
  });

  test("closes once, however often it is told, and accepts no more connections", async (t) => {
    const server = await served(t);
    // A connection that is kept for later does not delay the end.
    await (await fetch(`${server.url}/ping`)).text();
    const watch = stopwatch();
    await Promise.all([server.close(), server.close()]);
    await server.close();
    assert.ok(watch.stop() < 2500, "it waited for nobody");
    const error = await fetch(`${server.url}/ping`).catch((caught) => caught);
    assert.equal(error.cause.code, "ECONNREFUSED");
  });

  test("ends a request that never ends, after a while", async (t) => {
    const server = await served(t);
    const controller = new AbortController();
    t.after(() => controller.abort());
    const body = new ReadableStream({ start: (source) => source.enqueue(new TextEncoder().encode("{")) });
    const asking = fetch(`${server.url}/api/v1/workflows`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body,
      duplex: "half",
      signal: controller.signal,
    }).catch((caught) => caught);
    await until(() => server.underWay === 1);
    const started = performance.now();
    const watch = stopwatch();
    await server.close();
    assert.ok(performance.now() - started > 4000);
    assert.ok(watch.stop() < 9000);
    assert.ok((await asking) instanceof Error);
    await until(() => server.underWay === 0);
  });
});

describe("options", { concurrency: true }, () => {
  for (const [options, path, message] of [
    [{ prot: 1 }, "/prot", /serve has no option `prot`/],
    [{ port: -1 }, "/port", /`port`/],
    [{ port: 65536 }, "/port", /`port`/],
    [{ port: 1.5 }, "/port", /`port`/],
    [{ port: "80" }, "/port", /`port`/],
    [{ host: "" }, "/host", /`host`/],
    [{ host: "a b" }, "/host", /`host`/],
    [{ host: "http://localhost" }, "/host", /`host`/],
    [{ data: "" }, "/data", /`data`/],
    [{ maxBody: 0 }, "/maxBody", /`maxBody`/],
    [{ maxBodies: 0.5 }, "/maxBodies", /`maxBodies`/],
    [{ bodyTimeout: 0 }, "/bodyTimeout", /`bodyTimeout`/],
    [{ cors: "http://a.example" }, "/cors", /`cors` is not a list/],
    [{ cors: ["*"] }, "/cors", /every page/],
    [{ cors: ["http://*.example"] }, "/cors", /not an origin/],
    [{ cors: ["a.example"] }, "/cors", /not an origin/],
    [{ cors: ["http://a.example/path"] }, "/cors", /not an origin/],
    [{ cors: ["null"] }, "/cors", /not an origin/],
    [{ allowedHosts: ["*"] }, "/allowedHosts", /not a name of a host/],
    [{ allowedHosts: ["http://a.example"] }, "/allowedHosts", /not a name of a host/],
    [{ allowedHosts: [""] }, "/allowedHosts", /not a name of a host/],
    [{ allowedHosts: ["0.0.0.0"] }, "/allowedHosts", /not a name of a host/],
    [{ allowedHosts: [1] }, "/allowedHosts", /not a list of texts/],
    [{ key: "" }, "/key", /API key/],
    [{ key: "with blanks" }, "/key", /API key/],
    [{ key: "größe" }, "/key", /API key/],
    [{ engine: { nonsense: 1 } }, "/nonsense", /the engine has no option/],
  ]) {
    test(`${JSON.stringify(options)} is refused`, async () => {
      const error = await checkRejection(serve({ port: 0, key: KEY, ...options }), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path,
        message,
      });
      assert.doesNotMatch(error.message, /with blanks|größe/);
    });
  }
});

describe("a stream of events", () => {
  test("ends when the server stops; other answers do not", async () => {
    const { untilStopped } = await import(inRoot("dist", "esm", "node", "stopping.js"));
    const stop = new AbortController();
    const bodyOf = () =>
      new ReadableStream({ start: (source) => source.enqueue(new TextEncoder().encode("data: 1\n\n")) });
    const types = { "/events": "text/event-stream; charset=utf-8", "/other": "text/plain" };
    const handler = untilStopped(async ({ url }) => {
      const { pathname } = new URL(url);
      return new Response(bodyOf(), {
        status: 201,
        headers: { "content-type": types[pathname], "x-a": "1" },
      });
    }, stop.signal);
    const events = await handler(new Request("http://a/events"));
    const other = await handler(new Request("http://a/other"));
    assert.deepEqual([events.status, events.headers.get("x-a")], [201, "1"]);
    const [reader, otherReader] = [events, other].map(({ body }) => body.getReader());
    assert.equal(new TextDecoder().decode((await reader.read()).value), "data: 1\n\n");
    await otherReader.read();
    stop.abort();
    await assert.rejects(reader.read());
    assert.equal(await Promise.race([otherReader.read(), sleep(50, "goes on")]), "goes on");
  });

  test("and failures have the form of the API's errors", async (t) => {
    const { untilStopped } = await import(inRoot("dist", "esm", "node", "stopping.js"));
    t.mock.method(console, "error", () => {});
    const stop = new AbortController();
    const handler = untilStopped(async () => {
      throw new Error("inner matters");
    }, stop.signal);
    const before = await handler(new Request("http://a/"));
    assert.equal(before.status, 500);
    assert.deepEqual(await before.json(), {
      status: "error",
      success: false,
      message: "internal error",
      code: "INTERNAL_ERROR",
    });
    stop.abort();
    const later = await handler(new Request("http://a/"));
    assert.deepEqual([later.status, (await later.json()).code], [503, "SHUTTING_DOWN"]);
  });
});

describe("the data folder", () => {
  test("keeps runs for the next start; without one nothing is created", async (t) => {
    const { existsSync, readdirSync } = await import("node:fs");
    const cwd = folder(t);
    const data = `${cwd}/data`;
    await served(t, {});
    assert.deepEqual(readdirSync(cwd), []);
    const first = await served(t, { data });
    const driver = new Driver({ endpoint: first.url, apiKey: first.key });
    driver.shell("hello", "echo hello");
    const { runId } = await driver.run();
    await first.close();
    assert.ok(existsSync(`${data}/runs/journal`));
    const second = await served(t, { data });
    const again = new Driver({ endpoint: second.url, apiKey: second.key });
    const { tasks } = await again.handle(runId).result();
    assert.equal(tasks.hello.stdout, "hello");
  });
});

checkQuiet();
