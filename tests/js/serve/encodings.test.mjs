// `serve`: compressed bodies, and `HEAD`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { serve } from "highway-wasm/node";

const KEY = "hw_k1_the-key-of-these-tests";
const AUTH = { authorization: `Bearer ${KEY}` };
const MAX = 2000;

let server;
before(async () => {
  server = await serve({ port: 0, key: KEY, maxBody: MAX });
});
after(() => server.close());

async function submit(encoding, body) {
  const response = await fetch(`${server.url}/api/v1/workflows`, {
    method: "POST",
    headers: { ...AUTH, "content-type": "application/json", "content-encoding": encoding },
    body,
  });
  const { code, message } = await response.json();
  return { status: response.status, code, message, accepts: response.headers.get("accept-encoding") };
}

const task = { task_id: "a", operator_type: "task", function: "tools.shell.run", args: ["true"] };
const submission = (more = {}) =>
  Buffer.from(JSON.stringify({ workflow_definition: { name: "w", tasks: { a: task } }, inputs: more }));

test("a compressed body is decompressed", async () => {
  for (const [encoding, body] of [
    ["gzip", gzipSync(submission())],
    ["X-GZIP", gzipSync(submission())],
    ["deflate", deflateSync(submission())],
    ["br", brotliCompressSync(submission())],
    ["identity", submission()],
    ["gzip, br", brotliCompressSync(gzipSync(submission()))],
  ]) {
    assert.equal((await submit(encoding, body)).status, 201, encoding);
  }
});

test("its limit counts decompressed bytes", async () => {
  const large = submission({ text: "x".repeat(MAX) });
  for (const [encoding, pack] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ]) {
    assert.ok(pack(large).length < MAX);
    const { status, code } = await submit(encoding, pack(large));
    assert.deepEqual([status, code], [413, "BODY_TOO_LARGE"], encoding);
  }
});

test("a body in another encoding than it says, or an unknown one, is refused", async () => {
  const broken = await submit("gzip", Buffer.from("{}"));
  assert.deepEqual([broken.status, broken.code], [400, "BODY_INVALID"]);
  assert.match(broken.message, /content-encoding/);
  for (const encoding of ["zstd", "gzip, zstd", "constructor", "gzip, gzip, gzip"]) {
    const { status, code, accepts } = await submit(encoding, gzipSync(submission()));
    assert.deepEqual([status, code, accepts], [415, "UNSUPPORTED_ENCODING", "gzip, deflate, br"], encoding);
  }
});

test("HEAD is answered like GET, without a body", async () => {
  const { workflow_run_id: runId } = await (
    await fetch(`${server.url}/api/v1/workflows`, { method: "POST", headers: AUTH, body: submission() })
  )
    .json()
    .then(({ data }) => data);
  const run = `/api/v1/workflows/${runId}`;
  for (const [path, headers, status] of [
    ["/ping", {}, 200],
    ["/api/v1/health", {}, 200],
    [run, AUTH, 200],
    [`${run}/steps`, AUTH, 200],
    [`${run}/stream`, AUTH, 200],
    [run, {}, 401],
    [`${run}x`, AUTH, 404],
  ]) {
    const answer = await fetch(server.url + path, { method: "HEAD", headers });
    assert.deepEqual([answer.status, await answer.text()], [status, ""], path);
  }
});
