// `auth` as a function: how often it is called, how its result is used, and that no call waits for it for ever.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import vm from "node:vm";
import { Driver, Highway, isHighwayError } from "highway-wasm";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { faultServer, json, reset, runScript, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";

const checkLeftovers = watchProcess();

const authFailed = (more = {}) => ({
  name: "ConfigurationError",
  code: "AUTH_FAILED",
  path: "/auth",
  ...more,
});
const timedOut = { name: "TimeoutError", code: "REQUEST_TIMEOUT" };
const never = () => new Promise(() => {});
const many = (count, call) => Promise.all(Array.from({ length: count }, (_, at) => call(at)));
const credentials = ({ requests }) => requests.map(({ headers }) => headers.authorization);

/** A function that returns `token-1`, `token-2`, …, and the arguments that it got. */
function tokens() {
  const asked = [];
  const auth = async (context) => {
    asked.push(context);
    const token = `token-${asked.length}`;
    await sleep(5);
    return token;
  };
  return { auth, asked };
}

/** A server that accepts only tokens from number `least` on, which may be changed. */
async function tokenServer(t, least = 1, answer = () => json(200, { status: "running" })) {
  const setting = { least };
  const server = await faultServer(t, (request, index) => {
    const number = Number(request.headers.authorization?.split("-")[1]);
    return number >= setting.least ? answer(request, index) : json(401, { message: "expired" });
  });
  return Object.assign(server, { setting });
}

const driverOf = (server, auth, options = {}) => {
  const driver = new Driver({ endpoint: server.url, auth, ...options });
  driver.shell("a", "true");
  return driver;
};

describe("a function that returns the credential", { concurrency: true }, () => {
  test("is called once for many concurrent calls, and for those that follow", async (t) => {
    const server = await tokenServer(t);
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth);
    await many(50, () => driver.status("r"));
    await driver.status("r");
    await driver.handle("r").signal("go");
    assert.deepEqual(asked, [{ refresh: false }]);
    assert.deepEqual(new Set(credentials(server)), new Set(["Bearer token-1"]));
  });

  test("is not called before it is needed, and once by each client", async (t) => {
    const server = await tokenServer(t);
    const { auth, asked } = tokens();
    const [first, second] = [driverOf(server, auth), driverOf(server, auth)];
    assert.equal(asked.length, 0);
    await first.status("r");
    await second.status("r");
    assert.equal(asked.length, 2);
  });

  test("is called once more after a 401, however many calls were refused", async (t) => {
    const server = await tokenServer(t, 2);
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth, { retry: false });
    const states = await many(30, () => driver.status("r"));
    assert.ok(states.every(({ state }) => state === "running"));
    assert.deepEqual(asked, [{ refresh: false }, { refresh: true }]);
    const count = (token) => credentials(server).filter((one) => one === `Bearer ${token}`).length;
    assert.deepEqual([count("token-1"), count("token-2")], [30, 30]);
  });

  test("is not called again for a refusal that arrives late", async (t) => {
    let release = () => {};
    const held = new Promise((resolve) => {
      release = resolve;
    });
    const server = await faultServer(t, async ({ headers, path }) => {
      if (path.endsWith("/slow") && headers.authorization === "Bearer token-1") await held;
      return headers.authorization === "Bearer token-1" ? json(401, {}) : json(200, { status: "running" });
    });
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth);
    const slow = driver.status("slow");
    await server.received(1);
    await driver.status("fast");
    release();
    assert.equal((await slow).state, "running");
    assert.equal(asked.length, 2);
  });

  test("is called again each time a token expires", async (t) => {
    const server = await tokenServer(t);
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth);
    for (let round = 1; round <= 5; round++) {
      server.setting.least = round;
      await many(10, () => driver.status("r"));
      assert.equal(asked.length, round);
    }
  });

  test("the second 401 of a call is final", async (t) => {
    const server = await tokenServer(t, 99);
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth);
    const refused = { name: "ApiError", code: "API_UNAUTHORIZED", message: /401: expired/ };
    await checkRejection(driver.status("r"), refused);
    assert.deepEqual([asked.length, server.requests.length], [2, 2]);
    await checkRejection(driver.start(), { ...refused, name: "SubmissionError" });
    await checkRejection(driver.handle("r").result(), refused);
    server.setting.least = 1;
    assert.equal((await driver.status("r")).state, "running");
  });

  test("a refused request is sent again unchanged, even if it is not safe to repeat", async (t) => {
    const accepted = () => json(201, { workflow_run_id: "run-1" });
    const server = await tokenServer(t, 2, accepted);
    const driver = driverOf(server, tokens().auth, { retry: false });
    await driver.start({ workflowId: "w" });
    const [first, second] = server.requests;
    assert.equal(first.body, second.body);
    assert.deepEqual([first.headers["x-idempotency-key"], second.headers["x-idempotency-key"]], ["w", "w"]);
    const other = await tokenServer(t, 2, accepted);
    await driverOf(other, tokens().auth).handle("r").signal("go", { n: 1 });
    assert.equal(other.requests.length, 2);
    assert.equal(other.requests[0].body, other.requests[1].body);
  });

  test("a refusal is no attempt: the failures before and after it are counted as usual", async (t) => {
    const answers = [text(503, ""), json(401, {}), reset(), text(503, ""), json(200, { status: "running" })];
    const server = await faultServer(t, (_, index) => answers[index]);
    const { auth, asked } = tokens();
    const driver = driverOf(server, auth, { retry: { attempts: 4, delay: 0.001 } });
    assert.equal((await driver.status("r")).state, "running");
    assert.deepEqual([asked.length, server.requests.length], [2, 5]);
  });

  test("a run is followed beyond the expiry of a token", async (t) => {
    const script = runScript(["running", "running", "running", "completed"]);
    const server = await tokenServer(t, 1, (request, index) => {
      if (index > 3) server.setting.least = 2;
      return script(request);
    });
    const { auth, asked } = tokens();
    const result = await driverOf(server, auth).run();
    assert.equal(result.state, "completed");
    assert.equal(asked.length, 2);
  });

  test("may be synchronous, and gets only the context", async (t) => {
    const server = await tokenServer(t);
    const seen = [];
    const auth = (...args) => {
      seen.push(args);
      return "token-1";
    };
    await driverOf(server, auth).status("r");
    assert.deepEqual(seen, [[{ refresh: false }]]);
  });
});

describe("a function that returns no credential", { concurrency: true }, () => {
  const cause = new Error("no session");
  const foreign = vm.runInNewContext('new Error("from elsewhere")');
  const ways = {
    "rejects with an Error": [() => Promise.reject(cause), (error) => error.cause === cause],
    "throws an Error": [
      () => {
        throw cause;
      },
      (error) => error.cause === cause && /no session/.test(error.message),
    ],
    "rejects with an Error of another realm": [
      () => Promise.reject(foreign),
      (error) => error.cause === foreign,
    ],
    "rejects with text": [() => Promise.reject("why"), (error) => error.cause === "why"],
    "rejects with null": [() => Promise.reject(null), (error) => error.cause === null],
    "rejects with nothing": [() => Promise.reject(), () => true],
    "gives nothing": [() => undefined, (error) => error.cause instanceof TypeError],
    "gives null": [async () => null, (error) => error.cause instanceof TypeError],
    "gives empty text": [async () => "", (error) => error.cause instanceof TypeError],
    "gives a number": [() => 5, (error) => error.cause instanceof TypeError],
    "gives an object": [async () => ({ token: "t" }), (error) => error.cause instanceof TypeError],
    "gives a String": [() => new String("t"), (error) => error.cause instanceof TypeError],
  };
  for (const [what, [auth, hasCause]] of Object.entries(ways)) {
    test(`${what}: AUTH_FAILED with its cause, and nothing is sent`, async (t) => {
      const server = await faultServer(t, [json(200, { status: "running" })]);
      const driver = driverOf(server, auth);
      const highway = new Highway({ endpoint: server.url, auth });
      const expected = authFailed({ message: /^`auth` did not return a credential: ./ });
      for (const call of [
        () => driver.status("r"),
        () => driver.start(),
        () => driver.run(),
        () => driver.handle("r").result(),
        () => driver.handle("r").watch().next(),
        () => driver.handle("r").signal("go"),
        () => driver.list().page(),
        () => highway.schedules.list(),
      ]) {
        const error = await checkRejection(call(), expected);
        assert.ok(hasCause(error), `${what}: ${error.cause}`);
      }
      assert.equal(server.requests.length, 0);
    });
  }

  test("that throws an error of this package: AUTH_FAILED, because the error is not the call's own", async (t) => {
    const server = await faultServer(t, [json(200, { status: "running" })]);
    const home = await faultServer(t, [json(403, { message: "not you" })]);
    const issuer = new Highway({ endpoint: home.url, apiKey: "k" });
    const driver = driverOf(server, async () => (await issuer.tokens.issue("a@b.example")).token);
    for (const call of [() => driver.status("r"), () => driver.start(), () => driver.handle("r").result()]) {
      const error = await checkRejection(call(), authFailed({ message: /not you/ }));
      assert.ok(isHighwayError(error.cause, "API_FORBIDDEN"));
    }
  });

  test("is called again by the next call", async (t) => {
    const server = await tokenServer(t);
    let asked = 0;
    const driver = driverOf(server, async () => {
      asked += 1;
      if (asked < 3) throw new Error("not yet");
      return "token-1";
    });
    await checkRejection(driver.status("r"), authFailed());
    await checkRejection(driver.status("r"), authFailed());
    assert.equal((await driver.status("r")).state, "running");
    assert.equal(asked, 3);
  });

  test("when a second credential is requested", async (t) => {
    const server = await tokenServer(t, 9);
    const asked = [];
    const driver = driverOf(server, async ({ refresh }) => {
      asked.push(refresh);
      if (refresh) throw cause;
      return "token-1";
    });
    const error = await checkRejection(driver.status("r"), authFailed());
    assert.equal(error.cause, cause);
    assert.deepEqual([asked, server.requests.length], [[false, true], 1]);
  });

  test("its failure is shared by all that wait for it", async (t) => {
    const server = await tokenServer(t);
    let asked = 0;
    const driver = driverOf(server, async () => {
      asked += 1;
      await sleep(20);
      throw cause;
    });
    const errors = await many(20, () => rejectionOf(driver.status("r")));
    assert.ok(errors.every((error) => error.code === "AUTH_FAILED" && error.cause === cause));
    assert.equal(asked, 1);
  });
});

describe("a function that takes long", { concurrency: true }, () => {
  test("an abort does not wait for it, and does not affect other calls", async (t) => {
    const server = await tokenServer(t);
    let give = () => {};
    let asked = 0;
    const auth = () => {
      asked += 1;
      return new Promise((resolve) => {
        give = resolve;
      });
    };
    const driver = driverOf(server, auth);
    const other = driver.status("r");
    for (const reason of ["enough", undefined, vm.runInNewContext('new Error("from elsewhere")')]) {
      const controller = new AbortController();
      const { signal } = controller;
      const calls = [
        driver.status("r", { signal }),
        driver.start({ signal }),
        driver.handle("r").signal("go", {}, { signal }),
        driver.handle("r").result({ signal }),
        driver.list({ signal }).page(),
      ].map(rejectionOf);
      await sleep(10);
      controller.abort(reason);
      for (const error of await Promise.all(calls)) {
        assert.deepEqual([error.name, error.code], ["AbortedError", "ABORTED"]);
        assert.equal(error.cause, signal.reason);
      }
      assert.deepEqual(getEventListeners(signal, "abort"), []);
    }
    assert.deepEqual([asked, server.requests.length], [1, 0]);
    give("token-1");
    assert.equal((await other).state, "running");
    assert.equal(asked, 1);
  });

  test("an abort while a second credential is requested", async (t) => {
    const server = await tokenServer(t, 9);
    const driver = driverOf(server, ({ refresh }) => (refresh ? never() : "token-1"));
    const error = await rejectionOf(driver.status("r", { signal: AbortSignal.timeout(150) }));
    assert.deepEqual([error.name, error.cause.name], ["AbortedError", "TimeoutError"]);
  });

  // The limit covers everything in the call. The signal only ends a test that would hang.
  const limited = (seconds) => ({ timeout: seconds, signal: AbortSignal.timeout(25_000) });
  const limitedCalls = (driver) => [
    driver.status("r", limited(0.2)),
    driver.cancel("r", "why", limited(0.2)),
    driver.handle("r").signal("go", {}, limited(0.2)),
    driver.list(limited(0.2)).page(),
  ];

  test("the timeout of a call includes it", async (t) => {
    const server = await tokenServer(t);
    const errors = await Promise.all(limitedCalls(driverOf(server, never)).map(rejectionOf));
    for (const error of errors) await checkRejection(Promise.reject(error), timedOut);
    assert.equal(server.requests.length, 0);
  });

  test("the timeout of a call includes the second request", async (t) => {
    const server = await tokenServer(t, 9);
    const driver = driverOf(server, ({ refresh }) => (refresh ? never() : "token-1"));
    const errors = await Promise.all(limitedCalls(driver).map(rejectionOf));
    for (const error of errors) await checkRejection(Promise.reject(error), timedOut);
  });

  test("the timeout of waiting for a run includes it", async (t) => {
    const server = await tokenServer(t);
    const waitTimeout = { name: "TimeoutError", code: "WAIT_TIMEOUT" };
    const driver = driverOf(server, never);
    await checkRejection(driver.handle("r").result(limited(0.2)), waitTimeout);
    await checkRejection(driver.handle("r").watch(limited(0.2)).next(), waitTimeout);
  });
});

checkLeftovers();
