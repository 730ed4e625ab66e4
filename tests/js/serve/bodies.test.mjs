// `serve`: bodies that never arrive, arrive together, or whose client has gone.
import assert from "node:assert/strict";
import net from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { serve } from "highway-wasm/node";
import { watchProcess } from "../support/quiet.mjs";
import { raw, request } from "../support/raw-request.mjs";

const checkQuiet = watchProcess();
const KEY = "hw_k1_the-key-of-these-tests";
const HEADERS = { host: "localhost", authorization: `Bearer ${KEY}` };

async function started(t, options) {
  const server = await serve({ port: 0, key: KEY, ...options });
  t.after(() => server.close());
  return server;
}

/** A request whose body lacks its last byte. */
function begun(t, { port }, size) {
  const socket = net.connect(port, "127.0.0.1").setEncoding("utf8");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  const answer = once(socket, "data").then(([text]) => text);
  socket.write(
    request({ ...HEADERS, "content-length": size }, { method: "POST", body: "{".padEnd(size - 1) }),
  );
  return { answer, finish: () => socket.write("}") };
}

test("pending bodies together have a limit, and are accepted again once others have ended", async (t) => {
  const server = await started(t, { maxBody: 1_000, maxBodies: 1_500 });
  const both = [begun(t, server, 900), begun(t, server, 900)];
  const [refused, other] = await Promise.race(both.map(async (one, at) => [await one.answer, both[1 - at]]));
  assert.match(refused, /^HTTP\/1.1 503 .*\r\nretry-after: 1\r\n.*"SERVER_BUSY"/s);
  other.finish();
  assert.match(await other.answer, /^HTTP\/1.1 400 /);
  const answer = await raw(
    server.port,
    request({ ...HEADERS, "content-length": 900 }, { method: "POST", body: "{}".padEnd(900) }),
  );
  assert.equal(answer.status, 400);
});

test("a body that never arrives is not awaited", async (t) => {
  const server = await started(t, { bodyTimeout: 50 });
  assert.match(await begun(t, server, 900).answer, /^HTTP\/1.1 408 .*"BODY_TIMEOUT"/s);
});

test("requests whose clients left while the thread was busy are not carried out", async (t) => {
  const server = await started(t, {});
  const tasks = { a: { task_id: "a", operator_type: "task", function: "tools.shell.run", args: ["true"] } };
  const body = JSON.stringify({ workflow_definition: { name: "w", tasks } });
  const head = { ...HEADERS, connection: "keep-alive", "content-length": body.length };
  const state = new Int32Array(new SharedArrayBuffer(4));
  const bytes = request(head, { method: "POST", body });
  const worker = new Worker(
    `const { workerData: { port, bytes, state } } = require("node:worker_threads");
    const net = require("node:net");
    for (let count = 0; count < 8; count += 1) {
      const socket = net.connect(port, "127.0.0.1", () => socket.end(bytes, () => {
        socket.destroy();
        Atomics.add(state, 0, 1);
        Atomics.notify(state, 0);
      }));
      socket.on("error", () => {});
    }`,
    { eval: true, workerData: { port: server.port, bytes, state } },
  );
  for (let count = 0; count < 8; count = Atomics.load(state, 0)) {
    assert.notEqual(Atomics.wait(state, 0, count, 60_000), "timed-out");
  }
  await once(worker, "exit");
  const answer = await raw(server.port, request({ ...HEADERS }, {}));
  assert.equal(answer.json().data?.total, 0, answer.body);
});

test("many event streams add one listener for the end of the server", async (t) => {
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning.name);
  process.on("warning", onWarning);
  t.after(() => process.off("warning", onWarning));
  const server = await started(t, { tools: { "x.wait": ({ signal }) => once(signal, "abort") } });
  const tasks = { a: { task_id: "a", operator_type: "task", function: "x.wait", dependencies: [] } };
  const ask = (path, init) =>
    fetch(`${server.url}/api/v1/workflows${path}`, {
      headers: { authorization: HEADERS.authorization },
      ...init,
    });
  const { data } = await (
    await ask("", { method: "POST", body: JSON.stringify({ workflow_definition: { name: "w", tasks } }) })
  ).json();
  const streams = await Promise.all(Array.from({ length: 12 }, () => ask(`/${data.workflow_run_id}/stream`)));
  const ends = streams.map((stream) => stream.text().catch(() => "broken off"));
  await server.close();
  await Promise.all(ends);
  assert.deepEqual(warnings, []);
});

checkQuiet();
