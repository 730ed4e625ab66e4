// `listener`: answers of fetch handlers behind node:http, clients that leave, handlers that fail.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest, Agent } from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver } from "highway-wasm";
import { listener } from "highway-wasm/node";
import { engineFor, errorsOf, greeting, serve } from "../support/proxy.mjs";
import { runModule } from "../support/child.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { until } from "../support/until.mjs";

const checkQuiet = watchProcess();

/** Sends bytes over a new connection. Resolves with everything that arrives until the other side closes it. */
async function raw(port, bytes) {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(bytes);
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
const get = (target, headers = {}) => {
  const all = Object.entries({ host: "app.example", connection: "close", ...headers });
  return `GET ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
};
describe("an answer", { concurrency: true }, () => {
  test("has its status, its headers and its body", async (t) => {
    const body = new Uint8Array([0, 255, 128, 10]);
    const { url } = await serve(
      t,
      () => new Response(body, { status: 418, headers: { "x-a": "1, 2", "content-type": "x/y" } }),
    );
    const answer = await fetch(url);
    assert.deepEqual(
      [answer.status, answer.headers.get("x-a"), answer.headers.get("content-type")],
      [418, "1, 2", "x/y"],
    );
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), body);
  });

  test("sets all its cookies", async (t) => {
    const headers = [
      ["set-cookie", "a=1; Path=/"],
      ["set-cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"],
      ["set-cookie", "c=3"],
    ];
    const { url } = await serve(t, () => new Response("", { headers }));
    assert.deepEqual(
      (await fetch(url)).headers.getSetCookie(),
      headers.map(([, cookie]) => cookie),
    );
  });

  for (const status of [204, 205, 304]) {
    test(`of ${status} has no body, and the connection continues`, async (t) => {
      const { port } = await serve(
        t,
        ({ url }) =>
          new Response(url.endsWith("/last") ? "last" : null, {
            status: url.endsWith("/last") ? 200 : status,
            headers: { etag: "x" },
          }),
      );
      const answer = await raw(port, get("/", { connection: "keep-alive" }) + get("/last"));
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} .*etag: x.*HTTP/1.1 200 OK.*last`, "s"));
    });
  }

  test("to HEAD has its headers and no body", async (t) => {
    let isCancelled = false;
    const { port } = await serve(t, ({ method }) => {
      if (method === "GET") return new Response("last");
      const body = new ReadableStream({
        async pull(controller) {
          await sleep(5);
          controller.enqueue(new TextEncoder().encode("body"));
        },
        cancel: () => {
          isCancelled = true;
        },
      });
      return new Response(body, { headers: { "x-a": "1" } });
    });
    const answer = await Promise.race([
      raw(port, get("/", { connection: "keep-alive" }).replace("GET", "HEAD") + get("/last")),
      sleep(60_000, "the connection hangs", { ref: false }),
    ]);
    assert.match(answer, /x-a: 1.*HTTP\/1.1 200 OK.*last/s);
    assert.doesNotMatch(answer, /body/);
    assert.ok(await until(() => isCancelled), "what nobody reads is not given up");
  });

  test("is sent as soon as the handler has it: its headers do not wait for its body", async (t) => {
    const { url } = await serve(t, () => new Response(new ReadableStream({}), { headers: { "x-a": "1" } }));
    const { headers, body } = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    assert.equal(headers.get("x-a"), "1");
    await body.cancel();
  });

  test("that is large arrives complete, and is produced no faster than it is read", async (t) => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    let made = 0;
    const body = () => {
      made = 0;
      return new ReadableStream({
        pull(controller) {
          made += 1;
          if (made > 512) controller.close();
          else controller.enqueue(chunk);
        },
      });
    };
    const { url, port } = await serve(t, () => new Response(body()));
    const all = Buffer.from(await (await fetch(url)).arrayBuffer());
    assert.equal(all.length, 512 * chunk.length);
    const socket = net.connect(port, "127.0.0.1");
    socket.write(get("/"));
    await once(socket, "readable");
    await sleep(300);
    // Buffers of the system hold some MB.
    assert.ok(made < 400, `${made} chunks were made, though nobody reads`);
    socket.destroy();
  });

  test("of a large body that is echoed is the same, with a slow reader", async (t) => {
    const { port } = await serve(t, (request) => new Response(request.body));
    const bytes = Buffer.alloc(20 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
    const request = httpRequest({ port, method: "POST" });
    request.end(bytes);
    const [response] = await once(request, "response");
    const hash = createHash("sha256");
    let count = 0;
    for await (const chunk of response) {
      hash.update(chunk);
      count += 1;
      if (count % 50 === 0) await sleep(1);
    }
    assert.equal(hash.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
  });

  for (const size of [0, 100, 5 * 1024 * 1024]) {
    test(`arrives before the body was read, and so does the next request: ${size} bytes`, async (t) => {
      const { port } = await serve(
        t,
        ({ method }) =>
          new Response(method === "GET" ? "last" : "refused", { status: method === "GET" ? 200 : 413 }),
      );
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      for (const method of ["POST", "GET"]) {
        const request = httpRequest({ port, method, agent });
        // The other side may close a connection whose rest it does not want; then a new one is opened.
        request.on("error", () => {});
        request.end(method === "POST" ? Buffer.alloc(size) : undefined);
        const [response] = await Promise.race([
          once(request, "response"),
          sleep(60_000, ["no answer"], { ref: false }),
        ]);
        assert.equal(response.statusCode, method === "GET" ? 200 : 413);
        response.resume();
        await once(response, "close");
      }
    });
  }
});

for (const [how, give] of [
  ["gives up", (reader) => reader.cancel()],
  ["reads only in part", () => {}],
]) {
  test(`a body that the handler ${how} affects neither the answer nor the connection`, async (t) => {
    const { port, server } = await serve(t, async ({ method, body }) => {
      if (method === "GET") return new Response("last");
      const reader = body.getReader();
      await reader.read();
      await give(reader);
      return new Response("refused", { status: 413 });
    });
    let connections = 0;
    server.on("connection", () => {
      connections += 1;
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (const method of ["POST", "GET", "POST"]) {
      const request = httpRequest({ port, method, agent });
      request.end(method === "POST" ? Buffer.alloc(5 * 1024 * 1024) : undefined);
      const [response] = await Promise.race([
        once(request, "response"),
        sleep(60_000, ["no answer"], { ref: false }),
      ]);
      assert.equal(response.statusCode, method === "POST" ? 413 : 200);
      response.resume();
      await once(response, "close");
    }
    assert.equal(connections, 1);
  });
}

test("a body that is read after the answer fails", async (t) => {
  let reading;
  const { port } = await serve(t, (request) => {
    reading = (async () => {
      const reader = request.body.getReader();
      await reader.read();
      await sleep(300);
      while (!(await reader.read()).done);
    })();
    reading.catch(() => {});
    return new Response("early");
  });
  const request = httpRequest({ port, method: "POST" });
  request.on("error", () => {});
  request.end(Buffer.alloc(5 * 1024 * 1024));
  const [response] = await once(request, "response");
  response.resume();
  await assert.rejects(reading, /answered/);
});

test("the signal of a request does not fire for its answer", async (t) => {
  const signals = [];
  const { port } = await serve(t, ({ signal }) => {
    signals.push(signal);
    return new Response("fine");
  });
  await raw(port, get("/"));
  await sleep(50);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false],
  );
});

describe("a client that leaves", { concurrency: true }, () => {
  /** Opens a request and cuts it when the handler says so. Returns the handler's request. */
  function cut(t, handler, method = "GET") {
    return new Promise((resolve, reject) => {
      serve(t, (request) => handler(request, () => socket.destroy())).then(({ port }) => {
        socket = net.connect(port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(
          method === "GET" ? get("/") : get("/", { "content-length": 100 }).replace("GET", method),
        );
        socket.once("close", resolve);
      }, reject);
      let socket;
    });
  }

  test("fires the signal, and ends a body that is being sent", async (t) => {
    let signal;
    let isCancelled = false;
    await cut(t, (request, leave) => {
      ({ signal } = request);
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new TextEncoder().encode("x"));
            setTimeout(leave, 20);
            return sleep(50);
          },
          cancel() {
            isCancelled = true;
          },
        }),
      );
    });
    assert.ok(await until(() => signal.aborted && isCancelled));
  });

  test("before the handler has an answer: the body of the answer is cancelled", async (t) => {
    let isCancelled = false;
    await cut(t, async (request, leave) => {
      leave();
      await until(() => request.signal.aborted);
      await sleep(20);
      return new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
          cancel() {
            isCancelled = true;
          },
        }),
      );
    });
    assert.ok(await until(() => isCancelled), "the body goes on for nobody");
  });

  test("in the middle of its body: reading it fails, and nothing else does", async (t) => {
    let error;
    await cut(
      t,
      async (request, leave) => {
        leave();
        await request.text().catch((thrown) => {
          error = thrown;
        });
        return new Response("nobody hears this");
      },
      "POST",
    );
    assert.ok(await until(() => error !== undefined));
  });

  test("in the middle of a body that nobody reads", async (t) => {
    let signal;
    await cut(
      t,
      async (request, leave) => {
        ({ signal } = request);
        leave();
        await sleep(50);
        return new Response("nobody hears this");
      },
      "POST",
    );
    assert.ok(await until(() => signal.aborted));
  });

  test("does not end the process, whenever it leaves", async () => {
    const { stdout, stderr, code } = await runModule(
      `import { createServer } from "node:http";
      import net from "node:net";
      import { once } from "node:events";
      import { setTimeout as sleep } from "node:timers/promises";
      import { listener } from "highway-wasm/node";
      const chunks = (count, ms) => new ReadableStream({ async pull(c) { await sleep(ms); if (count-- > 0) c.enqueue(new Uint8Array(70_000)); else c.close(); } });
      const handlers = [
        async () => { await sleep(30); return new Response(chunks(5, 5)); },
        async () => { await sleep(30); return new Response(null, { status: 204 }); },
        async () => new Response(chunks(50, 1)),
        async (request) => { await sleep(10); return new Response(await request.text()); },
        async (request) => new Response(request.body),
        async () => { await sleep(30); throw new Error("late"); },
        async () => new Response(new ReadableStream({ async pull(c) { await sleep(20); c.error(new Error("broken")); } })),
      ];
      console.error = () => {};
      let at = 0;
      const server = createServer(listener((request) => handlers[at++ % handlers.length](request)));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      for (let round = 0; round < 70; round++) {
        const socket = net.connect(server.address().port, "127.0.0.1");
        socket.on("error", () => {});
        const post = round % 2 ? "POST / HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: 1000000\\r\\n\\r\\nabc" : "GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n";
        socket.write(post);
        await sleep(round % 9);
        if (round % 3) socket.destroy(); else socket.resetAndDestroy();
      }
      await sleep(300);
      server.close();
      console.log("still here");`,
    );
    assert.deepEqual([stdout, code], ["still here\n", 0], stderr);
  });
});

describe("a handler that fails", () => {
  const failures = {
    throws: () => {
      throw new Error("secret");
    },
    rejects: () => Promise.reject(new Error("secret")),
    "gives nothing": () => undefined,
    "gives something else": () => "text",
    "gives an error": () => Response.error(),
  };
  for (const [what, handler] of Object.entries(failures)) {
    test(`answers 500 and logs why: ${what}`, async (t) => {
      const errors = errorsOf(t);
      const { url } = await serve(t, handler);
      const answer = await fetch(url);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(await answer.text(), /secret/);
      assert.equal(errors.texts.length, 1);
      assert.match(errors.texts[0], /could not be answered/);
    });
  }

  test("in the middle of a body breaks off the connection", async (t) => {
    const { url } = await serve(t, () => {
      let count = 0;
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (count++ === 0) controller.enqueue(new TextEncoder().encode("half"));
            else controller.error(new Error("secret"));
          },
        }),
      );
    });
    await assert.rejects(async () => (await fetch(url)).text());
  });

  test("with a body that was already read answers 500, or breaks off", async (t) => {
    errorsOf(t);
    const { url } = await serve(t, async () => {
      const response = new Response("once");
      await response.text();
      return response;
    });
    const status = await fetch(url)
      .then(async (answer) => (await answer.text()) && answer.status)
      .catch(() => "broken off");
    assert.ok(status === 500 || status === "broken off", `${status}`);
  });
});

test("serves an engine, without a proxy", async (t) => {
  const engine = engineFor(t);
  const { url } = await serve(t, engine.fetch);
  const driver = new Driver({ endpoint: url, apiKey: "local" });
  const { state, tasks } = await driver.run({ workflow: greeting, inputs: { to: "Ada" } });
  assert.deepEqual([state, tasks.send.result], ["completed", { to: "Ada" }]);
});

test("leaves no listener on a connection that is reused", async (t) => {
  const warnings = [];
  const note = (warning) => warnings.push(String(warning));
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const sockets = new Set();
  const server = createServer(listener(async (request) => new Response(await request.text())));
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(async () => {
    agent.destroy();
    server.close();
    await once(server, "close");
  });
  const counts = [];
  for (let at = 0; at < 40; at++) {
    const request = httpRequest({ port: server.address().port, method: "POST", agent });
    request.end("x");
    const [response] = await once(request, "response");
    for await (const _ of response);
    const [socket] = sockets;
    counts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
  }
  assert.equal(sockets.size, 1);
  assert.ok(counts.at(-1) <= counts[5], counts.join());
  assert.deepEqual(warnings, []);
});

checkQuiet();
