// HighwayTask of stabilize 0.33.1: what the newest code on PyPI sends and reads, with the workflows of its own example.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { faultServer, json } from "../js/support/fault-server.mjs";
import { ask, runClient, sharedServer, skipWithout } from "./support/clients.mjs";

const SET = "stabilize-0.33.1";
const skip = skipWithout(SET);

const server = sharedServer(skip);

/** Runs a scenario, with a service for the requests of its workflows. */
async function scenario(t, name) {
  const service = await faultServer(t, ({ url }) => json(200, { asked: url }));
  const outcome = await runClient(t, SET, "stabilize_0_33_1.py", `${name} ${service.url}/data`, server);
  const run = outcome.highway_run_id && (await ask(server, `workflows/${outcome.highway_run_id}`));
  return { outcome, run };
}

describe("stabilize 0.33.1", { skip, concurrency: 4 }, () => {
  test("one request", async (t) => {
    const { outcome, run } = await scenario(t, "simple");
    assert.deepEqual([outcome.status, outcome.highway_status], ["SUCCEEDED", "completed"]);
    assert.deepEqual(outcome.highway_result, run.result);
    assert.deepEqual(run.result.test_response.body, { asked: "/data" });
  });

  test("requests in branches, and a task that waits for them", async (t) => {
    const { outcome, run } = await scenario(t, "parallel");
    assert.equal(outcome.status, "SUCCEEDED", outcome.error);
    assert.equal(outcome.highway_result.output.stdout, "All URLs fetched successfully");
    const bodies = Object.values(run.result.branch_results).map(({ body }) => body.asked);
    assert.deepEqual(bodies.sort(), ["/data?branch_1", "/data?branch_2", "/data?branch_3"]);
  });

  test("inputs of the run", async (t) => {
    const { outcome } = await scenario(t, "inputs");
    assert.equal(outcome.highway_result.output.stdout, "Ada");
  });

  test("a failure, with its reason", async (t) => {
    const { outcome, run } = await scenario(t, "failed");
    assert.deepEqual([outcome.status, outcome.highway_status, run.status], ["TERMINAL", "failed", "failed"]);
    assert.match(outcome.error, /exit code 3/);
  });
});
