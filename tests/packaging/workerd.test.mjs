// The packed tarball in workerd, the runtime of Cloudflare Workers: bundled as wrangler does, run by miniflare.
import assert from "node:assert/strict";
import { basename } from "node:path";
import { after, describe, it } from "node:test";
import { Miniflare } from "miniflare";
import { bundle, copies, payload, stop } from "./support/bundles.mjs";
import { serveEngine } from "./support/engine-server.mjs";
import { installed } from "./support/package.mjs";
import { expectRun, expectSmoke } from "./support/smoke.mjs";

const { dir, root } = await installed("workerd");
const bundled = await bundle(dir, {
  entry: "worker.mjs",
  conditions: ["workerd", "worker", "browser"],
  loader: { ".wasm": "copy" },
});
after(stop);

/** A bundle in the form for miniflare. The first module is the worker. */
const filesOf = ({ files }) =>
  files
    .map(({ path, contents }) => ({
      type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
      path: basename(path),
      contents,
    }))
    .sort((one, other) => Number(one.type === "CompiledWasm") - Number(other.type === "CompiledWasm"));
const modules = filesOf(bundled);

describe("a worker's bundle", () => {
  it("has the three modules as files, and no bytes in its text", () => {
    assert.deepEqual(bundled.warnings, []);
    const names = modules.map(({ path }) => path.replace(/-[A-Z0-9]{8}\./, ".")).sort();
    assert.deepEqual(names, ["core_bg.wasm", "full_bg.wasm", "worker.js", "workflow_bg.wasm"]);
    assert.equal(copies(bundled.text, payload(root, "core")), 0);
    assert.equal(copies(bundled.text, payload(root, "full")), 0);
    assert.equal(copies(bundled.text, payload(root, "workflow")), 0);
    assert.deepEqual(
      bundled.externals.filter((path) => !path.endsWith(".wasm")),
      [],
    );
  });
});

/** Starts a worker, passes `work` a function that requests JSON from it, and ends the worker. */
async function withWorker(options, work) {
  const worker = new Miniflare({ cf: false, ...options });
  const ask = async (path) => {
    const response = await worker.dispatchFetch(`http://worker${path}`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text);
  };
  try {
    return await work(ask);
  } finally {
    // Disposing of a worker that did not start repeats its error.
    await worker.dispose().catch(() => {});
  }
}

/** The answer of a worker with one module. */
const answerOf = (text) =>
  withWorker(
    { modules: [{ type: "ESModule", path: "worker.js", contents: text }], compatibilityDate: "2026-04-01" },
    (ask) => ask("/"),
  );

// With an old date, there is neither FinalizationRegistry nor `process`.
for (const compatibilityDate of ["2023-03-01", "2026-04-01"]) {
  describe(`a worker with compatibility date ${compatibilityDate}`, () => {
    it("runs the smoke program, several at the same time, and a workflow on a server over HTTP", async () => {
      const server = await serveEngine(root);
      try {
        await withWorker(
          { modules, compatibilityDate, bindings: { ENDPOINT: server.address } },
          async (ask) => {
            expectSmoke(await ask("/smoke"));
            for (const given of await Promise.all([1, 2, 3].map(() => ask("/smoke")))) expectSmoke(given);
            expectRun(await ask("/server"));
          },
        );
      } finally {
        await server.close();
      }
      const [submission, ...more] = server.seen;
      assert.equal(`${submission.method} ${submission.headers.authorization}`, "POST Bearer worker");
      assert.ok(more.length > 0 && more.every(({ method }) => method === "GET"));
    });
  });
}

describe("a worker's top level", () => {
  const modulesOf = (source) =>
    bundle(dir, { source, conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" } });
  for (const [what, source] of [
    ["may define tasks", `driver.tasks.hello`],
    ["may build a definition", `driver.build().tasks.hello`],
  ]) {
    it(what, async () => {
      const made = await modulesOf(`import { Driver } from "highway-wasm";
        const driver = new Driver({ name: "top" });
        driver.shell("hello", "echo");
        const value = ${source};
        export default { fetch: () => Response.json(value) };`);
      const value = await withWorker({ modules: filesOf(made), compatibilityDate: "2026-04-01" }, (ask) =>
        ask("/"),
      );
      assert.equal(value.name ?? value.task_id, "hello");
    });
  }
});

describe("a worker without the workerd condition", () => {
  it("gets advice: workerd compiles no bytes", async () => {
    const { text } = await bundle(dir, {
      source: `import { Driver } from "highway-wasm";
        export default { fetch() {
          try { return Response.json({ name: new Driver().shell("hello", "echo").name }); }
          catch (error) { return Response.json({ code: error.code, help: error.help }); }
        } };`,
      conditions: ["worker", "browser"],
    });
    const { code, help } = await answerOf(text);
    assert.equal(code, "WASM_LOAD_FAILED");
    assert.match(help, /`workerd` condition/);
  });
});
