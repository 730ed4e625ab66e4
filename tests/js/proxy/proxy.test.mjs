// The proxy as a whole: the key of each request, the hook that decides, and a page's clients over a real connection.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, Highway } from "highway-wasm";
import { rejectionOf } from "../support/errors.mjs";
import { watchProcess } from "../support/quiet.mjs";
import {
  allowing,
  asking,
  checkRefusal,
  definitionOf,
  engineFor,
  errorsOf,
  greeting,
  KEY,
  proxyFor,
  serve,
  schemaOf,
} from "../support/proxy.mjs";

const checkQuiet = watchProcess();
const submission = { workflow_definition: { name: "greeting" }, inputs: { to: "Ada" } };

describe("a key from a function", () => {
  test("is requested for each request, with the handler's arguments", async () => {
    const given = [];
    const apiKey = async (...context) => {
      given.push(context);
      return context[0].KEY;
    };
    const { ask, server } = proxyFor({ apiKey });
    const ctx = { waitUntil() {} };
    await ask("GET workflows/r/steps", { context: [{ KEY: "key-of-one" }, ctx] });
    await ask("GET workflows/r/steps", { context: [{ KEY: "key-of-two" }, ctx] });
    assert.deepEqual(given, [
      [{ KEY: "key-of-one" }, ctx],
      [{ KEY: "key-of-two" }, ctx],
    ]);
    const sent = server.seen.map(({ headers }) => headers.get("authorization"));
    // Each looks up the workflow of the run, because the id may belong to another run for another key.
    assert.deepEqual(sent, [...Array(2).fill("Bearer key-of-one"), ...Array(2).fill("Bearer key-of-two")]);
  });

  test("may be any valid header, and nothing else", async (t) => {
    errorsOf(t);
    for (const key of [
      undefined,
      null,
      "",
      " ",
      "a b",
      "a\r\nx: y",
      "schlüssel",
      5,
      {},
      Promise.resolve(""),
    ]) {
      const { ask, server } = proxyFor({ apiKey: () => key });
      const { text } = checkRefusal(await ask("GET workflows/r"), 500, "PROXY_MISCONFIGURED");
      if (typeof key === "string" && key.length > 2) assert.ok(!text.includes(key));
      assert.equal(server.seen.length, 0);
    }
  });

  test("that fails is not reported to the page", async (t) => {
    const errors = errorsOf(t);
    for (const apiKey of [
      () => {
        throw new Error(`no vault at 10.0.0.7 for ${KEY}`);
      },
      () => Promise.reject(new Error("no vault at 10.0.0.7")),
    ]) {
      const { text } = checkRefusal(await proxyFor({ apiKey }).ask("GET workflows/r"), 500, "PROXY_FAILED");
      assert.doesNotMatch(text, /vault|10\.0/);
      assert.match(errors.texts.at(-1), /the proxy failed.*vault/);
    }
  });
});

describe("the hook that decides", () => {
  /** A proxy whose hook records what it sees, and how many requests the server had by then. */
  function watched(verdict, options = {}) {
    const calls = [];
    const authorize = (request, action, ...context) => {
      calls.push({ request, action, context, before: [...made.server.lines] });
      return typeof verdict === "function" ? verdict(request, action) : verdict;
    };
    const made = proxyFor({ authorize, ...options });
    return { ...made, calls };
  }
  const inputs = { to: "Ada" };
  const comment = { comment: "fine", more: [{ x: null }] };
  const ofRun = { workflow: "greeting", runId: "run-1", inputs: null, body: null };
  const actions = [
    ["POST workflows", { ...ofRun, verb: "submit", runId: null, inputs }],
    ["GET workflows", { ...ofRun, verb: "list", workflow: null, runId: null }],
    ["GET workflows/run-1", { ...ofRun, verb: "status" }],
    ["GET workflows/run-1/stream", { ...ofRun, verb: "status" }],
    ["GET workflows/run-1/steps/a/logs", { ...ofRun, verb: "logs" }],
    ["POST workflows/run-1/cancel", { ...ofRun, verb: "cancel", body: comment }],
    ["POST workflows/run-1/signals", { ...ofRun, verb: "signal", body: comment }],
    ["GET approvals?workflow_run_id=run-1", { ...ofRun, verb: "approve" }],
    ["POST approvals/key-1/reject", { ...ofRun, verb: "approve", body: comment }],
  ];
  const bodyOf = (line) => {
    if (!line.startsWith("POST")) return undefined;
    return line === "POST workflows" ? submission : comment;
  };

  test("sees the action once per request, and the request with its cookies", async () => {
    for (const [line, action] of actions) {
      const { ask, calls } = watched(true);
      const headers = { cookie: "session=1", "x-idempotency-key": "k" };
      const env = { KEY };
      assert.equal((await ask(line, { headers, body: bodyOf(line), context: [env] })).status, 200);
      assert.equal(calls.length, 1, line);
      assert.deepEqual(calls[0].action, action);
      assert.equal(calls[0].request.headers.get("cookie"), "session=1");
      assert.deepEqual(calls[0].context, [env]);
    }
  });

  test("is called before anything is changed or shown", async () => {
    for (const [line] of actions) {
      const { ask, calls, server } = watched(false);
      checkRefusal(await ask(line, { body: bodyOf(line) }), 403, "FORBIDDEN");
      assert.equal(calls.length, 1);
      assert.ok(
        server.lines.every((asked) => /^GET \/api\/v1\/(workflows|approvals)\/[^/]+$/.test(asked)),
        server.lines.join(),
      );
    }
  });

  test("is not called for a request that is refused anyway", async () => {
    const { ask, calls } = watched(true, {
      allow: {
        ...allowing(["submit", "status"], { inputs: schemaOf(() => ({ issues: [{ message: "no" }] })) }),
      },
    });
    for (const [line, body, status] of [
      ["GET artifacts", undefined, 404],
      ["POST workflows", {}, 403],
      ["POST workflows", "{", 400],
      ["POST workflows", submission, 422],
      ["GET workflows/run-1/steps", undefined, 403],
      ["GET workflows", undefined, 403],
    ])
      assert.equal((await ask(line, { body })).status, status, line);
    assert.equal(calls.length, 0);
  });

  for (const [line, body, status] of [
    ["POST workflows/run-1/signals", "{", 400],
    ["POST workflows/run-1/cancel", "[]", 400],
    ["POST workflows/run-1/cancel", `"${"x".repeat(200)}"`, 413],
    ["POST approvals/key-1/approve", "{", 400],
  ]) {
    // The hook is called after all other checks have passed, because it may count or charge.
    test(`is not called if the body is refused: ${line} with ${status}`, async () => {
      const { ask, calls } = watched(true, { maxBodySize: 100 });
      assert.equal((await ask(line, { body })).status, status);
      assert.equal(calls.length, 0);
    });
  }

  for (const line of ["POST workflows", "POST workflows/run-1/signals", "POST approvals/key-1/approve"]) {
    test(`is not called if the body breaks off, which is not the proxy's fault: ${line}`, async (t) => {
      const errors = errorsOf(t);
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"comment":'));
        },
        pull: (controller) => controller.error(new Error("secret")),
      });
      const { ask, calls, server } = watched(true);
      const { text } = checkRefusal(await ask(line, { body }), 400, "BODY_INVALID");
      assert.doesNotMatch(text, /secret/);
      assert.deepEqual([calls, server.seen, errors.texts], [[], [], []]);
    });
  }

  test("sees inputs as they will run, after a schema", async () => {
    const value = { at: new Date(0), left: undefined, list: [new URL("http://a.example")] };
    const { ask, calls, server } = watched(true, {
      allow: allowing(["submit"], { inputs: schemaOf(() => ({ value })) }),
    });
    assert.equal((await ask("POST workflows", { body: submission })).status, 200);
    const made = { at: "1970-01-01T00:00:00.000Z", list: ["http://a.example/"] };
    assert.deepEqual([calls[0].action.inputs, server.seen[0].json.inputs], [made, made]);
  });

  test("allows with true or undefined, at once or later", async () => {
    for (const verdict of [true, undefined, async () => true, async () => {}, () => sleep(5)])
      assert.equal((await watched(verdict).ask("GET workflows/run-1")).status, 200);
  });

  test("refuses with false, or with its own answer", async () => {
    checkRefusal(
      await watched(async () => false).ask("POST workflows", { body: submission }),
      403,
      "FORBIDDEN",
    );
    const answer = new Response("pay first", {
      status: 402,
      headers: { "www-authenticate": "x", "set-cookie": "a=b" },
    });
    const { ask, server } = watched(() => answer);
    const { status, text, headers } = await ask("POST workflows", { body: submission });
    assert.deepEqual(
      [status, text, headers["www-authenticate"], headers["set-cookie"]],
      [402, "pay first", "x", "a=b"],
    );
    assert.equal(server.seen.length, 0);
  });

  test("may redirect", async () => {
    const { status, headers } = await watched(() => Response.redirect("https://app.example/login")).ask(
      "GET workflows",
    );
    assert.deepEqual([status, headers.location], [302, "https://app.example/login"]);
  });

  // `(request) => sessions.get(idOf(request))` returns null without a session, which must not allow the request.
  for (const verdict of [null, 0, "", "no", {}, 1, [], Number.NaN]) {
    test(`never allows with another value: ${JSON.stringify(verdict)}`, async () => {
      for (const given of [() => verdict, async () => verdict]) {
        const { ask, server } = watched(given);
        checkRefusal(await ask("POST workflows", { body: submission }), 403, "FORBIDDEN");
        assert.equal(server.seen.length, 0);
      }
    });
  }

  test("that throws refuses; its error goes to the server's log", async (t) => {
    const errors = errorsOf(t);
    for (const verdict of [
      () => {
        throw new Error("no database at 10.0.0.7");
      },
      () => Promise.reject(new Error("no database at 10.0.0.7")),
    ]) {
      const { ask, server } = watched(verdict);
      const { text } = checkRefusal(await ask("POST workflows", { body: submission }), 500, "PROXY_FAILED");
      assert.doesNotMatch(text, /database|10\.0/);
      assert.equal(server.seen.length, 0);
    }
    assert.equal(errors.texts.filter((text) => /database/.test(text)).length, 2);
  });

  test("may throw a Response", async () => {
    const { ask } = watched(() => {
      throw new Response("not now", { status: 503 });
    });
    assert.equal((await ask("GET workflows/run-1")).status, 503);
  });

  for (const [what, verdict] of [
    [
      "one that was used before",
      (() => {
        const shared = new Response("no", { status: 401 });
        return () => shared;
      })(),
    ],
    ["an error", () => Response.error()],
  ]) {
    test(`cannot make the proxy fail with a Response: ${what}`, async (t) => {
      errorsOf(t);
      const { ask } = watched(verdict);
      for (const attempt of [1, 2]) {
        const { status } = await ask("GET workflows/run-1");
        assert.ok(status === 401 || status === 500, `${attempt}: ${status}`);
      }
    });
  }

  test("cannot change what runs: the inputs are those that were checked", async () => {
    const { ask, server } = watched((_, { inputs, body }) => {
      try {
        (inputs ?? body).to = "Eve";
      } catch {
        // A frozen object may refuse the change.
      }
      return true;
    });
    await ask("POST workflows", { body: submission });
    const { workflow_definition, inputs } = server.seen[0].json;
    assert.deepEqual([workflow_definition.variables, inputs], [{ to: "Ada" }, { to: "Ada" }]);
    await ask("POST workflows/run-1/signals", { body: comment });
    assert.deepEqual(server.seen.at(-1).json, comment);
  });

  test("is notified of a page that leaves", async () => {
    const controller = new AbortController();
    let signal;
    const { ask } = watched((request) => {
      signal = request.signal;
      controller.abort();
      return false;
    });
    await ask("GET workflows/run-1", { signal: controller.signal });
    assert.ok(signal.aborted);
  });
});

test("a schema that throws is the server's fault, not the page's", async (t) => {
  const errors = errorsOf(t);
  for (const validate of [
    () => {
      throw new Error("secret of the schema");
    },
    () => Promise.reject(new Error("secret of the schema")),
    () => undefined,
    () => null,
  ]) {
    const { ask, server } = proxyFor({ allow: allowing(["submit"], { inputs: schemaOf(validate) }) });
    const { text } = checkRefusal(await ask("POST workflows", { body: submission }), 500, "PROXY_FAILED");
    assert.doesNotMatch(text, /secret/);
    assert.equal(server.seen.length, 0);
  }
  assert.equal(errors.texts.length, 4);
});

test("inputs of a schema that cannot be JSON are the server's fault", async (t) => {
  errorsOf(t);
  const { ask } = proxyFor({
    allow: allowing(["submit"], { inputs: schemaOf(() => ({ value: { n: Number.NaN } })) }),
  });
  checkRefusal(await ask("POST workflows", { body: submission }), 500, "PROXY_FAILED");
});

describe("a page's clients, over a real connection", () => {
  /** An engine behind a proxy behind node:http. */
  async function start(t, options = {}, tools = {}) {
    const engine = engineFor(t, tools);
    const { proxy } = proxyFor({ fetch: engine.fetch, endpoint: "http://engine", ...options });
    const { url } = await serve(t, proxy);
    return { engine, endpoint: `${url}/highway` };
  }

  test("run, follow, read and cancel what is allowed, and nothing else", async (t) => {
    const wait = (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const slow = {
      ...definitionOf("slow", {}),
      tasks: { wait: { task_id: "wait", operator_type: "task", function: "wait.long" } },
      start_task: "wait",
    };
    const allow = { ...allowing(), slow: { verbs: ["submit", "status", "cancel", "steps"], workflow: slow } };
    const { engine, endpoint } = await start(t, { allow }, { "wait.long": wait });
    const driver = new Driver({ endpoint, auth: false });
    const result = await driver.run({ workflow: { name: "greeting", tasks: {} }, inputs: { to: "Ada" } });
    assert.deepEqual([result.state, result.tasks.send.result], ["completed", { to: "Ada" }]);
    assert.equal((await driver.status(result.runId)).state, "completed");
    assert.deepEqual(await driver.logs(result.runId), []);
    const handle = await driver.start({ workflow: slow });
    assert.equal(await handle.cancel("enough"), true);
    assert.equal(await handle.cancel(), false);
    assert.equal((await handle.result()).state, "cancelled");
    const foreign = await new Driver({ engine }).run({
      workflow: definitionOf("payroll"),
      inputs: { to: "x" },
      wait: false,
    });
    const error = await rejectionOf(driver.status(foreign.runId));
    assert.deepEqual(
      [error.code, error.status, error.details.serverCode],
      ["API_NOT_FOUND", 404, "NOT_FOUND"],
    );
    const unknown = await rejectionOf(driver.status("unknown"));
    assert.deepEqual([unknown.message, unknown.help], [error.message, error.help]);
    assert.match(error.help, /`allow`/);
  });

  test("need no key, send none, and do not get the server's", async (t) => {
    const { endpoint } = await start(t);
    const highway = new Highway({ endpoint, auth: false });
    const handle = await highway.workflows.submit({ workflow: greeting, inputs: { to: "Ada" } });
    assert.equal((await handle.result()).state, "completed");
    const error = await rejectionOf(highway.workflows.stats());
    assert.deepEqual([error.code, error.details.serverCode], ["API_NOT_FOUND", "NOT_FOUND"]);
    const other = new Driver({ endpoint, apiKey: "of-the-page" });
    assert.equal((await other.run({ workflow: greeting, inputs: { to: "Ada" } })).state, "completed");
  });

  test("get the mistakes in their inputs", async (t) => {
    const inputs = schemaOf((value) =>
      value.to === "Ada" ? { value } : { issues: [{ message: "is nobody", path: ["to"] }] },
    );
    const { endpoint } = await start(t, { allow: allowing(["submit"], { inputs }) });
    const driver = new Driver({ endpoint, auth: false });
    const error = await rejectionOf(driver.run({ workflow: greeting, inputs: { to: "Eve" } }));
    assert.deepEqual(
      [error.name, error.status, error.details.serverCode],
      ["SubmissionError", 422, "INPUTS_INVALID"],
    );
    assert.match(error.message, /inputs\.to: is nobody/);
  });

  test("do not affect each other when many run at the same time", async (t) => {
    const { endpoint } = await start(t);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        new Driver({ endpoint, auth: false }).run({ workflow: greeting, inputs: { to: `${at}` } }),
      ),
    );
    assert.deepEqual(
      results.map(({ tasks }) => tasks.send.result.to),
      Array.from({ length: 20 }, (_, at) => `${at}`),
    );
  });
});

test("one proxy in front of another works too", async () => {
  const { proxy: inner, server } = proxyFor();
  const { proxy: outer } = proxyFor({
    apiKey: "for-the-inner-one",
    endpoint: "https://inner.example/a",
    fetch: inner,
  });
  const ask = asking(outer);
  assert.equal((await ask("POST workflows", { body: submission })).status, 200);
  assert.equal((await ask("POST workflows/run-1/cancel")).status, 200);
  assert.equal(server.seen[0].headers.get("authorization"), `Bearer ${KEY}`);
});

checkQuiet();
