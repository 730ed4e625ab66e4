/** `highway-wasm/engine` for Vercel's edge runtime. */
import module from "../generated/full_bg.wasm?module";
import { full } from "../engine/runtime.js";
import { offerYaml } from "../workflow/runtime.js";

full.provide(() => module);
offerYaml(full);

export * from "../engine.js";
