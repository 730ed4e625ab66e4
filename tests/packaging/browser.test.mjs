// The packed tarball in Chromium, in pages without a bundler.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { installed } from "./support/package.mjs";
import { launch, page, serveFolder, visit } from "./support/pages.mjs";
import { expectCore, expectSmoke, expectWorkflow } from "./support/smoke.mjs";

const { dir, root } = await installed("browser");
const wasm = readFileSync(join(root, "esm/generated/core_bg.wasm"));

const esm = "/node_modules/highway-wasm/esm";
const imports = {
  "highway-wasm": `${esm}/entries/inline.js`,
  "highway-wasm/engine": `${esm}/entries/engine-inline.js`,
  "highway-wasm/testing": `${esm}/entries/testing-inline.js`,
  "highway-wasm/web": `${esm}/entries/web.js`,
};

// An error as data, in the page.
const facts = `const facts = (error) => ({ name: error.name, code: error.code, message: error.message, help: error.help });`;
const inline = `import * as core from "highway-wasm"; import { smokeCore } from "/smoke.mjs"; ${facts}`;
const web = `import * as core from "highway-wasm/web"; import { smokeCore } from "/smoke.mjs"; ${facts}`;
const tryInline = `try { globalThis.answer = { value: smokeCore(core) }; } catch (error) { globalThis.answer = { error: facts(error) }; }`;
const tryInit = (...source) =>
  `globalThis.answer = core.init(${source.map((text) => JSON.stringify(text)).join()}).then(() => ({ value: smokeCore(core) }), (error) => ({ error: facts(error) }));`;

const policy = (text) => ({ "content-security-policy": text });
const strict = policy("default-src 'self'; script-src 'self' 'unsafe-inline'; img-src data:");
const allowed = policy(
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src data:",
);

const pages = {
  "/import-map": page(
    `import * as core from "highway-wasm"; import * as engine from "highway-wasm/engine"; import { smoke } from "/smoke.mjs";
     globalThis.answer = smoke(core, engine);`,
    { imports },
  ),
  "/addresses": page(
    `import * as core from "${imports["highway-wasm"]}"; import * as engine from "${imports["highway-wasm/engine"]}"; import { smoke } from "/smoke.mjs";
     globalThis.answer = smoke(core, engine);`,
  ),
  "/worker": page(
    `const worker = new Worker("/worker-module.mjs", { type: "module" });
     globalThis.answer = new Promise((resolve, reject) => {
       worker.onmessage = ({ data }) => resolve(data);
       worker.onerror = (event) => reject(new Error(event.message));
     });`,
  ),
  "/worker-module.mjs": {
    type: "text/javascript",
    body: `import * as core from "${imports["highway-wasm"]}"; import * as engine from "${imports["highway-wasm/engine"]}"; import { smoke } from "/smoke.mjs";
      smoke(core, engine).then(postMessage, (error) => { throw error; });`,
  },
  "/simulate": page(
    `import { Driver } from "highway-wasm"; import { simulate } from "highway-wasm/engine"; import { TestEngine } from "highway-wasm/testing";
     const define = (driver) => {
       driver.tool("charge", "pay.charge", {}, { retries: 1, retryDelay: 60 });
       driver.shell("ship", "ship", { depends: "charge", delay: "P3D" });
       return driver;
     };
     const charge = [new Error("busy"), { result: { id: 7 }, delay: 2 }];
     const work = async () => {
       const { status, durationSeconds, criticalPath } = await simulate(define(new Driver()), { tools: { charge }, timeout: "P7D" });
       const engine = new TestEngine({ tools: { charge } });
       const { state } = await define(new Driver({ engine })).run({ timeout: "P7D" });
       engine.expectCalled("charge", { times: 2 });
       engine.close();
       return { status, durationSeconds, path: criticalPath.map(({ kind }) => kind), state };
     };
     globalThis.answer = work();`,
    { imports },
  ),
  "/web": page(`${web} ${tryInit()}`, { imports }),
  "/web-workflow": page(
    `import * as core from "highway-wasm/web"; import { smokeWorkflow } from "/smoke.mjs"; ${facts}
     let early;
     try { core.Workflow.check({}); } catch (error) { early = facts(error); }
     globalThis.answer = core.initWorkflow().then(() => ({ early, value: smokeWorkflow(core) }));`,
    { imports },
  ),
  "/web-early": page(`${web} ${tryInline}`, { imports }),
  "/web-octets": page(`${web} ${tryInit("/octets.wasm")}`, { imports }),
  "/web-html": page(`${web} ${tryInit("/nothing-here.html")}`, { imports }),
  "/web-index": page(`${web} ${tryInit("/index")}`, { imports }),
  "/web-cut": page(`${web} ${tryInit("/cut.wasm")}`, { imports }),
  "/web-foreign": page(`${web} ${tryInit("http://127.0.0.1:9/core.wasm")}`, { imports }),
  "/web-again": page(
    `${web}
     globalThis.answer = core.init("/nothing-here.html").then(() => "loaded", (error) => error.code)
       .then(async (first) => { await Promise.all([core.init(), core.init()]); return { first, value: smokeCore(core) }; });`,
    { imports },
  ),
  "/index": { body: "<!doctype html><title>a router that answers everything</title>" },
  "/octets.wasm": { type: "application/octet-stream", body: wasm },
  "/cut.wasm": { type: "application/wasm", body: wasm.subarray(0, 5000) },
  "/csp-inline": page(`${inline} ${tryInline}`, { imports, headers: strict }),
  "/csp-web": page(`${web} ${tryInit()}`, { imports, headers: strict }),
  "/csp-engine": page(
    `import { LocalEngine } from "highway-wasm/engine"; ${facts}
     try { new LocalEngine(); globalThis.answer = {}; } catch (error) { globalThis.answer = { error: facts(error) }; }`,
    { imports, headers: strict },
  ),
  "/csp-allowed": page(`${inline} ${tryInline}`, { imports, headers: allowed }),
  "/csp-allowed-web": page(`${web} ${tryInit()}`, { imports, headers: allowed }),
  "/key": page(
    `import { Driver } from "highway-wasm"; ${facts}
     try { new Driver({ apiKey: "hw_k1_secret" }); globalThis.answer = {}; } catch (error) { globalThis.answer = { error: facts(error) }; }`,
    { imports },
  ),
};

let browser;
let server;
before(async () => {
  server = await serveFolder(dir, pages);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Visits a page. It must throw nothing and request nothing from other servers; its console messages are checked. */
async function answerOf(path, { mayWrite = /^$/ } = {}) {
  const { answer, failures, messages, requests } = await visit(browser, server.address + path);
  assert.deepEqual(failures, []);
  const unexpected = messages.filter((message) => !mayWrite.test(message));
  assert.deepEqual(unexpected, []);
  const elsewhere = requests.filter((url) => !url.startsWith(server.address) && !url.startsWith("data:"));
  return { ...answer, requests, elsewhere };
}

function expectLoadFailed({ value, error }, message) {
  assert.equal(value, undefined);
  assert.equal(`${error.name} ${error.code}`, "WasmError WASM_LOAD_FAILED");
  assert.match(error.message, message);
  assert.match(error.help, /an address must lead to the \.wasm file itself/);
}

describe("a page with the default entry", { concurrency: 2 }, () => {
  for (const [path, how] of [
    ["/import-map", "over an import map"],
    ["/addresses", "by the addresses of the files"],
    ["/worker", "in a web worker"],
  ]) {
    it(`runs the smoke program, including a refused shell task, ${how}`, async () => {
      const { requests, elsewhere, ...answer } = await answerOf(path);
      expectSmoke(answer);
      assert.deepEqual(elsewhere, []);
      assert.deepEqual(
        requests.filter((url) => url.endsWith(".wasm")),
        [],
      );
    });
  }

  it("simulates days, and tests them", async () => {
    const { requests, elsewhere, ...answer } = await answerOf("/simulate");
    assert.deepEqual(answer, {
      status: "completed",
      durationSeconds: 62 + 3 * 86_400,
      path: ["attempt", "retry", "attempt", "sleep", "attempt"],
      state: "completed",
    });
    assert.deepEqual(elsewhere, []);
  });

  it("refuses a long-lived key", async () => {
    const { error } = await answerOf("/key");
    assert.equal(error.code, "API_KEY_EXPOSED");
    assert.ok(!JSON.stringify(error).includes("secret"));
  });
});

describe("a page with highway-wasm/web", { concurrency: 2 }, () => {
  it("loads the separate file once", async () => {
    const { value, requests, elsewhere } = await answerOf("/web");
    expectCore(value);
    assert.deepEqual(elsewhere, []);
    const files = requests.filter((url) => /wasm$|_bytes/.test(url));
    assert.deepEqual(files, [`${server.address}${esm}/generated/core_bg.wasm`]);
  });

  it("refuses to work before init", async () => {
    const { error } = await answerOf("/web-early");
    assert.equal(error.code, "NOT_INITIALIZED");
    assert.match(error.help, /await init\(\)/);
  });

  it("loads the workflow module on request, and says how", async () => {
    const { early, value, requests } = await answerOf("/web-workflow");
    assert.equal(early.code, "NOT_INITIALIZED");
    assert.match(early.help, /await initWorkflow\(\)/);
    expectWorkflow(value);
    const files = requests.filter((url) => url.endsWith(".wasm"));
    assert.deepEqual(files, [`${server.address}${esm}/generated/workflow_bg.wasm`]);
  });

  it("loads a file with the media type application/octet-stream", async () => {
    // The glue prints a warning and works all the same.
    const { value } = await answerOf("/web-octets", { mayWrite: /^warning: .*MIME type/ });
    expectCore(value);
  });

  it("reports a wrong address", async () => {
    const notFound = { mayWrite: /^error: Failed to load resource/ };
    expectLoadFailed(await answerOf("/web-html", notFound), /nothing-here\.html answered 404/);
    expectLoadFailed(await answerOf("/web-index"), /HTML page/);
    expectLoadFailed(await answerOf("/web-cut"), /could not be loaded/);
    expectLoadFailed(await answerOf("/web-foreign", { mayWrite: /ERR_|CORS/ }), /Failed to fetch/);
  });

  it("can be tried again", async () => {
    const { first, value } = await answerOf("/web-again", { mayWrite: /^error: Failed to load resource/ });
    assert.equal(first, "WASM_LOAD_FAILED");
    expectCore(value);
  });
});

describe("a page with a Content-Security-Policy", { concurrency: 2 }, () => {
  for (const path of ["/csp-inline", "/csp-web", "/csp-engine"]) {
    it(`reports a missing 'wasm-unsafe-eval': ${path}`, async () => {
      const found = await answerOf(path, { mayWrite: /Content Security Policy/ });
      expectLoadFailed(found, /Content Security Policy/);
      assert.match(found.error.help, /'wasm-unsafe-eval'/);
    });
  }

  for (const path of ["/csp-allowed", "/csp-allowed-web"]) {
    it(`needs only 'wasm-unsafe-eval': ${path}`, async () => {
      expectCore((await answerOf(path)).value);
    });
  }
});
