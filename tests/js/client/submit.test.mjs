// Submitting: the requests, and the outcome of each answer, against a real server on the loopback interface.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { Driver, RunHandle, SubmissionError } from "highway-wasm";
import { checkRejection, rejectionOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, reset, silence, stalled, text } from "../support/fault-server.mjs";
import { stopwatch } from "../support/stopwatch.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const accepted = json(201, { status: "success", data: { workflow_run_id: "run-1" } });
const page = "<!doctype html><html><title>Sign in</title></html>";
const keys = ({ requests }) => requests.map(({ headers }) => headers["x-idempotency-key"]);
const submission = (code, more = {}) => ({ name: "SubmissionError", code, ...more });
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });

/** The error of one submission without repetition, answered by `answer`. */
async function submitted(t, answer, expected) {
  const server = await faultServer(t, [answer]);
  return await checkRejection(driverFor(server, { retry: false }).start(), expected);
}

describe("requests", { concurrency: true }, () => {
  test("a submission: address, headers, body", async (t) => {
    const server = await faultServer(t, [accepted]);
    const driver = driverFor(server);
    const inputs = { who: "Ada ✓", n: [1, { deep: null }] };
    const handle = await driver.start({ inputs, timeout: 60, workflowId: "order-7" });
    assert.ok(handle instanceof RunHandle);
    assert.deepEqual([handle.runId, handle.workflowId], ["run-1", "order-7"]);
    const [{ method, url, headers, json: body }] = server.requests;
    assert.equal(`${method} ${url}`, "POST /api/v1/workflows");
    assert.equal(headers.authorization, "Bearer test-key");
    assert.match(headers["content-type"], /^application\/json/);
    assert.equal(headers["x-idempotency-key"], "order-7");
    assert.deepEqual(Object.keys(body), ["workflow_definition", "inputs"]);
    assert.deepEqual(body.inputs, inputs);
    assert.deepEqual(body.workflow_definition, driver.build({ inputs, timeout: 60 }));
    assert.deepEqual(body.workflow_definition.variables, inputs);
  });

  test("the endpoint may have a path, a trailing slash and the prefix", async (t) => {
    const server = await faultServer(t, [json(200, { status: "running" })]);
    for (const end of ["/", "/base", "/base/", "/api/v1", "/api/v1/"]) {
      await new Driver({ endpoint: server.url + end, apiKey: "k" }).status("r");
    }
    const expected = ["", "/base", "/base", "", ""].map((base) => `${base}/api/v1/workflows/r`);
    assert.deepEqual(
      server.requests.map(({ url }) => url),
      expected,
    );
  });

  test("without a workflowId, each run has its own key: a UUID, the same for its repetitions", async (t) => {
    const server = await faultServer(t, [text(503, ""), text(503, ""), accepted]);
    const driver = driverFor(server);
    const handle = await driver.start();
    await driver.start();
    assert.equal(handle.workflowId, null);
    const [first, second, third, other] = keys(server);
    assert.match(first, UUID);
    assert.deepEqual([second, third], [first, first]);
    assert.match(other, UUID);
    assert.notEqual(other, first);
    const bodies = server.requests.slice(0, 3).map(({ body }) => body);
    assert.equal(new Set(bodies).size, 1, "repetitions are the same request");
  });

  test("a workflowId that no header can hold is sent in a fixed encoding", async (t) => {
    const server = await faultServer(t, [accepted]);
    for (const workflowId of ["größe", "größe", "a\nb", "100%"])
      await driverFor(server).start({ workflowId });
    const [first, again, broken, plain] = keys(server);
    assert.equal(first, again);
    assert.equal(decodeURIComponent(first), "größe");
    assert.equal(decodeURIComponent(broken), "a\nb");
    assert.equal(plain, "100%");
  });

  test("wait: false only submits", async (t) => {
    const server = await faultServer(t, [accepted]);
    const result = await driverFor(server).run({ wait: false, workflowId: "w" });
    assert.deepEqual(
      [result.runId, result.state, result.status, result.workflowId, result.isSuccess, result.isTerminal],
      ["run-1", "submitted", "submitted", "w", false, false],
    );
    assert.equal(server.requests.length, 1);
  });

  test("ids are encoded", async (t) => {
    const server = await faultServer(t, [json(200, { status: "running" })]);
    await driverFor(server).status("a/b c?ü#%");
    assert.equal(server.requests[0].url, "/api/v1/workflows/a%2Fb%20c%3F%C3%BC%23%25");
  });
});

describe("answers to a submission", { concurrency: true }, () => {
  test("the run id in every envelope", async (t) => {
    const bodies = [
      { status: "success", data: { workflow_run_id: "x", run_id: "y" } },
      { success: true, data: { workflow_run_id: "x" } },
      { data: { workflow_run_id: "x" } },
      { workflow_run_id: "x", run_id: "y" },
      { run_id: "x" },
      { status: "success", data: { run_id: "x" } },
    ];
    const server = await faultServer(t, (_, index) => json([200, 201, 202][index % 3], bodies[index]));
    for (const body of bodies) {
      assert.equal((await driverFor(server).start()).runId, "x", JSON.stringify(body));
    }
  });

  test("401, 403, 404 and other refusals: one request, a typed error", async (t) => {
    const codes = {
      400: "BAD_REQUEST",
      401: "UNAUTHORIZED",
      403: "FORBIDDEN",
      404: "NOT_FOUND",
      422: "BAD_REQUEST",
    };
    const body = {
      status: "error",
      message: "why not",
      code: "SERVER_CODE",
      request_id: "req-1",
      details: [1],
    };
    for (const [status, code] of Object.entries(codes)) {
      const server = await faultServer(t, [json(Number(status), body)]);
      const error = await checkRejection(
        driverFor(server).run(),
        submission(`API_${code}`, { message: new RegExp(`${status}.*why not`) }),
      );
      assert.ok(error instanceof SubmissionError);
      assert.equal(error.status, Number(status));
      assert.equal(error.requestId, "req-1");
      assert.equal(error.details.serverCode, "SERVER_CODE");
      assert.equal(server.requests.length, 1, `${status} is not repeated`);
    }
  });

  test("a list of findings names the place", (t) =>
    submitted(
      t,
      json(422, [{ loc: ["body", "workflow_definition", "name"], msg: "field required", type: "x" }]),
      submission("API_BAD_REQUEST", { message: /body\.workflow_definition\.name: field required/ }),
    ));

  test("409 with existing_run_id names the run, at any level", async (t) => {
    const bodies = [
      { message: "conflict", existing_run_id: "run-0" },
      { message: "conflict", data: { existing_run_id: "run-0" } },
      { message: "conflict", details: { existing_run_id: "run-0" } },
    ];
    for (const body of bodies) {
      const error = await submitted(t, json(409, body), submission("API_CONFLICT", { help: /workflowId/ }));
      assert.equal(error.existingRunId, "run-0");
    }
  });

  test("409 without existing_run_id", async (t) => {
    const error = await submitted(t, json(409, { message: "conflict" }), submission("API_CONFLICT"));
    assert.equal(error.existingRunId, undefined);
  });

  test("429 with Retry-After: the submission is repeated after it", async (t) => {
    const limited = json(429, { message: "slow down" }, { "retry-after": "1" });
    const server = await faultServer(t, [limited, accepted]);
    assert.equal((await driverFor(server).start({ workflowId: "w" })).runId, "run-1");
    const [first, second] = server.requests;
    assert.ok(second.at - first.at >= 950, `${second.at - first.at}`);
    assert.deepEqual(keys(server), ["w", "w"]);
  });

  test("429 with a Retry-After beyond the time: an error that says so, in seconds", async (t) => {
    const server = await faultServer(t, [json(429, { message: "slow down" }, { "retry-after": "700" })]);
    const error = await checkRejection(driverFor(server).start(), submission("API_RATE_LIMITED"));
    assert.deepEqual([error.status, error.retryAfter, server.requests.length], [429, 700, 1]);
  });

  test("429 without Retry-After", async (t) => {
    const error = await submitted(t, text(429, ""), submission("API_RATE_LIMITED"));
    assert.equal(error.retryAfter, undefined);
  });

  test("Retry-After as a date", async (t) => {
    const date = new Date(Date.now() + 30_000).toUTCString();
    const error = await submitted(
      t,
      text(429, "", "text/plain", { "retry-after": date }),
      submission("API_RATE_LIMITED"),
    );
    assert.ok(error.retryAfter > 25 && error.retryAfter <= 30, `${error.retryAfter}`);
  });

  test("5xx, then accepted", async (t) => {
    const server = await faultServer(t, [json(500, {}), text(502, page, "text/html"), accepted]);
    assert.equal((await driverFor(server).start({ workflowId: "w" })).runId, "run-1");
    assert.deepEqual(keys(server), ["w", "w", "w"]);
  });

  test("5xx always: four attempts with growing delays", async (t) => {
    const server = await faultServer(t, [json(503, { message: "down" })]);
    const error = await checkRejection(
      driverFor(server).start(),
      submission("API_SERVER_ERROR", { message: /down/ }),
    );
    assert.deepEqual([error.status, error.details.attempts, server.requests.length], [503, 4, 4]);
    const [first, second, third, fourth] = server.requests.map(({ at }) => at);
    assert.ok(second - first >= 100 && second - first < 2000, `${second - first}`);
    assert.ok(fourth - third > second - first, "the distances grow");
  });

  test("retry: attempts may be set; false means one", async (t) => {
    const server = await faultServer(t, [json(503, {})]);
    await rejectionOf(driverFor(server, { retry: { attempts: 2 } }).start());
    assert.equal(server.requests.length, 2);
    await rejectionOf(driverFor(server, { retry: false }).start());
    assert.equal(server.requests.length, 3);
  });

  test("HTML in place of JSON", async (t) => {
    const answer = text(200, page, "text/html");
    const error = await submitted(
      t,
      answer,
      submission("API_RESPONSE_INVALID", { message: /HTML/, help: /endpoint/ }),
    );
    assert.match(error.details.body, /Sign in/);
    await submitted(
      t,
      text(502, page, "text/html"),
      submission("API_SERVER_ERROR", { message: /502.*HTML/ }),
    );
    await submitted(t, text(404, page, "text/html"), submission("API_NOT_FOUND", { message: /404.*HTML/ }));
  });

  test("bodies of another shape", async (t) => {
    const invalid = submission("API_RESPONSE_INVALID");
    for (const body of [
      "",
      '{"data": {"workflow_run_id": "x"',
      "not json",
      "null",
      "5",
      "[]",
      "{}",
      '{"data":{}}',
    ]) {
      await submitted(t, text(200, body, "application/json"), invalid);
    }
    await submitted(t, { status: 204, headers: {} }, invalid);
    await submitted(t, json(201, { status: "success", data: { workflow_run_id: null } }), invalid);
    await submitted(t, json(201, { status: "success", data: { workflow_run_id: 5 } }), invalid);
  });

  test("bytes that are not UTF-8, and a byte order mark", async (t) => {
    await submitted(t, text(200, Buffer.from([0xff, 0xfe, 0x7b])), submission("API_RESPONSE_INVALID"));
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"run_id":"r"}')]);
    const server = await faultServer(t, [text(200, marked, "application/json")]);
    assert.equal((await driverFor(server).start()).runId, "r");
  });
});

describe("the network", { concurrency: true }, () => {
  test("an endpoint without a server", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const { port } = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const url = `http://127.0.0.1:${port}`;
    const error = await checkRejection(
      driverFor({ url }).run(),
      submission("API_UNREACHABLE", { message: new RegExp(`${url}.*ECONNREFUSED`), help: /network/ }),
    );
    assert.ok(error.cause instanceof Error);
    assert.deepEqual([error.status, error.details.attempts], [undefined, 4]);
    await checkRejection(driverFor({ url }, { retry: false }).status("r"), api("API_UNREACHABLE"));
  });

  test("a host that does not exist", async () => {
    const driver = driverFor({ url: "http://no-such-host.invalid" }, { retry: false });
    await checkRejection(driver.start(), submission("API_UNREACHABLE", { message: /no-such-host\.invalid/ }));
  });

  test("a connection that is reset, before and inside the answer, then accepted", async (t) => {
    const part = 'HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{"data": {';
    const server = await faultServer(t, [reset(), reset(part), accepted]);
    assert.equal((await driverFor(server).start({ workflowId: "w" })).runId, "run-1");
    assert.deepEqual(keys(server), ["w", "w", "w"]);
  });

  test("a connection that is always reset mid-body", async (t) => {
    const part = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"data": {';
    const error = await submitted(t, reset(part), submission("API_UNREACHABLE"));
    assert.notEqual(error.cause, undefined);
  });

  test("an answer that is not HTTP", (t) =>
    submitted(t, reset("SMTP ready\r\n\r\n"), submission("API_UNREACHABLE")));

  test("a server that is slower than the request's limit, then fast", async (t) => {
    const server = await faultServer(t, [silence, stalled, accepted]);
    const driver = driverFor(server, { timeout: 0.15 });
    assert.equal((await driver.start({ workflowId: "w" })).runId, "run-1");
    assert.deepEqual(keys(server), ["w", "w", "w"]);
    assert.equal(server.open.size, 0, "requests that are given up are cut");
  });

  test("a server that never answers", async (t) => {
    for (const answer of [silence, stalled]) {
      const server = await faultServer(t, [answer]);
      const driver = driverFor(server, { timeout: "PT0.1S", retry: false });
      const watch = stopwatch();
      const expected = { name: "TimeoutError", code: "REQUEST_TIMEOUT", message: /100 ms/ };
      await checkRejection(driver.start(), expected);
      await checkRejection(driver.status("r"), expected);
      assert.ok(watch.stop() < 4000);
    }
  });
});
