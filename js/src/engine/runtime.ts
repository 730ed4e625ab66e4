/** The full module: the engine, YAML, and everything in the workflow module. */

import * as fullGlue from "../generated/full.js";
import { Runtime } from "../wasm/runtime.js";
import type { FullApi } from "../wasm/wasm-api.js";

/** @internal */
export const full: Runtime<FullApi> = new Runtime<FullApi>(fullGlue, "init");
