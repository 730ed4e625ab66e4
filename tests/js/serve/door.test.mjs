// `serve`: the host names and origins that it accepts. Over raw sockets, because `fetch` can send neither another Host
// nor an Origin.
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
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
  server = await serve({
    port: 0,
    key: KEY,
    allowedHosts: ["Build.Example"],
    cors: ["http://localhost:5173", "https://App.example/"],
    maxBody: 1000,
  });
  ask = (headers, options) =>
    raw(server.port, request({ host: `127.0.0.1:${server.port}`, ...headers }, options));
});

describe("the host name of a request", { concurrency: true }, () => {
  const right = [
    "127.0.0.1",
    "127.9.9.9:1",
    "localhost",
    "LOCALHOST:80",
    "localhost.",
    "[::1]",
    "[::1]:7822",
    "build.example:1",
  ];
  for (const host of right) {
    test(`may be ${host}`, async () => assert.equal((await ask({ host, ...AUTH })).status, 200));
  }
  const wrong = [
    "evil.example",
    "evil.example:7822",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example/127.0.0.1",
    "sub.build.example",
    "192.168.1.5",
    "0.0.0.0",
    "[::2]",
    "[::1].evil.example",
    "localhost:80:80",
    "",
  ];
  for (const host of wrong) {
    test(`may not be \`${host}\`, whatever the key`, async () => {
      for (const path of ["/api/v1/workflows", "/ping"]) {
        checkRefused(await ask({ host, ...AUTH }, { path }), 403, "HOST_NOT_ALLOWED");
      }
    });
  }

  test("must be given once", async () => {
    const { port } = server;
    checkRefused(await ask({ host: ["localhost", "evil.example"], ...AUTH }), 403, "HOST_NOT_ALLOWED");
    const without = await raw(port, `GET /ping HTTP/1.0\r\nAuthorization: Bearer ${KEY}\r\n\r\n`);
    checkRefused(without, 403, "HOST_NOT_ALLOWED");
  });

  test("is that of the header, not that of an absolute target", async () => {
    checkRefused(
      await ask({ host: "evil.example", ...AUTH }, { path: "http://localhost/ping" }),
      403,
      "HOST_NOT_ALLOWED",
    );
    assert.equal((await ask(AUTH, { path: "http://evil.example/api/v1/version" })).status, 200);
  });

  test("is checked before the preflight and the key", async () => {
    const headers = {
      host: "evil.example",
      origin: "http://evil.example",
      "access-control-request-method": "GET",
    };
    const answer = await ask(headers, { method: "OPTIONS" });
    checkRefused(answer, 403, "HOST_NOT_ALLOWED");
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  });

  test("may be the address of the connection, if the server listens on all addresses", async () => {
    const all = await serve({ port: 0, host: "0.0.0.0", key: KEY });
    try {
      const outer = Object.values(networkInterfaces())
        .flat()
        .find(({ family, internal }) => family === "IPv4" && !internal);
      const address = outer?.address ?? "127.0.0.1";
      assert.equal((await raw(all.port, request({ host: address, ...AUTH }), address)).status, 200);
      assert.equal(all.url, `http://127.0.0.1:${all.port}`);
      for (const host of ["evil.example", "203.0.113.9"]) {
        checkRefused(await raw(all.port, request({ host, ...AUTH }), address), 403, "HOST_NOT_ALLOWED");
      }
    } finally {
      await all.close();
    }
  });
});

describe("the origin", { concurrency: true }, () => {
  test("may be missing", async () => {
    const { status, headers } = await ask(AUTH);
    assert.equal(status, 200);
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.equal(headers.vary, "origin");
  });

  test("may be the server's own, by the name in the request", async () => {
    for (const host of [`localhost:${server.port}`, "build.example"]) {
      const { status, headers } = await ask({ host, origin: `http://${host}`, ...AUTH });
      assert.equal(status, 200);
      assert.equal(headers["access-control-allow-origin"], undefined);
    }
  });

  for (const origin of ["http://localhost:5173", "https://app.example"]) {
    test(`may be ${origin}, which is allowed, and its pages may read the answer`, async () => {
      const { status, headers } = await ask({ origin, ...AUTH });
      assert.equal(status, 200);
      assert.equal(headers["access-control-allow-origin"], origin);
      assert.equal(headers["access-control-allow-credentials"], undefined);
      assert.match(headers["access-control-expose-headers"], /retry-after/);
      assert.equal(headers.vary, "origin");
    });
  }

  const wrong = [
    "null",
    "http://evil.example",
    "http://localhost:5174",
    "https://localhost:5173",
    "http://127.0.0.1",
    "http://localhost:5173.evil.example",
    "http://127.0.0.1:1@evil.example",
  ];
  for (const origin of wrong) {
    test(`may not be ${origin}`, async () => {
      for (const options of [{}, { path: "/ping" }, { method: "POST" }]) {
        const answer = await ask({ origin, ...AUTH, "content-length": 0 }, options);
        checkRefused(answer, 403, "ORIGIN_NOT_ALLOWED");
        assert.equal(answer.headers["access-control-allow-origin"], undefined);
      }
    });
  }

  test("if allowed, may read a refusal too", async () => {
    const answer = await ask({ origin: "http://localhost:5173" });
    checkRefused(answer, 401, "UNAUTHORIZED");
    assert.equal(answer.headers["access-control-allow-origin"], "http://localhost:5173");
  });

  test("is checked by browsers without a key", async () => {
    const headers = {
      origin: "http://localhost:5173",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,x-idempotency-key",
    };
    const answer = await ask(headers, { method: "OPTIONS" });
    assert.equal(answer.status, 204);
    assert.equal(answer.body, "");
    assert.equal(answer.headers["access-control-allow-origin"], "http://localhost:5173");
    assert.match(answer.headers["access-control-allow-methods"], /POST/);
    for (const name of headers["access-control-request-headers"].split(",")) {
      assert.ok(answer.headers["access-control-allow-headers"].split(", ").includes(name), name);
    }
    assert.equal(answer.headers["access-control-allow-private-network"], undefined);
    const local = await ask(
      { ...headers, "access-control-request-private-network": "true" },
      { method: "OPTIONS" },
    );
    assert.equal(local.headers["access-control-allow-private-network"], "true");
    checkRefused(
      await ask({ ...headers, origin: "http://evil.example" }, { method: "OPTIONS" }),
      403,
      "ORIGIN_NOT_ALLOWED",
    );
  });

  test("OPTIONS without a preflight needs the key", async () => {
    checkRefused(await ask({}, { method: "OPTIONS" }), 401, "UNAUTHORIZED");
    checkRefused(await ask({ origin: "http://localhost:5173" }, { method: "OPTIONS" }), 401, "UNAUTHORIZED");
  });
});

test("the server closes", () => server.close());

checkQuiet();
