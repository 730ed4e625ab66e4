// Prepares a bare machine (Node, npm, Rust) to build and test: npm dependencies, a compiler for wasm32, wasm-pack and
// the wasm-bindgen CLI, and for the tests a browser. Everything is done once; the user's global configuration does not
// change. By hand: `node scripts/setup.mjs [--browser]`.
import { join } from "node:path";
import { checkBrowserVersions, ensureBrowser } from "./lib/browser.mjs";
import { ensureNpmDependencies } from "./lib/npm.mjs";
import { ask, which } from "./lib/run.mjs";
import { Failure, isMain, main, seconds } from "./lib/step.mjs";
import { findTarget } from "./lib/target.mjs";
import { ensureTool, toolBin } from "./lib/tools.mjs";
import { checkCrateVersion, checkToolVersions, pinned } from "./lib/versions.mjs";
import { wasmEnv } from "./lib/wasm-env.mjs";

function checkHost() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new Failure(`Node 20 or newer is needed; this is ${process.version}.`);
  }
  if (!which("cargo")) throw new Failure("cargo is not on PATH. Install Rust: https://rustup.rs");
}

/**
 * Resolves with `{ env, clippy, route, browser? }`. `env` is the environment for every wasm build, lint and test,
 * `clippy` the command that lints wasm code, and `browser`, if requested, has the paths of Chromium and its driver.
 */
export async function setup({ browser = false } = {}) {
  checkHost();
  checkCrateVersion();
  // One after the other: two package managers and two compilers at the same time are slower on a small machine and mix
  // their output.
  await ensureNpmDependencies();
  const route = await findTarget();
  for (const [tool, version] of Object.entries(pinned)) await ensureTool(tool, version);
  checkToolVersions();
  const found = browser ? await ensureBrowser() : undefined;
  if (found) checkBrowserVersions(found);
  return { route, env: wasmEnv(route), clippy: route.clippy ?? "cargo-clippy", browser: found };
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const start = performance.now();
    const { route, browser } = await setup({ browser: process.argv.includes("--browser") });
    console.log(`wasm32 target  ${route.name}`);
    for (const [tool, version] of Object.entries(pinned))
      console.log(`${tool.padEnd(13)}  ${version}  ${join(toolBin(tool, version), tool)}`);
    if (browser) console.log(`browser        ${browser.chrome} (${ask(browser.chrome, ["--version"])})`);
    console.log(`ready in ${seconds(start)}`);
  });
}
