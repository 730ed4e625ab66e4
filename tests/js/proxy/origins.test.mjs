// Which pages may use a proxy: those of its own origin, and those of the allowed origins.
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import { asking, checkRefusal, greeting, proxyFor, serve } from "../support/proxy.mjs";

const own = "https://app.example";
const friend = "https://friend.example";
const origins = [friend, "http://localhost:5173"];
const submission = { workflow_definition: greeting };
const exposed = "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";

/** Sends a request with headers. Returns the answer, and whether the server got a request. */
async function askFrom(headers, options = {}, line = "GET workflows/run-1") {
  const { ask, server } = proxyFor({ origins, ...options });
  const answer = await ask(line, { headers, body: line.startsWith("POST") ? submission : undefined });
  return { answer, allowed: answer.headers["access-control-allow-origin"], reached: server.seen.length > 0 };
}

const cors = (headers) => Object.keys(headers).filter((name) => name.startsWith("access-control"));
const lines = ["GET workflows/run-1", "POST workflows", "GET workflows/run-1/stream"];

describe("requests", { concurrency: true }, () => {
  for (const line of lines) {
    test(`of the own origin are allowed, without CORS: ${line}`, async () => {
      for (const headers of [{ origin: own }, { origin: own, "sec-fetch-site": "same-origin" }, {}]) {
        const { answer } = await askFrom(headers, {}, line);
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(cors(answer.headers), []);
        assert.equal(answer.headers.vary, "origin");
      }
    });

    test(`of an allowed origin are allowed, and may be read: ${line}`, async () => {
      for (const origin of origins) {
        const { answer, allowed } = await askFrom({ origin, "sec-fetch-site": "cross-site" }, {}, line);
        assert.deepEqual([answer.status, allowed], [200, origin]);
        assert.equal(answer.headers["access-control-expose-headers"], exposed);
        assert.equal(answer.headers.vary, "origin");
        assert.equal(answer.headers["access-control-allow-credentials"], undefined);
      }
    });

    for (const origin of [
      "https://evil.example",
      "null",
      "",
      "http://app.example",
      "https://app.example:8443",
      "https://app.example.evil.example",
      "https://evil.example/https://app.example",
      "https://xfriend.example",
      "https://friend.example.evil.example",
      "https://friend.example:444",
      "http://friend.example",
      "https://FRIEND.example",
      "https://friend.example/",
      "https://app.example, https://evil.example",
      "https://friend.example https://evil.example",
      "*",
      "file://",
    ]) {
      test(`of "${origin}" are refused, and cannot be read: ${line}`, async () => {
        const { answer, reached } = await askFrom({ origin }, {}, line);
        checkRefusal(answer, 403, "ORIGIN_NOT_ALLOWED");
        assert.ok(!reached);
        assert.deepEqual(cors(answer.headers), []);
        assert.equal(answer.headers.vary, "origin");
      });
    }

    for (const [site, passes] of [
      ["cross-site", false],
      ["same-site", false],
      ["same-origin", true],
      ["none", true],
    ]) {
      test(`without an origin, from ${site}, ${passes ? "pass" : "are refused"}: ${line}`, async () => {
        const { answer, reached } = await askFrom({ "sec-fetch-site": site }, {}, line);
        assert.equal(reached, passes);
        if (passes) assert.equal(answer.status, 200);
        else checkRefusal(answer, 403, "ORIGIN_NOT_ALLOWED");
      });
    }
  }

  test("an error of the proxy can be read if the origin may use it", async () => {
    const { answer, allowed } = await askFrom({ origin: friend }, { allow: {} });
    checkRefusal(answer, 403, "VERB_NOT_ALLOWED");
    assert.equal(allowed, friend);
    const { answer: other, allowed: again } = await askFrom(
      { origin: friend },
      { authorize: () => new Response("no", { status: 402 }) },
    );
    assert.deepEqual([other.status, again, other.headers.vary], [402, friend, "origin"]);
  });

  test("no other origin is allowed if none is named", async () => {
    for (const options of [{ origins: undefined }, { origins: [] }]) {
      checkRefusal((await askFrom({ origin: friend }, options)).answer, 403, "ORIGIN_NOT_ALLOWED");
      assert.equal((await askFrom({ origin: own }, options)).answer.status, 200);
    }
  });

  test("`*` allows every origin, and names the one", async () => {
    for (const origin of ["https://any.example", "null", "http://localhost:1"]) {
      const { answer, allowed } = await askFrom({ origin }, { origins: "*" });
      assert.deepEqual([answer.status, allowed], [200, origin]);
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    }
  });

  test("neither the hook nor the key is requested for an origin that may not use the proxy", async () => {
    let calls = 0;
    const count = () => {
      calls += 1;
      return "key";
    };
    await askFrom({ origin: "https://evil.example" }, { authorize: count, apiKey: count });
    assert.equal(calls, 0);
  });

  test("the server's own CORS headers are dropped", async () => {
    const headers = {
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      vary: "x",
      "x-request-id": "r-1",
      "x-ratelimit-limit": "10",
      server: "secret/1.0",
      "set-cookie": "a=b",
      "content-encoding": "gzip",
      "content-length": "1",
    };
    const script = () => Response.json({ workflow_name: "greeting" }, { headers });
    const { ask } = proxyFor({ origins }, script);
    const { headers: got } = await ask("GET workflows/run-1", { headers: { origin: own } });
    const passed = Object.keys(headers).filter((name) => name in got);
    assert.deepEqual(passed, ["vary", "x-request-id", "x-ratelimit-limit"]);
    assert.deepEqual([got.vary, got["x-request-id"], got["x-ratelimit-limit"]], ["origin", "r-1", "10"]);
  });
});

describe("preflights", { concurrency: true }, () => {
  const preflight = (origin, more = {}) => ({
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-idempotency-key",
    ...more,
  });

  test("of an allowed origin are answered, without a request to anybody", async () => {
    for (const path of ["workflows", "workflows/run-1/cancel", "nothing", "/"]) {
      const { answer, allowed, reached } = await askFrom(
        preflight(friend),
        { apiKey: () => "" },
        `OPTIONS ${path}`,
      );
      assert.deepEqual([answer.status, answer.text, allowed, reached], [204, "", friend, false]);
      assert.equal(answer.headers["access-control-allow-methods"], "GET, POST");
      assert.equal(answer.headers["access-control-allow-headers"], "accept, content-type, x-idempotency-key");
      assert.match(answer.headers["access-control-max-age"], /^\d+$/);
      assert.equal(answer.headers.vary, "origin");
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    }
  });

  test("of other origins are refused", async () => {
    for (const origin of ["https://evil.example", "null"]) {
      const { answer } = await askFrom(preflight(origin), {}, "OPTIONS workflows");
      checkRefusal(answer, 403, "ORIGIN_NOT_ALLOWED");
      assert.deepEqual(cors(answer.headers), []);
    }
  });

  test("of any origin are answered if all may use it", async () => {
    const { answer, allowed } = await askFrom(
      preflight("https://evil.example"),
      { origins: "*" },
      "OPTIONS workflows",
    );
    assert.deepEqual([answer.status, allowed], [204, "https://evil.example"]);
  });
});

describe("behind another proxy", { concurrency: true }, () => {
  const behind = (headers) => {
    const { proxy, server } = proxyFor({ origins });
    return {
      ask: () => asking(proxy, "http://10.0.0.7:3000")("POST workflows", { headers, body: submission }),
      server,
    };
  };

  test("the host that the browser names is the own origin", async () => {
    const answer = await behind({ origin: "https://app.example", host: "app.example" }).ask();
    assert.equal(answer.status, 200);
    assert.deepEqual(cors(answer.headers), []);
  });

  test("a page without encryption is foreign to an encrypted proxy, because others on the network can change it", async () => {
    const { proxy, server } = proxyFor({ origins });
    const headers = { origin: "http://app.example", host: "app.example" };
    const answer = await asking(proxy, "https://app.example")("POST workflows", {
      headers,
      body: submission,
    });
    checkRefusal(answer, 403, "ORIGIN_NOT_ALLOWED");
    assert.equal(server.seen.length, 0);
  });

  test("another host is foreign, and so is a part of it", async () => {
    for (const [origin, host] of [
      ["https://evil.example", "app.example"],
      ["https://app.example.evil.example", "app.example"],
      ["https://app.example", "app.example.evil.example"],
      ["https://app.example", "app.example:8080"],
      ["null", "null"],
      ["https://app.example", ""],
    ]) {
      const { ask, server } = behind({ origin, host });
      checkRefusal(await ask(), 403, "ORIGIN_NOT_ALLOWED");
      assert.equal(server.seen.length, 0);
    }
  });
});

describe("over a real connection", { concurrency: true }, () => {
  const body = JSON.stringify(submission);

  /** Sends the first lines of a request unchanged, with a body. Resolves with the status. */
  async function send(t, target, headers) {
    const { proxy, server } = proxyFor({ origins });
    const { port } = await serve(t, proxy);
    const socket = net.connect(port, "127.0.0.1");
    const all = { host: `127.0.0.1:${port}`, "content-length": body.length, connection: "close", ...headers };
    const fields = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`POST ${target} HTTP/1.1\r\n${fields.join("")}\r\n${body}`);
    const answer = [];
    for await (const chunk of socket) answer.push(chunk);
    const [, status] = Buffer.concat(answer).toString().split(" ");
    return { status: Number(status), reached: server.seen.length > 0, port };
  }

  test("the own origin is the host of the request", async (t) => {
    const first = await send(t, "/highway/api/v1/workflows", {});
    assert.deepEqual([first.status, first.reached], [200, true]);
    const named = await send(t, "/highway/api/v1/workflows", {
      host: "app.example",
      origin: "http://app.example",
    });
    assert.deepEqual([named.status, named.reached], [200, true]);
    const evil = await send(t, "/highway/api/v1/workflows", { origin: "http://evil.example" });
    assert.deepEqual([evil.status, evil.reached], [403, false]);
  });

  // A page can write any path: `fetch("http://app.example//evil.example/api/v1/workflows", { method: "POST", body })`
  // needs no preflight and sends `//evil.example/…` as target.
  for (const target of [
    "//evil.example/api/v1/workflows",
    "///evil.example/api/v1/workflows",
    "/\\evil.example/api/v1/workflows",
    "\\\\evil.example/api/v1/workflows",
    "http://evil.example/api/v1/workflows",
    "//x@evil.example/api/v1/workflows",
  ]) {
    test(`no host in the target makes another origin the own one: ${target}`, async (t) => {
      const headers = { origin: "http://evil.example", "content-type": "text/plain" };
      const { status, reached } = await send(t, target, headers);
      assert.ok(!reached, "it reached the server");
      assert.ok(status >= 400 && status < 500, `${status}`);
    });
  }
});
