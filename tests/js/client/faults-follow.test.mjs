// Servers that lose answers, restart and forget connections: every run is started once and followed to its end.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Highway } from "highway-wasm";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import {
  driverFor,
  faultServer,
  json,
  reset,
  runScript,
  silence,
  stalled,
  text,
} from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";

const checkLeftovers = watchProcess();

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// At the same time, because the tests mostly wait.
describe("following runs", { concurrency: true }, () => {
  describe("one key starts one run", { concurrency: true }, () => {
    /** A server that starts one run per key and loses the messages that the numbers choose. */
    function modelOf(randoms) {
      const runs = new Map();
      const seen = { lost: 0, refused: 0 };
      const script = ({ headers, json: body }) => {
        const key = headers["x-idempotency-key"];
        const random = randoms(body.inputs.n);
        const fate = random();
        if (fate < 0.1) {
          // Lost on the way to the server.
          seen.refused += 1;
          return fate < 0.05 ? text(503, "") : reset();
        }
        if (!runs.has(key)) runs.set(key, { id: `run-${runs.size}`, n: body.inputs.n, begun: 0 });
        const run = runs.get(key);
        run.begun += 1;
        const answer = json(201, { status: "success", data: { workflow_run_id: run.id } });
        if (fate < 0.6) {
          // Lost on the way back, in one of many ways.
          seen.lost += 1;
          const part = `HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n${answer.body}`;
          const ways = [
            reset(),
            reset(part),
            text(502, "<html>", "text/html"),
            text(408, ""),
            reset("HTTP/1.1 2"),
          ];
          return ways[Math.floor(random() * ways.length)];
        }
        return answer;
      };
      return { runs, seen, script };
    }

    for (const [what, options] of [
      ["keys of its own", () => ({})],
      ["keys of the caller's", (n) => ({ workflowId: `order ${n}` })],
    ]) {
      test(`200 submissions with ${what}, of which most answers are lost`, async (t) => {
        const sequences = new Map();
        const model = modelOf((n) => {
          // By submission, because the order of the requests is undefined.
          if (!sequences.has(n)) sequences.set(n, randomOf(7919 * n + 1));
          return sequences.get(n);
        });
        const server = await faultServer(t, model.script);
        const retry = { attempts: 40, delay: 0.001, maxDelay: 0.004 };
        const driver = driverFor(server, { retry, circuitBreaker: false });
        const handles = [];
        const numbers = Array.from({ length: 200 }, (_, n) => n);
        const worker = async () => {
          for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
            handles[n] = await driver.start({ inputs: { n }, ...options(n) });
          }
        };
        await Promise.all(Array.from({ length: 10 }, worker));
        assert.equal(model.runs.size, 200, "as many runs as submissions");
        for (const { id, n } of model.runs.values()) assert.equal(handles[n].runId, id);
        assert.equal(new Set(handles.map(({ runId }) => runId)).size, 200);
        assert.ok(model.seen.lost > 150 && model.seen.refused > 20, JSON.stringify(model.seen));
        assert.ok(server.requests.length > 400, "much was sent again");
      });
    }

    test("workflows.submit and workflows.register, too", async (t) => {
      const server = await faultServer(t, (_, index) =>
        index % 3 < 2 ? reset() : json(201, { workflow_run_id: "r", definition_id: "d" }),
      );
      const retry = { delay: 0.001 };
      const highway = new Highway({ endpoint: server.url, apiKey: "k", retry });
      const workflow = { name: "w", tasks: {} };
      assert.equal((await highway.workflows.submit({ workflow })).runId, "r");
      await highway.workflows.register({ workflow });
      const keys = server.requests.map(({ headers }) => headers["x-idempotency-key"]);
      assert.equal(keys.length, 6);
      assert.deepEqual(
        [new Set(keys.slice(0, 3)).size, new Set(keys.slice(3)).size, new Set(keys).size],
        [1, 1, 2],
      );
    });
  });

  describe("a server that restarts", { concurrency: true }, () => {
    /**
     * A server on which a run continues until a restart. `stop` closes it with all its connections, `start` listens on
     * the same port again, and `restart` does both, a second apart.
     */
    async function restartable(t, { stream = false, id = "r" } = {}) {
      let starts = 0;
      let server;
      const seen = { looks: 0 };
      const handler = ({ url }, response) => {
        const give = (status, body) => {
          response.writeHead(status, { "content-type": "application/json" });
          response.end(JSON.stringify(body));
        };
        if (url.endsWith("/stream")) {
          if (!stream) return give(404, {});
          response.writeHead(200, { "content-type": "text/event-stream" });
          response.write(`data: {"status": "running", "current_step": "streamed ${starts}"}\n\n`);
          return undefined;
        }
        if (/\/steps(\?|$)/.test(url)) return give(200, { steps: [{ step_name: "a", status: "succeeded" }] });
        seen.looks += 1;
        const run = (runId) => ({ workflow_run_id: runId, status: starts > 1 ? "completed" : "running" });
        if (/workflows\?/.test(url))
          return give(200, { workflows: [0, 1, 2, 3, 4, 5].map((n) => run(`${id}${n}`)) });
        return give(200, { ...run(url.split("/").pop()), result: { output: 1 } });
      };
      const listen = async (port) => {
        server = createServer(handler);
        server.listen(port, "127.0.0.1");
        await once(server, "listening");
        starts += 1;
        return server.address().port;
      };
      const close = async () => {
        server.close();
        server.closeAllConnections();
        await once(server, "close");
      };
      const port = await listen(0);
      t.after(close);
      return {
        url: `http://127.0.0.1:${port}`,
        seen,
        stop: close,
        start: () => listen(port),
        async restart() {
          await close();
          await sleep(1000);
          await listen(port);
        },
      };
    }

    test("result() ends normally", async (t) => {
      const server = await restartable(t);
      const outcome = driverFor(server, { retry: false }).handle("r").result({ timeout: 60 });
      while (server.seen.looks < 2) await sleep(5);
      await server.restart();
      const result = await outcome;
      assert.deepEqual(
        [result.state, result.result, result.tasks.a.state],
        ["completed", { output: 1 }, "completed"],
      );
    });

    for (const stream of [false, true]) {
      test(`watch() gives one final status${stream ? ", with a stream that was cut" : ""}`, async (t) => {
        const server = await restartable(t, { stream });
        const states = [];
        const steps = [];
        let restarted;
        for await (const status of driverFor(server).handle("r").watch({ timeout: 60 })) {
          states.push(status.state);
          steps.push(status.currentStep);
          // Without a stream, no other change comes before the restart.
          if (restarted === undefined && (!stream || status.currentStep === "streamed 1")) {
            restarted = server.restart();
          }
        }
        await restarted;
        assert.equal(states.filter((state) => state === "completed").length, 1, `${states}`);
        assert.equal(states.at(-1), "completed");
        assert.ok(
          states.slice(0, -1).every((state) => state === "running"),
          `${states}`,
        );
        if (stream) assert.ok(steps.includes("streamed 1"), `${steps}`);
      });
    }

    test("many runs that are followed at the same time end, each once", async (t) => {
      const server = await restartable(t);
      const driver = driverFor(server);
      const ids = [0, 1, 2, 3, 4, 5].map((n) => `r${n}`);
      const ends = ids.map(() => 0);
      const outcomes = ids.map((id, at) =>
        driver.handle(id).result({
          timeout: 60,
          onProgress: ({ isTerminal }) => {
            if (isTerminal) ends[at] += 1;
          },
        }),
      );
      while (server.seen.looks < 2) await sleep(5);
      await server.restart();
      const results = await Promise.all(outcomes);
      assert.deepEqual(
        results.map(({ runId, state }) => `${runId} ${state}`),
        ids.map((id) => `${id} completed`),
      );
      assert.deepEqual(ends, [1, 1, 1, 1, 1, 1]);
    });

    test("a call during the restart is repeated", async (t) => {
      const server = await restartable(t);
      const driver = driverFor(server, {
        retry: { attempts: 40, delay: 0.1, maxDelay: 0.1 },
        circuitBreaker: false,
      });
      assert.equal((await driver.status("r")).state, "running");
      await server.stop();
      const outcome = driver.status("r");
      await sleep(1000);
      await server.start();
      assert.equal((await outcome).state, "completed");
    });
  });

  describe("a run that is followed", { concurrency: true }, () => {
    const running = json(200, { status: "running", progress: { tasks: { a: "running" } } });
    const completed = json(200, { status: "completed" });
    const waitTimeout = { name: "TimeoutError", code: "WAIT_TIMEOUT", message: /`r`/ };

    test("survives all temporary failures, and reports no state twice", async (t) => {
      const part = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"data": {';
      const looks = [running, reset(), text(503, ""), reset(part), text(408, ""), running, completed];
      let look = 0;
      const server = await faultServer(t, ({ path }) => {
        if (/\/steps(\?|$)/.test(path)) return json(404, {});
        if (path.endsWith("/stream")) return text(503, "");
        const answer = looks[Math.min(look, looks.length - 1)];
        look += 1;
        return answer;
      });
      const states = [];
      for await (const { state } of driverFor(server).handle("r").watch({ timeout: 60 })) states.push(state);
      assert.deepEqual(states, ["running", "completed"]);
    });

    test("an answer that never arrives is aborted and requested again", async (t) => {
      let look = 0;
      const server = await faultServer(t, ({ path }) => {
        if (/\/(steps|stream)$/.test(path)) return json(404, {});
        look += 1;
        return [silence, stalled][look - 1] ?? completed;
      });
      const result = await driverFor(server, { timeout: 2 }).handle("r").result({ timeout: 60 });
      assert.equal(result.state, "completed");
      assert.equal(look, 3);
    });

    test("an error of a callback ends only that follower", async (t) => {
      const server = await faultServer(t, runScript(["running", "running", "completed"]));
      const driver = driverFor(server);
      const mine = new Error("mine");
      const thrower = driver.handle("r").result({
        onProgress() {
          throw mine;
        },
      });
      const other = driver.handle("r").result();
      assert.equal(await rejectionOf(thrower), mine);
      assert.equal((await other).state, "completed");
    });

    test("a loop that is left sends no more requests", async (t) => {
      const server = await faultServer(t, runScript(["running"]));
      let sent = 0;
      const counting = (...request) => {
        sent += 1;
        return fetch(...request);
      };
      for await (const status of driverFor(server, { fetch: counting }).handle("r").watch()) {
        assert.equal(status.state, "running");
        break;
      }
      await sleep(50);
      const count = sent;
      await sleep(600);
      assert.equal(sent, count);
    });

    // The run has ended. The client must not wait for its tasks for much longer than the caller wants to wait.
    for (const [what, answer] of [
      ["does not answer", silence],
      ["stops amid its answer", stalled],
    ]) {
      test(`a timeout also applies if the server ${what} when asked for the steps`, async (t) => {
        const server = await faultServer(t, ({ path }) => (/\/steps(\?|$)/.test(path) ? answer : completed));
        const signal = AbortSignal.timeout(28_000);
        const outcome = driverFor(server).handle("r").result({ timeout: 0.5, signal });
        const end = await outcome.catch((error) => error);
        assert.ok(end.state === "completed" || end.code === "WAIT_TIMEOUT", `${end.code}: ${end.message}`);
      });
    }

    test("a timeout also applies if the server cuts, drips and refuses in turn", async (t) => {
      const answers = [reset(), text(503, ""), silence, text(429, "", "text/plain", { "retry-after": "60" })];
      const server = await faultServer(t, (_, index) => answers[index % answers.length]);
      const signal = AbortSignal.timeout(20_000);
      await checkRejection(driverFor(server).handle("r").result({ timeout: 1, signal }), waitTimeout);
    });
  });
});

checkLeftovers();
