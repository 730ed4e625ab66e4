// The packed tarball on Node: as an ES module, as a CommonJS module, and as both in one program.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installed } from "./support/package.mjs";
import { answer, answerOf } from "./support/programs.mjs";
import { expectSmoke } from "./support/smoke.mjs";

const { dir } = await installed("node");

describe("node", { concurrency: 2 }, () => {
  it("runs the smoke program as an ES module", async () => {
    expectSmoke(await answer(dir, ["node.mjs"]));
  });

  it("runs the smoke program as a CommonJS module", async () => {
    expectSmoke(await answer(dir, ["node.cjs"]));
  });

  it("lets import and require work in one program", async () => {
    const { results } = await answer(dir, ["node-mixed.mjs"]);
    assert.deepEqual(results[0], results[1]);
    assert.equal(results[0].state, "completed");
  });

  it("runs shell commands with the tools of Node", async () => {
    const { shout, failed } = await answer(dir, ["node-tools.cjs"]);
    assert.equal(shout, "one two!");
    assert.equal(failed.code, "EXIT_CODE_NONZERO");
    assert.equal(failed.returncode, 7);
    assert.equal(failed.stderr, "gone");
  });

  it("loads every entry of the exports map, and nothing else", async () => {
    const found = await answerOf(
      dir,
      `const names = ["", "/slim", "/web", "/engine", "/testing", "/node"].map((name) => "highway-wasm" + name);
       const exported = {};
       for (const name of names) exported[name] = Object.keys(await import(name)).length;
       const inner = await import("highway-wasm/esm/driver/driver.js").catch((error) => error.code);
       const wasm = import.meta.resolve("highway-wasm/core.wasm").split("/highway-wasm/").at(-1);
       console.log(JSON.stringify({ exported, inner, wasm }));`,
    );
    assert.ok(Object.values(found.exported).every((count) => count > 0));
    assert.equal(found.inner, "ERR_PACKAGE_PATH_NOT_EXPORTED");
    assert.equal(found.wasm, "esm/generated/core_bg.wasm");
  });

  it("does nothing at import: no instance, no timer, no global", async () => {
    const found = await answerOf(
      dir,
      `const before = Reflect.ownKeys(globalThis);
       let compiled = 0;
       const Module = WebAssembly.Module;
       WebAssembly.Module = new Proxy(Module, { construct: (target, args) => { compiled += 1; return new target(...args); } });
       const { Driver, isReady } = await import("highway-wasm");
       await import("highway-wasm/engine");
       await import("highway-wasm/node");
       const atImport = { compiled, ready: isReady(), globals: Reflect.ownKeys(globalThis).length - before.length };
       atImport.resources = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|Server/.test(name));
       new Driver().shell("hello", "echo");
       new Driver().shell("hello", "echo");
       console.log(JSON.stringify({ atImport, after: { compiled, ready: isReady() } }));`,
    );
    assert.deepEqual(found.atImport, { compiled: 0, ready: false, globals: 0, resources: [] });
    assert.deepEqual(found.after, { compiled: 1, ready: true });
  });

  it("reads key and endpoint from the environment", async () => {
    const found = await answerOf(
      dir,
      `import { Driver, isHighwayError } from "highway-wasm";
       process.env.HIGHWAY_API_KEY = "hw_k1_secret";
       process.env.HIGHWAY_API_ENDPOINT = "http://127.0.0.1:9";
       const driver = new Driver({ retry: false });
       driver.shell("hello", "echo");
       const error = await driver.run().catch((error) => error);
       console.log(JSON.stringify({ error, hidden: !JSON.stringify(error).includes("secret") }));`,
    );
    assert.equal(found.error.code, "API_UNREACHABLE");
    assert.ok(found.hidden);
  });
});
