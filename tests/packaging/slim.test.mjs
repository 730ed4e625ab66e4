// `highway-wasm/slim` and `init`: every source, every order, every failure. Each program runs in its own process,
// because a module is loaded once.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installed } from "./support/package.mjs";
import { answerOf } from "./support/programs.mjs";

const { dir } = await installed("slim");

// Code of all programs: the bytes, a use of the module, a loopback server with the bytes, and the outcome of a promise
// as data.
const prelude = `
  import { readFileSync } from "node:fs";
  import { createServer } from "node:http";
  import { fileURLToPath } from "node:url";
  import { Driver, init, isHighwayError, isReady } from "highway-wasm/slim";
  const bytes = readFileSync(fileURLToPath(import.meta.resolve("highway-wasm/core.wasm")));
  const use = () => new Driver({ name: "slim" }).shell("hello", "echo").name;
  const facts = (error) => ({ name: error?.name, code: error?.code, message: error?.message, help: error?.help });
  const outcome = async (work) => { try { return { value: (await work()) ?? "ok" }; } catch (error) { return { error: facts(error) }; } };
  const say = (value) => console.log(JSON.stringify(value));
  let requests = 0;
  async function served(work) {
    const server = createServer(({ url }, response) => {
      requests += 1;
      if (url === "/core.wasm") return response.writeHead(200, { "content-type": "application/wasm" }).end(bytes);
      if (url === "/octets") return response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
      if (url === "/page") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
      if (url === "/cut") return response.writeHead(200, { "content-type": "application/wasm" }).end(bytes.subarray(0, 999));
      response.writeHead(404, { "content-type": "text/plain" }).end("nothing here");
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    try { return await work("http://127.0.0.1:" + server.address().port); } finally { server.closeAllConnections(); server.close(); }
  }
`;
const program = (source) => answerOf(dir, prelude + source);

describe("slim: before init", { concurrency: 2 }, () => {
  it("refuses every use and gives advice", async () => {
    const { error, ready } = await program(`say({ ...(await outcome(use)), ready: isReady() });`);
    assert.equal(error.name, "WasmError");
    assert.equal(error.code, "NOT_INITIALIZED");
    assert.match(error.help, /await init\(/);
    assert.equal(ready, false);
  });

  it("refuses init without a source", async () => {
    const { error } = await program(`say(await outcome(() => init()));`);
    assert.equal(error.code, "NOT_INITIALIZED");
  });
});

describe("slim: sources", { concurrency: 2 }, () => {
  const sources = {
    bytes: "init(bytes)",
    "an ArrayBuffer": "init(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))",
    "a compiled module": "init(new WebAssembly.Module(bytes))",
    "a promise of a module": "init(WebAssembly.compile(bytes))",
    "a response": `init(new Response(bytes, { headers: { "content-type": "application/wasm" } }))`,
    "a fetched response": `served((at) => init(fetch(at + "/core.wasm")))`,
    "an address as text": `served((at) => init(at + "/core.wasm"))`,
    "an address as URL": `served((at) => init(new URL("/core.wasm", at)))`,
  };
  for (const [name, call] of Object.entries(sources)) {
    it(`loads ${name}`, async () => {
      const found = await program(
        `say({ ...(await outcome(() => ${call})), ready: isReady(), used: use() });`,
      );
      assert.deepEqual(found, { value: "ok", ready: true, used: "hello" });
    });
  }
});

describe("slim: order", { concurrency: 2 }, () => {
  it("shares one load between concurrent calls, and instantiates once", async () => {
    const found = await program(`
      let instances = 0;
      const { Instance } = WebAssembly;
      WebAssembly.Instance = function (...args) { instances += 1; return new Instance(...args); };
      await served((at) => Promise.all([1, 2, 3].map(() => init(at + "/core.wasm"))));
      say({ instances, requests, used: use() });`);
    assert.deepEqual(found, { instances: 1, requests: 1, used: "hello" });
  });

  it("ignores init once the module is loaded, whatever the source", async () => {
    const found = await program(`
      await init(bytes);
      const again = await outcome(() => init("http://127.0.0.1:9/nothing"));
      say({ again, requests, used: use() });`);
    assert.deepEqual(found, { again: { value: "ok" }, requests: 0, used: "hello" });
  });

  it("can be tried again after a failure", async () => {
    const found = await program(`
      const first = await outcome(() => init(new Uint8Array([1, 2, 3, 4])));
      const between = await outcome(use);
      await init(bytes);
      say({ first, between, used: use() });`);
    assert.equal(found.first.error.code, "WASM_LOAD_FAILED");
    assert.equal(found.between.error.code, "NOT_INITIALIZED");
    assert.equal(found.used, "hello");
  });

  it("loads in the background while the default entry is used", async () => {
    const found = await answerOf(
      dir,
      `import * as core from "highway-wasm";
       import { LocalEngine } from "highway-wasm/engine";
       import { smokeRun, smokeTools } from "./smoke.mjs";
       const engine = new LocalEngine({ tools: smokeTools });
       const loading = core.init();
       // After the load has started, before it has ended.
       for (let turn = 0; turn < 5; turn += 1) await null;
       const run = smokeRun(core, { engine });
       await loading;
       const late = setTimeout(() => process.exit(9), 5000);
       const { state } = await run;
       clearTimeout(late);
       await engine.close();
       console.log(JSON.stringify({ state }));`,
    );
    assert.deepEqual(found, { state: "completed" });
  });

  it("shares its instance with the default entry", async () => {
    const found = await program(`
      const other = await import("highway-wasm");
      say({ same: other.Driver === Driver, before: isReady(), used: use(), after: other.isReady() });`);
    assert.deepEqual(found, { same: true, before: false, used: "hello", after: true });
  });
});

describe("slim: failures", { concurrency: 2 }, () => {
  const plain = /could not be loaded/;
  const foreign = "init(new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0])))";
  const failures = {
    "bytes that are no module": ["init(new Uint8Array([1, 2, 3, 4]))", plain],
    "an empty file": ["init(new Uint8Array())", plain],
    "a page instead of the file": [`served((at) => init(at + "/page"))`, /HTML page/],
    "a missing file": [`served((at) => init(at + "/none"))`, /404/],
    "a file that was cut": [`served((at) => init(at + "/cut"))`, plain],
    "a server that is not there": [`init("http://127.0.0.1:9/core.wasm")`, plain],
    "an address that is none": [`init("core.wasm")`, plain],
    "a fetched response that is missing": [`served((at) => init(fetch(at + "/none")))`, plain],
    "something else entirely": ["init(42)", plain],
    "a fetch that fails": [`init(fetch("http://127.0.0.1:9/core.wasm"))`, plain],
    "a module of someone else": [foreign, plain],
  };
  for (const [name, [call, message]] of Object.entries(failures)) {
    it(`reports ${name}, and can be tried again`, async () => {
      const { first, again } = await program(`
        const first = await outcome(() => ${call});
        say({ first, again: await outcome(async () => { await init(bytes); return use(); }) });`);
      assert.equal(first.error?.code, "WASM_LOAD_FAILED", JSON.stringify(first));
      assert.equal(first.error.name, "WasmError");
      assert.match(first.error.message, message);
      assert.match(first.error.help, /an address must lead to the \.wasm file itself/);
      assert.deepEqual(again, { value: "hello" });
    });
  }
});
