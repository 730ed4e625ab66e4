// highway-sdk 1.0.1, Highway's own client of all operations: each of its 168 methods finds its path, and reads what is there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startServer } from "../js/support/cli.mjs";
import { ask, runClient, skipWithout } from "./support/clients.mjs";

const SET = "highway-sdk-1.0.1";
const skip = skipWithout(SET);
const operations = JSON.parse(readFileSync(new URL("../fixtures/operations.json", import.meta.url), "utf8"));

const shell = (command) => ({
  task_id: "a",
  operator_type: "task",
  dependencies: [],
  function: "tools.shell.run",
  args: [command],
});
const asking = { ...shell(), function: "tools.approval.request", args: ["seeded", "May it?"] };

/** What a server has when it is asked for everything: an open run with an approval, one that failed, a schedule. */
async function seed(server) {
  const submit = (name, task) =>
    ask(server, "workflows", "POST", { workflow_definition: { name, tasks: { a: task } } });
  const { workflow_run_id, definition_id, definition_hash } = await submit("asking", asking);
  const failed = await submit("failing", shell("exit 3"));
  const { schedule_id } = await ask(server, "schedules", "POST", {
    workflow_name: "failing",
    schedule_cron: "0 2 * * *",
  });
  const { artifact_id } = await ask(server, "artifacts", "POST", { content: "TWFu" });
  const until = performance.now() + 120_000;
  const isReady = async () =>
    (await ask(server, "approvals")).approvals.length === 1 &&
    (await ask(server, `workflows/${failed.workflow_run_id}`)).status === "failed";
  while (!(await isReady()))
    assert.ok(performance.now() < until, "the runs do not come to where they have to be");
  return {
    ids: {
      workflow_run_id,
      definition_id,
      definition_hash,
      workflow_name: "asking",
      step_name: "a",
      approval_key: "seeded",
      schedule_id,
      artifact_id,
    },
    failed: failed.workflow_run_id,
  };
}

/** What is served: the status of each operation when it is called without a body and with the names of what is there. */
const SERVED = {
  "GET /ping": 200,
  "GET /api/v1/health": 200,
  "GET /api/v1/version": 200,
  "GET /api/v1/workflows": 200,
  "GET /api/v1/workflows/stats": 200,
  "GET /api/v1/workflows/{workflow_run_id}": 200,
  "GET /api/v1/workflows/{workflow_run_id}/events": 200,
  "GET /api/v1/workflows/{workflow_run_id}/graph": 200,
  "GET /api/v1/workflows/{workflow_run_id}/graph/dot": 200,
  "GET /api/v1/workflows/{workflow_run_id}/metrics": 200,
  "GET /api/v1/workflows/{workflow_run_id}/query": 200,
  "GET /api/v1/workflows/{workflow_run_id}/signals": 200,
  "GET /api/v1/workflows/{workflow_run_id}/steps": 200,
  "GET /api/v1/workflows/{workflow_run_id}/steps/logs": 200,
  "GET /api/v1/workflows/{workflow_run_id}/steps/{step_name}": 200,
  "GET /api/v1/workflows/{workflow_run_id}/steps/{step_name}/logs": 200,
  "GET /api/v1/workflows/{workflow_run_id}/updates": 200,
  "GET /api/v1/workflows/{workflow_run_id}/updates/history": 200,
  "GET /api/v1/workflows/by-hash/{definition_hash}": 200,
  "GET /api/v1/workflows/definitions/{definition_id}": 200,
  "GET /api/v1/workflows/definitions/json/{definition_id}": 200,
  "GET /api/v1/workflows/definitions/dsl/python/{definition_id}": 200,
  "GET /api/v1/workflows/{workflow_name}/versions/{version}": 200,
  "GET /api/v1/approvals": 200,
  "GET /api/v1/approvals/{approval_key}": 200,
  "GET /api/v1/artifacts": 200,
  "GET /api/v1/artifacts/{artifact_id}": 200,
  "GET /api/v1/artifacts/{artifact_id}/exists": 200,
  "DELETE /api/v1/artifacts/{artifact_id}": 200,
  "GET /api/v1/schedules": 200,
  "GET /api/v1/schedules/{schedule_id}": 200,
  "GET /api/v1/schedules/{schedule_id}/history": 200,
  "POST /api/v1/schedules/scan": 200,
  "POST /api/v1/approvals/{approval_key}/approve": 200,
  "DELETE /api/v1/schedules/{schedule_id}": 200,
  // It was approved just before, which ended the run.
  "POST /api/v1/approvals/{approval_key}/reject": 404,
  "POST /api/v1/workflows/{workflow_run_id}/cancel": 409,
  "POST /api/v1/workflows/{workflow_run_id}/retry": 400,
  // What the client sends has no body, since its methods take none.
  "POST /api/v1/workflows": 400,
  "POST /api/v1/artifacts": 400,
  "POST /api/v1/schedules": 400,
  "PATCH /api/v1/schedules/{schedule_id}": 400,
  "POST /api/v1/workflows/{workflow_run_id}/signals": 400,
  "POST /api/v1/workflows/{workflow_run_id}/updates": 400,
  // Pages for people.
  "GET /": 404,
  "GET /login": 404,
  "GET /favicon.ico": 404,
};
const CLASSES = {
  400: "BadRequestException",
  404: "NotFoundException",
  409: "ConflictException",
  501: "ServiceException",
};

test("highway-sdk 1.0.1 finds what is served, and is told of the rest that it is not", {
  skip,
}, async (t) => {
  const server = await startServer(t, [], { limit: 280_000 });
  const { ids } = await seed(server);
  const outcomes = await runClient(t, SET, "highway_sdk_1_0_1.py", "all", server, {
    SEEDS: JSON.stringify(ids),
  });
  assert.equal(outcomes.length, 168);
  const found = new Map(outcomes.map((outcome) => [`${outcome.method} ${outcome.path}`, outcome]));
  const expected = {};
  for (const [method, path] of operations) {
    const name = `${method} ${path}`;
    // A version is a number in some paths and a text in others.
    const filled = ["1", "x"].map((version) =>
      path.replace(/\{(\w+)\}/g, (_, part) => ids[part] ?? (part === "version" ? version : "x")),
    );
    const { status, error, code } = filled.map((path) => found.get(`${method} ${path}`)).find(Boolean) ?? {};
    expected[name] = [SERVED[name] ?? 501, status, error, code];
  }
  const wrong = Object.entries(expected).filter(([, [wanted, status]]) => wanted !== status);
  assert.deepEqual(wrong, []);
  for (const [name, [status, , error, code]] of Object.entries(expected)) {
    assert.equal(error, CLASSES[status], name);
    if (status === 501) assert.equal(code, "NOT_IMPLEMENTED", name);
  }
  // Of the 24 operations with types the engine serves this one.
  const health = found.get("GET /api/v1/health");
  assert.deepEqual([health.typed, health.data.data.status], [true, "healthy"]);
  const types = outcomes.filter(({ typed }) => typed);
  assert.deepEqual(types, [health]);
});
