// The proxy of the packed tarball as a worker: its bundle, and its behaviour in workerd, the runtime of Cloudflare
// Workers.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { Miniflare } from "miniflare";
import { bundle, copies, payload, stop } from "./support/bundles.mjs";
import { installed } from "./support/package.mjs";
import { allow, KEY, serveEngine } from "./support/proxy.mjs";

const { dir, root } = await installed("proxy-workerd");

let engine;
before(async () => {
  engine = await serveEngine(root);
});
after(async () => {
  await engine?.close();
  await stop();
});

/** Waits until a condition is true, for at most `limit` milliseconds. */
async function until(condition, limit = 60_000) {
  const end = performance.now() + limit;
  while (performance.now() < end && !condition()) await sleep(20);
  return condition();
}

describe("a bundle of the proxy", () => {
  for (const [what, conditions] of [
    ["workers", ["workerd", "worker", "browser"]],
    ["the edge", ["edge-light"]],
    ["browsers", ["browser"]],
  ]) {
    it(`for ${what} has no module, imports nothing, and is small`, async (t) => {
      const source = `export * from "highway-wasm/proxy";`;
      const made = await bundle(dir, { source, conditions, minify: true });
      assert.deepEqual([made.warnings, made.externals, made.files.length], [[], [], 1]);
      for (const variant of ["core", "full", "workflow"])
        assert.equal(copies(made.text, payload(root, variant)), 0);
      assert.doesNotMatch(made.text, /WebAssembly|\.wasm\b|node:/);
      const size = gzipSync(made.text, { level: 9 }).length;
      t.diagnostic(`the proxy for ${what}: ${size} bytes gzip, ${made.text.length} bytes`);
      // A fifth of it finds spellings of keys. A scanner is larger than a regular expression, but takes no longer for
      // hostile texts.
      assert.ok(size < 17_000, `${size} bytes`);
    });
  }
});

// With an old date, there is neither `process` nor the newer parts of the fetch API.
for (const compatibilityDate of ["2023-03-01", "2026-04-01"]) {
  describe(`a worker that is a proxy, with compatibility date ${compatibilityDate}`, () => {
    let worker;
    const ask = async (path, init) => {
      const response = await worker.dispatchFetch(`http://app.example/highway/api/v1/${path}`, init);
      const text = await response.text();
      assert.ok(!text.includes("s3cr3t") && !JSON.stringify([...response.headers]).includes("s3cr3t"), text);
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: text === "" ? {} : JSON.parse(text),
      };
    };
    before(async () => {
      const { text } = await bundle(dir, {
        source: `import { createProxy } from "highway-wasm/proxy";
          const proxy = createProxy({
            apiKey: (env) => env.KEY,
            endpoint: ${JSON.stringify(engine.address)},
            allow: ${JSON.stringify(allow)},
            origins: ["https://friend.example"],
            maxBodySize: 1000,
          });
          export default { fetch: proxy };`,
        conditions: ["workerd", "worker", "browser"],
      });
      worker = new Miniflare({
        cf: false,
        modules: [{ type: "ESModule", path: "worker.js", contents: text }],
        compatibilityDate,
        bindings: { KEY },
      });
      await worker.ready;
    });
    after(() => worker?.dispose());

    it("runs a workflow, and shows its outcome", async () => {
      const body = JSON.stringify({ workflow_definition: { name: "greeting" }, inputs: { to: "Ada" } });
      const made = await ask("workflows", { method: "POST", body });
      assert.equal(made.status, 201, made.text);
      const id = made.json.data.workflow_run_id;
      let run;
      for (let turn = 0; turn < 100 && run?.json.data.status !== "completed"; turn++)
        run = await ask(`workflows/${id}`);
      assert.deepEqual(
        [run.status, run.json.data.status, run.json.data.workflow_definition],
        [200, "completed", undefined],
      );
      const { json } = await ask(`workflows/${id}/steps`);
      assert.equal(json.data.steps[0].result, "sent to Ada");
      const list = await ask("workflows?page_size=5");
      assert.equal(list.json.data.workflows[0].workflow_run_id, id);
    });

    it("refuses everything that is not allowed", async () => {
      const large = JSON.stringify({
        workflow_definition: { name: "greeting" },
        inputs: { to: "x".repeat(1000) },
      });
      for (const [path, init, status, code] of [
        ["artifacts", {}, 404, "NOT_FOUND"],
        ["workflows/x/cancel", { method: "POST" }, 403, "VERB_NOT_ALLOWED"],
        [
          "workflows",
          { method: "POST", body: '{"workflow_definition":{"name":"x"}}' },
          403,
          "WORKFLOW_NOT_ALLOWED",
        ],
        ["workflows", { method: "POST", body: large }, 413, "BODY_TOO_LARGE"],
        ["workflows", { headers: { origin: "https://evil.example" } }, 403, "ORIGIN_NOT_ALLOWED"],
      ]) {
        const answer = await ask(path, init);
        assert.equal(`${answer.status} ${answer.json.code}`, `${status} ${code}`, path);
      }
    });

    it("answers another origin's preflight", async () => {
      const { status, headers } = await ask("workflows", {
        method: "OPTIONS",
        headers: { origin: "https://friend.example" },
      });
      assert.deepEqual([status, headers.get("access-control-allow-origin")], [204, "https://friend.example"]);
    });

    it("passes a stream on as it arrives, and ends it when nobody reads", async (t) => {
      engine.server.hasStreams = true;
      t.after(() => {
        engine.server.hasStreams = false;
      });
      const body = JSON.stringify({ workflow_definition: { name: "waiting" } });
      const id = (await ask("workflows", { method: "POST", body })).json.data.workflow_run_id;
      const controller = new AbortController();
      const response = await worker.dispatchFetch(`http://app.example/api/v1/workflows/${id}/stream`, {
        signal: controller.signal,
      });
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      const reader = response.body.getReader();
      const next = async () => Buffer.from((await reader.read()).value).toString();
      assert.equal(await next(), ": hello\n\n");
      const [stream] = engine.streams;
      stream.enqueue(new TextEncoder().encode("data: 1\n\n"));
      assert.equal(await next(), "data: 1\n\n");
      controller.abort();
      await reader.cancel().catch(() => {});
      // workerd notices that a client has gone when it writes to it.
      const isCut = await until(() => {
        for (const open of engine.streams) open.enqueue(new TextEncoder().encode(": ping\n\n"));
        return engine.streams.size === 0;
      });
      engine.release();
      assert.ok(isCut, "the stream is still open");
    });
  });
}
