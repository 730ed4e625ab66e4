// Checks formatting, lints and types of all Rust and JavaScript. Stops at the first finding.
import { tsc } from "./build/javascript.mjs";
import { buildWasm } from "./build/wasm.mjs";
import { inRoot } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { isMain, main, step } from "./lib/step.mjs";
import { setup } from "./setup.mjs";

const wasm = ["--target", "wasm32-unknown-unknown"];
const deny = ["--", "-D", "warnings"];
const featureSets = {
  core: ["--no-default-features", "--features", "client,bindings"],
  workflow: ["--no-default-features", "--features", "workflow,bindings"],
  full: ["--features", "bindings"],
  // The build of a Rust program that uses only the client.
  client: ["--no-default-features", "--features", "client"],
};

async function lintRust({ clippy, env }) {
  await step("cargo fmt --check", () => run("cargo", ["fmt", "--check"]));
  for (const [name, features] of Object.entries(featureSets)) {
    await step(`clippy, host, ${name}`, () =>
      run("cargo", ["clippy", "--all-targets", ...features, ...deny]),
    );
    await step(`clippy, wasm32, ${name}`, () =>
      run(clippy, ["clippy", "--lib", "--test", "wasm_*", ...wasm, ...features, ...deny], { env }),
    );
  }
  await step("cargo doc", () =>
    run("cargo", ["doc", "--no-deps"], { env: { ...process.env, RUSTDOCFLAGS: "-D warnings" } }),
  );
}

async function lintJavaScript(tools) {
  const biome = inRoot("node_modules", "@biomejs", "biome", "bin", "biome");
  const colors = `--colors=${process.stdout.isTTY ? "force" : "off"}`;
  await step("biome ci", () => run(process.execPath, [biome, "ci", "--error-on-warnings", colors]));
  // The facade imports the generated glue, so its types can only be checked next to it.
  await buildWasm(tools);
  for (const project of ["tsconfig.json", "tsconfig.tests.json"]) {
    await step(`tsc -p js/${project}`, () => run(process.execPath, [tsc, "-p", inRoot("js", project)]));
  }
}

/** Runs all lints. `tools` is the result of setup(). */
export async function lint(tools) {
  await lintRust(tools);
  await lintJavaScript(tools);
}

if (isMain(import.meta.url)) await main(async () => lint(await setup()));
