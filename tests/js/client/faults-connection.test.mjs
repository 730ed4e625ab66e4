// Connections that break in every phase of an exchange, and answers that are not HTTP, over raw sockets.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver } from "highway-wasm";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { chunk, chunked, head, rawServer, whole } from "../support/raw-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

const checkLeftovers = watchProcess();

const running = '{"status": "running", "workflow_run_id": "r"}';
const accepted = '{"workflow_run_id": "r"}';
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });
const unreachable = api("API_UNREACHABLE", { message: /could not be reached: ./, help: /network/ });
const timedOut = { name: "TimeoutError", code: "REQUEST_TIMEOUT", message: /did not answer within \d+ ms/ };
/** Short delays between attempts. */
const retry = { delay: 0.005 };
const once = { retry: false };

/** Answers that do not announce the end of the connection, so that it comes unexpectedly. */
const kept = { connection: "keep-alive" };
const measured = (body) => whole(200, body, kept);
const inChunks = head(200, { ...chunked, ...kept });

/** How far an exchange gets before it breaks. A phase waits for the client and returns the bytes to send. */
const phases = {
  "on accept": () => undefined,
  "after the request line": async (peer) => void (await peer.started()),
  "after the request": async (peer) => void (await peer.request()),
  "in the middle of the status line": "HTTP/1.1 20",
  "after the status line": "HTTP/1.1 200 OK\r\n",
  "in the middle of a header": "HTTP/1.1 200 OK\r\ncontent-ty",
  "between two headers": "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n",
  "after the headers": measured(running).subarray(0, -running.length),
  "in the middle of the body": measured(running).subarray(0, -10),
  "before the last byte of the body": measured(running).subarray(0, -1),
  "in the middle of the length of a chunk": `${inChunks}2`,
  "in the middle of a chunk": `${inChunks}${chunk(running).subarray(0, -10)}`,
  "before the last chunk": `${inChunks}${chunk(running)}`,
  "in the middle of the last chunk": `${inChunks}${chunk(running)}0\r\n`,
};

/** Brings an exchange into a phase and breaks it there. */
async function breakIn(peer, phase, how) {
  if (typeof phase === "function") {
    await phase(peer);
    await peer[how]();
  } else if (await peer.request()) {
    await peer[how](phase);
  }
}

describe("a connection that breaks", { concurrency: true }, () => {
  for (const [when, phase] of Object.entries(phases)) {
    // The client sends no request over a connection that breaks at once.
    const asked = when === "on accept" ? 0 : 1;
    for (const how of when === "on accept" ? ["reset"] : ["reset", "end"]) {
      test(`${when}, by ${how}: a call that reads is repeated`, async (t) => {
        const server = await rawServer(t, async (peer, index) => {
          if (index < 2) return await breakIn(peer, phase, how);
          await peer.request();
          peer.end(whole(200, running));
        });
        assert.equal((await driverFor(server, { retry }).status("r")).state, "running");
        assert.equal(server.asked, 2 * asked + 1);
      });

      test(`${when}, by ${how}: after the last attempt there is a typed error`, async (t) => {
        const server = await rawServer(t, (peer) => breakIn(peer, phase, how));
        const driver = driverFor(server, { retry: { attempts: 2, delay: 0.005 } });
        const error = await checkRejection(driver.status("r"), unreachable);
        assert.ok(error.cause instanceof Error);
        assert.deepEqual([error.status, error.details.attempts], [undefined, 2]);
        assert.equal(server.asked, 2 * asked);
        const refused = await rejectionOf(driver.start());
        assert.deepEqual([refused.name, refused.code], ["SubmissionError", "API_UNREACHABLE"]);
      });

      test(`${when}, by ${how}: an unsafe request is sent once`, async (t) => {
        const server = await rawServer(t, (peer) => breakIn(peer, phase, how));
        const error = await checkRejection(driverFor(server).handle("r").signal("go"), unreachable);
        assert.deepEqual([error.details.attempts, server.asked], [1, asked]);
      });
    }
  }

  test("on accept, by end, which Node may miss: there is a typed error too", async (t) => {
    const server = await rawServer(t, (peer) => peer.end());
    const driver = driverFor(server, { retry: { attempts: 2, delay: 0.005 }, timeout: 0.5 });
    const calls = [driver.status("r"), driver.start(), driver.handle("r").signal("go")];
    for (const error of await Promise.all(calls.map(rejectionOf))) {
      assert.match(error.code, /^(API_UNREACHABLE|REQUEST_TIMEOUT)$/);
    }
  });

  test("in the middle of the request's body: the submission is repeated with its key", async (t) => {
    const bodies = [];
    const server = await rawServer(t, async (peer, index) => {
      if (index < 2) {
        await peer.started();
        return index === 0 ? await peer.reset() : peer.end();
      }
      const { headers, body } = await peer.request();
      bodies.push([headers["x-idempotency-key"], JSON.parse(body).inputs.text.length]);
      peer.end(whole(201, accepted));
    });
    // More than the buffers of a connection hold.
    const inputs = { text: "x".repeat(8_000_000) };
    const handle = await driverFor(server, { retry }).start({ inputs, workflowId: "w" });
    assert.equal(handle.runId, "r");
    assert.deepEqual(bodies, [["w", 8_000_000]]);
  });

  test("an answer before the request was read counts", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.started();
      peer.end(whole(413, '{"message": "too much"}'));
    });
    const inputs = { text: "x".repeat(100_000) };
    const error = await rejectionOf(driverFor(server).start({ inputs }));
    assert.deepEqual([error.name, error.code, error.status], ["SubmissionError", "LIMIT_EXCEEDED", 413]);
  });

  test("a kept connection that the server has closed meanwhile causes no error", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      await peer.send(whole(200, running, kept));
      setImmediate(() => peer.end());
    });
    const driver = driverFor(server, { retry });
    for (let call = 0; call < 20; call++) assert.equal((await driver.status("r")).state, "running");
  });

  test("following continues, in every phase", async (t) => {
    const all = Object.values(phases);
    const server = await rawServer(t, async (peer, index) => {
      // Two phases per look, so that the looks stay close together.
      if (index < 8 && index % 2 === 0) return await breakIn(peer, all[index + 3], "reset");
      const { url } = (await peer.request()) ?? {};
      const isOver = index > 6 && !/\/steps(\?|$)/.test(url ?? "");
      peer.end(whole(200, isOver ? '{"status": "completed"}' : '{"status": "running", "steps": []}'));
    });
    const result = await driverFor(server, once).handle("r").result();
    assert.equal(result.state, "completed");
  });
});

describe("wrong lengths", { concurrency: true }, () => {
  /** A driver for a server that sends these bytes and then closes the connection. */
  async function answering(t, ...bytes) {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      peer.end(Buffer.concat(bytes.map((part) => Buffer.from(part))));
    });
    return driverFor(server, once);
  }
  const withLength = (length) => `${head(200, { ...kept, "content-length": length })}${running}`;

  for (const [what, length] of [
    ["too long", running.length + 50],
    ["negative", -running.length],
    ["no number", "many"],
    ["empty", ""],
    ["with a sign", `+${running.length}`],
    ["hexadecimal", "0x10"],
    ["larger than any number", "99999999999999999999999"],
    ["two different ones", [running.length, running.length + 1]],
    ["two different ones in one header", `${running.length}, ${running.length + 1}`],
  ]) {
    test(`a content-length that is ${what}`, async (t) => {
      await checkRejection((await answering(t, withLength(length))).status("r"), unreachable);
    });
  }

  test("a content-length that is too short: the rest is no answer to another request", async (t) => {
    const failed = whole(200, '{"status": "failed"}', kept);
    const server = await rawServer(t, async (peer) => {
      while (await peer.request()) {
        await peer.send(Buffer.concat([measured(running), failed, failed]));
      }
    });
    const driver = driverFor(server, { retry });
    for (let call = 0; call < 6; call++) assert.equal((await driver.status("r")).state, "running");
    const short = await answering(t, head(200, { ...kept, "content-length": 7 }), running);
    const error = await checkRejection(short.status("r"), api("API_RESPONSE_INVALID", { message: /JSON/ }));
    assert.deepEqual([error.status, error.details.body], [200, running.slice(0, 7)]);
  });

  test("a content-length that is too long, over a connection that stays open, ends with the time limit", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      await peer.send(withLength(1000));
    });
    await checkRejection(driverFor(server, { ...once, timeout: 0.2 }).status("r"), timedOut);
    await server.allClosed();
  });

  test("both a length and chunks are refused", async (t) => {
    const both = head(200, { ...chunked, ...kept, "content-length": running.length });
    const driver = await answering(t, both, chunk(running), "0\r\n\r\n");
    await checkRejection(driver.status("r"), unreachable);
  });

  for (const [what, bytes] of [
    ["no number", "zz\r\nrunning\r\n0\r\n\r\n"],
    ["negative", "-5\r\nrunning\r\n0\r\n\r\n"],
    ["too short", `5\r\n${running}\r\n0\r\n\r\n`],
    ["larger than any number", "ffffffffffffffffffff\r\nx"],
  ]) {
    test(`the length of a chunk that is ${what}`, async (t) => {
      await checkRejection((await answering(t, inChunks, bytes)).status("r"), unreachable);
    });
  }

  test("a good answer in many pieces", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      await peer.drip(`${head(200, chunked)}${[...running].map((one) => chunk(one)).join("")}0\r\n\r\n`, 0);
      peer.end();
    });
    assert.equal((await driverFor(server, once).status("r")).state, "running");
  });
});

describe("an answer that is not HTTP", { concurrency: true }, () => {
  for (const [what, bytes] of [
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["a body without a head", running],
    ["HTTP/2", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff"],
    ["a status that is no number", `HTTP/1.1 OK OK\r\ncontent-length: 2\r\n\r\n{}`],
    ["a NUL byte in a header", whole(200, running, { "x-a": "a\0b" })],
    ["a line break in the name of a header", `HTTP/1.1 200 OK\r\nx\n: b\r\ncontent-length: 2\r\n\r\n{}`],
    ["headers without end", `HTTP/1.1 200 OK\r\n${"x-filler: abcdefgh\r\n".repeat(20_000)}`],
    ["a header without end", `HTTP/1.1 200 OK\r\nx-filler: ${"a".repeat(400_000)}`],
    ["switching protocols", "HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"],
  ]) {
    test(what, async (t) => {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        await peer.send(Buffer.from(bytes, "latin1"));
        peer.end();
      });
      const error = await checkRejection(driverFor(server, once).status("r"), unreachable);
      assert.ok(error.cause instanceof Error);
      await checkRejection(driverFor(server, once).run(), { name: "SubmissionError", code: error.code });
    });
  }

  test("a status that does not exist", async (t) => {
    const server = await rawServer(t, async (peer, index) => {
      await peer.request();
      peer.end(whole([600, 799, 999][index], '{"message": "odd"}'));
    });
    for (const status of [600, 799, 999]) {
      const error = await checkRejection(driverFor(server, once).status("r"), api("API_SERVER_ERROR"));
      assert.equal(error.status, status);
    }
  });
});

describe("informational answers", { concurrency: true }, () => {
  const hints = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";

  test("are skipped: 102, 103, many of them", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      await peer.send("HTTP/1.1 102 Processing\r\n\r\n", hints.repeat(50));
      peer.end(whole(200, running));
    });
    assert.equal((await driverFor(server, once).status("r")).state, "running");
    assert.equal(server.requests.length, 1);
  });

  test("100, which Node refuses: an answer or a typed error, and the next call works", async (t) => {
    const server = await rawServer(t, async (peer, index) => {
      await peer.request();
      peer.end(
        Buffer.concat([Buffer.from(index === 0 ? "HTTP/1.1 100 Go\r\n\r\n" : ""), whole(200, running)]),
      );
    });
    const driver = driverFor(server, once);
    const outcome = await driver
      .status("r")
      .catch((error) => checkRejection(Promise.reject(error), unreachable));
    assert.match(outcome.state ?? outcome.code, /^(running|API_UNREACHABLE)$/);
    assert.equal((await driver.status("r")).state, "running");
  });

  test("without end are cut off by the time limit", async (t) => {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      while (!peer.isClosed) {
        await peer.send(hints);
        await sleep(1);
      }
    });
    await checkRejection(driverFor(server, { ...once, timeout: 0.3 }).status("r"), timedOut);
    await checkRejection(driverFor(server).status("r", { timeout: 0.3 }), timedOut);
    await server.allClosed();
  });
});

describe("a slow answer", { concurrency: true }, () => {
  // Long enough for a minute at one byte each 20 ms.
  const endless = { ...kept, "content-length": 3000 };
  for (const [what, start, rest] of [
    ["of the status line", "", `HTTP/1.1 200 ${"O".repeat(3000)}`],
    ["of headers", "HTTP/1.1 200 OK\r\n", "x-a: 1\r\n".repeat(400)],
    ["of a body", head(200, endless), `{"a": "${"x".repeat(3000)}`],
    ["of chunks", inChunks, "1\r\n \r\n".repeat(500)],
    ["of the body of an error", head(503, endless), "x".repeat(3000)],
    ["of blanks", head(200, endless), " ".repeat(3000)],
  ]) {
    test(`${what} is cut off by the limit of the request and by that of the call`, async (t) => {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        await peer.send(start);
        await peer.drip(rest, 20);
      });
      await checkRejection(driverFor(server, { ...once, timeout: 0.3 }).status("r"), timedOut);
      const watch = stopwatch();
      await checkRejection(driverFor(server, { retry }).status("r", { timeout: 0.3 }), timedOut);
      assert.ok(watch.stop() < 10_000);
      // The requests are aborted, not only ignored.
      await server.allClosed();
    });
  }

  test("that is faster than the limit arrives", async (t) => {
    const good = await rawServer(t, async (peer) => {
      await peer.request();
      await peer.drip(whole(200, '{"status": "running"}'), 1);
      peer.end();
    });
    assert.equal((await driverFor(good, { ...once, timeout: 20 }).status("r")).state, "running");
  });
});

test("an endpoint that accepts connections and never answers", async (t) => {
  const server = await rawServer(t, (peer) => peer.closed);
  const driver = new Driver({
    endpoint: server.url,
    apiKey: "k",
    timeout: 0.2,
    retry: { attempts: 3, delay: 0.01 },
  });
  const error = await checkRejection(driver.status("r"), timedOut);
  assert.equal(error.details.attempts, 3);
  await server.allClosed();
});

checkLeftovers();
