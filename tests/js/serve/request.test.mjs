// `serve`: the key of a request, and the size of its body. Over raw sockets, because `fetch` can send neither another
// Host nor an Origin.
import assert from "node:assert/strict";
import net from "node:net";
import { before, describe, test } from "node:test";
import { serve } from "highway-wasm/node";
import { watchProcess } from "../support/quiet.mjs";
import { checkRefused, raw, request } from "../support/raw-request.mjs";

const checkQuiet = watchProcess();
const KEY = "hw_k1_the-key-of-these-tests";
const AUTH = { authorization: `Bearer ${KEY}` };

let server;
let ask;
before(async () => {
  server = await serve({ port: 0, key: KEY, cors: ["http://localhost:5173"], maxBody: 1000 });
  ask = (headers, options) =>
    raw(server.port, request({ host: `127.0.0.1:${server.port}`, ...headers }, options));
});

describe("the key", { concurrency: true }, () => {
  for (const authorization of [`Bearer ${KEY}`, `bearer ${KEY}`, `BEARER   ${KEY}`]) {
    test(`is accepted as \`${authorization.slice(0, 9)}…\``, async () => {
      assert.equal((await ask({ authorization })).status, 200);
    });
  }
  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    `Bearer ${KEY}x`,
    `Bearer ${KEY.slice(0, -1)}`,
    `Bearer x${KEY}`,
    `Basic ${KEY}`,
    KEY,
    `Bearer ${KEY} ${KEY}`,
    `Bearer ${KEY.toUpperCase()}`,
    "Bearer undefined",
  ];
  for (const [index, authorization] of wrong.entries()) {
    test(`is refused if it is not right, number ${index}`, async () => {
      const answer = await ask({ authorization });
      checkRefused(answer, 401, "UNAUTHORIZED");
      assert.match(answer.headers["www-authenticate"], /^Bearer/);
    });
  }
  test("is read from no other place", async () => {
    checkRefused(await ask({ "x-api-key": KEY }), 401, "UNAUTHORIZED");
    checkRefused(await ask({}, { path: `/api/v1/workflows?api_key=${KEY}` }), 401, "UNAUTHORIZED");
    checkRefused(await ask({ cookie: `key=${KEY}` }), 401, "UNAUTHORIZED");
  });

  for (const path of ["/ping", "/ping?x=1", "/api/v1/health"]) {
    test(`is not needed for ${path}`, async () => {
      const answer = await ask({}, { path });
      assert.equal(answer.status, 200);
      assert.equal(answer.json().data.status, "healthy");
      assert.equal((await ask({}, { path, method: "HEAD" })).headers["content-type"], "application/json");
    });
  }
  const close = [
    "/ping/../api/v1/workflows",
    "/ping/..%2fapi/v1/workflows",
    "//ping",
    "/ping;x",
    "/ping#/../api/v1/workflows",
    "/PING",
    "http://localhost/ping",
    "/api/v1/health/../workflows",
    "/api/v1/version",
    "/",
  ];
  for (const path of close) {
    test(`is needed for ${path}`, async () => checkRefused(await ask({}, { path }), 401, "UNAUTHORIZED"));
  }
  test("is needed there for everything except reading", async () => {
    checkRefused(await ask({ "content-length": 0 }, { path: "/ping", method: "POST" }), 401, "UNAUTHORIZED");
  });
});

describe("a body", { concurrency: true }, () => {
  const post = (headers, body) => ask({ ...AUTH, ...headers }, { method: "POST", body });
  const chunked = (text) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

  test("is accepted up to its limit, and not beyond", async () => {
    const body = (size) => "{}".padEnd(size);
    assert.equal((await post({ "content-length": 1000 }, body(1000))).json().code, "BODY_INVALID");
    checkRefused(await post({ "content-length": 1001 }, body(1001)), 413, "BODY_TOO_LARGE");
    assert.equal((await post({ "transfer-encoding": "chunked" }, chunked(body(1000)))).status, 400);
    checkRefused(await post({ "transfer-encoding": "chunked" }, chunked(body(1001))), 413, "BODY_TOO_LARGE");
  });

  test("that is too large by its length is refused before it arrives", async () => {
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(request({ host: "localhost", ...AUTH, "content-length": 5000 }, { method: "POST" }));
    const [answer] = await Promise.race([
      new Promise((resolve) => socket.once("data", (data) => resolve([String(data)]))),
      new Promise((resolve) => setTimeout(resolve, 300_000, ["nothing came"]).unref()),
    ]);
    assert.match(answer, /^HTTP\/1.1 413 /);
    socket.destroy();
  });

  test("without a key is not read", async () => {
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(request({ host: "localhost", "content-length": 5000 }, { method: "POST" }));
    const answer = await new Promise((resolve) => socket.once("data", (data) => resolve(String(data))));
    assert.match(answer, /^HTTP\/1.1 401 /);
    socket.destroy();
  });

  test("that breaks off ends that request, and no other", async () => {
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      request({ host: "localhost", ...AUTH, "content-length": 500 }, { method: "POST", body: "{" }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resetAndDestroy();
    assert.equal((await ask(AUTH)).status, 200);
  });
});

describe("every answer", () => {
  test("is not cached, and its type is not guessed", async () => {
    for (const answer of [await ask(AUTH), await ask({}), await ask({ host: "evil.example" })]) {
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
    }
  });
});

test("the server closes", () => server.close());

checkQuiet();
