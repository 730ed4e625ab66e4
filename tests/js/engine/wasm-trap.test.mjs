// A module that stopped at an internal error: every call fails at once, none waits for ever, and a store is free again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { folder } from "../support/cli.mjs";
import { runModule } from "../support/child.mjs";

/** Programs in other processes. They call `METHOD` of the engine at an address outside its memory. */
const start = `
  import { createRequire } from "node:module";
  import { dirname, join } from "node:path";
  import { Driver, Highway } from "highway-wasm";
  import { LocalEngine } from "highway-wasm/engine";
  import { fileStore } from "highway-wasm/node";
  import { TestEngine } from "highway-wasm/testing";
  console.error = () => {};
  const dist = dirname(createRequire(import.meta.url).resolve("highway-wasm/package.json"));
  const { EngineHandle } = await import(join(dist, "esm/generated/full.js"));
  const trap = (method) => {
    const original = EngineHandle.prototype[method];
    EngineHandle.prototype[method] = function (...given) {
      const astray = Object.create(EngineHandle.prototype);
      astray.__wbg_ptr = 0xffff0000;
      return original.apply(astray, given);
    };
  };
  const codeOf = async (work) => {
    try {
      await work();
      return "no error";
    } catch (error) {
      return error.code ?? String(error);
    }
  };
`;

for (const method of ["toolsFinished", "request", "tick", "takeEffects", "takeRecords", "nextWake"]) {
  test(`after a trap in \`${method}\`, every call fails with it`, async (t) => {
    const { stdout, stderr } = await runModule(`${start}
      const folder = ${JSON.stringify(folder(t))};
      const store = fileStore(folder);
      let finish;
      const tool = () => new Promise((resolve) => { finish = resolve; });
      const engine = new LocalEngine({ tools: { tool }, store });
      const driver = new Driver({ engine });
      driver.tool("a", "tool", {}, { timeout: 1 });
      const pending = codeOf(() => driver.run());
      while (!finish) await new Promise((resolve) => setTimeout(resolve, 2));
      trap(${JSON.stringify(method)});
      // The time limit of the task calls \`tick\`.
      if (${JSON.stringify(method)} !== "tick") finish(1);
      const codes = {
        pending: await pending,
        later: await codeOf(() => driver.status("r")),
        failure: engine.failure?.code,
        ready: await codeOf(() => engine.ready()),
        run: await codeOf(() => driver.run()),
        list: await codeOf(() => new Highway({ engine }).workflows.list().toArray()),
        other: await codeOf(() => new LocalEngine()),
        testing: await codeOf(() => new TestEngine()),
        close: await codeOf(() => engine.close()),
      };
      const next = fileStore(folder);
      codes.store = await codeOf(async () => { for await (const entry of next.load()); });
      console.log(JSON.stringify(codes));
    `);
    assert.equal(stderr, "");
    const { close, store, ...codes } = JSON.parse(stdout);
    for (const [what, code] of Object.entries(codes)) assert.equal(code, "WASM_PANIC", `${what}: ${code}`);
    assert.deepEqual([close, store], ["no error", "no error"]);
  });
}

test("a trap in a promise ends all pending calls, and fails all later ones", async () => {
  const { stdout, stderr } = await runModule(`${start}
    const glue = await import(join(dist, "esm/generated/core.js"));
    const answers = [];
    const fetch = () => new Promise((resolve) => answers.push(resolve));
    const driver = new Driver({ endpoint: "http://127.0.0.1:9", apiKey: "key", fetch });
    driver.shell("a", "true");
    const pending = ["one", "two"].map((id) => codeOf(() => driver.status(id)));
    while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    // With its memory overwritten, the module cannot continue.
    new Uint8Array(glue.initSync({ module: new Uint8Array() }).memory.buffer).fill(0xff);
    answers[0](new Response("{}"));
    const codes = await Promise.all(pending);
    for (const work of [() => driver.status("three"), () => driver.build(), () => driver.run()]) codes.push(await codeOf(work));
    console.log(JSON.stringify(codes));
  `);
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), Array(5).fill("WASM_PANIC"));
});
