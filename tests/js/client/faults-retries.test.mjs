// When a request is sent again, when it is not, and when the client stops asking a server.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, Highway, isHighwayError } from "highway-wasm";
import { checkRejection, checkThrown, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, reset, silence, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { rawServer, whole } from "../support/raw-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

const checkLeftovers = watchProcess();

const api = (code, more = {}) => ({ name: "ApiError", code, ...more });
const running = json(200, { status: "running" });
const accepted = json(201, { workflow_run_id: "run-1" });
const limited = (retryAfter, headers = {}) =>
  text(429, "", "text/plain", { "retry-after": retryAfter, ...headers });
/** Short delays, and many attempts. */
const quick = { attempts: 60, delay: 0.001, maxDelay: 0.002 };

describe("429", { concurrency: true }, () => {
  const past = new Date(Date.now() - 60_000).toUTCString();
  for (const [what, retryAfter] of [
    ["of nothing", "0"],
    ["of a moment that is over", past],
    ["that is no time", "soon"],
    ["that is negative", "-7"],
    ["with a fraction", "0.5"],
    ["that is empty", ""],
  ]) {
    test(`50 in a row with a Retry-After ${what} are survived`, async (t) => {
      const server = await faultServer(t, (_, index) => (index < 50 ? limited(retryAfter) : running));
      assert.equal((await driverFor(server, { retry: quick }).status("r")).state, "running");
      // The server answers, so the circuit stays closed too.
      assert.equal(server.requests.length, 51);
    });
  }

  test("without end: the attempts are counted", async (t) => {
    const server = await faultServer(t, [limited("0")]);
    const error = await checkRejection(driverFor(server).status("r"), api("API_RATE_LIMITED"));
    assert.deepEqual([error.retryAfter, error.details.attempts, server.requests.length], [0, 4, 4]);
    await checkRejection(driverFor(server).start(), { name: "SubmissionError", code: "API_RATE_LIMITED" });
  });

  test("while a run is followed, even if the first answers are all like that", async (t) => {
    const server = await faultServer(t, (_, index) => {
      if (index < 4) return limited(["0", past, "soon", "-1"][index]);
      return json(200, { status: "completed", steps: [] });
    });
    assert.equal((await driverFor(server).handle("r").result({ timeout: 30 })).state, "completed");
  });

  /** The `retryAfter` of an error, for a server with or without a `date`. */
  async function retryAfterOf(t, headers) {
    const server = await rawServer(t, async (peer) => {
      await peer.request();
      peer.end(whole(429, "{}", headers));
    });
    const error = await rejectionOf(driverFor(server, { retry: false }).status("r"));
    assert.equal(error.code, "API_RATE_LIMITED");
    return error.retryAfter;
  }

  test("a date is compared with the server's own clock, however wrong it is", async (t) => {
    for (const [date, retryAfter, expected] of [
      ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:30 GMT", 30],
      ["Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 2099 07:29:00 GMT", 60],
      ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:27:00 GMT", 0],
      ["Wed, 21 Oct 2015 07:28:00 GMT", "Sat, 24 Oct 2015 07:28:00 GMT", 3 * 86_400],
      ["Wed, 21 Oct 2015 07:28:00 GMT", "172800", 2 * 86_400],
      ["yesterday", "Wed, 21 Oct 2015 07:28:00 GMT", undefined],
      ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo 2015 77:28:00 GMT", undefined],
    ]) {
      assert.equal(await retryAfterOf(t, { date, "retry-after": retryAfter }), expected, retryAfter);
    }
  });

  test("a delay of days ends a call at once, even one that could be repeated", async (t) => {
    for (const [status, retryAfter] of [
      [429, "172800"],
      [503, new Date(Date.now() + 3 * 86_400_000).toUTCString()],
      [503, "99999999999999999999"],
    ]) {
      const server = await faultServer(t, () =>
        text(status, "", "text/plain", { "retry-after": retryAfter }),
      );
      const driver = driverFor(server, { retry: { attempts: 5, delay: 0.001, totalTime: 60 } });
      for (const call of [driver.status("r"), driver.handle("r").result({ timeout: 60 })]) {
        const error = await rejectionOf(call);
        assert.ok(error.retryAfter > 86_400, `${error.code} ${error.retryAfter}`);
      }
      assert.equal(server.requests.length, 2);
    }
  });

  test("without the server's time, a date is compared with the local clock", async (t) => {
    const soon = await retryAfterOf(t, { "retry-after": new Date(Date.now() + 100_000).toUTCString() });
    assert.ok(soon > 60 && soon <= 101, `${soon}`);
    assert.equal(await retryAfterOf(t, { "retry-after": past }), 0);
  });

  test("Retry-After of 503 and of 408 counts too", async (t) => {
    for (const status of [503, 408]) {
      const server = await faultServer(t, (_, index) =>
        index === 0 ? text(status, "", "text/plain", { "retry-after": "1" }) : running,
      );
      await driverFor(server, { retry: quick }).status("r");
      const [first, second] = server.requests;
      assert.ok(second.at - first.at >= 950, `${second.at - first.at}`);
    }
  });
});

describe("retry", { concurrency: true }, () => {
  test("attempts: that many, for every kind of failure", async (t) => {
    for (const answer of [text(500, ""), text(502, ""), text(408, ""), reset(), limited("0")]) {
      for (const attempts of [1, 2, 7]) {
        const server = await faultServer(t, [answer]);
        const retry = { attempts, delay: 0.001, maxDelay: 0.001 };
        const error = await rejectionOf(driverFor(server, { retry }).status("r"));
        assert.deepEqual([error.details.attempts, server.requests.length], [attempts, attempts]);
      }
    }
  });

  test("false: one attempt, and a permanent failure is never repeated", async (t) => {
    const server = await faultServer(t, [text(503, "")]);
    await rejectionOf(driverFor(server, { retry: false }).status("r"));
    assert.equal(server.requests.length, 1);
    for (const status of [400, 401, 403, 404, 409, 422, 501]) {
      const other = await faultServer(t, [json(status, {})]);
      await rejectionOf(driverFor(other).status("r"));
      assert.equal(other.requests.length, 1, `${status}`);
    }
  });

  test("totalTime: no wait beyond it", async (t) => {
    const server = await faultServer(t, [limited("100")]);
    const retry = { ...quick, totalTime: 0.5 };
    const watch = stopwatch();
    const error = await checkRejection(driverFor(server, { retry }).status("r"), api("API_RATE_LIMITED"));
    assert.deepEqual([error.retryAfter, error.details.attempts, server.requests.length], [100, 1, 1]);
    assert.ok(watch.stop() < 20_000, "it does not wait for what it will not do");
  });

  test("totalTime: ends a long row of attempts", async (t) => {
    const server = await faultServer(t, [text(503, "")]);
    const retry = { attempts: 1000, delay: 0.1, maxDelay: 0.1, totalTime: "PT1S" };
    const driver = driverFor(server, { retry, circuitBreaker: false });
    const error = await checkRejection(driver.status("r"), api("API_SERVER_ERROR"));
    const { attempts } = error.details;
    // Each delay is at least half of a tenth of a second.
    assert.ok(attempts > 1 && attempts <= 21 && attempts === server.requests.length, `${attempts}`);
  });

  for (const [path, wrong] of [
    ["/retry", [{ retry: "often" }, { retry: null }, { retry: true }]],
    ["/retry/attempts", [{ retry: { attempts: 0 } }, { retry: { attempts: 1.5 } }]],
    ["/retry/delay", [{ retry: { delay: -1 } }, { retry: { delay: "soon" } }]],
    ["/retry/totalTime", [{ retry: { totalTime: 0 } }, { retry: { totalTime: 1e12 } }]],
    ["/retry/when", [{ retry: { when: true } }]],
    ["/retry/max", [{ retry: { max: 3 } }]],
    ["/circuitBreaker", [{ circuitBreaker: true }, { circuitBreaker: null }]],
    ["/circuitBreaker/failures", [{ circuitBreaker: { failures: 0 } }]],
    ["/circuitBreaker/openFor", [{ circuitBreaker: { openFor: 0 } }]],
    ["/circuitBreaker/open", [{ circuitBreaker: { open: 1 } }]],
  ]) {
    test(`an invalid setting is named: ${path}`, () => {
      for (const options of wrong) {
        const expected = { name: "ConfigurationError", code: "OPTION_INVALID", path };
        checkThrown(() => new Driver({ endpoint: "http://h", apiKey: "k", ...options }), expected);
      }
    });
  }
});

describe("retry.when", { concurrency: true }, () => {
  /** A driver with a `when` function, and the arguments that the function got. */
  function judged(server, judge, options = {}) {
    const asked = [];
    const when = (error, attempt) => {
      asked.push([error, attempt]);
      return judge(error, attempt);
    };
    return {
      driver: driverFor(server, { retry: { delay: 0.001, maxDelay: 0.002, when, ...options } }),
      asked,
    };
  }

  test("is called for every failure except the last, with its number", async (t) => {
    const server = await faultServer(t, [
      text(503, ""),
      limited("0"),
      reset(),
      json(502, { message: "why" }),
    ]);
    const { driver, asked } = judged(server, () => undefined, { attempts: 5 });
    const final = await checkRejection(driver.status("r"), api("API_SERVER_ERROR"));
    assert.deepEqual(
      asked.map(([error, attempt]) => [isHighwayError(error), error.code, error.details.attempts, attempt]),
      [
        [true, "API_SERVER_ERROR", 1, 1],
        [true, "API_RATE_LIMITED", 2, 2],
        [true, "API_UNREACHABLE", 3, 3],
        [true, "API_SERVER_ERROR", 4, 4],
      ],
    );
    assert.equal(asked[1][0].retryAfter, 0);
    assert.deepEqual([final.details.attempts, server.requests.length], [5, 5]);
  });

  test("may refuse", async (t) => {
    const server = await faultServer(t, [text(503, "")]);
    const { driver, asked } = judged(server, (_, attempt) => attempt < 3);
    await checkRejection(driver.start(), { name: "SubmissionError", code: "API_SERVER_ERROR" });
    assert.deepEqual([asked.length, server.requests.length], [3, 3]);
    const never = await faultServer(t, [text(503, "")]);
    await rejectionOf(judged(never, () => false).driver.status("r"));
    assert.equal(never.requests.length, 1);
  });

  test("may repeat more: 409, 404, an invalid answer", async (t) => {
    const conflict = json(409, { message: "not yet" });
    const server = await faultServer(t, [
      conflict,
      json(404, {}),
      text(200, "<html>", "text/html"),
      accepted,
    ]);
    const { driver, asked } = judged(server, () => true);
    assert.equal((await driver.start({ workflowId: "w" })).runId, "run-1");
    assert.deepEqual(
      asked.map(([{ code }]) => code),
      ["API_CONFLICT", "API_NOT_FOUND", "API_RESPONSE_INVALID"],
    );
    assert.ok(server.requests.every(({ headers }) => headers["x-idempotency-key"] === "w"));
    const always = await faultServer(t, [conflict]);
    await checkRejection(judged(always, () => true).driver.status("r"), api("API_CONFLICT"));
    assert.equal(always.requests.length, 4, "within the attempts there are");
  });

  test("may leave the decision to the default", async (t) => {
    for (const [answer, requests] of [
      [text(503, ""), 4],
      [json(404, {}), 1],
    ]) {
      const server = await faultServer(t, [answer]);
      await rejectionOf(judged(server, () => undefined).driver.status("r"));
      assert.equal(server.requests.length, requests);
    }
  });

  test("that returns neither a boolean nor undefined is refused", async (t) => {
    for (const verdict of [Promise.resolve(false), "no", null, 0]) {
      const server = await faultServer(t, [text(503, "")]);
      const refused = { name: "ConfigurationError", code: "OPTION_INVALID", path: "/retry/when" };
      await checkRejection(judged(server, () => verdict).driver.status("r"), refused);
      assert.equal(server.requests.length, 1);
    }
  });

  test("that throws ends the call with its error", async (t) => {
    for (const thrown of [new Error("mine"), "text", undefined, null, 0]) {
      const server = await faultServer(t, [text(503, "")]);
      const { driver, asked } = judged(server, () => {
        throw thrown;
      });
      assert.equal(await rejectionOf(driver.status("r")), thrown);
      assert.equal(await rejectionOf(driver.start()), thrown);
      assert.deepEqual([asked.length, server.requests.length], [2, 2]);
    }
  });

  test("may abort the call, and may call the driver", async (t) => {
    const server = await faultServer(t, ({ path }) => (path.endsWith("/well") ? running : text(503, "")));
    const controller = new AbortController();
    const others = [];
    const { driver } = judged(server, (_, attempt) => {
      others.push(driver.status("well"));
      if (attempt === 2) controller.abort("enough");
      return true;
    });
    const error = await checkRejection(driver.status("r", { signal: controller.signal }), {
      name: "AbortedError",
      code: "ABORTED",
    });
    assert.equal(error.cause, "enough");
    assert.deepEqual(
      (await Promise.all(others)).map(({ state }) => state),
      ["running", "running"],
    );
  });

  test("is not called if there is one attempt, nor for an abort", async (t) => {
    const server = await faultServer(t, [text(503, "")]);
    const { driver, asked } = judged(server, () => true, { attempts: 1 });
    await rejectionOf(driver.status("r"));
    const silent = await faultServer(t, [silence]);
    const other = judged(silent, () => true);
    await rejectionOf(other.driver.status("r", { signal: AbortSignal.timeout(30) }));
    assert.deepEqual([asked.length, other.asked.length], [0, 0]);
  });
});

describe("an unsafe request is sent once", { concurrency: true }, () => {
  const calls = {
    "handle.signal": (highway) => highway.handle("r").signal("go", { n: 1 }),
    "signals.send": (highway) => highway.signals.send("r", "go"),
    "handle.update": (highway) => highway.handle("r").update("set", {}),
    "workflows.retry": (highway) => highway.workflows.retry("r"),
    "workflows.simulate": (highway) => highway.workflows.simulate("r"),
    "approvals.approve": (highway) => highway.approvals.approve("a", { comment: "fine" }),
    "approvals.reject": (highway) => highway.approvals.reject("a"),
    "schedules.create": (highway) => highway.schedules.create({ workflowName: "w", cron: "* * * * *" }),
    "apiKeys.create": (highway) => highway.apiKeys.create("name"),
    "apiKeys.rotate": (highway) => highway.apiKeys.rotate("k"),
    "tokens.issue": (highway) => highway.tokens.issue("a@b.example"),
    "request POST": (highway) => highway.request("POST", "/api/v1/any", { body: {} }),
    "request PATCH": (highway) => highway.request("PATCH", "/api/v1/any", { body: {} }),
  };
  const cut = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"data": {';
  const failures = {
    503: text(503, ""),
    "503 with Retry-After": text(503, "", "text/plain", { "retry-after": "0" }),
    408: text(408, ""),
    429: limited("0"),
    "a connection that is reset": reset(),
    "half an answer": reset(cut),
    silence,
  };
  for (const [what, answer] of Object.entries(failures)) {
    test(`after ${what}`, async (t) => {
      for (const [name, call] of Object.entries(calls)) {
        // The time limit of an update includes the time that the server gets.
        if (answer === silence && name === "handle.update") continue;
        const server = await faultServer(t, [answer]);
        const when = () => assert.fail("nobody may decide about this");
        const retry = { ...quick, when };
        const highway = new Highway({
          endpoint: server.url,
          apiKey: "k",
          retry,
          timeout: answer === silence ? 0.15 : 30,
        });
        const error = await rejectionOf(call(highway));
        assert.ok(isHighwayError(error), `${name}: ${error?.stack}`);
        assert.ok(["ApiError", "TimeoutError"].includes(error.name), `${name}: ${error.name}`);
        await sleep(10);
        // The time may end before the request is sent.
        const least = answer === silence ? 0 : 1;
        assert.ok(server.requests.length >= least && server.requests.length <= 1, name);
      }
    });
  }

  test("unless its caller declares it repeatable", async (t) => {
    const server = await faultServer(t, [text(503, ""), reset(), json(200, { data: 1 })]);
    const highway = new Highway({ endpoint: server.url, apiKey: "k", retry: quick });
    assert.equal(await highway.request("POST", "/api/v1/any", { body: {}, repeatable: true }), 1);
    assert.equal(server.requests.length, 3);
  });
});

describe("the circuit breaker", { concurrency: true }, () => {
  const open = (more = {}) =>
    api("API_CIRCUIT_OPEN", { message: /gets no requests/, help: /retryAfter/, ...more });

  test("opens after that many failures in a row, of any kind, and then nothing is sent", async (t) => {
    const server = await faultServer(t, [text(503, ""), reset(), silence, text(500, "")]);
    const circuitBreaker = { failures: 4, openFor: 60 };
    const driver = driverFor(server, { retry: false, timeout: 0.8, circuitBreaker });
    for (const code of ["API_SERVER_ERROR", "API_UNREACHABLE", "REQUEST_TIMEOUT", "API_SERVER_ERROR"]) {
      assert.equal((await rejectionOf(driver.status("r"))).code, code);
    }
    const error = await checkRejection(driver.status("r"), open());
    assert.ok(error.retryAfter > 0 && error.retryAfter <= 60, `${error.retryAfter}`);
    assert.deepEqual(
      [error.details.failures, error.status, error.details.attempts],
      [4, undefined, undefined],
    );
    await checkRejection(driver.start(), { name: "SubmissionError", code: "API_CIRCUIT_OPEN" });
    await checkRejection(driver.handle("r").signal("go"), open());
    await checkRejection(driver.handle("r").result({ timeout: 0.2 }), {
      name: "TimeoutError",
      code: "WAIT_TIMEOUT",
    });
    assert.equal(server.requests.length, 4);
    // The circuit belongs to this client only.
    await checkRejection(driverFor(server, { retry: false }).status("r"), api("API_SERVER_ERROR"));
  });

  test("an answer of any other kind restarts the count", async (t) => {
    const answers = [503, 503, 404, 503, 503, 429, 503, 503, 401, 503, 503, 501, 503, 503];
    const server = await faultServer(t, (_, index) => json(answers[index] ?? 200, { status: "running" }));
    const driver = driverFor(server, { retry: false, circuitBreaker: { failures: 3, openFor: 60 } });
    for (const _ of answers) await rejectionOf(driver.status("r"));
    assert.equal((await driver.status("r")).state, "running");
    assert.equal(server.requests.length, answers.length + 1);
  });

  test("ends a call between its attempts with the failure that it saw", async (t) => {
    const server = await faultServer(t, [text(502, "")]);
    const driver = driverFor(server, { retry: quick, circuitBreaker: { failures: 3, openFor: 60 } });
    const error = await checkRejection(driver.status("r"), api("API_SERVER_ERROR"));
    assert.deepEqual([error.details.attempts, server.requests.length], [3, 3]);
    await checkRejection(driver.status("r"), open());
  });

  test("after a while one request tries; its success closes the circuit", async (t) => {
    let release = () => {};
    const held = new Promise((resolve) => {
      release = resolve;
    });
    const server = await faultServer(t, async (_, index) => {
      if (index < 2) return text(503, "");
      if (index === 2) await held;
      return running;
    });
    const driver = driverFor(server, { retry: false, circuitBreaker: { failures: 2, openFor: "PT3S" } });
    await rejectionOf(driver.status("r"));
    await rejectionOf(driver.status("r"));
    await checkRejection(driver.status("r"), open());
    await sleep(3050);
    const [probe, ...others] = Array.from({ length: 5 }, () => driver.status("r"));
    for (const error of await Promise.all(others.map(rejectionOf)))
      assert.equal(error.code, "API_CIRCUIT_OPEN");
    release();
    assert.equal((await probe).state, "running");
    assert.equal(server.requests.length, 3);
    const all = await Promise.all(Array.from({ length: 5 }, () => driver.status("r")));
    assert.ok(all.every(({ state }) => state === "running"));
  });

  test("a try that fails or is aborted keeps it open for the same time again", async (t) => {
    const server = await faultServer(t, (_, index) => [text(503, ""), reset(), silence][index] ?? running);
    const driver = driverFor(server, { retry: false, circuitBreaker: { failures: 1, openFor: 3 } });
    await checkRejection(driver.status("r"), api("API_SERVER_ERROR"));
    await sleep(3050);
    await checkRejection(driver.status("r"), api("API_UNREACHABLE"));
    await checkRejection(driver.status("r"), open());
    await sleep(3050);
    await rejectionOf(driver.status("r", { signal: AbortSignal.timeout(50) }));
    assert.equal(server.requests.length, 3);
    await sleep(3050);
    assert.equal((await driver.status("r")).state, "running");
  });

  test("false: never opens; 10 failures by default", async (t) => {
    const server = await faultServer(t, [text(503, "")]);
    const never = driverFor(server, { retry: false, circuitBreaker: false });
    for (let call = 0; call < 30; call++) await checkRejection(never.status("r"), api("API_SERVER_ERROR"));
    assert.equal(server.requests.length, 30);
    const usual = driverFor(server, { retry: false });
    for (let call = 0; call < 10; call++) await checkRejection(usual.status("r"), api("API_SERVER_ERROR"));
    await checkRejection(usual.status("r"), open());
    assert.equal(server.requests.length, 40);
  });
});

checkLeftovers();
