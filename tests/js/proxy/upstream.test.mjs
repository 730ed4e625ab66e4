// What a proxy passes back from the Highway server: answers, failures, and never the key.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { faultServer, json, reset, silence, stalled, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { checkRefusal, greeting, KEY, proxyFor } from "../support/proxy.mjs";
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

describe("answers", { concurrency: true }, () => {
  for (const status of [200, 201, 202, 400, 403, 404, 409, 422, 500, 503]) {
    test(`${status} is passed on unchanged`, async (t) => {
      const body = { status: "x", message: "größe ✓", data: { n: [1, null] } };
      const { ask } = await before(t, ({ path }) =>
        path.endsWith("/events") ? json(status, body, { "x-request-id": "q-1", "retry-after": "2" }) : known,
      );
      const answer = await ask("GET workflows/r/events");
      assert.deepEqual([answer.status, answer.json], [status, body]);
      assert.equal(answer.headers["x-request-id"], "q-1");
      assert.equal(answer.headers["cache-control"], "no-store");
    });
  }

  test("204 is passed on without a body", async (t) => {
    const { ask } = await before(t, ({ method }) =>
      method === "POST" ? { status: 204, headers: {} } : known,
    );
    const answer = await ask("POST workflows/r/cancel");
    assert.deepEqual([answer.status, answer.text], [204, ""]);
  });

  test("text is passed on as text: a drawing, a log", async (t) => {
    const { ask } = await before(t, ({ path }) =>
      path.endsWith("/graph") ? text(200, "graph TD\n a-->b") : known,
    );
    const answer = await ask("GET workflows/r/graph");
    assert.deepEqual([answer.text, answer.headers["content-type"]], ["graph TD\n a-->b", "text/plain"]);
  });

  test("401 is the proxy's own fault, because a page has no key to correct", async (t) => {
    const answer = json(401, { code: "UNAUTHORIZED", message: "the key has expired" });
    const { ask } = await before(t, ({ path }) => (path.endsWith("/r") ? known : answer));
    for (const line of [
      "GET workflows/r/events",
      "GET workflows/r/stream",
      "POST workflows/r/cancel",
      "GET workflows",
    ])
      checkRefusal(await ask(line), 502, "UPSTREAM_UNAUTHORIZED");
  });

  for (const type of [
    "text/html; charset=utf-8",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "text/javascript",
    "x",
  ]) {
    test(`content that a browser could run becomes plain text: ${type}`, async (t) => {
      const { ask } = await before(t, ({ path }) =>
        path.endsWith("/events") ? text(200, "<svg xmlns='http://www.w3.org/2000/svg'/>", type) : known,
      );
      assert.equal(
        (await ask("GET workflows/r/events")).headers["content-type"],
        "text/plain; charset=utf-8",
      );
    });
  }

  for (const type of [
    "application/json",
    "application/problem+json; charset=utf-8",
    "text/vnd.graphviz",
    "Text/Plain",
  ]) {
    test(`other media types stay: ${type}`, async (t) => {
      const { ask } = await before(t, ({ path }) =>
        path.endsWith("/events") ? text(200, "{}", type) : known,
      );
      assert.equal((await ask("GET workflows/r/events")).headers["content-type"], type);
    });
  }

  for (const status of [200, 404, 502]) {
    // The proxy answers on the application's origin, where a foreign page must not appear as one of the application.
    test(`an HTML page of the server does not appear as a page: ${status}`, async (t) => {
      const { ask } = await before(t, ({ path }) =>
        path.endsWith("/events") ? text(status, "<script>alert(origin)</script>", "text/html") : known,
      );
      const { headers } = await ask("GET workflows/r/events");
      const isSandboxed = /sandbox/.test(headers["content-security-policy"] ?? "");
      assert.ok(isSandboxed || !/html/.test(headers["content-type"]), JSON.stringify(headers));
    });
  }

  test("the media type of an answer is not guessed", async (t) => {
    const { ask } = await before(t, () => known);
    for (const line of ["GET workflows/r/events", "GET workflows/r", "GET workflows", "GET artifacts"])
      assert.equal((await ask(line)).headers["x-content-type-options"], "nosniff");
  });

  for (const status of [301, 302, 303, 307, 308, 304, 300]) {
    test(`a redirect is not followed: ${status}`, async (t) => {
      const other = await faultServer(t, [known]);
      const { ask } = await before(t, [{ status, headers: { location: `${other.url}/steal` }, body: "" }]);
      checkRefusal(await ask("GET workflows/r"), 502, "UPSTREAM_REDIRECTED");
      checkRefusal(
        await ask("POST workflows", { body: { workflow_definition: greeting } }),
        502,
        "UPSTREAM_REDIRECTED",
      );
      assert.equal(other.requests.length, 0);
    });
  }

  test("an answer of millions of values is refused, however short, and passed on if it is a refusal", async (t) => {
    const deep = "[".repeat(2_000_000) + "]".repeat(2_000_000);
    let status = 200;
    const { ask } = await before(t, () => text(status, deep, "application/json"));
    checkRefusal(await ask("GET workflows/r"), 502, "ANSWER_TOO_LARGE");
    status = 500;
    const refused = await ask("GET workflows/r");
    assert.deepEqual([refused.status, refused.text.length], [500, deep.length]);
  });

  test("an answer above 32 MiB is refused, with a length and without one", async (t) => {
    const chunk = Buffer.alloc(4 * 1024 * 1024, " ");
    // Far more than the buffers hold, so that the server cannot finish before it is cut off.
    const count = 64;
    for (const headers of [{}, { "content-length": String(chunk.length * count) }]) {
      let isCut = false;
      const server = createServer(async (_, response) => {
        response.once("close", () => {
          isCut = !response.writableFinished;
        });
        response.writeHead(200, { "content-type": "application/json", ...headers });
        for (let at = 0; at < count && !response.closed; at++)
          if (!response.write(chunk)) await Promise.race([once(response, "drain"), once(response, "close")]);
        response.end();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.closeAllConnections() ?? server.close());
      const { ask } = proxyFor({ endpoint: `http://127.0.0.1:${server.address().port}`, fetch: undefined });
      checkRefusal(await ask("GET workflows/r"), 502, "ANSWER_TOO_LARGE");
      assert.ok(await until(() => isCut));
    }
  });
});

describe("a server that fails", { concurrency: true }, () => {
  test("cannot be reached", async (t) => {
    const { server, ask } = await before(t, [reset()]);
    checkRefusal(await ask("GET workflows/r"), 502, "UPSTREAM_UNREACHABLE");
    checkRefusal(
      await proxyFor({ endpoint: "http://127.0.0.1:9", fetch: undefined }).ask("GET workflows/r"),
      502,
      "UPSTREAM_UNREACHABLE",
    );
    // The proxy repeats nothing; the page's client does.
    assert.equal(server.requests.length, 1);
  });

  test("breaks off in the middle of an answer", async (t) => {
    const { ask } = await before(t, [reset("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")]);
    checkRefusal(await ask("GET workflows/r"), 502, "UPSTREAM_UNREACHABLE");
  });

  test("the reason is not shown, because it may name internal hosts", async () => {
    const fetch = () => Promise.reject(new TypeError("connect ECONNREFUSED 10.0.0.7:7822"));
    assert.doesNotMatch((await proxyFor({ fetch }).ask("GET workflows/r")).text, /10\.0\.0\.7/);
  });

  for (const [what, answer] of [
    ["does not answer", silence],
    ["stops in the middle of an answer", stalled],
  ]) {
    test(`${what} in time, and its request is cut off`, async (t) => {
      const { server, ask } = await before(t, [answer], { timeout: 0.1 });
      checkRefusal(await ask("GET workflows/r"), 504, "UPSTREAM_TIMEOUT");
      assert.ok(await until(() => server.open.size === 0));
    });
  }

  test("may take longer for an update that asks for it", async (t) => {
    const slow = async ({ method }) => {
      if (method === "POST") await sleep(900);
      return known;
    };
    const { ask } = await before(t, slow, { timeout: 0.5 });
    const send = (what, timeout_seconds) => ask(`POST workflows/r/${what}`, { body: { timeout_seconds } });
    const late = [["signals", 5], ...[undefined, -1, "x", null, {}].map((odd) => ["updates", odd])];
    for (const answer of await Promise.all(late.map(([what, limit]) => send(what, limit))))
      checkRefusal(answer, 504, "UPSTREAM_TIMEOUT");
    assert.equal((await send("updates", 5)).status, 200);
  });

  test("has no more time if its `fetch` ignores signals, as a worker's service does", async () => {
    const { ask } = proxyFor({ fetch: () => new Promise(() => {}), timeout: 0.1 });
    const answer = await Promise.race([
      ask("GET workflows/r"),
      sleep(60_000, { status: "no answer" }, { ref: false }),
    ]);
    assert.equal(`${answer.status} ${answer.code}`, "504 UPSTREAM_TIMEOUT");
  });

  test("has no more time if only the body of its answer never ends", async () => {
    const { ask } = proxyFor({ fetch: async () => new Response(new ReadableStream({})), timeout: 0.1 });
    const answer = await Promise.race([
      ask("GET workflows/r"),
      sleep(60_000, { status: "no answer" }, { ref: false }),
    ]);
    assert.equal(`${answer.status} ${answer.code}`, "504 UPSTREAM_TIMEOUT");
  });

  test("gets an update with the page's time limit, whatever it is", async () => {
    const { ask } = proxyFor();
    const body = '{"update_name":"x","timeout_seconds":{"toString":1,"valueOf":1}}';
    const { status, text } = await ask("POST workflows/r/updates", { body });
    assert.ok(status < 500, text);
  });
});

describe("the key", { concurrency: true }, () => {
  for (const [what, answer] of [
    [
      "as text",
      () =>
        json(403, {
          message: `bad key ${KEY}`,
          data: { workflow_name: "greeting", key: [KEY, { [KEY]: KEY }] },
        }),
    ],
    ["in a run", () => json(200, { data: { ...run, request: { authorization: `Bearer ${KEY}` } } })],
    ["in text", () => text(200, `key=${KEY}`)],
  ]) {
    test(`is in no answer if the server repeats it ${what}`, async (t) => {
      const { ask } = await before(t, ({ path }) =>
        path.endsWith("/r") && what !== "in a run" ? known : answer(),
      );
      for (const line of ["GET workflows/r", "GET workflows/r/steps/a/logs"]) await ask(line);
      assert.match((await ask("GET workflows/r/events")).text, /\[API key\]/);
    });
  }

  for (const header of [
    "x-request-id",
    "retry-after",
    "content-type",
    "x-ratelimit-limit",
    "x-echo",
    "set-cookie",
  ]) {
    test(`is in no header if the server repeats it in ${header}`, async (t) => {
      const { ask } = await before(t, () => json(200, { data: run }, { [header]: KEY }));
      // `ask` checks this for every answer.
      for (const line of ["GET workflows/r", "GET workflows/r/events", "GET workflows/r/stream"])
        await ask(line);
    });
  }

  test("is in no event of a stream, not even in two pieces", async () => {
    for (const pieces of [
      [`data: {"key":"${KEY}"}\n\n`],
      [`data: ${KEY.slice(0, 9)}`, `${KEY.slice(9)}\n\n`],
      [`data: x\n\ndata: ${KEY.slice(0, 9)}`, `${KEY.slice(9, 12)}`, KEY.slice(12)],
      [...`data: ${KEY}\r\rdata: größe ${KEY}`],
    ]) {
      const stream = () =>
        new Response(ReadableStream.from(pieces.map((piece) => Buffer.from(piece))), {
          headers: { "content-type": "text/event-stream" },
        });
      const { ask } = proxyFor({}, ({ path }) => (path.endsWith("/stream") ? stream() : run));
      const { text: shown } = await ask("GET workflows/r/stream");
      assert.equal(shown, pieces.join("").replaceAll(KEY, "[API key]"));
    }
  });

  test("that is a short word does not change the text of an answer", async () => {
    // As in the README: `apiKey: "local"` for an engine that needs no key.
    for (const apiKey of ["local", "e", '"']) {
      const events = { workflow_name: "greeting", events: ["http://localhost:1"], state: "completed" };
      const { ask } = proxyFor({ apiKey }, () => events);
      assert.deepEqual((await ask("GET workflows/r/events")).data, events);
    }
  });
});

checkQuiet();
