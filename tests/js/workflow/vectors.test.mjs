// Replays the golden vectors of highway_dsl 2.2.0 with the npm package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHighwayError, Workflow } from "highway-wasm";
import "highway-wasm/engine";
import { replay, vectors } from "../support/vectors.mjs";

/**
 * A value with its large integers as the numbers that `JSON.parse` makes of them. The checksum contains their digits.
 */
const rounded = (value) =>
  JSON.parse(JSON.stringify(value, (_, item) => (typeof item === "bigint" ? Number(item) : item)));

/** Intended differences from upstream: a callback that returns nothing is accepted. */
const ACCEPTED = ["339-dsl-err-condition-callback-returns-none"];

function check({ name, calls, expect, error, yaml, reload_json_error: notReadable }) {
  let at;
  let workflow;
  try {
    workflow = replay(calls, (call) => {
      at = call;
    });
  } catch (raised) {
    assert.notEqual(error, undefined, `unexpected ${raised?.stack}`);
    assert.equal(at, error.at, raised.message);
    assert.ok(isHighwayError(raised), raised?.stack);
    assert.equal(raised.name, "ValidationError");
    return;
  }
  if (error) return assert.ok(ACCEPTED.includes(name), "no error was raised");
  if (!workflow) return;
  // JSON.stringify writes -0 as 0.
  expect = JSON.parse(JSON.stringify(expect));
  const own = rounded(workflow.toJSON());
  assert.deepEqual(own, expect);
  // The order of keys counts too, at every depth.
  assert.equal(JSON.stringify(own), JSON.stringify(expect));
  assert.deepEqual(JSON.parse(workflow.toJSONString()), expect);
  const read = () => Workflow.fromJSON(workflow.toJSONString());
  if (notReadable) assert.throws(read, { name: "ValidationError" });
  else assert.equal(JSON.stringify(rounded(read().toJSON())), JSON.stringify(expect));
  // JavaScript does not distinguish 1 from 1.0; the native tests compare the text.
  const byValue = (text) =>
    text
      .replaceAll(/(: -?\d+)\.0$/gm, "$1")
      .replace(": 1.0e+20", ": 100000000000000000000")
      .replace(": 1.0e+22", ": 10000000000000000000000")
      .replace(": -0", ": 0");
  if (yaml) assert.equal(byValue(workflow.toYAML()), byValue(yaml));
}

test("dsl vectors", async (t) => {
  const all = vectors("dsl");
  assert.ok(all.length >= 110, `only ${all.length} vectors were found`);
  for (const vector of all) await t.test(vector.name, () => check(vector));
  t.diagnostic(`dsl vectors: ${all.length} replayed`);
});
