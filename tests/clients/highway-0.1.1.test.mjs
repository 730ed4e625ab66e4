// highway 0.1.1, the only one in PyPI that submits without waiting, asks for states and cancels by itself.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { between } from "./support/between.mjs";
import { ask, runClient, sharedServer, skipWithout } from "./support/clients.mjs";

const SET = "highway-0.1.1";
const skip = skipWithout(SET);

const server = sharedServer(skip);

async function scenario(t, name) {
  const exchanged = await between(t, server);
  const outcome = await runClient(t, SET, "highway_0_1_1.py", name, exchanged);
  const run = await ask(server, `workflows/${outcome.run_id}`);
  const cancels = exchanged.exchanges.filter(({ path }) => path.endsWith("/cancel"));
  return { outcome, run, cancels: cancels.map(({ status }) => status) };
}

describe("highway 0.1.1", { skip, concurrency: 4 }, () => {
  test("runs tasks, and knows each by its name", async (t) => {
    const { outcome, run } = await scenario(t, "happy");
    assert.deepEqual([outcome.status, outcome.state, outcome.error], ["completed", "completed", null]);
    assert.deepEqual(Object.keys(outcome.tasks), ["first", "second"]);
    // This client looks for a marker in the output; the engine gives the result by itself, and the output without a marker.
    assert.equal(outcome.tasks.second.result.result.answer, 42);
    assert.equal(outcome.tasks.second.result.stdout, "");
    assert.ok(outcome.has_times);
    assert.equal(run.result.first_result.stdout, "hello Ada");
  });

  test("tells why a run failed", async (t) => {
    const { outcome, run } = await scenario(t, "failed");
    assert.deepEqual([outcome.state, outcome.tasks.broken.state], ["failed", "failed"]);
    assert.match(outcome.error, /exit code 3: oh no/);
    assert.equal(run.status, "failed");
  });

  test("submits without waiting, and cancels: once, and nothing that is not there", async (t) => {
    const { outcome, run, cancels } = await scenario(t, "cancelled");
    assert.deepEqual([outcome.submitted, outcome.running], ["submitted", "running"]);
    assert.deepEqual(outcome.cancels, [true, false, false]);
    assert.deepEqual(cancels, [200, 409, 404]);
    assert.deepEqual([outcome.state, outcome.tasks.slow.state], ["cancelled", "cancelled"]);
    assert.equal(run.status, "cancelled");
  });

  test("cannot cancel what has completed", async (t) => {
    const { outcome, run, cancels } = await scenario(t, "finished");
    assert.deepEqual([outcome.cancels, cancels], [[false], [409]]);
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.tasks.quick.result.stdout, "quick");
    assert.equal(run.status, "completed");
  });
});
