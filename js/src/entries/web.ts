/** Default entry for pages that load the module as a separate file, streamed and cached. Call `await init()` first. */
import { core } from "../wasm/runtime.js";
import { workflows } from "../workflow/runtime.js";

core.provideAsset(new URL("../generated/core_bg.wasm", import.meta.url));
workflows.provideAsset(new URL("../generated/workflow_bg.wasm", import.meta.url));

export * from "../index.js";
