// How often a definition is read and written on its way from a driver to the first effect of the embedded engine.
// Counts calls, not time. A text that enters a module is read there at most once, and a text that leaves one was
// written at most once, so both are counted at the boundary, next to the calls of `JSON`.
import assert from "node:assert/strict";
import { test } from "node:test";

// The first character is not ASCII: from there on, the glue uses the runtime's encoder.
const MARK = "ß-travels";
const counts = { parsed: 0, printed: 0 };

/** Counts the calls of a method whose argument or result is a text with the mark. */
function counting(owner, method, textOf, kind) {
  const original = owner[method];
  owner[method] = function (...args) {
    const result = original.apply(this, args);
    if (String(textOf(args, result)).includes(MARK)) counts[kind] += 1;
    return result;
  };
}

const given = ([text]) => text;
const result = (_, text) => text;
counting(JSON, "parse", given, "parsed");
counting(TextEncoder.prototype, "encodeInto", given, "parsed");
counting(JSON, "stringify", result, "printed");
counting(TextDecoder.prototype, "decode", result, "printed");

const { Driver } = await import("highway-wasm");
const { LocalEngine } = await import("highway-wasm/engine");

test("a definition is read five times and written five times until its first task starts", async () => {
  let started;
  const first = new Promise((resolve) => {
    started = resolve;
  });
  const tool = ({ args }) => {
    started({ ...counts, command: args[0] });
    return { stdout: "" };
  };
  const engine = new LocalEngine({ tools: { "tools.shell.run": tool } });
  const driver = new Driver({ engine });
  driver.shell("travel", `echo ${MARK}`);
  const handle = await driver.start();
  const { parsed, printed, command } = await first;
  assert.equal(command, `echo ${MARK}`);
  assert.ok(parsed >= 3 && printed >= 3, "the counters see what crosses");
  assert.ok(parsed <= 5, `read ${parsed} times`);
  assert.ok(printed <= 5, `written ${printed} times`);
  await handle.result();
  await engine.close();
});
