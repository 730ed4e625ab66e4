/** `highway-wasm/testing` with the module inside, instantiated synchronously at first use. */
import { embedded } from "../wasm/embedded.js";
import { deflated, size } from "../generated/full_bytes.js";
import { full } from "../engine/runtime.js";
import { offerYaml } from "../workflow/runtime.js";

full.provide(() => embedded(deflated, size));
offerYaml(full);

export * from "../testing.js";
