// Modules on the command line: drivers with their own engine, tools, TypeScript.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { ensureNewerNode } from "../../../scripts/lib/newer-node.mjs";
import { highway, modules, startServer } from "../support/cli.mjs";

/** A driver with its own engine, which records that it is closed. */
const ENGINE = `import { writeFileSync } from "node:fs";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

class Engine extends LocalEngine {
  async close() {
    writeFileSync("closed", "");
    await super.close();
  }
}
const engine = new Engine({ tools: { "text.upper": ({ kwargs }) => kwargs.text.toUpperCase() } });
const driver = new Driver({ name: "made", engine });
driver.tool("shout", "text.upper", { text: "{{inputs.who}}" });
export default driver;`;

const CALLS = `import { WorkflowBuilder } from "highway-wasm";
export default new WorkflowBuilder("made").task("shout", "text.upper", { kwargs: { text: "{{inputs.who}}" } });`;

const run = async (t, args, options) => {
  const { code, stdout, stderr } = await highway(t, ["run", ...args, "--json"], options);
  return { code, stderr, value: stdout === "" ? undefined : JSON.parse(stdout) };
};

describe("a driver with an engine", { concurrency: 3 }, () => {
  test("runs on its own engine, with its tools, and the engine is closed", async (t) => {
    const cwd = modules(t, { "it.mjs": ENGINE });
    const { code, value } = await run(t, ["it.mjs", "-i", "who=Ada"], { cwd });
    assert.deepEqual([code, value.tasks.shout.result], [0, "ADA"]);
    assert.ok(existsSync(join(cwd, "closed")));
  });

  test("has its engine closed if nothing is run, too", async (t) => {
    for (const command of ["validate", "graph", "simulate"]) {
      const cwd = modules(t, { "it.mjs": ENGINE });
      const { code, stderr } = await highway(t, [command, "it.mjs", "--json"], { cwd });
      assert.ok(code < 2, stderr);
      assert.ok(existsSync(join(cwd, "closed")), command);
    }
  });

  test("uses its engine whatever the environment says, also from a copy of the package", async (t) => {
    const cwd = modules(t, { "it.mjs": ENGINE }, { isCopy: true });
    const env = { HIGHWAY_API_ENDPOINT: "http://127.0.0.1:9", HIGHWAY_API_KEY: "a-key-of-these-tests" };
    const { code, value } = await run(t, ["it.mjs", "-i", "who=Ada"], { cwd, env });
    assert.deepEqual([code, value.tasks.shout.result], [0, "ADA"]);
  });

  test("takes additional tools", async (t) => {
    const cwd = modules(t, {
      "it.mjs": ENGINE.replace("export default", 'driver.tool("more", "text.more");\nexport default'),
      "tools.mjs": 'export default { "text.more": () => "more" };',
    });
    const { code, value } = await run(t, ["it.mjs", "-i", "who=Ada", "--tools", "tools.mjs"], { cwd });
    assert.deepEqual([code, value.tasks.more.result, value.tasks.shout.result], [0, "more", "ADA"]);
  });

  test("is submitted to the server that an option names, which has its own tools", async (t) => {
    const cwd = modules(t, {
      "it.mjs": ENGINE,
      "tools.mjs": 'export const tools = () => ({ "text.upper": () => "served" });',
    });
    const server = await startServer(t, ["--tools", "tools.mjs"], { cwd });
    const { code, value } = await run(
      t,
      ["it.mjs", "-i", "who=Ada", "--endpoint", server.url, "--api-key", server.key],
      { cwd },
    );
    assert.deepEqual([code, value?.tasks.shout.result], [0, "served"]);
  });

  test("uploads its durable functions itself; a driver without an engine cannot be run here", async (t) => {
    const source = (settings) => `import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
const driver = new Driver(${settings});
driver.task("one", { durable: "def one(ctx):\\n    return {'n': 1}" });
export default driver;`;
    const cwd = modules(t, {
      "own.mjs": source('{ name: "made", engine: new LocalEngine({ tools: nodeTools() }) }'),
      "bare.mjs": source('{ name: "made" }'),
    });
    const own = await run(t, ["own.mjs"], { cwd });
    assert.equal(own.code, 0, JSON.stringify(own));
    const bare = await highway(t, ["run", "bare.mjs"], { cwd });
    assert.equal(bare.code, 2);
    assert.match(
      bare.stderr,
      /a driver with durable functions cannot be run from here.*\n {2}help: .*engine/,
    );
  });
});

describe("--tools", { concurrency: 3 }, () => {
  const tools = '"text.upper": ({ kwargs }) => kwargs.text.toUpperCase()';
  for (const [what, source] of [
    ["an object", `export default { ${tools} };`],
    ["a function", `export default () => ({ ${tools} });`],
    ["a function that takes its time", `export default async () => ({ ${tools} });`],
    ["an export of that name", `export const tools = { ${tools} };`],
  ]) {
    test(`takes ${what}`, async (t) => {
      const cwd = modules(t, { "it.mjs": CALLS, "tools.mjs": source });
      const { code, value } = await run(t, ["it.mjs", "-i", "who=Ada", "--tools", "tools.mjs"], { cwd });
      assert.deepEqual([code, value.tasks.shout.result], [0, "ADA"]);
    });
  }

  for (const [source, message] of [
    ["export default 1;", /`tools.mjs` exports no tools/],
    ["export const other = {};", /`tools.mjs` exports no tools/],
    ["export default {};", /`tools.mjs` exports no tools/],
    ['export default { "text.upper": "no" };', /the tool `text.upper` of `tools.mjs` is not a function/],
    ["export default {", /`tools.mjs` could not be loaded: SyntaxError/],
  ]) {
    test(`refuses ${source}`, async (t) => {
      const cwd = modules(t, { "it.mjs": CALLS, "tools.mjs": source });
      const { code, stderr } = await highway(t, ["run", "it.mjs", "--tools", "tools.mjs"], { cwd });
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }

  test("is only for engines in this process", async (t) => {
    const cwd = modules(t, { "it.mjs": CALLS, "tools.mjs": "export default {};" });
    const args = [
      "run",
      "it.mjs",
      "--tools",
      "tools.mjs",
      "--endpoint",
      "http://127.0.0.1:9",
      "--api-key",
      "a-key",
    ];
    const { code, stderr } = await highway(t, args, { cwd });
    assert.equal(code, 2);
    assert.match(stderr, /`--tools` needs an engine in this process/);
  });
});

describe("TypeScript", { concurrency: 3 }, () => {
  const SOURCE = `import { Driver, type TaskRef } from "highway-wasm";
interface Named { readonly name: string }
const named: Named = { name: "made" };
const driver = new Driver(named);
const one: TaskRef = driver.shell("one", "echo typed");
export default driver satisfies object;`;
  const sources = { "it.ts": SOURCE, "it.mts": SOURCE, "package.json": '{"type": "module"}' };
  let node;
  before(async () => {
    node = await ensureNewerNode();
  });

  for (const name of ["it.ts", "it.mts"]) {
    test(`in ${name} runs on a Node.js that removes types`, async (t) => {
      if (node === undefined)
        return t.skip("there is no newer Node.js: npm has none for this system, or cannot be reached");
      const { code, value, stderr } = await run(t, [name], { cwd: modules(t, sources), node });
      assert.deepEqual([code, value?.tasks.one.stdout], [0, "typed"], stderr);
    });
  }

  test("in it.cts runs there too", async (t) => {
    if (node === undefined) return t.skip("there is no newer Node.js");
    const source = `const { Driver } = require("highway-wasm");\nconst driver = new Driver({ name: "made" as string });
driver.shell("one", "echo typed");\nmodule.exports = driver;`;
    const { code, value, stderr } = await run(t, ["it.cts"], { cwd: modules(t, { "it.cts": source }), node });
    assert.deepEqual([code, value?.tasks.one.stdout], [0, "typed"], stderr);
  });

  test("that must be compiled is refused there, with advice", async (t) => {
    if (node === undefined) return t.skip("there is no newer Node.js");
    const cwd = modules(t, { "it.mts": "enum Kind { A }\nexport default { name: Kind.A };" });
    const { code, stderr } = await highway(t, ["validate", "it.mts"], { cwd, node });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: `it.mts` could not be loaded: .*\n {2}at: it.mts:1:1\n.*\n.*\n {2}help: .*`enum`.*loader/,
    );
  });

  const isOld = !process.features.typescript;
  test("on an older Node.js is refused, with the version that runs it", {
    skip: isOld ? false : "this one runs it",
  }, async (t) => {
    const cwd = modules(t, {
      ...sources,
      "it.cts": SOURCE,
      "imports.mjs": 'export { default } from "./it.ts";',
    });
    for (const name of ["it.ts", "it.mts", "it.cts", "imports.mjs"]) {
      const { code, stderr } = await highway(t, ["validate", name], { cwd });
      assert.equal(code, 2);
      assert.match(
        stderr,
        new RegExp(
          `^error: \`${name}\` could not be loaded: Node.js ${process.versions.node} does not run TypeScript\n {2}help: .*22\\.18.*NODE_OPTIONS`,
        ),
      );
    }
  });

  test("is loaded by the user's own loader", async (t) => {
    // esbuild's own transform as a loader, which is what tsx does, without installing tsx.
    const loader = `import { transformSync } from ${JSON.stringify(import.meta.resolve("esbuild"))};
import { readFileSync } from "node:fs";
export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const { code } = transformSync(readFileSync(new URL(url), "utf8"), { loader: "ts", format: "esm" });
  return { format: "module", source: code, shortCircuit: true };
}`;
    const register = `import { register } from "node:module"; register("./loader.mjs", import.meta.url);`;
    const cwd = modules(t, {
      "it.ts": `enum Kind { A = "made" }\n${SOURCE.replace('"made"', "Kind.A")}`,
      "loader.mjs": loader,
      "register.mjs": register,
    });
    const env = { NODE_OPTIONS: "--import ./register.mjs" };
    const { code, value, stderr } = await run(t, ["it.ts"], { cwd, env });
    assert.deepEqual([code, value?.tasks.one.stdout], [0, "typed"], stderr);
  });
});
