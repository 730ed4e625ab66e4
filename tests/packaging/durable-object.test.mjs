// Durable Objects with an engine, in workerd: the store on both kinds of storage, and the example of docs/engine.md,
// which continues after the object is stopped.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Miniflare, Response } from "miniflare";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { contract } from "../js/support/store-contract.mjs";
import { bundle, stop } from "./support/bundles.mjs";
import { installed, temporaryFolder } from "./support/package.mjs";

const { dir } = await installed("durable-object");
after(stop);

/** The worker of docs/engine.md, with the delay of its second task as a variable. */
const shown = /```js\n(import \{ DurableObject \}[\s\S]*?)\n```/.exec(
  readFileSync(inRoot("docs", "engine.md"), "utf8"),
)[1];
const example = shown.replace('delay: "P3D"', "delay: env.DELAY");
assert.notEqual(example, shown);
// The example would be poor if a run ended before its second letter is due.
const daysOf = (pattern) => Number(pattern.exec(shown)[1]);
assert.ok(daysOf(/timeout: "P(\d+)D"/) > daysOf(/delay: "P(\d+)D"/));

/** The same object, which also counts how often it was created, and can be stopped as the runtime stops it. */
const watched = `
import worker, { Workflows as Example } from "./example.mjs";
import { DurableObject } from "cloudflare:workers";
import { durableObjectStore, LocalEngine } from "highway-wasm/engine";
import { checkRule } from ${JSON.stringify(inRoot("tests", "js", "support", "store-contract.mjs"))};
export class Workflows extends Example {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.get("made").then((made = 0) => ctx.storage.put("made", made + 1));
  }
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/stop") this.ctx.abort("stopped");
    if (pathname === "/clear") return new Response(String(await this.ctx.storage.deleteAll()));
    if (pathname === "/second") {
      const second = new LocalEngine({ store: durableObjectStore(this.ctx.storage) });
      return new Response(await second.ready().then(() => "ready", ({ code }) => code));
    }
    if (pathname === "/made") return Response.json(await this.ctx.storage.get("made"));
    return super.fetch(request);
  }
}
export class Contract extends DurableObject {
  async fetch(request) {
    const rule = await request.text();
    await this.ctx.storage.deleteAll();
    try {
      await checkRule(rule, () => durableObjectStore(this.ctx.storage));
      return new Response("kept");
    } catch (error) {
      return new Response(error.stack);
    }
  }
}
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const object = (of) => of.get(of.idFromName("main"));
    if (pathname === "/start") return worker.fetch(request, env);
    if (pathname === "/contract") return object(env.CONTRACT).fetch(request);
    return object(env.WORKFLOWS).fetch(request);
  },
};`;

const bundled = await bundle(dir, {
  source: watched,
  conditions: ["workerd", "worker", "browser"],
  loader: { ".wasm": "copy" },
  external: ["cloudflare:*"],
  plugins: [
    {
      name: "the example",
      setup(build) {
        build.onResolve({ filter: /^\.\/example\.mjs$/ }, () => ({ path: "example", namespace: "docs" }));
        build.onLoad({ filter: /./, namespace: "docs" }, () => ({ contents: example, resolveDir: dir }));
      },
    },
  ],
});
const modules = bundled.files
  .map(({ path, contents }) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path: basename(path),
    contents,
  }))
  .sort((one, other) => Number(one.type === "CompiledWasm") - Number(other.type === "CompiledWasm"));

/** A worker that stores in a folder. `mail` answers the requests to the mail service. */
async function start(t, { folder = temporaryFolder("objects"), useSQLite, delay = 0.3, mail = () => {} }) {
  const worker = new Miniflare({
    cf: false,
    modules,
    compatibilityDate: "2026-04-01",
    bindings: { DELAY: delay },
    durableObjects: {
      WORKFLOWS: { className: "Workflows", useSQLite },
      CONTRACT: { className: "Contract", useSQLite },
    },
    durableObjectsPersist: folder,
    serviceBindings: { MAIL: async (request) => Response.json((await mail(await request.json())) ?? null) },
  });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await worker.dispose();
  };
  t.after(close);
  await worker.ready;
  const ask = async (path, init) => {
    const response = await worker.dispatchFetch(`http://worker${path}`, init);
    return await response.text();
  };
  const json = async (path) => JSON.parse(await ask(path));
  return {
    folder,
    close,
    ask,
    json,
    start: async () => (await json("/start?to=ada@example.com")).runId,
    stateOf: async (runId) => (await json(`/api/v1/workflows/${runId}`)).data.status,
    /** Stops the object at once, as the runtime does with an object that gets no requests. */
    stop: () => ask("/stop").catch(() => {}),
  };
}

async function until(condition, limit = 120_000) {
  const end = performance.now() + limit;
  while (!(await condition())) {
    assert.ok(performance.now() < end, "it does not come");
    await sleep(20);
  }
}

for (const [name, useSQLite] of [
  ["SQLite", true],
  ["keys", false],
]) {
  describe(`a Durable Object backed by ${name}`, () => {
    it("satisfies the contract of stores", async (t) => {
      const { ask } = await start(t, { useSQLite });
      for (const rule of contract) {
        assert.equal(await ask("/contract", { method: "POST", body: rule }), "kept", rule);
      }
    });

    it("runs the example of the documentation", async (t) => {
      const sent = [];
      const { start: begin, stateOf } = await start(t, {
        useSQLite,
        mail: (letter) => void sent.push(letter),
      });
      const runId = await begin();
      await until(async () => (await stateOf(runId)) === "completed");
      assert.deepEqual(sent, [
        { to: "ada@example.com", text: "welcome" },
        { to: "ada@example.com", text: "all well?" },
      ]);
    });

    it("wakes up for a timer after it was stopped, without a request", async (t) => {
      const sent = [];
      const worker = await start(t, { useSQLite, delay: 6, mail: ({ text }) => void sent.push(text) });
      const runId = await worker.start();
      await until(() => sent.length === 1);
      // The answer of the tool must be stored before the wait begins.
      await until(async () => {
        const { data } = await worker.json(`/api/v1/workflows/${runId}/steps`);
        return data.steps.some(({ status }) => status === "completed" || status === "succeeded");
      });
      await worker.stop();
      await until(() => sent.length === 2);
      assert.deepEqual(sent, ["welcome", "all well?"]);
      await until(async () => (await worker.stateOf(runId)) === "completed");
      assert.equal(await worker.json("/made"), 2);
    });

    it("has one engine, and one whose storage was cleared says so until the object is created again", async (t) => {
      const worker = await start(t, { useSQLite, delay: 60 });
      await worker.start();
      assert.equal(await worker.ask("/second"), "STORE_IN_USE");
      await worker.ask("/clear");
      const definition = {
        name: "n",
        tasks: { a: { task_id: "a", operator_type: "wait", wait_for: "P1D" } },
      };
      const submit = () =>
        worker
          .ask("/api/v1/workflows", {
            method: "POST",
            body: JSON.stringify({ workflow_definition: definition }),
            headers: { "content-type": "application/json" },
          })
          .then(JSON.parse);
      const refused = await submit();
      assert.deepEqual([refused.success, refused.code], [false, "JOURNAL_INVALID"]);
      assert.match(refused.message, /cleared while an engine used it/);
      const { data } = await worker.json("/api/v1/health");
      assert.equal(data.status, "unhealthy");
      await worker.stop();
      assert.equal((await submit()).success, true);
    });

    it("runs a tool again that was running at a shutdown", async (t) => {
      const folder = temporaryFolder("objects");
      let calls = 0;
      const mail = () => {
        calls += 1;
        return new Promise(() => {});
      };
      const first = await start(t, { folder, useSQLite, mail });
      const runId = await first.start();
      await until(() => calls === 1);
      await first.stop();
      await first.close();
      const sent = [];
      const second = await start(t, { folder, useSQLite, mail: ({ text }) => void sent.push(text) });
      await until(async () => (await second.stateOf(runId)) === "completed");
      assert.deepEqual(sent, ["welcome", "all well?"]);
    });
  });
}
