// Replays the golden vectors of the Python driver 0.9.1 with the npm package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, isHighwayError } from "highway-wasm";
import { camelCase, vectors } from "../support/vectors.mjs";

/**
 * Python's plain ValueError stands for an option out of range. In this package it is a definition error with a code.
 */
const CLASSES = {
  TaskDefinitionError: "TaskDefinitionError",
  ValueError: "TaskDefinitionError",
  ConfigurationError: "ConfigurationError",
};

const seconds = (value) => value?.$timedelta ?? value;

/** The options as JavaScript passes them. Python's switch and the result of its function become one value. */
function taskOptions({ method, params, returns = null, python }) {
  const options = {};
  if (method === "foreach" || method === "while_loop") options.py = python.normalized;
  for (const [key, value] of Object.entries(params)) {
    if (key === "shell" || key === "http") options[key] = returns;
    else if (key === "py") options.py = python?.normalized ?? "";
    else if (key === "durable" && method === "task" && value && python) options.durable = python.normalized;
    else options[camelCase(key)] = seconds(value);
    if (key === "tool") options.kwargs = returns;
    if (key.startsWith("workflow") && returns?.inputs !== undefined) options.inputs = returns.inputs;
  }
  return options;
}

/** What the calls of a vector do with a driver. */
const actions = {
  ...Object.fromEntries(
    ["task", "foreach", "while_loop", "emit", "wait_for"].map((method) => [
      method,
      ({ driver }, call) => void driver[camelCase(method)](call.name, taskOptions(call)),
    ]),
  ),
  clear: ({ driver }) => driver.clear(),
  schedules: ({ driver, seen }) => {
    seen.schedules = Object.fromEntries(
      Object.values(driver.tasks).map(({ name, schedule }) => [name, schedule]),
    );
  },
  build: ({ driver, seen }, { params }) => {
    seen.built = driver.build({ inputs: params.inputs ?? undefined, timeout: params.workflow_timeout });
  },
  run: ({ driver }) => driver.run(),
  status: ({ driver }, { params }) => driver.status(params.run_id),
  cancel: ({ driver }, { params }) => driver.cancel(params.run_id),
  logs: ({ driver }, { params }) => driver.logs(params.run_id),
};
const ASYNC = ["run", "status", "cancel", "logs"];

async function replay({ calls, expect, error, schedules, volatile = [] }) {
  const replayed = { driver: undefined, seen: {} };
  for (const [at, call] of calls.entries()) {
    let thrown;
    let result;
    try {
      if (call.method === "new") replayed.driver = new Driver({ name: call.params.name });
      else result = actions[call.method](replayed, call);
    } catch (raised) {
      thrown = { raised, isSync: true };
    }
    if (result instanceof Promise) {
      await result.catch((raised) => {
        thrown = { raised, isSync: false };
      });
    }
    if (thrown) return checkError(thrown, { call, at, error });
  }
  assert.equal(error, undefined, "no error was raised");
  const { built } = replayed.seen;
  for (const path of volatile) {
    assert.deepEqual([path], ["name"], "only the name is random");
    assert.match(built.name, /^driver_workflow_[0-9a-f]{8}$/);
    built.name = expect.name;
  }
  assert.deepEqual(built, expect);
  // The order of keys counts too, at every depth.
  assert.equal(JSON.stringify(built), JSON.stringify(expect));
  assert.deepEqual(replayed.seen.schedules, schedules);
}

function checkError({ raised, isSync }, { call, at, error }) {
  assert.notEqual(error, undefined, `unexpected ${raised?.stack}`);
  assert.equal(at, error.at, `raised at another call: ${raised?.message}`);
  assert.ok(isHighwayError(raised), raised?.stack);
  assert.equal(raised.name, CLASSES[error.type]);
  assert.equal(isSync, !ASYNC.includes(call.method), "calls that return a promise reject, others throw");
  // Our message quotes every name that Python's message quotes.
  const quoted = error.message.split("'").filter((_, index) => index % 2 === 1);
  for (const name of quoted.filter((text) => text !== "" && !/[:.]/.test(text))) {
    assert.ok(raised.message.includes(name), `\`${name}\` is missing in: ${raised.message}`);
  }
}

test("driver vectors", async (t) => {
  delete process.env.HIGHWAY_API_KEY;
  const all = vectors("driver");
  assert.ok(all.length >= 70, `only ${all.length} vectors were found`);
  for (const vector of all) await t.test(vector.name, () => replay(vector));
  t.diagnostic(`driver vectors: ${all.length} replayed`);
});
