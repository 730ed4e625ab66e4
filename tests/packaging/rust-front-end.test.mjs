// The example of a front end in Rust, compiled for wasm32, in Node and in a page. Its requests reach a real server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { LocalEngine } from "highway-wasm/engine";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run as command } from "../../scripts/lib/run.mjs";
import { ifChanged } from "../../scripts/lib/stamp.mjs";
import { findTarget } from "../../scripts/lib/target.mjs";
import { wasmEnv } from "../../scripts/lib/wasm-env.mjs";
import { launch, page, visit } from "./support/pages.mjs";

const example = inRoot("examples", "rust-front-end");
const pkg = inRoot("target", "rust-front-end");

async function compile() {
  const inputs = [join(example, "src"), join(example, "Cargo.toml"), inRoot("src"), inRoot("Cargo.toml")];
  const route = await findTarget();
  await ifChanged("rust-front-end", { inputs, extra: route.name, outputs: [pkg] }, () => {
    const args = ["build", "--dev", "--target", "web", "--mode", "no-install", "--no-pack", "--out-dir", pkg];
    return command("wasm-pack", [...args, example], { env: wasmEnv(route), capture: true });
  });
}

const tools = {
  "test.greet": async ({ kwargs }) => ({ text: `hello ${kwargs.name}` }),
  "test.report": async ({ kwargs }, { attempt }) => {
    if (attempt === 1) throw new Error("not yet");
    return { greeting: `${kwargs.text}!` };
  },
};

const files = { ".js": "text/javascript", ".wasm": "application/wasm" };
const html = page(
  `import init, { run } from "/rust_front_end.js";
   const states = [];
   globalThis.answer = init().then(() => run(location.origin, "Ada", (state) => states.push(state)))
     .then((greeting) => ({ greeting, states }));`,
).body;

/** The engine's API and the files of the example, under one origin. */
async function serve() {
  const engine = new LocalEngine({ tools });
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    if (url.startsWith("/api/")) {
      const body = await text(request);
      const answer = await engine.fetch(`http://engine${url}`, { method, headers, ...(body && { body }) });
      return response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    }
    const type = files[extname(url)];
    if (type === undefined) return response.writeHead(200, { "content-type": "text/html" }).end(html);
    response.writeHead(200, { "content-type": type }).end(readFileSync(join(pkg, url)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await engine.close();
  };
  return { address: `http://127.0.0.1:${server.address().port}`, close };
}

describe("a front end in Rust", () => {
  let server;
  before(async () => {
    await compile();
    server = await serve();
  });
  after(() => server?.close());

  it("runs a workflow in Node and reads a typed result", async () => {
    const { initSync, run } = await import(pathToFileURL(join(pkg, "rust_front_end.js")));
    initSync({ module: readFileSync(join(pkg, "rust_front_end_bg.wasm")) });
    const states = [];
    assert.equal(await run(server.address, "Ada", (state) => states.push(state)), "hello Ada!");
    assert.equal(states.at(-1), "completed");
    // Every failure has a stable code.
    await assert.rejects(
      run("nowhere", "Ada", () => {}),
      { name: "ENDPOINT_INVALID" },
    );
    await assert.rejects(
      run(`${server.address}/elsewhere`, "Ada", () => {}),
      { name: /^API_/ },
    );
  });

  it("runs in a page", async () => {
    const browser = await launch();
    try {
      const { answer, failures } = await visit(browser, `${server.address}/`);
      assert.deepEqual(failures, []);
      assert.equal(answer.greeting, "hello Ada!");
      assert.equal(answer.states.at(-1), "completed");
    } finally {
      await browser.close();
    }
  });
});
