/** `highway-wasm/engine` for Cloudflare Workers. */
import module from "../generated/full_bg.wasm";
import { full } from "../engine/runtime.js";
import { offerYaml } from "../workflow/runtime.js";

full.provide(() => module);
offerYaml(full);

export * from "../engine.js";
