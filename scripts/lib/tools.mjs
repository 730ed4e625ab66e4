// wasm-pack, the wasm-bindgen CLI and zopfli, compiled once with the user's own cargo into the project's cache, one
// folder per version. The npm packages of the first two download binaries, which many machines do not allow.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeOnce } from "./once.mjs";
import { inCache } from "./paths.mjs";
import { run } from "./run.mjs";
import { step } from "./step.mjs";

// `--locked` is not possible for wasm-bindgen-cli: the lock file of 0.2.130 names a yanked crate.
const crates = {
  "wasm-pack": { crate: "wasm-pack", flags: ["--locked"] },
  "wasm-bindgen": { crate: "wasm-bindgen-cli", flags: [] },
  zopfli: { crate: "zopfli", flags: ["--locked"], isMute: true },
};

/** The folder with a tool's executables. */
export const toolBin = (tool, version) => inCache("tools", `${crates[tool].crate}-${version}`, "bin");

/** Whether a tool prints its version. */
export const saysVersion = (tool) => !crates[tool].isMute;

/** Compiles a tool at the given version unless the cache has it. */
export async function ensureTool(tool, version) {
  const { crate, flags } = crates[tool];
  await makeOnce(join(toolBin(tool, version), ".."), (staging) =>
    step(`compile ${crate} ${version} into ${inCache("tools")} (once per machine, minutes)`, async () => {
      const args = ["install", crate, "--version", version, ...flags, "--root", staging];
      const build = join(staging, "build");
      // No part of a wasm set-up (RUSTC, flags, target) may affect a build for the host.
      const env = { ...process.env, CARGO_TARGET_DIR: build };
      for (const name of ["RUSTC", "RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"])
        delete env[name];
      await run("cargo", args, { cwd: staging, env, capture: true });
      rmSync(build, { recursive: true, force: true });
    }),
  );
}
