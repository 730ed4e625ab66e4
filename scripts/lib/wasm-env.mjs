// The environment of every wasm build, lint and test.
import { delimiter, dirname, join } from "node:path";
import { cargoHome, inRoot } from "./paths.mjs";
import { routeBin } from "./target.mjs";
import { toolBin } from "./tools.mjs";
import { pinned } from "./versions.mjs";

/**
 * The environment for published builds. It uses the lean standard library if the route has one: the core is 4 KB (gzip)
 * smaller, and a panic is a trap without a message. With `debug`, panics print their message and place.
 */
export const publishedEnv = (route, { debug }) =>
  route.lean && !debug ? wasmEnv({ ...route, ...route.lean }) : wasmEnv(route);

/** `process.env`, and the variables that make cargo and wasm-pack use the chosen compiler, linker and wasm-bindgen. */
export function wasmEnv(route) {
  const bindgen = toolBin("wasm-bindgen", pinned["wasm-bindgen"]);
  const bins = [routeBin(route), bindgen, toolBin("wasm-pack", pinned["wasm-pack"]), process.env.PATH];
  const env = {
    ...process.env,
    // wasm-pack asks the first `rustc` in PATH whether the target is there, and calls rustup if it is not.
    PATH: bins.filter(Boolean).join(delimiter),
    // A separate target folder, because one compiler would otherwise discard what the other built.
    CARGO_TARGET_DIR: inRoot("target", "wasm32"),
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: join(bindgen, "wasm-bindgen-test-runner"),
  };
  // Published builds name no folder of this machine, although panic messages contain the path of their source.
  const renamed = { [cargoHome]: "/cargo", [inRoot()]: "/highway-wasm" };
  // Cargo identifies a compiler only by its version. With the sysroot's name in the flags, cargo builds again when the
  // sysroot changes.
  if (route.rustc) renamed[dirname(dirname(route.rustc))] = "/rust";
  const remap = Object.entries(renamed).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  const own = process.env.RUSTFLAGS?.split(" ").filter(Boolean) ?? [];
  env.CARGO_ENCODED_RUSTFLAGS = [...own, ...(route.flags ?? []), ...remap].join("\x1f");
  if (route.rustc) env.RUSTC = route.rustc;
  if (route.linker) env.CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER = route.linker;
  return env;
}
