// Loading of the module, each case in another process, because a module is loaded once.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runModule } from "../support/child.mjs";

/** The output of a program, which begins with the bytes of the core in a variable. */
async function printed(source) {
  const { stdout, stderr, code } = await runModule(`
    import { readFileSync } from "node:fs";
    import { createRequire } from "node:module";
    const bytes = readFileSync(createRequire(import.meta.url).resolve("highway-wasm/core.wasm"));
    const attempt = async (work) => {
      try { return await work(); } catch (error) { return error.name + " " + error.code; }
    };
    ${source}`);
  assert.equal(code, 0, stderr);
  return stdout.trim().split("\n");
}

describe("loading", { concurrency: 2 }, () => {
  test("slim needs a module, says so, and takes bytes", async () => {
    const lines = await printed(`
      const { Driver, init, isReady } = await import("highway-wasm/slim");
      console.log(isReady(), await attempt(() => new Driver()), await attempt(() => init()));
      console.log(await attempt(() => init(new Uint8Array([1, 2, 3]))), isReady());
      await Promise.all([init(bytes), init(bytes)]);
      await init("http://127.0.0.1:1/ignored-once-loaded.wasm");
      const driver = new Driver();
      driver.shell("a", "true");
      console.log(isReady(), driver.build().name);`);
    assert.deepEqual(lines, [
      "false WasmError NOT_INITIALIZED WasmError NOT_INITIALIZED",
      "WasmError WASM_LOAD_FAILED false",
      "true workflow_a",
    ]);
  });

  test("slim takes a compiled module, a promise, a response", async () => {
    for (const source of [
      "new WebAssembly.Module(bytes)",
      "Promise.resolve(bytes)",
      "new Response(bytes, { headers: { 'content-type': 'application/wasm' } })",
      "bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)",
    ]) {
      const lines = await printed(`
        const { Driver, init } = await import("highway-wasm/slim");
        await init(${source});
        console.log(new Driver().build().version);`);
      assert.deepEqual(lines, ["1.0.0"], source);
    }
  });

  test("an address that leads nowhere, or to an HTML page", async () => {
    const lines = await printed(`
      import { createServer } from "node:http";
      const { init } = await import("highway-wasm/slim");
      const server = createServer((request, response) => {
        response.writeHead(request.url === "/page" ? 200 : 404, { "content-type": "text/html" }).end("<html>");
      });
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = "http://127.0.0.1:" + server.address().port;
      console.log(await attempt(() => init(url + "/none")));
      console.log(await attempt(() => init(new URL(url + "/page"))));
      console.log(await attempt(() => init("http://127.0.0.1:1/")));
      server.close();`);
    assert.deepEqual(lines, Array(3).fill("WasmError WASM_LOAD_FAILED"));
  });

  test("the default entry loads at first use; init does it earlier", async () => {
    const lines = await printed(`
      const { init, isReady, Driver } = await import("highway-wasm");
      console.log(isReady());
      await init();
      console.log(isReady(), new Driver().build().version);`);
    assert.deepEqual(lines, ["false", "true 1.0.0"]);
  });

  test("a runtime without WebAssembly", async () => {
    const lines = await printed(`
      delete globalThis.WebAssembly;
      const { Driver } = await import("highway-wasm");
      console.log(await attempt(() => new Driver()));`);
    assert.deepEqual(lines, ["WasmError WASM_LOAD_FAILED"]);
  });

  test("an engine of the CommonJS copy serves a driver of the ESM copy", async () => {
    const lines = await printed(`
      const { Driver } = await import("highway-wasm");
      const { LocalEngine } = createRequire(import.meta.url)("highway-wasm/engine");
      const engine = new LocalEngine({ tools: { tool: () => 7 } });
      const driver = new Driver({ engine });
      driver.tool("a", "tool");
      console.log((await driver.run()).tasks.a.result);
      await engine.close();
      console.log(await attempt(() => driver.run()));`);
    assert.deepEqual(lines, ["7", "ExecutionError ENGINE_CLOSED"]);
  });
});
