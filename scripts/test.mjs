// `npm test`: runs every suite, the cheapest first. Stops at the first failure and names it. To run some: `node
// scripts/test.mjs rust node`. Each suite has a time limit, and no process that it starts survives it.
import { availableParallelism } from "node:os";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkSize } from "./build/size.mjs";
import { build } from "./build.mjs";
import { endLeftovers, mark } from "./lib/leftovers.mjs";
import { inRoot, readJson } from "./lib/paths.mjs";
import { ensureClients, whyNoClients } from "./lib/python.mjs";
import { run } from "./lib/run.mjs";
import { Failure, main, seconds } from "./lib/step.mjs";
import { lint } from "./lint.mjs";
import { setup } from "./setup.mjs";

const minutes = (count) => count * 60_000;

/** Runs `cargo test` on the wasm tests of one kind. Never with `-q`, which breaks the wasm-bindgen runner. */
function wasmTests(pattern, tools, extraEnv) {
  const args = ["test", "--target", "wasm32-unknown-unknown", "--features", "bindings", "--test", pattern];
  return run("cargo", args, { env: { ...tools.env, ...extraEnv }, timeout: minutes(20) });
}

/** Writes webdriver.json (the browser's arguments) with the browser of set-up, where the runner looks for it. */
function browserEnv({ chrome, chromedriver }) {
  const config = readJson(inRoot("webdriver.json"));
  config["goog:chromeOptions"].binary = chrome;
  const file = inRoot("target", "webdriver.json");
  writeFileSync(file, JSON.stringify(config));
  return {
    CHROMEDRIVER: chromedriver,
    WASM_BINDGEN_TEST_WEBDRIVER_JSON: file,
    WASM_BINDGEN_TEST_ONLY_WEB: "1",
  };
}

/** Runs `node --test` on the `*.test.mjs` in a folder of tests/ and its subfolders. */
function nodeTests(folder, { browser }) {
  const dir = inRoot("tests", folder);
  const files = existsSync(dir)
    ? readdirSync(dir, { recursive: true }).filter((name) => name.endsWith(".test.mjs"))
    : [];
  if (files.length === 0) throw new Failure(`tests/${folder} has no *.test.mjs`);
  const env = { ...process.env, CHROME: browser.chrome, CHROMEDRIVER: browser.chromedriver };
  const args = [
    "--test",
    // Ends a test that hangs. Node also applies it to each whole file; under load some take minutes.
    "--test-timeout=900000",
    // Most files wait more than they compute.
    `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
    "--test-reporter=spec",
    ...files.sort().map((name) => join(dir, name)),
  ];
  return run(process.execPath, args, { env, timeout: minutes(40) });
}

const suites = {
  lint: { title: "formatting, lints, types", work: lint },
  rust: {
    title: "cargo test, host",
    work: () => run("cargo", ["test"], { timeout: minutes(40) }),
  },
  build: {
    title: "build of the npm package, size budget",
    work: async (tools) => {
      await build(tools);
      await checkSize(tools);
    },
  },
  "wasm-node": {
    title: "wasm-bindgen-test in Node",
    work: (tools) => wasmTests("wasm_node*", tools, { WASM_BINDGEN_TEST_ONLY_NODE: "1" }),
  },
  "wasm-browser": {
    title: "wasm-bindgen-test in headless Chromium",
    work: (tools) => wasmTests("wasm_browser*", tools, browserEnv(tools.browser)),
  },
  node: { title: "node --test, tests/js", work: (tools) => nodeTests("js", tools) },
  clients: {
    title: "public clients from PyPI, tests/clients",
    work: async (tools) => {
      const reason = whyNoClients();
      if (reason !== undefined) return console.log(`skipped: ${reason}`);
      await ensureClients();
      await nodeTests("clients", tools);
    },
  },
  packaging: { title: "node --test, tests/packaging", work: (tools) => nodeTests("packaging", tools) },
};

function choose(names) {
  const unknown = names.filter((name) => !(name in suites));
  if (unknown.length > 0) {
    throw new Failure(`Unknown suite ${unknown.join(", ")}; known: ${Object.keys(suites).join(", ")}.`);
  }
  return Object.keys(suites).filter((name) => names.length === 0 || names.includes(name));
}

const line = ({ name, ok, took }) => `${name.padEnd(14)}${ok ? "ok    " : "FAILED"}  ${took}`;

/** Runs one suite. Prints a line with the outcome and resolves with its text. */
async function runSuite(name, tools) {
  const { title, work } = suites[name];
  console.log(`\n━━ ${name}: ${title} ${"━".repeat(Math.max(0, 70 - name.length - title.length))}`);
  const start = performance.now();
  let failure;
  try {
    await work(tools);
  } catch (error) {
    failure = error instanceof Failure ? error.message : error.stack;
  }
  for (const { pid, command } of await endLeftovers()) {
    failure ??= "it left processes behind";
    console.error(`left behind: ${pid} ${command}`);
  }
  const result = { name, ok: failure === undefined, took: seconds(start) };
  if (!result.ok) console.error(`✗ ${failure}`);
  console.log(line(result));
  return result;
}

await main(async () => {
  const names = choose(process.argv.slice(2));
  Object.assign(process.env, mark);
  const tools = await setup({ browser: true });
  const results = [];
  for (const name of names) {
    results.push(await runSuite(name, tools));
    if (!results.at(-1).ok) break;
  }
  console.log("");
  for (const { name, ok, took } of results)
    console.log(`${name.padEnd(14)}${ok ? "ok    " : "FAILED"}  ${took}`);
  for (const name of names.slice(results.length)) console.log(`${name.padEnd(14)}not run`);
  if (!results.at(-1).ok) throw new Failure(`suite "${results.at(-1).name}" failed`);
});
