// Following a run: polling, progress, time limits, and reading of the result.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExecutionError, RunStatus } from "highway-wasm";
import { runModule } from "../support/child.mjs";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, reset, runScript, silence, text } from "../support/fault-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

const waitTimeout = { name: "TimeoutError", code: "WAIT_TIMEOUT", message: /`run-1`/, help: /handle/ };
const running = json(200, { data: { status: "running" } });
const completed = json(200, { data: { status: "completed" } });
const polls = ({ requests }) =>
  requests.filter(({ method, path }) => method === "GET" && !/\/(steps|stream)$/.test(path));

/** Follows `run-1` on a server with the given answers. */
async function follow(t, script, options, driverOptions) {
  const server = await faultServer(t, script);
  const handle = driverFor(server, driverOptions).handle("run-1");
  return { server, outcome: handle.result(options) };
}

/** The error of a promise. `took` and `waited` are the milliseconds until then, by a stopwatch and by a clock. */
async function timed(promise) {
  const started = performance.now();
  const watch = stopwatch();
  const error = await rejectionOf(promise);
  return { error, took: watch.stop(), waited: performance.now() - started };
}

describe("polling", { concurrency: true }, () => {
  test("the intervals start at 0.1 s and grow", async (t) => {
    const states = [...Array(7).fill("running"), "completed"];
    const { server, outcome } = await follow(t, runScript(states));
    assert.equal((await outcome).state, "completed");
    const times = polls(server).map(({ at }) => at);
    const gaps = times.slice(1, 8).map((at, index) => at - times[index]);
    // Each interval is 1.5 times the one before, plus or minus a tenth. A busy machine adds to it.
    for (const [index, gap] of gaps.entries()) {
      const nominal = 100 * 1.5 ** index;
      assert.ok(gap >= nominal * 0.88 && gap < nominal * 1.1 + 1000, `${gaps}`);
    }
  });

  test("every spelling of a final state ends it, other words do not", async (t) => {
    const spellings = {
      completed: "completed",
      COMPLETED: "completed",
      succeeded: "completed",
      failed: "failed",
      cancelled: "cancelled",
      canceled: "cancelled",
      timed_out: "timed_out",
    };
    for (const [status, state] of Object.entries(spellings)) {
      const { outcome } = await follow(t, runScript([status]));
      const result = await outcome;
      assert.deepEqual([result.status, result.state, result.isTerminal], [status, state, true]);
    }
    for (const status of [
      "pending",
      "submitted",
      "running",
      "scheduled",
      "sleeping",
      "waiting",
      "brand-new",
    ]) {
      const { outcome } = await follow(t, runScript([status]), { timeout: 0.01 });
      await checkRejection(outcome, waitTimeout);
    }
  });

  test("status takes precedence over state; state alone is enough; bare answers are read", async (t) => {
    for (const body of [
      { status: "success", data: { status: "completed", state: "running" } },
      { success: true, data: { state: "completed" } },
      { status: "completed", state: "running" },
      { state: "completed" },
      { status: "success", data: { status: null, state: "completed" } },
    ]) {
      const { outcome } = await follow(t, [json(200, body)], { timeout: 30 });
      assert.equal((await outcome).state, "completed", JSON.stringify(body));
    }
  });

  test("429 with Retry-After: waits that long and continues", async (t) => {
    const limited = json(429, { message: "slow down" }, { "retry-after": "1" });
    const { server, outcome } = await follow(t, (_, index) => (index === 0 ? limited : completed));
    assert.equal((await outcome).state, "completed");
    const [first, second] = server.requests;
    assert.ok(second.at - first.at >= 950, `${second.at - first.at}`);
  });

  test("429 without Retry-After: continues too", async (t) => {
    const { outcome } = await follow(t, (_, index) => (index < 3 ? text(429, "") : completed));
    assert.equal((await outcome).state, "completed");
  });

  test("a wait for Retry-After ends at the time limit", async (t) => {
    const { outcome } = await follow(t, [json(429, {}, { "retry-after": "3600" })], { timeout: 0.3 });
    const { error, took } = await timed(outcome);
    assert.equal(error.code, "WAIT_TIMEOUT");
    assert.ok(took < 5000, `${took}`);
  });

  test("outages between polls are survived", async (t) => {
    const answers = [running, text(502, "<html>", "text/html"), reset(), json(503, {}), running, completed];
    const { outcome } = await follow(t, (_, index) => answers[Math.min(index, 5)], {}, { retry: false });
    assert.equal((await outcome).state, "completed");
  });

  test("refusals end it, and name the run", async (t) => {
    for (const [status, code] of [
      [401, "API_UNAUTHORIZED"],
      [403, "API_FORBIDDEN"],
      [404, "API_NOT_FOUND"],
      [400, "API_BAD_REQUEST"],
    ]) {
      const { server, outcome } = await follow(t, [json(status, { message: "no" })]);
      const error = await checkRejection(outcome, { name: "ApiError", code });
      assert.deepEqual([error.status, error.details.runId], [status, "run-1"]);
      assert.equal(server.requests.length, 1);
    }
    const { outcome } = await follow(t, [text(200, "<html></html>", "text/html")]);
    await checkRejection(outcome, { name: "ApiError", code: "API_RESPONSE_INVALID", message: /HTML/ });
  });
});

describe("time limits", { concurrency: true }, () => {
  test("a run that never ends", async (t) => {
    const { outcome } = await follow(t, runScript(["running"]), { timeout: "PT0.4S" });
    const { error, took, waited } = await timed(outcome);
    await checkRejection(Promise.reject(error), waitTimeout);
    assert.deepEqual([error.details.runId, error.details.state], ["run-1", "running"]);
    assert.ok(took < 3000, `${took}`);
    assert.ok(waited >= 380, `${waited}`);
  });

  test("timeout 0 looks once", async (t) => {
    const { server, outcome } = await follow(t, runScript(["running"]), { timeout: 0 });
    await checkRejection(outcome, waitTimeout);
    assert.equal(server.requests.length, 1);
    const over = await follow(t, runScript(["completed"]), { timeout: 0 });
    assert.equal((await over.outcome).state, "completed");
  });

  test("an invalid timeout", async (t) => {
    for (const timeout of [-1, "soon", Number.NaN]) {
      const { outcome } = await follow(t, runScript(["running"]), { timeout });
      const error = await rejectionOf(outcome);
      assert.equal(error.path, "/timeout", error.message);
    }
  });

  for (const [what, answer] of [
    ["does not answer", silence],
    ["answers 503", json(503, {})],
    ["answers 503 with a long Retry-After", json(503, {}, { "retry-after": "60" })],
    ["cuts the connection", reset()],
  ]) {
    test(`applies if the server ${what}`, async (t) => {
      // Limited, so that a failure is seen soon.
      const options = { timeout: 0.3, signal: AbortSignal.timeout(15_000) };
      const { outcome } = await follow(t, [answer], options, { timeout: 2 });
      const { error, took } = await timed(outcome);
      assert.equal(error.code, "WAIT_TIMEOUT", error.message);
      assert.ok(took < 1400, `it took ${Math.round(took)} ms`);
    });
  }

  test("run waits ten seconds longer than the run's own limit", async () => {
    // In another process, whose clock is set forward.
    const { stdout, stderr } = await runModule(`
      import { Driver } from "highway-wasm";
      const now = performance.now.bind(performance);
      let skipped = 0;
      performance.now = () => now() + skipped;
      let polls = 0;
      const fetch = async ({ method }) => {
        if (method === "POST") return Response.json({ run_id: "run-1" });
        polls += 1;
        if (polls === 2) skipped = 10_500;
        if (polls === 4) skipped = 11_000;
        return Response.json({ status: "running" });
      };
      const driver = new Driver({ fetch, apiKey: "k", endpoint: "http://h" });
      driver.shell("a", "true");
      const error = await driver.run({ timeout: 1 }).catch((error) => error);
      console.log(error.code, error.details.runId, polls);`);
    assert.match(stdout, /^WAIT_TIMEOUT run-1 [45]\n$/, stderr);
  });
});

describe("progress", { concurrency: true }, () => {
  test("is reported first and after every change", async (t) => {
    const states = ["pending", "running", "running", "running", "sleeping", "completed"];
    const seen = [];
    const { outcome } = await follow(t, runScript(states), { onProgress: (status) => seen.push(status) });
    await outcome;
    assert.deepEqual(
      seen.map(({ state }) => state),
      ["pending", "running", "sleeping", "completed"],
    );
    assert.ok(seen.every((status) => status instanceof RunStatus && status.runId === "run-1"));
  });

  test("in every shape", async (t) => {
    for (const [progress, percent] of [
      [{ progress_percentage: 40 }, 40],
      [{ progress: 0.5 }, 50],
      [{ progress: { completed: 1, total: 4, tasks: { a: "succeeded" } } }, 25],
      [{}, null],
      [{ progress: null, progress_percentage: null }, null],
      [{ progress: "half" }, null],
    ]) {
      const server = await faultServer(t, [json(200, { status: "running", current_task: "b", ...progress })]);
      const status = await driverFor(server).status("r");
      assert.equal(status.progress.percent, percent, JSON.stringify(progress));
      assert.equal(status.currentStep, "b");
      if (percent === 25) assert.deepEqual(status.progress.tasks, { a: "completed" });
    }
  });

  test("a callback that throws ends the wait with its error", async (t) => {
    for (const thrown of [new Error("mine"), "text", undefined, null]) {
      const onProgress = () => {
        throw thrown;
      };
      const run = { progress: { tasks: { a: "running" } } };
      const { server, outcome } = await follow(t, runScript(["running"], run), { onProgress });
      const { error, took } = await timed(outcome);
      assert.equal(error, thrown);
      assert.ok(took < 3000, `${took}`);
      assert.equal(server.requests.length, 1);
    }
  });

  test("a callback that throws at the last change", async (t) => {
    const onProgress = ({ state }) => {
      if (state === "completed") throw new Error("mine");
    };
    const { outcome } = await follow(t, runScript(["running", "completed"]), { onProgress });
    assert.equal((await rejectionOf(outcome)).message, "mine");
  });
});

describe("results", { concurrency: true }, () => {
  const run = {
    workflow_name: "w",
    status: "failed",
    error: { code: "EXIT_CODE_NONZERO", message: "b failed", help: "look" },
    result: { output: 1, a_result: { stdout: 'x\n__HIGHWAY_RESULT__:{"n": 2}\n', exit_code: 0 } },
    started_at: "2026-01-02T03:04:05Z",
    completed_at: "2026-01-02T03:04:06.500+00:00",
  };
  const steps = [
    { step_name: "a", status: "succeeded", result_key: "a_result" },
    { step_name: "b", status: "failed", error: "e", result: { stdout: "o", stderr: "bad", returncode: 3 } },
    { step_name: "c", status: "skipped" },
  ];
  const script = (stepsAnswer) => (request) =>
    /\/steps(\?|$)/.test(request.path) ? stepsAnswer : json(200, { data: run });

  test("a run that failed is a normal result; its error can be thrown", async (t) => {
    const { outcome } = await follow(t, script(json(200, { success: true, data: { steps } })));
    const result = await outcome;
    assert.deepEqual([result.state, result.isSuccess, result.allTasksSucceeded], ["failed", false, false]);
    assert.ok(result.error instanceof ExecutionError);
    const { code, message, help, details } = result.error;
    assert.deepEqual(
      [code, message, help, details.runId],
      ["EXIT_CODE_NONZERO", "b failed", "look", "run-1"],
    );
    assert.deepEqual(result.completedAt, new Date("2026-01-02T03:04:06.500Z"));
    const { a, b, c } = result.tasks;
    assert.deepEqual(
      [a.state, a.isSuccess, a.returncode, a.result.parsed_result],
      ["completed", true, 0, { n: 2 }],
    );
    assert.deepEqual([b.state, b.stdout, b.stderr, b.returncode], ["failed", "o", "bad", 3]);
    assert.ok(b.error instanceof ExecutionError);
    assert.deepEqual([b.error.message, b.error.details.task], ["e", "b"]);
    assert.deepEqual([c.state, c.error, c.isSuccess], ["skipped", null, false]);
  });

  test("a server without steps: the result map is used", async (t) => {
    for (const answer of [json(404, {}), json(403, {})]) {
      const { outcome } = await follow(t, script(answer));
      const { tasks } = await outcome;
      assert.deepEqual(Object.keys(tasks), ["a"]);
      assert.equal(tasks.a.returncode, 0);
    }
  });

  test("errors in every shape", async (t) => {
    for (const [body, message] of [
      [{ error: "boom" }, "boom"],
      [{ error: "", failure_reason: "why" }, "why"],
      [{ failure_reason: { reason: "r" } }, "r"],
      [{}, "the run failed"],
    ]) {
      const server = await faultServer(t, [json(200, { status: "failed", ...body })]);
      const { error } = await driverFor(server).status("r");
      assert.deepEqual([error.name, error.code, error.message], ["ExecutionError", "RUN_FAILED", message]);
    }
  });

  test("unusual values are accepted", async (t) => {
    const odd = {
      status: "completed",
      started_at: "yesterday",
      progress: [],
      result: "scalar",
      current_step: 5,
    };
    const { outcome } = await follow(t, (request) =>
      json(200, /\/steps(\?|$)/.test(request.path) ? { steps: null } : odd),
    );
    const result = await outcome;
    assert.deepEqual([result.result, result.tasks, result.currentStep], ["scalar", {}, null]);
    JSON.stringify(result);
  });
});

describe("not to be lost", { concurrency: true }, () => {
  test("the result of a run whose steps cannot be read", async (t) => {
    for (const status of [404, 405, 500, 501]) {
      const server = await faultServer(t, ({ path }) =>
        /\/steps(\?|$)/.test(path)
          ? json(status, {})
          : json(200, { status: "completed", result: { output: 1, a_result: { stdout: "x" } } }),
      );
      const result = await driverFor(server, { retry: false }).handle("r").result();
      assert.deepEqual([result.state, result.tasks.a.stdout], ["completed", "x"], `${status}`);
    }
  });

  test("the id of a run that continues after an abort", async (t) => {
    const server = await faultServer(t, () => json(200, { status: "running" }));
    const outcome = driverFor(server)
      .handle("r7")
      .result({ signal: AbortSignal.timeout(150) });
    const error = await rejectionOf(outcome);
    assert.deepEqual([error.code, error.details.runId], ["ABORTED", "r7"]);
  });

  test("nothing is submitted with an invalid progress callback", async (t) => {
    const server = await faultServer(t, () => json(201, { workflow_run_id: "r" }));
    await checkRejection(driverFor(server).run({ onProgress: 5 }), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      path: "/onProgress",
    });
    assert.equal(server.requests.length, 0);
  });

  test("a cancellation whose answer was lost", async (t) => {
    const script = [json(502, {}), json(409, {}), json(200, { status: "cancelled" })];
    assert.equal(await driverFor(await faultServer(t, script)).cancel("r"), true);
    const over = [json(502, {}), json(409, {}), json(200, { status: "completed" })];
    assert.equal(await driverFor(await faultServer(t, over)).cancel("r"), false);
  });
});
