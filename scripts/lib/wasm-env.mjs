// The environment of every wasm build, lint and test.
import { delimiter, dirname, join } from "node:path";
import { cargoHome, inRoot } from "./paths.mjs";
import { routeBin } from "./target.mjs";
import { toolBin } from "./tools.mjs";
import { pinned } from "./versions.mjs";

/**
 * The environment for what is published. Where the route has a lean standard library, that is used: 4 KB (gzip) less of
 * the core, and a panic is a trap that says nothing. `debug` has panics say what happened and where.
 */
export const publishedEnv = (route, { debug }) =>
  route.lean && !debug ? wasmEnv({ ...route, ...route.lean }) : wasmEnv(route);

/** `process.env` plus what makes cargo and wasm-pack use the chosen compiler, linker and wasm-bindgen. */
export function wasmEnv(route) {
  const bindgen = toolBin("wasm-bindgen", pinned["wasm-bindgen"]);
  const bins = [routeBin(route), bindgen, toolBin("wasm-pack", pinned["wasm-pack"]), process.env.PATH];
  const env = {
    ...process.env,
    // wasm-pack asks the first `rustc` in PATH whether the target is there, and calls rustup when it is not.
    PATH: bins.filter(Boolean).join(delimiter),
    // Apart from the host's target folder: one compiler would otherwise evict what the other built.
    CARGO_TARGET_DIR: inRoot("target", "wasm32"),
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: join(bindgen, "wasm-bindgen-test-runner"),
  };
  // What is published names no folder of this machine: panic messages carry the path of their source.
  const renamed = { [cargoHome]: "/cargo", [inRoot()]: "/highway-wasm" };
  // Cargo knows a compiler by its version alone; a sysroot named in the flags has it build anew when the sysroot changes.
  if (route.rustc) renamed[dirname(dirname(route.rustc))] = "/rust";
  const remap = Object.entries(renamed).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  const own = process.env.RUSTFLAGS?.split(" ").filter(Boolean) ?? [];
  env.CARGO_ENCODED_RUSTFLAGS = [...own, ...(route.flags ?? []), ...remap].join("\x1f");
  if (route.rustc) env.RUSTC = route.rustc;
  if (route.linker) env.CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER = route.linker;
  return env;
}
