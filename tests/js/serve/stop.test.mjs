// How `highway-wasm serve` starts and stops: signals, pending requests, exit codes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { folder, highway, startServer } from "../support/cli.mjs";
import { until } from "../support/until.mjs";

const BODY = JSON.stringify({ workflow_definition: { name: "empty", tasks: {} } });

/** A connection with a submission whose head and first half of the body are sent. */
async function halfRequest({ url, key }, t) {
  const { port } = new URL(url);
  const socket = net.connect(Number(port), "127.0.0.1").setEncoding("utf8");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  let text = "";
  const taken = once(socket, "data").then(() => {
    text = "";
    socket.on("data", (data) => (text += data));
  });
  const closed = once(socket, "close").then(() => text);
  const head = `POST /api/v1/workflows HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${BODY.length}\r\nExpect: 100-continue\r\n\r\n`;
  socket.write(head + BODY.slice(0, 10));
  // The server says `100 Continue` once it has the request.
  await taken;
  return { closed, finish: () => socket.write(BODY.slice(10)) };
}

const connects = (url) =>
  fetch(`${url}/ping`).then(
    () => true,
    () => false,
  );

/**
 * A server that waits for a request that never arrives: after a stop it takes 5 s. A server without pending requests
 * ends sooner.
 */
async function slowServer(t) {
  const server = await startServer(t);
  await halfRequest(server, t);
  return server;
}

/** Stops a server by `stop`. Expects it to end before a slow one that was stopped at the same time. */
async function endsBefore(slow, server, stop) {
  slow.child.kill("SIGTERM");
  await stop();
  const first = await Promise.race([slow.ended.then(() => "the slow one"), server.ended]);
  assert.notEqual(first, "the slow one");
  return first;
}

describe("a stop", { concurrency: 2 }, () => {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    test(`by ${signal} waits for the pending request and accepts no new connection`, async (t) => {
      const [server, slow] = await Promise.all([startServer(t), slowServer(t)]);
      const request = await halfRequest(server, t);
      server.child.kill(signal);
      await server.seen(/^stopping; 1 request is under way$/m);
      assert.equal(await connects(server.url), false);
      assert.equal(server.child.exitCode, null, "it waits");
      // The connection is not kept for 5 s for another request.
      const { code } = await endsBefore(slow, server, async () => {
        request.finish();
        assert.match(await request.closed, /^HTTP\/1.1 [24]\d\d .*"status":"(success|error)"/s);
      });
      assert.equal(code, 0);
    });
  }

  for (const [first, second, code] of [
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGTERM", 143],
    ["SIGTERM", "SIGINT", 130],
  ]) {
    test(`by ${first} and then ${second} ends at once with ${code}`, async (t) => {
      const server = await startServer(t);
      await halfRequest(server, t);
      server.child.kill(first);
      await server.seen(/^stopping/m);
      server.child.kill(second);
      assert.equal((await server.ended).code, code);
    });
  }

  test("does not wait for ever", async (t) => {
    const server = await startServer(t);
    await halfRequest(server, t);
    const started = performance.now();
    server.child.kill("SIGTERM");
    assert.equal((await server.ended).code, 0);
    assert.ok(performance.now() - started > 4000);
  });

  test("waits neither for connections without a request nor for idle ones", async (t) => {
    const [server, slow] = await Promise.all([startServer(t), slowServer(t)]);
    const { port } = new URL(server.url);
    const silent = net.connect(Number(port), "127.0.0.1");
    silent.on("error", () => {});
    t.after(() => silent.destroy());
    await once(silent, "connect");
    await (await fetch(`${server.url}/ping`)).text();
    const { code, stderr } = await endsBefore(slow, server, () => server.child.kill("SIGTERM"));
    assert.deepEqual([code, stderr], [0, "stopping\n"]);
  });

  test("works if nobody reads the output any more", async (t) => {
    const server = await startServer(t);
    server.child.stdout.destroy();
    server.child.stderr.destroy();
    server.child.kill("SIGTERM");
    const [code] = await once(server.child, "exit");
    assert.equal(code, 0);
  });

  test("ends running commands", async (t) => {
    const server = await startServer(t);
    const driver = new Driver({ endpoint: server.url, apiKey: server.key });
    const file = join(folder(t), "pid");
    driver.shell("long", `echo $$ > '${file}'; sleep 60`);
    await driver.start();
    const pid = await until(() => existsSync(file) && readFileSync(file, "utf8").trim());
    assert.match(pid, /^\d+$/);
    server.child.kill("SIGTERM");
    assert.equal((await server.ended).code, 0);
    assert.throws(() => process.kill(Number(pid), 0), { code: "ESRCH" });
  });
});

describe("a start", { concurrency: 2 }, () => {
  test("on a port in use is an error with exit code 1", async (t) => {
    const server = await startServer(t);
    const { port } = new URL(server.url);
    const { code, stdout, stderr } = await highway(t, ["serve", "--port", port, "--key", "another-key"]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.equal(
      stderr,
      `error: port ${port} of \`127.0.0.1\` is in use\n  help: choose another port; 0 takes a free one\n`,
    );
  });

  test("for other machines warns", async (t) => {
    const server = await startServer(t, ["--host", "0.0.0.0", "--key", "a-given-key"]);
    await server.seen(/^warning: whoever has the key can run commands here.*nothing is encrypted$/m);
    assert.equal(await connects(server.url), true);
    const local = await startServer(t, ["--host", "localhost", "--key", "a-given-key"]);
    assert.match(local.url, /^http:\/\/localhost:\d+$/);
    assert.equal(local.output.stderr, "");
  });

  test("passes all its options on", async (t) => {
    const args = [
      "--key",
      "a-given-key",
      "--max-body",
      "2K",
      "--keep-runs",
      "9",
      "--cors",
      "http://a.example",
    ];
    args.push("--cors=http://b.example", "--allowed-host", "a.example");
    const server = await startServer(t, args);
    const auth = { authorization: "Bearer a-given-key" };
    for (const origin of ["http://a.example", "http://b.example", "http://c.example"]) {
      const { status } = await fetch(`${server.url}/ping`, { headers: { origin } });
      assert.equal(status, origin.includes("c.") ? 403 : 200);
    }
    const body = " ".repeat(2049);
    const post = { method: "POST", headers: auth };
    assert.equal((await fetch(`${server.url}/api/v1/workflows`, { ...post, body })).status, 413);
    assert.equal(
      (await fetch(`${server.url}/api/v1/workflows`, { ...post, body: body.slice(1) })).status,
      400,
    );
  });

  for (const [args, message] of [
    [["--port", "x"], /`--port` is not a whole number from 0 to 65535: `x`/],
    [["--port", "65536"], /`--port`/],
    [["--port=-1"], /`--port`/],
    [["--port"], /`--port` needs a value: `--port PORT`/],
    [["--keep-runs", "0"], /`--keep-runs` is not a whole number from 1/],
    [["--max-body", "0"], /`--max-body` is not a number of bytes/],
    [["--max-body", "10X"], /`--max-body` is not a number of bytes/],
    [["--key="], /`--key` is empty/],
    [["--cors", "*"], /would allow every page/],
    [["--cors", "a.example"], /`a.example` is not an origin/],
    [["--allowed-host", "*"], /not a name of a host/],
    [["--host", "a/b"], /`--host` is not a name or an address/],
    [["--prot", "1"], /has no option `--prot`\n {2}help: did you mean `--port`\?/],
    [["extra"], /`serve` takes no argument `extra`/],
  ]) {
    test(`with ${args.join(" ")} is wrong usage`, async (t) => {
      const { code, stdout, stderr } = await highway(t, ["serve", ...args], { cwd: folder(t) });
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  }
});
