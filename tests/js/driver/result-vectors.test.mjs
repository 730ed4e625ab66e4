// The golden vectors of results of the Python driver 0.9.1: its users and ours see the same of a run.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { vectors } from "../support/vectors.mjs";

const KNOWN = [
  "pending",
  "submitted",
  "running",
  "sleeping",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "canceled",
  "timed_out",
];

/** The stage that stands for the run on the server. */
const stageOf = ({ calls }) => calls[0].params.stages.findLast(({ type = "highway" }) => type === "highway");

/** Why JavaScript lacks the subject of a vector; false if it has it. */
function skipped(vector) {
  const status = stageOf(vector)?.outputs?.highway_status;
  if (!KNOWN.includes(status)) {
    return "Python falls back to the state of its local orchestrator, which JavaScript does not have";
  }
  const result = stageOf(vector).outputs.highway_result;
  if (result?.output === undefined && typeof result === "object") {
    return "Python makes one task of the whole result; JavaScript has the results of all tasks";
  }
  return false;
}

/** A driver whose server has one run, and the definition of one task with its result. */
function driverFor({ outputs, context = {} }) {
  const { highway_status: status, highway_result: result } = outputs;
  const output = { ...result?.output };
  delete output.parsed_result;
  const hasOutput = result?.output !== undefined;
  const run = {
    workflow_run_id: "R",
    status,
    error: context.error ?? null,
    result: hasOutput ? { a_result: output } : (result ?? null),
    workflow_definition: {
      name: "w",
      tasks: hasOutput ? { a: { task_id: "a", result_key: "a_result" } } : {},
    },
  };
  const fetch = async ({ url }) =>
    url.endsWith("/workflows/R")
      ? Response.json({ status: "success", data: run })
      : Response.json({ status: "error", code: "NOT_FOUND", message: "there is nothing" }, { status: 404 });
  return new Driver({ endpoint: "http://highway.test", apiKey: "k", fetch, retry: false });
}

describe("results of the Python driver", () => {
  for (const vector of vectors("result")) {
    test(vector.name, { skip: skipped(vector) }, async () => {
      const { expect } = vector;
      const stage = stageOf(vector);
      const driver = driverFor(stage);
      const status = await driver.status("R");
      assert.deepEqual([status.state, status.isTerminal], [expect.state, expect.is_terminal]);
      if (!expect.is_terminal) return;
      const result = await driver.handle("R").result();
      assert.deepEqual([result.state, result.isSuccess], [expect.state, expect.is_success]);
      // Python reports an error only for a failed run.
      if (expect.state === "failed") assert.match(result.error.message, new RegExp(expect.error ?? ""));
      const output = stage.outputs.highway_result?.output;
      if (output === undefined) assert.deepEqual(result.tasks, {});
      else assert.deepEqual(result.tasks.a.result, expect.tasks.highway_task.result);
    });
  }
});
