// Bundles that esbuild makes of the packed tarball: executed in pages of Chromium, and as servers in Node.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bundle, copies, payload, stop } from "./support/bundles.mjs";
import { installed, temporaryFolder } from "./support/package.mjs";
import { launch, page, serveFolder, visit } from "./support/pages.mjs";
import { answer } from "./support/programs.mjs";
import { expectCore, expectSmoke } from "./support/smoke.mjs";

const { dir, root } = await installed("bundles");
// The folder where the bundles run: no package can be found by name.
const elsewhere = temporaryFolder("bundled");
after(stop);

const coreOnly = `import * as core from "highway-wasm"; import { smokeCore } from "./smoke.mjs"; globalThis.answer = smokeCore(core);`;
const everything = `import * as core from "highway-wasm"; import * as engine from "highway-wasm/engine"; import { smoke } from "./smoke.mjs";
  globalThis.answer = smoke(core, engine);`;
const printed = `${everything} globalThis.answer.then((value) => console.log(JSON.stringify(value)));`;
const inOrder = { minify: true, platform: "browser" };

describe("a bundle for pages", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** The answer of a page that has only the bundle. */
  async function executed(text, { asModule }) {
    const script = asModule ? `<script type="module" src="/bundle.js">` : `<script src="/bundle.js">`;
    const made = {
      "/": { body: `${page("").body.replace(/<script.*/s, "")}${script}</script>` },
      "/bundle.js": { type: "text/javascript; charset=utf-8", body: text },
    };
    const server = await serveFolder(elsewhere, made);
    try {
      const { answer: found, failures, messages, requests } = await visit(browser, `${server.address}/`);
      assert.deepEqual([failures, messages], [[], []]);
      assert.equal(requests.filter((url) => !url.startsWith("data:")).length, 2);
      return found;
    } finally {
      await server.close();
    }
  }

  /** Checks that no import is left, and that no Node-only name is read as a global. */
  function checkPlain({ text, externals, warnings }) {
    assert.deepEqual([externals, warnings], [[], []]);
    assert.doesNotMatch(text, /["'`]node:/);
    assert.doesNotMatch(text, /(?<![.\w$?"'`])(?:Buffer|process|require|__dirname|global)\b(?=[.([])/);
  }

  it("of the core has its bytes once, and works as a module and as a classic script", async () => {
    const asModule = await bundle(dir, { source: coreOnly, ...inOrder });
    checkPlain(asModule);
    assert.equal(copies(asModule.text, payload(root, "core")), 1);
    assert.equal(copies(asModule.text, payload(root, "full")), 0);
    expectCore(await executed(asModule.text, { asModule: true }));
    // esbuild refuses this format if a module of the package has a top-level await.
    const classic = await bundle(dir, { source: coreOnly, ...inOrder, format: "iife" });
    checkPlain(classic);
    assert.equal(copies(classic.text, payload(root, "core")), 1);
    expectCore(await executed(classic.text, { asModule: false }));
  });

  it("omits the workflow module if nothing uses it, and has it once otherwise", async () => {
    const without = `import { Driver, py, isHighwayError } from "highway-wasm"; globalThis.answer = { a: [Driver, py, isHighwayError].length };`;
    const made = await bundle(dir, { source: without, ...inOrder });
    assert.equal(copies(made.text, payload(root, "workflow")), 0);
    for (const names of ["WorkflowBuilder", "Workflow", "Workflow, WorkflowBuilder"]) {
      const source = `import { ${names} } from "highway-wasm"; globalThis.answer = { names: [${names}].map((type) => typeof type) };`;
      const used = await bundle(dir, { source, platform: "browser" });
      assert.equal(copies(used.text, payload(root, "workflow")), 1);
      assert.deepEqual(await executed(used.text, { asModule: true }), {
        names: names.split(", ").map(() => "function"),
      });
    }
    const source = `import { Workflow } from "highway-wasm"; globalThis.answer = Workflow.check({}).map(({ code }) => code);`;
    const asModule = await bundle(dir, { source, ...inOrder });
    checkPlain(asModule);
    assert.deepEqual(await executed(asModule.text, { asModule: true }), [
      "FIELD_MISSING",
      "DOCUMENT_INVALID",
    ]);
  });

  it("of core and engine has the bytes of each once", async () => {
    for (const format of ["esm", "iife"]) {
      const made = await bundle(dir, { source: everything, ...inOrder, format });
      checkPlain(made);
      assert.equal(copies(made.text, payload(root, "core")), 1);
      assert.equal(copies(made.text, payload(root, "full")), 1);
      assert.equal(copies(made.text, payload(root, "workflow")), 1);
      expectSmoke(await executed(made.text, { asModule: format === "esm" }));
    }
  });

  it("with one import keeps the source of the module, which an entry provides as a side effect", async () => {
    const source = `import { Driver } from "highway-wasm"; globalThis.answer = { name: new Driver().shell("hello", "echo").name };`;
    const made = await bundle(dir, { source, ...inOrder });
    checkPlain(made);
    assert.equal(copies(made.text, payload(root, "core")), 1);
    assert.deepEqual(await executed(made.text, { asModule: true }), { name: "hello" });
  });

  it("with a library that depends on slim has the bytes once", async () => {
    const library = join(dir, "node_modules", "a-library");
    mkdirSync(library, { recursive: true });
    writeFileSync(
      join(library, "package.json"),
      JSON.stringify({ name: "a-library", type: "module", exports: "./index.js", sideEffects: false }),
    );
    writeFileSync(
      join(library, "index.js"),
      `import { Driver } from "highway-wasm/slim"; export const backup = () => new Driver({ name: "lib" }).shell("backup", "pg_dump").name;`,
    );
    const source = `import "highway-wasm"; import { backup } from "a-library"; globalThis.answer = { name: backup() };`;
    const made = await bundle(dir, { source, ...inOrder });
    assert.equal(copies(made.text, payload(root, "core")), 1);
    assert.deepEqual(await executed(made.text, { asModule: true }), { name: "backup" });
  });

  it("of slim has no bytes, and of errors alone stays small", async () => {
    const slim = await bundle(dir, { source: `export * from "highway-wasm/slim";`, ...inOrder });
    checkPlain(slim);
    assert.equal(copies(slim.text, payload(root, "core")), 0);
    const errors = await bundle(dir, {
      source: `import { isHighwayError } from "highway-wasm/slim"; globalThis.answer = isHighwayError(1);`,
      ...inOrder,
    });
    assert.ok(errors.text.length < 10_000, `${errors.text.length} bytes for isHighwayError alone`);
  });
});

describe("a bundle for servers", { concurrency: 2 }, () => {
  for (const format of ["esm", "cjs"]) {
    it(`runs in Node without the package, as ${format}`, async () => {
      const made = await bundle(dir, { source: printed, platform: "node", format, minify: true });
      const { text, externals, warnings } = made;
      assert.deepEqual([externals, warnings], [[], []]);
      assert.equal(copies(text, payload(root, "core")), 1);
      const file = join(elsewhere, `server.${format === "esm" ? "mjs" : "cjs"}`);
      writeFileSync(file, text);
      expectSmoke(await answer(elsewhere, [file]));
    });
  }

  it("of a program that uses require runs in Node, with the tools of Node", async () => {
    const made = await bundle(dir, { entry: "node-tools.cjs", platform: "node", format: "cjs" });
    assert.ok(made.externals.every((name) => name.startsWith("node:")));
    const file = join(elsewhere, "tools.cjs");
    writeFileSync(file, made.text);
    const { shout, failed } = await answer(elsewhere, [file]);
    assert.equal(shout, "one two!");
    assert.equal(failed.code, "EXIT_CODE_NONZERO");
  });

  it("that minifies names keeps the names of the errors", async () => {
    const source = `import { Driver } from "highway-wasm"; try { new Driver().task("typeless", {}); } catch (error) { console.log(JSON.stringify({ name: error.name, code: error.code })); }`;
    const { text } = await bundle(dir, { source, platform: "node", minify: true });
    const file = join(elsewhere, "names.mjs");
    writeFileSync(file, text);
    assert.deepEqual(await answer(elsewhere, [file]), {
      name: "TaskDefinitionError",
      code: "TASK_TYPE_MISSING",
    });
  });
});

describe("a bundle for Vercel's edge runtime", () => {
  it("imports the modules with ?module, and runs with the output of such a bundler", async () => {
    const asked = [];
    const modules = {
      name: "wasm?module",
      setup(build) {
        build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => {
          asked.push(path);
          return { path: join(resolveDir, path.replace("?module", "")), namespace: "module" };
        });
        build.onLoad({ filter: /./, namespace: "module" }, ({ path }) => {
          const text = readFileSync(path).toString("base64");
          return { contents: `export default new WebAssembly.Module(Buffer.from("${text}", "base64"));` };
        });
      },
    };
    const made = await bundle(dir, {
      source: printed,
      conditions: ["edge-light", "worker", "browser"],
      plugins: [modules],
    });
    const names = ["core", "full", "workflow"];
    assert.deepEqual(
      asked.sort(),
      names.map((name) => `../generated/${name}_bg.wasm?module`),
    );
    assert.equal(copies(made.text, payload(root, "core")), 0);
    const file = join(elsewhere, "edge.mjs");
    writeFileSync(file, made.text);
    expectSmoke(await answer(elsewhere, [file]));
  });
});
