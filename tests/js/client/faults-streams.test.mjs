// Event streams that break, lie or never end: a watch gets each change, and one end.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { driverFor } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

const checkLeftovers = watchProcess();

describe("a stream of events", { concurrency: true }, () => {
  /**
   * A server whose run ends when its stream calls `finish`: `stream(response, finish, number, seen)`. Returns the
   * states that a watch gets within that many milliseconds, and what the server saw.
   */
  async function watched(t, stream, options = {}, within = Number.POSITIVE_INFINITY) {
    const seen = {
      looks: 0,
      steps: 0,
      streams: 0,
      cut: 0,
      isOver: false,
      /** Number of looks that fail after the end of the run. */
      failures: 0,
      holdRun: async () => {},
      holdSteps: async () => {},
    };
    const server = createServer(async ({ url }, response) => {
      const give = (body) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      if (/\/steps(\?|$)/.test(url)) {
        seen.steps += 1;
        await seen.holdSteps();
        return give({ steps: [{ step_name: "a", status: "running" }] });
      }
      if (!url.endsWith("/stream")) {
        seen.looks += 1;
        if (seen.isOver && seen.failures > 0) {
          seen.failures -= 1;
          return response.socket.resetAndDestroy();
        }
        const status = seen.isOver ? "completed" : "running";
        await seen.holdRun();
        return give({ status });
      }
      seen.streams += 1;
      response.once("close", () => {
        seen.cut += 1;
      });
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      const finish = () => {
        seen.isOver = true;
      };
      return void stream(response, finish, seen.streams, seen);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    });
    const states = [];
    const driver = driverFor({ url: `http://127.0.0.1:${server.address().port}` }, options);
    const watch = stopwatch();
    for await (const { state } of driver.handle("r").watch({ timeout: 240 })) states.push(state);
    const took = watch.stop();
    assert.ok(took < within, `${took} ms`);
    assert.equal(states.filter((state) => state === "completed").length, 1, `${states}`);
    assert.equal(states.at(-1), "completed");
    return { states, seen };
  }

  /** Waits until the looks are over that the opening of a stream causes: at the run, then at its steps. */
  const quiet = async (seen) => {
    const { looks } = seen;
    while (seen.looks === looks || seen.steps < seen.looks) await sleep(5);
    await sleep(300);
  };
  const event = (data) => `data: ${JSON.stringify(data)}\n\n`;
  for (const [what, stream] of Object.entries({
    "that says nothing and ends": (response, finish) => {
      finish();
      response.end();
    },
    "that is reset amid an event": (response, finish) => {
      response.write('data: {"status": "run', () => response.socket.resetAndDestroy());
      finish();
    },
    "of what is no JSON": (response, finish) => {
      response.write(`${"data: oops\n\n".repeat(100)}: only a comment\n\nevent\n\n\n\ndata\n\n`);
      finish();
      response.end();
    },
    "of JSON of any shape": (response, finish) => {
      for (const data of [null, 5, "x", [], {}, [null], { status: 5 }, { state: {} }])
        response.write(event(data));
      finish();
      response.end();
    },
    "that is no UTF-8": (response, finish) => {
      response.write(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a]));
      finish();
      response.end();
    },
    "that comes byte by byte": async (response, finish, _, seen) => {
      await quiet(seen);
      const bytes = Buffer.from(event({ status: "completed", note: "✓" }));
      for (const [at, byte] of bytes.entries()) {
        if (at === bytes.length - 1) finish();
        response.write(Buffer.from([byte]));
        await sleep(1);
      }
    },
    "that says twice how it ended": (response, finish) => {
      finish();
      response.end(event({ status: "completed" }).repeat(2));
    },
    "that says it is over before it is": async (response, finish) => {
      response.write(event({ status: "completed" }));
      await sleep(500);
      finish();
      response.end();
    },
    "that goes on after the end": async (response, finish, _, seen) => {
      await quiet(seen);
      finish();
      response.write(event({ status: "completed" }));
      while (!response.destroyed) {
        response.write(event({ status: "running" }));
        await sleep(5);
      }
    },
  })) {
    test(`${what}: each change, and one end`, async (t) => {
      const { states } = await watched(t, stream);
      assert.ok(
        states.slice(0, -1).every((state) => state === "running"),
        `${states}`,
      );
    });
  }

  // If a final event is lost, the client sees the end only at its next check, half a minute later; while events arrive,
  // never.
  const soon = 25_000;

  test("that ends a moment before the run does: the end is not reported much later", async (t) => {
    const stream = async (response, finish, _, seen) => {
      await quiet(seen);
      const { looks } = seen;
      response.write(event({ status: "completed" }));
      // The server sends the end only after a look.
      while (seen.looks === looks) await sleep(5);
      await sleep(50);
      finish();
    };
    await watched(t, stream, {}, soon);
  });

  for (const what of ["run", "steps"]) {
    test(`whose final event arrives while an older answer is pending (of the ${what}): the event counts`, async (t) => {
      const stream = async (response, finish, _, seen) => {
        await quiet(seen);
        let release = () => {};
        const held = new Promise((resolve) => {
          release = resolve;
        });
        let isAsked = false;
        seen[what === "run" ? "holdRun" : "holdSteps"] = async () => {
          if (isAsked) return;
          isAsked = true;
          await held;
        };
        // The event has no tasks, so the client looks at the run.
        response.write(event({ status: "running", current_step: "b" }));
        while (!isAsked) await sleep(5);
        finish();
        response.write(event({ status: "completed" }));
        await sleep(100);
        release();
      };
      await watched(t, stream, {}, soon);
    });
  }

  test("whose final event causes a look that fails: the look is soon repeated", async (t) => {
    const stream = async (response, finish, _, seen) => {
      await quiet(seen);
      seen.failures = 1;
      finish();
      response.write(event({ status: "completed" }));
    };
    await watched(t, stream, {}, soon);
  });

  test("whose events follow each other closely: they do not delay the look that they cause", async (t) => {
    const stream = async (response, finish, _, seen) => {
      await quiet(seen);
      finish();
      for (let at = 0; !response.destroyed; at++) {
        response.write(event({ status: "running", current_step: `step ${at}` }));
        await sleep(50);
      }
    };
    await watched(t, stream, {}, soon);
  });

  test("with an endless event is closed at the limit", async (t) => {
    let written = 0;
    const stream = async (response, finish) => {
      const piece = "x".repeat(10_000);
      response.write("data: ");
      while (!response.destroyed && written < 20_000_000) {
        written += piece.length;
        if (!response.write(piece)) await sleep(1);
      }
      finish();
    };
    const { seen } = await watched(t, stream, { maxResponseSize: 100_000 });
    assert.ok(seen.cut > 0);
    assert.ok(written < 20_000_000, "it was cut");
  });

  test("that always breaks is not opened again and again", async (t) => {
    const { seen } = await watched(t, (response, finish, number) => {
      if (number >= 3) setTimeout(finish, 1500);
      response.end();
    });
    assert.equal(seen.streams, 3);
  });
});

checkLeftovers();
