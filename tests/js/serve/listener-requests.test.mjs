// `listener`: requests of node:http as fetch handlers get them, with any target, host and body.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { errorsOf, serve } from "../support/proxy.mjs";
import { watchProcess } from "../support/quiet.mjs";

const checkQuiet = watchProcess();

/** Sends bytes over a new connection. Resolves with everything that arrives until the other side closes it. */
async function raw(port, bytes) {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(bytes);
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
const statusOf = (answer) => Number(answer.split(" ")[1]);
const get = (target, headers = {}) => {
  const all = Object.entries({ host: "app.example", connection: "close", ...headers });
  return `GET ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
};
const echo = async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  });

describe("a request", { concurrency: true }, () => {
  test("has its method, its URL, its headers and its body", async (t) => {
    const { url, port } = await serve(t, echo);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await fetch(`${url}/a%2Fb/c?d=e%20f&d=g#h`, {
        method,
        body: "größe ✓",
        headers: { "x-a": "1" },
      });
      const got = await answer.json();
      assert.deepEqual(
        [got.method, got.url, got.body],
        [method, `http://127.0.0.1:${port}/a%2Fb/c?d=e%20f&d=g`, "größe ✓"],
      );
      assert.equal(got.headers["x-a"], "1");
    }
    assert.equal((await (await fetch(url)).json()).body, "");
  });

  test("has all values of a header that occurs several times", async (t) => {
    const { port } = await serve(t, echo);
    const answer = await raw(port, get("/", { "x-a": "1\r\nX-A: 2", cookie: "a=1\r\ncookie: b=2" }));
    const { headers } = JSON.parse(/\{.*\}/.exec(answer)[0]);
    assert.deepEqual([headers["x-a"], headers.cookie], ["1, 2", "a=1; b=2"]);
  });

  test("arrives as it is sent, piece by piece", async (t) => {
    const { port } = await serve(t, async (request) => {
      const decoder = new TextDecoder();
      // The first piece is answered before the second one is sent.
      const reader = request.body.getReader();
      const first = decoder.decode((await reader.read()).value);
      return new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode(`${first}!`));
            const { value } = await reader.read();
            controller.enqueue(value);
            controller.close();
          },
        }),
      );
    });
    const request = httpRequest({ port, method: "POST", headers: { "transfer-encoding": "chunked" } });
    request.write("one");
    const [response] = await once(request, "response");
    const [first] = await once(response, "data");
    assert.equal(String(first), "one!");
    request.end("two");
    const rest = [];
    for await (const chunk of response) rest.push(chunk);
    assert.equal(Buffer.concat(rest).toString(), "two");
  });

  for (const pieces of [0, 1]) {
    test(`is received only as far as the handler reads it: ${pieces} pieces`, async (t) => {
      let socket;
      const { port, server } = await serve(t, async ({ signal, body }) => {
        const reader = body.getReader();
        for (let at = 0; at < pieces; at++) await reader.read();
        await once(signal, "abort");
        return new Response("nobody hears this");
      });
      server.once("connection", (opened) => {
        socket = opened;
      });
      const request = httpRequest({ port, method: "POST" });
      request.on("error", () => {});
      const chunk = Buffer.alloc(64 * 1024);
      for (let at = 0; at < 200; at++) request.write(chunk);
      await sleep(1000);
      assert.ok(socket.bytesRead < 2 * 1024 * 1024, `${socket.bytesRead} bytes`);
      request.destroy();
    });
  }

  for (const [target, path] of [
    ["*", "/*"],
    ["/a/../b", "/b"],
    ["/%2e%2e/a", "/a"],
    ["?a=b", "/?a=b"],
    ["http://evil.example/a?b", "/a?b"],
    ["//evil.example/a", "//evil.example/a"],
    ["///evil.example/a", "///evil.example/a"],
    ["//", "//"],
    ["/\\evil.example/a", null],
    ["/a b", null],
  ]) {
    test(`to an unusual target stays on the named host, or is refused: ${target}`, async (t) => {
      const seen = [];
      const { port } = await serve(t, (request) => {
        seen.push(request.url);
        return new Response("fine");
      });
      const status = statusOf(await raw(port, get(target)));
      assert.ok(status === 200 || status === 400 || status === 404, `${status}`);
      if (status !== 200) return;
      assert.equal(seen.length, 1);
      assert.equal(new URL(seen[0]).origin, "http://app.example");
      if (path !== null)
        assert.ok(
          [path, path.replace(/^\/+/, "/")].includes(seen[0].slice("http://app.example".length)),
          seen[0],
        );
    });
  }

  for (const host of [
    "a b",
    "",
    "[",
    "user@evil.example",
    "evil.example/x",
    "evil.example?x",
    "evil.example#x",
    "a:b",
    "a:99999",
    "%00",
    "a\\b",
  ]) {
    test(`with an invalid host is refused with that reason: "${host}"`, async (t) => {
      const seen = [];
      const { port } = await serve(t, (request) => {
        seen.push(request.url);
        return new Response("fine");
      });
      const answer = await raw(port, get("/path", { host }));
      // A fault of the client, not of the server.
      assert.equal(statusOf(answer), 400, `${answer}${seen}`);
      assert.deepEqual(seen, []);
    });
  }

  test("without a host, of HTTP/1.0", async (t) => {
    const { port } = await serve(t, echo);
    const answer = await raw(port, "GET /path HTTP/1.0\r\n\r\n");
    assert.equal(JSON.parse(/\{.*\}/.exec(answer)[0]).url, "http://localhost/path");
  });

  for (const method of ["TRACE", "TRACK", "PROPFIND", "M-SEARCH"]) {
    test(`of a method that a Request cannot have is not the server's fault: ${method}`, async (t) => {
      const { port } = await serve(t, () => new Response("fine"));
      const status = statusOf(await raw(port, get("/").replace("GET", method)));
      assert.ok(status === 200 || (status >= 400 && status < 500) || status === 501, `${status}`);
    });
  }
});

test("that is refused is not logged, and the connection continues", async (t) => {
  const errors = errorsOf(t);
  const { port } = await serve(t, () => new Response("last"));
  const keep = { connection: "keep-alive" };
  const trace = get("/", keep).replace("GET", "TRACE");
  const post = get("/", { host: "a b", "content-length": 3, ...keep }).replace("GET", "POST");
  const answer = await raw(port, `${trace}${post}abc${get("/")}`);
  assert.match(answer, /^HTTP\/1.1 501 .*HTTP\/1.1 400 .*HTTP\/1.1 200 .*last/s);
  assert.deepEqual(errors.texts, []);
});

checkQuiet();
