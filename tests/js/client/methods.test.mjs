// Every method of the parts of `Highway`: its request, and its result for each kind of answer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Highway, RunHandle, RunStatus } from "highway-wasm";
import { callOf, callRows, otherCalls } from "../support/api-calls.mjs";
import { checkError, checkRejection, rejectionOf } from "../support/errors.mjs";
import { faultServer, json } from "../support/fault-server.mjs";

const highwayFor = (server, options) =>
  new Highway({ endpoint: server.url, apiKey: "test-key", retry: false, ...options });

/** The three generations of answers. */
const envelopes = {
  "{status, data}": (data) => ({ status: "success", data }),
  "{success, data}": (data) => ({ success: true, data }),
  "bare data": (data) => data,
};

/** Rows with the name of their method as title. A method with several rows can be called in several ways. */
const titled = callRows.map((row, index) => {
  const count = callRows.slice(0, index).filter(({ name }) => name === row.name).length;
  return { ...row, title: count === 0 ? row.name : `${row.name}, way ${count + 1}` };
});
/** One row per method, the one with the most options. */
const methods = [...new Set(callRows.map(({ name }) => name))].map((name) =>
  callRows
    .filter((row) => row.name === name)
    .reduce((best, row) => (Object.keys(row.options).length > Object.keys(best.options).length ? row : best)),
);

/** Possible answers to a row, with the expected result of the call. */
function answersOf(row) {
  const object = { id: "x", nested: { list: [1, { a: null }] }, text: "ü" };
  const items = row.items ?? [{ a: 1 }, { a: 2, nested: [] }];
  const keys = row.pages ?? row.lists;
  if (keys !== undefined) {
    const extra = { total: items.length, count: items.length };
    const answers = [...keys.map((key) => ({ ...extra, [key]: items })), items];
    return answers.map((answer) => [answer, row.gives ?? items]);
  }
  if ("answer" in row) return [[row.answer, row.gives]];
  return [[object, object]];
}

/** Compares the result of a call. Handles and states of runs are compared by the expected fields. */
function checkGiven(given, expected, title) {
  if (Array.isArray(given) && given[0] instanceof RunStatus) {
    assert.equal(given.length, expected.length, title);
    for (const [index, item] of given.entries()) checkGiven(item, expected[index], title);
  } else if (given instanceof RunHandle || given instanceof RunStatus) {
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(given[key], value, title);
  } else assert.deepEqual(given, expected, title);
}

/** The outcome of a call; of a list, all its items. */
const outcomeOf = async (called) => (typeof called?.toArray === "function" ? called.toArray() : called);

describe("the table of calls", () => {
  const resources = Object.entries(new Highway({ auth: false })).filter(
    ([, value]) => typeof value === "object",
  );

  test("has every public method of every part", () => {
    const found = resources.flatMap(([part, value]) => {
      const own = Object.getOwnPropertyNames(Object.getPrototypeOf(value));
      return own.filter((name) => name !== "constructor").map((name) => `${part}.${name}`);
    });
    const known = [...new Set([...callRows.map(({ name }) => name), ...otherCalls])];
    assert.deepEqual(known.sort(), found.sort());
    const own = Object.getOwnPropertyNames(Highway.prototype);
    assert.deepEqual(own.sort(), ["constructor", "handle", "rateLimit", "request"]);
  });

  test("names operations of the API, or additional ones of real clients", () => {
    const file = new URL("../../fixtures/operations.json", import.meta.url);
    const operations = JSON.parse(readFileSync(file, "utf8"));
    const besides = [
      ["GET", "/api/v1/workflows/schedules"],
      ["POST", "/api/v1/workflows/schedules/{job_name}/cancel"],
    ];
    const patterns = [...operations, ...besides].map(
      ([method, path]) => new RegExp(`^${method} ${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    );
    for (const { name, request } of callRows)
      assert.ok(
        patterns.some((pattern) => pattern.test(request)),
        `${name}: ${request}`,
      );
  });

  test("creating a client or a handle sends no request", async (t) => {
    const server = await faultServer(t, [json(200, {})]);
    const highway = highwayFor(server);
    assert.equal(highway.handle("r").runId, "r");
    assert.equal(highway.workflows.handle("r").runId, "r");
    assert.equal(highway.rateLimit, null);
    assert.equal(server.requests.length, 0);
  });
});

describe("the request", () => {
  for (const row of titled) {
    test(`${row.title}: ${row.request}`, async (t) => {
      const [[answer]] = answersOf(row);
      const server = await faultServer(t, [json(200, { status: "success", data: answer })]);
      await outcomeOf(callOf(highwayFor(server), row));
      assert.equal(server.requests.length, 1, "one request");
      const [{ method, url, headers, body }] = server.requests;
      const { pathname, searchParams } = new URL(url, server.url);
      assert.equal(`${method} ${pathname}`, row.request);
      assert.deepEqual(Object.fromEntries(searchParams), row.query);
      assert.equal(searchParams.size, Object.keys(row.query).length, "nothing twice");
      if (row.body === undefined) assert.deepEqual([body, headers["content-type"]], ["", undefined]);
      else {
        assert.deepEqual(JSON.parse(body), row.body);
        assert.equal(headers["content-type"], "application/json");
      }
      assert.equal(headers["authorization"], "Bearer test-key");
      const isSubmission = row.request === "POST /api/v1/workflows";
      assert.equal(headers["x-idempotency-key"] !== undefined, isSubmission, "keys belong to submissions");
      if (row.options.idempotencyKey) assert.equal(headers["x-idempotency-key"], row.options.idempotencyKey);
    });
  }
});

describe("the result", () => {
  for (const [kind, wrap] of Object.entries(envelopes)) {
    test(`for ${kind}`, async (t) => {
      let body;
      const server = await faultServer(t, () => json(200, body));
      for (const row of titled) {
        for (const [answer, gives] of answersOf(row)) {
          body = wrap(answer);
          const title = `${row.title} of ${JSON.stringify(body)}`;
          checkGiven(await outcomeOf(callOf(highwayFor(server), row)), gives, title);
        }
      }
      assert.ok(server.requests.length > 100);
    });
  }

  test("a list under an undocumented name is found if it is the only list", async (t) => {
    let body;
    const server = await faultServer(t, () => json(200, body));
    const items = [{ a: 1 }];
    for (const row of methods.filter(({ lists }) => lists !== undefined)) {
      body = { status: "success", data: { surprising_name: items, total: 1 } };
      assert.deepEqual(await callOf(highwayFor(server), row), items, row.name);
      for (const wrong of [{ a: 1 }, { a: [1], b: [2] }, null, "x", {}]) {
        body = { status: "success", data: wrong };
        await checkRejection(callOf(highwayFor(server), row), {
          name: "ApiError",
          code: "API_RESPONSE_INVALID",
          message: /list/,
        });
      }
    }
  });

  test("an empty answer is accepted for a change, but not for reading", async (t) => {
    const server = await faultServer(t, [{ status: 204, headers: {}, body: "" }]);
    const highway = highwayFor(server);
    assert.equal(await highway.schedules.delete("s"), null);
    assert.equal(await highway.circuitBreakers.resetAll(), null);
    assert.equal(await highway.approvals.approve("k"), null);
    assert.equal(await highway.signals.send("r", "go"), undefined);
    assert.equal(await highway.workflows.cancel("r"), true);
  });

  test("an object of the API keeps every field, whatever its name", async (t) => {
    const data = { status: "success", data_: 1, success: false, snake_case: 1, camelCase: 2, nothing: null };
    const server = await faultServer(t, [json(200, { success: true, data })]);
    assert.deepEqual(await highwayFor(server).definitions.get("d"), data);
  });
});

describe("options", () => {
  test("an unknown option is refused by name, before anything is sent", async (t) => {
    const server = await faultServer(t, [json(200, {})]);
    const highway = highwayFor(server);
    for (const row of methods) {
      const error = await rejectionOf((async () => outcomeOf(callOf(highway, row, { surprise: 1 })))());
      checkError(error, {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path: "/surprise",
        message: /`surprise`/,
      });
    }
    assert.equal(server.requests.length, 0);
  });

  test("the advice names all options", async () => {
    const highway = new Highway({ auth: false, endpoint: "http://127.0.0.1:9", retry: false });
    const poor = [];
    for (const row of methods) {
      const { help = "" } = await rejectionOf(
        (async () => outcomeOf(callOf(highway, row, { surprise: 1 })))(),
      );
      const names = [...Object.keys(row.options), "signal", "timeout"];
      const missing = names.filter((name) => !help.includes(`\`${name}\``));
      if (missing.length > 0) poor.push(`${row.name}: ${missing.join(", ")}`);
    }
    assert.deepEqual(poor, []);
  });

  test("the API's own names are no options", async () => {
    const highway = new Highway({ auth: false, endpoint: "http://127.0.0.1:9", retry: false });
    for (const [call, option] of [
      [(options) => highway.definitions.version("w", 1, options), "tenant_id"],
      [(options) => highway.approvals.list(options), "workflow_run_id"],
      [(options) => highway.apiKeys.rotate("k", options), "grace_period_hours"],
      [(options) => highway.workflows.submit({ workflow: {}, ...options }), "idempotency_key"],
    ]) {
      const error = await rejectionOf((async () => call({ [option]: 1 }))());
      checkError(error, { name: "ConfigurationError", code: "OPTION_INVALID", path: `/${option}` });
    }
  });

  test("an asynchronous method never throws synchronously", () => {
    const highway = new Highway({ auth: false, endpoint: "http://127.0.0.1:9", retry: false });
    const thrown = [];
    for (const row of methods.filter(({ pages }) => pages === undefined)) {
      try {
        callOf(highway, row, { surprise: 1 }).catch(() => {});
      } catch {
        thrown.push(row.name);
      }
    }
    assert.deepEqual(thrown, []);
  });

  test("a signal that has fired stops each call before it is sent", async (t) => {
    const server = await faultServer(t, [json(200, {})]);
    const highway = highwayFor(server);
    const signal = AbortSignal.abort(new Error("mine"));
    for (const row of methods) {
      const error = await rejectionOf((async () => outcomeOf(callOf(highway, row, { signal })))());
      checkError(error, { name: "AbortedError", code: "ABORTED" });
      assert.equal(error.cause?.message, "mine", row.name);
    }
    assert.equal(server.requests.length, 0);
  });

  test("a time limit applies to each call, and must be valid", async (t) => {
    const server = await faultServer(t, () => new Promise(() => {}));
    const highway = highwayFor(server);
    const late = methods.map(async (row) => {
      // The time limit of an update includes the workflow's time and more.
      if (row.name === "updates.send") return;
      const error = await rejectionOf((async () => outcomeOf(callOf(highway, row, { timeout: 0.3 })))());
      checkError(error, { name: "TimeoutError", code: "REQUEST_TIMEOUT" });
    });
    await Promise.all(late);
    for (const row of methods) {
      for (const timeout of [0, -1, "soon", true]) {
        const error = await rejectionOf((async () => outcomeOf(callOf(highway, row, { timeout })))());
        checkError(error, { name: "ConfigurationError", code: "OPTION_INVALID", path: "/timeout" });
      }
    }
  });

  test("an invalid id is refused", async (t) => {
    const server = await faultServer(t, [json(200, {})]);
    const highway = highwayFor(server);
    const withIds = methods.filter(({ args, request }) => args.length > 0 && request.includes("%2F1"));
    assert.ok(withIds.length > 40);
    for (const row of withIds) {
      for (const id of ["", ".", "..", undefined, null]) {
        const call = async () => outcomeOf(callOf(highway, { ...row, args: [id, ...row.args.slice(1)] }));
        const error = await rejectionOf(call());
        checkError(error, { name: "ConfigurationError", code: "OPTION_INVALID" });
      }
    }
    assert.equal(server.requests.length, 0);
  });
});
