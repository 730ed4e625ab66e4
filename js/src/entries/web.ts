/** For pages that want the module as a file of its own, streamed and cached: `await init()` first. */
import { core } from "../wasm/runtime.js";
import { workflows } from "../workflow/runtime.js";

core.provideAsset(new URL("../generated/core_bg.wasm", import.meta.url));
workflows.provideAsset(new URL("../generated/workflow_bg.wasm", import.meta.url));

export * from "../index.js";
