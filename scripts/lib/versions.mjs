// The pinned versions of compiled tools (package.json, "toolchain"), and a check that all parts have the same version
// of wasm-bindgen: the generated glue and the crate use a private protocol that changes with every release.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot, readJson } from "./paths.mjs";
import { ask } from "./run.mjs";
import { Failure } from "./step.mjs";
import { saysVersion, toolBin } from "./tools.mjs";

export const pinned = readJson(inRoot("package.json")).toolchain;

/** Compares package.json's wasm-bindgen with the version that cargo resolved. Starts no process. */
export function checkCrateVersion() {
  const locked = readFileSync(inRoot("Cargo.lock"), "utf8").match(
    /name = "wasm-bindgen"\nversion = "([^"]+)"/,
  )?.[1];
  if (locked === pinned["wasm-bindgen"]) return;
  throw new Failure(
    `wasm-bindgen versions differ: package.json ("toolchain") pins ${pinned["wasm-bindgen"]}, Cargo.lock has ${locked ?? "none"}.\n` +
      `Set "=VERSION" in Cargo.toml and the same VERSION in package.json, then: cargo update -p wasm-bindgen`,
  );
}

/** Compares the pinned versions with those that the cached tools print. */
export function checkToolVersions() {
  for (const [tool, version] of Object.entries(pinned).filter(([name]) => saysVersion(name))) {
    const says = ask(join(toolBin(tool, version), tool), ["--version"])
      ?.split(" ")
      .at(-1);
    if (says === version) continue;
    throw new Failure(
      `${tool} in ${toolBin(tool, version)} says it is ${says ?? "not runnable"}, package.json ("toolchain") pins ${version}.\n` +
        `Remove that version's folder and run again.`,
    );
  }
}
