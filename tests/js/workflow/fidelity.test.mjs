// Behaviour that once differed from the Python packages, as users see it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, Workflow, WorkflowBuilder } from "highway-wasm";

test("an unpaired surrogate is refused with its path, wherever text enters", () => {
  const half = "\ud83d";
  const task = (kwargs) => new WorkflowBuilder("w").task("a", "f", { kwargs });
  for (const [path, action] of [
    ["/shell", () => new Driver().shell("a", half)],
    ["", () => new Driver().shell(half, "true")],
    ["/name", () => new Driver({ name: half })],
    ["/inputs/a/0", () => new Driver().build({ inputs: { a: [half] } })],
    ["/kwargs/a", () => task({ a: half })],
    ["/kwargs/\ufffd", () => task({ [half]: 1 })],
    ["/variables/a", () => Workflow.fromJSON({ name: "w", variables: { a: half } })],
    ["/variables/a", () => Workflow.fromJSON(`{"name": "w", "variables": {"a": "${half}"}}`)],
    ["/variables/a", () => Workflow.fromJSON('{"name": "w", "variables": {"a": "\\ud83d"}}')],
    ["/description", () => new WorkflowBuilder("w").setDescription(half)],
  ]) {
    assert.throws(action, { code: "VALUE_NOT_JSON", path });
  }
});

test("a guard needs an operator with an id", () => {
  const builder = new WorkflowBuilder("w").task("", "f");
  assert.throws(() => builder.precondition("x", "exists"), { code: "NO_CURRENT_TASK" });
});

test("floats stay floats inside the branches of a workflow that is continued", () => {
  const branch = (builder) => builder.task("a", "f").retry({ backoffFactor: 2 });
  const existingWorkflow = new WorkflowBuilder("w").parallel("fork", { one: branch }).build();
  const text = new WorkflowBuilder("w", { existingWorkflow }).build().toJSONString();
  assert.equal(text, existingWorkflow.toJSONString());
  assert.match(text, /"backoff_factor": 2\.0/);
});

test("a driver keeps every number", () => {
  for (const number of [1 / 3, 1e-10, 1e16, 5e-324, Number.MAX_VALUE]) {
    const driver = new Driver();
    driver.shell("a", "true", { retries: 1, retryDelay: number });
    assert.equal(driver.build().tasks.a.retry_policy.initial_interval_seconds, number);
  }
});
