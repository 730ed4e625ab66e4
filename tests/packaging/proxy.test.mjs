// The proxy of the packed tarball behind node:http, for pages in Chromium: of its own origin, of allowed origins and of
// others.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { installed } from "./support/package.mjs";
import { launch, page, serveFolder, visit } from "./support/pages.mjs";
import { allow, KEY, load, serveEngine } from "./support/proxy.mjs";

const { dir, root } = await installed("proxy");
const { createProxy } = await load(root, "proxy.js");
const { listener } = await load(root, "node.js");

let engine;
before(async () => {
  engine = await serveEngine(root);
});
after(() => engine?.close());

const imports = { "highway-wasm": "/node_modules/highway-wasm/esm/entries/inline.js" };
const facts = `const facts = (error) => ({ name: error.name, code: error.code, path: error.path, help: error.help, message: error.message });`;
/** A page that runs the workflow through a proxy and reports the outcome. */
const running = (endpoint) =>
  page(
    `import { Driver } from "highway-wasm"; ${facts}
     const driver = new Driver({ endpoint: ${JSON.stringify(endpoint)}, name: "greeting", retry: false });
     globalThis.answer = driver.run({ workflow: { name: "greeting", tasks: {} }, inputs: { to: "Ada" } })
       .then(({ state, tasks }) => ({ state, result: tasks.send.result }), facts);`,
    { imports },
  );
const exposing = `
  try { new Driver({ apiKey: "hw_k1_secret" }); } catch (error) { found.push(facts(error)); }
  try { new Driver({ apiKey: "hw_k1_secret", endpoint: "/highway" }); } catch (error) { found.push(facts(error)); }
  const driver = new Driver({ auth: () => "hw_k1_secret", endpoint: location.origin + "/highway", retry: false });
  await driver.status("r").catch((error) => found.push(facts(error)));`;

/** A page that is hidden for a while and reports how many requests it had sent by then. */
const hiding = page(
  `import { Driver } from "highway-wasm";
   const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
   let state = "visible";
   Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true });
   const show = (next) => { state = next; document.dispatchEvent(new Event("visibilitychange")); };
   const asked = [];
   let open = 0;
   const watched = async (request, init) => {
     asked.push({ at: performance.now(), state, path: new URL(request.url).pathname });
     open += 1;
     try { return await fetch(request, init); } finally { open -= 1; }
   };
   globalThis.answer = (async () => {
     const driver = new Driver({ endpoint: "/highway", fetch: watched });
     const handle = await driver.start({ workflow: { name: "waiting", tasks: {} } });
     const result = handle.result();
     while (asked.length < 4) await pause(10);
     show("hidden");
     while (open > 0) await pause(10);
     const before = asked.length;
     await pause(4000);
     const during = asked.slice(before).map(({ path }) => path.split("/")[6] ?? "run");
     const shown = performance.now();
     show("visible");
     while (!asked.some(({ at, path }) => at >= shown && !path.endsWith("/stream"))) await pause(10);
     const after = asked.find(({ at, path }) => at >= shown && !path.endsWith("/stream")).at - shown;
     await fetch("/release");
     const { state: end } = await result;
     return { during, after, end };
   })();`,
  { imports },
);

describe("a page in Chromium", () => {
  let browser;
  let files;
  let front;
  const pages = {
    "/same-origin": running("/highway"),
    "/relative": running("highway/"),
    "/hiding": hiding,
    "/key": page(
      `import { Driver } from "highway-wasm"; ${facts} const found = []; ${exposing} globalThis.answer = found;`,
      { imports },
    ),
    "/key-in-worker": page(
      `const worker = new Worker("/key-worker.mjs", { type: "module" });
       globalThis.answer = new Promise((resolve, reject) => {
         worker.onmessage = ({ data }) => resolve(data);
         worker.onerror = (event) => reject(new Error(event.message));
       });`,
    ),
    "/key-worker.mjs": {
      type: "text/javascript",
      body: `import { Driver } from "${imports["highway-wasm"]}"; ${facts} const found = []; ${exposing} postMessage(found);`,
    },
    "/worker": page(
      `const worker = new Worker("/in-worker.mjs", { type: "module" });
       globalThis.answer = new Promise((resolve, reject) => {
         worker.onmessage = ({ data }) => resolve(data);
         worker.onerror = (event) => reject(new Error(event.message));
       });`,
    ),
    "/in-worker.mjs": {
      type: "text/javascript",
      body: `import { Driver } from "${imports["highway-wasm"]}";
        const driver = new Driver({ endpoint: "/highway" });
        driver.run({ workflow: { name: "greeting", tasks: {} }, inputs: { to: "Ada" } })
          .then(({ state, tasks }) => postMessage({ state, result: tasks.send.result }), (error) => postMessage({ code: error.code, message: error.message }));`,
    },
  };
  before(async () => {
    files = await serveFolder(dir, pages);
    const proxy = createProxy({ apiKey: KEY, endpoint: engine.address, allow, origins: [files.address] });
    const server = createServer(
      listener((request) => {
        const { pathname } = new URL(request.url);
        if (pathname.startsWith("/highway/")) return proxy(request);
        if (pathname === "/release") {
          engine.release();
          return new Response("released");
        }
        return fetch(files.address + pathname);
      }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `http://127.0.0.1:${server.address().port}`;
    front = {
      address,
      close: () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      },
    };
    pages["/other-origin"] = running(`${address}/highway`);
    // Requests that need no preflight. Their answers cannot be read, but they could take effect.
    pages["/blind"] = page(`
      const body = JSON.stringify({ workflow_definition: { name: "greeting" }, inputs: { to: "Eve" } });
      const send = (path) => fetch("${address}" + path + "/highway/api/v1/workflows", { method: "POST", mode: "no-cors", body }).catch(() => {});
      globalThis.answer = Promise.all([send(""), send("//" + location.host)]).then(() => "sent");`);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await front?.close();
    await files?.close();
  });

  /** Visits a page, which must not fail. Returns its answer, and the requests that the server got meanwhile. */
  async function answerOf(address, { mayWrite = /^$/ } = {}) {
    const before = engine.seen.length;
    const { answer, failures, messages, requests } = await visit(browser, address);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      messages.filter((message) => !mayWrite.test(message)),
      [],
    );
    assert.ok(!JSON.stringify(answer).includes("s3cr3t"));
    return { answer, requests, seen: engine.seen.slice(before) };
  }
  const done = { state: "completed", result: "sent to Ada" };

  for (const path of ["/same-origin", "/relative", "/worker"]) {
    it(`runs a workflow through the proxy of its own origin, without a key: ${path}`, async () => {
      const { answer, seen, requests } = await answerOf(front.address + path);
      assert.deepEqual(answer, done);
      assert.deepEqual([...new Set(seen.map(({ headers }) => headers.authorization))], [`Bearer ${KEY}`]);
      assert.ok(
        requests.every((url) => url.startsWith(front.address) || url.startsWith("data:")),
        requests.join(),
      );
    });
  }

  it("runs one from another origin that is allowed", async () => {
    const { answer, seen } = await answerOf(`${files.address}/other-origin`);
    assert.deepEqual(answer, done);
    assert.ok(seen.length >= 2 && seen.every(({ headers }) => headers.origin === undefined));
  });

  it("is refused from a third one, before a request is sent", async () => {
    const third = files.address.replace("127.0.0.1", "localhost");
    const { answer, seen } = await answerOf(`${third}/other-origin`, { mayWrite: /CORS|ERR_FAILED|403/ });
    assert.deepEqual([answer.name, answer.code], ["SubmissionError", "API_UNREACHABLE"]);
    assert.deepEqual(seen, []);
  });

  it("cannot start anything from a third one with requests whose answers it cannot read, whatever their paths", async () => {
    const third = files.address.replace("127.0.0.1", "localhost");
    const { answer, seen } = await answerOf(`${third}/blind`, { mayWrite: /403|404|400/ });
    assert.equal(answer, "sent");
    assert.deepEqual(
      seen.map(({ line }) => line),
      [],
    );
  });

  for (const [where, path] of [
    ["the page", "/key"],
    ["a worker of the page", "/key-in-worker"],
  ]) {
    it(`is told about the proxy if it has a long-lived key: in ${where}`, async () => {
      const { answer, seen } = await answerOf(front.address + path);
      assert.deepEqual(
        answer.map(({ code, path }) => `${code} ${path}`),
        ["API_KEY_EXPOSED /apiKey", "API_KEY_EXPOSED /apiKey", "API_KEY_EXPOSED /auth"],
      );
      for (const error of answer) {
        assert.match(error.help, /`createProxy` of "highway-wasm\/proxy"/);
        assert.ok(!JSON.stringify(error).includes("secret"));
      }
      assert.deepEqual(seen, []);
    });
  }

  describe("that is hidden for a while, and follows a run", () => {
    let found;
    before(async () => {
      const mayWrite = /^error: Failed to load resource/;
      found = (await answerOf(`${front.address}/hiding`, { mayWrite })).answer;
    });

    it("does not look at the run meanwhile", () => {
      assert.deepEqual(
        found.during.filter((what) => what !== "stream"),
        [],
      );
    });

    it("does not open a stream of it either", () => {
      assert.deepEqual(
        found.during.filter((what) => what === "stream"),
        [],
      );
    });

    it("looks at once when it is shown", () => {
      assert.ok(found.after < 1000, `${found.after} ms`);
      assert.equal(found.end, "completed");
    });
  });
});
