/** The full module: everything of the core, and the engine. */

import * as fullGlue from "../generated/full.js";
import { Runtime } from "../runtime.js";
import type { FullApi } from "../wasm-api.js";

/** @internal */
export const full: Runtime<FullApi> = new Runtime<FullApi>(fullGlue);
