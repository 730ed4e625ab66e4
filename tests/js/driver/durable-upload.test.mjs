// The upload for durable tasks: when it is sent, its content, and its failures.
import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { Driver } from "highway-wasm";
import { artifactServer, driverOn } from "../support/artifacts.mjs";
import { uploadOf } from "../support/byte-server.mjs";
import { checkRejection } from "../support/errors.mjs";

describe("the upload", () => {
  const source = "def work(ctx):\n    return 1";

  test("is a form with the archive, before the submission, which names it", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", { durable: source });
    const handle = await driver.start({ inputs: { a: 1 } });
    assert.equal(handle.runId, "run-1");
    assert.deepEqual(
      server.requests.map(({ method, path }) => `${method} ${path}`),
      ["POST /api/v1/artifacts", "POST /api/v1/workflows"],
    );
    const [upload, submission] = server.requests;
    assert.equal(upload.headers["authorization"], "Bearer test-key");
    assert.match(upload.headers["content-type"], /^multipart\/form-data; boundary=/);
    const part = await uploadOf(upload);
    assert.deepEqual([part.count, part.name, part.type], [1, "artifact", "application/zip"]);
    assert.match(part.filename, /^driver_tasks_[a-z0-9_]{8}\.zip$/);
    const { inputs, workflow_definition } = submission.json;
    assert.match(inputs._artifact_id, /^[0-9a-f]{64}$/);
    assert.deepEqual(inputs, { a: 1, _artifact_id: inputs._artifact_id });
    assert.deepEqual(workflow_definition, driver.build({ inputs: { a: 1 } }));
    assert.equal(workflow_definition.tasks.work.kwargs.artifact_id, "{{_artifact_id}}");
  });

  test("has the same bytes for the same sources, in another driver and at another time", async (t) => {
    const server = await artifactServer(t);
    mock.timers.enable({ apis: ["Date"] });
    t.after(() => mock.timers.reset());
    for (const [index, day] of ["2026-01-01", "2031-07-09"].entries()) {
      mock.timers.setTime(Date.parse(day));
      const driver = driverOn(server, { name: `driver_${index}` });
      driver.task("work", { durable: source });
      driver.task("files", {
        durable: true,
        package: { name: "orders", files: { "main.py": "def run(ctx): return 1", "sub/a.py": "" } },
        entrypoint: "main:run",
      });
      await driver.start({ inputs: { index } });
    }
    const [first, second] = await Promise.all(server.uploads().map(uploadOf));
    assert.deepEqual(first.bytes, second.bytes);
    const ids = server.submissions().map(({ json: { inputs } }) => inputs._artifact_id);
    assert.equal(ids[0], ids[1]);
  });

  test("is omitted if the caller gives an id", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", { durable: source });
    driver.task("files", { durable: true, package: "./is_not_there", entrypoint: "main:run" });
    await driver.start({ inputs: { _artifact_id: "mine", a: 1 } });
    assert.equal(server.uploads().length, 0);
    assert.deepEqual(server.submissions()[0].json.inputs, { _artifact_id: "mine", a: 1 });
  });

  test("is omitted for tasks that need none", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.shell("a", "true");
    driver.whileLoop("w", { condition: "{{n}} < 3", py: "def w(): return 1", durable: false });
    await driver.start();
    const durable = driverOn(server);
    durable.task("work", { durable: source });
    await durable.start({ workflow: { name: "own", tasks: {} } });
    assert.equal(server.uploads().length, 0);
    for (const { json: body } of server.submissions()) assert.ok(!("_artifact_id" in body.inputs));
  });

  test("has the tasks at each start", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", { durable: source });
    await driver.start();
    driver.clear();
    driver.task("work", { durable: source.replace("1", "2") });
    await driver.start();
    const [first, second] = server.submissions().map(({ json: { inputs } }) => inputs._artifact_id);
    assert.notEqual(first, second);
  });

  test("has an id with and without an envelope", async (t) => {
    for (const body of [
      { status: "success", data: { artifact_id: "x", size: 1 } },
      { success: true, data: { artifact_id: "x" } },
      { data: { artifact_id: "x" } },
      { artifact_id: "x", status: "success" },
    ]) {
      const server = await artifactServer(t, () => ({
        status: 200,
        headers: {},
        body: JSON.stringify(body),
      }));
      const driver = driverOn(server);
      driver.task("work", { durable: source });
      await driver.start();
      assert.equal(server.submissions()[0].json.inputs._artifact_id, "x");
    }
  });
});

describe("an upload that fails", () => {
  const answer = (status, body) => ({
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const failed = (message) => ({ name: "SubmissionError", code: "ARTIFACT_UPLOAD_FAILED", message });

  /** The error of a start on a server that answers uploads in this way. */
  async function failure(t, onUpload, expected, options) {
    const server = await artifactServer(t, onUpload);
    const driver = driverOn(server, options);
    driver.task("work", { durable: "def work(ctx):\n    return 1" });
    const error = await checkRejection(driver.run(), expected);
    assert.equal(server.submissions().length, 0, "nothing was submitted");
    return { error, server };
  }

  test("500, 413, 401: nothing is submitted, and the reason is given", async (t) => {
    for (const [status, code] of [
      [500, "API_SERVER_ERROR"],
      [413, "LIMIT_EXCEEDED"],
      [401, "API_UNAUTHORIZED"],
      [404, "API_NOT_FOUND"],
      [501, "API_NOT_IMPLEMENTED"],
    ]) {
      const body = { status: "error", message: "storage is full", request_id: "q-1" };
      const { error } = await failure(t, () => answer(status, body), failed(/storage is full/));
      assert.equal(error.status, status);
      assert.equal(error.requestId, "q-1");
      assert.equal(error.cause.code, code);
      assert.ok(error.help.length > 0);
    }
  });

  test("an answer without an id", async (t) => {
    for (const body of [{}, { size: 5 }, null, { artifact_id: null }, { status: "success" }, [], "id"]) {
      const { error } = await failure(t, () => answer(201, body), failed(/id/));
      assert.match(error.help, /_artifact_id/);
    }
    await failure(t, () => ({ status: 201, headers: {}, body: "<p>ok</p>" }), failed(/HTML/));
  });

  test("a network that fails, a server that is silent", async (t) => {
    const { server } = await failure(t, () => null, failed(/could not be reached/), {
      retry: { delay: 0.01 },
    });
    assert.equal(server.uploads().length, 4, "it was tried again");
    const closed = new Driver({ endpoint: "http://127.0.0.1:9", apiKey: "k", retry: false });
    closed.task("work", { durable: "def work(ctx):\n    return 1" });
    await checkRejection(closed.start(), failed(/could not be reached/));
    const silent = await failure(t, () => new Promise(() => {}), failed(/did not answer/), { timeout: 0.2 });
    assert.equal(silent.error.cause.code, "REQUEST_TIMEOUT");
  });

  test("503 is temporary: the same archive is sent again, then the workflow", async (t) => {
    const server = await artifactServer(t, (_, count) => (count < 3 ? answer(503, {}) : undefined));
    const driver = driverOn(server, { retry: { delay: 0.01 } });
    driver.task("work", { durable: "def work(ctx):\n    return 1" });
    await driver.start();
    const parts = await Promise.all(server.uploads().map(uploadOf));
    assert.equal(parts.length, 3);
    for (const part of parts) assert.deepEqual(part, parts[0]);
    assert.equal(server.submissions().length, 1);
  });

  test("a signal stops it, and stays an abort", async (t) => {
    const controller = new AbortController();
    const server = await artifactServer(t, () => {
      controller.abort(new Error("mine"));
      return new Promise(() => {});
    });
    const driver = driverOn(server);
    driver.task("work", { durable: "def work(ctx):\n    return 1" });
    const aborted = { name: "AbortedError", code: "ABORTED" };
    const error = await checkRejection(driver.start({ signal: controller.signal }), aborted);
    assert.equal(error.cause.message, "mine");
    assert.equal(server.submissions().length, 0);
  });

  test("without a key, nothing is uploaded", async (t) => {
    const server = await artifactServer(t);
    const driver = new Driver({ endpoint: server.url, apiKey: "" });
    driver.task("work", { durable: "def work(ctx):\n    return 1" });
    await checkRejection(driver.start(), { name: "ConfigurationError", code: "API_KEY_MISSING" });
    const circle = driverOn(server);
    circle.task("work", { durable: "def work(ctx):\n    return 1", depends: "work" });
    await checkRejection(circle.start(), { name: "TaskDefinitionError", code: "DEPENDENCY_SELF" });
    assert.equal(server.requests.length, 0);
  });
});
