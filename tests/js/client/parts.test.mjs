// What other parts of `Highway` do apart from requests and answers: approvals, schedules, artifacts, limits.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { Highway, WorkflowBuilder } from "highway-wasm";
import { byteServer, uploadOf } from "../support/byte-server.mjs";
import { checkRejection } from "../support/errors.mjs";
import { faultServer, json, text } from "../support/fault-server.mjs";

const highwayFor = (server, options) =>
  new Highway({ endpoint: server.url, apiKey: "test-key", retry: false, ...options });
const quick = { retry: { delay: 0.01 } };
const refused = (path, more = {}) => ({ name: "ConfigurationError", code: "OPTION_INVALID", path, ...more });
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });
const success = (data) => json(200, { status: "success", data });

describe("approvals and schedules", () => {
  test("a comment may be missing or empty; a decision is not repeated", async (t) => {
    const decided = { approval_key: "k", status: "approved", workflow_run_id: "r" };
    const server = await faultServer(t, (_, index) => (index === 3 ? text(503, "") : success(decided)));
    const { approvals } = highwayFor(server, quick);
    assert.deepEqual(await approvals.approve("k"), decided);
    await approvals.reject("k", { comment: undefined });
    await approvals.approve("k", { comment: "fine ✓" });
    const comments = server.requests.map(({ json: { comment } }) => comment);
    assert.deepEqual(comments, ["", "", "fine ✓"]);
    await checkRejection(approvals.approve("k"), api("API_SERVER_ERROR"));
    assert.equal(server.requests.length, 4);
  });

  test("a schedule has one workflow and a cron expression", async (t) => {
    const server = await faultServer(t, [success({ schedule_id: "s" })]);
    const { schedules } = highwayFor(server);
    const create = async (options) => await schedules.create(options);
    for (const [options, path] of [
      [{ cron: "* * * * *" }, ""],
      [{ cron: "* * * * *", workflowName: "w", definitionId: "d" }, ""],
      [{ cron: "* * * * *", workflow: {}, definitionHash: "h" }, ""],
      [{ workflowName: "w" }, "/cron"],
      [{ workflowName: "w", cron: 5 }, "/cron"],
      [{ workflowName: "w", cron: "* * * * *", schedule: "x" }, "/schedule"],
    ]) {
      await checkRejection(create(options), refused(path));
    }
    assert.equal(server.requests.length, 0);
    const workflow = new WorkflowBuilder("flow").task("a", "f").build();
    assert.deepEqual(await create({ workflow, cron: "* * * * *", inputs: {} }), { schedule_id: "s" });
    const sent = server.requests[0].json;
    assert.deepEqual(sent.workflow_definition, workflow.toJSON());
    assert.deepEqual(sent.inputs, {});
  });

  test("pausing and resuming may be repeated, creating may not", async (t) => {
    const server = await faultServer(t, (_, index) =>
      index % 2 === 0 ? text(503, "") : success({ is_active: true }),
    );
    const { schedules } = highwayFor(server, quick);
    await schedules.pause("s");
    await schedules.resume("s");
    const sent = server.requests.map(({ method, json: body }) => [method, body.is_active]);
    const twice = (active) => [
      ["PATCH", active],
      ["PATCH", active],
    ];
    assert.deepEqual(sent, [...twice(false), ...twice(true)]);
    const create = async () => await schedules.create({ workflowName: "w", cron: "* * * * *" });
    await checkRejection(create(), api("API_SERVER_ERROR"));
    assert.equal(server.requests.length, 5);
  });

  test("cancelling the schedule of a job sends the empty object that its only known client sends", async (t) => {
    const server = await faultServer(t, [success({ cancelled: true })]);
    await highwayFor(server).schedules.cancelJob("job");
    assert.equal(server.requests[0].body, "{}");
    assert.equal(server.requests[0].headers["content-type"], "application/json");
  });
});

describe("artifacts", () => {
  const id = "ab".repeat(32);
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 256);
  const taken = json(201, { artifact_id: id, size: 1000 });

  test("an archive is uploaded unchanged, from every kind of object with bytes", async (t) => {
    const server = await byteServer(t, () => taken);
    const { artifacts } = highwayFor(server);
    const around = new Uint8Array(1200);
    around.set(bytes, 100);
    const view = new Uint8Array(around.buffer, 100, 1000);
    for (const [archive, options, filename] of [
      [bytes, undefined, /^artifact_\w+\.zip$/],
      [bytes.buffer, { filename: "größe 1.zip" }, /^größe 1\.zip$/],
      [view, {}, /^artifact_\w+\.zip$/],
      [Buffer.from(bytes), {}, /\.zip$/],
      [new DataView(around.buffer, 100, 1000), {}, /\.zip$/],
      [new Blob([bytes], { type: "text/plain" }), {}, /\.zip$/],
      [new File([bytes], "own.zip"), { filename: "mine.zip" }, /^mine\.zip$/],
    ]) {
      assert.equal(await artifacts.upload(archive, options), id);
      const request = server.requests.at(-1);
      assert.equal(`${request.method} ${request.url}`, "POST /api/v1/artifacts");
      assert.match(request.headers["content-type"], /^multipart\/form-data; boundary=/);
      assert.equal(request.headers["authorization"], "Bearer test-key");
      const part = await uploadOf(request);
      assert.deepEqual([part.count, part.name, part.type], [1, "artifact", "application/zip"]);
      assert.match(part.filename, filename);
      assert.deepEqual(part.bytes, bytes);
    }
  });

  test("an object without bytes is refused", async (t) => {
    const server = await byteServer(t, () => taken);
    const { artifacts } = highwayFor(server);
    for (const archive of ["text", [1, 2], {}, null, undefined, 5]) {
      await checkRejection(artifacts.upload(archive), refused("/archive"));
    }
    await checkRejection(artifacts.upload(bytes, { name: "x" }), refused("/name"));
    assert.equal(server.requests.length, 0);
  });

  test("the upload is repeated with the same bytes; its answer may have an envelope, but must name the id", async (t) => {
    const answers = [json(503, {}), null, json(200, { success: true, data: { artifact_id: id } })];
    const server = await byteServer(t, (_, index) => answers[index]);
    assert.equal(await highwayFor(server, quick).artifacts.upload(bytes), id);
    assert.equal(server.requests.length, 3);
    const parts = await Promise.all(server.requests.map(uploadOf));
    for (const part of parts) assert.deepEqual([part.filename, part.bytes], [parts[0].filename, bytes]);
    for (const body of [{}, null, { artifact_id: "" }, { artifact_id: 5 }, "x", []]) {
      const nameless = await byteServer(t, () => json(201, body));
      await checkRejection(highwayFor(nameless).artifacts.upload(bytes), api("API_RESPONSE_INVALID"));
    }
  });

  test("a download has exactly the bytes of the archive", async (t) => {
    const server = await byteServer(t, ({ path }) =>
      path.endsWith(id)
        ? { status: 200, headers: { "content-type": "application/zip" }, body: bytes }
        : json(404, { message: "no such artifact" }),
    );
    const { artifacts } = highwayFor(server);
    const got = await artifacts.download(id);
    assert.ok(got instanceof Uint8Array);
    assert.equal(
      createHash("sha256").update(got).digest("hex"),
      createHash("sha256").update(bytes).digest("hex"),
    );
    await checkRejection(artifacts.download("other"), api("API_NOT_FOUND"));
    const small = highwayFor(server, { maxResponseSize: 999 });
    await checkRejection(small.artifacts.download(id), api("API_RESPONSE_TOO_LARGE"));
  });

  test("a list of ids, whether one exists, and deleting one", async (t) => {
    const server = await faultServer(t, ({ method, path }) => {
      if (method === "DELETE") return json(200, { message: "deleted" });
      if (path.endsWith("/exists")) return json(200, { exists: path.includes("here"), artifact_id: "x" });
      return json(200, { artifacts: ["a", "b"], count: 2 });
    });
    const { artifacts } = highwayFor(server);
    assert.deepEqual(await artifacts.list(), ["a", "b"]);
    assert.deepEqual([await artifacts.exists("here"), await artifacts.exists("gone")], [true, false]);
    assert.deepEqual(await artifacts.delete("a"), { message: "deleted" });
  });
});

describe("the server about itself", () => {
  test("logs of finished runs: 404 means none; elsewhere it does not", async (t) => {
    const server = await faultServer(t, [json(404, { message: "nothing found" })]);
    const highway = highwayFor(server);
    assert.deepEqual(await highway.logs.workflows().toArray(), []);
    assert.deepEqual((await highway.logs.workflows({ status: "failure" }).page()).items, []);
    for (const list of [highway.tasks.list(), highway.workflows.list(), highway.schedules.history("s")]) {
      await checkRejection(list.toArray(), api("API_NOT_FOUND"));
    }
    await checkRejection(highway.logs.stats(), api("API_NOT_FOUND"));
    const forbidden = await faultServer(t, [json(403, {})]);
    await checkRejection(highwayFor(forbidden).logs.workflows().toArray(), api("API_FORBIDDEN"));
  });

  test("501 means that the server does not offer it, and is not repeated", async (t) => {
    const server = await faultServer(t, [json(501, { message: "no schedules here" })]);
    const highway = highwayFor(server, quick);
    const absent = api("API_NOT_IMPLEMENTED", { message: /no schedules here/ });
    await checkRejection(highway.schedules.list(), absent);
    await checkRejection(highway.workflows.list().toArray(), absent);
    await checkRejection(highway.request("GET", "/api/v1/apps"), absent);
    const submitting = highway.workflows.submit({ workflow: { tasks: {} } });
    await checkRejection(submitting, { name: "SubmissionError", code: "API_NOT_IMPLEMENTED" });
    assert.equal(server.requests.length, 4);
  });

  test("the rate limit of the latest answer that had one, including errors", async (t) => {
    const limit = (limit, remaining, reset) => ({
      "x-ratelimit-limit": limit,
      "x-ratelimit-remaining": remaining,
      ...(reset && { "x-ratelimit-reset": reset }),
    });
    const server = await faultServer(t, [
      json(200, {}, limit("100", "99", "1767225600")),
      json(200, {}),
      json(429, {}, limit("100", "0")),
    ]);
    const highway = highwayFor(server);
    assert.equal(highway.rateLimit, null);
    await highway.system.version();
    assert.deepEqual(highway.rateLimit, { limit: 100, remaining: 99, reset: 1_767_225_600 });
    await highway.system.version();
    assert.deepEqual(highway.rateLimit, { limit: 100, remaining: 99, reset: 1_767_225_600 });
    await checkRejection(highway.system.version(), api("API_RATE_LIMITED"));
    assert.deepEqual(highway.rateLimit, { limit: 100, remaining: 0, reset: null });
  });

  test("rate limits that are not numbers are ignored", async (t) => {
    const server = await faultServer(t, [
      json(200, {}, { "x-ratelimit-limit": "many", "x-ratelimit-remaining": "some" }),
      json(200, {}, { "x-ratelimit-limit": "100" }),
    ]);
    for (let index = 0; index < 2; index++) {
      const highway = highwayFor(server);
      await highway.system.version();
      const numbers = Object.values(highway.rateLimit ?? {}).filter((value) => value !== null);
      assert.ok(!numbers.some(Number.isNaN), JSON.stringify(numbers));
    }
  });
});
