/** The full module: the engine, YAML, and what the workflow module has. */

import * as fullGlue from "../generated/full.js";
import { Runtime } from "../wasm/runtime.js";
import type { FullApi } from "../wasm/wasm-api.js";

/** @internal */
export const full: Runtime<FullApi> = new Runtime<FullApi>(fullGlue, "init");
