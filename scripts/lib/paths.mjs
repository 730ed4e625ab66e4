// The folders of the repository, and of this project's cache on the machine. All clones share the cache, so everything
// in it has a version in its name and is put there by an atomic rename.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/[\\/]$/, "");

export const cacheDir = process.env.HIGHWAY_WASM_CACHE
  ? resolve(process.env.HIGHWAY_WASM_CACHE)
  : join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "highway-wasm");

/** The folder where cargo keeps the sources of crates. */
export const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");

/** A path below the repository root. */
export const inRoot = (...parts) => join(root, ...parts);

/** A path below the project's cache. */
export const inCache = (...parts) => join(cacheDir, ...parts);

export const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
