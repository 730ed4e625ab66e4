// Streams through a proxy, and what happens to a request when the page leaves.
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver } from "highway-wasm";
import { faultServer, json, reset, silence, stalled, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { allowing, checkRefusal, greeting, proxyFor, readAnswer, serve } from "../support/proxy.mjs";
import { until } from "../support/until.mjs";

const checkQuiet = watchProcess();
const run = { workflow_run_id: "r", workflow_name: "greeting", status: "running" };
const known = json(200, { data: run });
/** A proxy in front of a real server. */
async function before(t, script, options = {}) {
  const server = await faultServer(t, script);
  const { proxy, ask } = proxyFor({ endpoint: server.url, fetch: undefined, ...options });
  return { server, proxy, ask };
}

/** A server with an event stream, which begins with a greeting. `streams` are the open ones, to write to. */
async function streamServer(t, greets = true) {
  const streams = [];
  const shown = { ...run };
  const server = createServer((request, response) => {
    if (!request.url.endsWith("/stream"))
      return response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ data: shown }));
    const stream = { response, isCut: false };
    response.once("close", () => {
      stream.isCut = !response.writableFinished;
    });
    streams.push(stream);
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    return greets && response.write(": hello\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${server.address().port}`, streams, shown };
}

describe("a stream", { concurrency: true }, () => {
  /** A stream through a proxy behind node:http. */
  async function open(t, options = {}) {
    const server = await streamServer(t);
    const { proxy } = proxyFor({ endpoint: server.url, fetch: undefined, ...options });
    const { url } = await serve(t, proxy);
    const controller = new AbortController();
    const response = await fetch(`${url}/api/v1/workflows/r/stream`, { signal: controller.signal });
    const reader = response.body.getReader();
    assert.equal(await next(reader), ": hello\n\n");
    return { response, reader, stream: server.streams[0], controller };
  }
  const next = async (reader) => Buffer.from((await reader.read()).value ?? []).toString();

  test("arrives event by event, as it is sent", async (t) => {
    const { response, reader, stream } = await open(t);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.equal(response.headers.get("cache-control"), "no-store");
    for (const event of ["data: 1\n\n", ": ping\n\n", "event: x\ndata: größe\n\n"]) {
      // Nothing else is pending: an event that is not passed on at once would never arrive.
      stream.response.write(event);
      assert.equal(await next(reader), event);
    }
    stream.response.end();
    assert.equal((await reader.read()).done, true);
  });

  test("opens together with the server's, and not with its first event", async (t) => {
    const server = await streamServer(t, false);
    const { proxy } = proxyFor({ endpoint: server.url, fetch: undefined });
    const { url } = await serve(t, proxy);
    const { ok, body } = await fetch(`${url}/api/v1/workflows/r/stream`, {
      signal: AbortSignal.timeout(60_000),
    });
    assert.ok(ok);
    await body.cancel();
  });

  test("has no time limit of its own", async (t) => {
    const { reader, stream } = await open(t, { timeout: 0.5 });
    await sleep(700);
    stream.response.write("data: late\n\n");
    assert.equal(await next(reader), "data: late\n\n");
    stream.response.end();
  });

  test("ends when the page leaves, before an event and after one", async (t) => {
    for (const events of [0, 1]) {
      const { reader, stream, controller } = await open(t);
      for (let at = 0; at < events; at++) {
        stream.response.write("data: 1\n\n");
        await next(reader);
      }
      controller.abort();
      assert.ok(await until(() => stream.isCut));
      await reader.read().catch(() => {});
    }
  });

  test("breaks off for the page if the server breaks off", async (t) => {
    const { reader, stream } = await open(t);
    stream.response.write("data: 1\n\n");
    await next(reader);
    stream.response.destroy();
    await assert.rejects(reader.read());
  });

  test("ends when the handler's caller cancels the body, as a worker does", async (t) => {
    const server = await streamServer(t);
    const { proxy } = proxyFor({ endpoint: server.url, fetch: undefined });
    const response = await proxy(new Request("https://app.example/api/v1/workflows/r/stream"));
    await response.body.cancel();
    assert.ok(await until(() => server.streams[0].isCut));
  });

  test("ends for a page that leaves even if its `fetch` ignores signals", async () => {
    let isCancelled = false;
    const body = new ReadableStream({
      cancel() {
        isCancelled = true;
      },
    });
    const { proxy } = proxyFor({}, ({ path }) =>
      path.endsWith("/stream")
        ? new Response(body, { headers: { "content-type": "text/event-stream" } })
        : run,
    );
    const controller = new AbortController();
    const { signal } = controller;
    const response = await proxy(new Request("https://app.example/api/v1/workflows/r/stream", { signal }));
    controller.abort();
    await assert.rejects(response.text());
    assert.ok(await until(() => isCancelled));
  });

  test("that is not a stream is an ordinary answer: read completely, in time", async (t) => {
    const { ask } = await before(t, ({ path }) => (path.endsWith("/stream") ? stalled : known), {
      timeout: 0.2,
    });
    checkRefusal(await ask("GET workflows/r/stream"), 504, "UPSTREAM_TIMEOUT");
  });

  test("that cannot be opened is an ordinary answer", async (t) => {
    for (const [answer, status] of [
      [json(404, { code: "NOT_FOUND" }), 404],
      [text(500, "oh"), 500],
      [reset(), 502],
      [{ status: 302, headers: { location: "/x" } }, 502],
    ]) {
      const { ask } = await before(t, ({ path }) => (path.endsWith("/stream") ? answer : known));
      assert.equal((await ask("GET workflows/r/stream")).status, status);
    }
    const { ask } = await before(t, ({ path }) => (path.endsWith("/stream") ? silence : known), {
      timeout: 0.2,
    });
    checkRefusal(await ask("GET workflows/r/stream"), 504, "UPSTREAM_TIMEOUT");
  });

  test("reports the changes of a run to a page's driver", async (t) => {
    const server = await streamServer(t);
    const { proxy } = proxyFor({ endpoint: server.url, fetch: undefined, allow: allowing(["status"]) });
    const { url } = await serve(t, proxy);
    const driver = new Driver({ endpoint: url, auth: false });
    const seen = [];
    const following = (async () => {
      for await (const { state } of driver.handle("r").watch()) seen.push(state);
    })();
    assert.ok(await until(() => server.streams.length > 0));
    server.shown.status = "completed";
    server.streams[0].response.write(`data: ${JSON.stringify(server.shown)}\n\n`);
    await following;
    assert.deepEqual(seen, ["running", "completed"]);
  });
});

describe("the number of streams", { concurrency: true }, () => {
  const open = (ask, signal) =>
    ask(new Request("https://app.example/api/v1/workflows/r/stream", signal && { signal }));
  /** A proxy whose server opens streams that `controllers` write to. */
  function streaming(maxStreams, answer) {
    const controllers = [];
    const stream = () => {
      const body = new ReadableStream({ start: (controller) => controllers.push(controller) });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const { proxy } = proxyFor({ maxStreams }, ({ path }) =>
      path.endsWith("/stream") ? (answer?.() ?? stream()) : run,
    );
    return { proxy, controllers };
  }
  const statusOf = async (proxy) => {
    const response = await open(proxy);
    await response.body?.cancel();
    return response.status;
  };

  test("is limited by an option: the next one is refused, with a time to come back", async () => {
    const { proxy } = streaming(2);
    await Promise.all([open(proxy), open(proxy)]);
    const refused = await open(proxy);
    assert.equal(refused.headers.get("retry-after"), "5");
    checkRefusal({ ...(await readAnswer(refused)) }, 503, "STREAMS_FULL");
  });

  test("is 100 by default", async () => {
    const { proxy } = streaming();
    for (let at = 0; at < 100; at++) assert.equal((await open(proxy)).status, 200);
    assert.equal((await open(proxy)).status, 503);
  });

  test("decreases, however streams end", async () => {
    const { proxy, controllers } = streaming(1);
    const ends = [
      async (response) => response.body.cancel(),
      async (response) => {
        controllers.at(-1).close();
        await response.text();
      },
      async (response) => {
        controllers.at(-1).error(new Error("broken"));
        await assert.rejects(response.text());
      },
    ];
    for (const end of ends) {
      const response = await open(proxy);
      assert.equal(await statusOf(proxy), 503);
      await end(response);
    }
    const controller = new AbortController();
    await open(proxy, controller.signal);
    assert.equal(await statusOf(proxy), 503);
    controller.abort();
    assert.equal(await statusOf(proxy), 200);
  });

  test("does not include those that could not be opened, or are no streams", async () => {
    for (const answer of [
      () => new Response("no", { status: 500 }),
      () => new Response("{}", { headers: { "content-type": "application/json" } }),
      () => Promise.reject(new Error("unreachable")),
    ]) {
      const { proxy } = streaming(1, answer);
      for (let at = 0; at < 3; at++) assert.notEqual(await statusOf(proxy), 503);
    }
  });

  test("a client whose stream is refused follows its run all the same", async () => {
    const { proxy } = streaming(1);
    await open(proxy);
    const shown = { ...run };
    const fetch = async (request) => {
      const answer = await proxy(request);
      return answer.status === 200 ? Response.json({ data: shown }) : answer;
    };
    const driver = new Driver({ endpoint: "https://app.example", auth: false, fetch });
    const ended = driver.handle("r").result();
    await sleep(1500);
    shown.status = "completed";
    assert.equal((await ended).state, "completed");
  });
});

describe("a page that leaves", { concurrency: true }, () => {
  for (const [when, script, line] of [
    ["while a run is looked up", () => silence, "GET workflows/r/steps"],
    [
      "while something is read",
      ({ path }) => (path.endsWith("/steps") ? silence : known),
      "GET workflows/r/steps",
    ],
    [
      "while an answer comes",
      ({ path }) => (path.endsWith("/steps") ? stalled : known),
      "GET workflows/r/steps",
    ],
    [
      "while something is done",
      ({ method }) => (method === "POST" ? silence : known),
      "POST workflows/r/signals",
    ],
    ["while a workflow is submitted", () => silence, "POST workflows"],
    ["while the list is read", () => stalled, "GET workflows"],
  ]) {
    test(`${when} ends the request to the server`, async (t) => {
      const { server, proxy } = await before(t, script);
      const { url } = await serve(t, proxy);
      const [method, path] = line.split(" ");
      const controller = new AbortController();
      const body = method === "POST" ? JSON.stringify({ workflow_definition: greeting }) : undefined;
      const answer = fetch(`${url}/api/v1/${path}`, { method, body, signal: controller.signal }).then((got) =>
        got.text(),
      );
      await server.received(path.endsWith("/steps") && when !== "while a run is looked up" ? 2 : 1);
      controller.abort();
      await assert.rejects(answer);
      assert.ok(await until(() => server.open.size === 0), "the request is still open");
    });
  }

  test("before anything was sent: nothing is sent", async () => {
    const { ask, server } = proxyFor();
    const body = { workflow_definition: greeting };
    await ask("POST workflows", { body, signal: AbortSignal.abort() });
    assert.equal(server.seen.length, 0);
  });

  test("while the hook decides: nothing is carried out", async () => {
    const controller = new AbortController();
    const authorize = async () => {
      controller.abort();
      await sleep(1);
    };
    const { ask, server } = proxyFor({ authorize });
    await ask("POST workflows/r/cancel", { signal: controller.signal });
    assert.deepEqual(server.lines, ["GET /api/v1/workflows/r"]);
  });

  test("leaves no listener behind, nor do answers of any kind", async () => {
    let request;
    const listeners = () => getEventListeners(request.signal, "abort").length;
    const during = [];
    const { proxy } = proxyFor({}, ({ path }) => {
      during.push(listeners());
      if (path.endsWith("/events")) throw new Error("unreachable");
      return run;
    });
    for (const line of [
      "GET workflows/r",
      "GET workflows/r/steps",
      "GET workflows/r/events",
      "POST workflows/r/cancel",
    ]) {
      const [method, path] = line.split(" ");
      request = new Request(`https://app.example/api/v1/${path}`, { method });
      await (await proxy(request)).text();
      assert.equal(listeners(), 0);
    }
    assert.ok(during.every((count) => count > 0));
  });
});

checkQuiet();
