// `import` and `require` of the package in one program: two copies, which know each other's errors and engines.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as esm from "highway-wasm";
import * as esmEngine from "highway-wasm/engine";
import { smokeRun, smokeTools } from "./smoke.mjs";

const require = createRequire(import.meta.url);
const cjs = require("highway-wasm");
const cjsEngine = require("highway-wasm/engine");

function errorOf({ Driver }) {
  try {
    new Driver().task("typeless", {});
  } catch (error) {
    return error;
  }
  return undefined;
}

assert.notEqual(esm.Driver, cjs.Driver);
assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
assert.deepEqual(Object.keys(cjsEngine).sort(), Object.keys(esmEngine).sort());
for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const error = errorOf(other);
  assert.ok(!(error instanceof one.HighwayError));
  assert.ok(one.isHighwayError(error, "TASK_TYPE_MISSING"));
  assert.ok(!one.isHighwayError(error, "NO_TASKS"));
}

const results = [];
for (const [core, { LocalEngine }] of [
  [esm, cjsEngine],
  [cjs, esmEngine],
]) {
  const engine = new LocalEngine({ tools: smokeTools });
  results.push(await smokeRun(core, { engine }));
  await engine.close();
}
// A reference to a task of one copy, in a task of the other.
const driver = new esm.Driver({ name: "mixed" });
driver.tool("second", "smoke.add", { values: [cjs.ref("first").result.sum] });
assert.deepEqual(driver.build().tasks.second.kwargs, { values: ["{{first_result.sum}}"] });

console.log(JSON.stringify({ results }));
